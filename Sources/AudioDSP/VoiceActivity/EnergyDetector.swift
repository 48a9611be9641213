/// Finds speech by its energy over an adaptive noise floor, with help from the zero-crossing rate.
///
/// 1. The energy of a frame (less its mean, so that an offset does not count) is smoothed, quickly upwards and slowly
///    downwards, which bridges the short closures inside words.
/// 2. The **noise floor** is the least smoothed energy of the last 3 s (``MinimumTracker``), followed slowly upwards.
/// 3. The **speech level** follows the energy of what stands clear of the floor, and with it sets how far above the floor
///    speech must stand: a part of the distance between the two, within limits. So a quiet recording is judged like a
///    loud one, and a good one more strictly than a noisy one.
/// 4. **Fricatives** have little energy and many zero crossings: they are let in at a lower level.
/// 5. The distance from that threshold goes through a logistic function: the score is 0.5 at the threshold.
///
/// Right for clean speech and free of cost; in loud noise a trained detector is better. No look-ahead; nothing allocates
/// after `init`.
public struct EnergyDetector: ~Copyable, Sendable, VoiceActivityDetector {
  /// The constants. All were chosen on speech synthesised for this project, in noise of several kinds and levels.
  private enum Constants {
    /// Part of the way to a louder and to a quieter frame that the smoothed energy goes.
    static let attackRate: Float = 0.6
    static let releaseRate: Float = 0.2
    /// 12 blocks of 250 ms: longer than a sentence's stretch without a pause, short enough to follow a fan switched on.
    static let floorBlockLength = 25
    static let floorBlockCount = 12
    /// Part of the way up to a risen minimum that the floor goes per frame: a time constant of 0.5 s.
    static let floorRiseRate: Float = 0.02
    /// Where the floor is taken to lie at the most in a stream's first frames, when there is no pause to learn it from.
    static let initialFloor: Float = -45
    static let initialFrameCount = 20
    /// Part of the way to a louder and to a quieter frame that the speech level goes.
    static let levelAttackRate: Float = 0.1
    static let levelReleaseRate: Float = 0.005
    /// The threshold above the floor: a part of the distance from floor to speech level, in decibels within limits.
    static let thresholdPart: Float = 0.35
    static let thresholdRange: ClosedRange<Float> = 7...14
    /// Decibels that a frame of fricatives is lifted by, and the crossings per second from which and up to which that is
    /// faded in: twice the frequencies around which their energy lies.
    static let fricativeBonus: Float = 3
    static let fricativeCrossings: ClosedRange<Float> = 4_000...8_000
    /// Fricatives must stand this far above the floor.
    static let fricativeMinimum: Float = 4
    /// Decibels over which the score rises from 0.5 to 0.73.
    static let scoreWidth: Float = 2
    /// Nothing below this level in dBFS is speech.
    static let leastLevel: Float = -70
  }

  private var analyzer: FrameAnalyzer
  private var minimum: MinimumTracker
  private var frameCount = 0
  private var smoothedEnergy: Float = FrameFeatures.silence
  private var floor: Float = FrameFeatures.silence
  private var speechLevel: Float = FrameFeatures.silence

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    analyzer = FrameAnalyzer(sampleRate)
    minimum = MinimumTracker(
      blockLength: Constants.floorBlockLength, blockCount: Constants.floorBlockCount)
  }

  public var grid: FrameGrid { analyzer.grid }

  public var lookAheadInSamples: Int { 0 }

  /// The level of what is not speech, in dBFS.
  public var noiseFloorInDecibels: Float { floor }

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
    frameCount = 0
    smoothedEnergy = FrameFeatures.silence
    floor = FrameFeatures.silence
    speechLevel = FrameFeatures.silence
  }

  private mutating func score(_ features: FrameFeatures) -> FrameScore {
    let energy = features.alternatingEnergyInDecibels
    if frameCount == 0 {
      smoothedEnergy = energy
    } else {
      let rate = energy > smoothedEnergy ? Constants.attackRate : Constants.releaseRate
      smoothedEnergy += rate * (energy - smoothedEnergy)
    }

    let least = minimum.update(smoothedEnergy)
    if frameCount < Constants.initialFrameCount {
      floor = min(least, Constants.initialFloor)
    } else {
      floor = least < floor ? least : floor + Constants.floorRiseRate * (least - floor)
    }
    frameCount += 1

    let reach = Constants.thresholdRange.upperBound
    if energy > floor + reach {
      let rate = energy > speechLevel ? Constants.levelAttackRate : Constants.levelReleaseRate
      speechLevel = max(speechLevel + rate * (energy - speechLevel), floor + reach)
    }
    let distance = Constants.thresholdPart * (speechLevel - floor)
    let threshold = min(max(distance, Constants.thresholdRange.lowerBound), Constants.thresholdRange.upperBound)

    var excess = smoothedEnergy - floor
    if excess > Constants.fricativeMinimum {
      let crossings = features.zeroCrossingRate * Float(grid.sampleRate.hertz)
      let range = Constants.fricativeCrossings
      let part = (crossings - range.lowerBound) / (range.upperBound - range.lowerBound)
      excess += Constants.fricativeBonus * min(max(part, 0), 1)
    }
    guard smoothedEnergy > Constants.leastLevel else { return FrameScore(0, features: features) }
    let score = 1 / (1 + exponential((threshold - excess) / Constants.scoreWidth))
    return FrameScore(score, features: features)
  }
}
