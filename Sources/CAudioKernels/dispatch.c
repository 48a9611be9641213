// The one place that knows which backends exist.

#include "scalar.h"
#include "x86_avx2.h"

static const ak_kernels scalar_kernels = {
    .pcm16_from_float = ak_scalar_pcm16_from_float,
    .float_from_pcm16 = ak_scalar_float_from_pcm16,
    .pcm16_from_float_dithered = ak_scalar_pcm16_from_float_dithered,
    .copy_finite = ak_scalar_copy_finite,
    .downmix_mean = ak_scalar_downmix_mean,
    .downmix_channel = ak_scalar_downmix_channel,
    .mu_law_from_pcm16 = ak_scalar_mu_law_from_pcm16,
    .pcm16_from_mu_law = ak_scalar_pcm16_from_mu_law,
    .a_law_from_pcm16 = ak_scalar_a_law_from_pcm16,
    .pcm16_from_a_law = ak_scalar_pcm16_from_a_law,
    .base64_encode = ak_scalar_base64_encode,
    .base64_decode = ak_scalar_base64_decode,
    .frame_sums = ak_scalar_frame_sums,
    .resample_groups = ak_scalar_resample_groups,
    .resample_cubic = ak_scalar_resample_cubic,
};

#if defined(__x86_64__)
static const ak_kernels avx2_kernels = {
    .pcm16_from_float = ak_avx2_pcm16_from_float,
    .float_from_pcm16 = ak_scalar_float_from_pcm16,
    .pcm16_from_float_dithered = ak_scalar_pcm16_from_float_dithered,
    .copy_finite = ak_scalar_copy_finite,
    .downmix_mean = ak_scalar_downmix_mean,
    .downmix_channel = ak_scalar_downmix_channel,
    .mu_law_from_pcm16 = ak_scalar_mu_law_from_pcm16,
    .pcm16_from_mu_law = ak_scalar_pcm16_from_mu_law,
    .a_law_from_pcm16 = ak_scalar_a_law_from_pcm16,
    .pcm16_from_a_law = ak_scalar_pcm16_from_a_law,
    .base64_encode = ak_avx2_base64_encode,
    .base64_decode = ak_avx2_base64_decode,
    .frame_sums = ak_scalar_frame_sums,
    .resample_groups = ak_avx2_resample_groups,
    .resample_cubic = ak_scalar_resample_cubic,
};
#endif

const ak_kernels *ak_kernels_for(ak_backend backend) {
  switch (backend) {
  case AK_BACKEND_SCALAR:
    return &scalar_kernels;
  case AK_BACKEND_AVX2:
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2_kernels;
#endif
    break;
  case AK_BACKEND_SSE2:
  case AK_BACKEND_AVX512:
  case AK_BACKEND_NEON:
    break;
  }
  return NULL;
}
