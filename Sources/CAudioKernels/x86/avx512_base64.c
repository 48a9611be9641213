// Base64 with AVX-512 VBMI, after W. Mula and D. Lemire, "Base64 Encoding and Decoding at Almost the Speed of a Memory
// Copy", Software: Practice and Experience 50 (2020).

#include "../backends.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "../scalar/base64_tables.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vbmi"))), apply_to = function)

// A mask of the first `count` of 64 bytes; 0 < count <= 64.
static inline __mmask64 first(size_t count) { return ~(__mmask64)0 >> (64 - count); }

// MARK: Encoding

// 64 characters for the first 48 bytes.
static inline __m512i characters_of(__m512i bytes) {
  // Each group of bytes a, b, c becomes b, a, c, b, so that every value lies in one piece in its 64 bits.
  const __m512i spread = _mm512_setr_epi32(
      0x01020001, 0x04050304, 0x07080607, 0x0A0B090A, 0x0D0E0C0D, 0x10110F10, 0x13141213, 0x16171516, 0x191A1819,
      0x1C1D1B1C, 0x1F201E1F, 0x22232122, 0x25262425, 0x28292728, 0x2B2C2A2B, 0x2E2F2D2E);
  // The first bit of each of eight values: 10, 4, 22, 16 of the first group, and 32 further in the second.
  const __m512i positions = _mm512_set1_epi64(0x3036242A1016040A);
  __m512i values = _mm512_multishift_epi64_epi8(positions, _mm512_permutexvar_epi8(spread, bytes));
  // The lookup ignores the upper two bits.
  return _mm512_permutexvar_epi8(values, _mm512_load_si512(ak_base64_alphabet));
}

void ak_avx512_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  // 48 bytes a vector. It reads 64, so two vectors read 112 of the count.
#pragma clang loop unroll(disable)
  for (; count >= 112; input += 96, output += 128, count -= 96) {
    __m512i first_bytes = _mm512_loadu_si512(input), second_bytes = _mm512_loadu_si512(input + 48);
    _mm512_storeu_si512(output, characters_of(first_bytes));
    _mm512_storeu_si512(output + 64, characters_of(second_bytes));
  }
  if (count >= 64) {
    _mm512_storeu_si512(output, characters_of(_mm512_loadu_si512(input)));
    input += 48, output += 64, count -= 48;
  }
  // The rest, with masks. What is not read counts as 0.
  while (count > 0) {
    size_t taken = count < 48 ? count : 48;
    size_t group_count = (taken + 2) / 3;
    // n bytes fill n characters, and one more for each group that has begun.
    __m512i characters = _mm512_mask_mov_epi8(
        _mm512_set1_epi8('='), first(taken + group_count), characters_of(_mm512_maskz_loadu_epi8(first(taken), input)));
    _mm512_mask_storeu_epi8(output, first(group_count * 4), characters);
    input += taken, output += group_count * 4, count -= taken;
  }
}

// MARK: Decoding

// 16 groups of 24 bits, each in the lower three bytes of 32, for 64 characters. Sets the upper bit in those bytes of
// `bad` whose characters are not in the alphabet.
static inline __m512i groups_of(__m512i characters, __m512i *bad) {
  const __m512i lower = _mm512_load_si512(ak_base64_values), upper = _mm512_load_si512(ak_base64_values + 64);
  // The lookup ignores the upper bit, which makes a character as bad as a value can be.
  __m512i values = _mm512_permutex2var_epi8(lower, characters, upper);
  *bad = _mm512_ternarylogic_epi32(*bad, characters, values, 0xFE);
  __m512i pairs = _mm512_maddubs_epi16(values, _mm512_set1_epi32(0x01400140));
  return _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00011000));
}

// Where the 192 bytes of four vectors of groups stand: 64 in the first and second vector, 64 in the second and third,
// 64 in the third and fourth. The first 48 all stand in the first. A group has its bytes in reverse.
#define BYTES(group) 4 * (group) + 2, 4 * (group) + 1, 4 * (group)
_Alignas(64) static const uint8_t bytes_of_groups[3][64] = {
    {BYTES(0),  BYTES(1),  BYTES(2),  BYTES(3),  BYTES(4),  BYTES(5),  BYTES(6),  BYTES(7),
     BYTES(8),  BYTES(9),  BYTES(10), BYTES(11), BYTES(12), BYTES(13), BYTES(14), BYTES(15),
     BYTES(16), BYTES(17), BYTES(18), BYTES(19), BYTES(20), 86},
    {21,        20,        BYTES(6),  BYTES(7),  BYTES(8),  BYTES(9),  BYTES(10), BYTES(11),
     BYTES(12), BYTES(13), BYTES(14), BYTES(15), BYTES(16), BYTES(17), BYTES(18), BYTES(19),
     BYTES(20), BYTES(21), BYTES(22), BYTES(23), BYTES(24), BYTES(25), 106,       105},
    {40,        BYTES(11), BYTES(12), BYTES(13), BYTES(14), BYTES(15), BYTES(16), BYTES(17),
     BYTES(18), BYTES(19), BYTES(20), BYTES(21), BYTES(22), BYTES(23), BYTES(24), BYTES(25),
     BYTES(26), BYTES(27), BYTES(28), BYTES(29), BYTES(30), BYTES(31)},
};

size_t ak_avx512_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  const __m512i gather = _mm512_load_si512(bytes_of_groups[0]);
  const __m512i gather_next = _mm512_load_si512(bytes_of_groups[1]);
  const __m512i gather_last = _mm512_load_si512(bytes_of_groups[2]);
  size_t done = 0;
  // 64 groups a step: reads 256 characters and writes 192 bytes.
  for (; quad_count - done >= 64; done += 64) {
    const uint8_t *source = input + done * 4;
    uint8_t *target = output + done * 3;
    __m512i bad = _mm512_setzero_si512();
    __m512i a = groups_of(_mm512_loadu_si512(source), &bad);
    __m512i b = groups_of(_mm512_loadu_si512(source + 64), &bad);
    __m512i c = groups_of(_mm512_loadu_si512(source + 128), &bad);
    __m512i d = groups_of(_mm512_loadu_si512(source + 192), &bad);
    if (_mm512_movepi8_mask(bad) != 0) break;
    _mm512_storeu_si512(target, _mm512_permutex2var_epi8(a, gather, b));
    _mm512_storeu_si512(target + 64, _mm512_permutex2var_epi8(b, gather_next, c));
    _mm512_storeu_si512(target + 128, _mm512_permutex2var_epi8(c, gather_last, d));
  }
  // At most 63 groups are left, or a bad one is among the next 64. 16 groups a step, with masks.
  while (done < quad_count) {
    size_t taken = quad_count - done < 16 ? quad_count - done : 16;
    __m512i bad = _mm512_setzero_si512();
    __m512i groups =
        groups_of(_mm512_mask_loadu_epi8(_mm512_set1_epi8('A'), first(taken * 4), input + done * 4), &bad);
    _mm512_mask_storeu_epi8(output + done * 3, first(taken * 3), _mm512_permutexvar_epi8(gather, groups));
    __mmask64 is_bad = _mm512_movepi8_mask(bad);
    if (is_bad != 0) return done + (size_t)__builtin_ctzll(is_bad) / 4;
    done += taken;
  }
  return quad_count;
}

#pragma clang attribute pop

#endif
