// The sample-wise kernels with AVX-512.

#if defined(__x86_64__)

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)

#define LANES 16
#define KERNEL(name) ak_avx512_##name
#include "../vector/samples.h"

INLINE shorts32 pcm16_of_scaled(floats32 x) {
  __m512i packed = _mm512_packs_epi32(_mm512_cvtps_epi32(x.lo), _mm512_cvtps_epi32(x.hi));
  // It packs quarter by quarter.
  return (shorts32)_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed);
}

#pragma clang attribute pop

#endif
