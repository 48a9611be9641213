// The sample-wise kernels with AVX2.

#if defined(__x86_64__)

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
#define KERNEL(name) ak_avx2_##name
#include "../vector/samples.h"

INLINE shorts32 pcm16_of_scaled(floats32 x) {
  __m256 from[4];
  __m256i to[2];
  memcpy(from, &x, sizeof from);
  for (size_t i = 0; i < 2; i++) {
    __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(from[2 * i]), _mm256_cvtps_epi32(from[2 * i + 1]));
    // It packs the lower halves and the upper ones.
    to[i] = _mm256_permute4x64_epi64(packed, _MM_SHUFFLE(3, 1, 2, 0));
  }
  shorts32 result;
  memcpy(&result, to, sizeof result);
  return result;
}

#pragma clang attribute pop

#endif
