// The inner loops of AudioDSP, in plain C, behind one table of functions per backend.
//
// Conventions of every kernel:
// - Pointers never alias unless the comment says so, and may be unaligned. `count` may be 0.
// - No allocation, no lock, no global state, no error: the caller has checked sizes and formats.
// - The result does not depend on how a long input is cut into calls, beyond what the arguments carry from call to
//   call.
// - The scalar backend is the specification. A backend agrees with it bit for bit on integers; on floats within a bound
//   that grows with length and magnitude, because a backend with fused multiply-add rounds once where scalar code
//   rounds twice.

#ifndef C_AUDIO_KERNELS_H
#define C_AUDIO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ak_backend {
  AK_BACKEND_SCALAR = 0,
  AK_BACKEND_SSE2 = 1,
  AK_BACKEND_AVX2 = 2,
  AK_BACKEND_AVX512 = 3,
  AK_BACKEND_NEON = 4,
} ak_backend;

// Sums over one analysis frame.
typedef struct ak_frame_sums {
  float sum;               // of x
  float sum_of_squares;    // of x * x
  uint32_t zero_crossings; // of x - offset
} ak_frame_sums;

// The most outputs, and the most inputs, of a cycle of an ak_polyphase_filter.
#define AK_MAXIMUM_POLYPHASE 4

// The taps with which one output phase weighs one input phase: coefficients[first_coefficient + j] belongs to the input
// `first_input` + j of that phase's stream. Where there are more than lane_count, they are padded by zeros to a
// multiple of it. The products are added in an order that depends on these numbers alone, the one of `largest_tap`
// late: what is added to a large sum is rounded coarsely.
typedef struct ak_tap_run {
  uint32_t first_input;
  uint32_t tap_count;
  uint32_t first_coefficient;
  uint32_t largest_tap;
} ak_tap_run;

// A filter for a ratio of few phases: L outputs to every M inputs, which is a cycle. Input phase m of a window is the
// stream x_m[i] = input[M * i + m], and output phase p of cycle n is y_p[n] = sum over m and j of c[p][m][j] * x_m[n +
// j].
//
// `split_depth` times, each sum over j is computed by halves that share work, three products in place of four (the fast
// FIR algorithm of Z.-J. Mou and P. Duhamel, "Short-length FIR filters and their use in fast nonrecursive filtering",
// IEEE Transactions on Signal Processing 39(6), 1991). With h0, x0 the even and h1, x1 the odd members of taps and
// stream, and x0' one sample on:
//   p0 = h0 * x0, p1 = h1 * x1, p2 = (h0 + h1) * (x1 + x0'), y[2n] = p0[n] + p1[n], y[2n+1] = p2[n] - p1[n] - p0[n+1].
// The leaves of this tree, p0 first, hold the taps: runs[leaf][p][m].
typedef struct ak_polyphase_filter {
  const float *coefficients;
  const ak_tap_run *runs; // [3 ^ split_depth][output_phase_count][input_phase_count]
  size_t output_phase_count; // L, 1 to AK_MAXIMUM_POLYPHASE
  size_t input_phase_count;  // M, 1 to AK_MAXIMUM_POLYPHASE
  size_t split_depth;        // 0 to 2; M << split_depth is 8 at most, or M is 3
  size_t leaf_tap_count;     // greatest first_input + padded tap_count
  size_t block_cycle_count;  // most cycles computed at once; bounds the scratch memory
} ak_polyphase_filter;

// A filter bank for a ratio of L outputs to M inputs, arranged in groups of `lane_count` outputs that share one window
// of input. The groups repeat with a cycle of `cycle_group_count`, during which the input advances by
// `cycle_input_count` samples.
typedef struct ak_group_bank {
  const float *coefficients;     // [cycle_group_count][tap_count][lane_count]
  const uint32_t *group_offsets; // [cycle_group_count]: first input sample of a group, from the start of its cycle
  size_t cycle_group_count;
  size_t cycle_input_count;
  size_t tap_count;
} ak_group_bank;

// A bank whose phases lie on straight lines between `row_count` + 1 rows, for ratios with too many phases to tabulate.
// Phase p of L lies at row r = p * row_count / L and the fraction f = (p * row_count % L) / L of the way to the next.
typedef struct ak_interpolated_bank {
  const float *coefficients; // [row_count + 1][tap_count]
  uint64_t row_count;
  uint64_t phase_count;   // L, outputs per cycle
  uint64_t input_advance; // M, inputs per cycle
  size_t tap_count;       // a multiple of lane_count
} ak_interpolated_bank;

// Which columns of a layer's input sixteen of its rows weigh: column_count from first_column on.
typedef struct ak_column_run {
  uint32_t first_column;
  uint32_t column_count;
} ak_column_run;

// The rows that an ak_layer's weights are packed by; its row count is a multiple of it.
#define AK_ROW_GROUP 16

// A matrix and an addend for each of its rows. The weights of a group of AK_ROW_GROUP rows lie together, column by
// column of its run: [column_count][AK_ROW_GROUP].
typedef struct ak_layer {
  const float *weights;      // of all groups, in turn
  const float *bias;         // [row_count]
  const ak_column_run *runs; // [row_count / AK_ROW_GROUP]
  size_t row_count;          // a multiple of AK_ROW_GROUP
  size_t is_rectified;       // whether negative outputs, and those that are not a number, become 0
} ak_layer;

// The Fourier transform of 2 * point_count real samples, by way of one of point_count complex ones: the even samples
// are the real parts, the odd ones the imaginary parts. That one is done in passes (Stockham's, which sort by
// themselves): from stride 1 on, a pass turns `stride` interleaved transforms of n = point_count / stride points into
// `radix` times as many of n / radix points, until these are one point long. The radix is the first of 4, 3 and 2 that
// divides n.
//
// Here point_count is 16 * m for m = 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128 or 192.
typedef struct ak_transform {
  // exp(-2 pi i * j * p / n) for p < n / radix, by which the j-th output of a pass's butterfly p is multiplied, j from
  // 1 to radix - 1. Of the passes in turn: of the one of stride 1 [j - 1][real, imaginary][p], of that of stride 4
  // [j - 1][real, imaginary][p][4] with each four the same, of the others [p][j - 1][real, imaginary]; none of the last
  // pass, where they are 1.
  const float *twiddles;
  // -i * exp(-2 pi i * k / (2 * point_count)) for k = 1 ... point_count / 2: [real, imaginary][k - 1].
  const float *untangling;
  size_t point_count;
} ak_transform;

static inline size_t ak_transform_radix(size_t n) { return n % 4 == 0 ? 4 : n % 3 == 0 ? 3 : 2; }

// How many floats of scratch memory a transform uses: two signals of complex points, and room to begin where a cache
// line does.
static inline size_t ak_transform_scratch_count(size_t point_count) { return 4 * point_count + 15; }

// The samples that power_spectrum takes, and the powers that it gives.
#define AK_SPECTRUM_INPUT 512
#define AK_SPECTRUM_OUTPUT 257

typedef struct ak_kernels {
  // PCM16 = round to nearest, ties to even, of x * 32768, saturated; NaN becomes 0.
  void (*pcm16_from_float)(const float *input, int16_t *output, size_t count);
  // x = PCM16 / 32768, exactly.
  void (*float_from_pcm16)(const int16_t *input, float *output, size_t count);
  // As pcm16_from_float, with one triangular dither value (uniform minus uniform, spanning +-1 LSB) added before
  // rounding.
  // `position` is the index of input[0] in the stream; the dither of a sample is a hash of `seed` and its position.
  void (*pcm16_from_float_dithered)(const float *input, int16_t *output, size_t count, uint64_t seed, uint64_t position);

  // Copies, replacing what is not finite by 0; returns how many samples were replaced. May work in place.
  size_t (*copy_finite)(const float *input, float *output, size_t count);
  // As copy_finite, but what is of magnitude 2^100 or more counts as not finite, too: room for sums of a filter's
  // products.
  size_t (*copy_bounded)(const float *input, float *output, size_t count);
  // mono[i] = mean over channels c of interleaved[i * channel_count + c], non-finite samples taken as 0, summed in
  // channel order. Returns how many samples were not finite.
  size_t (*downmix_mean)(const float *interleaved, float *mono, size_t frame_count, size_t channel_count);
  // mono[i] = interleaved[i * channel_count + channel], non-finite samples taken as 0. Returns how many of them were
  // not.
  size_t (*downmix_channel)(
      const float *interleaved, float *mono, size_t frame_count, size_t channel_count, size_t channel);

  void (*mu_law_from_pcm16)(const int16_t *input, uint8_t *output, size_t count);
  void (*pcm16_from_mu_law)(const uint8_t *input, int16_t *output, size_t count);
  void (*a_law_from_pcm16)(const int16_t *input, uint8_t *output, size_t count);
  void (*pcm16_from_a_law)(const uint8_t *input, int16_t *output, size_t count);

  // RFC 4648 section 4, with padding: writes 4 * ceil(count / 3) characters.
  void (*base64_encode)(const uint8_t *input, size_t count, uint8_t *output);
  // Decodes `quad_count` groups of four characters without padding. Returns how many leading groups held only
  // characters of the alphabet; output holds 3 bytes for each of those, and its other bytes up to 3 * quad_count are
  // unspecified.
  size_t (*base64_decode)(const uint8_t *input, size_t quad_count, uint8_t *output);

  // Sums over one frame. A zero crossing is a neighbour pair of which exactly one is >= offset; `previous` stands
  // before input[0]. Floats are summed in sixteen lanes (sample i in lane i % 16), and the lanes folded 8, 4, 2, 1.
  void (*frame_sums)(const float *input, size_t count, float offset, float previous, ak_frame_sums *result);

  // How many outputs the vectors of the three filters below hold: 1, 4, 8 or 16.
  size_t lane_count;
  // How often an ak_polyphase_filter may be split with profit.
  size_t split_depth;

  // Computes the outputs `skip` ..< `skip` + `count` of the cycles whose first window starts at input[0]; that first
  // cycle's number is a multiple of 2 ^ split_depth, and skip is less than that many cycles' outputs. Reads ahead of
  // the last window, but not beyond ak_polyphase_input_count, samples that must be finite and change nothing. `scratch`
  // has room for ak_polyphase_scratch_count floats.
  void (*filter_polyphase)(
      const ak_polyphase_filter *filter, const float *input, size_t skip, size_t count, float *output, float *scratch);
  // Computes the outputs `skip` ..< `skip` + `count` from the first of group `first_group` (counted from 0 within a
  // cycle), whose window starts at input[0]; skip is less than lane_count. Each output is summed from 0 in tap order. A
  // later group's window starts as far behind the first's as its offset does, plus cycle_input_count for each new
  // cycle; every window is tap_count samples wide.
  void (*filter_group_bank)(
      const ak_group_bank *bank, const float *input, size_t first_group, size_t skip, size_t count, float *output);
  // Computes `count` consecutive outputs, the first at `phase` (0 ..< phase_count) with its window at input[0]; every
  // window is tap_count samples wide.
  void (*filter_interpolated_bank)(
      const ak_interpolated_bank *bank, const float *input, uint64_t phase, size_t count, float *output);

  // power[k] = scale * |sum over n of input[n] * window[n] * exp(-2 pi i * k * n / 512)|^2 for k = 0 ... 256; 512
  // samples and as many weights. The errors of a backend stay below 3e-6 times the sum of |input[n] * window[n]|,
  // before squaring.
  void (*power_spectrum)(const float *input, const float *window, float scale, float *power);
  // With N = 2 * point_count: the transform of N samples times as many weights,
  //   real[k] + i * imaginary[k] = sum over n of input[n] * window[n] * exp(-2 pi i * k * n / N), k = 0 ... N / 2.
  // The imaginary parts of k = 0 and N / 2 are 0. Errors, as complex numbers, stay below 3e-6 times the sum of
  // |input[n] * window[n]|: the roundings of window, passes and untangling add up to less than 50 * 2^-24. `scratch`
  // has room for ak_transform_scratch_count floats.
  void (*forward_transform)(
      const ak_transform *transform, const float *input, const float *window, float *real, float *imaginary,
      float *scratch);
  // The opposite: the N samples whose transform that is,
  //   output[n] = 1 / N * sum over k = 0 ... N - 1 of Z[k] * exp(2 pi i * k * n / N),
  // where Z[k] is real[k] + i * imaginary[k] up to N / 2 and the conjugate of Z[N - k] from there on. The imaginary
  // parts of k = 0 and N / 2 are taken as 0. Errors stay below 3e-6 / N times the sum of the |Z[k]|.
  void (*inverse_transform)(
      const ak_transform *transform, const float *real, const float *imaginary, float *output, float *scratch);
  // The following three are the same operations, not fused, in every backend.
  // power[k] = scale * (real[k] * real[k] + imaginary[k] * imaginary[k]).
  void (*power_of)(const float *real, const float *imaginary, float scale, float *power, size_t count);
  // output[i] = a[i] * b[i]; output may be a or b.
  void (*multiply)(const float *a, const float *b, float *output, size_t count);
  // output[i] += a[i] * b[i].
  void (*multiply_add)(const float *a, const float *b, float *output, size_t count);
  // For each of `count` frames f and each row r of the layer:
  //   output[f * output_stride + r] = bias[r] + sum over columns c of weight[r][c] * input[f * input_stride + c].
  // Frames of the input may overlap (input_stride less than the columns), those of the output may not. Each output is
  // four sums, the i-th of the columns whose place in the group's run is i mod 4, in order, the 0th from the bias on
  // and the others from 0 on; they are added as (0 + 2) + (1 + 3). So it does not depend on `count`.
  void (*apply_layer)(
      const ak_layer *layer, const float *input, size_t input_stride, size_t count, float *output,
      size_t output_stride);

  // The following work element by element, in place where the output is the input. Their approximations are the same
  // operations in every backend, but for fused ones.

  // output[i] = log2(input[i] + offset), for finite sums not less than 2^-126. Off by 3e-7 and half a unit in the last
  // place of the result, and by what rounding the sum to a float makes.
  void (*log2_above)(const float *input, float offset, float *output, size_t count);
  // output[i] = the square root of input[i], rounded to nearest; NaN for less than 0.
  void (*square_root)(const float *input, float *output, size_t count);
  // output[i] = sigmoid(input[i]) = 1 / (1 + exp(-input[i])), off by 3e-7 at most for inputs of any size; NaN is taken
  // as infinity.
  void (*sigmoid)(const float *input, float *output, size_t count);
  // One step of a gated recurrent unit. `input_gates` and `state_gates` are what its two layers give: `count` values
  // for each of reset, update and new. With sigmoid and tanh off by 3e-7 at most, for arguments of any size, and NaN
  // taken as infinity:
  //   r = sigmoid(input_r + state_r), u = sigmoid(input_u + state_u), n = tanh(input_n + r * state_n),
  //   state = n + u * (state - n).
  void (*gru_step)(const float *input_gates, const float *state_gates, float *state, size_t count);
  // Follows the floor of levels, with the same operations, not fused, in every backend:
  //   smoothed[i] += rate * (level[i] - smoothed[i]), minimum[i] = the lesser of minimum[i] and smoothed[i],
  //   above[i] = level[i] - the lesser of minimum[i] and others[i].
  // `above` may be `level`. The lesser of a and b is a < b ? a : b.
  void (*track_floor)(
      const float *level, float rate, float *smoothed, float *minimum, const float *others, float *above,
      size_t count);
  // One frame of noise suppression, bin by bin: finds what is noise and what gain leaves speech
  // (suppression_constants.h has the method's sources). Powers are finite and not negative, at most 2^100; a full-scale
  // sine's is 1. Of each bin, `noise` is the noise's power so far, not less than 1e-10, `speech` the power that was left
  // of the frame before, without a bound on the gain, `presence` how probable speech has been of late, 0 to 1: these
  // three are brought up to date. `least_rate` is the least part of the way to a frame's power that
  // the noise goes, 0 to 1. `gain` is from
  // 0.1 to 1, `left` the power times its square. Operations are those of the scalar kernel, but for fused ones: results
  // agree to 2e-5 of themselves and 1e-6 (probabilities) or 1e-12 (powers).
  void (*suppress_bins)(
      const float *power, float least_rate, float *noise, float *speech, float *presence, float *gain, float *left,
      size_t count);
  // The first index of the greatest input, which goes to `value`; what is not a number is passed over. Where nothing is
  // above minus infinity, that is the value and 0 the index.
  size_t (*peak)(const float *input, size_t count, float *value);
} ak_kernels;

// The kernels of a backend, or NULL where this build or this processor lacks it. Some members of a faster backend may
// be those of the next slower one. Never changes while a program runs.
const ak_kernels *ak_kernels_for(ak_backend backend);

// A second-order section of a recursive filter:
//   y[n] = b1 x[n-1] + b2 x[n-2] + b0 x[n] - a2 y[n-2] - a1 y[n-1], in double precision, in this order.
// Where the numerator is b, -b, 0 or b, -2b, b, its sum is exactly 0 for a constant input.
typedef struct ak_section {
  double b0, b1, b2, a1, a2;
} ak_section;

// What a section remembers.
typedef struct ak_section_memory {
  double x1, x2, y1, y2;
} ak_section_memory;

// At positions in the stream that are multiples of it, a filter forgets what it remembers where all is below 1e-30.
#define AK_SECTION_BLOCK 256

// Filters in place, through the sections in turn. `position` is the index of samples[0] in the stream. Samples that are
// not finite are taken as 0; what exceeds the greatest float is brought to it, and what is below the smallest normal
// one becomes 0. Two lanes of doubles, which every processor has, hold two sections; this is every backend's.
void ak_filter_sections(
    const ak_section *sections, size_t section_count, ak_section_memory *memory, size_t position, float *samples,
    size_t count);

// Rebuilds in place the samples of a window that were cut off, from `history_count` on: those whose rail is 1 (the upper
// one, at `upper`) or -1 (the lower one, at -`lower`); the others have 0. They become what an autoregressive process of
// the window's spectrum would have there, at their rail or beyond it. `history_count` is at least 1, and the window
// longer than `order`. Returns 0, with the window spoilt, where there is nothing to go by.
int ak_rebuild_clipped(
    double *window, const signed char *rails, size_t count, size_t history_count, double upper, double lower,
    size_t order, double *scratch);
// How many doubles of scratch memory it uses for a window of so many samples, of which so many are rebuilt.
size_t ak_declipping_scratch_count(size_t window_count, size_t unknown_count, size_t order);

// How many samples filter_polyphase may read from input[0] on, and how many floats of scratch memory it uses.
size_t ak_polyphase_input_count(const ak_polyphase_filter *filter, size_t lane_count, size_t skip, size_t count);
size_t ak_polyphase_scratch_count(const ak_polyphase_filter *filter, size_t lane_count);

// Level control. These are the same for every backend, operation by operation.

// What a limiter computes for each sample to find peaks: eight instants by two interpolators.
#define AK_PEAK_PHASES 16

// Copies; what is not finite becomes 0, and what is of a magnitude above `limit` comes as near as that.
void ak_copy_limited(const float *input, float limit, float *output, size_t count);
// As ak_copy_limited, in place.
void ak_limit(float *samples, float limit, size_t count);
// The greatest magnitude; the input is finite.
float ak_greatest_magnitude(const float *input, size_t count);
// greatest[i] = the greatest magnitude of rows[i * AK_PEAK_PHASES + j] over j; the input is finite.
void ak_row_magnitudes(const float *rows, size_t count, float *greatest);
// values[i] = the greater of values[i] - target, where values[i] > threshold, and what is left of the value before it,
// times `decay`; a rest below `least` is 0. `previous` stands before values[0]. Returns the last value.
float ak_follow_excess(
    float *values, float threshold, float target, float decay, float least, float previous, size_t count);
// output[i] = the greatest of input[i] ... input[i + window - 1]; there are count + window - 1 inputs, and as many
// floats of scratch memory. `window` is not 0.
void ak_sliding_greatest(const float *input, size_t window, size_t count, float *scratch, float *output);
// output[i] = input[i] * 2^-octaves[i], for octaves of 0 to 126; input[i] itself where they are 0. The gain is off by
// 5e-7 of itself, and never above 1.
void ak_attenuate(const float *input, const float *octaves, float *output, size_t count);
// For each sample: moves the gain towards `target` by the part `rise` of the way up or `fall` of the way down, and all of
// the way where not more than `closeness` of the target would be left, and multiplies. Returns the last gain.
double ak_ramp_gain(
    float *samples, double gain, double target, double rise, double fall, double closeness, size_t count);
// samples[i] *= gain
void ak_scale(float *samples, float gain, size_t count);

#ifdef __cplusplus
}
#endif

#endif
