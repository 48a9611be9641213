// Base64 with AVX2, after W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2 Instructions", ACM
// Transactions on the Web 12 (2018), with fewer instructions: a blend instead of two masks when encoding, and classes
// that tell value and verdict alike when decoding.

#include "../backends.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "../base64_classes.h"

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

// MARK: Encoding

// 32 characters for the bytes 4 ..< 16 of the lower half and 0 ..< 12 of the upper one.
static inline __m256i characters_of(__m256i bytes) {
  // Each group of bytes a, b, c becomes b, a, c, b: the 16-bit numbers a * 256 + b and b * 256 + c.
  const __m256i spread = _mm256_setr_epi8(
      5, 4, 6, 5, 8, 7, 9, 8, 11, 10, 12, 11, 14, 13, 15, 14, 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
  bytes = _mm256_shuffle_epi8(bytes, spread);
  // The upper half of a product is a shift to the right, by 10 and 6 bits, which brings the first and the third value
  // of a group to the bottom of the lower byte; the lower half is one to the left, by 4 and 8 bits, which brings the
  // second and the fourth to the bottom of the upper byte.
  __m256i odd = _mm256_mulhi_epu16(bytes, _mm256_set1_epi32(0x04000040));
  __m256i left = _mm256_set1_epi32(0x01000010);
  // Keeps the compiler from making two shifts and a blend of one multiplication.
  __asm__("" : "+x"(left));
  __m256i even = _mm256_mullo_epi16(bytes, left);
  __m256i values = _mm256_blendv_epi8(odd, even, _mm256_set1_epi16((short)0xFF00));
  values = _mm256_and_si256(values, _mm256_set1_epi8(63));
  // The distance from value to character: entry 0 for 0...25, 1 for 26...51, 2...13 for 52...63.
  const __m256i distances = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      'A', 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
      '+' - 62, '/' - 63, 0, 0));
  __m256i entries = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
  entries = _mm256_sub_epi8(entries, _mm256_cmpgt_epi8(values, _mm256_set1_epi8(25)));
  return _mm256_add_epi8(values, _mm256_shuffle_epi8(distances, entries));
}

// Encodes 24 bytes, of which the 4 before and the 4 behind are readable too.
static inline void encode_24_inside(const uint8_t *input, uint8_t *output) {
  __m256i bytes = _mm256_loadu_si256((const __m256i *)(input - 4));
  _mm256_storeu_si256((__m256i *)output, characters_of(bytes));
}

// Encodes 24 bytes, reading no others: 16 from the start and 16 to the end.
static inline void encode_24(const uint8_t *input, uint8_t *output) {
  __m128i lower = _mm_slli_si128(_mm_loadu_si128((const __m128i *)input), 4);
  __m128i upper = _mm_srli_si128(_mm_loadu_si128((const __m128i *)(input + 8)), 4);
  _mm256_storeu_si256((__m256i *)output, characters_of(_mm256_set_m128i(upper, lower)));
}

void ak_avx2_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  if (count >= 24) {
    encode_24(input, output);
    input += 24, output += 32, count -= 24;
    // Now 24 bytes lie before the input. One step reads 28 of the count and two read 52; each writes the 32 characters
    // of the 24 bytes that it takes off the count.
    for (; count >= 52; input += 48, output += 64, count -= 48) {
      encode_24_inside(input, output);
      encode_24_inside(input + 24, output + 32);
    }
    if (count >= 28) {
      encode_24_inside(input, output);
      input += 24, output += 32, count -= 24;
    }
    // 27 bytes are left at most, so nine groups: the first eight, and then the last eight, some of them once more.
    if (count >= 24) {
      encode_24(input, output);
      input += 24, output += 32, count -= 24;
    }
    size_t group_count = count / 3;
    input += group_count * 3, output += group_count * 4, count -= group_count * 3;
    if (group_count > 0) encode_24(input - 24, output - 32);
  }
  ak_scalar_base64_encode(input, count, output);
}

// MARK: Decoding

// The values of 32 characters; sets bit 6 somewhere in `bad` when one of them is not in the alphabet.
static inline __m256i values_of(__m256i characters, __m256i *bad) {
  // A class is the mean, rounded up, of a step and of the character without its lower three bits, which is twice the
  // upper half, and 1 more where the lower half is 8 or more. (An index that is a mean: after aqrit's decoder.)
  //
  // The shift brings in bits of the next character above. The sum is 254 at most for ASCII, so these end up in bits 4
  // to 6, which a lookup ignores. Beyond ASCII the step is 0 and the class upper or upper plus 1; where the mean is
  // 128, the lookup gives 0, as entry 0 does.
  const __m256i steps =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 14, 14, 14, 14));
  const __m256i distances = _mm256_broadcastsi128_si256(_mm_setr_epi8(AK_BASE64_DISTANCES));
  const __m256i offsets = _mm256_broadcastsi128_si256(_mm_setr_epi8(AK_BASE64_OFFSETS));
  __m256i classes =
      _mm256_avg_epu8(_mm256_shuffle_epi8(steps, characters), _mm256_srli_epi32(characters, 3));
  *bad = _mm256_or_si256(*bad, _mm256_add_epi8(characters, _mm256_shuffle_epi8(offsets, classes)));
  return _mm256_add_epi8(characters, _mm256_shuffle_epi8(distances, classes));
}

// 12 bytes for 16 values at the start of each half.
static inline __m256i bytes_of(__m256i values) {
  __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
  __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  return _mm256_shuffle_epi8(
      groups, _mm256_broadcastsi128_si256(
                  _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1)));
}

static inline int is_bad(__m256i bad) { return !_mm256_testz_si256(bad, _mm256_set1_epi8(0x40)); }

// Decodes 8 groups and writes 28 bytes, the last 4 of them of no meaning. Two stores are faster than moving the halves
// together.
static inline void decode_8_inside(const uint8_t *input, uint8_t *output, __m256i *bad) {
  __m256i bytes = bytes_of(values_of(_mm256_loadu_si256((const __m256i *)input), bad));
  _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(bytes));
  _mm_storeu_si128((__m128i *)(output + 12), _mm256_extracti128_si256(bytes, 1));
}

// Decodes 8 groups and writes 24 bytes.
static inline void decode_8(const uint8_t *input, uint8_t *output, __m256i *bad) {
  __m256i bytes = bytes_of(values_of(_mm256_loadu_si256((const __m256i *)input), bad));
  bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 6, 6));
  _mm_storeu_si128((__m128i *)output, _mm256_castsi256_si128(bytes));
  _mm_storel_epi64((__m128i *)(output + 16), _mm256_extracti128_si256(bytes, 1));
}

size_t ak_avx2_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  size_t done = 0;
  // 32 groups a step. The last 4 of the bytes it writes belong to two groups more.
  for (; quad_count - done >= 34; done += 32) {
    const uint8_t *source = input + done * 4;
    uint8_t *target = output + done * 3;
    __m256i bad = _mm256_setzero_si256();
    decode_8_inside(source, target, &bad);
    decode_8_inside(source + 32, target + 24, &bad);
    decode_8_inside(source + 64, target + 48, &bad);
    decode_8_inside(source + 96, target + 72, &bad);
    if (is_bad(bad)) break;
  }
  // 33 groups at most are left, or a bad one is among the next 32. Eight a step; the last step ends with the last group
  // and does some once more.
  if (quad_count >= 8 && quad_count - done < 34) {
    __m256i bad = _mm256_setzero_si256();
    size_t next = done;
    for (; quad_count - next > 8; next += 8) {
      decode_8(input + next * 4, output + next * 3, &bad);
    }
    decode_8(input + (quad_count - 8) * 4, output + (quad_count - 8) * 3, &bad);
    if (!is_bad(bad)) return quad_count;
  }
  // A few groups, or a bad one, which the scalar kernel finds.
  return done + ak_scalar_base64_decode(input + done * 4, quad_count - done, output + done * 3);
}

#pragma clang attribute pop

#endif
