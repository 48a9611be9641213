/// Finds speech by its energy over an adaptive noise floor, with help from the zero-crossing rate.
///
/// Four things are measured of each frame. None of them depends on the level of the recording, down to
/// -80 dBFS:
///
/// 1. **Height**: where the energy lies between the noise floor (0) and the speech level (1). The energy is taken less the
///    frame's mean, so that an offset does not count. The floor is the least smoothed energy of the last 2 s
///    (``MinimumTracker``), followed slowly upwards; the speech level follows the energy of what stands clear of the floor.
///    The height is smoothed, quickly upwards, so that an onset is found at once, and slowly downwards, which bridges the
///    short closures inside words.
/// 2. **Unrest**: how much the zero-crossing rate of the last 100 ms varies. It does in speech, where vowels and
///    consonants take turns, and hardly in noise, even in noise that has just grown louder.
/// 3. **Brightness**: the zero-crossing rate over that of the noise. Voices have fewer crossings than most noise has.
/// 4. **Clearance**: the distance from floor to speech level in decibels. A good recording is judged more strictly than a
///    noisy one, because in it much that is not speech stands clear of the floor.
///
/// A weighted sum of the four goes through a logistic function, which gives a score from 0 to 1.
///
/// Right for good recordings, and almost free of cost; in loud noise, and against other people's voices, a trained detector
/// is better. No look-ahead; nothing allocates after `init`.
public struct EnergyDetector: ~Copyable, Sendable, VoiceActivityDetector {
  /// The constants. The weights come from a logistic regression, the others from a search over a grid, both on synthetic
  /// and recorded speech in sixteen kinds of noise at 0 to 20 dB and without, close to the microphone and in rooms, at
  /// 16 kHz; a third of the voices was kept apart to check the outcome. Rates are parts of the way to a new value that are
  /// gone per frame.
  private enum Constants {
    /// What is quieter, in dBFS, is taken to be this loud: digital silence is no better than a quiet room.
    static let leastLevel: Float = -80

    /// The energy is smoothed over 100 ms before its minimum is taken.
    static let floorSmoothingRate: Float = 0.1
    /// 8 blocks of 250 ms: longer than a stretch of speech without a pause of some kind, short enough to follow a fan
    /// switched on.
    static let floorBlockLength = 25
    static let floorBlockCount = 8
    /// How fast the floor follows a risen minimum: a time constant of 200 ms.
    static let floorRiseRate: Float = 0.05
    /// Where the floor is taken to lie at the most in a stream's first 200 ms, when there was no pause to learn it from,
    /// and how far above it the speech level is then taken to lie.
    static let initialFloor: Float = -45
    static let initialFrameCount = 20
    static let initialClearance: Float = 20
    /// From how many decibels above the floor on energy counts into the speech level, which lies no lower; and up to how
    /// many it counts into the noise's crossings.
    static let leastClearance: Float = 6
    static let levelRiseRate: Float = 0.02
    static let levelFallRate: Float = 0.003

    static let heightAttackRate: Float = 0.3
    static let heightReleaseRate: Float = 0.05
    /// What is louder than the speech level by more than this part of the clearance counts no more.
    static let greatestHeight: Float = 1.3

    /// Crossings are counted in units of 16,000 a second, and their square root is used, whose variance in noise does not
    /// depend on the noise's colour. What is above the limit is fricatives and hiss; how far above is up to the sample rate.
    static let crossingUnit: Float = 16_000
    static let crossingLimit: Float = 0.5
    static let unrestRate: Float = 0.1
    static let noiseCrossingRate: Float = 0.02

    static let heightWeight: Float = 5.4
    static let unrestWeight: Float = 14
    static let brightnessWeight: Float = -2.4
    /// Per decibel, up to the limit.
    static let clearanceWeight: Float = -0.04
    static let clearanceLimit: Float = 30
    static let bias: Float = -3.5
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
    precondition(scores.count >= frameCapacity(forInputCount: samples.count))
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

  private mutating func score(_ features: FrameFeatures) -> FrameScore {
    let energy = max(features.alternatingEnergyInDecibels, Constants.leastLevel)
    followFloor(energy)
    let excess = energy - state.floor
    followLevel(energy, excess: excess)
    let clearance = state.speechLevel - state.floor

    let height = min(max(excess / clearance, 0), Constants.greatestHeight)
    let heightRate = height > state.height ? Constants.heightAttackRate : Constants.heightReleaseRate
    state.height += heightRate * (height - state.height)

    let crossings = followCrossings(features.zeroCrossingRate, excess: excess)
    let unrest = max(0, state.squaredCrossings - state.crossings * state.crossings).squareRoot()
    state.frameCount += 1

    let sum =
      Constants.bias + Constants.heightWeight * state.height + Constants.unrestWeight * unrest
      + Constants.brightnessWeight * (crossings - state.noiseCrossings)
      + Constants.clearanceWeight * min(clearance, Constants.clearanceLimit)
    return FrameScore(1 / (1 + exponential(-sum)), features: features)
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

  /// Returns the square root of the frame's crossings.
  private mutating func followCrossings(_ rate: Float, excess: Float) -> Float {
    let perUnit = rate * Float(grid.sampleRate.hertz) / Constants.crossingUnit
    let crossings = min(perUnit, Constants.crossingLimit).squareRoot()
    if state.frameCount == 0 {
      state.crossings = crossings
      state.squaredCrossings = crossings * crossings
      state.noiseCrossings = crossings
    }
    state.crossings += Constants.unrestRate * (crossings - state.crossings)
    state.squaredCrossings += Constants.unrestRate * (crossings * crossings - state.squaredCrossings)
    if excess < Constants.leastClearance {
      state.noiseCrossings += Constants.noiseCrossingRate * (crossings - state.noiseCrossings)
    }
    return crossings
  }
}
