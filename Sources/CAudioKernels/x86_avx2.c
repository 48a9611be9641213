// The AVX2 and FMA backend. Compiled for these instructions function by function, so that nothing else in the program is.

#include "x86_avx2.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "scalar.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

// MARK: PCM16

void ak_avx2_pcm16_from_float(const float *restrict input, int16_t *restrict output, size_t count) {
  const __m256 scale = _mm256_set1_ps(32768.0f), most = _mm256_set1_ps(32767.0f);
  size_t i = 0;
  // Reads and writes 16 samples while there are as many: i + 16 <= count.
  for (; count - i >= 16; i += 16) {
    __m256 a = _mm256_mul_ps(_mm256_loadu_ps(input + i), scale);
    __m256 b = _mm256_mul_ps(_mm256_loadu_ps(input + i + 8), scale);
    // Not a number becomes 0. What is too small becomes the least 32-bit integer, and that the least 16-bit one.
    a = _mm256_min_ps(_mm256_and_ps(a, _mm256_cmp_ps(a, a, _CMP_ORD_Q)), most);
    b = _mm256_min_ps(_mm256_and_ps(b, _mm256_cmp_ps(b, b, _CMP_ORD_Q)), most);
    __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    _mm256_storeu_si256((__m256i *)(output + i), _mm256_permute4x64_epi64(packed, 0xD8));
  }
  ak_scalar_pcm16_from_float(input + i, output + i, count - i);
}

// MARK: Base64, after W. Mula and D. Lemire, "Faster base64 encoding and decoding using AVX2 instructions", 2018

// 32 characters for the bytes 4 ..< 16 of the lower half and 0 ..< 12 of the upper one.
static inline __m256i characters_of(__m256i bytes) {
  const __m256i spread = _mm256_setr_epi8(
      5, 4, 6, 5, 8, 7, 9, 8, 11, 10, 12, 11, 14, 13, 15, 14, 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
  bytes = _mm256_shuffle_epi8(bytes, spread);
  // Multiplying shifts each of the four 6-bit values of 24 bits to the bottom of a byte.
  __m256i odd = _mm256_mulhi_epu16(
      _mm256_and_si256(bytes, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
  __m256i even = _mm256_mullo_epi16(
      _mm256_and_si256(bytes, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
  __m256i values = _mm256_or_si256(odd, even);
  // The distance from value to character: entry 13 for 0...25, 0 for 26...51, 1...10 for digits, 11 and 12 for + and /.
  const __m256i distances = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
      '+' - 62, '/' - 63, 'A', 0, 0));
  __m256i entries = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
  __m256i is_upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);
  entries = _mm256_or_si256(entries, _mm256_and_si256(is_upper, _mm256_set1_epi8(13)));
  return _mm256_add_epi8(values, _mm256_shuffle_epi8(distances, entries));
}

void ak_avx2_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  // 24 bytes a step. The first step reads 28 from the start, since there is nothing before them; the others read 32 from
  // four bytes before, so 28 of the count.
  if (count >= 28) {
    __m128i first = _mm_slli_si128(_mm_loadu_si128((const __m128i *)input), 4);
    __m128i second = _mm_loadu_si128((const __m128i *)(input + 12));
    _mm256_storeu_si256((__m256i *)output, characters_of(_mm256_set_m128i(second, first)));
    input += 24, output += 32, count -= 24;
    for (; count >= 28; input += 24, output += 32, count -= 24) {
      __m256i bytes = _mm256_loadu_si256((const __m256i *)(input - 4));
      _mm256_storeu_si256((__m256i *)output, characters_of(bytes));
    }
  }
  ak_scalar_base64_encode(input, count, output);
}

size_t ak_avx2_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  // A character is bad where a bit is common to the entries of its lower and of its upper four bits.
  const __m256i lower_marks = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A));
  const __m256i upper_marks = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
  // The distance from character to value by the upper four bits, one entry less for the slash.
  const __m256i distances =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m256i gather = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  const __m256i close_up = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 6, 6);
  size_t done = 0;
  // 8 groups a step. It writes 32 bytes where 24 are due, so three more groups must follow, whose 9 bytes take the rest.
  for (; quad_count - done >= 11; done += 8) {
    __m256i c = _mm256_loadu_si256((const __m256i *)(input + done * 4));
    __m256i upper = _mm256_and_si256(_mm256_srli_epi32(c, 4), _mm256_set1_epi8(0x2F));
    __m256i lower = _mm256_and_si256(c, _mm256_set1_epi8(0x2F));
    __m256i bad = _mm256_and_si256(_mm256_shuffle_epi8(lower_marks, lower), _mm256_shuffle_epi8(upper_marks, upper));
    // The scalar kernel finds which one.
    if (!_mm256_testz_si256(bad, bad)) break;
    __m256i is_slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));
    __m256i values = _mm256_add_epi8(c, _mm256_shuffle_epi8(distances, _mm256_add_epi8(is_slash, upper)));
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, gather), close_up);
    _mm256_storeu_si256((__m256i *)(output + done * 3), bytes);
  }
  return done + ak_scalar_base64_decode(input + done * 4, quad_count - done, output + done * 3);
}

// MARK: Resampling

// 12 accumulators, a vector of coefficients and a broadcast input fill 14 of the 16 registers.
enum { group = AK_RESAMPLING_GROUP, tile = 12 };
_Static_assert(group == 8, "a group is a vector");

// The same group in `width` cycles at once: they share coefficients, and their chains of dependent additions overlap. Each
// output is summed from 0 in tap order, whatever the width.
__attribute__((always_inline)) static inline void filter_tile(
    size_t width, const float *restrict input, size_t input_stride, const float *restrict coefficients,
    size_t tap_count, float *restrict output, size_t output_stride) {
  __m256 sums[tile];
  for (size_t w = 0; w < width; w++) {
    sums[w] = _mm256_setzero_ps();
  }
  for (size_t tap = 0; tap < tap_count; tap++) {
    __m256 c = _mm256_loadu_ps(coefficients + tap * group);
    for (size_t w = 0; w < width; w++) {
      sums[w] = _mm256_fmadd_ps(_mm256_broadcast_ss(input + w * input_stride + tap), c, sums[w]);
    }
  }
  for (size_t w = 0; w < width; w++) {
    _mm256_storeu_ps(output + w * output_stride, sums[w]);
  }
}

// A function per width, so that the sums are registers.
typedef void (*tile_filter)(const float *, size_t, const float *, size_t, float *, size_t);
#define TILE(width)                                                                                                    \
  static void filter_tile_##width(                                                                                     \
      const float *input, size_t input_stride, const float *coefficients, size_t tap_count, float *output,             \
      size_t output_stride) {                                                                                          \
    filter_tile(width, input, input_stride, coefficients, tap_count, output, output_stride);                           \
  }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
static const tile_filter tile_filters[tile] = {
    filter_tile_1, filter_tile_2, filter_tile_3, filter_tile_4,  filter_tile_5,  filter_tile_6,
    filter_tile_7, filter_tile_8, filter_tile_9, filter_tile_10, filter_tile_11, filter_tile_12,
};

void ak_avx2_resample_groups(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t group_count, float *output) {
  const size_t cycle = bank->cycle_group_count;
  const size_t input_stride = bank->cycle_input_count, output_stride = cycle * group;
  // The i-th group and every cycle-th one behind it share coefficients.
  for (size_t i = 0; i < cycle && i < group_count; i++) {
    size_t in_cycle = first_group + i;
    size_t offset = 0;
    if (in_cycle >= cycle) {
      in_cycle -= cycle;
      offset = input_stride;
    }
    // Not negative: a group of the first cycle is not before the first group, and the next cycle is behind this one's end.
    offset += bank->group_offsets[in_cycle];
    const float *window = input + (offset - bank->group_offsets[first_group]);
    const float *coefficients = bank->coefficients + in_cycle * bank->tap_count * group;
    float *target = output + i * group;
    size_t left = (group_count - i + cycle - 1) / cycle;
    while (left > 0) {
      // What is more than one tile and less than two is halved, because narrow tiles wait for their additions.
      size_t width = left <= tile ? left : left < 2 * tile ? (left + 1) / 2 : tile;
      tile_filters[width - 1](window, input_stride, coefficients, bank->tap_count, target, output_stride);
      window += width * input_stride;
      target += width * output_stride;
      left -= width;
    }
  }
}

#pragma clang attribute pop

#endif
