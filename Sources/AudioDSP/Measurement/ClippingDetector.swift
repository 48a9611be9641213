/// Finds clipping of one channel: tops cut off flat, at full scale or at any level below it.
///
/// A recording that was turned down, filtered or coded after it was clipped has no sample at full scale, so that full
/// scale is not what tells. Two things are looked for:
///
/// 1. **Flat tops**, which survive a change of gain: three or more equal samples that stand out of their neighbours as
///    an extremum with corners. Where a smooth wave is level, by rounding, the samples beside differ by a step or two
///    of the quantiser; where it is cut off they differ by what its slope was. The steps are measured (8-bit and G.711
///    recordings have coarse ones). By chance three samples are equal now and then; a ceiling is what three such tops
///    share, from swing to swing, while no sample exceeds it and fewer peaks that are not flat come as near.
/// 2. **A ceiling in the distribution** of magnitudes, which survives resampling and lossy coding. The densities of
///    speech fall with the magnitude; where many samples stand at a level, and hardly any above it, something held
///    them there. Tones have such a ceiling, too: so this is only for what is known to be speech.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct ClippingDetector: ~Copyable, Sendable {
  /// Equal samples that make a top. Two are common where a wave is sampled beside its extremum.
  private static let leastLength = 3
  /// Tops that make a ceiling. In an hour of real speech, one or two chance tops share a level; three were not seen.
  private static let leastTops = 3
  /// -46 dBFS: clipped tops below it, of something that was turned down by 46 dB, are left.
  private static let leastLevel: Float = 0.005
  /// Samples count as equal by it, a step of 16 bits: dither, and rounding after a change of gain.
  private static let tolerance: Float = 1.05 / 32_768
  /// Of the level: where there is a change of gain in lower precision.
  private static let relativeTolerance: Float = 1e-4
  /// How far the samples beside a top are below it, in steps: the nearer and the farther of the two.
  private static let leastCorners: (near: Float, far: Float) = (2, 4)
  /// How much tops of one ceiling differ, and how far a sample may exceed it, of its level.
  private static let spread: Float = 0.005
  private static let excess: Float = 0.01
  /// Steps that the level must have: in fewer, waves of any kind have flat tops. G.711 has 16 in each power of two.
  private static let leastSteps: Float = 15
  /// Of the level, to which the wave must go back between two tops.
  private static let swing: Float = 0.7

  /// A ceiling on one side of the wave, as long as it lasts.
  private struct Ceiling: Sendable {
    var level: Float = 0
    var tops = 0
    /// Peaks that come as near to it as tops do and are not flat.
    var peaks = 0
    /// Whether the wave has gone away since the last top: what is cut off comes in swings.
    var hasLeft = false
    var samples = 0
    var first = 0
    var last = 0
    var isTold = false
  }

  /// The tops that were cut off: their count, places and samples.
  public private(set) var tops: PlaceList
  /// How many samples have come.
  public private(set) var sampleCount = 0

  private let forgetCount: Int
  private var ceilings = [Ceiling](repeating: Ceiling(), count: 2)
  // The present run of equal samples.
  private var runValue: Float = 0
  private var runLength = 0
  private var beforeRun: Float = 0
  /// The least step between neighbours, for each binary exponent of their magnitude.
  private var steps = [Float](repeating: .infinity, count: 256)
  private var magnitudes: [Int]

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    // Half a second without a top ends a ceiling: the next words may be at another level.
    forgetCount = sampleRate.hertz / 2
    tops = PlaceList(joiningGapsBelow: sampleRate.hertz / 2)
    magnitudes = [Int](repeating: 0, count: Self.binCount)
  }

  /// Takes all of `samples`.
  public mutating func process(_ samples: Span<Float>) {
    for i in samples.indices {
      let sample = samples[i].isFinite ? samples[i] : 0
      let magnitude = abs(sample)
      count(magnitude)
      let step = abs(sample - runValue)
      if step <= max(Self.tolerance, Self.relativeTolerance * magnitude), runLength > 0 {
        runLength += 1
      } else {
        noteStep(step, magnitude, abs(runValue))
        if abs(runValue) >= Self.leastLevel { endRun(before: sample) }
        beforeRun = runValue
        runValue = sample
        runLength = 1
        breakCeiling(sample, magnitude)
      }
      sampleCount += 1
    }
  }

  /// Makes the detector as it was after `init`.
  public mutating func reset() {
    tops.reset()
    sampleCount = 0
    for i in 0..<2 { ceilings[i] = Ceiling() }
    runValue = 0
    runLength = 0
    beforeRun = 0
    for i in 0..<steps.count { steps[i] = .infinity }
    for i in 0..<magnitudes.count { magnitudes[i] = 0 }
  }

  private mutating func noteStep(_ step: Float, _ a: Float, _ b: Float) {
    let exponent = Int(a.bitPattern >> 23 & 255)
    if exponent == Int(b.bitPattern >> 23 & 255), step < steps[exponent] { steps[exponent] = step }
  }

  private mutating func breakCeiling(_ sample: Float, _ magnitude: Float) {
    let side = sample < 0 ? 1 : 0
    if magnitude > ceilings[side].level * (1 + Self.excess) { ceilings[side] = Ceiling() }
    for i in 0..<2 where !ceilings[i].hasLeft {
      if (i == 0 ? sample : -sample) < Self.swing * ceilings[i].level { ceilings[i].hasLeft = true }
    }
  }

  /// The step of the quantiser at a level, as far as it is known: that of the levels below, which in linear PCM is the
  /// same and in G.711 half as much for each power of two.
  private func step(at exponent: Int) -> Float {
    var step = steps[exponent]
    if exponent >= 1 { step = min(step, 2 * steps[exponent - 1]) }
    if exponent >= 2 { step = min(step, 4 * steps[exponent - 2]) }
    return max(Self.tolerance, step)
  }

  private mutating func endRun(before next: Float) {
    let level = abs(runValue)
    let sign: Float = runValue < 0 ? -1 : 1
    let (one, other) = ((runValue - beforeRun) * sign, (runValue - next) * sign)
    guard min(one, other) > 0 else { return }
    let side = sign < 0 ? 1 : 0
    let tolerance = max(Self.tolerance, Self.relativeTolerance * level)
    let step = step(at: Int(level.bitPattern >> 23 & 255))
    guard runLength >= Self.leastLength, level >= Self.leastSteps * step,
      min(one, other) >= Self.leastCorners.near * step, max(one, other) >= Self.leastCorners.far * step,
      // From one rail to the other within a sample: a square wave, which was never cut off.
      min(one, other) <= 1.9 * level
    else {
      // One or two samples at the very ceiling are cut off, too, and say nothing against it.
      let distance = abs(level - ceilings[side].level)
      if distance > 2 * tolerance, distance < Self.excess * level { ceilings[side].peaks += 1 }
      return
    }

    let start = sampleCount - runLength
    var ceiling = ceilings[side]
    let isOld = sampleCount - ceiling.last > forgetCount
    if ceiling.tops == 0 || isOld || level > ceiling.level * (1 + Self.spread) {
      ceiling = Ceiling(level: level, tops: 1, samples: runLength, first: start, last: sampleCount)
    } else if level >= ceiling.level * (1 - Self.spread) {
      let isNew = ceiling.hasLeft
      ceiling.tops += isNew ? 1 : 0
      ceiling.hasLeft = false
      ceiling.samples += runLength
      ceiling.last = sampleCount
      if ceiling.tops < Self.leastTops || ceiling.peaks >= ceiling.tops {
        // Not yet a ceiling, or one by chance.
      } else if ceiling.isTold {
        tops.add(start..<sampleCount, count: isNew ? 1 : 0)
      } else {
        ceiling.isTold = true
        tops.add(ceiling.first..<sampleCount, sampleCount: ceiling.samples, count: ceiling.tops)
      }
    }
    ceilings[side] = ceiling
  }

  // MARK: The distribution of magnitudes

  /// Bins to the factor 2^(1/8), 0.75 dB, from -60 dBFS to +18 dBFS.
  private static let binCount = 8 * 13
  private static let lowestExponent = -10
  /// The bins that a ceiling may fill when it has been coded, 3 dB: half of them hold most.
  private static let ceilingBins = 2

  private mutating func count(_ magnitude: Float) {
    // The exponent and the first three bits of the fraction: eight bins to the octave, even steps of the magnitude
    // itself within one, which is as good and needs no logarithm.
    let bin = Int(magnitude.bitPattern >> 20) - (127 + Self.lowestExponent) * 8
    if bin >= 0 { magnitudes[min(bin, Self.binCount - 1)] += 1 }
  }

  /// The level at which the distribution of magnitudes has a ceiling, and how clear it is.
  public struct SoftCeiling: Hashable, Sendable {
    /// The level, 1 being full scale.
    public var level: Double
    /// How much denser samples are at the ceiling than at 1.5 to 4 dB below it; speech as it is has less than 1.
    public var density: Double
    /// The share of all samples that are at the ceiling.
    public var share: Double
  }

  /// The ceiling in the distribution of magnitudes; nil where there is none. Only for what is speech: tones have one.
  public var softCeiling: SoftCeiling? {
    var above = 0
    var best: SoftCeiling?
    var bin = Self.binCount - Self.ceilingBins
    while bin >= 8 {
      var held = 0
      for i in bin..<bin + Self.ceilingBins { held += magnitudes[i] }
      var below = 0
      for i in bin - 4..<bin - 1 { below += magnitudes[i] }
      let density = Double(held) / (Self.start(bin + Self.ceilingBins) - Self.start(bin))
      let densityBelow = Double(max(1, below)) / (Self.start(bin - 1) - Self.start(bin - 4))
      // Hardly any above: what overshoots a ceiling after coding.
      if Double(above) <= Self.greatestShareAbove * Double(held), held >= Self.leastHeld,
        density >= Self.leastDensity * densityBelow, density / densityBelow > best?.density ?? 0
      {
        best = SoftCeiling(
          level: Self.start(bin + 1), density: density / densityBelow, share: Double(held) / Double(sampleCount))
      }
      bin -= 1
      above += magnitudes[bin + Self.ceilingBins]
    }
    return best
  }

  private static let greatestShareAbove = 0.5
  private static let leastHeld = 100
  private static let leastDensity = 1.3

  private static func start(_ bin: Int) -> Double {
    let (octave, part) = bin.quotientAndRemainder(dividingBy: 8)
    return raised(2, Double(octave + lowestExponent)) * (1 + Double(part) / 8)
  }
}
