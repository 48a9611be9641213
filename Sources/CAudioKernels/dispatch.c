// The one place that knows which backends exist.

#include "backends.h"

static const ak_kernels scalar_kernels = AK_KERNELS(scalar, 1, 0);
#if defined(__x86_64__)
static const ak_kernels sse2_kernels = AK_KERNELS(sse2, 4, 2);
// Splitting once is 1.2 times as fast as not at all, and twice 1.4 times, by measurement on a Zen 3.
static const ak_kernels avx2_kernels = AK_KERNELS(avx2, 8, 2);
// Splitting twice is 1.14 times as fast as once for the usual filters, which then have two vectors of taps to a leaf; for
// longer ones it is slower. By measurement on a Zen 4.
static const ak_kernels avx512_kernels = AK_KERNELS(avx512, 16, 2);
#elif defined(__aarch64__)
static const ak_kernels neon_kernels = AK_KERNELS(neon, 4, 2);
#endif

const ak_kernels *ak_kernels_for(ak_backend backend) {
  switch (backend) {
  case AK_BACKEND_SCALAR:
    return &scalar_kernels;
#if defined(__x86_64__)
  case AK_BACKEND_SSE2:
    return &sse2_kernels;
  case AK_BACKEND_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2_kernels : NULL;
  case AK_BACKEND_AVX512:
    return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512vbmi")
        ? &avx512_kernels
        : NULL;
#elif defined(__aarch64__)
  case AK_BACKEND_NEON:
    return &neon_kernels;
#endif
  default:
    return NULL;
  }
}
