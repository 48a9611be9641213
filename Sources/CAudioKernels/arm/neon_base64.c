// Base64 with NEON. Encoding after W. Mula and D. Lemire, "Base64 Encoding and Decoding at Almost the Speed of a Memory
// Copy", Software: Practice and Experience 50 (2020); decoding by classes, as with AVX2.

#include "../backends.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#include "../base64_classes.h"
#include "../scalar/base64_tables.h"

// MARK: Encoding

// Encodes 48 bytes to 64 characters.
static inline void encode_48(const uint8_t *input, uint8_t *output, uint8x16x4_t alphabet) {
  const uint8x16_t six_bits = vdupq_n_u8(63);
  // The first bytes of 16 groups, their second bytes, and their third ones.
  uint8x16x3_t bytes = vld3q_u8(input);
  uint8x16x4_t values;
  values.val[0] = vshrq_n_u8(bytes.val[0], 2);
  values.val[1] = vandq_u8(vsliq_n_u8(vshrq_n_u8(bytes.val[1], 4), bytes.val[0], 4), six_bits);
  values.val[2] = vandq_u8(vsliq_n_u8(vshrq_n_u8(bytes.val[2], 6), bytes.val[1], 2), six_bits);
  values.val[3] = vandq_u8(bytes.val[2], six_bits);
  for (int i = 0; i < 4; i++) {
    values.val[i] = vqtbl4q_u8(alphabet, values.val[i]);
  }
  vst4q_u8(output, values);
}

void ak_neon_base64_encode(const uint8_t *restrict input, size_t count, uint8_t *restrict output) {
  if (count >= 48) {
    const uint8x16x4_t alphabet = vld1q_u8_x4(ak_base64_alphabet);
    for (; count >= 48; input += 48, output += 64, count -= 48) {
      encode_48(input, output, alphabet);
    }
    // Up to 15 groups are left: the last 16, some of them once more.
    size_t group_count = count / 3;
    input += group_count * 3, output += group_count * 4, count -= group_count * 3;
    if (group_count > 0) encode_48(input - 48, output - 64, alphabet);
  }
  ak_scalar_base64_encode(input, count, output);
}

// MARK: Decoding

// The values of 16 characters; sets bit 6 somewhere in `bad` when one of them is not in the alphabet.
static inline uint8x16_t values_of(uint8x16_t characters, uint8x16_t *bad) {
  static const uint8_t step_table[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8, 8, 8, 8};
  static const int8_t distance_table[16] = {AK_BASE64_DISTANCES};
  static const uint8_t offset_table[16] = {AK_BASE64_OFFSETS};
  // The class is the upper half plus a step. Beyond ASCII the index is past the table, the step 0 and the class upper.
  uint8x16_t steps = vqtbl1q_u8(vld1q_u8(step_table), vandq_u8(characters, vdupq_n_u8(0x8F)));
  uint8x16_t classes = vsraq_n_u8(steps, characters, 4);
  // Saturates, because the sums of 0xAF and of some others would be 256 and more.
  uint8x16_t judged = vqaddq_u8(characters, vqtbl1q_u8(vld1q_u8(offset_table), classes));
  *bad = vorrq_u8(*bad, judged);
  return vaddq_u8(characters, vqtbl1q_u8(vreinterpretq_u8_s8(vld1q_s8(distance_table)), classes));
}

// Decodes 64 characters to 48 bytes.
static inline void decode_16(const uint8_t *input, uint8_t *output, uint8x16_t *bad) {
  // The first characters of 16 groups, their second characters, and so on.
  uint8x16x4_t values = vld4q_u8(input);
  for (int i = 0; i < 4; i++) {
    values.val[i] = values_of(values.val[i], bad);
  }
  uint8x16x3_t bytes;
  bytes.val[0] = vsliq_n_u8(vshrq_n_u8(values.val[1], 4), values.val[0], 2);
  bytes.val[1] = vsliq_n_u8(vshrq_n_u8(values.val[2], 2), values.val[1], 4);
  bytes.val[2] = vsliq_n_u8(values.val[3], values.val[2], 6);
  vst3q_u8(output, bytes);
}

static inline int is_bad(uint8x16_t bad) { return vmaxvq_u8(vandq_u8(bad, vdupq_n_u8(0x40))) != 0; }

size_t ak_neon_base64_decode(const uint8_t *restrict input, size_t quad_count, uint8_t *restrict output) {
  size_t done = 0;
  // 32 groups a step.
  for (; quad_count - done >= 32; done += 32) {
    uint8x16_t bad = vdupq_n_u8(0);
    decode_16(input + done * 4, output + done * 3, &bad);
    decode_16(input + done * 4 + 64, output + done * 3 + 48, &bad);
    if (is_bad(bad)) break;
  }
  // 31 groups at most are left, or a bad one is among the next 32. The last step ends with the last group and does some
  // once more.
  if (quad_count >= 16 && quad_count - done < 32) {
    uint8x16_t bad = vdupq_n_u8(0);
    if (quad_count - done > 16) decode_16(input + done * 4, output + done * 3, &bad);
    if (quad_count > done) decode_16(input + (quad_count - 16) * 4, output + (quad_count - 16) * 3, &bad);
    if (!is_bad(bad)) return quad_count;
  }
  // A few groups, or a bad one, which the scalar kernel finds.
  return done + ak_scalar_base64_decode(input + done * 4, quad_count - done, output + done * 3);
}

#endif
