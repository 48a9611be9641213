// The sample-wise kernels with NEON, which every 64-bit Arm processor has.

#if defined(__aarch64__)

#include <arm_neon.h>

#define LANES 4
#define KERNEL(name) ak_neon_##name
#include "../vector/samples.h"

INLINE shorts32 pcm16_of_scaled(floats32 x) {
  float32x4_t from[8];
  int16x8_t to[4];
  memcpy(from, &x, sizeof from);
  for (size_t i = 0; i < 4; i++) {
    int16x4_t low = vqmovn_s32(vcvtnq_s32_f32(from[2 * i]));
    to[i] = vqmovn_high_s32(low, vcvtnq_s32_f32(from[2 * i + 1]));
  }
  shorts32 result;
  memcpy(&result, to, sizeof result);
  return result;
}

#endif
