/// Finds speech by how its energy rises and falls over an adaptive noise floor, with help from the zero-crossing rate.
///
/// Nothing but the energy and the zero-crossing rate of each frame is used. The level of the recording does not count,
/// down to -80 dBFS and but for a stream's first 200 ms, when a guess at the floor is all there is. The energy is taken
/// less the frame's mean, so that an offset does not count. Three steps:
///
/// 1. **Levels**: the noise floor is the least smoothed energy of the last 2.5 s (``MinimumTracker``), followed slowly
///    upwards; the speech level follows the loudest sounds, and falls by a decibel a second. The **height** is where
///    the energy lies between the two, smoothed, quickly upwards, so that an onset is found at once, and slowly
///    downwards, which bridges the short closures inside words.
/// 2. **Movement**: what stands above the floor may be a machine or music. Speech moves as they do not: it rises and
///    falls about four times a second, by ten decibels and more, and as often as it rises it falls, unlike noise that
///    has just grown louder; its crossings move at the same rate, because vowels and consonants take turns, and against
///    the energy, because vowels are loud and have few. See ``Measures``.
/// 3. **Evidence**: eight units weigh the measures, and those that find what they look for speak for or against speech.
///    A logistic function makes a score from 0 to 1 of their sum.
///
/// Right for good recordings, and almost free of cost; in loud noise, and against other people's voices and music, a
/// trained detector that hears the spectrum is better. No look-ahead; nothing allocates after `init`.
public struct EnergyDetector: ~Copyable, Sendable, VoiceActivityDetector {
  /// The constants of what is measured. Rates are parts of the way to a new value that are gone per frame.
  private enum Constants {
    /// What is quieter, in dBFS, is taken to be this loud: digital silence is no better than a quiet room.
    static let leastLevel: Float = -80
    /// Time constants of 30, 100 and 300 ms: sounds, syllables and words.
    static let fastRate: Float = 0.3
    static let mediumRate: Float = 0.1
    static let slowRate: Float = 0.033
    /// A time constant of 1 s: a few syllables and the pauses between them.
    static let movementRate: Float = 0.01

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
    /// How far above the floor the speech level lies at least, in decibels.
    static let leastClearance: Float = 8
    /// What lies this many decibels below the speech level is no speech, however quiet the room is.
    static let greatestClearance: Float = 50
    static let levelRiseRate: Float = 0.05
    /// In decibels per frame.
    static let levelFall: Float = 0.01

    static let heightAttackRate: Float = 0.3
    static let heightReleaseRate: Float = 0.06

    /// Crossings are counted in units of 16,000 a second, and their square root is used, whose variance in noise does
    /// not depend on the noise's colour. What is above the limit is fricatives and hiss; how far above is up to the
    /// sample rate.
    static let crossingUnit: Float = 16_000
    static let crossingLimit: Float = 0.5

    /// A step by more decibels than this, from a frame to the next, is one into or out of digital silence.
    static let greatestStep: Float = 15
    /// What part of the way to each other the greatest and the least energy go per frame, a time constant of 1 s, and
    /// how many decibels they lie apart at the most.
    static let rangeLeak: Float = 0.005
    static let greatestRange: Float = 40
    /// A syllable is counted where the energy rises this far, in decibels, above the middle between the greatest and
    /// the least, and the next one when it has fallen as far below. The count is forgotten at the rate of movement.
    static let syllableMargin: Float = 1.5
    /// How many decibels the energy of 30 ms lies below that of 100 ms where a sound ends.
    static let fallMargin: Float = 3
    /// After how many frames that has lost half of its weight.
    static let fallUnit: Float = 20
  }

  /// What is known of a frame and of those before it, each of the order of 1.
  private struct Measures {
    /// Where the energy lies between floor and speech level.
    var height: Float
    /// How far the energy lies above that of the last 30 ms.
    var start: Float
    /// How far the energy jumps from a frame to the next: noise flickers, voices and tones do not.
    var flux: Float
    /// The zero-crossing rate of the last 100 ms.
    var crossings: Float
    /// How the crossings move with the energy: vowels are loud and have few.
    var covariance: Float
    /// How much the zero-crossing rate moves as fast as syllables do.
    var turns: Float
    /// How much the energy of the last second rose and how much it fell, whichever is less.
    var balance: Float
    /// How far the speech level lies above the floor.
    var clearance: Float
    /// How far the greatest and the least energy of the last seconds lie apart.
    var range: Float
    /// How many syllables there were in the last second.
    var syllables: Float
    /// 1 where a sound ends, and less the longer it goes on.
    var fall: Float
  }

  /// A value smoothed over 30, 100 and 300 ms. At a stream's start, all are the mean of what has come.
  private struct Followers {
    var fast: Float = 0
    var medium: Float = 0
    var slow: Float = 0

    mutating func follow(_ value: Float, leastRate: Float) {
      fast += max(Constants.fastRate, leastRate) * (value - fast)
      medium += max(Constants.mediumRate, leastRate) * (value - medium)
      slow += max(Constants.slowRate, leastRate) * (value - slow)
    }
  }

  /// How the energy and the crossings move. It starts as in speech, so that an utterance that a stream starts with is
  /// found by its height, and what moves otherwise is found out soon; digital silence, which tells nothing about what
  /// comes after it, leads back there.
  private struct Movement {
    var flux: Float = 2
    var rise: Float = 1.1
    var fall: Float = 1.1
    var covariance: Float = -0.17
    var crossingsVariance: Float = 0.0015
    var syllables: Float = 1.7

    static let ofSpeech = Movement()

    mutating func follow(_ target: Movement) {
      flux += Constants.movementRate * (target.flux - flux)
      rise += Constants.movementRate * (target.rise - rise)
      fall += Constants.movementRate * (target.fall - fall)
      covariance += Constants.slowRate * (target.covariance - covariance)
      crossingsVariance += Constants.slowRate * (target.crossingsVariance - crossingsVariance)
      syllables += Constants.movementRate * (target.syllables - syllables)
    }
  }

  private struct State {
    var frameCount = 0
    var energy = Followers()
    var crossings = Followers()

    var floor = Constants.leastLevel
    var speechLevel = Constants.leastLevel
    var height: Float = 0

    var previousEnergy = Constants.leastLevel
    var movement = Movement()

    var greatest = Constants.leastLevel
    var least = Constants.leastLevel
    var isInSyllable = false
    /// A while, when no sound has ended yet.
    var framesSinceFall: Float = 50
  }

  private var analyzer: FrameAnalyzer
  private var minimum: MinimumTracker
  private var state = State()

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
    FrameScore(1 / (1 + exponential(-Self.evidence(measure(features)))), features: features)
  }

  // MARK: Measuring

  private mutating func measure(_ features: FrameFeatures) -> Measures {
    let energy = max(features.alternatingEnergyInDecibels, Constants.leastLevel)
    let perUnit = features.zeroCrossingRate * Float(grid.sampleRate.hertz) / Constants.crossingUnit
    let crossings = min(perUnit, Constants.crossingLimit).squareRoot()
    if state.frameCount == 0 { start(energy) }
    let leastRate = Constants.slowRate * Float(state.frameCount + 1) < 1 ? 1 / Float(state.frameCount + 1) : 0
    state.energy.follow(energy, leastRate: leastRate)
    state.crossings.follow(crossings, leastRate: leastRate)

    followFloor()
    followLevel()
    let base = max(state.floor, state.speechLevel - Constants.greatestClearance)
    followHeight(energy, base: base)
    followMovement(energy, crossings)
    followSyllables()
    state.frameCount += 1
    return Measures(
      height: state.height,
      start: (energy - state.energy.fast) * 0.1,
      flux: state.movement.flux * 0.333,
      crossings: state.crossings.medium * 2,
      covariance: state.movement.covariance,
      turns: state.movement.crossingsVariance.squareRoot() * 10,
      balance: min(state.movement.rise, state.movement.fall),
      clearance: (state.speechLevel - base) * 0.05,
      range: (state.greatest - state.least) * 0.05,
      syllables: state.movement.syllables * 0.5,
      fall: Constants.fallUnit / (Constants.fallUnit + state.framesSinceFall))
  }

  private mutating func start(_ energy: Float) {
    state.previousEnergy = energy
    state.greatest = energy
    state.least = energy
  }

  private mutating func followFloor() {
    let least = minimum.update(state.energy.medium)
    if state.frameCount < Constants.initialFrameCount {
      state.floor = min(least, Constants.initialFloor)
    } else {
      state.floor = least < state.floor ? least : state.floor + Constants.floorRiseRate * (least - state.floor)
    }
  }

  private mutating func followLevel() {
    if state.frameCount < Constants.initialFrameCount {
      state.speechLevel = state.floor + Constants.initialClearance
      return
    }
    let above = state.energy.fast - state.speechLevel
    state.speechLevel += above > 0 ? Constants.levelRiseRate * above : -Constants.levelFall
    state.speechLevel = max(state.speechLevel, state.floor + Constants.leastClearance)
  }

  private mutating func followHeight(_ energy: Float, base: Float) {
    // What is louder than speech is no surer to be speech.
    let height = min(max((energy - base) / (state.speechLevel - base), 0), 1)
    let rate = height > state.height ? Constants.heightAttackRate : Constants.heightReleaseRate
    state.height += rate * (height - state.height)
  }

  private mutating func followMovement(_ energy: Float, _ crossings: Float) {
    let slope = state.energy.fast - state.energy.medium
    state.framesSinceFall = slope < -Constants.fallMargin ? 0 : state.framesSinceFall + 1
    let step = min(abs(energy - state.previousEnergy), Constants.greatestStep)
    state.previousEnergy = energy
    guard energy > Constants.leastLevel else {
      state.movement.follow(.ofSpeech)
      return
    }
    let turn = state.crossings.fast - state.crossings.medium
    let covariance = (energy - state.energy.slow) * (crossings - state.crossings.slow)
    // A syllable counts when it starts.
    state.movement.follow(
      Movement(
        flux: step, rise: max(slope, 0), fall: max(-slope, 0), covariance: covariance, crossingsVariance: turn * turn,
        syllables: 0))
  }

  private mutating func followSyllables() {
    let leak = Constants.rangeLeak * (state.greatest - state.least)
    state.greatest = max(state.energy.fast, state.greatest - leak)
    state.least = max(min(state.energy.fast, state.least + leak), state.greatest - Constants.greatestRange)

    let aboveMiddle = state.energy.fast - 0.5 * (state.greatest + state.least)
    if aboveMiddle > Constants.syllableMargin {
      if !state.isInSyllable { state.movement.syllables += 1 }
      state.isInSyllable = true
    } else if aboveMiddle < -Constants.syllableMargin {
      state.isInSyllable = false
    }
  }

  // MARK: Weighing

  /// How surely a frame is speech, in nats: 0 is as likely as not.
  ///
  /// Each of eight units adds up its weighted measures and counts where the sum is positive: the first three for
  /// speech, the others against it.
  ///
  /// The weights were fitted, by the cross entropy, to seventeen hours of what Training/mixes.py makes: four hours of
  /// tapes, which are not reset between their scenes, and streams of 4 to 30 s of its talk over its sounds at -5 to
  /// 25 dB, of talk without noise or after digital silence, of talk with its pauses filled as labels of meetings fill
  /// them, of sounds without speech, and of noise that changes by steps. The bias was then chosen for a quarter of the
  /// sounds without speech to be taken for it. Talkers and sounds that were kept apart checked the outcome.
  private static func evidence(_ measures: Measures) -> Float {
    var units = SIMD8<Float>(-1.821, -0.559, -0.499, 2.892, -2.869, 0.349, 1.663, 1.419)
    units += measures.height * SIMD8(1.135, 0.782, -0.192, -0.908, -0.947, -0.165, 1.297, -3.796)
    units += measures.start * SIMD8(-0.612, -0.129, 1.392, -0.176, 0.3, 0.243, 0.028, -1.321)
    units += measures.flux * SIMD8(2.812, 1.746, 1.225, 0.183, 8.691, -0.504, 0.565, -2.355)
    units += measures.crossings * SIMD8(-2.383, 0.019, 0.208, -5.917, 0.717, 1.036, -0.435, -0.457)
    units += measures.covariance * SIMD8(1.158, -1.714, 0.207, 0.09, -0.312, 1.917, -1.453, -0.626)
    units += measures.turns * SIMD8(3.448, 3.203, 0.364, 4.187, 2.947, -0.478, -2.478, 0.232)
    units += measures.balance * SIMD8(0.997, 0.876, 0.126, 0.28, -0.3, 0.615, -0.524, 2.138)
    units += measures.clearance * SIMD8(0.076, 0.402, -0.284, -0.138, -0.09, -0.105, 0.421, 0.841)
    units += measures.range * SIMD8(-0.02, -1.835, 0.114, -0.64, -1.838, -0.81, -1.977, 0.562)
    units += measures.syllables * SIMD8(-0.387, -0.379, -0.258, -0.166, -0.883, 0.009, -0.819, -1.093)
    units += measures.fall * SIMD8(0.939, -0.182, -0.122, 0.213, -0.65, -0.274, -0.458, 0.671)
    units.replace(with: 0, where: units .< 0)
    // Halves are added to halves, which takes three instructions.
    let signed = units * SIMD8(1, 1, 1, -1, -1, -1, -1, -1)
    let four = signed.lowHalf + signed.highHalf
    let two = four.lowHalf + four.highHalf
    let bias: Float = -0.22
    return bias + two.x + two.y
  }
}
