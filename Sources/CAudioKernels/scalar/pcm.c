// PCM16, downmix and G.711.

#include <string.h>

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

// Adding 1.5 * 2^23 to a float of magnitude up to 2^22 leaves its nearest integer (ties to even, the default rounding
// mode) in the low bits of the mantissa, where an integer subtraction finds it. Unlike lrintf it vectorises on SSE2.
static inline int32_t nearest_integer(float x) {
  const float magic = 12582912.0f;
  float shifted = x + magic;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return bits - 0x4B400000;
}

static inline int16_t pcm16_of_scaled(float scaled) {
  scaled = scaled == scaled ? scaled : 0.0f;
  scaled = scaled < 32767.0f ? scaled : 32767.0f;
  scaled = scaled > -32768.0f ? scaled : -32768.0f;
  return (int16_t)nearest_integer(scaled);
}

void ak_scalar_pcm16_from_float(const float *restrict input, int16_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    output[i] = pcm16_of_scaled(input[i] * 32768.0f);
  }
}

void ak_scalar_float_from_pcm16(const int16_t *restrict input, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    output[i] = (float)input[i] * (1.0f / 32768.0f);
  }
}

// SplitMix64 (Steele, Lea, Flood 2014): a counter through a bijective mixer, so that the dither of a sample depends on
// nothing but its position.
static inline uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void ak_scalar_pcm16_from_float_dithered(
    const float *restrict input, int16_t *restrict output, size_t count, uint64_t seed, uint64_t position) {
  for (size_t i = 0; i < count; i++) {
    uint64_t random = mixed(seed + (position + i) * 0x9E3779B97F4A7C15u);
    // Two uniform values of 24 bits; their difference is triangular over -1 ... 1 LSB with zero mean.
    int32_t difference = (int32_t)(random >> 40) - (int32_t)((random >> 16) & 0xFFFFFF);
    output[i] = pcm16_of_scaled(input[i] * 32768.0f + (float)difference * 0x1p-24f);
  }
}

// x - x is 0 for a finite x and NaN for the others.
static inline int is_finite(float x) { return x - x == 0.0f; }

size_t ak_scalar_copy_finite(const float *input, float *output, size_t count) {
  size_t replaced = 0;
  for (size_t i = 0; i < count; i++) {
    int finite = is_finite(input[i]);
    output[i] = finite ? input[i] : 0.0f;
    replaced += (size_t)!finite;
  }
  return replaced;
}

size_t ak_scalar_copy_bounded(const float *input, float *output, size_t count) {
  const float limit = 0x1p100f;
  size_t replaced = 0;
  for (size_t i = 0; i < count; i++) {
    int bounded = input[i] < limit && input[i] > -limit;
    output[i] = bounded ? input[i] : 0.0f;
    replaced += (size_t)!bounded;
  }
  return replaced;
}

size_t ak_scalar_downmix_mean(
    const float *restrict interleaved, float *restrict mono, size_t frame_count, size_t channel_count) {
  size_t replaced = 0;
  if (channel_count == 1) {
    return ak_scalar_copy_finite(interleaved, mono, frame_count);
  }
  // In double precision the sum of huge but finite samples stays finite, and equal channels give what each of them is.
  // For two channels it is half their sum as floats, where that is finite: rounding the sum of two floats to 53 bits
  // first changes nothing (S. A. Figueroa, "When is double rounding innocuous?", 1995). As there, -0 and -0 are -0.
  for (size_t i = 0; i < frame_count; i++) {
    double sum = -0.0;
    for (size_t c = 0; c < channel_count; c++) {
      float x = interleaved[i * channel_count + c];
      int finite = is_finite(x);
      sum += finite ? x : 0.0f;
      replaced += (size_t)!finite;
    }
    mono[i] = (float)(sum / (double)channel_count);
  }
  return replaced;
}

size_t ak_scalar_downmix_channel(
    const float *restrict interleaved, float *restrict mono, size_t frame_count, size_t channel_count, size_t channel) {
  size_t replaced = 0;
  for (size_t i = 0; i < frame_count; i++) {
    float x = interleaved[i * channel_count + channel];
    int finite = is_finite(x);
    mono[i] = finite ? x : 0.0f;
    replaced += (size_t)!finite;
  }
  return replaced;
}

// ITU-T G.711 (11/88), tables 1 and 2. A code is sign, segment (3 bits), interval (4 bits). Mu-law works on 14-bit
// magnitudes with a bias of 33, so that segment boundaries are powers of two, and inverts all bits; A-law works on
// 13-bit magnitudes and inverts the even bits. Negative PCM16 values are folded by one's complement, as in the ITU-T
// G.191 software tools, so that -1 and 0 fall into mirror-image intervals.
static inline unsigned highest_bit(unsigned x) { return 31u - (unsigned)__builtin_clz(x); }

void ak_scalar_mu_law_from_pcm16(const int16_t *restrict input, uint8_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int x = input[i];
    unsigned magnitude = (unsigned)(x < 0 ? ~x : x) >> 2;
    unsigned biased = magnitude + 33u;
    biased = biased < 0x1FFFu ? biased : 0x1FFFu;
    unsigned segment = highest_bit(biased) - 5u;
    unsigned interval = (biased >> (segment + 1u)) & 0xFu;
    unsigned code = (x < 0 ? 0x80u : 0u) | segment << 4 | interval;
    output[i] = (uint8_t)~code;
  }
}

void ak_scalar_pcm16_from_mu_law(const uint8_t *restrict input, int16_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned code = (uint8_t)~input[i];
    unsigned segment = code >> 4 & 7u;
    int magnitude = (int)((2u * (code & 0xFu) + 33u) << segment) - 33;
    output[i] = (int16_t)((code & 0x80u ? -magnitude : magnitude) * 4);
  }
}

void ak_scalar_a_law_from_pcm16(const int16_t *restrict input, uint8_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int x = input[i];
    unsigned magnitude = (unsigned)(x < 0 ? ~x : x) >> 4;
    unsigned code = magnitude;
    if (magnitude > 15u) {
      unsigned segment = highest_bit(magnitude) - 3u;
      code = segment << 4 | (magnitude >> (segment - 1u) & 0xFu);
    }
    output[i] = (uint8_t)((code | (x < 0 ? 0u : 0x80u)) ^ 0x55u);
  }
}

void ak_scalar_pcm16_from_a_law(const uint8_t *restrict input, int16_t *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    unsigned code = input[i] ^ 0x55u;
    unsigned segment = code >> 4 & 7u;
    unsigned magnitude = (code & 0xFu) << 4 | 8u;
    if (segment > 0u) {
      magnitude = (magnitude + 0x100u) << (segment - 1u);
    }
    output[i] = (int16_t)(code & 0x80u ? (int)magnitude : -(int)magnitude);
  }
}
