// The resampling kernels for vectors of LANES outputs: included once per backend, after LANES, FUSED, and KERNEL(name),
// which gives a name the backend's prefix.
//
// No lane meets another before its output is complete, so that an output's operations and their order are the same
// wherever a call begins or ends.

#include <string.h>

#include "../resampling.h"
#include "lanes.h"

// MARK: One product of taps and streams

// Vectors of outputs that are computed at once: their sums, four taps and an input fill 13 of 16 registers.
enum { tile = 8 };

// Adds `depth` taps per residue, LANES apart, to `width` vectors of outputs; residues in turn, `last` of them last.
// Neighbouring outputs need an input vector with neighbouring taps, so that each is loaded once.
INLINE void add_taps(
    floats *sums, size_t width, size_t depth, size_t residue_count, size_t last, const float *taps,
    const float *input) {
  size_t residue = last;
  do {
    residue = residue + 1 < residue_count ? residue + 1 : 0;
    floats tap[4];
    UNROLLED for (size_t d = 0; d < depth; d++) { tap[d] = (floats)(taps[residue + d * LANES]); }
    UNROLLED for (size_t v = 0; v < width + depth - 1; v++) {
      floats x = load(input + residue + v * LANES);
      UNROLLED for (size_t d = 0; d < depth; d++) {
        if (v >= d && v - d < width) sums[v - d] = multiplied_added(tap[d], x, sums[v - d]);
      }
    }
  } while (residue != last);
}

// `width` vectors of outputs from one stream, added to those of other streams unless it is the first: sums of their own
// for each stream halve the rounding noise. Taps are taken in blocks of four vectors, what is over at the start in
// smaller ones; blocks alternate from both ends, so that the large taps in the middle come last.
INLINE void filter_tile(
    size_t width, const float *input, const float *taps, const ak_tap_run *run, int is_first, float *output) {
  floats sums[tile];
  UNROLLED for (size_t v = 0; v < width; v++) { sums[v] = (floats)0.0f; }
  const size_t tap_count = run->tap_count;
  if (tap_count < LANES) {
    add_taps(sums, width, 1, tap_count, run->largest_tap, taps, input);
  } else {
    const size_t last = run->largest_tap % LANES;
    size_t over = 0;
    if (tap_count & LANES) {
      add_taps(sums, width, 1, LANES, last, taps, input);
      over = LANES;
    }
    if (tap_count & 2 * LANES) {
      add_taps(sums, width, 2, LANES, last, taps + over, input + over);
      over += 2 * LANES;
    }
    const size_t blocks = tap_count / (4 * LANES);
    for (size_t i = 0; i < blocks; i++) {
      const size_t start = over + 4 * LANES * (i % 2 == 0 ? i / 2 : blocks - 1 - i / 2);
      add_taps(sums, width, 4, LANES, last, taps + start, input + start);
    }
  }
  UNROLLED for (size_t v = 0; v < width; v++) {
    store(output + v * LANES, is_first ? sums[v] : load(output + v * LANES) + sums[v]);
  }
}

// A function per width, so that the sums are registers.
typedef void (*tile_filter)(const float *, const float *, const ak_tap_run *, int, float *);
#define TILE(width)                                                                                                    \
  static void filter_tile_##width(                                                                                     \
      const float *input, const float *taps, const ak_tap_run *run, int is_first, float *output) {                     \
    filter_tile(width, input, taps, run, is_first, output);                                                            \
  }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8)
static const tile_filter tile_filters[tile] = {
    filter_tile_1, filter_tile_2, filter_tile_3, filter_tile_4,
    filter_tile_5, filter_tile_6, filter_tile_7, filter_tile_8,
};

// `count` outputs, in whole vectors.
static void filter_stream(
    const float *input, const float *taps, const ak_tap_run *run, int is_first, float *output, size_t count) {
  input += run->first_input;
  taps += run->first_coefficient;
  size_t vectors = (count + LANES - 1) / LANES;
  while (vectors > 0) {
    // What is more than one tile and less than two is halved, because narrow tiles wait for their additions.
    size_t width = vectors <= tile ? vectors : vectors < 2 * tile ? (vectors + 1) / 2 : tile;
    tile_filters[width - 1](input, taps, run, is_first, output);
    input += width * LANES;
    output += width * LANES;
    vectors -= width;
  }
}

// MARK: Streams

// Deals samples out to `way_count` streams of `count` members each, in whole vectors: the members c, c + way_count ...
// go to the stream places[c], which starts at streams[places[c] * stride].
static void deal(
    const float *restrict input, size_t way_count, const size_t *places, float *restrict streams, size_t stride,
    size_t count) {
#define DEAL(ways)                                                                                                     \
  case ways:                                                                                                           \
    for (size_t i = 0; i < count; i += LANES, input += ways * LANES) {                                                 \
      floats v[ways];                                                                                                  \
      deal_##ways(input, v);                                                                                           \
      UNROLLED for (size_t c = 0; c < ways; c++) { store(streams + places[c] * stride + i, v[c]); }                    \
    }                                                                                                                  \
    break;
  switch (way_count) { DEAL(2) DEAL(3) DEAL(4) DEAL(8) }
#undef DEAL
}

// The leaf to which each position of a split stream belongs.
static const size_t leaves_of_positions[3][4] = {{0}, {0, 1}, {0, 3, 1, 4}};

// Fills the leaves' streams, that of leaf l and input phase m at streams[(l * M + m) * stride], with `count` members
// each; those that are sums get theirs from the positions' streams, which hold one vector more.
static void fill_streams(
    const ak_polyphase_filter *filter, const float *input, float *streams, size_t stride, size_t count, float *rest) {
  const size_t inputs = filter->input_phase_count, depth = filter->split_depth, positions = (size_t)1 << depth;
  const size_t *leaves = leaves_of_positions[depth];
  size_t places[8];
  if (inputs == 3 && depth > 0) {
    // Three ways, and each of them further: there is no way to deal six or twelve ways at once.
    const size_t dealt = (count + LANES) << depth;
    const size_t thirds[3] = {0, 1, 2};
    deal(input, 3, thirds, rest, dealt, dealt);
    for (size_t m = 0; m < 3; m++) {
      for (size_t r = 0; r < positions; r++) {
        places[r] = leaves[r] * 3 + m;
      }
      deal(rest + m * dealt, positions, places, streams, stride, count + LANES);
    }
  } else {
    for (size_t c = 0; c < inputs << depth; c++) {
      places[c] = leaves[c / inputs] * inputs + c % inputs;
    }
    deal(input, inputs << depth, places, streams, stride, depth == 0 ? count : count + LANES);
  }
  for (size_t m = 0; m < inputs; m++) {
    float *leaf[9];
    for (size_t l = 0; l < ak_leaf_count(filter); l++) {
      leaf[l] = streams + (l * inputs + m) * stride;
    }
    if (depth == 1) {
      for (size_t i = 0; i < count; i += LANES) {
        store(leaf[2] + i, load(leaf[1] + i) + load(leaf[0] + i + 1));
      }
    } else if (depth == 2) {
      for (size_t i = 0; i < count; i += LANES) {
        floats second = load(leaf[1] + i), third = load(leaf[3] + i), fourth = load(leaf[4] + i);
        floats next_first = load(leaf[0] + i + 1), next_third = load(leaf[3] + i + 1);
        floats fourth_first = fourth + next_first;
        store(leaf[2] + i, second + next_first);
        store(leaf[5] + i, fourth + next_third);
        store(leaf[6] + i, third + second);
        store(leaf[7] + i, fourth_first);
        store(leaf[8] + i, fourth_first + (next_third + load(leaf[1] + i + 1)));
      }
    }
  }
}

// MARK: Products

// The leaves' products, that of leaf l and output phase p at products[(l * L + p) * stride], with `count` members each.
static void multiply(
    const ak_polyphase_filter *filter, const float *streams, size_t stream_stride, float *products,
    size_t product_stride, size_t count) {
  const size_t inputs = filter->input_phase_count;
  const ak_tap_run *run = filter->runs;
  for (size_t leaf = 0; leaf < ak_leaf_count(filter); leaf++) {
    for (size_t p = 0; p < filter->output_phase_count; p++, products += product_stride) {
      int is_first = 1;
      for (size_t m = 0; m < inputs; m++, run++) {
        if (run->tap_count == 0) continue;
        filter_stream(streams + m * stream_stride, filter->coefficients, run, is_first, products, count);
        is_first = 0;
      }
      if (is_first) memset(products, 0, ak_rounded_up(count, LANES) * sizeof(float));
    }
    streams += inputs * stream_stride;
  }
}

// Puts the products of one output phase together, those of leaf l at products[l * stride]: `count` << depth outputs.
static void put_together(size_t depth, const float *products, size_t stride, float *row, size_t count) {
  const float *p0 = products, *p1 = p0 + stride, *p2 = p1 + stride;
  if (depth == 1) {
    for (size_t i = 0; i < count; i += LANES) {
      floats odd = load(p1 + i);
      floats outputs[2] = {load(p0 + i) + odd, (load(p2 + i) - odd) - load(p0 + i + 1)};
      collect_2(row + 2 * i, outputs);
    }
    return;
  }
  const float *p10 = p2 + stride, *p11 = p10 + stride, *p12 = p11 + stride;
  const float *p20 = p12 + stride, *p21 = p20 + stride, *p22 = p21 + stride;
  for (size_t i = 0; i < count; i += LANES) {
    // Members 2i and 2i + 1 of the products of the upper level, and 2i + 2 of the first.
    floats b = load(p1 + i), next_a = load(p0 + i + 1);
    floats even_0 = load(p0 + i) + b, even_1 = (load(p2 + i) - b) - next_a, even_2 = next_a + load(p1 + i + 1);
    floats d = load(p11 + i);
    floats odd_0 = load(p10 + i) + d, odd_1 = (load(p12 + i) - d) - load(p10 + i + 1);
    floats f = load(p21 + i);
    floats sum_0 = load(p20 + i) + f, sum_1 = (load(p22 + i) - f) - load(p20 + i + 1);
    floats outputs[4] = {even_0 + odd_0, (sum_0 - odd_0) - even_1, even_1 + odd_1, (sum_1 - odd_1) - even_2};
    collect_4(row + 4 * i, outputs);
  }
}

// LANES members of each of `phase_count` rows, in turn.
INLINE void collect_vectors(const float *rows, size_t phase_count, size_t stride, float *output) {
  floats v[AK_MAXIMUM_POLYPHASE];
  for (size_t p = 0; p < phase_count; p++) {
    v[p] = load(rows + p * stride);
  }
  switch (phase_count) {
  case 1: store(output, v[0]); break;
  case 2: collect_2(output, v); break;
  case 3: collect_3(output, v); break;
  case 4: collect_4(output, v); break;
  }
}

// The members `skip` ..< `skip` + `count` of `phase_count` rows in turn.
static void collect(
    const float *rows, size_t phase_count, size_t stride, size_t skip, size_t count, float *restrict output) {
  if (phase_count == 1) {
    memcpy(output, rows + skip, count * sizeof(float));
    return;
  }
  const size_t unit = phase_count * LANES;
  rows += skip / unit * LANES;
  skip %= unit;
  for (; count > 0; rows += LANES) {
    // Whole vectors go straight to the output, what is cut at either end by way of `part`.
    float part[AK_MAXIMUM_POLYPHASE * LANES];
    const int is_whole = skip == 0 && count >= unit;
    collect_vectors(rows, phase_count, stride, is_whole ? output : part);
    const size_t due = unit - skip < count ? unit - skip : count;
    if (!is_whole) memcpy(output, part + skip, due * sizeof(float));
    output += due;
    count -= due;
    skip = 0;
  }
}

void KERNEL(filter_polyphase)(
    const ak_polyphase_filter *filter, const float *input, size_t skip, size_t count, float *output, float *scratch) {
  const size_t outputs = filter->output_phase_count, inputs = filter->input_phase_count;
  const size_t depth = filter->split_depth;
  while (count > 0) {
    size_t cycles = (skip + count + outputs - 1) / outputs;
    cycles = cycles < filter->block_cycle_count ? cycles : filter->block_cycle_count;
    size_t due = cycles * outputs - skip;
    due = due < count ? due : count;

    const ak_polyphase_layout layout = ak_layout_of(filter, LANES, cycles);
    const float *streams = input;
    float *rest = scratch;
    if (inputs << depth > 1) {
      streams = rest;
      rest += layout.stream_count * layout.stream_stride;
      fill_streams(filter, input, scratch, layout.stream_stride, layout.stream_length, rest);
    }
    float *products = rest;
    rest += layout.product_count * layout.product_stride;
    multiply(filter, streams, layout.stream_stride, products, layout.product_stride, layout.product_length);
    const float *rows = products;
    size_t row_stride = layout.product_stride;
    if (depth > 0) {
      rows = rest;
      row_stride = layout.row_stride;
      for (size_t p = 0; p < outputs; p++) {
        put_together(
            depth, products + p * layout.product_stride, outputs * layout.product_stride, rest + p * row_stride,
            (cycles + ((size_t)1 << depth) - 1) >> depth);
      }
    }
    collect(rows, outputs, row_stride, skip, due, output);
    input += cycles * inputs;
    output += due;
    count -= due;
    skip = 0;
  }
}

// MARK: Banks

// Cycles that are computed at once: their sums, a vector of coefficients and an input fill 14 of 16 registers.
enum { cycle_tile = 12 };

// The same group in `width` cycles at once: they share coefficients, and their chains of dependent additions overlap.
// Each output is summed from 0 in tap order.
INLINE void filter_cycles(
    size_t width, const float *restrict input, size_t input_stride, const float *restrict coefficients,
    size_t tap_count, float *restrict output, size_t output_stride) {
  floats sums[cycle_tile];
  UNROLLED for (size_t w = 0; w < width; w++) { sums[w] = (floats)0.0f; }
  for (size_t tap = 0; tap < tap_count; tap++) {
    floats c = load(coefficients + tap * LANES);
    UNROLLED for (size_t w = 0; w < width; w++) {
      sums[w] = multiplied_added((floats)(input[w * input_stride + tap]), c, sums[w]);
    }
  }
  UNROLLED for (size_t w = 0; w < width; w++) { store(output + w * output_stride, sums[w]); }
}

typedef void (*cycle_filter)(const float *, size_t, const float *, size_t, float *, size_t);
#define CYCLES(width)                                                                                                  \
  static void filter_cycles_##width(                                                                                   \
      const float *input, size_t input_stride, const float *coefficients, size_t tap_count, float *output,             \
      size_t output_stride) {                                                                                          \
    filter_cycles(width, input, input_stride, coefficients, tap_count, output, output_stride);                         \
  }
CYCLES(1) CYCLES(2) CYCLES(3) CYCLES(4) CYCLES(5) CYCLES(6) CYCLES(7) CYCLES(8) CYCLES(9) CYCLES(10) CYCLES(11)
CYCLES(12)
static const cycle_filter cycle_filters[cycle_tile] = {
    filter_cycles_1, filter_cycles_2, filter_cycles_3, filter_cycles_4,  filter_cycles_5,  filter_cycles_6,
    filter_cycles_7, filter_cycles_8, filter_cycles_9, filter_cycles_10, filter_cycles_11, filter_cycles_12,
};

// Whole groups.
static void filter_groups(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t group_count, float *output) {
  const size_t cycle = bank->cycle_group_count;
  const size_t input_stride = bank->cycle_input_count, output_stride = cycle * LANES;
  // The i-th group and every cycle-th one behind it share coefficients.
  for (size_t i = 0; i < cycle && i < group_count; i++) {
    size_t in_cycle = first_group + i;
    size_t offset = 0;
    if (in_cycle >= cycle) {
      in_cycle -= cycle;
      offset = input_stride;
    }
    // Not negative: a group of the first cycle is not before the first group, and the next cycle is behind this one's
    // end.
    offset += bank->group_offsets[in_cycle];
    const float *window = input + (offset - bank->group_offsets[first_group]);
    const float *coefficients = bank->coefficients + in_cycle * bank->tap_count * LANES;
    float *target = output + i * LANES;
    size_t left = (group_count - i + cycle - 1) / cycle;
    while (left > 0) {
      size_t width = left <= cycle_tile ? left : left < 2 * cycle_tile ? (left + 1) / 2 : cycle_tile;
      cycle_filters[width - 1](window, input_stride, coefficients, bank->tap_count, target, output_stride);
      window += width * input_stride;
      target += width * output_stride;
      left -= width;
    }
  }
}

// Where a group's window starts, behind that of `first_group`; `group` counts on over the end of the cycle.
static size_t window_offset(const ak_group_bank *bank, size_t first_group, size_t group) {
  return group / bank->cycle_group_count * bank->cycle_input_count +
      bank->group_offsets[group % bank->cycle_group_count] - bank->group_offsets[first_group];
}

// Outputs of one group.
static void filter_part_of_group(
    const ak_group_bank *bank, const float *input, size_t group, size_t skip, size_t count, float *output) {
  float part[LANES];
  filter_groups(bank, input, group % bank->cycle_group_count, 1, part);
  memcpy(output, part + skip, count * sizeof(float));
}

void KERNEL(filter_group_bank)(
    const ak_group_bank *bank, const float *input, size_t first_group, size_t skip, size_t count, float *output) {
  size_t group = first_group;
  if (skip > 0 && count > 0) {
    size_t due = LANES - skip < count ? LANES - skip : count;
    filter_part_of_group(bank, input, group, skip, due, output);
    output += due;
    count -= due;
    group++;
  }
  size_t whole = count / LANES;
  if (whole > 0) {
    const float *window = input + window_offset(bank, first_group, group);
    filter_groups(bank, window, group % bank->cycle_group_count, whole, output);
    output += whole * LANES;
    count -= whole * LANES;
    group += whole;
  }
  if (count > 0) {
    filter_part_of_group(bank, input + window_offset(bank, first_group, group), group, 0, count, output);
  }
}

void KERNEL(filter_interpolated_bank)(
    const ak_interpolated_bank *bank, const float *input, uint64_t phase, size_t count, float *output) {
  const uint64_t phases = bank->phase_count;
  const float scale = 1.0f / (float)phases;
  const size_t taps = bank->tap_count;
  const uint64_t step = bank->input_advance / phases, rest = bank->input_advance % phases;
  for (size_t i = 0; i < count; i++) {
    // phase < L < 2^32 and row_count < 2^16, so the product stays well below 2^64.
    uint64_t scaled = phase * bank->row_count;
    const float *lower = bank->coefficients + (size_t)(scaled / phases) * taps, *upper = lower + taps;
    float fraction = (float)(scaled % phases) * scale;
    floats at_lower = (floats)0.0f, at_upper = (floats)0.0f;
    for (size_t tap = 0; tap < taps; tap += LANES) {
      floats x = load(input + tap);
      at_lower = multiplied_added(load(lower + tap), x, at_lower);
      at_upper = multiplied_added(load(upper + tap), x, at_upper);
    }
    output[i] = folded(multiplied_added((floats)fraction, at_upper - at_lower, at_lower));
    phase += rest;
    input += step;
    if (phase >= phases) {
      phase -= phases;
      input++;
    }
  }
}

#undef TILE
#undef CYCLES
