// What a limiter and a gain control do sample by sample. One version for all processors: plain loops that a compiler
// makes vectors of, and recursions that no vectors help.

#include "../include/CAudioKernels.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

static const uint32_t sign_bit = 0x80000000u;
static const uint32_t infinity_bits = 0x7F800000u;

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Magnitudes are compared as integers, which have the same order, and no NaN among them.

static float limited(float x, int32_t most) {
  const uint32_t bits = bits_of(x);
  const int32_t magnitude = (int32_t)(bits & ~sign_bit);
  const uint32_t within = (uint32_t)(magnitude > most ? most : magnitude) | (bits & sign_bit);
  return float_of(magnitude >= (int32_t)infinity_bits ? 0 : within);
}

void ak_copy_limited(const float *restrict input, float limit, float *restrict output, size_t count) {
  const int32_t most = (int32_t)bits_of(limit);
  for (size_t i = 0; i < count; i++) {
    output[i] = limited(input[i], most);
  }
}

void ak_limit(float *samples, float limit, size_t count) {
  const int32_t most = (int32_t)bits_of(limit);
  for (size_t i = 0; i < count; i++) {
    samples[i] = limited(samples[i], most);
  }
}

float ak_greatest_magnitude(const float *input, size_t count) {
  int32_t greatest = 0;
  for (size_t i = 0; i < count; i++) {
    const int32_t magnitude = (int32_t)(bits_of(input[i]) & ~sign_bit);
    greatest = magnitude > greatest ? magnitude : greatest;
  }
  return float_of((uint32_t)greatest);
}

void ak_row_magnitudes(const float *restrict rows, size_t count, float *restrict greatest) {
  for (size_t i = 0; i < count; i++) {
    int32_t most = 0;
    for (size_t j = 0; j < AK_PEAK_PHASES; j++) {
      const int32_t magnitude = (int32_t)(bits_of(rows[i * AK_PEAK_PHASES + j]) & ~sign_bit);
      most = magnitude > most ? magnitude : most;
    }
    greatest[i] = float_of((uint32_t)most);
  }
}

float ak_follow_excess(
    float *values, float threshold, float target, float decay, float least, float previous, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float held = previous * decay;
    const float excess = values[i] > threshold ? values[i] - target : 0;
    previous = excess > held ? excess : held < least ? 0 : held;
    values[i] = previous;
  }
  return previous;
}

void ak_sliding_greatest(
    const float *restrict input, size_t window, size_t count, float *restrict scratch, float *restrict output) {
  // scratch[i] is the greatest of `width` inputs from i on; a width is doubled until two of them cover the window.
  size_t length = count + window - 1;
  memcpy(scratch, input, length * sizeof *scratch);
  size_t width = 1;
  for (; 2 * width <= window; width *= 2) {
    length -= width;
    for (size_t i = 0; i < length; i++) {
      const float a = scratch[i], b = scratch[i + width];
      scratch[i] = a > b ? a : b;
    }
  }
  const float *late = scratch + (window - width);
  for (size_t i = 0; i < count; i++) {
    output[i] = scratch[i] > late[i] ? scratch[i] : late[i];
  }
}

void ak_attenuate(const float *restrict input, const float *restrict octaves, float *restrict output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float f = octaves[i];
    const int32_t whole = (int32_t)f;
    // 2^-f = 2^-whole * 2^-(1/2) * e^x, the last by its series to the 6th power: |x| is at most 0.3466, and the 7th
    // power's share 1.2e-7.
    const float x = (0.5f - (f - (float)whole)) * 0.69314718f;
    float e = 1.0f / 720;
    e = e * x + 1.0f / 120;
    e = e * x + 1.0f / 24;
    e = e * x + 1.0f / 6;
    e = e * x + 0.5f;
    e = e * x + 1;
    e = e * x + 1;
    float gain = e * 0.70710678f * float_of((uint32_t)(127 - whole) << 23);
    gain = gain < 1 ? gain : 1;
    output[i] = input[i] * (f > 0 ? gain : 1);
  }
}

double ak_ramp_gain(
    float *samples, double gain, double target, double rise, double fall, double closeness, size_t count) {
  const double least = target - closeness * target, most = target + closeness * target;
  size_t i = 0;
  for (; i < count && gain != target; i++) {
    const double way = target - gain;
    gain += (way > 0 ? rise : fall) * way;
    gain = gain >= least && gain <= most ? target : gain;
    samples[i] *= (float)gain;
  }
  ak_scale(samples + i, (float)target, count - i);
  return gain;
}

void ak_scale(float *samples, float gain, size_t count) {
  for (size_t i = 0; i < count; i++) {
    samples[i] *= gain;
  }
}
