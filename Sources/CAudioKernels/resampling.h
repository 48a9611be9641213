// What the backends' resampling kernels agree on.

#ifndef AK_RESAMPLING_H
#define AK_RESAMPLING_H

#include "backends.h"

static inline size_t ak_rounded_up(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

static inline size_t ak_leaf_count(const ak_polyphase_filter *filter) {
  static const size_t powers_of_three[] = {1, 3, 9};
  return powers_of_three[filter->split_depth];
}

// Where filter_polyphase keeps the streams and products of a block of cycles, in the scratch memory; lengths are in
// whole vectors.
typedef struct ak_polyphase_layout {
  size_t input_count;    // samples read from the start of the block's first window
  size_t stream_count;   // one per leaf and input phase
  size_t stream_length;  // members that are used
  size_t stream_stride;
  size_t product_count;  // one per leaf and output phase
  size_t product_length; // members that are computed
  size_t product_stride;
  size_t row_stride;     // the outputs of one phase, put together
  size_t scratch_count;  // all together
} ak_polyphase_layout;

static inline ak_polyphase_layout ak_layout_of(
    const ak_polyphase_filter *filter, size_t lane_count, size_t cycle_count) {
  const size_t inputs = filter->input_phase_count, outputs = filter->output_phase_count, depth = filter->split_depth;
  const size_t leaves = ak_leaf_count(filter), positions = (size_t)1 << depth;
  ak_polyphase_layout layout;
  // Where products are put together, those of the next cycles are needed as well.
  const size_t per_leaf = (cycle_count + positions - 1) / positions + (depth > 0);
  layout.product_length = ak_rounded_up(per_leaf, lane_count);
  layout.stream_length = layout.product_length + ak_rounded_up(filter->leaf_tap_count, lane_count);
  // One more vector, because sums and products are read from their second member on.
  const size_t more = depth > 0 ? lane_count : 0;
  layout.stream_stride = layout.stream_length + more;
  layout.product_stride = layout.product_length + more;
  layout.row_stride = layout.product_length << depth;
  layout.stream_count = leaves * inputs;
  layout.product_count = leaves * outputs;
  layout.input_count = layout.stream_stride * (inputs << depth);
  // The thirds that are dealt first, and the rows, take turns in the same memory.
  const size_t thirds = inputs == 3 && depth > 0 ? layout.input_count : 0;
  const size_t late = layout.product_count * layout.product_stride + (depth > 0 ? outputs * layout.row_stride : 0);
  layout.scratch_count = layout.stream_count * layout.stream_stride + (thirds > late ? thirds : late);
  return layout;
}

#endif
