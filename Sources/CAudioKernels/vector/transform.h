// Fourier transforms and the power spectrum in vectors of LANES: included once per backend, after LANES, FUSED,
// KERNEL(name), lanes.h and network.h.
//
// The passes of the scalar kernels, whose butterflies r, r + 1 ... stand in the lanes. From stride 16 on, these are
// neighbours in each of the interleaved transforms, and two passes are done at once, so that points are loaded and
// stored half as often. All arrays are indexed as argued there.

#include "../spectrum_tables.h"

// MARK: Passes

// Complex points, their parts apart.
typedef struct signal {
  float *real, *imaginary;
} signal;

// a * b - c
INLINE floats multiplied_subtracted(floats a, floats b, floats c) { return multiplied_added(a, b, -c); }

// The four outputs of a butterfly in place of its four inputs.
INLINE void butterfly_4(floats x[4], floats y[4]) {
  const floats even_sum_x = x[0] + x[2], even_sum_y = y[0] + y[2];
  const floats even_difference_x = x[0] - x[2], even_difference_y = y[0] - y[2];
  const floats odd_sum_x = x[1] + x[3], odd_sum_y = y[1] + y[3];
  const floats odd_difference_x = x[1] - x[3], odd_difference_y = y[1] - y[3];
  x[0] = even_sum_x + odd_sum_x, y[0] = even_sum_y + odd_sum_y;
  x[1] = even_difference_x + odd_difference_y, y[1] = even_difference_y - odd_difference_x;
  x[2] = even_sum_x - odd_sum_x, y[2] = even_sum_y - odd_sum_y;
  x[3] = even_difference_x - odd_difference_y, y[3] = even_difference_y + odd_difference_x;
}

INLINE void butterfly_3(floats x[3], floats y[3]) {
  const floats sum_x = x[1] + x[2], sum_y = y[1] + y[2];
  const floats difference_x = x[1] - x[2], difference_y = y[1] - y[2];
  const floats middle_x = x[0] - 0.5f * sum_x, middle_y = y[0] - 0.5f * sum_y, sine = (floats)AK_SINE_THIRD;
  x[0] += sum_x, y[0] += sum_y;
  x[1] = multiplied_added(difference_y, sine, middle_x), y[1] = multiplied_added(difference_x, -sine, middle_y);
  x[2] = multiplied_added(difference_y, -sine, middle_x), y[2] = multiplied_added(difference_x, sine, middle_y);
}

INLINE void butterfly_2(floats x[2], floats y[2]) {
  const floats difference_x = x[0] - x[1], difference_y = y[0] - y[1];
  x[0] += x[1], y[0] += y[1];
  x[1] = difference_x, y[1] = difference_y;
}

INLINE void butterfly(size_t radix, floats x[4], floats y[4]) {
  if (radix == 4) {
    butterfly_4(x, y);
  } else if (radix == 3) {
    butterfly_3(x, y);
  } else {
    butterfly_2(x, y);
  }
}

INLINE void turn(floats *x, floats *y, floats c, floats s) {
  const floats real = multiplied_subtracted(*x, c, *y * s);
  *y = multiplied_added(*x, s, *y * c);
  *x = real;
}

// By factors of a pass of stride 1 or 4, one for each butterfly from r on.
INLINE void twiddle(const float *twiddles, size_t quarter, size_t r, floats x[4], floats y[4]) {
  UNROLLED for (size_t j = 1; j < 4; j++) {
    const float *factors = twiddles + (j - 1) * 2 * quarter + r;
    turn(&x[j], &y[j], load(factors), load(factors + quarter));
  }
}

// By factors of a pass of stride 16 or more, the same for all butterflies.
INLINE void twiddle_alike(const float *factors, size_t radix, floats x[4], floats y[4]) {
  UNROLLED for (size_t j = 1; j < radix; j++) {
    turn(&x[j], &y[j], (floats)factors[2 * (j - 1)], (floats)factors[2 * (j - 1) + 1]);
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

// Where the vector starts that is due at r: not behind the one that ends with the butterflies, which are no multiple of
// 16 in a transform of 96 points.
INLINE size_t vector_start(size_t r, size_t count) { return r + LANES <= count ? r : count - LANES; }

// The pass of stride 1: of windowed samples where there is `input`, else of `from`.
INLINE void first_pass(
    const ak_transform *transform, const float *input, const float *window, signal from, signal to) {
  const size_t quarter = transform->point_count / 4;
  for (size_t next = 0; next < quarter; next += LANES) {
    const size_t r = vector_start(next, quarter);
    floats x[4], y[4];
    UNROLLED for (size_t j = 0; j < 4; j++) {
      const size_t i = r + j * quarter;
      if (input) {
        load_windowed(input + 2 * i, window + 2 * i, &x[j], &y[j]);
      } else {
        x[j] = load(from.real + i), y[j] = load(from.imaginary + i);
      }
    }
    butterfly_4(x, y);
    twiddle(transform->twiddles, quarter, r, x, y);
    collect_4(to.real + 4 * r, x);
    collect_4(to.imaginary + 4 * r, y);
  }
}

// The pass of stride 4.
INLINE void second_pass(const ak_transform *transform, signal from, signal to) {
  const size_t quarter = transform->point_count / 4;
  for (size_t next = 0; next < quarter; next += LANES) {
    const size_t r = vector_start(next, quarter);
    floats x[4], y[4];
    UNROLLED for (size_t j = 0; j < 4; j++) {
      x[j] = load(from.real + r + j * quarter), y[j] = load(from.imaginary + r + j * quarter);
    }
    butterfly_4(x, y);
    twiddle(transform->twiddles + 6 * quarter, quarter, r, x, y);
    collect_blocks(to.real + 4 * r, x);
    collect_blocks(to.imaginary + 4 * r, y);
  }
}

// Where a pass puts its points: where there is `samples`, their imaginary and real parts in turn.
typedef struct pass_output {
  signal points;
  float *samples;
} pass_output;

INLINE void store_points(pass_output to, size_t i, floats x, floats y) {
  if (to.samples) {
    const floats both[2] = {y, x};
    collect_2(to.samples + 2 * i, both);
  } else {
    store(to.points.real + i, x);
    store(to.points.imaginary + i, y);
  }
}

// A pass of radix `first` and, where `second` is not 1, the next one of that radix. After it, the butterflies p + i *
// `group_count` of the first pass, for i < second, are the inputs of `first` butterflies of the second.
INLINE void pass_pair(
    size_t first, size_t second, int is_last, size_t point_count, size_t stride, const float *twiddles, signal from,
    pass_output to) {
  const size_t part = point_count / first, group_count = is_last ? 1 : part / second / stride;
  const float *second_twiddles = twiddles + 2 * (first - 1) * (part / stride);
  for (size_t p = 0; p < group_count; p++) {
    for (size_t q = 0; q < stride; q += LANES) {
      floats u[4][4], v[4][4];
      UNROLLED for (size_t i = 0; i < second; i++) {
        const size_t butterfly_index = p + i * group_count, source = stride * butterfly_index + q;
        UNROLLED for (size_t j = 0; j < first; j++) {
          u[i][j] = load(from.real + source + j * part), v[i][j] = load(from.imaginary + source + j * part);
        }
        butterfly(first, u[i], v[i]);
        // The factors of the first butterfly are 1.
        if (!is_last || i > 0) twiddle_alike(twiddles + 2 * (first - 1) * butterfly_index, first, u[i], v[i]);
      }
      UNROLLED for (size_t j = 0; j < first; j++) {
        floats x[4], y[4];
        UNROLLED for (size_t i = 0; i < second; i++) { x[i] = u[i][j], y[i] = v[i][j]; }
        if (second > 1) {
          butterfly(second, x, y);
          if (!is_last) twiddle_alike(second_twiddles + 2 * (second - 1) * p, second, x, y);
        }
        UNROLLED for (size_t i = 0; i < second; i++) {
          store_points(to, stride * (first * (second * p + i) + j) + q, x[i], y[i]);
        }
      }
    }
  }
}

#define PASSES(name, first, second, is_last)                                                                           \
  static void name(size_t point_count, size_t stride, const float *twiddles, signal from, pass_output to) {            \
    pass_pair(first, second, is_last, point_count, stride, twiddles, from, to);                                        \
  }
PASSES(passes_4, 4, 1, 0)
PASSES(passes_4_4, 4, 4, 0)
PASSES(last_passes_4, 4, 1, 1)
PASSES(last_passes_4_4, 4, 4, 1)
PASSES(last_passes_4_3, 4, 3, 1)
PASSES(last_passes_4_2, 4, 2, 1)
PASSES(last_passes_3_2, 3, 2, 1)
#undef PASSES

// Two signals in scratch memory, from the start of a cache line on.
INLINE void place_signals(float *scratch, size_t point_count, signal *a, signal *b) {
  float *start = scratch + (-((uintptr_t)scratch / sizeof *scratch) & 15);
  *a = (signal){start, start + point_count};
  *b = (signal){start + 2 * point_count, start + 3 * point_count};
}

// Transforms windowed samples, or what is in `a` where there is no input. The result is in the signal that is returned,
// or in `samples` where there are such.
INLINE signal transform_points(
    const ak_transform *transform, const float *input, const float *window, signal a, signal b, float *samples) {
  const size_t count = transform->point_count;
  first_pass(transform, input, window, a, b);
  second_pass(transform, b, a);
  size_t stride = 16, left = count / stride;
  const float *twiddles = transform->twiddles + 3 * count;
  if (left == 4) {
    last_passes_4(count, stride, twiddles, a, (pass_output){b, samples});
    return b;
  }
  // Of these lengths, an odd number of passes is left: one is done alone.
  if (left > 16 && left <= 64) {
    passes_4(count, stride, twiddles, a, (pass_output){b, NULL});
    twiddles += 6 * (left / 4);
    left /= 4, stride *= 4;
    const signal result = b;
    b = a, a = result;
  } else if (left > 64) {
    passes_4_4(count, stride, twiddles, a, (pass_output){b, NULL});
    twiddles += 6 * (left / 4) + 6 * (left / 16);
    left /= 16, stride *= 16;
    const signal result = b;
    b = a, a = result;
  }
  const pass_output last = {b, samples};
  switch (left) {
  case 16:
    last_passes_4_4(count, stride, twiddles, a, last);
    break;
  case 12:
    last_passes_4_3(count, stride, twiddles, a, last);
    break;
  case 8:
    last_passes_4_2(count, stride, twiddles, a, last);
    break;
  default:
    last_passes_3_2(count, stride, twiddles, a, last);
  }
  return b;
}

// MARK: Real samples

// LANES results of the scalar kernels' untangling, from k on.
typedef struct complex_pairs {
  floats lower_x, lower_y;
  floats upper_x, upper_y; // from point_count - k down
} complex_pairs;

INLINE complex_pairs untangled(const ak_transform *transform, signal points, size_t k) {
  const size_t count = transform->point_count, mirrored = count - k - (LANES - 1);
  const floats c = load(transform->untangling + k - 1), s = load(transform->untangling + count / 2 + k - 1);
  const floats x = load(points.real + k), y = load(points.imaginary + k);
  const floats mirrored_x = reversed(load(points.real + mirrored));
  const floats mirrored_y = reversed(load(points.imaginary + mirrored));
  const floats even_x = x + mirrored_x, even_y = y - mirrored_y;
  floats odd_x = x - mirrored_x, odd_y = y + mirrored_y;
  turn(&odd_x, &odd_y, c, s);
  return (complex_pairs){even_x + odd_x, even_y + odd_y, even_x - odd_x, even_y - odd_y};
}

// In the following, k goes from 1 to point_count / 2, a multiple of 16, and point_count - k down to there: where the
// last two vectors meet, they write the same.

void KERNEL(power_spectrum)(const float *input, const float *window, float scale, float *power) {
  enum { count = AK_SPECTRUM_INPUT / 2 };
  float scratch[4 * count + 15];
  signal a, b;
  place_signals(scratch, count, &a, &b);
  // The passes of transform_points, of sizes that the compiler knows, which takes up to a third less time.
  first_pass(&ak_spectrum_transform, input, window, a, b);
  second_pass(&ak_spectrum_transform, b, a);
  pass_pair(4, 4, 1, count, 16, ak_spectrum_twiddles + 3 * count, a, (pass_output){b, NULL});
  a = b;
  const float sum = a.real[0] + a.imaginary[0], difference = a.real[0] - a.imaginary[0];
  power[0] = sum * sum * scale;
  power[count] = difference * difference * scale;
  const floats quarter_scale = (floats)(scale * 0.25f);
  for (size_t k = 1; k <= count / 2; k += LANES) {
    const complex_pairs both = untangled(&ak_spectrum_transform, a, k);
    const floats lower = multiplied_added(both.lower_x, both.lower_x, both.lower_y * both.lower_y);
    const floats upper = multiplied_added(both.upper_x, both.upper_x, both.upper_y * both.upper_y);
    store(power + count - k - (LANES - 1), reversed(upper * quarter_scale));
    store(power + k, lower * quarter_scale);
  }
}

void KERNEL(forward_transform)(
    const ak_transform *transform, const float *input, const float *window, float *real, float *imaginary,
    float *scratch) {
  const size_t count = transform->point_count;
  signal a, b;
  place_signals(scratch, count, &a, &b);
  a = transform_points(transform, input, window, a, b, NULL);
  real[0] = a.real[0] + a.imaginary[0];
  real[count] = a.real[0] - a.imaginary[0];
  imaginary[0] = imaginary[count] = 0.0f;
  for (size_t k = 1; k <= count / 2; k += LANES) {
    const complex_pairs both = untangled(transform, a, k);
    const size_t mirrored = count - k - (LANES - 1);
    store(real + mirrored, reversed(both.upper_x * 0.5f));
    store(imaginary + mirrored, reversed(both.upper_y * -0.5f));
    store(real + k, both.lower_x * 0.5f);
    store(imaginary + k, both.lower_y * 0.5f);
  }
}

void KERNEL(inverse_transform)(
    const ak_transform *transform, const float *real, const float *imaginary, float *output, float *scratch) {
  const size_t count = transform->point_count;
  const float scale = 0.5f / (float)count;
  signal a, b;
  place_signals(scratch, count, &a, &b);
  a.imaginary[0] = (real[0] + real[count]) * scale;
  a.real[0] = (real[0] - real[count]) * scale;
  for (size_t k = 1; k <= count / 2; k += LANES) {
    const size_t mirrored = count - k - (LANES - 1);
    const floats c = load(transform->untangling + k - 1), s = load(transform->untangling + count / 2 + k - 1);
    const floats x = load(real + k), y = load(imaginary + k);
    const floats mirrored_x = reversed(load(real + mirrored)), mirrored_y = reversed(load(imaginary + mirrored));
    const floats even_x = x + mirrored_x, even_y = y - mirrored_y;
    floats odd_x = x - mirrored_x, odd_y = y + mirrored_y;
    turn(&odd_x, &odd_y, c, -s);
    store(a.imaginary + mirrored, reversed((even_x - odd_x) * scale));
    store(a.real + mirrored, reversed((odd_y - even_y) * scale));
    store(a.imaginary + k, (even_x + odd_x) * scale);
    store(a.real + k, (even_y + odd_y) * scale);
  }
  transform_points(transform, NULL, NULL, a, b, output);
}

// MARK: Elementwise

// The operations are those of the scalar backend, so that the rest can be left to it.

void KERNEL(power_of)(const float *real, const float *imaginary, float scale, float *power, size_t count) {
  size_t k = 0;
  for (; count - k >= LANES; k += LANES) {
    const floats x = load(real + k), y = load(imaginary + k);
    store(power + k, scale * (x * x + y * y));
  }
  ak_scalar_power_of(real + k, imaginary + k, scale, power + k, count - k);
}

void KERNEL(multiply)(const float *a, const float *b, float *output, size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) store(output + i, load(a + i) * load(b + i));
  ak_scalar_multiply(a + i, b + i, output + i, count - i);
}

void KERNEL(multiply_add)(const float *a, const float *b, float *output, size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) store(output + i, load(output + i) + load(a + i) * load(b + i));
  ak_scalar_multiply_add(a + i, b + i, output + i, count - i);
}
