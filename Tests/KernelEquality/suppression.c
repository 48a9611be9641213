// The noise suppressor's work on single bins.

#include <math.h>
#include <string.h>

#include "equality.h"

#pragma STDC FP_CONTRACT OFF

static const ak_kernels *right(void) { return ak_kernels_for(AK_BACKEND_SCALAR); }

// The arrays that are written lie one behind the other, so that what is written beside one of them shows in the next.
enum { noise, speech, presence, gain, left, array_count };
static const char *const array_names[] = {"noise", "speech", "presence", "gain", "left"};
enum { most = 700 };

static float power_sample(void) { return exp2f(random_sample() * 20.0f - 16.0f); }

static bool suppress_bins_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    const size_t count = c.count, size = count * sizeof(float);
    float *power = placed(FIRST_INPUT, c.input_place, size, sizeof *power);
    float *state = placed(OUTPUT, c.output_place, array_count * size, sizeof *state);
    static float expected[array_count * most];
    const float least_rate = random_below(3) == 0 ? 0.4f : 0.0f;
    for (size_t i = 0; i < count; i++) {
      // Powers of all sizes, near the noise, or nothing.
      const size_t kind = random_below(4);
      state[noise * count + i] = 1e-10f + power_sample();
      state[speech * count + i] = random_below(8) == 0 ? 0.0f : power_sample();
      state[presence * count + i] = 0.5f + 0.5f * random_sample();
      power[i] = kind == 0 ? 0.0f : kind == 1 ? state[noise * count + i] * (1.0f + random_sample()) : power_sample();
    }
    memcpy(expected, state, array_count * size);
    NOW("%zu bins", count);
    remember_input();
    scalar->suppress_bins(
        power, least_rate, expected, expected + count, expected + 2 * count, expected + 3 * count,
        expected + 4 * count, count);
    tested->suppress_bins(
        power, least_rate, state, state + count, state + 2 * count, state + 3 * count, state + 4 * count, count);
    for (size_t i = 0; i < count; i++) {
      // There the noise follows by one rule or the other, as rounding has it.
      if (fabsf(expected[presence * count + i] - 0.99f) < 2e-6f) continue;
      for (size_t array = 0; array < array_count; array++) {
        const float value = expected[array * count + i];
        const double bound = 2e-5 * fabs((double)value) + (array == presence ? 1e-6 : 1e-12);
        if (!within(array_names[array], i, value, state[array * count + i], bound)) return false;
      }
    }
    if (!unharmed()) return false;
  }
  return true;
}

#define PARAMETERS                                                                                                     \
  const float *power, float rate, float *n, float *s, float *p, float *g, float *l, size_t count
static void without_last(PARAMETERS) {
  right()->suppress_bins(power, rate, n, s, p, g, l, count > 0 ? count - 1 : 0);
}
static void one_too_many(PARAMETERS) {
  right()->suppress_bins(power, rate, n, s, p, g, l, count);
  if (count % 16 == 15) l[count] = 0;
}
static void rate_forgotten(PARAMETERS) {
  (void)rate;
  right()->suppress_bins(power, 0.0f, n, s, p, g, l, count);
}
static void gain_without_bound(PARAMETERS) {
  right()->suppress_bins(power, rate, n, s, p, g, l, count);
  for (size_t i = 0; i < count; i++) g[i] = g[i] == 0.1f ? 0.09f : g[i];
}
static void speech_of_bounded_gain(PARAMETERS) {
  right()->suppress_bins(power, rate, n, s, p, g, l, count);
  for (size_t i = 0; i < count; i++) s[i] = l[i];
}
static void presence_kept(PARAMETERS) {
  float before[most];
  memcpy(before, p, count * sizeof *p);
  right()->suppress_bins(power, rate, n, s, p, g, l, count);
  memcpy(p, before, count * sizeof *p);
}
static const wrong_kernel suppress_bins_wrong[] = {
    WRONG("the last bin left out", without_last),
    WRONG("one bin too many", one_too_many),
    WRONG("the least rate forgotten", rate_forgotten),
    WRONG("the gain not bounded", gain_without_bound),
    WRONG("what is left by the bounded gain", speech_of_bounded_gain),
    WRONG("the presence not followed", presence_kept),
    {NULL, NULL},
};

const kernel_test suppression_tests[] = {
    KERNEL_TEST(suppress_bins),
    {NULL, 0, NULL, NULL},
};
