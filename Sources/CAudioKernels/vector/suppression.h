// The noise suppressor's work on single bins, in vectors of LANES: included once per backend, after lanes.h and
// network.h, which has the exponential.

#include "../suppression_constants.h"

INLINE floats least(floats a, floats b) { return a < b ? a : b; }
INLINE floats greatest(floats a, floats b) { return a > b ? a : b; }

// As the scalar kernel, for LANES bins.
INLINE void suppress_lanes(
    const float *power, float least_rate, float *noise, float *speech, float *presence, float *gain,
    float *left) {
  const float ratio = AK_SUPPRESSION_SPEECH_TO_NOISE;
  const floats input = load(power), y = input + AK_SUPPRESSION_LEAST_POWER, before = load(noise);

  const floats above = least(y / before, (floats)AK_SUPPRESSION_GREATEST_RATIO);
  const floats odds = (1.0f + ratio) * decay(above * (ratio / (1.0f + ratio)), 1.0f);
  const floats probability = 1.0f / (1.0f + odds);
  floats present = load(presence);
  present = multiplied_added(probability - present, (floats)AK_SUPPRESSION_PRESENCE_RATE, present);
  const floats bound = present > AK_SUPPRESSION_GREATEST_PRESENCE ? (floats)(1.0f - AK_SUPPRESSION_GREATEST_PRESENCE)
                                                                  : (floats)0.0f;
  const floats absence = greatest(odds * probability, bound);
  const floats rate = greatest(AK_SUPPRESSION_NOISE_RATE * absence, (floats)least_rate);
  const floats after = multiplied_added(rate, y - before, before);

  const floats inverse = 1.0f / after;
  const floats posterior = least(y * inverse, (floats)AK_SUPPRESSION_GREATEST_POSTERIOR);
  const floats now = (1.0f - AK_SUPPRESSION_DECISION_MEMORY) * greatest(posterior - 1.0f, (floats)0.0f);
  const floats prior = greatest(
      multiplied_added(load(speech) * inverse, (floats)AK_SUPPRESSION_DECISION_MEMORY, now),
      (floats)AK_SUPPRESSION_LEAST_RATIO);
  const floats wiener = prior / (1.0f + prior);
  const floats v = greatest(wiener * posterior, (floats)AK_LSA_LEAST);
  const floats divisor = polynomial_step(polynomial_step((floats)AK_LSA_3, v, AK_LSA_2), v, 1.0f);
  const floats dividend = multiplied_added(
      (floats)AK_LSA_POLE, divisor, v * polynomial_step((floats)AK_LSA_1, v, AK_LSA_0));
  const floats square = multiplied_added(decay(v, 1.0f), dividend / (v * divisor), (floats)1.0f);
  const floats g = least(wiener * __builtin_elementwise_sqrt(square), (floats)1.0f);
  const floats bounded = greatest(g, (floats)AK_SUPPRESSION_LEAST_GAIN);
  store(noise, after);
  store(speech, g * g * y);
  store(presence, present);
  store(gain, bounded);
  store(left, bounded * bounded * input);
}

void KERNEL(suppress_bins)(
    const float *power, float least_rate, float *noise, float *speech, float *presence, float *gain, float *left,
    size_t count) {
  size_t i = 0;
  for (; count - i >= LANES; i += LANES) {
    suppress_lanes(power + i, least_rate, noise + i, speech + i, presence + i, gain + i, left + i);
  }
  if (i < count) {
    // The last count - i < LANES bins, with others behind them that are never 0.
    float last[6][LANES];
    for (size_t k = 0; k < 6; k++) {
      for (size_t lane = 0; lane < LANES; lane++) last[k][lane] = 1.0f;
    }
    const size_t size = (count - i) * sizeof **last;
    memcpy(last[0], power + i, size);
    memcpy(last[1], noise + i, size);
    memcpy(last[2], speech + i, size);
    memcpy(last[3], presence + i, size);
    suppress_lanes(last[0], least_rate, last[1], last[2], last[3], last[4], last[5]);
    memcpy(noise + i, last[1], size);
    memcpy(speech + i, last[2], size);
    memcpy(presence + i, last[3], size);
    memcpy(gain + i, last[4], size);
    memcpy(left + i, last[5], size);
  }
}
