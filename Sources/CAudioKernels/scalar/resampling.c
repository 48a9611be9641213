// Polyphase filters and banks: the specification.

#include "../resampling.h"

#pragma STDC FP_CONTRACT OFF

void ak_scalar_filter_polyphase(
    const ak_polyphase_filter *filter, const float *input, size_t skip, size_t count, float *output, float *scratch) {
  (void)scratch;
  const size_t outputs = filter->output_phase_count, inputs = filter->input_phase_count;
  for (size_t i = 0; i < count; i++) {
    const size_t cycle = (skip + i) / outputs, p = (skip + i) % outputs;
    const ak_tap_run *run = filter->runs + p * inputs;
    float sum = 0.0f;
    for (size_t m = 0; m < inputs; m++, run++) {
      const float *taps = filter->coefficients + run->first_coefficient;
      const float *stream = input + (cycle + run->first_input) * inputs + m;
      float of_stream = 0.0f;
      for (size_t tap = 0; tap < run->tap_count; tap++) {
        of_stream += stream[tap * inputs] * taps[tap];
      }
      sum += of_stream;
    }
    output[i] = sum;
  }
}

void ak_scalar_filter_group_bank(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t skip, size_t count, float *output) {
  (void)skip; // A group is one output.
  const size_t cycle = bank->cycle_group_count;
  for (size_t i = 0; i < count; i++) {
    const size_t group = (first_group + i) % cycle;
    const float *window = input + (first_group + i) / cycle * bank->cycle_input_count + bank->group_offsets[group] -
        bank->group_offsets[first_group];
    const float *coefficients = bank->coefficients + group * bank->tap_count;
    float sum = 0.0f;
    for (size_t tap = 0; tap < bank->tap_count; tap++) {
      sum += window[tap] * coefficients[tap];
    }
    output[i] = sum;
  }
}

void ak_scalar_filter_interpolated_bank(
    const ak_interpolated_bank *bank, const float *input, uint64_t phase, size_t count, float *output) {
  const float scale = 1.0f / (float)bank->phase_count;
  for (size_t i = 0; i < count; i++) {
    // phase < L < 2^32 and row_count < 2^16, so the product stays well below 2^64.
    const uint64_t scaled = phase * bank->row_count;
    const float *lower = bank->coefficients + (size_t)(scaled / bank->phase_count) * bank->tap_count;
    const float *upper = lower + bank->tap_count;
    const float fraction = (float)(scaled % bank->phase_count) * scale;
    float at_lower = 0.0f, at_upper = 0.0f;
    for (size_t tap = 0; tap < bank->tap_count; tap++) {
      at_lower += input[tap] * lower[tap];
      at_upper += input[tap] * upper[tap];
    }
    output[i] = at_lower + fraction * (at_upper - at_lower);
    phase += bank->input_advance;
    input += phase / bank->phase_count;
    phase %= bank->phase_count;
  }
}
