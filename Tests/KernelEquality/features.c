// Sums over analysis frames.

#include <math.h>
#include <string.h>

#include "equality.h"

#pragma STDC FP_CONTRACT OFF

enum { most = 5000 };

static bool frame_sums_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    ak_frame_sums *output = placed(OUTPUT, c.output_place, sizeof *output, sizeof(float)), expected;
    fill_floats(input, c.count);
    // Offsets and previous samples that are also samples of the frame, so that both sides of a comparison are met.
    float previous = random_sample(), offset = random_below(2) == 0 ? 0.0f : random_sample() * 0.1f;
    if (c.count > 0 && random_below(3) == 0) offset = input[random_below(c.count)];
    if (c.count > 0 && random_below(8) == 0) {
      for (size_t i = 0; i < c.count; i++) input[i] = random_below(2) == 0 ? offset : input[i];
    }
    if (random_below(4) == 0) previous = offset;
    NOW("%zu samples", c.count);
    remember_input();
    scalar->frame_sums(input, c.count, offset, previous, &expected);
    tested->frame_sums(input, c.count, offset, previous, output);
    if (output->zero_crossings != expected.zero_crossings) {
      return differs("%u zero crossings, not %u", output->zero_crossings, expected.zero_crossings);
    }
    double magnitude = 0, square = 0;
    for (size_t i = 0; i < c.count; i++) {
      magnitude += fabs((double)input[i]);
      square += (double)input[i] * input[i];
    }
    // A sample passes through up to count / 16 + 1 additions in its lane and four more, each in either kernel off by
    // half a unit in the last place at most; a square is rounded once more, and may be off by half the least denormal.
    double roundings = (double)(c.count / 16) + 5;
    if (!within("sum", 0, expected.sum, output->sum, roundings * 0x1p-23 * magnitude)) return false;
    double bound = (roundings + 1) * 0x1p-23 * square + (double)c.count * 0x1p-149;
    if (!within("sum of squares", 0, expected.sum_of_squares, output->sum_of_squares, bound)) return false;
    if (!unharmed()) return false;
  }
  return true;
}

static void sums_above_offset(const float *input, size_t count, float offset, float previous, ak_frame_sums *result) {
  ak_kernels_for(AK_BACKEND_SCALAR)->frame_sums(input, count, offset, previous, result);
  result->zero_crossings = 0;
  for (size_t i = 0; i < count; i++) {
    result->zero_crossings += ((i == 0 ? previous : input[i - 1]) > offset) != (input[i] > offset);
  }
}
static void sums_without_last(const float *input, size_t count, float offset, float previous, ak_frame_sums *result) {
  ak_kernels_for(AK_BACKEND_SCALAR)->frame_sums(input, count, offset, previous, result);
  if (count % 8 == 7) result->sum -= input[count - 1];
}
static void sums_with_last_twice(
    const float *input, size_t count, float offset, float previous, ak_frame_sums *result) {
  ak_kernels_for(AK_BACKEND_SCALAR)->frame_sums(input, count, offset, previous, result);
  if (count % 8 == 7) result->sum_of_squares += input[count - 1] * input[count - 1];
}
static void sums_of_zero_from_start(
    const float *input, size_t count, float offset, float previous, ak_frame_sums *result) {
  ak_kernels_for(AK_BACKEND_SCALAR)->frame_sums(input, count, offset, count > 0 ? input[0] : previous, result);
}
static const wrong_kernel frame_sums_wrong[] = {
    WRONG("crossings where above the offset", sums_above_offset),
    WRONG("a sample not summed", sums_without_last),
    WRONG("a square summed twice", sums_with_last_twice),
    WRONG("previous sample ignored", sums_of_zero_from_start),
    {NULL, NULL},
};

const kernel_test features_tests[] = {
    KERNEL_TEST(frame_sums),
    {NULL, 0, NULL, NULL},
};
