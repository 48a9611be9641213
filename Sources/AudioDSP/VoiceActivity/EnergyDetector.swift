/// Finds speech by its energy over an adaptive noise floor, with help from the zero-crossing rate.
///
/// Three things are measured of each frame. None of them depends on the level of the recording, down to -80 dBFS and
/// but for a stream's first second, when a guess at the floor is all there is:
///
/// 1. **Height**: where the energy lies between the noise floor (0) and the speech level (1). The energy is taken less
/// the
///    frame's mean, so that an offset does not count. The floor is the least smoothed energy of the last 2.5 s
///    (``MinimumTracker``), followed slowly upwards; the speech level follows the energy of what stands clear of the
///    floor. The height is smoothed, quickly upwards, so that an onset is found at once, and slowly downwards, which
///    bridges the short closures inside words.
/// 2. **Unrest**: how much the zero-crossing rate of the last 100 ms varies. It does in speech, where vowels and
///    consonants take turns, and hardly in noise, even in noise that has just grown louder.
/// 3. **Brightness**: the zero-crossing rate of the last 100 ms over that of the noise. Voices have fewer crossings
/// than
///    most noises have.
///
/// Unrest and brightness say how much the height counts: what does not stand above the floor is no speech, however its
/// crossings vary. A logistic function makes a score from 0 to 1 of it.
///
/// Right for good recordings, and almost free of cost; in loud noise, and against other people's voices, a trained
/// detector is better. No look-ahead; nothing allocates after `init`.
public struct EnergyDetector: ~Copyable, Sendable, VoiceActivityDetector {
  /// The constants. The weights come from a logistic regression, the others from a search over a grid, both on
  /// synthetic and recorded speech in sixteen kinds of noise at 0 to 20 dB and without, close to the microphone and in
  /// rooms, through microphones of different colours; a third of the voices was kept apart to check the outcome. Rates
  /// are parts of the way to a new value that are gone per frame.
  private enum Constants {
    /// What is quieter, in dBFS, is taken to be this loud: digital silence is no better than a quiet room.
    static let leastLevel: Float = -80

    /// The energy is smoothed over 100 ms before its minimum is taken.
    static let floorSmoothingRate: Float = 0.1
    /// 10 blocks of 250 ms: longer than a stretch of speech without a pause of some kind, short enough to follow a fan
    /// switched on.
    static let floorBlockLength = 25
    static let floorBlockCount = 10
    /// How fast the floor follows a risen minimum: a time constant of 200 ms.
    static let floorRiseRate: Float = 0.05
    /// Where the floor is taken to lie at the most in a stream's first 200 ms, when there was no pause to learn it
    /// from, and how far above it the speech level is then taken to lie.
    static let initialFloor: Float = -45
    static let initialFrameCount = 20
    static let initialClearance: Float = 25
    /// From how many decibels above the floor on energy counts into the speech level, which lies no lower; and up to
    /// how many it counts into the noise's crossings.
    static let leastClearance: Float = 8
    static let levelRiseRate: Float = 0.02
    static let levelFallRate: Float = 0.001

    static let heightAttackRate: Float = 0.3
    static let heightReleaseRate: Float = 0.09
    /// What is louder than speech is no surer to be speech.
    static let greatestHeight: Float = 1

    /// Crossings are counted in units of 16,000 a second, and their square root is used, whose variance in noise does
    /// not depend on the noise's colour. What is above the limit is fricatives and hiss; how far above is up to the
    /// sample rate.
    static let crossingUnit: Float = 16_000
    static let crossingLimit: Float = 0.5
    static let crossingRate: Float = 0.1
    static let noiseCrossingRate: Float = 0.02

    /// What a height of 1 adds, what it adds per unit of unrest and of brightness, and what it starts from.
    static let heightWeight: Float = 3.3
    static let unrestWeight: Float = 17
    static let brightnessWeight: Float = -10
    /// Brighter than the noise may be a fricative, which must not lose its onset.
    static let brightnessRange: ClosedRange<Float> = -0.3...0
    static let bias: Float = -2.3
  }

  private var analyzer: FrameAnalyzer
  private var minimum: MinimumTracker
  private var state = State()

  private struct State {
    var frameCount = 0
    var smoothedEnergy = Constants.leastLevel
    var floor = Constants.leastLevel
    var speechLevel = Constants.leastLevel
    var height: Float = 0
    /// Square roots of crossing rates: the mean and the mean square of the last frames, and the mean of the noise's.
    var crossings: Float = 0
    var squaredCrossings: Float = 0
    var noiseCrossings: Float = 0
  }

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    analyzer = FrameAnalyzer(sampleRate)
    minimum = MinimumTracker(
      blockLength: Constants.floorBlockLength, blockCount: Constants.floorBlockCount)
  }

  public var grid: FrameGrid { analyzer.grid }

  public var lookAheadInSamples: Int { 0 }

  /// The level of what is not speech, in dBFS.
  public var noiseFloorInDecibels: Float { state.floor }

  public func frameCapacity(forInputCount inputCount: Int) -> Int { analyzer.frameCapacity(forInputCount: inputCount) }

  public var finalFrameCapacity: Int { 1 }

  public mutating func process(_ samples: Span<Float>, into scores: inout MutableSpan<FrameScore>) -> Int {
    // The span stops the program where there is no room; to know before would cost a division for every block.
    var taken = 0
    var scored = 0
    while taken < samples.count {
      let count = min(analyzer.countToNextFrame, samples.count - taken)
      if let features = analyzer.processWithinFrame(samples.extracting(taken..<taken + count)) {
        scores[scored] = score(features)
        scored += 1
      }
      taken += count
    }
    return scored
  }

  public mutating func finish(into scores: inout MutableSpan<FrameScore>) -> Int {
    let last = analyzer.finish()
    var scored = 0
    if let last {
      scores[0] = score(last)
      scored = 1
    }
    resetDecision()
    return scored
  }

  public mutating func reset() {
    analyzer.reset()
    resetDecision()
  }

  private mutating func resetDecision() {
    minimum.reset()
    state = State()
  }

  /// Scores the next frame by features that were measured elsewhere, as ``process(_:into:)`` does by its own: for
  /// timing the two apart. A stream is scored by one of the two only.
  package mutating func score(_ features: FrameFeatures) -> FrameScore {
    let energy = max(features.alternatingEnergyInDecibels, Constants.leastLevel)
    followFloor(energy)
    let excess = energy - state.floor
    followLevel(energy, excess: excess)
    let clearance = state.speechLevel - state.floor

    let height = min(max(excess / clearance, 0), Constants.greatestHeight)
    let heightRate = height > state.height ? Constants.heightAttackRate : Constants.heightReleaseRate
    state.height += heightRate * (height - state.height)

    followCrossings(features.zeroCrossingRate, excess: excess)
    let unrest = max(0, state.squaredCrossings - state.crossings * state.crossings).squareRoot()
    let range = Constants.brightnessRange
    let brightness = min(max(state.crossings - state.noiseCrossings, range.lowerBound), range.upperBound)
    state.frameCount += 1

    let weight =
      Constants.heightWeight + Constants.unrestWeight * unrest + Constants.brightnessWeight * brightness
    return FrameScore(1 / (1 + exponential(-Constants.bias - weight * state.height)), features: features)
  }

  private mutating func followFloor(_ energy: Float) {
    if state.frameCount == 0 { state.smoothedEnergy = energy }
    state.smoothedEnergy += Constants.floorSmoothingRate * (energy - state.smoothedEnergy)
    let least = minimum.update(state.smoothedEnergy)
    if state.frameCount < Constants.initialFrameCount {
      state.floor = min(least, Constants.initialFloor)
    } else {
      state.floor = least < state.floor ? least : state.floor + Constants.floorRiseRate * (least - state.floor)
    }
  }

  private mutating func followLevel(_ energy: Float, excess: Float) {
    if state.frameCount < Constants.initialFrameCount {
      state.speechLevel = state.floor + Constants.initialClearance
      return
    }
    if excess > Constants.leastClearance {
      let rate = energy > state.speechLevel ? Constants.levelRiseRate : Constants.levelFallRate
      state.speechLevel += rate * (energy - state.speechLevel)
    }
    state.speechLevel = max(state.speechLevel, state.floor + Constants.leastClearance)
  }

  private mutating func followCrossings(_ rate: Float, excess: Float) {
    let perUnit = rate * Float(grid.sampleRate.hertz) / Constants.crossingUnit
    let crossings = min(perUnit, Constants.crossingLimit).squareRoot()
    if state.frameCount == 0 {
      state.crossings = crossings
      state.squaredCrossings = crossings * crossings
      state.noiseCrossings = crossings
    }
    state.crossings += Constants.crossingRate * (crossings - state.crossings)
    state.squaredCrossings += Constants.crossingRate * (crossings * crossings - state.squaredCrossings)
    if excess < Constants.leastClearance {
      state.noiseCrossings += Constants.noiseCrossingRate * (crossings - state.noiseCrossings)
    }
  }
}
