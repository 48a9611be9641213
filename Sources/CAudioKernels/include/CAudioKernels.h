// The inner loops of AudioDSP, in plain C, behind one table of functions per backend.
//
// Conventions of every kernel:
// - Pointers never alias unless the comment says so, and may be unaligned. `count` may be 0.
// - No allocation, no lock, no global state, no error: the caller has checked sizes and formats.
// - The result does not depend on how a long input is cut into calls, beyond what the arguments carry from call to call.
// - The scalar backend is the specification. A backend agrees with it bit for bit on integers; on floats within a bound
//   that grows with length and magnitude, because a backend with fused multiply-add rounds once where scalar code rounds
//   twice.

#ifndef C_AUDIO_KERNELS_H
#define C_AUDIO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ak_backend {
  AK_BACKEND_SCALAR = 0,
  AK_BACKEND_SSE2 = 1,
  AK_BACKEND_AVX2 = 2,
  AK_BACKEND_AVX512 = 3,
  AK_BACKEND_NEON = 4,
} ak_backend;

// Sums over one analysis frame.
typedef struct ak_frame_sums {
  float sum;               // of x
  float sum_of_squares;    // of x * x
  uint32_t zero_crossings; // of x - offset
} ak_frame_sums;

// Outputs are computed in groups of this many neighbours that share one window of input.
#define AK_RESAMPLING_GROUP 8

// A polyphase filter bank for a ratio of L outputs to M inputs, arranged in groups of AK_RESAMPLING_GROUP outputs. The
// groups repeat with a cycle of `cycle_group_count`, during which the input advances by `cycle_input_count` samples.
typedef struct ak_group_bank {
  const float *coefficients;     // [cycle_group_count][tap_count][AK_RESAMPLING_GROUP]
  const uint32_t *group_offsets; // [cycle_group_count]: first input sample of a group, from the start of its cycle
  size_t cycle_group_count;
  size_t cycle_input_count;
  size_t tap_count;
} ak_group_bank;

// A bank whose phases lie between `row_count` rows of cubic polynomials, for ratios with too many phases to tabulate.
// Phase p of L lies in row r = p * row_count / L at the fraction f = (p * row_count % L) / L, and tap t of that phase is
// ((c3 * f + c2) * f + c1) * f + c0.
typedef struct ak_cubic_bank {
  const float *coefficients; // [row_count][tap_count][4]: c0, c1, c2, c3
  uint64_t row_count;
  uint64_t phase_count;   // L, outputs per cycle
  uint64_t input_advance; // M, inputs per cycle
  size_t tap_count;
} ak_cubic_bank;

typedef struct ak_kernels {
  // PCM16 = round to nearest, ties to even, of x * 32768, saturated; NaN becomes 0.
  void (*pcm16_from_float)(const float *input, int16_t *output, size_t count);
  // x = PCM16 / 32768, exactly.
  void (*float_from_pcm16)(const int16_t *input, float *output, size_t count);
  // As pcm16_from_float, with one triangular dither value (uniform minus uniform, spanning +-1 LSB) added before rounding.
  // `position` is the index of input[0] in the stream; the dither of a sample is a hash of `seed` and its position.
  void (*pcm16_from_float_dithered)(const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position);

  // Copies, replacing what is not finite by 0; returns how many samples were replaced. May work in place.
  size_t (*copy_finite)(const float *input, float *output, size_t count);
  // mono[i] = mean over channels c of interleaved[i * channel_count + c], non-finite samples taken as 0, summed in
  // channel order. Returns how many samples were not finite.
  size_t (*downmix_mean)(const float *interleaved, float *mono, size_t frame_count, size_t channel_count);
  // mono[i] = interleaved[i * channel_count + channel], non-finite samples taken as 0. Returns how many of them were not.
  size_t (*downmix_channel)(
      const float *interleaved, float *mono, size_t frame_count, size_t channel_count, size_t channel);

  void (*mu_law_from_pcm16)(const int16_t *input, uint8_t *output, size_t count);
  void (*pcm16_from_mu_law)(const uint8_t *input, int16_t *output, size_t count);
  void (*a_law_from_pcm16)(const int16_t *input, uint8_t *output, size_t count);
  void (*pcm16_from_a_law)(const uint8_t *input, int16_t *output, size_t count);

  // RFC 4648 section 4, with padding: writes 4 * ceil(count / 3) characters.
  void (*base64_encode)(const uint8_t *input, size_t count, uint8_t *output);
  // Decodes `quad_count` groups of four characters without padding. Returns how many leading groups held only characters
  // of the alphabet; output holds 3 bytes for each of those, and its other bytes up to 3 * quad_count are unspecified.
  size_t (*base64_decode)(const uint8_t *input, size_t quad_count, uint8_t *output);

  // Sums over one frame. A zero crossing is a neighbour pair of which exactly one is >= offset; `previous` stands before
  // input[0]. Floats are summed in sixteen lanes (sample i in lane i % 16), and the lanes folded 8, 4, 2, 1.
  void (*frame_sums)(const float *input, size_t count, float offset, float previous, ak_frame_sums *result);

  // Computes `group_count` consecutive groups from `first_group` (counted from 0 within a cycle), whose window starts at
  // input[0]. Each output is summed from 0 in tap order. A later group's window starts as far behind the first's as its
  // offset does, plus cycle_input_count for each new cycle; every window is tap_count samples wide.
  void (*resample_groups)(
      const ak_group_bank *bank, const float *input, size_t first_group, size_t group_count, float *output);
  // Computes `count` consecutive outputs, the first at `phase` (0 ..< phase_count) with its window at input[0].
  void (*resample_cubic)(const ak_cubic_bank *bank, const float *input, uint64_t phase, size_t count, float *output);
} ak_kernels;

// The kernels of a backend, or NULL where this build or this processor lacks it. Some members of a faster backend may be
// those of the next slower one. Never changes while a program runs.
const ak_kernels *ak_kernels_for(ak_backend backend);

#ifdef __cplusplus
}
#endif

#endif
