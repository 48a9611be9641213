// The layers of a small network and what stands before and behind them: the specification.

#include <math.h>
#include <string.h>

#include "../backends.h"
#include "../network_constants.h"

#pragma STDC FP_CONTRACT OFF

#include "approximations.h"

// MARK: Layers

void ak_scalar_apply_layer(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  for (size_t f = 0; f < count; f++) {
    const float *weights = layer->weights;
    for (size_t row = 0; row < layer->row_count; row += AK_ROW_GROUP) {
      const ak_column_run run = layer->runs[row / AK_ROW_GROUP];
      const float *x = input + f * input_stride + run.first_column;
      float sums[4][AK_ROW_GROUP] = {{0}};
      memcpy(sums[0], layer->bias + row, sizeof sums[0]);
      for (size_t c = 0; c < run.column_count; c++, weights += AK_ROW_GROUP) {
        for (size_t i = 0; i < AK_ROW_GROUP; i++) {
          sums[c % 4][i] += weights[i] * x[c];
        }
      }
      for (size_t i = 0; i < AK_ROW_GROUP; i++) {
        const float sum = (sums[0][i] + sums[2][i]) + (sums[1][i] + sums[3][i]);
        output[f * output_stride + row + i] = !layer->is_rectified || sum > 0.0f ? sum : 0.0f;
      }
    }
  }
}

// MARK: Elementwise

void ak_scalar_log2_above(const float *input, float offset, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    // x = 2^exponent * (1 + f), where 1 + f is from sqrt(1/2) to sqrt(2). The subtraction may wrap.
    const uint32_t bits = bits_of(input[i] + offset);
    const int32_t exponent = (int32_t)(bits - bits_of(0x1.6a09e6p-1f)) >> 23;
    const float f = float_of(bits - ((uint32_t)exponent << 23)) - 1.0f;
    float sum = AK_LOG2_7;
    sum = sum * f + AK_LOG2_6;
    sum = sum * f + AK_LOG2_5;
    sum = sum * f + AK_LOG2_4;
    sum = sum * f + AK_LOG2_3;
    sum = sum * f + AK_LOG2_2;
    sum = sum * f + AK_LOG2_1;
    sum = sum * f + AK_LOG2_0;
    output[i] = sum * f + (float)exponent;
  }
}

void ak_scalar_square_root(const float *input, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    output[i] = __builtin_elementwise_sqrt(input[i]);
  }
}

static float sigmoid(float x) { return 1.0f / (1.0f + decay(x, 1.0f)); }
static float hyperbolic_tangent(float x) { return 2.0f / (1.0f + decay(x, 2.0f)) - 1.0f; }

void ak_scalar_sigmoid(const float *input, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) {
    output[i] = sigmoid(input[i]);
  }
}

void ak_scalar_gru_step(const float *input_gates, const float *state_gates, float *state, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float reset = sigmoid(input_gates[i] + state_gates[i]);
    const float update = sigmoid(input_gates[count + i] + state_gates[count + i]);
    const float new = hyperbolic_tangent(input_gates[2 * count + i] + reset * state_gates[2 * count + i]);
    state[i] = new + update * (state[i] - new);
  }
}

void ak_scalar_track_floor(
    const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
    size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float now = level[i];
    smoothed[i] += rate * (now - smoothed[i]);
    minimum[i] = minimum[i] < smoothed[i] ? minimum[i] : smoothed[i];
    above[i] = now - (minimum[i] < others[i] ? minimum[i] : others[i]);
  }
}

// MARK: Peak

size_t ak_scalar_peak(const float *input, size_t count, float *value) {
  float greatest = -INFINITY;
  size_t index = 0;
  for (size_t i = 0; i < count; i++) {
    if (input[i] > greatest) {
      greatest = input[i];
      index = i;
    }
  }
  *value = greatest;
  return index;
}
