// Fourier transforms there and back, and what stands between them.

#include <math.h>
#include <string.h>

#include "equality.h"

#pragma STDC FP_CONTRACT OFF

static const ak_kernels *right(void) { return ak_kernels_for(AK_BACKEND_SCALAR); }

// MARK: Transforms

static const size_t lengths[] = {128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144};
enum { length_count = sizeof lengths / sizeof *lengths, greatest_length = 6144, most_bins = greatest_length / 2 + 1 };

// cos(2 pi i / length), and the sine from a quarter of a turn before.
static const double *cosines_of(size_t length) {
  static double cosines[length_count][greatest_length];
  size_t index = 0;
  while (lengths[index] != length) index++;
  for (size_t i = 0; i < length && cosines[index][0] == 0; i++) {
    // From the end, so that the first tells that all are there.
    const size_t member = length - 1 - i, eighth = length / 8;
    const double angle = acos(-1) * 2 / (double)length;
    // Of angles up to an eighth of a turn, so that 0 and 1 are met.
    const size_t half = member <= length / 2 ? member : length - member;
    const size_t quarter = half <= length / 4 ? half : length / 2 - half;
    const double cosine =
        quarter <= eighth ? cos(angle * (double)quarter) : sin(angle * (double)(length / 4 - quarter));
    cosines[index][member] = half <= length / 4 ? cosine : -cosine;
  }
  return cosines[index];
}
static double cosine(size_t length, size_t turns) { return cosines_of(length)[turns % length]; }
static double sine(size_t length, size_t turns) { return cosines_of(length)[(turns + length / 4 * 3) % length]; }

// The tables of the header's contract, each between pages that cannot be touched.
static ak_transform transform_of(size_t length, place place) {
  static float factors[4 * greatest_length];
  const size_t points = length / 2;
  size_t count = 0;
  for (size_t stride = 1, radix; stride < points; stride *= radix) {
    const size_t n = points / stride;
    radix = n % 4 == 0 ? 4 : n % 3 == 0 ? 3 : 2;
    if (radix == n) break;
    for (size_t i = 0; i < 2 * (radix - 1) * (n / radix); i++) {
      // [j - 1][part][p] or [p][j - 1][part]
      const size_t p = stride < 16 ? i % (n / radix) : i / (2 * (radix - 1));
      const size_t j = 1 + (stride < 16 ? i / (n / radix) / 2 : i / 2 % (radix - 1));
      const size_t part = (stride < 16 ? i / (n / radix) : i) % 2, turns = j * p * 2 * stride;
      for (size_t copy = 0; copy < (stride == 4 ? 4 : 1); copy++) {
        factors[count++] = (float)(part == 0 ? cosine(length, turns) : -sine(length, turns));
      }
    }
  }
  float *twiddles = placed(TWIDDLES, place, count * sizeof *twiddles, sizeof *twiddles);
  memcpy(twiddles, factors, count * sizeof *twiddles);
  float *untangling = placed(UNTANGLING, place, points * sizeof *untangling, sizeof *untangling);
  for (size_t k = 1; k <= points / 2; k++) {
    untangling[k - 1] = (float)-sine(length, k);
    untangling[points / 2 + k - 1] = (float)-cosine(length, k);
  }
  return (ak_transform){.twiddles = twiddles, .untangling = untangling, .point_count = points};
}

static float *placed_scratch(size_t length) {
  return placed(SCRATCH, random_place(), ak_transform_scratch_count(length / 2) * sizeof(float), sizeof(float));
}
static bool transform_unharmed(void) {
  return unharmed() && margins_intact(SECOND_OUTPUT) && margins_intact(SCRATCH);
}

static bool forward_transform_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  // Each length at each place, twice.
  for (cases c = cases_up_to(2 * length_count - 1); next_case(&c);) {
    const size_t length = lengths[c.count % length_count], bins = length / 2 + 1;
    const ak_transform transform = transform_of(length, c.input_place);
    float *input = placed(FIRST_INPUT, c.input_place, length * sizeof *input, sizeof *input);
    float *window = placed(SECOND_INPUT, c.input_place, length * sizeof *window, sizeof *window);
    float *real = placed(OUTPUT, c.output_place, bins * sizeof *real, sizeof *real);
    float *imaginary = placed(SECOND_OUTPUT, c.output_place, bins * sizeof *imaginary, sizeof *imaginary);
    float *scratch = placed_scratch(length);
    static float expected_real[most_bins], expected_imaginary[most_bins];
    fill_ordinary_floats(input, length);
    fill_ordinary_floats(window, length);
    // One sample alone shows what no other one may hide.
    if (random_below(4) == 0) {
      const size_t only = random_below(length);
      for (size_t i = 0; i < length; i++) input[i] = i == only ? input[i] : 0.0f;
    }
    double magnitude = 0;
    for (size_t i = 0; i < length; i++) magnitude += fabs((double)input[i] * window[i]);
    const double bound = 3e-6 * magnitude + 0x1p-120;
    NOW("%zu samples", length);
    remember_input();
    scalar->forward_transform(&transform, input, window, expected_real, expected_imaginary, scratch);
    scratch = placed_scratch(length);
    tested->forward_transform(&transform, input, window, real, imaginary, scratch);
    for (size_t k = 0; k < bins; k++) {
      // Each of the two is off by up to the bound; in truth by little of it.
      if (!within("real part", k, expected_real[k], real[k], bound)) return false;
      if (!within("imaginary part", k, expected_imaginary[k], imaginary[k], bound)) return false;
    }
    // Some by the definition.
    for (size_t i = 0; i < 3; i++) {
      const size_t k = i == 0 ? random_below(2) * (bins - 1) : random_below(bins);
      double x = 0, y = 0;
      for (size_t n = 0; n < length; n++) {
        x += (double)input[n] * window[n] * cosine(length, k * n);
        y -= (double)input[n] * window[n] * sine(length, k * n);
      }
      if (!within("error", k, 0, hypot(real[k] - x, imaginary[k] - y), bound)) return false;
    }
    if (imaginary[0] != 0 || imaginary[bins - 1] != 0) return differs("the ends are not real");
    if (!transform_unharmed()) return false;
  }
  return true;
}

#define FORWARD                                                                                                        \
  const ak_transform *transform, const float *input, const float *window, float *real, float *imaginary, float *scratch
static void forward(FORWARD) { right()->forward_transform(transform, input, window, real, imaginary, scratch); }
static void forward_conjugate(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  for (size_t k = 0; k <= transform->point_count; k++) imaginary[k] = -imaginary[k];
}
static void forward_without_window(FORWARD) {
  (void)window;
  static float ones[greatest_length];
  for (size_t i = 0; i < greatest_length; i++) ones[i] = 1;
  forward(transform, input, ones, real, imaginary, scratch);
}
static void forward_swapped(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  const float at_5 = real[5];
  real[5] = real[transform->point_count - 5];
  real[transform->point_count - 5] = at_5;
}
static void forward_wrong_in_longest(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  if (transform->point_count == greatest_length / 2) imaginary[1001] += input[77] * window[77];
}
static void forward_wrong_radix_3(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  if (transform->point_count == 96) real[17] *= 1.001f;
}
static void forward_without_last(FORWARD) {
  const float before = imaginary[transform->point_count];
  forward(transform, input, window, real, imaginary, scratch);
  imaginary[transform->point_count] = before;
}
static void forward_too_long(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  imaginary[transform->point_count + 1] = 0;
}
static void forward_scratch_too_long(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  scratch[ak_transform_scratch_count(transform->point_count)] = 0;
}
static void forward_into_input(FORWARD) {
  forward(transform, input, window, real, imaginary, scratch);
  ((float *)(uintptr_t)input)[transform->point_count] *= 2;
}
static const wrong_kernel forward_transform_wrong[] = {
    WRONG("the conjugate", forward_conjugate),
    WRONG("without the window", forward_without_window),
    WRONG("two bins exchanged", forward_swapped),
    WRONG("one sample once too often in one bin of one length", forward_wrong_in_longest),
    WRONG("one bin off by a thousandth in one length", forward_wrong_radix_3),
    WRONG("the last imaginary part not written", forward_without_last),
    WRONG("one bin too many", forward_too_long),
    WRONG("more scratch memory than there is", forward_scratch_too_long),
    WRONG("the input written to", forward_into_input),
    {NULL, NULL},
};

static bool inverse_transform_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(2 * length_count - 1); next_case(&c);) {
    const size_t length = lengths[c.count % length_count], bins = length / 2 + 1;
    const ak_transform transform = transform_of(length, c.input_place);
    float *real = placed(FIRST_INPUT, c.input_place, bins * sizeof *real, sizeof *real);
    float *imaginary = placed(SECOND_INPUT, c.input_place, bins * sizeof *imaginary, sizeof *imaginary);
    float *output = placed(OUTPUT, c.output_place, length * sizeof *output, sizeof *output);
    (void)placed(SECOND_OUTPUT, c.output_place, 0, 1);
    float *scratch = placed_scratch(length);
    static float expected[greatest_length];
    fill_ordinary_floats(real, bins);
    fill_ordinary_floats(imaginary, bins);
    if (random_below(4) == 0) {
      const size_t only = random_below(bins);
      for (size_t k = 0; k < bins; k++) {
        real[k] = k == only ? real[k] : 0.0f;
        imaginary[k] = k == only ? imaginary[k] : 0.0f;
      }
    }
    double magnitude = 0;
    for (size_t k = 0; k < bins; k++) {
      const bool is_end = k == 0 || k == bins - 1;
      magnitude += is_end ? fabs(real[k]) : 2 * hypot(real[k], imaginary[k]);
    }
    const double bound = 3e-6 / (double)length * magnitude + 0x1p-120;
    NOW("%zu samples", length);
    remember_input();
    scalar->inverse_transform(&transform, real, imaginary, expected, scratch);
    scratch = placed_scratch(length);
    tested->inverse_transform(&transform, real, imaginary, output, scratch);
    for (size_t n = 0; n < length; n++) {
      if (!within("sample", n, expected[n], output[n], bound)) return false;
    }
    for (size_t i = 0; i < 3; i++) {
      const size_t n = random_below(length);
      double sum = real[0] + (n % 2 == 0 ? 1.0 : -1.0) * real[bins - 1];
      for (size_t k = 1; k < bins - 1; k++) {
        sum += 2 * (real[k] * cosine(length, k * n) - imaginary[k] * sine(length, k * n));
      }
      if (!within("sample, by the definition,", n, sum / (double)length, output[n], bound)) return false;
    }
    if (!transform_unharmed()) return false;
  }
  return true;
}

#define INVERSE                                                                                                        \
  const ak_transform *transform, const float *real, const float *imaginary, float *output, float *scratch
static void inverse(INVERSE) { right()->inverse_transform(transform, real, imaginary, output, scratch); }
static void inverse_doubled(INVERSE) {
  inverse(transform, real, imaginary, output, scratch);
  for (size_t n = 0; n < 2 * transform->point_count; n++) output[n] *= 2;
}
static void inverse_reversed(INVERSE) {
  inverse(transform, real, imaginary, output, scratch);
  for (size_t n = 1; n < transform->point_count; n++) {
    const float at_n = output[n];
    output[n] = output[2 * transform->point_count - n];
    output[2 * transform->point_count - n] = at_n;
  }
}
static void inverse_of_imaginary_end(INVERSE) {
  inverse(transform, real, imaginary, output, scratch);
  const size_t length = 2 * transform->point_count;
  for (size_t n = 1; n < length; n += 2) output[n] += imaginary[0] / (float)length;
}
static void inverse_without_last(INVERSE) {
  const float before = output[2 * transform->point_count - 1];
  inverse(transform, real, imaginary, output, scratch);
  output[2 * transform->point_count - 1] = before;
}
static void inverse_wrong_in_one(INVERSE) {
  inverse(transform, real, imaginary, output, scratch);
  if (transform->point_count == 384) output[300] += real[100] / 768;
}
static void inverse_too_long(INVERSE) {
  inverse(transform, real, imaginary, output, scratch);
  output[2 * transform->point_count] = 0;
}
static void inverse_into_input(INVERSE) {
  inverse(transform, real, imaginary, output, scratch);
  ((float *)(uintptr_t)real)[transform->point_count] *= 2;
}
static const wrong_kernel inverse_transform_wrong[] = {
    WRONG("twice as much", inverse_doubled),
    WRONG("backwards", inverse_reversed),
    WRONG("with the imaginary part of an end", inverse_of_imaginary_end),
    WRONG("the last sample not written", inverse_without_last),
    WRONG("one bin once too often in one sample of one length", inverse_wrong_in_one),
    WRONG("one sample too many", inverse_too_long),
    WRONG("the spectrum written to", inverse_into_input),
    {NULL, NULL},
};

// MARK: Elementwise

enum { most = 2000 };

// Finite values, the sums of whose products may be infinite, but not NaN: of those the bits are not certain.
static void fill_finite(float *values, size_t count) {
  fill_floats(values, count);
  for (size_t i = 0; i < count; i++) values[i] = isfinite(values[i]) ? values[i] : 1.0f;
}

static bool power_of_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *real = placed(FIRST_INPUT, c.input_place, c.count * sizeof *real, sizeof *real);
    float *imaginary = placed(SECOND_INPUT, c.input_place, c.count * sizeof *imaginary, sizeof *imaginary);
    float *power = placed(OUTPUT, c.output_place, c.count * sizeof *power, sizeof *power);
    static float expected[most];
    fill_finite(real, c.count);
    fill_finite(imaginary, c.count);
    const float scale = 1.5f + random_sample();
    NOW("%zu values", c.count);
    remember_input();
    scalar->power_of(real, imaginary, scale, expected, c.count);
    tested->power_of(real, imaginary, scale, power, c.count);
    if (!same("power", expected, power, c.count, sizeof *power)) return false;
    for (size_t i = 0; i < c.count; i++) {
      const double exact = scale * ((double)real[i] * real[i] + (double)imaginary[i] * imaginary[i]);
      // Three roundings, each of a product perhaps of less than the least normal number.
      if (exact < 0x1p126 && !within("power", i, exact, power[i], 4 * 0x1p-24 * exact + 0x1p-146)) return false;
    }
    if (!unharmed()) return false;
  }
  return true;
}

static void power_fused(const float *real, const float *imaginary, float scale, float *power, size_t count) {
  for (size_t i = 0; i < count; i++) power[i] = scale * fmaf(real[i], real[i], imaginary[i] * imaginary[i]);
}
static void power_unscaled(const float *real, const float *imaginary, float scale, float *power, size_t count) {
  (void)scale;
  right()->power_of(real, imaginary, 1, power, count);
}
static void power_without_last(const float *real, const float *imaginary, float scale, float *power, size_t count) {
  right()->power_of(real, imaginary, scale, power, count % 16 == 1 ? count - 1 : count);
}
static void power_too_long(const float *real, const float *imaginary, float scale, float *power, size_t count) {
  right()->power_of(real, imaginary, scale, power, count);
  if (count % 16 == 15) power[count] = 0;
}
static const wrong_kernel power_of_wrong[] = {
    WRONG("fused", power_fused),
    WRONG("without the scale", power_unscaled),
    WRONG("the last power not written", power_without_last),
    WRONG("one power too many", power_too_long),
    {NULL, NULL},
};

static bool multiply_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  for (cases c = cases_up_to(most); next_case(&c);) {
    const size_t size = c.count * sizeof(float);
    float *a = placed(FIRST_INPUT, c.input_place, size, sizeof *a);
    float *b = placed(SECOND_INPUT, c.input_place, size, sizeof *b);
    float *output = placed(OUTPUT, c.output_place, size, sizeof *output);
    static float expected[most], in_place[most];
    fill_finite(a, c.count);
    fill_finite(b, c.count);
    for (size_t i = 0; i < c.count; i++) expected[i] = a[i] * b[i];
    NOW("%zu values", c.count);
    remember_input();
    tested->multiply(a, b, output, c.count);
    if (!same("product", expected, output, c.count, sizeof *output) || !unharmed()) return false;
    memcpy(in_place, a, size);
    tested->multiply(in_place, b, in_place, c.count);
    if (!same("product in place of a", expected, in_place, c.count, sizeof *output)) return false;
    memcpy(in_place, b, size);
    tested->multiply(a, in_place, in_place, c.count);
    if (!same("product in place of b", expected, in_place, c.count, sizeof *output)) return false;
  }
  return true;
}

static void multiply_in_place_only_once(const float *a, const float *b, float *output, size_t count) {
  right()->multiply(a, b, output, count);
  // As where the last step does again what the one before it has done.
  if (output == a && count % 16 == 15) right()->multiply(a, b, output, 1);
}
static void multiply_without_last(const float *a, const float *b, float *output, size_t count) {
  right()->multiply(a, b, output, count % 8 == 7 ? count - 1 : count);
}
static void multiply_too_long(const float *a, const float *b, float *output, size_t count) {
  right()->multiply(a, b, output, count);
  if (count % 16 == 15) output[count] = 0;
}
static const wrong_kernel multiply_wrong[] = {
    WRONG("multiplied twice in place", multiply_in_place_only_once),
    WRONG("the last product not written", multiply_without_last),
    WRONG("one product too many", multiply_too_long),
    {NULL, NULL},
};

static bool multiply_add_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  for (cases c = cases_up_to(most); next_case(&c);) {
    const size_t size = c.count * sizeof(float);
    float *a = placed(FIRST_INPUT, c.input_place, size, sizeof *a);
    float *b = placed(SECOND_INPUT, c.input_place, size, sizeof *b);
    float *output = placed(OUTPUT, c.output_place, size, sizeof *output);
    static float expected[most];
    // Infinity less infinity would be NaN.
    fill_ordinary_floats(a, c.count);
    fill_finite(b, c.count);
    fill_ordinary_floats(output, c.count);
    for (size_t i = 0; i < c.count; i++) {
      const float product = a[i] * b[i];
      expected[i] = output[i] + product;
    }
    NOW("%zu values", c.count);
    remember_input();
    tested->multiply_add(a, b, output, c.count);
    if (!same("sum", expected, output, c.count, sizeof *output) || !unharmed()) return false;
  }
  return true;
}

static void multiply_add_fused(const float *a, const float *b, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = fmaf(a[i], b[i], output[i]);
}
static void multiply_only(const float *a, const float *b, float *output, size_t count) {
  right()->multiply(a, b, output, count);
}
static void multiply_add_last_twice(const float *a, const float *b, float *output, size_t count) {
  right()->multiply_add(a, b, output, count);
  if (count % 16 == 15) right()->multiply_add(a + count - 1, b + count - 1, output + count - 1, 1);
}
static void multiply_add_too_long(const float *a, const float *b, float *output, size_t count) {
  right()->multiply_add(a, b, output, count);
  if (count % 16 == 15) output[count] = 0;
}
static const wrong_kernel multiply_add_wrong[] = {
    WRONG("fused", multiply_add_fused),
    WRONG("nothing added to", multiply_only),
    WRONG("the last product added twice", multiply_add_last_twice),
    WRONG("one sum too many", multiply_add_too_long),
    {NULL, NULL},
};

const kernel_test transform_tests[] = {
    KERNEL_TEST(forward_transform),
    KERNEL_TEST(inverse_transform),
    KERNEL_TEST(power_of),
    KERNEL_TEST(multiply),
    KERNEL_TEST(multiply_add),
    {NULL, 0, NULL, NULL},
};
