// Approximations that several kernels share: the specification. Included after `#pragma STDC FP_CONTRACT OFF`.

#ifndef AK_SCALAR_APPROXIMATIONS_H
#define AK_SCALAR_APPROXIMATIONS_H

#include <stdint.h>
#include <string.h>

#include "../network_constants.h"

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// exp(-x * scale) for the scales 1 and 2, held between 2^-126 and 2^126, so that 1 plus it can be divided by.
static inline float decay(float x, float scale) {
  float y = x * (-AK_LOG2_E * scale);
  y = y > -126.0f ? y : -126.0f;
  y = y < 126.0f ? y : 126.0f;
  // Adding 1.5 * 2^23 rounds to a whole number, which is then in the lowest bits.
  const float rounded = y + 0x1.8p23f;
  const float f = y - (rounded - 0x1.8p23f);
  float sum = AK_EXP2_4;
  sum = sum * f + AK_EXP2_3;
  sum = sum * f + AK_EXP2_2;
  sum = sum * f + AK_EXP2_1;
  sum = sum * f + AK_EXP2_0;
  sum = sum * f + 1.0f;
  // The fraction is not negative at -126 and not positive at 126: the sum's exponent stays that of an ordinary number.
  return float_of(bits_of(sum) + (bits_of(rounded) << 23));
}

#endif
