/// Multiplies by one gain. No latency; allocates nothing.
public struct ConstantGain: ~Copyable, Sendable, SampleProcessor {
  /// The legal values of ``gainInDecibels``.
  public static let range = -200.0...200.0

  public let sampleRate: SampleRate
  public var latencyInSamples: Int { 0 }
  /// The gain in dB.
  public let gainInDecibels: Double
  /// What samples are multiplied by.
  public let factor: Float

  /// - Precondition: The gain is in ``range``.
  public init(_ sampleRate: SampleRate, gainInDecibels: Double) {
    precondition(Self.range.contains(gainInDecibels), "the gain is in \(Self.range) dB")
    self.sampleRate = sampleRate
    self.gainInDecibels = gainInDecibels
    factor = Float(raised(10, gainInDecibels / 20))
  }

  /// Samples that are not finite become 0, and products beyond what a float holds the greatest that it does.
  public mutating func process(_ samples: inout MutableSpan<Float>) {
    Kernels.limit(&samples, to: .greatestFiniteMagnitude / max(1, factor))
    if factor != 1 { Kernels.scale(&samples, by: factor) }
  }

  /// Changes nothing: there is no state.
  public mutating func reset() {}
}
