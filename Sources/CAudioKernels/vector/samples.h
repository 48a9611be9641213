// The sample-wise kernels, written once in clang's vector types: the compiler spreads a vector over the registers of
// the instructions that are enabled where this file is included. A backend defines LANES, the floats in one of its
// registers, and KERNEL(name), its name for a kernel, includes this file once, and then defines pcm16_of_scaled.
//
// Steps of a fixed size cover an array. The last step ends where the array ends and so does again what the one before
// it has done, to the same effect; nothing outside of the array is touched. Arrays shorter than a step are left to the
// scalar backend, and so are whole arrays with samples that are not finite or too large to convert without care: these
// are rare, and a loop that only looks out for them is up to twice as fast as one that can treat them. Every result is
// that of the scalar backend, bit for bit.

#include <stdbool.h>
#include <string.h>

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF
// How vectors are passed depends on the instructions that are enabled; here they are passed to inlined functions only.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE __attribute__((always_inline)) static inline

typedef float floats16 __attribute__((ext_vector_type(16)));
typedef int32_t ints16 __attribute__((ext_vector_type(16)));
typedef uint64_t longs16 __attribute__((ext_vector_type(16)));
typedef float floats32 __attribute__((ext_vector_type(32)));
typedef int32_t ints32 __attribute__((ext_vector_type(32)));
typedef int16_t shorts32 __attribute__((ext_vector_type(32)));

// Rounds to nearest, ties to even, and saturates to 16 bits; for magnitudes below 2^31.
INLINE shorts32 pcm16_of_scaled(floats32 x);

// Samples have no alignment but their own.
INLINE floats16 load16(const float *input) {
  floats16 x;
  memcpy(&x, input, sizeof x);
  return x;
}
INLINE floats32 load32(const float *input) {
  floats32 x;
  memcpy(&x, input, sizeof x);
  return x;
}

// Where the step starts that is due at i: not behind `last`, where the one starts that ends with the array.
INLINE size_t step_start(size_t i, size_t last) { return i < last ? i : last; }

// The same for kernels that do little but store, where it counts that a store into two cache lines takes twice as long.
// All steps but the first and the last are `lead` samples early, which is how far behind a line's start the output is.
INLINE size_t lead_of(const float *output) { return (uintptr_t)output % 64 / sizeof *output; }
INLINE size_t early_step_start(size_t i, size_t lead, size_t last) {
  return step_start(i > lead ? i - lead : 0, last);
}

// MARK: PCM16

// The magnitude is 2 or more, infinite or not a number where the highest bit of the exponent is set.
INLINE bool are_below_two(ints32 united_bits) { return (__builtin_reduce_or(united_bits) & 0x40000000) == 0; }

INLINE bool convert_to_pcm16(const float *input, int16_t *output, size_t count) {
  if (count < 32) return false;
  ints32 united_bits = 0;
  for (size_t i = 0; i < count; i += 32) {
    size_t start = step_start(i, count - 32);
    floats32 x = load32(input + start);
    united_bits |= (ints32)x;
    shorts32 y = pcm16_of_scaled(x * 32768.0f);
    memcpy(output + start, &y, sizeof y);
  }
  return are_below_two(united_bits);
}

void KERNEL(pcm16_from_float)(const float *input, int16_t *output, size_t count) {
  if (!convert_to_pcm16(input, output, count)) ak_scalar_pcm16_from_float(input, output, count);
}

// SplitMix64 and the triangular dither of the scalar backend at sixteen positions; `counter` belongs to the first.
INLINE floats16 dither16(uint64_t counter) {
  const longs16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  longs16 z = counter + lane * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z = z ^ (z >> 31);
  ints16 first = __builtin_convertvector(z >> 40, ints16);
  ints16 second = __builtin_convertvector(z >> 16 & 0xFFFFFF, ints16);
  return __builtin_convertvector(first - second, floats16) * 0x1p-24f;
}

INLINE bool convert_to_dithered_pcm16(
    const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position) {
  if (count < 32) return false;
  ints32 united_bits = 0;
  for (size_t i = 0; i < count; i += 32) {
    size_t start = step_start(i, count - 32);
    floats32 x = load32(input + start);
    united_bits |= (ints32)x;
    x *= 32768.0f;
    x.lo += dither16(seed + (position + start) * 0x9E3779B97F4A7C15u);
    x.hi += dither16(seed + (position + start + 16) * 0x9E3779B97F4A7C15u);
    shorts32 y = pcm16_of_scaled(x);
    memcpy(output + start, &y, sizeof y);
  }
  return are_below_two(united_bits);
}

void KERNEL(pcm16_from_float_dithered)(
    const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position) {
  if (!convert_to_dithered_pcm16(input, output, count, seed, position)) {
    ak_scalar_pcm16_from_float_dithered(input, output, count, seed, position);
  }
}

void KERNEL(float_from_pcm16)(const int16_t *input, float *output, size_t count) {
  if (count < 32) {
    ak_scalar_float_from_pcm16(input, output, count);
    return;
  }
  const size_t lead = lead_of(output);
  for (size_t i = 0; i < count + lead; i += 32) {
    size_t start = early_step_start(i, lead, count - 32);
    shorts32 x;
    memcpy(&x, input + start, sizeof x);
    floats32 y = __builtin_convertvector(x, floats32) * (1.0f / 32768.0f);
    memcpy(output + start, &y, sizeof y);
  }
}

// MARK: Copying and mixing

// x * 0 is 0 or -0 where x is finite, and NaN elsewhere. (So would be x - x, but the compiler moves that in front of
// the shuffles of a stereo signal and doubles them.)
INLINE ints16 finite_mark(floats16 x) { return (ints16)(x * 0.0f); }
INLINE bool are_finite(ints16 united_marks) { return (__builtin_reduce_or(united_marks) & 0x7FFFFFFF) == 0; }

// Whether all samples are finite after multiplying by `scale`, a power of two.
INLINE bool copy_if_finite(const float *input, float *output, size_t count, float scale) {
  if (count < 32) return false;
  ints16 united_marks = 0;
  const size_t lead = lead_of(output);
  for (size_t i = 0; i < count + lead; i += 32) {
    size_t start = early_step_start(i, lead, count - 32);
    floats32 x = load32(input + start);
    united_marks |= finite_mark(x.lo * scale) | finite_mark(x.hi * scale);
    // What is not finite is copied too, so that the input is what it was, in place as well.
    memcpy(output + start, &x, sizeof x);
  }
  return are_finite(united_marks);
}

size_t KERNEL(copy_finite)(const float *input, float *output, size_t count) {
  return copy_if_finite(input, output, count, 1.0f) ? 0 : ak_scalar_copy_finite(input, output, count);
}

size_t KERNEL(copy_bounded)(const float *input, float *output, size_t count) {
  // 2^100 times this is infinite.
  return copy_if_finite(input, output, count, 0x1p28f) ? 0 : ak_scalar_copy_bounded(input, output, count);
}

// Rounded once, as in the scalar backend. Not finite where one of the two is not, and where their sum is too large.
INLINE floats16 mean_of(floats32 stereo) { return (stereo.even + stereo.odd) * 0.5f; }
INLINE floats16 left_of(floats32 stereo) { return stereo.even; }
INLINE floats16 right_of(floats32 stereo) { return stereo.odd; }

INLINE bool mix_if_finite(floats16 (*mono_of)(floats32), const float *stereo, float *mono, size_t frame_count) {
  if (frame_count < 16) return false;
  ints16 united_marks = 0;
  for (size_t i = 0; i < frame_count; i += 16) {
    size_t start = step_start(i, frame_count - 16);
    floats16 x = mono_of(load32(stereo + 2 * start));
    united_marks |= finite_mark(x);
    memcpy(mono + start, &x, sizeof x);
  }
  return are_finite(united_marks);
}

size_t KERNEL(downmix_mean)(const float *interleaved, float *mono, size_t frame_count, size_t channel_count) {
  if (channel_count == 1) return KERNEL(copy_finite)(interleaved, mono, frame_count);
  if (channel_count == 2 && mix_if_finite(mean_of, interleaved, mono, frame_count)) return 0;
  return ak_scalar_downmix_mean(interleaved, mono, frame_count, channel_count);
}

size_t KERNEL(downmix_channel)(
    const float *interleaved, float *mono, size_t frame_count, size_t channel_count, size_t channel) {
  if (channel_count == 1) return KERNEL(copy_finite)(interleaved, mono, frame_count);
  if (channel_count == 2) {
    bool done = channel == 0 ? mix_if_finite(left_of, interleaved, mono, frame_count)
                             : mix_if_finite(right_of, interleaved, mono, frame_count);
    if (done) return 0;
  }
  return ak_scalar_downmix_channel(interleaved, mono, frame_count, channel_count, channel);
}

// MARK: Frame sums

// The sixteen lanes of the scalar backend, in registers: whole vectors of sixteen comparisons compile badly.
typedef float float_register __attribute__((ext_vector_type(LANES)));
typedef int32_t int_register __attribute__((ext_vector_type(LANES)));

typedef struct lane_sums {
  float_register sums[16 / LANES], squares[16 / LANES];
  int_register crossings; // negative
} lane_sums;

// Adds sixteen samples; the sample before each is at the same place in `before`.
INLINE void add_row(const float *row, const float *before, float offset, lane_sums *lanes) {
  for (size_t i = 0; i < 16 / LANES; i++) {
    float_register x, previous;
    memcpy(&x, row + i * LANES, sizeof x);
    memcpy(&previous, before + i * LANES, sizeof previous);
    lanes->sums[i] += x;
    lanes->squares[i] += x * x;
    // A comparison that holds is -1.
    lanes->crossings += (x >= offset) ^ (previous >= offset);
  }
}

typedef float floats2 __attribute__((ext_vector_type(2)));
typedef float floats4 __attribute__((ext_vector_type(4)));
typedef float floats8 __attribute__((ext_vector_type(8)));

INLINE floats2 folded_to_two(const float_register lanes[16 / LANES]) {
  floats16 sixteen = load16((const float *)lanes);
  floats8 eight = sixteen.lo + sixteen.hi;
  floats4 four = eight.lo + eight.hi;
  return four.lo + four.hi;
}

void KERNEL(frame_sums)(const float *input, size_t count, float offset, float previous, ak_frame_sums *result) {
  if (count < 16) {
    ak_scalar_frame_sums(input, count, offset, previous, result);
    return;
  }
  lane_sums lanes = {0};
  floats16 first = load16(input);
  floats16 before_first =
      __builtin_shufflevector(first, (floats16)previous, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
  add_row(input, (const float *)&before_first, offset, &lanes);
  size_t i = 16;
  for (; count - i >= 16; i += 16) {
    add_row(input + i, input + i - 1, offset, &lanes);
  }
  if (i < count) {
    // The last count - i samples with zeros behind them, which add nothing and cross nothing. The 17 samples that are
    // read are there, because count > i >= 16.
    float last[32] = {0}, before_last[32] = {0};
    memcpy(last, input + count - 16, 16 * sizeof(float));
    memcpy(before_last, input + count - 17, 16 * sizeof(float));
    size_t start = 16 - (count - i);
    add_row(last + start, before_last + start, offset, &lanes);
  }
  floats2 sums = folded_to_two(lanes.sums), squares = folded_to_two(lanes.squares);
  // Together, so that the two are written at once: who reads two floats as one word waits for two writes.
  floats2 both = (floats2){sums.x, squares.x} + (floats2){sums.y, squares.y};
  result->sum = both.x;
  result->sum_of_squares = both.y;
  result->zero_crossings = (uint32_t)-__builtin_reduce_add(lanes.crossings);
}
