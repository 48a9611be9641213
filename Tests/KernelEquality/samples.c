// PCM16, copying, downmix and G.711.

#include <math.h>
#include <string.h>

#include "equality.h"

#pragma STDC FP_CONTRACT OFF

enum { most = 5000, most_channels = 9 };

static union {
  float floats[most];
  int16_t integers[most];
  uint8_t bytes[most];
} expected_output;

// MARK: Float to PCM16

static bool pcm16_from_float_case(const ak_kernels *scalar, const ak_kernels *tested, float *input, int16_t *output,
                                  size_t count) {
  int16_t *expected = expected_output.integers;
  remember_input();
  scalar->pcm16_from_float(input, expected, count);
  tested->pcm16_from_float(input, output, count);
  return same("sample", expected, output, count, sizeof *output) && unharmed();
}

static bool pcm16_from_float_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  // Every value of 16 bits and some beyond, the ties between them, and the neighbours of both.
  const size_t value_count = 3 * 2 * 65544;
  for (size_t done = 0; done < value_count;) {
    size_t count = random_between(1, 2000);
    count = count < value_count - done ? count : value_count - done;
    float *input = placed(FIRST_INPUT, random_place(), count * sizeof *input, sizeof *input);
    int16_t *output = placed(OUTPUT, random_place(), count * sizeof *output, sizeof *output);
    for (size_t i = 0; i < count; i++) {
      float half = (float)((int32_t)((done + i) / 3) - 65544) / 65536.0f;
      switch ((done + i) % 3) {
      case 0: input[i] = half; break;
      case 1: input[i] = nextafterf(half, 2.0f); break;
      case 2: input[i] = nextafterf(half, -2.0f); break;
      }
    }
    NOW("%zu values from the %zu-th of all and their ties", count, done);
    if (!pcm16_from_float_case(scalar, tested, input, output, count)) return false;
    done += count;
  }
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    int16_t *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    fill_floats(input, c.count);
    NOW("%zu samples", c.count);
    if (!pcm16_from_float_case(scalar, tested, input, output, c.count)) return false;
  }
  return true;
}

static void pcm16_with_ties_away(const float *input, int16_t *output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float scaled = input[i] * 32768.0f;
    scaled = scaled == scaled ? scaled : 0.0f;
    output[i] = (int16_t)roundf(fminf(fmaxf(scaled, -32768.0f), 32767.0f));
  }
}
static void pcm16_with_one_end(const float *input, int16_t *output, size_t count) {
  ak_kernels_for(AK_BACKEND_SCALAR)->pcm16_from_float(input, output, count);
  // As packing to 16 bits does with 32-bit integers that have wrapped.
  for (size_t i = 0; i < count; i++) output[i] = input[i] >= 65536.0f ? INT16_MIN : output[i];
}
static void pcm16_writing_beyond(const float *input, int16_t *output, size_t count) {
  ak_kernels_for(AK_BACKEND_SCALAR)->pcm16_from_float(input, output, count);
  if (count % 8 == 7) *(volatile int16_t *)(output + count) = 1;
}
static void pcm16_writing_before(const float *input, int16_t *output, size_t count) {
  ak_kernels_for(AK_BACKEND_SCALAR)->pcm16_from_float(input, output, count);
  if (count == 77) *(volatile int16_t *)(output - 1) = 1;
}
static void pcm16_reading_beyond(const float *input, int16_t *output, size_t count) {
  ak_kernels_for(AK_BACKEND_SCALAR)->pcm16_from_float(input, output, count);
  if (count == 77) (void)*(const volatile float *)(input + count);
}
static void pcm16_reading_before(const float *input, int16_t *output, size_t count) {
  ak_kernels_for(AK_BACKEND_SCALAR)->pcm16_from_float(input, output, count);
  if (count == 77) (void)*(const volatile float *)(input - 1);
}
static const wrong_kernel pcm16_from_float_wrong[] = {
    WRONG("ties away from zero", pcm16_with_ties_away),
    WRONG("huge values wrap", pcm16_with_one_end),
    WRONG("writes beyond the output", pcm16_writing_beyond),
    WRONG("writes before the output", pcm16_writing_before),
    WRONG("reads beyond the input", pcm16_reading_beyond),
    WRONG("reads before the input", pcm16_reading_before),
    {NULL, NULL},
};

// MARK: PCM16 to float

static bool float_from_pcm16_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  size_t next = 0;
  // The fixed cases have 80,400 samples, and so every value among them.
  for (cases c = cases_up_to(most); next_case(&c);) {
    size_t count = c.count;
    int16_t *input = placed(FIRST_INPUT, c.input_place, count * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, count * sizeof *output, sizeof *output);
    float *expected = expected_output.floats;
    for (size_t i = 0; i < count; i++) input[i] = (int16_t)(next++ * 17);
    NOW("%zu samples", count);
    remember_input();
    scalar->float_from_pcm16(input, expected, count);
    tested->float_from_pcm16(input, output, count);
    if (!same("sample", expected, output, count, sizeof *output) || !unharmed()) return false;
  }
  return true;
}

static void float_by_32767(const int16_t *input, float *output, size_t count) {
  ak_kernels_for(AK_BACKEND_SCALAR)->float_from_pcm16(input, output, count);
  for (size_t i = 0; i < count; i++) output[i] = input[i] == -32768 ? -32768.0f / 32767.0f : output[i];
}
static const wrong_kernel float_from_pcm16_wrong[] = {WRONG("-32768 below -1", float_by_32767), {NULL, NULL}};

// MARK: Dither

static bool pcm16_from_float_dithered_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    int16_t *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    int16_t *expected = expected_output.integers;
    fill_floats(input, c.count);
    uint64_t seed = random_bits(), position = random_bits() >> random_below(64);
    // Positions whose lower half, or all of which, wraps round within the call.
    if (random_below(4) == 0) position = (position | 0xFFFFFFFF) - random_below(c.count + 1);
    if (random_below(8) == 0) position = UINT64_MAX - random_below(c.count + 1);
    NOW("%zu samples at position %zu, seed %zu", c.count, (size_t)position, (size_t)seed);
    remember_input();
    scalar->pcm16_from_float_dithered(input, expected, c.count, seed, position);
    tested->pcm16_from_float_dithered(input, output, c.count, seed, position);
    if (!same("sample", expected, output, c.count, sizeof *output) || !unharmed()) return false;
  }
  return true;
}

static void dithered_by_lower_half(
    const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position) {
  const ak_kernels *scalar = ak_kernels_for(AK_BACKEND_SCALAR);
  for (size_t i = 0; i < count; i++) {
    uint64_t at = (position & ~(uint64_t)0xFFFFFFFF) | (uint32_t)(position + i);
    scalar->pcm16_from_float_dithered(input + i, output + i, 1, seed, at);
  }
}
static const wrong_kernel pcm16_from_float_dithered_wrong[] = {
    WRONG("positions without carry", dithered_by_lower_half), {NULL, NULL}};

// MARK: Finite copies

static bool copy_finite_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    float *expected = expected_output.floats;
    fill_floats(input, c.count);
    NOW("%zu samples", c.count);
    remember_input();
    size_t wanted = scalar->copy_finite(input, expected, c.count), found = tested->copy_finite(input, output, c.count);
    if (found != wanted) return differs("%zu samples replaced, not %zu", found, wanted);
    if (!same("sample", expected, output, c.count, sizeof *output) || !unharmed()) return false;
    NOW("%zu samples in place", c.count);
    found = tested->copy_finite(input, input, c.count);
    if (found != wanted) return differs("%zu samples replaced, not %zu", found, wanted);
    if (!(same("sample", expected, input, c.count, sizeof *input) && margins_intact(FIRST_INPUT))) return false;
  }
  return true;
}

static bool copy_bounded_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  ak_kernels both[2] = {*scalar, *tested};
  both[0].copy_finite = scalar->copy_bounded;
  both[1].copy_finite = tested->copy_bounded;
  return copy_finite_agrees(&both[0], &both[1]);
}

static size_t copy_up_to_infinity(const float *input, float *output, size_t count) {
  return ak_kernels_for(AK_BACKEND_SCALAR)->copy_finite(input, output, count);
}
static const wrong_kernel copy_bounded_wrong[] = {
    WRONG("only infinity is too large", copy_up_to_infinity),
    {NULL, NULL},
};

static size_t copy_without_denormals(const float *input, float *output, size_t count) {
  size_t replaced = ak_kernels_for(AK_BACKEND_SCALAR)->copy_finite(input, output, count);
  for (size_t i = 0; i < count; i++) output[i] = fabsf(output[i]) < 0x1p-126f ? copysignf(0.0f, output[i]) : output[i];
  return replaced;
}
static size_t copy_with_plus_zero(const float *input, float *output, size_t count) {
  size_t replaced = ak_kernels_for(AK_BACKEND_SCALAR)->copy_finite(input, output, count);
  for (size_t i = 0; i < count; i++) output[i] = output[i] == 0.0f ? 0.0f : output[i];
  return replaced;
}
static size_t copy_counting_half(const float *input, float *output, size_t count) {
  size_t replaced = ak_kernels_for(AK_BACKEND_SCALAR)->copy_finite(input, output, count);
  return count % 16 == 15 && replaced > 0 ? replaced - 1 : replaced;
}
static const wrong_kernel copy_finite_wrong[] = {
    WRONG("denormals lost", copy_without_denormals),
    WRONG("sign of zero lost", copy_with_plus_zero),
    WRONG("count wrong at the end", copy_counting_half),
    {NULL, NULL},
};

// MARK: Downmix

static size_t random_channel_count(void) {
  const size_t ordinary[] = {1, 2, 2, 4, 6, 8};
  return random_below(3) == 0 ? random_between(1, most_channels) : ordinary[random_below(6)];
}

static bool downmix_mean_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  static float cut[most];
  for (cases c = cases_up_to(most); next_case(&c);) {
    size_t channels = random_channel_count();
    float *input = placed(FIRST_INPUT, c.input_place, c.count * channels * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    float *expected = expected_output.floats;
    fill_floats(input, c.count * channels);
    NOW("%zu sample frames of %zu channels", c.count, channels);
    remember_input();
    size_t wanted = scalar->downmix_mean(input, expected, c.count, channels);
    size_t found = tested->downmix_mean(input, output, c.count, channels);
    if (found != wanted) return differs("%zu samples replaced, not %zu", found, wanted);
    for (size_t i = 0; i < c.count; i++) {
      double sum = 0;
      for (size_t channel = 0; channel < channels; channel++) {
        float x = input[i * channels + channel];
        sum += isfinite(x) ? fabs((double)x) : 0.0;
      }
      // One unit in the last place of the mean magnitude, or the least denormal: a few roundings.
      double bound = sum / (double)channels * 0x1p-23 + 0x1p-149;
      if (!within("sample", i, expected[i], output[i], bound)) return false;
    }
    if (channels == 1 && !same("sample", expected, output, c.count, sizeof *output)) return false;
    if (!unharmed()) return false;

    size_t first = random_below(c.count + 1);
    NOW("%zu sample frames of %zu channels, cut after %zu", c.count, channels, first);
    found = tested->downmix_mean(input, cut, first, channels);
    found += tested->downmix_mean(input + first * channels, cut + first, c.count - first, channels);
    if (found != wanted) return differs("%zu samples replaced, not %zu", found, wanted);
    if (!same("sample", output, cut, c.count, sizeof *cut)) return false;
  }
  return true;
}

static size_t mean_in_floats(const float *interleaved, float *mono, size_t frame_count, size_t channel_count) {
  size_t replaced = ak_kernels_for(AK_BACKEND_SCALAR)->downmix_mean(interleaved, mono, frame_count, channel_count);
  for (size_t i = 0; i < frame_count && channel_count > 2; i++) {
    float sum = 0;
    for (size_t c = 0; c < channel_count; c++) {
      float x = interleaved[i * channel_count + c];
      sum += isfinite(x) ? x : 0.0f;
    }
    mono[i] = sum / (float)channel_count;
  }
  return replaced;
}
static size_t mean_by_length(const float *interleaved, float *mono, size_t frame_count, size_t channel_count) {
  size_t replaced = ak_kernels_for(AK_BACKEND_SCALAR)->downmix_mean(interleaved, mono, frame_count, channel_count);
  // Within the bound, but another way of rounding in the last two of a call.
  for (size_t i = frame_count & ~(size_t)3; i < frame_count && channel_count == 2; i++) {
    mono[i] = nextafterf(mono[i], 0.0f);
  }
  return replaced;
}
static const wrong_kernel downmix_mean_wrong[] = {
    WRONG("sums of huge samples overflow", mean_in_floats),
    WRONG("the end rounded otherwise", mean_by_length),
    {NULL, NULL},
};

static bool downmix_channel_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    size_t channels = random_channel_count(), channel = random_below(channels);
    float *input = placed(FIRST_INPUT, c.input_place, c.count * channels * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    float *expected = expected_output.floats;
    fill_floats(input, c.count * channels);
    NOW("channel %zu of %zu sample frames of %zu", channel, c.count, channels);
    remember_input();
    size_t wanted = scalar->downmix_channel(input, expected, c.count, channels, channel);
    size_t found = tested->downmix_channel(input, output, c.count, channels, channel);
    if (found != wanted) return differs("%zu samples replaced, not %zu", found, wanted);
    if (!same("sample", expected, output, c.count, sizeof *output) || !unharmed()) return false;
  }
  return true;
}

static size_t channel_counting_all(
    const float *interleaved, float *mono, size_t frame_count, size_t channel_count, size_t channel) {
  ak_kernels_for(AK_BACKEND_SCALAR)->downmix_channel(interleaved, mono, frame_count, channel_count, channel);
  size_t replaced = 0;
  for (size_t i = 0; i < frame_count * channel_count; i++) replaced += !isfinite(interleaved[i]);
  return replaced;
}
static const wrong_kernel downmix_channel_wrong[] = {
    WRONG("counts every channel", channel_counting_all), {NULL, NULL}};

// MARK: G.711

typedef void (*coder)(const ak_kernels *kernels, const void *input, void *output, size_t count);

// The fixed cases have 80,400 samples, and so every value among them.
static bool coder_agrees(
    const ak_kernels *scalar, const ak_kernels *tested, coder coder, size_t input_size, size_t output_size) {
  size_t next = 0;
  for (cases c = cases_up_to(most); next_case(&c);) {
    uint8_t *input = placed(FIRST_INPUT, c.input_place, c.count * input_size, input_size);
    uint8_t *output = placed(OUTPUT, c.output_place, c.count * output_size, output_size);
    for (size_t i = 0; i < c.count; i++, next++) {
      uint16_t word = (uint16_t)(next * 17);
      uint8_t byte = (uint8_t)(next * 17);
      memcpy(input + i * input_size, input_size == 2 ? (const void *)&word : &byte, input_size);
    }
    NOW("%zu samples", c.count);
    remember_input();
    coder(scalar, input, &expected_output, c.count);
    coder(tested, input, output, c.count);
    if (!same("sample", &expected_output, output, c.count, output_size) || !unharmed()) return false;
  }
  return true;
}

#define CODER(kernel, input_type, output_type)                                                                         \
  static void kernel##_call(const ak_kernels *kernels, const void *input, void *output, size_t count) {                \
    kernels->kernel(input, output, count);                                                                             \
  }                                                                                                                    \
  static bool kernel##_agrees(const ak_kernels *scalar, const ak_kernels *tested) {                                    \
    return coder_agrees(scalar, tested, kernel##_call, sizeof(input_type), sizeof(output_type));                       \
  }                                                                                                                    \
  static void kernel##_with_one_wrong(const input_type *input, output_type *output, size_t count) {                    \
    ak_kernels_for(AK_BACKEND_SCALAR)->kernel(input, output, count);                                                   \
    for (size_t i = 0; i < count; i++) output[i] = (output_type)(output[i] + (input[i] == (input_type)-91));      \
  }                                                                                                                    \
  static const wrong_kernel kernel##_wrong[] = {WRONG("one value wrong", kernel##_with_one_wrong), {NULL, NULL}};

CODER(mu_law_from_pcm16, int16_t, uint8_t)
CODER(pcm16_from_mu_law, uint8_t, int16_t)
CODER(a_law_from_pcm16, int16_t, uint8_t)
CODER(pcm16_from_a_law, uint8_t, int16_t)

const kernel_test sample_tests[] = {
    KERNEL_TEST(pcm16_from_float),
    KERNEL_TEST(float_from_pcm16),
    KERNEL_TEST(pcm16_from_float_dithered),
    KERNEL_TEST(copy_finite),
    KERNEL_TEST(copy_bounded),
    KERNEL_TEST(downmix_mean),
    KERNEL_TEST(downmix_channel),
    KERNEL_TEST(mu_law_from_pcm16),
    KERNEL_TEST(pcm16_from_mu_law),
    KERNEL_TEST(a_law_from_pcm16),
    KERNEL_TEST(pcm16_from_a_law),
    {NULL, 0, NULL, NULL},
};
