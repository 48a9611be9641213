// Sizes that callers of the resampling kernels need.

#include "resampling.h"

size_t ak_polyphase_input_count(const ak_polyphase_filter *filter, size_t lane_count, size_t skip, size_t count) {
  const size_t most = filter->block_cycle_count;
  const size_t cycles = (skip + count + filter->output_phase_count - 1) / filter->output_phase_count;
  if (cycles == 0) return 0;
  // The last block reads furthest, or the one before it, whose vectors may be fuller.
  const size_t last = (cycles - 1) % most + 1;
  size_t end = (cycles - last) * filter->input_phase_count + ak_layout_of(filter, lane_count, last).input_count;
  if (cycles > most) {
    const size_t before =
        (cycles - last - most) * filter->input_phase_count + ak_layout_of(filter, lane_count, most).input_count;
    end = end > before ? end : before;
  }
  return end;
}

size_t ak_polyphase_scratch_count(const ak_polyphase_filter *filter, size_t lane_count) {
  return ak_layout_of(filter, lane_count, filter->block_cycle_count).scratch_count;
}
