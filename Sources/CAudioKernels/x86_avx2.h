// The kernels of the AVX2 and FMA backend; the others of its table are the scalar ones.

#ifndef AK_X86_AVX2_H
#define AK_X86_AVX2_H

#include "CAudioKernels.h"

void ak_avx2_pcm16_from_float(const float *input, int16_t *output, size_t count);

void ak_avx2_base64_encode(const uint8_t *input, size_t count, uint8_t *output);
size_t ak_avx2_base64_decode(const uint8_t *input, size_t quad_count, uint8_t *output);

void ak_avx2_resample_groups(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t group_count, float *output);

#endif
