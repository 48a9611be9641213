/// Takes away what is below a corner frequency: rumble, handling noise, wind, breath, and a constant offset.
///
/// A Butterworth filter of the third order, by the bilinear transform with its corner prewarped, so that the response is
/// -3.01 dB at the corner at every rate. At a quarter of the corner it is -36 dB and less. The second order would
/// have -24.1 dB there, the third is the lowest with a margin; a higher one would turn the phase more where voices have
/// their fundamental. For a corner of 80 Hz, against none:
///
/// | Hz | 20 | 40 | 80 | 100 | 125 | 160 | 200 | 300 | 1000 |
/// | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
/// | dB | -36.1 | -18.1 | -3.01 | -1.01 | -0.29 | -0.07 | -0.02 | 0.00 | 0.00 |
/// | lead of the phase, degrees | 241 | 210 | 135 | 104 | 80 | 60 | 47 | 31 | 9 |
///
/// There is no latency. The filter is linear and starts as if there had been silence before the stream: where a stream
/// starts with an offset, this is a step, heard as a thump of some 10 ms; a ``DCFilter`` before it takes that away.
/// A constant input gives exactly 0 in the end.
///
/// It is stable for ever: of its poles, the farthest out has the radius 1 - pi * corner / rate, about, which is 0.99983
/// for the lowest corner at the highest rate, and what the past and its roundings left decays by this factor from sample
/// to sample. Arithmetic is in double precision, which rounds at -300 dB; the filter's own noise is below -220 dBFS.
public struct HighPassFilter: SampleProcessor, ~Copyable, Sendable {
  /// In Hz: where the response is -3.01 dB.
  public let cornerFrequency: Double
  public let sampleRate: SampleRate
  /// 0.
  public var latencyInSamples: Int { 0 }

  private var cascade: SectionCascade

  /// 80 Hz: below the fundamental of nearly all voices, above mains hum's and most rumble.
  public static let defaultCornerFrequency = 80.0

  /// The valid corner frequencies, in Hz: 10 to 1000, at most an eighth of the rate.
  public static func cornerFrequencies(at sampleRate: SampleRate) -> ClosedRange<Double> {
    10...min(1_000, Double(sampleRate.hertz) / 8)
  }

  /// A filter at the start of a stream.
  ///
  /// - Throws: ``FilterError/cornerFrequency(_:valid:)`` for one outside of ``cornerFrequencies(at:)``.
  public init(_ sampleRate: SampleRate, cornerFrequency: Double = defaultCornerFrequency) throws(FilterError) {
    let valid = Self.cornerFrequencies(at: sampleRate)
    guard valid.contains(cornerFrequency) else { throw .cornerFrequency(cornerFrequency, valid: valid) }
    self.sampleRate = sampleRate
    self.cornerFrequency = cornerFrequency
    // The analogue filter 1 / ((1 + 1/s) (1 + 1/s + 1/s^2)), S. Butterworth, "On the theory of filter amplifiers", 1930.
    let k = tangent(.pi * cornerFrequency / Double(sampleRate.hertz))
    let first = 1 + k
    let second = 1 + k + k * k
    cascade = SectionCascade([
      FilterSection(b0: 1 / first, b1: -1 / first, b2: 0, a1: (k - 1) / first, a2: 0),
      FilterSection(
        b0: 1 / second, b1: -2 / second, b2: 1 / second, a1: 2 * (k * k - 1) / second, a2: (1 - k + k * k) / second),
    ])
  }

  /// Filters the next samples of the stream, in place.
  public mutating func process(_ samples: inout MutableSpan<Float>) { cascade.process(&samples) }

  /// Makes the filter as it was after `init`.
  public mutating func reset() { cascade.reset() }

  package var subnormalCount: Int { cascade.subnormalCount }
}
