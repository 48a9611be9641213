/// How sharp a ``Resampler`` is, and what that costs.
///
/// Frequencies are parts of fN, the Nyquist frequency of the lower of the two rates. Figures are those of
/// `Sources/AudioDSP/Resampling/design-filter-tables.py`, which designs the filters.
public enum ResamplingQuality: String, CaseIterable, Sendable {
  /// For speech that a service or a model listens to: -0.1 dB at 0.915. 120 dB down from 1.0 on going down, and going
  /// up images of tones up to 0.95.
  case voice
  /// For what is kept: -0.1 dB at 0.931 and 130 dB, otherwise as `voice`, at 1.3 times the cost and delay.
  case sharp
  /// For the least delay and cost: -0.1 dB above 0.905, and 110 dB of rejection of all that would fold below 0.905.
  case fast
}

/// What a ``Resampler`` does to the shape of a wave.
public enum ResamplingPhase: String, CaseIterable, Sendable {
  /// All frequencies are delayed alike, and that delay is compensated.
  case linear
  /// The least delay for the same magnitude response: 0.1 ms at 1 kHz from 48 kHz, 1.4 ms from 8 kHz. Low frequencies
  /// stay in place; those near the edge come up to 1 ms later from 48 kHz, up to 2 ms from 8 kHz.
  case minimum
}
