// Fourier transforms, the power spectrum, and what stands between a transform and its opposite: the specification.

#include "../backends.h"
#include "../spectrum_tables.h"

#pragma STDC FP_CONTRACT OFF

#define INLINE static inline __attribute__((always_inline))

// MARK: Passes

// Complex points, their parts apart.
typedef struct signal {
  float *real, *imaginary;
} signal;

// The outputs of a butterfly in place of its inputs.
INLINE void butterfly(size_t radix, float x[4], float y[4]) {
  if (radix == 4) {
    const float even_sum_x = x[0] + x[2], even_sum_y = y[0] + y[2];
    const float even_difference_x = x[0] - x[2], even_difference_y = y[0] - y[2];
    const float odd_sum_x = x[1] + x[3], odd_sum_y = y[1] + y[3];
    const float odd_difference_x = x[1] - x[3], odd_difference_y = y[1] - y[3];
    x[0] = even_sum_x + odd_sum_x, y[0] = even_sum_y + odd_sum_y;
    x[1] = even_difference_x + odd_difference_y, y[1] = even_difference_y - odd_difference_x;
    x[2] = even_sum_x - odd_sum_x, y[2] = even_sum_y - odd_sum_y;
    x[3] = even_difference_x - odd_difference_y, y[3] = even_difference_y + odd_difference_x;
  } else if (radix == 3) {
    const float sum_x = x[1] + x[2], sum_y = y[1] + y[2];
    const float difference_x = x[1] - x[2], difference_y = y[1] - y[2];
    const float middle_x = x[0] - 0.5f * sum_x, middle_y = y[0] - 0.5f * sum_y;
    x[0] += sum_x, y[0] += sum_y;
    x[1] = middle_x + AK_SINE_THIRD * difference_y, y[1] = middle_y - AK_SINE_THIRD * difference_x;
    x[2] = middle_x - AK_SINE_THIRD * difference_y, y[2] = middle_y + AK_SINE_THIRD * difference_x;
  } else {
    const float difference_x = x[0] - x[1], difference_y = y[0] - y[1];
    x[0] += x[1], y[0] += y[1];
    x[1] = difference_x, y[1] = difference_y;
  }
}

// Writes stride * (radix * p + j) + q for p < point_count / (radix * stride), j < radix and q < stride: each index
// below point_count once. Inlined where the radix is known, since the butterflies are then straight code.
INLINE void transform_pass(
    size_t point_count, size_t stride, size_t radix, int is_last, const float *restrict twiddles, signal from,
    signal to) {
  const size_t part = point_count / radix;
  float *restrict const to_real = to.real, *restrict const to_imaginary = to.imaginary;
  for (size_t p = 0; p < part / stride; p++) {
    for (size_t q = 0; q < stride; q++) {
      const size_t r = stride * p + q, target = stride * radix * p + q;
      float x[4], y[4];
      for (size_t j = 0; j < radix; j++) {
        x[j] = from.real[r + j * part];
        y[j] = from.imaginary[r + j * part];
      }
      butterfly(radix, x, y);
      for (size_t j = 0; j < radix; j++) {
        float real = x[j], imaginary = y[j];
        if (j > 0 && !is_last) {
          const size_t factor = stride < 16 ? (j - 1) * 2 * part + r : (p * (radix - 1) + j - 1) * 2;
          const float c = twiddles[factor], s = twiddles[factor + (stride < 16 ? part : 1)];
          real = x[j] * c - y[j] * s;
          imaginary = x[j] * s + y[j] * c;
        }
        to_real[target + stride * j] = real;
        to_imaginary[target + stride * j] = imaginary;
      }
    }
  }
}

// Transforms what is in `a`, and returns in which of the two signals the result is.
static signal transform_points(const ak_transform *transform, signal a, signal b) {
  const size_t count = transform->point_count;
  const float *twiddles = transform->twiddles;
  for (size_t stride = 1; stride < count;) {
    const size_t radix = ak_transform_radix(count / stride);
    if (radix == 4) {
      transform_pass(count, stride, 4, stride * 4 == count, twiddles, a, b);
    } else if (radix == 3) {
      transform_pass(count, stride, 3, stride * 3 == count, twiddles, a, b);
    } else {
      transform_pass(count, stride, 2, stride * 2 == count, twiddles, a, b);
    }
    twiddles += 2 * (radix - 1) * (stride < 16 ? count / radix : count / radix / stride);
    stride *= radix;
    const signal result = b;
    b = a;
    a = result;
  }
  return a;
}

// MARK: Real samples

// Even samples as real parts, odd ones as imaginary parts.
static void take_samples(const float *input, const float *window, signal points, size_t count) {
  for (size_t i = 0; i < count; i++) {
    points.real[i] = input[2 * i] * window[2 * i];
    points.imaginary[i] = input[2 * i + 1] * window[2 * i + 1];
  }
}

typedef struct complex_pair {
  float lower_x, lower_y; // at k
  float upper_x, upper_y; // of the conjugate at point_count - k
} complex_pair;

// Twice the transform of all samples, from that of the points. With Z the latter, the even samples' is (Z[k] + conj
// Z[point_count - k]) / 2, that of the odd ones the difference by 2i, and the sum or the difference of the first and
// exp(-2 pi i * k / (2 * point_count)) times the second is that of all at k and (conjugate) at point_count - k.
static complex_pair untangled(const ak_transform *transform, signal points, size_t k) {
  const size_t count = transform->point_count;
  const float c = transform->untangling[k - 1], s = transform->untangling[count / 2 + k - 1];
  const float x = points.real[k], y = points.imaginary[k];
  const float mirrored_x = points.real[count - k], mirrored_y = points.imaginary[count - k];
  const float even_x = x + mirrored_x, even_y = y - mirrored_y;
  const float odd_x = x - mirrored_x, odd_y = y + mirrored_y;
  const float turned_x = odd_x * c - odd_y * s, turned_y = odd_x * s + odd_y * c;
  return (complex_pair){even_x + turned_x, even_y + turned_y, even_x - turned_x, even_y - turned_y};
}

void ak_scalar_power_spectrum(const float *input, const float *window, float scale, float *power) {
  enum { count = AK_SPECTRUM_INPUT / 2 };
  float scratch[4][count];
  const signal a = {scratch[0], scratch[1]}, b = {scratch[2], scratch[3]};
  take_samples(input, window, a, count);
  // The passes of transform_points, of sizes that the compiler knows: it takes a third of the time.
  transform_pass(count, 1, 4, 0, ak_spectrum_twiddles, a, b);
  transform_pass(count, 4, 4, 0, ak_spectrum_twiddles + 6 * (count / 4), b, a);
  transform_pass(count, 16, 4, 0, ak_spectrum_twiddles + 12 * (count / 4), a, b);
  transform_pass(count, 64, 4, 1, NULL, b, a);
  const float sum = a.real[0] + a.imaginary[0], difference = a.real[0] - a.imaginary[0];
  power[0] = sum * sum * scale;
  power[count] = difference * difference * scale;
  const float quarter_scale = scale * 0.25f;
  for (size_t k = 1; k <= count / 2; k++) {
    const complex_pair both = untangled(&ak_spectrum_transform, a, k);
    power[count - k] = (both.upper_x * both.upper_x + both.upper_y * both.upper_y) * quarter_scale;
    power[k] = (both.lower_x * both.lower_x + both.lower_y * both.lower_y) * quarter_scale;
  }
}

void ak_scalar_forward_transform(
    const ak_transform *transform, const float *input, const float *window, float *real, float *imaginary,
    float *scratch) {
  const size_t count = transform->point_count;
  signal a = {scratch, scratch + count};
  take_samples(input, window, a, count);
  a = transform_points(transform, a, (signal){scratch + 2 * count, scratch + 3 * count});
  real[0] = a.real[0] + a.imaginary[0];
  real[count] = a.real[0] - a.imaginary[0];
  imaginary[0] = imaginary[count] = 0.0f;
  for (size_t k = 1; k <= count / 2; k++) {
    const complex_pair both = untangled(transform, a, k);
    real[count - k] = both.upper_x * 0.5f;
    imaginary[count - k] = both.upper_y * -0.5f;
    real[k] = both.lower_x * 0.5f;
    imaginary[k] = both.lower_y * 0.5f;
  }
}

void ak_scalar_inverse_transform(
    const ak_transform *transform, const float *real, const float *imaginary, float *output, float *scratch) {
  const size_t count = transform->point_count;
  const float scale = 0.5f / (float)count;
  // Real and imaginary parts change places before and behind the transform, which so becomes its opposite.
  const signal a = {scratch, scratch + count}, b = {scratch + 2 * count, scratch + 3 * count};
  a.imaginary[0] = (real[0] + real[count]) * scale;
  a.real[0] = (real[0] - real[count]) * scale;
  for (size_t k = 1; k <= count / 2; k++) {
    // What untangles, backwards.
    const float c = transform->untangling[k - 1], s = transform->untangling[count / 2 + k - 1];
    const float x = real[k], y = imaginary[k];
    const float mirrored_x = real[count - k], mirrored_y = imaginary[count - k];
    const float even_x = x + mirrored_x, even_y = y - mirrored_y;
    const float turned_x = x - mirrored_x, turned_y = y + mirrored_y;
    const float odd_x = turned_x * c + turned_y * s, odd_y = turned_y * c - turned_x * s;
    a.imaginary[count - k] = (even_x - odd_x) * scale;
    a.real[count - k] = (odd_y - even_y) * scale;
    a.imaginary[k] = (even_x + odd_x) * scale;
    a.real[k] = (even_y + odd_y) * scale;
  }
  const signal result = transform_points(transform, a, b);
  for (size_t i = 0; i < count; i++) {
    output[2 * i] = result.imaginary[i];
    output[2 * i + 1] = result.real[i];
  }
}

// MARK: Elementwise

void ak_scalar_power_of(const float *real, const float *imaginary, float scale, float *power, size_t count) {
  for (size_t k = 0; k < count; k++) {
    power[k] = scale * (real[k] * real[k] + imaginary[k] * imaginary[k]);
  }
}

void ak_scalar_multiply(const float *a, const float *b, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    output[i] = a[i] * b[i];
  }
}

void ak_scalar_multiply_add(const float *a, const float *b, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    output[i] += a[i] * b[i];
  }
}
