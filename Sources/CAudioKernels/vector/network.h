// The layers of a small network and what stands before and behind them, in vectors of LANES: included once per backend,
// after LANES, FUSED, KERNEL(name) and lanes.h.

#include <string.h>

#include "../network_constants.h"

// MARK: Layers

enum { group_vectors = AK_ROW_GROUP / LANES };

// How many frames share the weights that are loaded, and of a frame alone, how many groups of rows the input; and how
// many of the four sums of an output are added up at once: the others are added up behind them, in another run over the
// columns, which is as fast as long as the weights are still in the nearest cache: 24 KiB for `shared_columns`. Sums, a
// column's weights and an input fill the registers, of which there are 32 with AVX-512 and NEON, else 16.
#if LANES == 16
enum { frame_tile = 4, frame_sums = 4, group_tile = 3, group_sums = 4, single_sums = 4 };
static const uint32_t shared_columns = UINT32_MAX;
#elif LANES == 8
enum { frame_tile = 3, frame_sums = 2, group_tile = 3, group_sums = 2, single_sums = 4 };
static const uint32_t shared_columns = 128;
#elif defined(__aarch64__)
enum { frame_tile = 3, frame_sums = 2, group_tile = 1, single_sums = 4 };
#else
enum { frame_tile = 3, frame_sums = 1, group_tile = 1, single_sums = 2 };
#endif

// `groups` groups of rows of `width` frames. The weights that are read are [groups][column_count][AK_ROW_GROUP].
INLINE void apply_rows(
    size_t width, size_t groups, size_t sums_at_once, const float *weights, const float *bias, size_t column_count,
    const float *input, size_t input_stride, int is_rectified, float *output, size_t output_stride) {
  const size_t vectors = groups * group_vectors, group_stride = column_count * AK_ROW_GROUP;
  floats sums[4][frame_tile][group_tile * group_vectors];
  UNROLLED for (size_t first = 0; first < 4; first += sums_at_once) {
    UNROLLED for (size_t s = first; s < first + sums_at_once; s++) {
      UNROLLED for (size_t f = 0; f < width; f++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) {
          sums[s][f][v] = s == 0 ? load(bias + v * LANES) : (floats)0.0f;
        }
      }
    }
    size_t column = 0;
    // All columns column ..< column + 4 are there.
    for (; column + 4 <= column_count; column += 4) {
      UNROLLED for (size_t s = first; s < first + sums_at_once; s++) {
        floats w[group_tile * group_vectors];
        UNROLLED for (size_t v = 0; v < vectors; v++) {
          w[v] = load(weights + v / group_vectors * group_stride + (column + s) * AK_ROW_GROUP +
                      v % group_vectors * LANES);
        }
        UNROLLED for (size_t f = 0; f < width; f++) {
          const floats x = (floats)input[f * input_stride + column + s];
          UNROLLED for (size_t v = 0; v < vectors; v++) {
            sums[s][f][v] = multiplied_added(w[v], x, sums[s][f][v]);
          }
        }
      }
    }
    UNROLLED for (size_t s = first; s < first + sums_at_once; s++) {
      if (column + s < column_count) {
        UNROLLED for (size_t f = 0; f < width; f++) {
          const floats x = (floats)input[f * input_stride + column + s];
          UNROLLED for (size_t v = 0; v < vectors; v++) {
            const floats w = load(weights + v / group_vectors * group_stride + (column + s) * AK_ROW_GROUP +
                                  v % group_vectors * LANES);
            sums[s][f][v] = multiplied_added(w, x, sums[s][f][v]);
          }
        }
      }
    }
  }
  UNROLLED for (size_t f = 0; f < width; f++) {
    UNROLLED for (size_t v = 0; v < vectors; v++) {
      floats sum = (sums[0][f][v] + sums[2][f][v]) + (sums[1][f][v] + sums[3][f][v]);
      if (is_rectified) sum = sum > 0.0f ? sum : (floats)0.0f;
      store(output + f * output_stride + v * LANES, sum);
    }
  }
}

typedef void (*row_kernel)(
    const float *weights, const float *bias, size_t column_count, const float *input, size_t input_stride,
    int is_rectified, float *output, size_t output_stride);
#define ROWS(name, width, groups, sums_at_once)                                                                        \
  static void name(                                                                                                    \
      const float *weights, const float *bias, size_t column_count, const float *input, size_t input_stride,           \
      int is_rectified, float *output, size_t output_stride) {                                                         \
    apply_rows(                                                                                                        \
        width, groups, sums_at_once, weights, bias, column_count, input, input_stride, is_rectified, output,           \
        output_stride);                                                                                                \
  }
ROWS(one_frame, 1, 1, single_sums)
ROWS(two_frames, 2, 1, frame_sums)
ROWS(three_frames, 3, 1, frame_sums)
#if LANES == 16
ROWS(four_frames, 4, 1, frame_sums)
static const row_kernel row_kernels[frame_tile] = {one_frame, two_frames, three_frames, four_frames};
#else
static const row_kernel row_kernels[frame_tile] = {one_frame, two_frames, three_frames};
#endif
#if LANES > 4
ROWS(three_groups, 1, group_tile, group_sums)
#endif
#undef ROWS

#if LANES > 4
INLINE int is_same(ak_column_run a, ak_column_run b) {
  return a.first_column == b.first_column && a.column_count == b.column_count;
}
#endif

void KERNEL(apply_layer)(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  const float *weights = layer->weights;
  const int is_rectified = layer->is_rectified != 0;
  const size_t group_count = layer->row_count / AK_ROW_GROUP;
  // Group by group, so that a group's weights are still in the cache for the next frames.
  for (size_t group = 0; group < group_count;) {
    const ak_column_run run = layer->runs[group];
    const float *bias = layer->bias + group * AK_ROW_GROUP, *x = input + run.first_column;
    float *y = output + group * AK_ROW_GROUP;
#if LANES > 4
    if (count == 1 && run.column_count <= shared_columns && group_count - group >= group_tile &&
        is_same(run, layer->runs[group + 1]) && is_same(run, layer->runs[group + 2])) {
      three_groups(weights, bias, run.column_count, x, 0, is_rectified, y, 0);
      weights += group_tile * (size_t)run.column_count * AK_ROW_GROUP;
      group += group_tile;
      continue;
    }
#endif
    for (size_t left = count; left > 0;) {
      const size_t width = left < frame_tile ? left : frame_tile;
      row_kernels[width - 1](weights, bias, run.column_count, x, input_stride, is_rectified, y, output_stride);
      x += width * input_stride;
      y += width * output_stride;
      left -= width;
    }
    weights += (size_t)run.column_count * AK_ROW_GROUP;
    group++;
  }
}

// MARK: Elementwise

typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef int32_t integers __attribute__((ext_vector_type(LANES)));

INLINE floats polynomial_step(floats sum, floats x, float coefficient) {
  return multiplied_added(sum, x, (floats)coefficient);
}

INLINE floats binary_logarithm(floats x) {
  // The subtraction may wrap.
  const words bits = (words)x;
  const integers exponent = (integers)(bits - (words)(floats)0x1.6a09e6p-1f) >> 23;
  const floats f = (floats)(bits - ((words)exponent << 23)) - 1.0f;
  floats sum = (floats)AK_LOG2_7;
  sum = polynomial_step(sum, f, AK_LOG2_6);
  sum = polynomial_step(sum, f, AK_LOG2_5);
  sum = polynomial_step(sum, f, AK_LOG2_4);
  sum = polynomial_step(sum, f, AK_LOG2_3);
  sum = polynomial_step(sum, f, AK_LOG2_2);
  sum = polynomial_step(sum, f, AK_LOG2_1);
  sum = polynomial_step(sum, f, AK_LOG2_0);
  return multiplied_added(sum, f, __builtin_convertvector(exponent, floats));
}

void KERNEL(log2_above)(const float *input, float offset, float *output, size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) store(output + i, binary_logarithm(load(input + i) + offset));
  if (i < count) {
    // The last count - i < LANES values, with zeros behind them.
    float last[LANES] = {0};
    memcpy(last, input + i, (count - i) * sizeof *last);
    store(last, binary_logarithm(load(last) + offset));
    memcpy(output + i, last, (count - i) * sizeof *last);
  }
}

void KERNEL(square_root)(const float *input, float *output, size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) store(output + i, __builtin_elementwise_sqrt(load(input + i)));
  for (; i < count; i++) output[i] = __builtin_elementwise_sqrt(input[i]);
}

// As in the scalar kernel.
INLINE floats decay(floats x, float scale) {
  floats y = x * (-AK_LOG2_E * scale);
  y = y > -126.0f ? y : (floats)-126.0f;
  y = y < 126.0f ? y : (floats)126.0f;
  const floats rounded = y + 0x1.8p23f;
  const floats f = y - (rounded - 0x1.8p23f);
  floats sum = (floats)AK_EXP2_4;
  sum = polynomial_step(sum, f, AK_EXP2_3);
  sum = polynomial_step(sum, f, AK_EXP2_2);
  sum = polynomial_step(sum, f, AK_EXP2_1);
  sum = polynomial_step(sum, f, AK_EXP2_0);
  sum = polynomial_step(sum, f, 1.0f);
  return (floats)((words)sum + ((words)rounded << 23));
}
INLINE floats sigmoid(floats x) { return 1.0f / (1.0f + decay(x, 1.0f)); }
INLINE floats hyperbolic_tangent(floats x) { return 2.0f / (1.0f + decay(x, 2.0f)) - 1.0f; }

void KERNEL(sigmoid)(const float *input, float *output, size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) store(output + i, sigmoid(load(input + i)));
  if (i < count) {
    float last[LANES] = {0};
    memcpy(last, input + i, (count - i) * sizeof *last);
    store(last, sigmoid(load(last)));
    memcpy(output + i, last, (count - i) * sizeof *last);
  }
}

// The new state of LANES units from `i` on.
INLINE floats gru_units(
    const float *input_gates, const float *state_gates, floats state, size_t stride) {
  const floats reset = sigmoid(load(input_gates) + load(state_gates));
  const floats update = sigmoid(load(input_gates + stride) + load(state_gates + stride));
  const floats new =
      hyperbolic_tangent(multiplied_added(reset, load(state_gates + 2 * stride), load(input_gates + 2 * stride)));
  return multiplied_added(update, state - new, new);
}

void KERNEL(gru_step)(const float *input_gates, const float *state_gates, float *state, size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) {
    store(state + i, gru_units(input_gates + i, state_gates + i, load(state + i), count));
  }
  if (i < count) {
    float gates[2][3 * LANES] = {{0}}, last[LANES] = {0};
    const size_t size = (count - i) * sizeof *last;
    for (size_t part = 0; part < 3; part++) {
      memcpy(gates[0] + part * LANES, input_gates + part * count + i, size);
      memcpy(gates[1] + part * LANES, state_gates + part * count + i, size);
    }
    memcpy(last, state + i, size);
    store(last, gru_units(gates[0], gates[1], load(last), LANES));
    memcpy(state + i, last, size);
  }
}

// The operations are those of the scalar backend, so that the rest can be left to it.
void KERNEL(track_floor)(
    const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
    size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) {
    const floats now = load(level + i), before = load(smoothed + i), other = load(others + i);
    const floats after = before + rate * (now - before);
    floats least = load(minimum + i);
    least = least < after ? least : after;
    store(smoothed + i, after);
    store(minimum + i, least);
    store(above + i, now - (least < other ? least : other));
  }
  ak_scalar_track_floor(level + i, rate, smoothed + i, minimum + i, others + i, above + i, count - i);
}

// MARK: Peak

// Of lanes that are numbers.
INLINE float greatest_lane(floats v) {
#if LANES == 16
  typedef float eight_floats __attribute__((ext_vector_type(8)));
  const eight_floats eight = v.lo > v.hi ? v.lo : v.hi;
  four_floats four = eight.lo > eight.hi ? eight.lo : eight.hi;
#elif LANES == 8
  four_floats four = v.lo > v.hi ? v.lo : v.hi;
#else
  four_floats four = v;
#endif
  const four_floats other = four.zwxy;
  four = four > other ? four : other;
  return four.x > four.y ? four.x : four.y;
}

size_t KERNEL(peak)(const float *input, size_t count, float *value) {
  enum { step = 4 * LANES };
  if (count < step) return ak_scalar_peak(input, count, value);
  // The last step ends where the input ends and so may take again what the one before it has taken.
  const size_t last = count - step;
  floats greatest[4];
  UNROLLED for (size_t v = 0; v < 4; v++) { greatest[v] = (floats)-__builtin_inff(); }
  for (size_t i = 0; i < count; i += step) {
    const float *p = input + (i < last ? i : last);
    UNROLLED for (size_t v = 0; v < 4; v++) {
      const floats x = load(p + v * LANES);
      greatest[v] = x > greatest[v] ? x : greatest[v];
    }
  }
  UNROLLED for (size_t v = 0; v < 2; v++) {
    greatest[v] = greatest[v] > greatest[v + 2] ? greatest[v] : greatest[v + 2];
  }
  const floats both = greatest[0] > greatest[1] ? greatest[0] : greatest[1];
  const float found = greatest_lane(both);
  *value = found;
  if (found == -__builtin_inff()) return 0;
  for (size_t i = 0;; i += step) {
    // It is found in the last step if not before.
    const size_t start = i < last ? i : last;
    integers equal = (integers)0;
    UNROLLED for (size_t v = 0; v < 4; v++) { equal |= load(input + start + v * LANES) == found; }
    if (__builtin_reduce_or(equal) == 0) continue;
    size_t index = start;
    while (input[index] != found) index++;
    // Of two zeros the sign may differ.
    *value = input[index];
    return index;
  }
}
