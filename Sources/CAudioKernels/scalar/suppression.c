// The noise suppressor's work on single bins: the specification.

#include "../backends.h"
#include "../suppression_constants.h"

#pragma STDC FP_CONTRACT OFF

#include "approximations.h"

static float least(float a, float b) { return a < b ? a : b; }
static float greatest(float a, float b) { return a > b ? a : b; }

void ak_scalar_suppress_bins(
    const float *power, float least_rate, float *noise, float *speech, float *presence, float *gain, float *left,
    size_t count) {
  const float ratio = AK_SUPPRESSION_SPEECH_TO_NOISE;
  for (size_t i = 0; i < count; i++) {
    const float y = power[i] + AK_SUPPRESSION_LEAST_POWER;

    // Noise.
    const float above = least(y / noise[i], AK_SUPPRESSION_GREATEST_RATIO);
    const float odds = (1.0f + ratio) * decay(above * (ratio / (1.0f + ratio)), 1.0f);
    const float probability = 1.0f / (1.0f + odds);
    presence[i] += AK_SUPPRESSION_PRESENCE_RATE * (probability - presence[i]);
    // Not 1 - probability, which has no digits left where speech is far above the noise.
    const float bound = presence[i] > AK_SUPPRESSION_GREATEST_PRESENCE ? 1.0f - AK_SUPPRESSION_GREATEST_PRESENCE : 0.0f;
    const float absence = greatest(odds * probability, bound);
    const float rate = greatest(AK_SUPPRESSION_NOISE_RATE * absence, least_rate);
    noise[i] += rate * (y - noise[i]);

    // Gain.
    const float inverse = 1.0f / noise[i];
    const float posterior = least(y * inverse, AK_SUPPRESSION_GREATEST_POSTERIOR);
    const float now = (1.0f - AK_SUPPRESSION_DECISION_MEMORY) * greatest(posterior - 1.0f, 0.0f);
    const float prior =
        greatest(AK_SUPPRESSION_DECISION_MEMORY * (speech[i] * inverse) + now, AK_SUPPRESSION_LEAST_RATIO);
    const float wiener = prior / (1.0f + prior);
    const float v = greatest(wiener * posterior, AK_LSA_LEAST);
    const float divisor = (AK_LSA_3 * v + AK_LSA_2) * v + 1.0f;
    const float dividend = AK_LSA_POLE * divisor + v * (AK_LSA_1 * v + AK_LSA_0);
    const float square = decay(v, 1.0f) * (dividend / (v * divisor)) + 1.0f;
    const float g = least(wiener * __builtin_elementwise_sqrt(square), 1.0f);
    speech[i] = g * g * y;
    gain[i] = greatest(g, AK_SUPPRESSION_LEAST_GAIN);
    left[i] = gain[i] * gain[i] * power[i];
  }
}
