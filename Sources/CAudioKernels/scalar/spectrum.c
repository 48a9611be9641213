// The power spectrum: the specification.

#include "../backends.h"
#include "../spectrum_tables.h"

#pragma STDC FP_CONTRACT OFF

enum { points = AK_SPECTRUM_INPUT / 2, quarter = points / 4 };

typedef struct signal {
  float real[points], imaginary[points];
} signal;

// One pass of a transform by radix 4 that sorts itself (Stockham's): `stride` interleaved transforms of 256 / stride
// points become 4 * stride of a quarter of that. Writes stride * (4 * p + j) + q for p < 64 / stride, j < 4 and q <
// stride: each index from 0 to 255 once.
static void transform_pass(size_t stride, const float (*twiddles)[2][quarter], const signal *from, signal *to) {
  for (size_t r = 0; r < quarter; r++) {
    const float *x = from->real + r, *y = from->imaginary + r;
    const float even_sum_x = x[0] + x[2 * quarter], even_sum_y = y[0] + y[2 * quarter];
    const float even_difference_x = x[0] - x[2 * quarter], even_difference_y = y[0] - y[2 * quarter];
    const float odd_sum_x = x[quarter] + x[3 * quarter], odd_sum_y = y[quarter] + y[3 * quarter];
    const float odd_difference_x = x[quarter] - x[3 * quarter], odd_difference_y = y[quarter] - y[3 * quarter];
    const float of_x[4] = {
        even_sum_x + odd_sum_x, even_difference_x + odd_difference_y, even_sum_x - odd_sum_x,
        even_difference_x - odd_difference_y};
    const float of_y[4] = {
        even_sum_y + odd_sum_y, even_difference_y - odd_difference_x, even_sum_y - odd_sum_y,
        even_difference_y + odd_difference_x};
    const size_t target = stride * 4 * (r / stride) + r % stride;
    for (size_t j = 0; j < 4; j++) {
      float real = of_x[j], imaginary = of_y[j];
      if (j > 0 && twiddles) {
        const float c = twiddles[j - 1][0][r], s = twiddles[j - 1][1][r];
        real = of_x[j] * c - of_y[j] * s;
        imaginary = of_x[j] * s + of_y[j] * c;
      }
      to->real[target + stride * j] = real;
      to->imaginary[target + stride * j] = imaginary;
    }
  }
}

void ak_scalar_power_spectrum(const float *input, const float *window, float scale, float *power) {
  // Even samples as real parts, odd ones as imaginary parts.
  signal a, b;
  for (size_t i = 0; i < points; i++) {
    a.real[i] = input[2 * i] * window[2 * i];
    a.imaginary[i] = input[2 * i + 1] * window[2 * i + 1];
  }
  transform_pass(1, ak_spectrum_twiddles[0], &a, &b);
  transform_pass(4, ak_spectrum_twiddles[1], &b, &a);
  transform_pass(16, ak_spectrum_twiddles[2], &a, &b);
  transform_pass(64, NULL, &b, &a);

  // With Z the transform, the even samples' is (Z[k] + conj Z[256 - k]) / 2, that of the odd ones the difference by 2i,
  // and the sum or the difference of the first and exp(-2 pi i * k / 512) times the second is that of all at k and
  // (conjugate) at 256 - k.
  const float sum = a.real[0] + a.imaginary[0], difference = a.real[0] - a.imaginary[0];
  power[0] = sum * sum * scale;
  power[points] = difference * difference * scale;
  const float quarter_scale = scale * 0.25f;
  for (size_t k = 1; k <= points / 2; k++) {
    const float c = ak_spectrum_untangling[0][k - 1], s = ak_spectrum_untangling[1][k - 1];
    const float x = a.real[k], y = a.imaginary[k];
    const float mirrored_x = a.real[points - k], mirrored_y = a.imaginary[points - k];
    const float even_x = x + mirrored_x, even_y = y - mirrored_y;
    const float odd_x = x - mirrored_x, odd_y = y + mirrored_y;
    const float turned_x = odd_x * c - odd_y * s, turned_y = odd_x * s + odd_y * c;
    const float upper_x = even_x - turned_x, upper_y = even_y - turned_y;
    const float lower_x = even_x + turned_x, lower_y = even_y + turned_y;
    power[points - k] = (upper_x * upper_x + upper_y * upper_y) * quarter_scale;
    power[k] = (lower_x * lower_x + lower_y * lower_y) * quarter_scale;
  }
}
