/// Keeps the true peak of a stream under a ceiling, by lowering the gain before a peak comes and letting it return behind.
///
/// Three steps:
///
/// 1. **Peaks**: at eight instants for each sample, and by two interpolators: that of ``TruePeakMeter``, and one as short
///    as in ITU-R BS.1770-5, Annex 2, by which most meters see more of what is near the Nyquist frequency. Four instants,
///    as they have it, would miss up to 0.69 dB of a tone that a meter of a higher rate finds; eight miss 0.17 dB.
/// 2. **Excess**: how far a peak is above the ceiling, in octaves (6.02 dB). It fades exponentially with a time constant
///    of 100 ms, which is slow against the periods of voices: a faster one would follow single periods and be heard as
///    distortion.
/// 3. **Gain**: the greatest excess of the look-ahead, smoothed by a raised cosine that is as long, so that the gain is
///    down when the peak comes and gets there without a corner. It is in 0...1, and of a stream that stays under the
///    ceiling not one bit is changed.
///
/// A gain that moves is a modulation, and the modulated signal's peaks are not quite where the signal's were. So what
/// exceeds the ceiling is brought ``marginInDecibels`` lower than that.
///
/// Samples of a magnitude above 1024 (+60 dBFS) are no sound and are taken as that, so that the gain is back soon.
/// Allocates nothing after `init`.
public struct TruePeakLimiter: ~Copyable, Sendable, SampleProcessor {
  /// The legal values of ``ceilingInDecibels``.
  public static let ceilingRange = -40.0...0.0

  /// How far under the ceiling what exceeds it is brought, in dB.
  public static let marginInDecibels = 0.2

  private enum Constants {
    /// The time in which the gain goes down, in seconds: short enough for a conversation, long enough that a step of
    /// 20 dB is no click.
    static let attack = 0.0012
    /// In samples: what is shorter would be within the interpolator's own length.
    static let leastAttackCount = 12
    /// Samples to either side of a peak for which the gain stays down: the nearest taps of the interpolator.
    static let holdCount = 4
    /// In seconds.
    static let release = 0.1
    /// In octaves, 0.0006 dB: what is left of an excess when it is forgotten.
    static let leastExcess: Float = 1e-4
    static let greatestSample: Float = 1_024
    /// Instants are computed for two samples together, which makes twice sixteen rows.
    static let groupCount = 2
    /// A multiple of the sixteen gains that are computed together.
    static let sliceCount = 512
    static let smoothedCount = 16
  }

  public let sampleRate: SampleRate
  /// 1.2 ms, for the gain to go down, and 19 samples, for the peaks to be seen: 77 samples (1.6 ms) at 48 kHz, 38
  /// (2.4 ms) at 16 kHz. Below 10 kHz it is 31 samples (3.9 ms at 8 kHz).
  public let latencyInSamples: Int
  /// The ceiling in dBTP.
  public let ceilingInDecibels: Double
  /// The most by which the gain has been lowered since the start of the stream, in dB; 0 where it never was.
  public var greatestReductionInDecibels: Double { Double(greatestReduction) * Self.decibelsPerOctave }

  private static let decibelsPerOctave = 20 * logarithm10(2.0)

  private static let sharedInterpolator = PeakInterpolator(
    phaseCount: Kernels.peakPhaseCount / 2, groupCount: Constants.groupCount, filters: [.long, .short])

  private let kernels: Kernels
  private let interpolator = sharedInterpolator
  private let smoother: DenseLayer
  private let attackCount: Int
  private let windowCount: Int
  private let decay: Float
  /// The ceiling and the level to which peaks are brought, as base-2 logarithms; and the magnitude that no sum of the
  /// interpolator's products can lift above the ceiling.
  private let threshold: Float
  private let target: Float
  private let harmless: Float

  // The present slice, each with as much of the past in front of it as is looked at.
  private var samples: [Float]
  private var excesses: [Float]
  private var greatest: [Float]

  private var phases: [Float]
  private var scratch: [Float]
  private var reductions: [Float]
  private var filled = 0
  private var excess: Float = 0
  /// How many samples ago the excess was not 0, as far as it matters.
  private var sinceExcess: Int
  private var greatestReduction: Float = 0

  /// A limiter at the start of a stream.
  ///
  /// - Parameter ceilingInDecibels: In dBTP. -1 is what EBU R 128 asks for, and leaves room for what a lossy encoder
  ///   adds.
  /// - Precondition: The ceiling is in ``ceilingRange``.
  public init(_ sampleRate: SampleRate, ceilingInDecibels: Double = -1) {
    precondition(Self.ceilingRange.contains(ceilingInDecibels), "the ceiling is in \(Self.ceilingRange) dBTP")
    self.sampleRate = sampleRate
    self.ceilingInDecibels = ceilingInDecibels
    kernels = .active
    let rate = Double(sampleRate.hertz)
    attackCount = max(Constants.leastAttackCount, Int((Constants.attack * rate).rounded()))
    windowCount = attackCount + 1 + 2 * Constants.holdCount
    latencyInSamples = PeakInterpolator.tapCount / 2 - 1 + attackCount + Constants.holdCount
    decay = Float(exponential(-1 / (Constants.release * rate)))
    threshold = Float(ceilingInDecibels / Self.decibelsPerOctave)
    target = Float((ceilingInDecibels - Self.marginInDecibels) / Self.decibelsPerOctave)
    harmless = Float(raised(10, ceilingInDecibels / 20)) / Self.sharedInterpolator.greatestGain
    smoother = Self.smoother(attackCount)

    let slice = Constants.sliceCount
    samples = [Float](repeating: 0, count: latencyInSamples + slice)
    excesses = [Float](repeating: 0, count: windowCount - 1 + slice)
    greatest = [Float](repeating: 0, count: attackCount - 1 + slice)
    phases = [Float](repeating: 0, count: slice * Kernels.peakPhaseCount)
    scratch = [Float](repeating: 0, count: windowCount - 1 + slice)
    reductions = [Float](repeating: 0, count: slice)
    sinceExcess = windowCount + attackCount
  }

  /// Rows of the same raised cosine, each a sample later.
  private static func smoother(_ count: Int) -> DenseLayer {
    let weights = (0..<count).map { 1 - cosine(2 * .pi * (Double($0) + 0.5) / Double(count)) }
    let columnCount = count + Constants.smoothedCount - 1
    var rows: [Float] = []
    for row in 0..<Constants.smoothedCount {
      rows += (0..<columnCount).map { column in
        weights.indices.contains(column - row) ? Float(weights[column - row] / Double(count)) : 0
      }
    }
    return DenseLayer(
      rows: rows, bias: [Float](repeating: 0, count: Constants.smoothedCount), columnCount: columnCount)
  }

  public mutating func process(_ block: inout MutableSpan<Float>) {
    var taken = 0
    while taken < block.count {
      let count = min(Constants.sliceCount - filled, block.count - taken)
      var part = block._mutatingExtracting(taken..<taken + count)
      limit(&part)
      taken += count
      filled += count
      if filled == Constants.sliceCount { startSlice() }
    }
  }

  public mutating func reset() {
    for i in 0..<samples.count { samples[i] = 0 }
    for i in 0..<excesses.count { excesses[i] = 0 }
    for i in 0..<greatest.count { greatest[i] = 0 }
    filled = 0
    excess = 0
    sinceExcess = windowCount + attackCount
    greatestReduction = 0
  }

  private mutating func startSlice() {
    let slice = Constants.sliceCount
    Kernels.move(&samples, from: slice, to: 0, count: samples.count - slice)
    Kernels.move(&excesses, from: slice, to: 0, count: excesses.count - slice)
    Kernels.move(&greatest, from: slice, to: 0, count: greatest.count - slice)
    filled = 0
  }

  /// Takes what is within a slice.
  private mutating func limit(_ part: inout MutableSpan<Float>) {
    let count = part.count
    let range = filled..<filled + count
    Kernels.copy(part.span, limit: Constants.greatestSample, into: &samples, at: latencyInSamples + filled)
    let isExcessive = findExcess(in: range)
    // Without an excess, all gains are 1, and what would be computed is known.
    sinceExcess = isExcessive ? 0 : min(sinceExcess + count, windowCount + attackCount + count)
    guard sinceExcess < windowCount + attackCount + count else {
      Kernels.fill(&greatest, in: attackCount - 1 + range.lowerBound..<attackCount - 1 + range.upperBound, with: 0)
      Kernels.copy(samples, from: filled, into: &part)
      return
    }
    Kernels.slidingGreatest(
      excesses, from: filled, window: windowCount, scratch: &scratch, into: &greatest,
      in: attackCount - 1 + range.lowerBound..<attackCount - 1 + range.upperBound)
    // Groups that are complete only later are computed again then. Members of the arrays that are not yet there have the
    // weight 0, and are finite.
    let group = Constants.smoothedCount
    let first = range.lowerBound / group
    kernels.apply(
      smoother, to: greatest, from: first * group, stride: group, count: (range.upperBound - 1) / group + 1 - first,
      into: &reductions)
    let start = range.lowerBound - first * group
    greatestReduction = max(greatestReduction, kernels.peak(of: reductions, in: start..<start + count).value)
    Kernels.attenuate(samples, from: filled, by: reductions, from: start, into: &part)
  }

  /// Writes the excesses of the new samples; returns whether there are any.
  private mutating func findExcess(in range: Range<Int>) -> Bool {
    let window = PeakInterpolator.tapCount
    let past = latencyInSamples - (window - 1)
    let places = windowCount - 1 + range.lowerBound..<windowCount - 1 + range.upperBound
    let peak = Kernels.greatestMagnitude(
      of: samples, in: past + range.lowerBound..<past + range.upperBound + window - 1)
    if peak <= harmless {
      Kernels.fill(&excesses, in: places, with: excess > 0 ? -.infinity : 0)
      guard excess > 0 else { return false }
    } else {
      let group = Constants.groupCount
      let first = range.lowerBound / group
      kernels.apply(
        interpolator.layer, to: samples, from: past + first * group, stride: group,
        count: (range.upperBound - 1) / group + 1 - first, into: &phases)
      Kernels.rowMagnitudes(of: phases, from: range.lowerBound - first * group, into: &excesses, in: places)
      // The offset keeps 0 from being minus infinity.
      kernels.log2(of: &excesses, in: places, plus: 1e-30)
    }
    let before = excess
    excess = Kernels.followExcess(
      &excesses, in: places, threshold: threshold, target: target, decay: decay, least: Constants.leastExcess,
      previous: before)
    return before > 0 || Kernels.greatestMagnitude(of: excesses, in: places) > 0
  }
}
