/// Takes away a constant offset, and leaves speech alone.
///
/// What comes out is the input less its mean: at first of all that has come, later of an exponential window, which is a
/// first-order high-pass. So a constant offset is gone from the first sample on, without a thump, whatever it is; of a
/// signal about an offset, what is left of the offset after `t` seconds is what the mean of the signal is over `t`.
/// (A filter that starts from silence makes a step of the offset; one that starts from the first sample makes one of
/// that sample, where a stream starts within a word.) While the mean is of little yet, low tones are lessened: below
/// 16 Hz after 10 ms.
///
/// Where the offset changes later on, e^(-2 pi corner t) of the step is left after `t` seconds. A low corner leaves the
/// phase of voices alone, a high one settles fast:
///
/// | corner, Hz | 1 % is left after | phase at 100 Hz | level at 100 Hz |
/// | --- | --- | --- | --- |
/// | 1 | 0.73 s | 0.6 degrees | -0.0004 dB |
/// | 2 | 0.37 s | 1.1 degrees | -0.002 dB |
/// | 3 | 0.24 s | 1.7 degrees | -0.004 dB |
/// | 5 | 0.15 s | 2.9 degrees | -0.011 dB |
/// | 20 | 0.04 s | 11.3 degrees | -0.17 dB |
///
/// There is no latency. A ``HighPassFilter`` takes a constant offset away, too; this is for what must keep its low end,
/// and before one where a stream starts with an offset.
public struct DCFilter: SampleProcessor, ~Copyable, Sendable {
  /// In Hz: where the response is -3.01 dB.
  public let cornerFrequency: Double
  public let sampleRate: SampleRate
  /// 0.
  public var latencyInSamples: Int { 0 }

  /// 3 Hz.
  public static let defaultCornerFrequency = 3.0
  /// The valid corner frequencies, in Hz.
  public static let cornerFrequencies = 1.0...20.0

  /// How much of the last output stays.
  private let decay: Double
  /// How many samples are taken off the mean of all.
  private let startCount: Int
  private var cascade: SectionCascade

  /// A filter at the start of a stream.
  ///
  /// - Throws: ``FilterError/cornerFrequency(_:valid:)`` for one outside of ``cornerFrequencies``.
  public init(_ sampleRate: SampleRate, cornerFrequency: Double = defaultCornerFrequency) throws(FilterError) {
    guard Self.cornerFrequencies.contains(cornerFrequency) else {
      throw .cornerFrequency(cornerFrequency, valid: Self.cornerFrequencies)
    }
    self.sampleRate = sampleRate
    self.cornerFrequency = cornerFrequency
    // y[n] = x[n] - m[n], m[n] = m[n-1] + (1 - p) (x[n] - m[n-1]), which is y[n] = p (y[n-1] + x[n] - x[n-1]). That its
    // power is half at the corner gives, with d = 1 - cos(corner): p = (1 - d - sqrt(d (2 + d))) / (1 - 4 d).
    let half = sine(.pi * cornerFrequency / Double(sampleRate.hertz))
    let d = 2 * half * half
    decay = (1 - d - (d * (2 + d)).squareRoot()) / (1 - 4 * d)
    // The mean of n + 1 samples has p = n / (n + 1).
    startCount = Int(decay / (1 - decay))
    cascade = SectionCascade([FilterSection(b0: decay, b1: -decay, b2: 0, a1: -decay, a2: 0)])
  }

  /// Filters the next samples of the stream, in place.
  public mutating func process(_ samples: inout MutableSpan<Float>) {
    var i = 0
    while i < samples.count, cascade.position < startCount {
      let p = Double(cascade.position) / Double(cascade.position + 1)
      samples[i] = cascade.process(samples[i], through: FilterSection(b0: p, b1: -p, b2: 0, a1: -p, a2: 0))
      i += 1
    }
    var rest = samples._mutatingExtracting(i...)
    cascade.process(&rest)
  }

  /// Makes the filter as it was after `init`.
  public mutating func reset() { cascade.reset() }

  package var subnormalCount: Int { cascade.subnormalCount }
}
