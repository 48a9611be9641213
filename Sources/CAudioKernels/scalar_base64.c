// Base64, RFC 4648 section 4.

#include "scalar.h"

static const uint8_t alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ak_scalar_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  // Each step reads 3 bytes of the count, so the last full step reads input[count - 1] at most.
  while (count >= 3) {
    uint32_t bits = (uint32_t)input[0] << 16 | (uint32_t)input[1] << 8 | input[2];
    output[0] = alphabet[bits >> 18];
    output[1] = alphabet[bits >> 12 & 63];
    output[2] = alphabet[bits >> 6 & 63];
    output[3] = alphabet[bits & 63];
    input += 3, output += 4, count -= 3;
  }
  if (count > 0) {
    uint32_t bits = (uint32_t)input[0] << 16 | (count == 2 ? (uint32_t)input[1] << 8 : 0);
    output[0] = alphabet[bits >> 18];
    output[1] = alphabet[bits >> 12 & 63];
    output[2] = count == 2 ? alphabet[bits >> 6 & 63] : '=';
    output[3] = '=';
  }
}

// The value of a character, or a number of 64 and more for what is not in the alphabet.
static inline uint32_t value_of(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
  if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a') + 26;
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0') + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return 64;
}

size_t ak_scalar_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  for (size_t quad = 0; quad < quad_count; quad++, input += 4, output += 3) {
    uint32_t a = value_of(input[0]), b = value_of(input[1]), c = value_of(input[2]), d = value_of(input[3]);
    if ((a | b | c | d) >= 64) return quad;
    uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    output[0] = (uint8_t)(bits >> 16);
    output[1] = (uint8_t)(bits >> 8);
    output[2] = (uint8_t)bits;
  }
  return quad_count;
}
