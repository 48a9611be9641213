// The functions of every backend, by one naming scheme: ak_BACKEND_KERNEL. Which of them a program has depends on the
// processor that it is built for; which of those it may call, on the one that it runs on.

#ifndef AK_BACKENDS_H
#define AK_BACKENDS_H

#include "CAudioKernels.h"

// The sine of a third of a turn.
#define AK_SINE_THIRD 0.866025404f

#define AK_DECLARE_BACKEND(backend)                                                                                    \
  void ak_##backend##_pcm16_from_float(const float *input, int16_t *output, size_t count);                             \
  void ak_##backend##_float_from_pcm16(const int16_t *input, float *output, size_t count);                             \
  void ak_##backend##_pcm16_from_float_dithered(                                                                       \
      const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position);                            \
  size_t ak_##backend##_copy_finite(const float *input, float *output, size_t count);                                  \
  size_t ak_##backend##_copy_bounded(const float *input, float *output, size_t count);                                 \
  size_t ak_##backend##_downmix_mean(                                                                                  \
      const float *interleaved, float *mono, size_t frame_count, size_t channel_count);                                \
  size_t ak_##backend##_downmix_channel(                                                                               \
      const float *interleaved, float *mono, size_t frame_count, size_t channel_count, size_t channel);                \
  void ak_##backend##_base64_encode(const uint8_t *input, size_t count, uint8_t *output);                              \
  size_t ak_##backend##_base64_decode(const uint8_t *input, size_t quad_count, uint8_t *output);                       \
  void ak_##backend##_frame_sums(                                                                                      \
      const float *input, size_t count, float offset, float previous, ak_frame_sums *result);                          \
  void ak_##backend##_filter_polyphase(                                                                                \
      const ak_polyphase_filter *filter, const float *input, size_t skip, size_t count, float *output,                 \
      float *scratch);                                                                                                 \
  void ak_##backend##_filter_group_bank(                                                                               \
      const ak_group_bank *bank, const float *input, size_t first_group, size_t skip, size_t count, float *output);    \
  void ak_##backend##_filter_interpolated_bank(                                                                        \
      const ak_interpolated_bank *bank, const float *input, uint64_t phase, size_t count, float *output);             \
  void ak_##backend##_power_spectrum(const float *input, const float *window, float scale, float *power);              \
  void ak_##backend##_forward_transform(                                                                               \
      const ak_transform *transform, const float *input, const float *window, float *real, float *imaginary,           \
      float *scratch);                                                                                                 \
  void ak_##backend##_inverse_transform(                                                                               \
      const ak_transform *transform, const float *real, const float *imaginary, float *output, float *scratch);        \
  void ak_##backend##_power_of(                                                                                        \
      const float *real, const float *imaginary, float scale, float *power, size_t count);                             \
  void ak_##backend##_multiply(const float *a, const float *b, float *output, size_t count);                           \
  void ak_##backend##_multiply_add(const float *a, const float *b, float *output, size_t count);                       \
  void ak_##backend##_apply_layer(                                                                                     \
      const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,                     \
      size_t output_stride);                                                                                           \
  void ak_##backend##_log2_above(const float *input, float offset, float *output, size_t count);                       \
  void ak_##backend##_square_root(const float *input, float *output, size_t count);                                    \
  void ak_##backend##_sigmoid(const float *input, float *output, size_t count);                                        \
  void ak_##backend##_suppress_bins(                                                                                   \
      const float *power, float least_rate, float *noise, float *speech, float *presence, float *gain,            \
      float *left, size_t count);                                                                                      \
  void ak_##backend##_gru_step(const float *input_gates, const float *state_gates, float *state, size_t count);        \
  void ak_##backend##_track_floor(                                                                                     \
      const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,              \
      size_t count);                                                                                                   \
  size_t ak_##backend##_peak(const float *input, size_t count, float *value);

AK_DECLARE_BACKEND(scalar)
AK_DECLARE_BACKEND(sse2)
AK_DECLARE_BACKEND(avx2)
AK_DECLARE_BACKEND(avx512)
AK_DECLARE_BACKEND(neon)

// Nothing is gained by vectors in G.711: these are every backend's.
void ak_scalar_mu_law_from_pcm16(const int16_t *input, uint8_t *output, size_t count);
void ak_scalar_pcm16_from_mu_law(const uint8_t *input, int16_t *output, size_t count);
void ak_scalar_a_law_from_pcm16(const int16_t *input, uint8_t *output, size_t count);
void ak_scalar_pcm16_from_a_law(const uint8_t *input, int16_t *output, size_t count);

// A backend's table.
#define AK_KERNELS(backend, lanes, depth)                                                                              \
  {                                                                                                                    \
    .pcm16_from_float = ak_##backend##_pcm16_from_float, .float_from_pcm16 = ak_##backend##_float_from_pcm16,          \
    .pcm16_from_float_dithered = ak_##backend##_pcm16_from_float_dithered,                                             \
    .copy_finite = ak_##backend##_copy_finite, .copy_bounded = ak_##backend##_copy_bounded,                            \
    .downmix_mean = ak_##backend##_downmix_mean,                                                                       \
    .downmix_channel = ak_##backend##_downmix_channel, .mu_law_from_pcm16 = ak_scalar_mu_law_from_pcm16,               \
    .pcm16_from_mu_law = ak_scalar_pcm16_from_mu_law, .a_law_from_pcm16 = ak_scalar_a_law_from_pcm16,                  \
    .pcm16_from_a_law = ak_scalar_pcm16_from_a_law, .base64_encode = ak_##backend##_base64_encode,                     \
    .base64_decode = ak_##backend##_base64_decode, .frame_sums = ak_##backend##_frame_sums, .lane_count = lanes,       \
    .split_depth = depth, .filter_polyphase = ak_##backend##_filter_polyphase,                                         \
    .filter_group_bank = ak_##backend##_filter_group_bank,                                                             \
    .filter_interpolated_bank = ak_##backend##_filter_interpolated_bank,                                               \
    .power_spectrum = ak_##backend##_power_spectrum, .forward_transform = ak_##backend##_forward_transform,            \
    .inverse_transform = ak_##backend##_inverse_transform, .power_of = ak_##backend##_power_of,                        \
    .multiply = ak_##backend##_multiply, .multiply_add = ak_##backend##_multiply_add,                                  \
    .apply_layer = ak_##backend##_apply_layer, .log2_above = ak_##backend##_log2_above,                                \
    .square_root = ak_##backend##_square_root, .sigmoid = ak_##backend##_sigmoid,                                      \
    .suppress_bins = ak_##backend##_suppress_bins, .gru_step = ak_##backend##_gru_step,                                \
    .track_floor = ak_##backend##_track_floor, .peak = ak_##backend##_peak,                                            \
  }

#endif
