// Polyphase filters.

#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

enum { group = AK_RESAMPLING_GROUP };

// `width` groups at once, so that their chains of dependent additions overlap. Each output is still summed from 0 in tap
// order, whatever the width.
__attribute__((always_inline)) static inline void filter_groups(
    size_t width, const float *const *restrict windows, const float *const *restrict coefficients, size_t tap_count,
    float *restrict output) {
  float sums[4][group] = {{0}};
  for (size_t tap = 0; tap < tap_count; tap++) {
    for (size_t w = 0; w < width; w++) {
      float x = windows[w][tap];
      const float *restrict c = coefficients[w] + tap * group;
      for (size_t lane = 0; lane < group; lane++) {
        sums[w][lane] += x * c[lane];
      }
    }
  }
  for (size_t w = 0; w < width; w++) {
    for (size_t lane = 0; lane < group; lane++) {
      output[w * group + lane] = sums[w][lane];
    }
  }
}

void ak_scalar_resample_groups(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t group_count, float *output) {
  size_t in_cycle = first_group;
  // Where the present cycle starts, less where the first group's window stands in its cycle. The sum with any offset of
  // the groups to come is not negative; the unsigned difference may wrap before.
  size_t cycle_start = (size_t)0 - bank->group_offsets[first_group];
  const size_t group_size = bank->tap_count * group;
  while (group_count > 0) {
    size_t width = group_count < 4 ? 1 : 4;
    const float *windows[4], *coefficients[4];
    for (size_t w = 0; w < width; w++) {
      windows[w] = input + (size_t)(cycle_start + bank->group_offsets[in_cycle]);
      coefficients[w] = bank->coefficients + in_cycle * group_size;
      if (++in_cycle == bank->cycle_group_count) {
        in_cycle = 0;
        cycle_start += bank->cycle_input_count;
      }
    }
    if (width == 4) {
      filter_groups(4, windows, coefficients, bank->tap_count, output);
    } else {
      filter_groups(1, windows, coefficients, bank->tap_count, output);
    }
    output += width * group;
    group_count -= width;
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
