// The power spectrum, the layers of a small network, and what stands between them.

#include <math.h>
#include <string.h>

#include "equality.h"

#pragma STDC FP_CONTRACT OFF

static const ak_kernels *right(void) { return ak_kernels_for(AK_BACKEND_SCALAR); }

// MARK: Power spectrum

static bool power_spectrum_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  // The size is always the same; there are as many cases as for small ones.
  for (cases c = cases_up_to(60); next_case(&c);) {
    const size_t size = AK_SPECTRUM_INPUT * sizeof(float);
    float *input = placed(FIRST_INPUT, c.input_place, size, sizeof *input);
    float *window = placed(SECOND_INPUT, c.output_place, size, sizeof *window);
    float *power = placed(OUTPUT, c.output_place, AK_SPECTRUM_OUTPUT * sizeof *power, sizeof *power);
    float expected[AK_SPECTRUM_OUTPUT], scale = 0x1p-9f * (1.5f + random_sample());
    fill_ordinary_floats(input, AK_SPECTRUM_INPUT);
    fill_ordinary_floats(window, AK_SPECTRUM_INPUT);
    // One sample alone, or none, shows what no other one may hide.
    if (random_below(4) == 0) {
      const size_t only = random_below(AK_SPECTRUM_INPUT);
      for (size_t i = 0; i < AK_SPECTRUM_INPUT; i++) input[i] = i == only ? input[i] : 0.0f;
    }
    NOW("scale by 1/%zu", (size_t)(1 / scale));
    remember_input();
    scalar->power_spectrum(input, window, scale, expected);
    tested->power_spectrum(input, window, scale, power);
    double magnitude = 0;
    for (size_t i = 0; i < AK_SPECTRUM_INPUT; i++) magnitude += fabs((double)input[i] * window[i]);
    // What goes into one output is, in each pass, a sum of parts of no greater sum of magnitudes. Each part is off by
    // up to two additions (of real and imaginary part) and a multiplication of complex numbers in each of four passes
    // and at the end, 6 units of 2^-24 each: 30 in either kernel. Then it is squared, which is three more.
    const double amplitude_bound = 60 * 0x1p-24 * magnitude;
    for (size_t k = 0; k < AK_SPECTRUM_OUTPUT; k++) {
      const double amplitude = sqrt(expected[k] / scale);
      const double bound =
          scale * amplitude_bound * (2 * amplitude + amplitude_bound) + 6 * 0x1p-24 * expected[k] + 0x1p-120;
      if (!within("power", k, expected[k], power[k], bound)) return false;
    }
    if (!unharmed()) return false;
  }
  return true;
}

static void spectrum_swapped(const float *input, const float *window, float scale, float *power) {
  right()->power_spectrum(input, window, scale, power);
  float at_3 = power[3];
  power[3] = power[253];
  power[253] = at_3;
}
static void spectrum_shifted_window(const float *input, const float *window, float scale, float *power) {
  float shifted[AK_SPECTRUM_INPUT];
  memcpy(shifted, window + 1, sizeof shifted - sizeof *shifted);
  shifted[AK_SPECTRUM_INPUT - 1] = window[0];
  right()->power_spectrum(input, shifted, scale, power);
}
static void spectrum_without_last(const float *input, const float *window, float scale, float *power) {
  float all[AK_SPECTRUM_OUTPUT];
  right()->power_spectrum(input, window, scale, all);
  memcpy(power, all, sizeof all - sizeof *all);
}
static void spectrum_of_halves(const float *input, const float *window, float scale, float *power) {
  right()->power_spectrum(input, window, scale, power);
  power[256] *= 0.25f;
}
static void spectrum_too_long(const float *input, const float *window, float scale, float *power) {
  right()->power_spectrum(input, window, scale, power);
  power[257] = 0;
}
static const wrong_kernel power_spectrum_wrong[] = {
    WRONG("two powers exchanged", spectrum_swapped),
    WRONG("the window shifted", spectrum_shifted_window),
    WRONG("the last power not written", spectrum_without_last),
    WRONG("the last power a quarter", spectrum_of_halves),
    WRONG("one power too many", spectrum_too_long),
    {NULL, NULL},
};

// MARK: Layers

enum { most_groups = 4, most_frames = 9, most_columns = 330 };

// An output as the contract says, each product and addition rounded once (fused) or twice.
static float layer_output(const ak_layer *layer, size_t row, const float *x, bool fused) {
  const float *weights = layer->weights;
  const ak_column_run *run = layer->runs;
  for (size_t group = 0; group < row / AK_ROW_GROUP; group++, run++) weights += run->column_count * AK_ROW_GROUP;
  float sums[4] = {layer->bias[row], 0, 0, 0};
  for (size_t c = 0; c < run->column_count; c++) {
    float w = weights[c * AK_ROW_GROUP + row % AK_ROW_GROUP], value = x[run->first_column + c];
    sums[c % 4] = fused ? fmaf(w, value, sums[c % 4]) : w * value + sums[c % 4];
  }
  float sum = (sums[0] + sums[2]) + (sums[1] + sums[3]);
  return !layer->is_rectified || sum > 0 ? sum : 0;
}

static bool apply_layer_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  bool may_be_fused = tested != scalar, may_be_plain = true;
  for (cases c = cases_up_to(most_columns); next_case(&c);) {
    ak_column_run runs[most_groups];
    const size_t groups = random_between(1, most_groups), rows = groups * AK_ROW_GROUP, columns = c.count;
    const size_t frames = random_below(8) == 0 ? 0 : random_between(1, most_frames);
    const bool banded = random_below(3) == 0;
    size_t weight_count = 0;
    for (size_t group = 0; group < groups; group++) {
      size_t first = banded ? random_between(0, columns) : 0;
      size_t count = banded ? random_between(0, columns - first) : columns;
      runs[group] = (ak_column_run){(uint32_t)first, (uint32_t)count};
      weight_count += count * AK_ROW_GROUP;
    }
    const size_t stride = random_below(2) == 0 ? random_below(columns + 1) : columns + random_below(4);
    const size_t output_stride = rows + random_below(5);
    const size_t input_count = frames == 0 ? 0 : (frames - 1) * stride + columns;
    const size_t output_count = frames == 0 ? 0 : (frames - 1) * output_stride + rows;
    float *input = placed(FIRST_INPUT, c.input_place, input_count * sizeof *input, sizeof *input);
    float *weights = placed(SECOND_INPUT, c.input_place, weight_count * sizeof *weights, sizeof *weights);
    float *bias = placed(THIRD_INPUT, c.input_place, rows * sizeof *bias, sizeof *bias);
    float *output = placed(OUTPUT, c.output_place, output_count * sizeof *output, sizeof *output);
    fill_ordinary_floats(input, input_count);
    fill_ordinary_floats(weights, weight_count);
    fill_ordinary_floats(bias, rows);
    static float before[most_frames * (most_groups * AK_ROW_GROUP + 4)];
    memcpy(before, output, output_count * sizeof *output);
    ak_layer layer = {
        .weights = weights, .bias = bias, .runs = runs, .row_count = rows, .is_rectified = random_below(2)};
    NOW("%zu frames, %zu apart, of %zu columns to %zu rows", frames, stride, columns, rows);
    remember_input();
    tested->apply_layer(&layer, input, stride, frames, output, output_stride);
    for (size_t f = 0; f < frames; f++) {
      const float *x = input + f * stride, *y = output + f * output_stride;
      // A few rows of each frame bit for bit; all of them are, within a bound, those of the scalar kernel.
      for (size_t i = 0; i < 4; i++) {
        const size_t row = random_below(rows);
        may_be_fused = may_be_fused && y[row] == layer_output(&layer, row, x, true);
        may_be_plain = may_be_plain && y[row] == layer_output(&layer, row, x, false);
        if (!may_be_fused && !may_be_plain) {
          return differs("row %zu of frame %zu is %.9g, not as fused nor as other operations", row, f, (double)y[row]);
        }
      }
      float expected[most_groups * AK_ROW_GROUP];
      scalar->apply_layer(&layer, x, 0, 1, expected, rows);
      const float *w = weights;
      for (size_t row = 0; row < rows; row++) {
        const ak_column_run run = runs[row / AK_ROW_GROUP];
        double magnitude = fabs((double)bias[row]);
        for (size_t column = 0; column < run.column_count; column++) {
          magnitude += fabs((double)w[column * AK_ROW_GROUP + row % AK_ROW_GROUP] * x[run.first_column + column]);
        }
        if (row % AK_ROW_GROUP == AK_ROW_GROUP - 1) w += run.column_count * AK_ROW_GROUP;
        // A product passes through up to a quarter of the additions and two more, and is rounded itself.
        const double bound = (run.column_count / 4 + 4) * 0x1p-23 * magnitude + 0x1p-120;
        if (!within("row", row, expected[row], y[row], bound)) return false;
      }
      float alone[most_groups * AK_ROW_GROUP];
      tested->apply_layer(&layer, x, 0, 1, alone, rows);
      if (!same("row alone", alone, y, rows, sizeof *alone)) return false;
      // What lies between the frames is as it was.
      const size_t gap = f + 1 < frames ? output_stride - rows : 0;
      if (!same("gap", before + f * output_stride + rows, y + rows, gap, sizeof *y)) return false;
    }
    if (!unharmed()) return false;
  }
  return true;
}

static void layer_in_order(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  for (size_t f = 0; f < count; f++) {
    const float *weights = layer->weights;
    for (size_t row = 0; row < layer->row_count; row++) {
      const ak_column_run run = layer->runs[row / AK_ROW_GROUP];
      float sum = layer->bias[row];
      for (size_t c = 0; c < run.column_count; c++) {
        sum += weights[c * AK_ROW_GROUP + row % AK_ROW_GROUP] * input[f * input_stride + run.first_column + c];
      }
      output[f * output_stride + row] = !layer->is_rectified || sum > 0 ? sum : 0;
      if (row % AK_ROW_GROUP == AK_ROW_GROUP - 1) weights += run.column_count * AK_ROW_GROUP;
    }
  }
}
static void layer_not_rectified(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  ak_layer plain = *layer;
  plain.is_rectified = 0;
  right()->apply_layer(&plain, input, input_stride, count, output, output_stride);
}
static void layer_from_first_column(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  ak_column_run runs[most_groups];
  for (size_t i = 0; i < layer->row_count / AK_ROW_GROUP; i++) {
    runs[i] = (ak_column_run){0, layer->runs[i].column_count};
  }
  ak_layer moved = *layer;
  moved.runs = runs;
  right()->apply_layer(&moved, input, input_stride, count, output, output_stride);
}
static void layer_of_frames_apart(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  right()->apply_layer(layer, input, input_stride, count, output, output_stride);
  // Another order in the fourth frame than where it stands alone.
  if (count >= 4) layer_in_order(layer, input + 3 * input_stride, 0, 1, output + 3 * output_stride, output_stride);
}
static void layer_without_last_frame(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  right()->apply_layer(layer, input, input_stride, count % 4 == 3 ? count - 1 : count, output, output_stride);
}
static void layer_into_gap(
    const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
    size_t output_stride) {
  right()->apply_layer(layer, input, input_stride, count, output, output_stride);
  if (count > 1 && output_stride > layer->row_count) output[layer->row_count] = 0;
}
static const wrong_kernel apply_layer_wrong[] = {
    WRONG("one sum of all columns", layer_in_order),
    WRONG("not rectified", layer_not_rectified),
    WRONG("runs moved to the first column", layer_from_first_column),
    WRONG("frames of a block in another order", layer_of_frames_apart),
    WRONG("a frame left out", layer_without_last_frame),
    WRONG("written between the frames", layer_into_gap),
    {NULL, NULL},
};

// MARK: Elementwise

enum { most = 2000 };

static bool log2_above_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    const size_t kind = random_below(3);
    // The offset is from the least that is allowed up.
    const float offset = ldexpf(1.0f + fabsf(random_sample()), kind == 0 ? -126 : (int)random_below(60) - 40);
    for (size_t i = 0; i < c.count; i++) {
      const int exponent = kind == 0 ? (int)random_below(253) - 126 : (int)random_below(40) - 30;
      input[i] = ldexpf(fabsf(random_sample()), exponent);
      if (random_below(16) == 0) input[i] = 0.0f;
      // About 1, where the logarithm is small and of two kinds; and what is next to a root of 2.
      if (random_below(8) == 0) input[i] = 1.0f + 0x1p-20f * random_sample();
      if (random_below(8) == 0) input[i] = 0x1.6a09e6p0f + 0x1p-20f * random_sample();
    }
    NOW("%zu values", c.count);
    remember_input();
    tested->log2_above(input, offset, output, c.count);
    for (size_t i = 0; i < c.count; i++) {
      const double expected = log2((double)(input[i] + offset));
      if (!within("logarithm", i, expected, output[i], 3e-7 + 0x1p-24 * fabs(expected))) return false;
    }
    if (!unharmed()) return false;
    static float in_place[most];
    memcpy(in_place, input, c.count * sizeof *input);
    tested->log2_above(in_place, offset, in_place, c.count);
    if (!same("logarithm in place", output, in_place, c.count, sizeof *output)) return false;
  }
  return true;
}

static void log2_of_input(const float *input, float offset, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = log2f(input[i] > offset ? input[i] : offset);
}
static void log2_coarse(const float *input, float offset, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = log2f(input[i] + offset) + 2e-6f;
}
static void log2_without_last(const float *input, float offset, float *output, size_t count) {
  right()->log2_above(input, offset, output, count % 16 == 15 ? count - 1 : count);
}
static void log2_to_whole_vector(const float *input, float offset, float *output, size_t count) {
  right()->log2_above(input, offset, output, count);
  if (count % 16 == 15) output[count] = 0;
}
static const wrong_kernel log2_above_wrong[] = {
    WRONG("the offset taken as a floor", log2_of_input),
    WRONG("off by 2e-6", log2_coarse),
    WRONG("the last value not written", log2_without_last),
    WRONG("one value too many", log2_to_whole_vector),
    {NULL, NULL},
};

static bool square_root_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    static float expected[most];
    fill_floats(input, c.count);
    for (size_t i = 0; i < c.count; i++) {
      // A NaN that comes out has no certain bits, here; the scalar kernel is held against the library's in the others.
      if (!(input[i] >= 0)) input[i] = -input[i] >= 0 ? -input[i] : 2.0f;
    }
    NOW("%zu values", c.count);
    remember_input();
    scalar->square_root(input, expected, c.count);
    tested->square_root(input, output, c.count);
    if (!same("root", expected, output, c.count, sizeof *output)) return false;
    for (size_t i = 0; i < c.count; i++) {
      if (output[i] != sqrtf(input[i])) return differs("root %zu is %.9g", i, (double)output[i]);
    }
    if (!unharmed()) return false;
    memcpy(expected, input, c.count * sizeof *input);
    tested->square_root(expected, expected, c.count);
    if (!same("root in place", output, expected, c.count, sizeof *output)) return false;
  }
  const float negative = -1.0f;
  float root = 0.0f;
  tested->square_root(&negative, &root, 1);
  return isnan(root) || differs("the root of -1 is %.9g", (double)root);
}

static void root_off_by_one(const float *input, float *output, size_t count) {
  right()->square_root(input, output, count);
  for (size_t i = 0; i < count; i++) output[i] = input[i] > 1.0f ? nextafterf(output[i], 0.0f) : output[i];
}
static void root_without_last(const float *input, float *output, size_t count) {
  right()->square_root(input, output, count % 8 == 7 ? count - 1 : count);
}
static void root_of_magnitude(const float *input, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = sqrtf(fabsf(input[i]));
}
static const wrong_kernel square_root_wrong[] = {
    WRONG("off by a unit in the last place", root_off_by_one),
    WRONG("the last value not written", root_without_last),
    WRONG("of the magnitude", root_of_magnitude),
    {NULL, NULL},
};

// MARK: Sigmoid, recurrent unit

static double logistic(double x) { return 1 / (1 + exp(-x)); }

static bool sigmoid_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, c.count * sizeof *output, sizeof *output);
    static const float scales[] = {1.0f, 20.0f, 120.0f, 1e30f};
    const size_t kind = random_below(5);
    fill_floats(input, c.count);
    for (size_t i = 0; i < c.count && kind < 4; i++) {
      input[i] = random_below(16) == 0 ? 0.0f : random_sample() * scales[kind];
    }
    NOW("%zu values", c.count);
    remember_input();
    tested->sigmoid(input, output, c.count);
    for (size_t i = 0; i < c.count; i++) {
      if (isnan(input[i]) ? !(output[i] >= 0.0f && output[i] <= 1.0f)
                          : !within("sigmoid", i, logistic(input[i]), output[i], 3e-7)) {
        return differs("of %.9g it is %.9g", (double)input[i], (double)output[i]);
      }
    }
    if (!unharmed()) return false;
    static float in_place[most];
    memcpy(in_place, input, c.count * sizeof *input);
    tested->sigmoid(in_place, in_place, c.count);
    if (!same("sigmoid in place", output, in_place, c.count, sizeof *output)) return false;
  }
  return true;
}

static void sigmoid_of_negative(const float *input, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = (float)logistic(-input[i]);
}
static void sigmoid_coarse(const float *input, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = (float)logistic(input[i]) + 5e-7f;
}
static void sigmoid_not_a_number(const float *input, float *output, size_t count) {
  right()->sigmoid(input, output, count);
  for (size_t i = 0; i < count; i++) output[i] = isnan(input[i]) ? NAN : output[i];
}
static void sigmoid_without_last(const float *input, float *output, size_t count) {
  right()->sigmoid(input, output, count % 16 == 15 ? count - 1 : count);
}
static void sigmoid_to_whole_vector(const float *input, float *output, size_t count) {
  right()->sigmoid(input, output, count);
  if (count % 16 == 15) output[count] = 0;
}
static const wrong_kernel sigmoid_wrong[] = {
    WRONG("of the negative", sigmoid_of_negative),
    WRONG("off by 5e-7", sigmoid_coarse),
    WRONG("NaN handed on", sigmoid_not_a_number),
    WRONG("the last value not written", sigmoid_without_last),
    WRONG("one value too many", sigmoid_to_whole_vector),
    {NULL, NULL},
};

static bool gru_step_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  for (cases c = cases_up_to(400); next_case(&c);) {
    const size_t n = c.count, size = n * sizeof(float);
    float *input_gates = placed(FIRST_INPUT, c.input_place, 3 * size, sizeof(float));
    float *state_gates = placed(SECOND_INPUT, c.input_place, 3 * size, sizeof(float));
    float *state = placed(OUTPUT, c.output_place, size, sizeof(float));
    static float before[400];
    // Up to where all functions are at their ends, and far beyond.
    static const float scales[] = {1.0f, 8.0f, 120.0f, 1e30f};
    const float scale = scales[random_below(4)];
    for (size_t i = 0; i < 3 * n; i++) {
      input_gates[i] = random_sample() * scale;
      state_gates[i] = random_below(16) == 0 ? 0.0f : random_sample() * scale;
    }
    for (size_t i = 0; i < n; i++) before[i] = state[i] = random_sample();
    NOW("%zu units", n);
    remember_input();
    tested->gru_step(input_gates, state_gates, state, n);
    for (size_t i = 0; i < n; i++) {
      const float *in = input_gates + i, *of = state_gates + i;
      const double reset = logistic((double)in[0] + of[0]), update = logistic((double)in[n] + of[n]);
      const double new = tanh((double)in[2 * n] + reset * of[2 * n]);
      const double expected = new + update * (before[i] - new);
      // The functions are off by 3e-7, their arguments by a rounding, and that of tanh by what r is off, too. The state
      // is 1 at most, and so is its distance from the new one 2.
      const double argument = 4e-7 * fabs((double)of[2 * n]) + 2e-7 * fabs((double)in[2 * n]);
      const double bound = 3e-7 + argument + 2 * 4e-7 + 4 * 0x1p-24;
      if (!within("unit", i, expected, state[i], bound)) return false;
    }
    if (!unharmed()) return false;

    // Whatever the gates are: a state stays within -1 to 1, but for a rounding.
    fill_floats(input_gates, 3 * n);
    fill_floats(state_gates, 3 * n);
    memcpy(state, before, size);
    NOW("%zu units with gates of any kind", n);
    tested->gru_step(input_gates, state_gates, state, n);
    for (size_t i = 0; i < n; i++) {
      if (!(fabsf(state[i]) <= 1.0000005f)) return differs("unit %zu is %.9g", i, (double)state[i]);
    }
    if (!margins_intact(OUTPUT)) return false;
  }
  return true;
}

static void gru_update_first(const float *input_gates, const float *state_gates, float *state, size_t count) {
  static float gates[2][3 * 400];
  for (size_t part = 0; part < 3; part++) {
    const size_t from = part == 2 ? 2 : 1 - part;
    memcpy(gates[0] + part * count, input_gates + from * count, count * sizeof(float));
    memcpy(gates[1] + part * count, state_gates + from * count, count * sizeof(float));
  }
  right()->gru_step(gates[0], gates[1], state, count);
}
static void gru_reset_state(const float *input_gates, const float *state_gates, float *state, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double reset = logistic((double)input_gates[i] + state_gates[i]);
    const double update = logistic((double)input_gates[count + i] + state_gates[count + i]);
    // Another form of the unit, which applies the reset before the layer.
    const double new = tanh(reset * input_gates[2 * count + i] + state_gates[2 * count + i]);
    state[i] = (float)(new + update * (state[i] - new));
  }
}
static void gru_update_inverted(const float *input_gates, const float *state_gates, float *state, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double reset = logistic((double)input_gates[i] + state_gates[i]);
    const double update = logistic((double)input_gates[count + i] + state_gates[count + i]);
    const double new = tanh((double)input_gates[2 * count + i] + reset * state_gates[2 * count + i]);
    state[i] = (float)(state[i] + update * (new - state[i]));
  }
}
static void gru_without_last(const float *input_gates, const float *state_gates, float *state, size_t count) {
  const float last = count > 0 ? state[count - 1] : 0.0f;
  right()->gru_step(input_gates, state_gates, state, count);
  if (count % 8 == 7) state[count - 1] = last;
}
static void gru_not_a_number(const float *input_gates, const float *state_gates, float *state, size_t count) {
  right()->gru_step(input_gates, state_gates, state, count);
  for (size_t i = 0; i < count; i++) state[i] = isnan(input_gates[i]) ? NAN : state[i];
}
static const wrong_kernel gru_step_wrong[] = {
    WRONG("update before reset", gru_update_first),
    WRONG("the other part reset", gru_reset_state),
    WRONG("update inverted", gru_update_inverted),
    WRONG("the last unit left out", gru_without_last),
    WRONG("gates that are not a number pass on", gru_not_a_number),
    {NULL, NULL},
};

// MARK: Floor

static bool track_floor_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    const size_t n = c.count, size = n * sizeof(float);
    float *level = placed(FIRST_INPUT, c.input_place, size, sizeof(float));
    float *others = placed(SECOND_INPUT, c.input_place, size, sizeof(float));
    float *followed = placed(THIRD_INPUT, c.output_place, 2 * size, sizeof(float));
    float *above = placed(OUTPUT, c.output_place, size, sizeof(float));
    static float expected[2 * most], expected_above[most];
    fill_ordinary_floats(level, n);
    fill_ordinary_floats(others, n);
    fill_ordinary_floats(followed, 2 * n);
    for (size_t i = 0; i < n; i++) {
      // Minima start from infinity.
      if (random_below(4) == 0) followed[n + i] = INFINITY;
      if (random_below(4) == 0) others[i] = random_below(2) == 0 ? INFINITY : followed[n + i];
    }
    memcpy(expected, followed, 2 * size);
    const float rate = random_below(8) == 0 ? (float)random_below(2) : 0.5f + 0.5f * random_sample();
    NOW("%zu bands", n);
    remember_input();
    scalar->track_floor(level, rate, expected, expected + n, others, expected_above, n);
    tested->track_floor(level, rate, followed, followed + n, others, above, n);
    if (!same("smoothed level or minimum", expected, followed, 2 * n, sizeof(float))) return false;
    if (!same("distance", expected_above, above, n, sizeof(float))) return false;
    if (!unharmed() || !margins_intact(THIRD_INPUT)) return false;
  }
  return true;
}

static void floor_fused(
    const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
    size_t count) {
  for (size_t i = 0; i < count; i++) {
    smoothed[i] = fmaf(rate, level[i] - smoothed[i], smoothed[i]);
    minimum[i] = minimum[i] < smoothed[i] ? minimum[i] : smoothed[i];
    above[i] = level[i] - (minimum[i] < others[i] ? minimum[i] : others[i]);
  }
}
static void floor_of_level(
    const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
    size_t count) {
  right()->track_floor(level, rate, smoothed, minimum, others, above, count);
  for (size_t i = 0; i < count; i++) minimum[i] = minimum[i] < level[i] ? minimum[i] : level[i];
}
static void floor_without_others(
    const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
    size_t count) {
  (void)others;
  right()->track_floor(level, rate, smoothed, minimum, minimum, above, count);
}
static void floor_with_last_twice(
    const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
    size_t count) {
  right()->track_floor(level, rate, smoothed, minimum, others, above, count);
  const size_t last = count - 1;
  if (count % 16 == 15) {
    right()->track_floor(level + last, rate, smoothed + last, minimum + last, others + last, above + last, 1);
  }
}
static const wrong_kernel track_floor_wrong[] = {
    WRONG("fused", floor_fused),
    WRONG("the minimum of levels", floor_of_level),
    WRONG("without the other minima", floor_without_others),
    WRONG("the last band twice", floor_with_last_twice),
    {NULL, NULL},
};

// MARK: Peak

static bool peak_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  for (cases c = cases_up_to(most); next_case(&c);) {
    float *input = placed(FIRST_INPUT, c.input_place, c.count * sizeof *input, sizeof *input);
    float *value = placed(OUTPUT, c.output_place, sizeof *value, sizeof *value), expected;
    fill_floats(input, c.count);
    const size_t kind = random_below(4);
    for (size_t i = 0; i < c.count; i++) {
      // Few values, so that the greatest is there more than once; and little else than what is passed over.
      if (kind == 0) input[i] = (float)random_below(3) * -0.0f;
      if (kind == 1) input[i] = floorf(input[i] * 4);
      if (kind == 2 && random_below(64) != 0) input[i] = random_below(2) == 0 ? NAN : -INFINITY;
    }
    // At either end, where it is most easily missed.
    if (kind == 3 && c.count > 0) input[random_below(2) == 0 ? 0 : c.count - 1] = 0x1p120f;
    NOW("%zu values", c.count);
    remember_input();
    const size_t expected_index = scalar->peak(input, c.count, &expected);
    const size_t index = tested->peak(input, c.count, value);
    if (index != expected_index) return differs("the peak is at %zu, not %zu", index, expected_index);
    if (!same("value", &expected, value, 1, sizeof *value)) return false;
    if (!unharmed()) return false;
  }
  return true;
}

static size_t last_peak(const float *input, size_t count, float *value) {
  size_t index = right()->peak(input, count, value);
  for (size_t i = 0; i < count; i++) index = input[i] == *value ? i : index;
  return index;
}
static size_t peak_without_last(const float *input, size_t count, float *value) {
  return right()->peak(input, count % 8 == 7 ? count - 1 : count, value);
}
static size_t peak_of_magnitude(const float *input, size_t count, float *value) {
  size_t index = right()->peak(input, count, value);
  for (size_t i = 0; i < count; i++) {
    if (fabsf(input[i]) > *value) index = i, *value = fabsf(input[i]);
  }
  return index;
}
static size_t peak_from_zero(const float *input, size_t count, float *value) {
  size_t index = right()->peak(input, count, value);
  if (*value <= 0) *value = 0, index = 0;
  return index;
}
static const wrong_kernel peak_wrong[] = {
    WRONG("the last of equals", last_peak),
    WRONG("the last value left out", peak_without_last),
    WRONG("of magnitudes", peak_of_magnitude),
    WRONG("not less than 0", peak_from_zero),
    {NULL, NULL},
};

const kernel_test network_tests[] = {
    KERNEL_TEST(power_spectrum),
    KERNEL_TEST(apply_layer),
    KERNEL_TEST(log2_above),
    KERNEL_TEST(square_root),
    KERNEL_TEST(sigmoid),
    KERNEL_TEST(gru_step),
    KERNEL_TEST(track_floor),
    KERNEL_TEST(peak),
    {NULL, 0, NULL, NULL},
};
