/// Finds clipping of one channel: tops cut off flat, at full scale or at any level below it.
///
/// A recording that was turned down, filtered or coded after it was clipped has no sample at full scale, so that full
/// scale is not what tells. Two things are looked for:
///
/// 1. **Flat tops**, which survive a change of gain: three or more equal samples that stand out of their neighbours as
///    an extremum with corners. Where a smooth wave is level, by rounding, the samples beside differ by a step or two
///    of the quantiser; where it is cut off they differ by what its slope was. The steps are measured (8-bit and G.711
///    recordings have coarse ones). By chance three samples are equal now and then; a ceiling is what four such tops
///    share, from swing to swing, while no sample exceeds it and few peaks that are not flat come as near.
/// 2. **A ceiling in the distribution** of magnitudes, which survives resampling and lossy coding. The densities of
///    speech fall with the magnitude; where many samples stand at a level, and hardly any above it, something held
///    them there. Tones have such a ceiling, too: so this is only for what is known to be speech.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct ClippingDetector: ~Copyable, Sendable {
  /// Equal samples that make a top. Two are common where a wave is sampled beside its extremum.
  private static let leastLength = 3
  /// Tops that make a ceiling. Beside hum, of which every period is like the one before, three came about by chance.
  private static let leastTops = 4
  /// Tops for each peak that comes as near and is not flat.
  private static let topsForPeak = 2
  /// -46 dBFS: clipped tops below it, of something that was turned down by 46 dB, are left.
  private static let leastLevel: Float = 0.005
  /// Samples count as equal by it, a step of 16 bits: dither, and rounding after a change of gain.
  private static let tolerance: Float = 1.05 / 32_768
  /// Of the level: where there is a change of gain in lower precision.
  private static let relativeTolerance: Float = 1e-4
  /// How far the samples beside a top are below it, in steps: the nearer and the farther of the two.
  private static let leastCorners: (near: Float, far: Float) = (2, 4)
  /// The same of a top that hardly comes about by chance, in steps or in what counts as equal; how far the farther
  /// sample is, of the level; and how many such tops make a ceiling for ``presentCeilings``.
  private static let sharpCorners: (near: Float, far: Float) = (8, 16)
  private static let leastFall: Float = 0.01
  private static let leastSharpTops = 2
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
    /// What a sample must exceed to break it, and fall below to have left it.
    var broken: Float = .infinity
    var left: Float = -.infinity
    var tops = 0
    /// Peaks that come as near to it as tops do and are not flat.
    var peaks = 0
    /// Whether the wave has gone away since the last top: what is cut off comes in swings.
    var hasLeft = false
    var samples = 0
    /// Tops with sharp corners.
    var sharpTops = 0
    var first = 0
    var last = 0
    var isTold = false

    init() {}

    init(_ level: Float, first: Int, length: Int) {
      self.level = level
      broken = level * (1 + ClippingDetector.excess)
      left = level * ClippingDetector.swing
      tops = 1
      samples = length
      self.first = first
      last = first + length
    }
  }

  /// The tops that were cut off: their count, places and samples.
  public private(set) var tops: PlaceList
  /// How many samples have come.
  public private(set) var sampleCount = 0

  private let forgetCount: Int
  private var upper = Ceiling()
  private var lower = Ceiling()
  // The present run of equal samples.
  private var runValue: Float = 0
  private var runLength = 0
  private var beforeRun: Float = 0
  /// The least step between neighbours, for each binary exponent of their magnitude.
  private var steps = [Float](repeating: .infinity, count: 256)
  private var magnitudes: [Int]
  private var magnitudeCount = 0
  private let interval: Int

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    // Half a second without a top ends a ceiling: the next words may be at another level.
    forgetCount = sampleRate.hertz / 2
    tops = PlaceList(joiningGapsBelow: sampleRate.hertz / 2)
    magnitudes = [Int](repeating: 0, count: Self.binCount)
    interval = max(1, sampleRate.hertz / 16_000)
  }

  /// Takes all of `samples`.
  public mutating func process(_ samples: Span<Float>) {
    countMagnitudes(samples)
    var (value, length) = (runValue, runLength)
    let first = sampleCount
    for i in samples.indices {
      let sample = samples[i].isFinite ? samples[i] : 0
      let step = abs(sample - value)
      if step <= max(Self.tolerance, Self.relativeTolerance * abs(sample)), length > 0 {
        length += 1
        continue
      }
      // An extremum of one side; steps of the quantiser are seen there, too, where a wave is slowest.
      if abs(value) >= Self.leastLevel,
        value > 0 ? value > beforeRun && value > sample : value < beforeRun && value < sample
      {
        runValue = value
        runLength = length
        sampleCount = first + i
        endRun(before: sample, step: step)
      }
      beforeRun = value
      value = sample
      length = 1
      if sample > upper.broken { upper = Ceiling() }
      if -sample > lower.broken { lower = Ceiling() }
      if sample < upper.left { upper.hasLeft = true }
      if -sample < lower.left { lower.hasLeft = true }
    }
    runValue = value
    runLength = length
    sampleCount = first + samples.count
  }

  /// The level of the tops that are being cut off above 0, and, as a magnitude, below it, until the wave exceeds it.
  /// Known from the fourth top on, and from the second one that has sharp corners.
  var presentCeilings: (upper: Float?, lower: Float?) { (Self.level(upper), Self.level(lower)) }

  private static func level(_ ceiling: Ceiling) -> Float? {
    ceiling.isTold || ceiling.sharpTops >= leastSharpTops ? ceiling.level : nil
  }

  /// The step of the quantiser at a level, a step of 16 bits at least, and where nothing is known of it.
  func quantizerStep(atLevel level: Float) -> Float {
    let step = step(at: Int(level.bitPattern >> 23 & 255))
    return step < .infinity ? step : Self.tolerance
  }

  /// Makes the detector as it was after `init`.
  public mutating func reset() {
    tops.reset()
    sampleCount = 0
    upper = Ceiling()
    lower = Ceiling()
    runValue = 0
    runLength = 0
    beforeRun = 0
    for i in 0..<steps.count { steps[i] = .infinity }
    for i in 0..<magnitudes.count { magnitudes[i] = 0 }
    magnitudeCount = 0
  }

  /// The step of the quantiser at a level, as far as it is known: that of the levels below, which in linear PCM is the
  /// same and in G.711 half as much for each power of two.
  private func step(at exponent: Int) -> Float {
    var step = steps[exponent]
    if exponent >= 1 { step = min(step, 2 * steps[exponent - 1]) }
    if exponent >= 2 { step = min(step, 4 * steps[exponent - 2]) }
    return max(Self.tolerance, step)
  }

  private mutating func endRun(before next: Float, step difference: Float) {
    let level = abs(runValue)
    let exponent = Int(level.bitPattern >> 23 & 255)
    if difference < steps[exponent], exponent == Int(next.bitPattern >> 23 & 255) { steps[exponent] = difference }
    let sign: Float = runValue < 0 ? -1 : 1
    let (one, other) = ((runValue - beforeRun) * sign, (runValue - next) * sign)
    let present = sign < 0 ? lower : upper
    let tolerance = max(Self.tolerance, Self.relativeTolerance * level)
    let step = step(at: exponent)
    guard runLength >= Self.leastLength, level >= Self.leastSteps * step,
      min(one, other) >= Self.leastCorners.near * step, max(one, other) >= Self.leastCorners.far * step,
      // From one rail to the other within a sample: a square wave, which was never cut off.
      min(one, other) <= 1.9 * level
    else {
      // One or two samples at the very ceiling are cut off, too, and say nothing against it.
      let distance = abs(level - present.level)
      if distance > 2 * tolerance, distance < Self.excess * level {
        if sign < 0 { lower.peaks += 1 } else { upper.peaks += 1 }
      }
      return
    }

    let start = sampleCount - runLength
    let leastStep = max(step, tolerance)
    let isSharp =
      min(one, other) >= Self.sharpCorners.near * leastStep
      && max(one, other) >= max(Self.sharpCorners.far * leastStep, Self.leastFall * level)
    var ceiling = present
    let isOld = sampleCount - ceiling.last > forgetCount
    if ceiling.tops == 0 || isOld || level > ceiling.level * (1 + Self.spread) {
      ceiling = Ceiling(level, first: start, length: runLength)
      ceiling.sharpTops = isSharp ? 1 : 0
    } else if level >= ceiling.level * (1 - Self.spread) {
      let isNew = ceiling.hasLeft
      ceiling.tops += isNew ? 1 : 0
      ceiling.hasLeft = false
      ceiling.samples += runLength
      ceiling.sharpTops += isSharp ? 1 : 0
      ceiling.last = sampleCount
      if ceiling.tops < Self.leastTops || Self.topsForPeak * ceiling.peaks >= ceiling.tops {
        // Not yet a ceiling, or one by chance.
      } else if ceiling.isTold {
        tops.add(start..<sampleCount, count: isNew ? 1 : 0)
      } else {
        ceiling.isTold = true
        tops.add(ceiling.first..<sampleCount, sampleCount: ceiling.samples, count: ceiling.tops)
      }
    }
    if sign < 0 { lower = ceiling } else { upper = ceiling }
  }

  // MARK: The distribution of magnitudes

  /// Bins, eight to the octave, from -60 dBFS to +18 dBFS.
  private static let binCount = 8 * 13
  private static let lowestExponent = -10
  /// The bins that a ceiling may fill when it has been coded, 3 dB: half of them hold most.
  private static let ceilingBins = 2

  /// Counts every sample at 16 kHz and below, and as many in a second at higher rates: a distribution needs no more.
  private mutating func countMagnitudes(_ samples: Span<Float>) {
    var i = (interval - sampleCount % interval) % interval
    while i < samples.count {
      // The exponent and the first three bits of the fraction: eight bins to the octave, even steps of the magnitude
      // itself within one, which is as good and needs no logarithm. What is not finite has the greatest exponent.
      let bin = Int(abs(samples[i]).bitPattern >> 20) - (127 + Self.lowestExponent) * 8
      if bin >= 0, bin < Self.binCount { magnitudes[bin] += 1 }
      magnitudeCount += 1
      i += interval
    }
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
          level: Self.start(bin + 1), density: density / densityBelow, share: Double(held) / Double(magnitudeCount))
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
