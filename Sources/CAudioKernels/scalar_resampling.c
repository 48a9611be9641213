// Polyphase filters.

#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

enum { group = AK_RESAMPLING_GROUP, tile = 4 };

// The same group in `width` cycles at once: they share coefficients, and their chains of dependent additions overlap. Each
// output is summed from 0 in tap order, whatever the width.
__attribute__((always_inline)) static inline void filter_tile(
    size_t width, const float *restrict input, size_t input_stride, const float *restrict coefficients,
    size_t tap_count, float *restrict output, size_t output_stride) {
  float sums[tile][group] = {{0}};
  for (size_t tap = 0; tap < tap_count; tap++) {
    const float *restrict c = coefficients + tap * group;
    for (size_t w = 0; w < width; w++) {
      float x = input[w * input_stride + tap];
      for (size_t lane = 0; lane < group; lane++) {
        sums[w][lane] += x * c[lane];
      }
    }
  }
  for (size_t w = 0; w < width; w++) {
    for (size_t lane = 0; lane < group; lane++) {
      output[w * output_stride + lane] = sums[w][lane];
    }
  }
}

void ak_scalar_resample_groups(
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
    for (; left >= tile; left -= tile) {
      filter_tile(tile, window, input_stride, coefficients, bank->tap_count, target, output_stride);
      window += tile * input_stride;
      target += tile * output_stride;
    }
    switch (left) {
    case 3: filter_tile(3, window, input_stride, coefficients, bank->tap_count, target, output_stride); break;
    case 2: filter_tile(2, window, input_stride, coefficients, bank->tap_count, target, output_stride); break;
    case 1: filter_tile(1, window, input_stride, coefficients, bank->tap_count, target, output_stride); break;
    }
  }
}

void ak_scalar_resample_cubic(
    const ak_cubic_bank *bank, const float *input, uint64_t phase, size_t count, float *output) {
  const float scale = 1.0f / (float)bank->phase_count;
  for (size_t i = 0; i < count; i++) {
    // phase < L and row_count < 2^32 / 4, so the product stays well below 2^64.
    uint64_t scaled = phase * bank->row_count;
    const float *restrict c = bank->coefficients + (size_t)(scaled / bank->phase_count) * bank->tap_count * 4;
    float fraction = (float)(scaled % bank->phase_count) * scale;
    float sums[4] = {0};
    for (size_t tap = 0; tap < bank->tap_count; tap++) {
      float x = input[tap];
      for (size_t power = 0; power < 4; power++) {
        sums[power] += x * c[tap * 4 + power];
      }
    }
    output[i] = ((sums[3] * fraction + sums[2]) * fraction + sums[1]) * fraction + sums[0];
    phase += bank->input_advance;
    input += phase / bank->phase_count;
    phase %= bank->phase_count;
  }
}
