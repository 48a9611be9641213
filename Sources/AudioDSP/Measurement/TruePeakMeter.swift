/// The true peak of one channel by ITU-R BS.1770-5, Annex 2: the greatest magnitude between the samples, too, as found
/// by raising the rate four times.
///
/// The interpolator has 32 taps for each of its four phases, a sinc under a Kaiser window, of which phase 0 is the
/// sample itself; up to 0.9 of the Nyquist frequency it is exact to 0.05 dB. Four instants for each sample miss the top
/// of a tone at the Nyquist frequency by up to 0.69 dB, of one at half of it by 0.17 dB (20 log10 cos(pi f / (4 rate)));
/// EBU Tech 3341 allows -0.4 to +0.2 dB for its cases. However the stream is cut into calls, the result is the same, bit
/// for bit. Samples that are not finite are taken as 0. Nothing allocates after `init`.
public struct TruePeakMeter: ~Copyable, Sendable {
  private static let factor = 4
  private static let tapCount = PeakInterpolator.tapCount
  /// Samples of which the outputs stand in one product with the matrix of ``layer``.
  private static let groupCount = 4
  private static let blockCount = 256
  /// All meters share it.
  private static let sharedInterpolator = PeakInterpolator(phaseCount: factor, groupCount: groupCount)

  /// The greatest magnitude of a sample.
  public private(set) var samplePeak: Float = 0
  /// The greatest magnitude of a sample or between samples, of what has been interpolated: all after ``finish()``, and
  /// all but the last 272 samples before.
  public private(set) var truePeak: Float = 0

  private let kernels: Kernels
  private let interpolator = sharedInterpolator
  /// The last samples of the block before, and the present block.
  private var samples: [Float]
  private var heldCount = 0
  private var outputs: [Float]

  /// A meter at the start of a stream.
  public init() {
    kernels = .active
    samples = [Float](repeating: 0, count: Self.tapCount - 1 + Self.blockCount)
    outputs = [Float](repeating: 0, count: Self.factor * Self.blockCount)
  }

  /// Takes all of `input`.
  public mutating func process(_ input: Span<Float>) {
    var taken = 0
    while taken < input.count {
      let count = min(Self.blockCount - heldCount, input.count - taken)
      Self.copy(
        input.extracting(taken..<taken + count), kernels, into: &samples, at: Self.tapCount - 1 + heldCount)
      heldCount += count
      taken += count
      if heldCount == Self.blockCount { measure() }
    }
  }

  /// Takes the end of the stream; ``reset()`` starts a new one.
  public mutating func finish() {
    // Silence until the last sample has passed the middle of the filter.
    for i in heldCount..<Self.blockCount { samples[Self.tapCount - 1 + i] = 0 }
    measure()
    for i in 0..<Self.blockCount { samples[Self.tapCount - 1 + i] = 0 }
    measure()
  }

  /// Makes the meter as it was after `init`.
  public mutating func reset() {
    for i in 0..<samples.count { samples[i] = 0 }
    heldCount = 0
    samplePeak = 0
    truePeak = 0
  }

  private mutating func measure() {
    let peak = kernels.magnitude(of: samples, in: 0..<samples.count)
    samplePeak = max(samplePeak, peak)
    truePeak = max(truePeak, peak)
    // No sum of the taps' products is greater than that.
    if peak * interpolator.greatestGain > truePeak {
      kernels.apply(
        interpolator.layer, to: samples, stride: Self.groupCount, count: Self.blockCount / Self.groupCount,
        into: &outputs)
      truePeak = max(truePeak, kernels.magnitude(of: outputs, in: 0..<outputs.count))
    }
    Kernels.move(&samples, from: Self.blockCount, to: 0, count: Self.tapCount - 1)
    heldCount = 0
  }

  private static func copy(_ input: Span<Float>, _ kernels: Kernels, into samples: inout [Float], at place: Int) {
    var all = samples.mutableSpan
    var target = all._mutatingExtracting(place...)
    _ = kernels.copyFinite(input, into: &target)
  }
}
