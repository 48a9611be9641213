// Base64, RFC 4648 section 4.

#include "base64_tables.h"
#include "../backends.h"

_Alignas(64) const uint8_t ak_base64_alphabet[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define XX AK_BASE64_BAD
_Alignas(64) const uint8_t ak_base64_values[256] = {
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX, XX, 63, // + /
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX, // 0...9
    XX, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, // A...O
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX, // P...Z
    XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, // a...o
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX, // p...z
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, //
};

void ak_scalar_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  const uint8_t *alphabet = ak_base64_alphabet;
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

size_t ak_scalar_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  const uint8_t *values = ak_base64_values;
  for (size_t quad = 0; quad < quad_count; quad++, input += 4, output += 3) {
    uint32_t a = values[input[0]], b = values[input[1]], c = values[input[2]], d = values[input[3]];
    if ((a | b | c | d) & AK_BASE64_BAD) return quad;
    uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    output[0] = (uint8_t)(bits >> 16);
    output[1] = (uint8_t)(bits >> 8);
    output[2] = (uint8_t)bits;
  }
  return quad_count;
}
