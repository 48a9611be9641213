// Numbers of the noise suppressor's work on single bins, the same in every backend.

#ifndef AK_SUPPRESSION_CONSTANTS_H
#define AK_SUPPRESSION_CONSTANTS_H

// Added to each power: -100 dBFS, so that there is always a noise to compare with.
#define AK_SUPPRESSION_LEAST_POWER 1e-10f

// Noise by the probability of speech: T. Gerkmann, R. C. Hendriks, "Unbiased MMSE-based noise power estimation with low
// complexity and low tracking delay", 2012. Speech is taken to be 15 dB above the noise where it is, and to be there
// half of the time. The probability is at most 0.99 where it has been above that of late, so that noise that rises for
// good is followed. The rates are theirs, for frames of 16 ms; of 8 ms as here, following faster did better than slower.
#define AK_SUPPRESSION_SPEECH_TO_NOISE 31.622776f
#define AK_SUPPRESSION_GREATEST_RATIO 200.0f
#define AK_SUPPRESSION_PRESENCE_RATE 0.1f
#define AK_SUPPRESSION_GREATEST_PRESENCE 0.99f
#define AK_SUPPRESSION_NOISE_RATE 0.2f

// The gain of the log-spectral amplitude with the decision-directed estimate of the signal-to-noise ratio: Y. Ephraim,
// D. Malah, "Speech enhancement using a minimum mean-square error log-spectral amplitude estimator", 1985. The ratio is
// at least -18 dB, by O. Cappe, "Elimination of the musical noise phenomenon", 1994; the gain at least -20 dB.
#define AK_SUPPRESSION_DECISION_MEMORY 0.92f
#define AK_SUPPRESSION_LEAST_RATIO 0.015848932f
#define AK_SUPPRESSION_GREATEST_POSTERIOR 1000.0f
#define AK_SUPPRESSION_LEAST_GAIN 0.1f

// exp(E1(v) / 2) = sqrt(1 + exp(-v) * (AK_LSA_POLE / v + (AK_LSA_0 + AK_LSA_1 * v) / (1 + AK_LSA_2 * v + AK_LSA_3 * v^2)))
// for v of 1e-4 and more, with the exponential integral E1: off by 9e-7 of the value at most, before rounding. The pole
// is exp(-gamma), Euler's; the others were fitted.
#define AK_LSA_POLE 0.56145948f
#define AK_LSA_0 0.12290936f
#define AK_LSA_1 0.01908817f
#define AK_LSA_2 0.29651598f
#define AK_LSA_3 0.05125731f
#define AK_LSA_LEAST 1e-4f

#endif
