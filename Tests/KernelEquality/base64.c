// Base64.

#include <string.h>

#include "equality.h"

enum { most = 6000 };

static uint8_t expected_output[4 * ((most + 2) / 3)];

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// MARK: Encoding

static bool encode_case(const ak_kernels *scalar, const ak_kernels *tested, const uint8_t *input, size_t count,
                        uint8_t *output) {
  remember_input();
  scalar->base64_encode(input, count, expected_output);
  tested->base64_encode(input, count, output);
  return same("character", expected_output, output, (count + 2) / 3 * 4, 1) && unharmed();
}

static bool base64_encode_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  // A character depends on two neighbouring bytes at most: all pairs at the start and at the end of a group of three.
  for (size_t second = 0; second < 2; second++) {
    for (size_t pair = 0; pair < 65536;) {
      size_t groups = random_between(1, most / 3);
      groups = groups < 65536 - pair ? groups : 65536 - pair;
      uint8_t *input = placed(FIRST_INPUT, random_place(), 3 * groups, 1);
      uint8_t *output = placed(OUTPUT, random_place(), 4 * groups, 1);
      for (size_t group = 0; group < groups; group++) {
        uint8_t *bytes = input + 3 * group;
        bytes[second ? 0 : 2] = (uint8_t)random_bits();
        bytes[second] = (uint8_t)((pair + group) >> 8);
        bytes[second + 1] = (uint8_t)(pair + group);
      }
      NOW("%zu bytes with pairs from %zu", 3 * groups, pair);
      if (!encode_case(scalar, tested, input, 3 * groups, output)) return false;
      pair += groups;
    }
  }
  for (cases c = cases_up_to(most); next_case(&c);) {
    uint8_t *input = placed(FIRST_INPUT, c.input_place, c.count, 1);
    uint8_t *output = placed(OUTPUT, c.output_place, (c.count + 2) / 3 * 4, 1);
    for (size_t i = 0; i < c.count; i++) input[i] = (uint8_t)(random_bits() >> 32);
    NOW("%zu bytes", c.count);
    if (!encode_case(scalar, tested, input, c.count, output)) return false;
  }
  return true;
}

static void encode_for_links(const uint8_t *input, size_t count, uint8_t *output) {
  ak_kernels_for(AK_BACKEND_SCALAR)->base64_encode(input, count, output);
  for (size_t i = 48; i < count / 3 * 4; i++) output[i] = output[i] == '/' ? '_' : output[i];
}
static void encode_without_padding(const uint8_t *input, size_t count, uint8_t *output) {
  uint8_t end[4];
  const ak_kernels *scalar = ak_kernels_for(AK_BACKEND_SCALAR);
  scalar->base64_encode(input, count / 3 * 3, output);
  if (count % 3 == 0) return;
  scalar->base64_encode(input + count / 3 * 3, count % 3, end);
  memcpy(output + count / 3 * 4, end, count % 3 + 1);
}
static void encode_writing_beyond(const uint8_t *input, size_t count, uint8_t *output) {
  ak_kernels_for(AK_BACKEND_SCALAR)->base64_encode(input, count, output);
  if (count % 24 == 23) *(volatile uint8_t *)(output + (count + 2) / 3 * 4) = 'A';
}
static void encode_reading_beyond(const uint8_t *input, size_t count, uint8_t *output) {
  ak_kernels_for(AK_BACKEND_SCALAR)->base64_encode(input, count, output);
  if (count >= 24 && count < 28) (void)*(const volatile uint8_t *)(input + 28);
}
static const wrong_kernel base64_encode_wrong[] = {
    WRONG("another alphabet", encode_for_links),
    WRONG("no padding", encode_without_padding),
    WRONG("writes beyond the output", encode_writing_beyond),
    WRONG("reads beyond the input", encode_reading_beyond),
    {NULL, NULL},
};

// MARK: Decoding

static bool decode_case(const ak_kernels *scalar, const ak_kernels *tested, const uint8_t *input, size_t quads,
                        uint8_t *output) {
  size_t wanted = scalar->base64_decode(input, quads, expected_output);
  size_t found = tested->base64_decode(input, quads, output);
  if (found != wanted) return differs("%zu groups good, not %zu", found, wanted);
  return same("byte", expected_output, output, 3 * wanted, 1) && margins_intact(OUTPUT);
}

static bool base64_decode_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  // Good characters, then a few bad ones in half of the cases.
  for (cases c = cases_up_to(most / 4); next_case(&c);) {
    uint8_t *input = placed(FIRST_INPUT, c.input_place, 4 * c.count, 1);
    uint8_t *output = placed(OUTPUT, c.output_place, 3 * c.count, 1);
    for (size_t i = 0; i < 4 * c.count; i++) input[i] = (uint8_t)alphabet[random_below(64)];
    NOW("%zu groups", c.count);
    remember_input();
    if (!decode_case(scalar, tested, input, c.count, output) || !input_intact()) return false;
    if (c.count == 0) continue;
    for (size_t bad = random_below(3); bad > 0; bad--) input[random_below(4 * c.count)] = (uint8_t)random_bits();
    NOW("%zu groups, maybe bad", c.count);
    if (!decode_case(scalar, tested, input, c.count, output)) return false;
  }

  // Every byte at every place of a row that fills the widest steps and leaves an end, amid changing neighbours.
  enum { row = 47 };
  uint8_t *input = placed(FIRST_INPUT, AT_END, 4 * row, 1);
  uint8_t *output = placed(OUTPUT, AT_END, 3 * row, 1);
  for (size_t i = 0; i < 4 * row; i++) {
    for (size_t byte = 0; byte < 256; byte++) {
      if (byte % 16 == 0) {
        for (size_t j = 0; j < 4 * row; j++) input[j] = (uint8_t)alphabet[random_below(64)];
      }
      uint8_t kept = input[i];
      input[i] = (uint8_t)byte;
      NOW("%zu groups with byte %zu at character %zu", row, byte, i);
      if (!decode_case(scalar, tested, input, row, output)) return false;
      input[i] = kept;
    }
  }

  // One bad character at every place of longer texts.
  for (size_t round = 0; round < 3; round++) {
    size_t quads = random_between(48, 160);
    input = placed(FIRST_INPUT, random_place(), 4 * quads, 1);
    output = placed(OUTPUT, random_place(), 3 * quads, 1);
    for (size_t i = 0; i < 4 * quads; i++) input[i] = (uint8_t)alphabet[random_below(64)];
    for (size_t i = 0; i < 4 * quads; i++) {
      static const uint8_t bad[] = {'=', '-', '_', ' ', '\n', 0, '@', '[', '`', '{', ':', '.', 0x80 | 'A', 0xFF};
      uint8_t kept = input[i];
      input[i] = bad[random_below(sizeof bad)];
      NOW("%zu groups with byte %zu at character %zu", quads, input[i], i);
      if (!decode_case(scalar, tested, input, quads, output)) return false;
      input[i] = kept;
    }
  }
  return true;
}

static size_t decode_of_seven_bits(const uint8_t *input, size_t quad_count, uint8_t *output) {
  const ak_kernels *scalar = ak_kernels_for(AK_BACKEND_SCALAR);
  for (size_t quad = 0; quad < quad_count; quad++) {
    uint8_t characters[4];
    // As where a table is looked up by seven bits.
    for (size_t i = 0; i < 4; i++) characters[i] = quad < 16 ? input[4 * quad + i] & 0x7F : input[4 * quad + i];
    if (scalar->base64_decode(characters, 1, output + 3 * quad) == 0) return quad;
  }
  return quad_count;
}
static size_t decode_counting_steps(const uint8_t *input, size_t quad_count, uint8_t *output) {
  size_t good = ak_kernels_for(AK_BACKEND_SCALAR)->base64_decode(input, quad_count, output);
  return good < quad_count ? good / 8 * 8 : good;
}
static size_t decode_writing_beyond(const uint8_t *input, size_t quad_count, uint8_t *output) {
  size_t good = ak_kernels_for(AK_BACKEND_SCALAR)->base64_decode(input, quad_count, output);
  if (quad_count >= 8 && good == quad_count) *(volatile uint8_t *)(output + 3 * quad_count) = 0;
  return good;
}
static const wrong_kernel base64_decode_wrong[] = {
    WRONG("eighth bit ignored", decode_of_seven_bits),
    WRONG("bad groups counted by steps", decode_counting_steps),
    WRONG("writes beyond the output", decode_writing_beyond),
    {NULL, NULL},
};

const kernel_test base64_tests[] = {
    KERNEL_TEST(base64_encode),
    KERNEL_TEST(base64_decode),
    {NULL, 0, NULL, NULL},
};
