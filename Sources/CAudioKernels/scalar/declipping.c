// Rebuilds samples that were cut off, as an autoregressive process would have them.

#include <math.h>

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

// How often samples that came out on the wrong side of their rail are put on it and the others are found anew.
enum { pass_count = 3 };

// Of the power: what makes the equations solvable where the signal has none at some frequencies.
static const double ridge = 1e-9;

size_t ak_declipping_scratch_count(size_t window_count, size_t unknown_count, size_t order) {
  // Prediction, its last version, correlation, correlation of the prediction; window, residual; equations, their right
  // sides, places.
  return 4 * (order + 1) + 2 * window_count + unknown_count * (order + 1) + 2 * unknown_count;
}

// The predictor of least error for a correlation, by N. Levinson's and J. Durbin's recursion; prediction[0] is 1.
static int find_predictor(const double *restrict correlation, size_t order, double *restrict a, double *restrict last) {
  double error = correlation[0];
  if (!(error > 0)) {
    return 0;
  }
  a[0] = 1;
  for (size_t m = 1; m <= order; m++) {
    double sum = correlation[m];
    for (size_t k = 1; k < m; k++) {
      sum += a[k] * correlation[m - k];
    }
    double reflection = -sum / error;
    for (size_t k = 1; k < m; k++) {
      last[k] = a[k];
    }
    for (size_t k = 1; k < m; k++) {
      a[k] = last[k] + reflection * last[m - k];
    }
    a[m] = reflection;
    error *= 1 - reflection * reflection;
    if (!(error > 0)) {
      // Rounding has eaten what is left to predict: the predictor is as good as it can be.
      for (size_t k = m + 1; k <= order; k++) {
        a[k] = 0;
      }
      return 1;
    }
  }
  return 1;
}

// Solves a symmetric, positive set of equations by A.-L. Cholesky's decomposition, in place: band[i * (order + 1) + d]
// is the coefficient of unknown i - d in equation i.
static int solve(double *restrict band, size_t n, size_t order, double *restrict right) {
  const size_t stride = order + 1;
  for (size_t i = 0; i < n; i++) {
    size_t first = i > order ? i - order : 0;
    double *row = band + i * stride;
    for (size_t j = first; j <= i; j++) {
      const double *other = band + j * stride;
      size_t from = j > order ? j - order : 0;
      from = from > first ? from : first;
      double sum = row[i - j];
      for (size_t k = from; k < j; k++) {
        sum -= row[i - k] * other[j - k];
      }
      if (j < i) {
        row[i - j] = sum / other[0];
      } else if (sum > 0) {
        row[0] = sqrt(sum);
      } else {
        return 0;
      }
    }
  }
  for (size_t i = 0; i < n; i++) {
    double sum = right[i];
    for (size_t d = 1; d <= order && d <= i; d++) {
      sum -= band[i * stride + d] * right[i - d];
    }
    right[i] = sum / band[i * stride];
  }
  for (size_t i = n; i-- > 0;) {
    double sum = right[i];
    for (size_t d = 1; d <= order && i + d < n; d++) {
      sum -= band[(i + d) * stride + d] * right[i + d];
    }
    right[i] = sum / band[i * stride];
  }
  return 1;
}

int ak_rebuild_clipped(
    double *window, const signed char *rails, size_t count, size_t history_count, double upper, double lower,
    size_t order, double *scratch) {
  const size_t stride = order + 1;
  double *a = scratch;
  double *last = a + stride;
  double *correlation = last + stride;
  double *products = correlation + stride;
  double *weighted = products + stride;
  double *residual = weighted + count;
  double *places = residual + count;

  double mean = 0;
  for (size_t i = 0; i < count; i++) {
    mean += window[i];
  }
  mean /= (double)count;
  for (size_t i = 0; i < count; i++) {
    window[i] -= mean;
    double x = (2 * (double)i + 1) / (double)count - 1;
    double weight = 1 - x * x;
    weighted[i] = window[i] * weight * weight;
  }
  for (size_t k = 0; k <= order; k++) {
    correlation[k] = 0;
  }
  // By lags within samples, so that neighbouring lags go through one vector.
  for (size_t i = 0; i + order < count; i++) {
    for (size_t k = 0; k <= order; k++) {
      correlation[k] += weighted[i] * weighted[i + k];
    }
  }
  for (size_t i = count > order ? count - order : 0; i < count; i++) {
    for (size_t k = 0; i + k < count; k++) {
      correlation[k] += weighted[i] * weighted[i + k];
    }
  }
  correlation[0] *= 1 + ridge;
  if (!find_predictor(correlation, order, a, last)) {
    return 0;
  }
  for (size_t d = 0; d <= order; d++) {
    products[d] = 0;
    for (size_t k = 0; k + d <= order; k++) {
      products[d] += a[k] * a[k + d];
    }
  }

  // Rails as they are without the mean.
  const double levels[2] = {upper - mean, -lower - mean};
  size_t unknown_count = 0;
  for (size_t i = history_count; i < count; i++) {
    unknown_count += rails[i] != 0;
  }
  double *right = places + unknown_count;
  double *band = right + unknown_count;
  size_t n = 0;
  for (size_t i = history_count; i < count; i++) {
    if (rails[i] != 0) {
      places[n++] = (double)i;
    }
  }

  for (int pass = 0; pass < pass_count && n > 0; pass++) {
    // The samples that make the sum of the squared errors of prediction least, up to the last sample of the window: so
    // A. J. E. M. Janssen, R. N. J. Veldhuis and L. B. Vries, "Adaptive interpolation of discrete-time signals that can
    // be modeled as autoregressive processes", IEEE Transactions on Acoustics, Speech and Signal Processing 34(2), 1986.
    for (size_t i = 0; i < n; i++) {
      window[(size_t)places[i]] = 0;
    }
    size_t first = (size_t)places[0];
    size_t end = (size_t)places[n - 1] + order + 1;
    end = end < count ? end : count;
    for (size_t t = first; t < end; t++) {
      double sum = 0;
      size_t reach = t < order ? t : order;
      for (size_t k = 0; k <= reach; k++) {
        sum += a[k] * window[t - k];
      }
      residual[t] = sum;
    }
    for (size_t i = 0; i < n; i++) {
      size_t place = (size_t)places[i];
      double sum = 0;
      for (size_t k = 0; k <= order && place + k < count; k++) {
        sum -= a[k] * residual[place + k];
      }
      right[i] = sum;
      for (size_t d = 0; d <= order; d++) {
        double product = 0;
        if (d <= i) {
          size_t earlier = (size_t)places[i - d];
          size_t distance = place - earlier;
          if (distance <= order) {
            if (earlier + order < count) {
              product = products[distance];
            } else {
              // The window ends before the earlier one's last error.
              for (size_t k = 0; k + distance <= order && place + k < count; k++) {
                product += a[k] * a[k + distance];
              }
            }
          }
        }
        band[i * stride + d] = product;
      }
      band[i * stride] += ridge * products[0];
    }
    if (!solve(band, n, order, right)) {
      return 0;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
      size_t place = (size_t)places[i];
      double value = right[i];
      double level = levels[rails[place] > 0 ? 0 : 1];
      if (rails[place] > 0 ? value >= level : value <= level) {
        window[place] = value;
        places[kept++] = places[i];
      } else {
        window[place] = level;
      }
    }
    if (kept == n) {
      break;
    }
    n = kept;
  }
  for (size_t i = 0; i < count; i++) {
    window[i] += mean;
  }
  return 1;
}
