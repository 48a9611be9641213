// The scalar backend: one file per topic, each the specification of its kernels.

#ifndef AK_SCALAR_H
#define AK_SCALAR_H

#include "CAudioKernels.h"

void ak_scalar_pcm16_from_float(const float *input, int16_t *output, size_t count);
void ak_scalar_float_from_pcm16(const int16_t *input, float *output, size_t count);
void ak_scalar_pcm16_from_float_dithered(
    const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position);

size_t ak_scalar_copy_finite(const float *input, float *output, size_t count);
size_t ak_scalar_downmix_mean(const float *interleaved, float *mono, size_t frame_count, size_t channel_count);
size_t ak_scalar_downmix_channel(
    const float *interleaved, float *mono, size_t frame_count, size_t channel_count, size_t channel);

void ak_scalar_mu_law_from_pcm16(const int16_t *input, uint8_t *output, size_t count);
void ak_scalar_pcm16_from_mu_law(const uint8_t *input, int16_t *output, size_t count);
void ak_scalar_a_law_from_pcm16(const int16_t *input, uint8_t *output, size_t count);
void ak_scalar_pcm16_from_a_law(const uint8_t *input, int16_t *output, size_t count);

void ak_scalar_base64_encode(const uint8_t *input, size_t count, uint8_t *output);
size_t ak_scalar_base64_decode(const uint8_t *input, size_t quad_count, uint8_t *output);

void ak_scalar_frame_sums(const float *input, size_t count, float offset, float previous, ak_frame_sums *result);

void ak_scalar_resample_groups(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t group_count, float *output);
void ak_scalar_resample_cubic(
    const ak_cubic_bank *bank, const float *input, uint64_t phase, size_t count, float *output);

#endif
