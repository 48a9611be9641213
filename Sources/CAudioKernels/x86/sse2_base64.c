// Base64 for processors that have SSE2 and nothing more. They lack a byte shuffle, without which vectors gain nothing
// here: this looks up two characters at once, and shifted values.

#include "../backends.h"

#if defined(__x86_64__)

#include <string.h>


#define EACH_OF_16(F, i)                                                                                               \
  F((i) + 0), F((i) + 1), F((i) + 2), F((i) + 3), F((i) + 4), F((i) + 5), F((i) + 6), F((i) + 7), F((i) + 8),          \
      F((i) + 9), F((i) + 10), F((i) + 11), F((i) + 12), F((i) + 13), F((i) + 14), F((i) + 15)
#define EACH_OF_256(F, i)                                                                                              \
  EACH_OF_16(F, (i) + 0x00), EACH_OF_16(F, (i) + 0x10), EACH_OF_16(F, (i) + 0x20), EACH_OF_16(F, (i) + 0x30),          \
      EACH_OF_16(F, (i) + 0x40), EACH_OF_16(F, (i) + 0x50), EACH_OF_16(F, (i) + 0x60), EACH_OF_16(F, (i) + 0x70),      \
      EACH_OF_16(F, (i) + 0x80), EACH_OF_16(F, (i) + 0x90), EACH_OF_16(F, (i) + 0xA0), EACH_OF_16(F, (i) + 0xB0),      \
      EACH_OF_16(F, (i) + 0xC0), EACH_OF_16(F, (i) + 0xD0), EACH_OF_16(F, (i) + 0xE0), EACH_OF_16(F, (i) + 0xF0)

// MARK: Encoding

#define CHARACTER(v)                                                                                                   \
  ((v) < 26 ? 'A' + (v) : (v) < 52 ? 'a' + (v) - 26 : (v) < 62 ? '0' + (v) - 52 : (v) == 62 ? '+' : '/')
#define PAIR(i) (uint16_t)(CHARACTER((i) >> 6) | CHARACTER((i) & 63) << 8)

// Two characters for 12 bits.
static const uint16_t pairs[4096] = {
    EACH_OF_256(PAIR, 0x000), EACH_OF_256(PAIR, 0x100), EACH_OF_256(PAIR, 0x200), EACH_OF_256(PAIR, 0x300),
    EACH_OF_256(PAIR, 0x400), EACH_OF_256(PAIR, 0x500), EACH_OF_256(PAIR, 0x600), EACH_OF_256(PAIR, 0x700),
    EACH_OF_256(PAIR, 0x800), EACH_OF_256(PAIR, 0x900), EACH_OF_256(PAIR, 0xA00), EACH_OF_256(PAIR, 0xB00),
    EACH_OF_256(PAIR, 0xC00), EACH_OF_256(PAIR, 0xD00), EACH_OF_256(PAIR, 0xE00), EACH_OF_256(PAIR, 0xF00),
};

void ak_sse2_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  // 6 bytes a step. It reads 8 of the count.
  for (; count >= 8; input += 6, output += 8, count -= 6) {
    uint64_t bits;
    memcpy(&bits, input, 8);
    bits = __builtin_bswap64(bits);
    memcpy(output, &pairs[bits >> 52], 2);
    memcpy(output + 2, &pairs[bits >> 40 & 0xFFF], 2);
    memcpy(output + 4, &pairs[bits >> 28 & 0xFFF], 2);
    memcpy(output + 6, &pairs[bits >> 16 & 0xFFF], 2);
  }
  ak_scalar_base64_encode(input, count, output);
}

// MARK: Decoding

#define VALUE(c)                                                                                                       \
  ((c) >= 'A' && (c) <= 'Z'   ? (uint32_t)(c) - 'A'                                                                    \
   : (c) >= 'a' && (c) <= 'z' ? (uint32_t)(c) - 'a' + 26                                                               \
   : (c) >= '0' && (c) <= '9' ? (uint32_t)(c) - '0' + 52                                                               \
   : (c) == '+'               ? 62u                                                                                    \
   : (c) == '/'               ? 63u                                                                                    \
                              : BAD)
#define BAD 0x80000000u

// What the first, second, third and fourth character of a group contribute to its three bytes, first byte lowest.
#define FIRST(c) (VALUE(c) == BAD ? BAD : VALUE(c) << 2)
#define SECOND(c) (VALUE(c) == BAD ? BAD : VALUE(c) >> 4 | (VALUE(c) & 15) << 12)
#define THIRD(c) (VALUE(c) == BAD ? BAD : VALUE(c) >> 2 << 8 | (VALUE(c) & 3) << 22)
#define FOURTH(c) (VALUE(c) == BAD ? BAD : VALUE(c) << 16)
static const uint32_t contributions[4][256] = {
    {EACH_OF_256(FIRST, 0)}, {EACH_OF_256(SECOND, 0)}, {EACH_OF_256(THIRD, 0)}, {EACH_OF_256(FOURTH, 0)}};

static inline uint32_t group_of(const uint8_t *input) {
  uint32_t characters;
  memcpy(&characters, input, 4);
  return contributions[0][characters & 0xFF] | contributions[1][characters >> 8 & 0xFF]
      | contributions[2][characters >> 16 & 0xFF] | contributions[3][characters >> 24];
}

size_t ak_sse2_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  size_t done = 0;
  // 4 groups a step. Each writes 4 bytes where 3 are due, so one more group must follow.
  for (; quad_count - done >= 5; done += 4) {
    const uint8_t *source = input + done * 4;
    uint8_t *target = output + done * 3;
    uint32_t a = group_of(source), b = group_of(source + 4), c = group_of(source + 8), d = group_of(source + 12);
    if ((a | b | c | d) & BAD) break;
    memcpy(target, &a, 4);
    memcpy(target + 3, &b, 4);
    memcpy(target + 6, &c, 4);
    memcpy(target + 9, &d, 4);
  }
  // A few groups, or a bad one, which the scalar kernel finds.
  return done + ak_scalar_base64_decode(input + done * 4, quad_count - done, output + done * 3);
}

#endif
