// The sample-wise kernels with SSE2, which every 64-bit x86 processor has.

#if defined(__x86_64__)

#include <emmintrin.h>

#define LANES 4
#define KERNEL(name) ak_sse2_##name
#include "../vector/samples.h"

INLINE shorts32 pcm16_of_scaled(floats32 x) {
  __m128 from[8];
  __m128i to[4];
  memcpy(from, &x, sizeof from);
  for (size_t i = 0; i < 4; i++) {
    to[i] = _mm_packs_epi32(_mm_cvtps_epi32(from[2 * i]), _mm_cvtps_epi32(from[2 * i + 1]));
  }
  shorts32 result;
  memcpy(&result, to, sizeof result);
  return result;
}

#endif
