// Sums over an analysis frame.

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

enum { lane_count = 16 };

static float folded(float lanes[lane_count]) {
  for (size_t half = lane_count / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; i++) {
      lanes[i] += lanes[i + half];
    }
  }
  return lanes[0];
}

void ak_scalar_frame_sums(
    const float *restrict input, size_t count, float offset, float previous, ak_frame_sums *restrict result) {
  float sums[lane_count] = {0}, squares[lane_count] = {0};
  size_t i = 0;
  // Whole rows of lanes while one is left (i + lane_count <= count), then what remains in the same lanes.
  for (; count - i >= lane_count; i += lane_count) {
    for (size_t lane = 0; lane < lane_count; lane++) {
      float x = input[i + lane];
      sums[lane] += x;
      squares[lane] += x * x;
    }
  }
  for (size_t lane = 0; i + lane < count; lane++) {
    float x = input[i + lane];
    sums[lane] += x;
    squares[lane] += x * x;
  }

  uint32_t crossings = 0;
  if (count > 0) {
    crossings = (uint32_t)((previous >= offset) != (input[0] >= offset));
    for (size_t j = 1; j < count; j++) {
      crossings += (uint32_t)((input[j - 1] >= offset) != (input[j] >= offset));
    }
  }
  result->sum = folded(sums);
  result->sum_of_squares = folded(squares);
  result->zero_crossings = crossings;
}
