// Polyphase filters and banks. Backends want their coefficients in different orders, so that the filters here are given
// plainly, laid out for each backend by this file, and computed in double precision for comparison.

#include <math.h>
#include <string.h>

#include "equality.h"

#pragma STDC FP_CONTRACT OFF

enum { most_outputs = 2048, most_coefficients = 32768, most_phases = AK_MAXIMUM_POLYPHASE };

static float cut_output[most_outputs];

// A number of additions, each off by half a unit in the last place at most.
static double rounding_bound(size_t additions, double magnitude) {
  return (double)additions * 0x1p-23 * magnitude + 0x1p-120;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

// MARK: Polyphase filters

// taps[p][m][j] weighs the input M * (n + j) + m of cycle n.
enum { most_taps = 320 };
static float taps_of[most_phases][most_phases][most_taps];
static ak_tap_run runs[9 * most_phases * most_phases];
static float laid_out[most_coefficients];

// The taps of one leaf, without zeros at either end.
static void lay_out_leaf(const double *taps, size_t count, size_t lanes, ak_polyphase_filter *filter, size_t *run_count,
                         size_t *coefficient_count) {
  size_t first = 0;
  while (first < count && taps[first] == 0) first++;
  while (count > first && taps[count - 1] == 0) count--;
  count -= first;
  size_t padded = count > lanes ? (count + lanes - 1) / lanes * lanes : count;
  runs[(*run_count)++] = (ak_tap_run){
      .first_input = (uint32_t)first, .tap_count = (uint32_t)padded, .first_coefficient = (uint32_t)*coefficient_count,
      .largest_tap = (uint32_t)(count > 0 ? random_below(count) : 0)};
  for (size_t i = 0; i < padded; i++) laid_out[(*coefficient_count)++] = i < count ? (float)taps[first + i] : 0.0f;
  if (first + padded > filter->leaf_tap_count) filter->leaf_tap_count = first + padded;
}

// Leaf `leaf` of the filter's tree, its digits to the base 3 from the highest level down.
static size_t taps_of_leaf(const float *taps, size_t count, size_t depth, size_t leaf, double *result) {
  for (size_t i = 0; i < count; i++) result[i] = taps[i];
  for (size_t level = depth; level > 0; level--) {
    size_t power = level == 2 ? 3 : 1, digit = leaf / power % 3;
    count /= 2;
    for (size_t i = 0; i < count; i++) {
      double even = result[2 * i], odd = result[2 * i + 1];
      result[i] = digit == 0 ? even : digit == 1 ? odd : even + odd;
    }
  }
  return count;
}

static bool filter_polyphase_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  const size_t lanes = tested->lane_count;
  for (cases c = cases_up_to(1600); next_case(&c);) {
    size_t outputs = random_between(1, most_phases), inputs = random_between(1, most_phases);
    // The scalar kernel is the specification and splits nothing; four input phases are split once at most.
    size_t depth = lanes == 1 ? 0 : random_below(inputs == 4 ? 2 : 3);
    size_t most = c.count < 100 ? 300 : 40000 / (c.count * inputs) + 4;
    size_t taps = (random_between(1, least(most, most_taps) >> depth)) << depth;
    size_t filled = random_below(4) == 0 ? random_below(taps + 1) : taps;
    double weight = 0;
    for (size_t p = 0; p < outputs; p++) {
      for (size_t m = 0; m < inputs; m++) {
        memset(taps_of[p][m], 0, sizeof taps_of[p][m]);
        // Now and then one tap, as half-bands have, or none.
        size_t kind = random_below(8), from = kind < 7 ? taps - filled : random_below(taps);
        size_t to = kind < 6 ? taps : kind == 6 ? from : from + 1;
        for (size_t j = from; j < to; j++) weight += fabsf(taps_of[p][m][j] = random_sample());
      }
    }
    ak_polyphase_filter filter = {
        .runs = runs, .output_phase_count = outputs, .input_phase_count = inputs, .split_depth = depth};
    size_t run_count = 0, coefficient_count = 0;
    for (size_t leaf = 0; leaf < (depth == 0 ? 1u : depth == 1 ? 3u : 9u); leaf++) {
      for (size_t p = 0; p < outputs; p++) {
        for (size_t m = 0; m < inputs; m++) {
          double leaf_taps[most_taps];
          size_t count = taps_of_leaf(taps_of[p][m], taps, depth, leaf, leaf_taps);
          lay_out_leaf(leaf_taps, count, lanes, &filter, &run_count, &coefficient_count);
        }
      }
    }
    size_t leaf_cycles = random_between(1, 8) * lanes * (lanes == 1 ? 8 : 1);
    filter.block_cycle_count = depth == 0 ? leaf_cycles : (leaf_cycles - (leaf_cycles > 1)) << depth;
    float *coefficients = placed(THIRD_INPUT, c.input_place, coefficient_count * sizeof(float), sizeof(float));
    memcpy(coefficients, laid_out, coefficient_count * sizeof(float));
    filter.coefficients = coefficients;

    size_t unit_outputs = outputs << depth, unit_inputs = inputs << depth;
    size_t skip = random_below(unit_outputs), count = c.count;
    // The same outputs by two calls, which may read further.
    size_t before = random_below(count + 1), unit = (skip + before) / unit_outputs;
    size_t rest_skip = skip + before - unit * unit_outputs;
    size_t input_count = ak_polyphase_input_count(&filter, lanes, skip, count);
    size_t before_count = ak_polyphase_input_count(&filter, lanes, skip, before);
    size_t rest_count = unit * unit_inputs + ak_polyphase_input_count(&filter, lanes, rest_skip, count - before);
    if (random_below(2) == 0) before = 0, before_count = 0, unit = 0, rest_skip = skip, rest_count = input_count;
    if (input_count < before_count) input_count = before_count;
    if (input_count < rest_count) input_count = rest_count;
    size_t scratch_count = ak_polyphase_scratch_count(&filter, lanes);
    float *input = placed(FIRST_INPUT, c.input_place, input_count * sizeof *input, sizeof *input);
    float *scratch = placed(SECOND_INPUT, c.output_place, scratch_count * sizeof *scratch, sizeof *scratch);
    float *output = placed(OUTPUT, c.output_place, count * sizeof *output, sizeof *output);
    for (size_t i = 0; i < input_count; i++) input[i] = random_sample();
    NOW("%zu outputs after %zu, %zu for %zu inputs, %zu taps, split %zu times", count, skip, outputs, inputs, taps, depth);
    remember_input();
    tested->filter_polyphase(&filter, input, skip, count, output, scratch);
    // Each split adds three products, of up to twice the taps and twice the inputs.
    double bound = rounding_bound(2 * taps + 16, weight * pow(4, (double)depth));
    for (size_t i = 0; i < count; i++) {
      size_t cycle = (skip + i) / outputs, p = (skip + i) % outputs;
      double sum = 0;
      for (size_t m = 0; m < inputs; m++) {
        for (size_t j = 0; j < taps; j++) {
          // A tap of 0 may be left out, with its input.
          if (taps_of[p][m][j] != 0) sum += (double)taps_of[p][m][j] * input[(cycle + j) * inputs + m];
        }
      }
      if (!within("output", i, sum, output[i], bound)) return false;
    }
    if (!unharmed()) return false;

    NOW("%zu outputs after %zu, split %zu times, cut after %zu", count, skip, depth, before);
    tested->filter_polyphase(&filter, input, skip, before, cut_output, scratch);
    // What lies behind the last window is there, but changes nothing.
    size_t needed = count == 0 ? 0 : ((skip + count - 1) / outputs + taps) * inputs;
    for (size_t i = needed; i < input_count; i++) input[i] = 100 * random_sample();
    if (before < count) {
      tested->filter_polyphase(
          &filter, input + unit * unit_inputs, rest_skip, count - before, cut_output + before, scratch);
    }
    if (!same("output", output, cut_output, count, sizeof *output)) return false;
  }
  return true;
}

static void polyphase_without_last_tap(
    const ak_polyphase_filter *filter, const float *input, size_t skip, size_t count, float *output, float *scratch) {
  ak_kernels_for(AK_BACKEND_SCALAR)->filter_polyphase(filter, input, skip, count, output, scratch);
  const ak_tap_run *run = filter->runs;
  if (count % 12 != 11 || skip > 0 || run->tap_count == 0) return;
  size_t last = run->tap_count - 1;
  output[0] -= filter->coefficients[run->first_coefficient + last] *
      input[(run->first_input + last) * filter->input_phase_count];
}
static void polyphase_rounded_by_length(
    const ak_polyphase_filter *filter, const float *input, size_t skip, size_t count, float *output, float *scratch) {
  ak_kernels_for(AK_BACKEND_SCALAR)->filter_polyphase(filter, input, skip, count, output, scratch);
  if (count % 4 == 3) output[count - 1] = nextafterf(output[count - 1], 0.0f);
}
static const wrong_kernel filter_polyphase_wrong[] = {
    WRONG("a tap dropped", polyphase_without_last_tap),
    WRONG("rounded by the length of the call", polyphase_rounded_by_length),
    {NULL, NULL},
};

// MARK: Groups

static size_t group_start(const ak_group_bank *bank, size_t index) {
  size_t cycle = bank->cycle_group_count;
  return index / cycle * bank->cycle_input_count + bank->group_offsets[index % cycle];
}

static bool filter_group_bank_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  const size_t lanes = tested->lane_count;
  for (cases c = cases_up_to(1600); next_case(&c);) {
    // Real banks have up to a few hundred taps, and up to 1,024 groups in a cycle.
    size_t taps = random_between(1, c.count < 64 ? 60 : 20000 / c.count + 8), cycle = random_between(1, 20);
    if (taps * cycle * lanes > most_coefficients) cycle = most_coefficients / (taps * lanes);
    float *coefficients = placed(SECOND_INPUT, c.input_place, cycle * taps * lanes * sizeof(float), sizeof(float));
    uint32_t *offsets = placed(THIRD_INPUT, c.input_place, cycle * sizeof *offsets, sizeof *offsets);
    for (size_t i = 0; i < cycle * taps * lanes; i++) coefficients[i] = random_sample();
    uint32_t offset = 0;
    for (size_t i = 0; i < cycle; i++) offsets[i] = offset, offset += (uint32_t)random_between(0, 24);
    const ak_group_bank bank = {
        .coefficients = coefficients, .group_offsets = offsets, .cycle_group_count = cycle,
        .cycle_input_count = offset + random_below(3), .tap_count = taps};

    size_t first = random_below(cycle), skip = random_below(lanes), count = c.count;
    size_t inputs =
        count == 0 ? 0 : group_start(&bank, first + (skip + count - 1) / lanes) - group_start(&bank, first) + taps;
    float *input = placed(FIRST_INPUT, c.input_place, inputs * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, count * sizeof *output, sizeof *output);
    fill_ordinary_floats(input, inputs);
    NOW("%zu outputs after %zu from group %zu of %zu, %zu taps, %zu inputs a cycle", count, skip, first, cycle, taps,
        bank.cycle_input_count);
    remember_input();
    tested->filter_group_bank(&bank, input, first, skip, count, output);
    for (size_t i = 0; i < count; i++) {
      size_t index = first + (skip + i) / lanes;
      const float *window = input + group_start(&bank, index) - group_start(&bank, first);
      const float *taps_of_lane = coefficients + index % cycle * taps * lanes + (skip + i) % lanes;
      double sum = 0, magnitude = 0;
      for (size_t tap = 0; tap < taps; tap++) {
        double product = (double)window[tap] * taps_of_lane[tap * lanes];
        sum += product;
        magnitude += fabs(product);
      }
      if (!within("output", i, sum, output[i], rounding_bound(taps + 1, magnitude))) return false;
    }
    if (!unharmed()) return false;

    size_t before = random_below(count + 1), groups = (skip + before) / lanes;
    NOW("%zu outputs after %zu from group %zu of %zu, cut after %zu", count, skip, first, cycle, before);
    tested->filter_group_bank(&bank, input, first, skip, before, cut_output);
    if (before < count) {
      const float *rest = input + group_start(&bank, first + groups) - group_start(&bank, first);
      tested->filter_group_bank(
          &bank, rest, (first + groups) % cycle, (skip + before) % lanes, count - before, cut_output + before);
    }
    if (!same("output", output, cut_output, count, sizeof *output)) return false;
  }
  return true;
}

static void groups_without_last_tap(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t skip, size_t count, float *output) {
  ak_kernels_for(AK_BACKEND_SCALAR)->filter_group_bank(bank, input, first_group, skip, count, output);
  if (count % 12 != 11) return;
  size_t last = first_group + count - 1, tap = bank->tap_count - 1;
  float x = input[group_start(bank, last) - group_start(bank, first_group) + tap];
  output[count - 1] -= x * bank->coefficients[(last % bank->cycle_group_count) * bank->tap_count + tap];
}
static void groups_rounded_by_length(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t skip, size_t count, float *output) {
  ak_kernels_for(AK_BACKEND_SCALAR)->filter_group_bank(bank, input, first_group, skip, count, output);
  if (count % 4 == 3) output[0] = nextafterf(output[0], 0.0f);
}
static const wrong_kernel filter_group_bank_wrong[] = {
    WRONG("a tap dropped", groups_without_last_tap),
    WRONG("rounded by the length of the call", groups_rounded_by_length),
    {NULL, NULL},
};

// MARK: Interpolation

static bool filter_interpolated_bank_agrees(const ak_kernels *scalar, const ak_kernels *tested) {
  (void)scalar;
  const size_t lanes = tested->lane_count;
  for (cases c = cases_up_to(1600); next_case(&c);) {
    size_t vectors = random_between(1, c.count < 64 ? 64 / lanes : 4), rows = random_between(1, 64);
    size_t taps = vectors * lanes;
    float *coefficients = placed(SECOND_INPUT, c.input_place, (rows + 1) * taps * sizeof(float), sizeof(float));
    for (size_t i = 0; i < (rows + 1) * taps; i++) coefficients[i] = random_sample();
    // Advances of up to eight inputs an output.
    size_t phases = random_between(1, 50000), advance = random_between(1, 8 * phases), phase = random_below(phases);
    const ak_interpolated_bank bank = {
        .coefficients = coefficients, .row_count = rows, .phase_count = phases, .input_advance = advance,
        .tap_count = taps};

    size_t count = c.count;
    size_t inputs = count == 0 ? 0 : (phase + (count - 1) * advance) / phases + taps;
    float *input = placed(FIRST_INPUT, c.input_place, inputs * sizeof *input, sizeof *input);
    float *output = placed(OUTPUT, c.output_place, count * sizeof *output, sizeof *output);
    fill_ordinary_floats(input, inputs);
    NOW("%zu outputs from phase %zu of %zu, advance %zu, %zu rows of %zu taps", count, phase, phases, advance, rows,
        taps);
    remember_input();
    tested->filter_interpolated_bank(&bank, input, phase, count, output);
    for (size_t i = 0; i < count; i++) {
      size_t at = phase + i * advance, scaled = at % phases * rows;
      const float *window = input + at / phases, *row = coefficients + scaled / phases * taps;
      double fraction = (double)(scaled % phases) / (double)phases, sum = 0, magnitude = 0;
      for (size_t tap = 0; tap < taps; tap++) {
        sum += window[tap] * (row[tap] + fraction * ((double)row[tap + taps] - row[tap]));
        magnitude += fabs((double)window[tap]) * (fabs((double)row[tap]) + fabs((double)row[tap + taps]));
      }
      if (!within("output", i, sum, output[i], rounding_bound(taps + 8, magnitude))) return false;
    }
    if (!unharmed()) return false;

    size_t before = random_below(count + 1), at = phase + before * advance;
    NOW("%zu outputs from phase %zu of %zu, advance %zu, cut after %zu", count, phase, phases, advance, before);
    tested->filter_interpolated_bank(&bank, input, phase, before, cut_output);
    if (before < count) {
      tested->filter_interpolated_bank(
          &bank, input + at / phases, at % phases, count - before, cut_output + before);
    }
    if (!same("output", output, cut_output, count, sizeof *output)) return false;
  }
  return true;
}

static void interpolated_at_next_phase(
    const ak_interpolated_bank *bank, const float *input, uint64_t phase, size_t count, float *output) {
  const ak_kernels *scalar = ak_kernels_for(AK_BACKEND_SCALAR);
  scalar->filter_interpolated_bank(bank, input, phase, count, output);
  if (count % 16 != 15) return;
  size_t at = (size_t)phase + (count - 1) * (size_t)bank->input_advance;
  scalar->filter_interpolated_bank(bank, input + at / bank->phase_count, 0, 1, output + count - 1);
}
static const wrong_kernel filter_interpolated_bank_wrong[] = {
    WRONG("a phase wrong", interpolated_at_next_phase),
    {NULL, NULL},
};

const kernel_test resampling_tests[] = {
    NOT_A_KERNEL(lane_count),
    NOT_A_KERNEL(split_depth),
    KERNEL_TEST(filter_polyphase),
    KERNEL_TEST(filter_group_bank),
    KERNEL_TEST(filter_interpolated_bank),
    {NULL, 0, NULL, NULL},
};
