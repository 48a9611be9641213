// The power spectrum in vectors of LANES: included once per backend, after LANES, FUSED, KERNEL(name) and lanes.h.
//
// The passes of the scalar kernel, whose butterflies r, r + 1 ... stand in the lanes. All arrays are indexed as argued
// there: 64 / LANES vectors of four inputs each, from 0 to 255.

#include "../spectrum_tables.h"

enum { spectrum_points = AK_SPECTRUM_INPUT / 2, spectrum_quarter = spectrum_points / 4 };

typedef struct spectrum_signal {
  _Alignas(64) float real[spectrum_points];
  _Alignas(64) float imaginary[spectrum_points];
} spectrum_signal;

// a * b - c
INLINE floats multiplied_subtracted(floats a, floats b, floats c) { return multiplied_added(a, b, -c); }

// The four outputs of a butterfly in place of its four inputs.
INLINE void butterfly(floats x[4], floats y[4]) {
  const floats even_sum_x = x[0] + x[2], even_sum_y = y[0] + y[2];
  const floats even_difference_x = x[0] - x[2], even_difference_y = y[0] - y[2];
  const floats odd_sum_x = x[1] + x[3], odd_sum_y = y[1] + y[3];
  const floats odd_difference_x = x[1] - x[3], odd_difference_y = y[1] - y[3];
  x[0] = even_sum_x + odd_sum_x, y[0] = even_sum_y + odd_sum_y;
  x[1] = even_difference_x + odd_difference_y, y[1] = even_difference_y - odd_difference_x;
  x[2] = even_sum_x - odd_sum_x, y[2] = even_sum_y - odd_sum_y;
  x[3] = even_difference_x - odd_difference_y, y[3] = even_difference_y + odd_difference_x;
}

INLINE void load_points(const spectrum_signal *from, size_t r, floats x[4], floats y[4]) {
  UNROLLED for (size_t j = 0; j < 4; j++) {
    x[j] = load(from->real + r + j * spectrum_quarter);
    y[j] = load(from->imaginary + r + j * spectrum_quarter);
  }
}

INLINE void twiddle(const float twiddles[3][2][spectrum_quarter], size_t r, floats x[4], floats y[4]) {
  UNROLLED for (size_t j = 1; j < 4; j++) {
    const floats c = load(twiddles[j - 1][0] + r), s = load(twiddles[j - 1][1] + r);
    const floats real = multiplied_subtracted(x[j], c, y[j] * s);
    y[j] = multiplied_added(x[j], s, y[j] * c);
    x[j] = real;
  }
}

// LANES even samples and as many odd ones, windowed.
INLINE void load_windowed(const float *input, const float *window, floats *even, floats *odd) {
#if LANES == 16
  const floats a = load(input) * load(window), b = load(input + LANES) * load(window + LANES);
  *even = SHUFFLED(a, b, EVENS);
  *odd = SHUFFLED(a, b, ODDS);
#else
  const floats a = load_blocks(input, 8) * load_blocks(window, 8);
  const floats b = load_blocks(input + 4, 8) * load_blocks(window + 4, 8);
  *even = SHUFFLED(a, b, BLOCK_EVENS);
  *odd = SHUFFLED(a, b, BLOCK_ODDS);
#endif
}

// Writes the blocks of four lanes of the vectors in turn: the first of each, the second of each, and so on.
INLINE void collect_blocks(float *p, const floats v[4]) {
#if LANES == 16
  const floats ab_lower = SHUFFLED(v[0], v[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  const floats ab_upper = SHUFFLED(v[0], v[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  const floats cd_lower = SHUFFLED(v[2], v[3], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  const floats cd_upper = SHUFFLED(v[2], v[3], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
#define EVEN_BLOCKS 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD_BLOCKS 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
  store(p, SHUFFLED(ab_lower, cd_lower, EVEN_BLOCKS));
  store(p + 16, SHUFFLED(ab_lower, cd_lower, ODD_BLOCKS));
  store(p + 32, SHUFFLED(ab_upper, cd_upper, EVEN_BLOCKS));
  store(p + 48, SHUFFLED(ab_upper, cd_upper, ODD_BLOCKS));
#undef EVEN_BLOCKS
#undef ODD_BLOCKS
#else
  UNROLLED for (size_t j = 0; j < 4; j++) { store_blocks(p + 4 * j, 16, v[j]); }
#endif
}

#if LANES == 16
#define REVERSED 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#elif LANES == 8
#define REVERSED 7, 6, 5, 4, 3, 2, 1, 0
#else
#define REVERSED 3, 2, 1, 0
#endif
INLINE floats reversed(floats v) { return SHUFFLED(v, v, REVERSED); }
#undef REVERSED

void KERNEL(power_spectrum)(const float *input, const float *window, float scale, float *power) {
  spectrum_signal a, b;
  floats x[4], y[4];
  for (size_t r = 0; r < spectrum_quarter; r += LANES) {
    UNROLLED for (size_t j = 0; j < 4; j++) {
      const size_t first = 2 * (r + j * spectrum_quarter);
      load_windowed(input + first, window + first, &x[j], &y[j]);
    }
    butterfly(x, y);
    twiddle(ak_spectrum_twiddles[0], r, x, y);
    collect_4(b.real + 4 * r, x);
    collect_4(b.imaginary + 4 * r, y);
  }
  for (size_t r = 0; r < spectrum_quarter; r += LANES) {
    load_points(&b, r, x, y);
    butterfly(x, y);
    twiddle(ak_spectrum_twiddles[1], r, x, y);
    collect_blocks(a.real + 4 * r, x);
    collect_blocks(a.imaginary + 4 * r, y);
  }
  for (size_t q = 0; q < 16; q += LANES) {
    floats u[4][4], v[4][4];
    UNROLLED for (size_t p = 0; p < 4; p++) {
      load_points(&a, q + 16 * p, u[p], v[p]);
      butterfly(u[p], v[p]);
      if (p > 0) twiddle(ak_spectrum_twiddles[2], q + 16 * p, u[p], v[p]);
    }
    UNROLLED for (size_t j = 0; j < 4; j++) {
      floats x[4] = {u[0][j], u[1][j], u[2][j], u[3][j]}, y[4] = {v[0][j], v[1][j], v[2][j], v[3][j]};
      butterfly(x, y);
      UNROLLED for (size_t p = 0; p < 4; p++) {
        store(a.real + q + 16 * j + spectrum_quarter * p, x[p]);
        store(a.imaginary + q + 16 * j + spectrum_quarter * p, y[p]);
      }
    }
  }

  const float sum = a.real[0] + a.imaginary[0], difference = a.real[0] - a.imaginary[0];
  power[0] = sum * sum * scale;
  power[spectrum_points] = difference * difference * scale;
  // k from 1 to 128, and 256 - k from 255 down to 128: where the last two vectors meet, they write the same.
  const floats quarter_scale = (floats)(scale * 0.25f);
  for (size_t k = 1; k <= spectrum_points / 2; k += LANES) {
    const size_t mirrored = spectrum_points - k - (LANES - 1);
    const floats c = load(ak_spectrum_untangling[0] + k - 1), s = load(ak_spectrum_untangling[1] + k - 1);
    const floats lower_x = load(a.real + k), lower_y = load(a.imaginary + k);
    const floats upper_x = reversed(load(a.real + mirrored)), upper_y = reversed(load(a.imaginary + mirrored));
    const floats even_x = lower_x + upper_x, even_y = lower_y - upper_y;
    const floats odd_x = lower_x - upper_x, odd_y = lower_y + upper_y;
    const floats turned_x = multiplied_subtracted(odd_x, c, odd_y * s);
    const floats turned_y = multiplied_added(odd_x, s, odd_y * c);
    const floats u = even_x - turned_x, v = even_y - turned_y;
    const floats w = even_x + turned_x, z = even_y + turned_y;
    store(power + mirrored, reversed(multiplied_added(u, u, v * v) * quarter_scale));
    store(power + k, multiplied_added(w, w, z * z) * quarter_scale);
  }
}
