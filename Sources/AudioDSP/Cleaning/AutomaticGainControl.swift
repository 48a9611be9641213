/// Brings speech to one level, whoever speaks and however far from the microphone, and leaves pauses as they are.
///
/// A detector says frame by frame whether someone speaks and how loud the frame is (``follow(_:)``); the gain follows
/// from the **active speech level**, the mean power of frames of speech less that of the noise in pauses:
///
/// 1. **Level**: the first frames of speech count fully, later ones less and less, up to a memory of 6 s of speech. A
///    frame counts as at most 10 dB above the level, so that a click does not duck the speech. When half of 120 ms is
///    louder by 7 dB and more, or 0.6 s of speech is softer by as much and nothing in it reaches the level, someone
///    else speaks, or from elsewhere, and the level starts anew from there.
/// 2. **Gain**: what is missing to the target. It rises by at most 0.6 dB per frame of speech, since the first frames of
///    an utterance may be its softest, and falls at once.
/// 3. **Pauses**: 150 ms after the last frame of speech, longer than the closures in words, the gain falls to that of
///    pauses; noise alone raises nothing. It is back with the first frame of speech.
///
/// The gain moves exponentially from sample to sample, up with a time constant of 12 ms and down with one of 50 ms. It
/// may lift single peaks over full scale: a ``TruePeakLimiter`` belongs behind it, as in ``SpeechLevelControl``.
///
/// Samples are taken as 0 where they are not finite, and as of a magnitude of 1024 (+60 dBFS) where they are beyond.
/// State is bounded; nothing allocates after `init`.
public struct AutomaticGainControl: ~Copyable, Sendable, SampleProcessor {
  /// What a gain control aims at.
  public struct Configuration: Hashable, Sendable {
    /// The legal values of ``targetInDecibels``.
    public static let targetRange = -50.0 ... -10.0
    /// The legal values of ``pauseGainInDecibels``.
    public static let pauseGainRange = 0.0...3.0

    /// The active speech level to reach, in dBFS; 0 is the power of a full-scale square wave, as in dBov.
    ///
    /// Speech services and telephone networks expect about -26 dBov (ITU-T P.56 and G.191 set test speech to it), wide
    /// band recordings have -20 and more. Peaks of speech are 15 to 18 dB above its active level: at -23 dBFS they stay
    /// under a ceiling of -1 dBTP when the level is missed by 3 dB, so that the limiter has no work as a rule.
    public var targetInDecibels: Double
    /// What the gain is in speech at the least and at the most, in dB.
    public var gainRange: ClosedRange<Double>
    /// What the gain is at the most where nobody speaks, in dB.
    public var pauseGainInDecibels: Double

    /// - Precondition: Target and gain of pauses are in their ranges, and 0 is in the range of gains, which reaches 60 dB
    ///   up and down at the most.
    public init(
      targetInDecibels: Double = -23, gainRange: ClosedRange<Double> = -30...30, pauseGainInDecibels: Double = 0
    ) {
      precondition(Self.targetRange.contains(targetInDecibels), "the target is in \(Self.targetRange) dBFS")
      precondition(
        gainRange.contains(0) && gainRange.lowerBound >= -60 && gainRange.upperBound <= 60,
        "gains reach from -60...0 to 0...60 dB")
      precondition(
        Self.pauseGainRange.contains(pauseGainInDecibels), "the gain of pauses is in \(Self.pauseGainRange) dB")
      self.targetInDecibels = targetInDecibels
      self.gainRange = gainRange
      self.pauseGainInDecibels = pauseGainInDecibels
    }
  }

  private enum Constants {
    /// `Sensitivity`'s normal and high, as in ``SpeechLevelMeter``.
    static let speechScore: Float = 0.5
    static let pauseScore: Float = 0.3
    /// All in frames of 10 ms.
    static let hangover = 15
    static let memory = 600
    /// From how many frames of speech on a single one is held against the level.
    static let leastForCap = 20
    static let loudCount = 12
    static let softCount = 60
    /// What a level counts for that has just been set anew, after something loud or something soft.
    static let countAfterLoud = 30
    static let countAfterSoft = 100
    /// After as long without speech, the level counts only for as much as after something soft.
    static let longPause = 1_000
    static let noiseMemory = 100

    /// In decibels.
    static let cap = 10.0
    static let step = 7.0
    /// How far the level is set below what was loud: stressed syllables are above the level.
    static let stress = 5.0
    static let risePerFrame = 0.6
    /// By how much the mean power of the frames that a detector finds is above the active level of ITU-T P.56, which
    /// counts closures and word gaps of up to 200 ms as speech: measured with both detectors on 24 talkers.
    static let activityOffset = 0.7
    /// The noise is not more than half of what is heard in speech.
    static let greatestNoisePart = 0.5

    /// In seconds.
    static let rise = 0.012
    static let fall = 0.05
    /// 0.0001 dB.
    static let closeness = 1e-5
    /// In dBFS: what no microphone gives, and what is told as silence.
    static let levels = -120.0...60.0
  }

  /// 60 dB over full scale: what is beyond it is no sound.
  static let greatestSample: Float = 1_024

  public let sampleRate: SampleRate
  public var latencyInSamples: Int { 0 }
  /// What it aims at.
  public let configuration: Configuration
  /// The gain of the last sample, in dB.
  public var gainInDecibels: Double { Decibels.ofPower(gain * gain) }
  /// The active speech level as it is known so far, the noise taken off, in dBFS; nil before any speech.
  public var speechLevelInDecibels: Double? { speechCount > 0 ? speechLevel : nil }

  private let rise: Double
  private let fall: Double
  private var gain = 1.0
  private var target = 1.0

  private var level = 0.0
  /// How many frames the level stands for.
  private var speechCount = 0
  private var speechGain = 0.0
  private var sinceSpeech = Constants.longPause
  private var noise = 0.0
  private var noiseCount = 0
  private var loud = RecentPowers(Constants.loudCount)
  private var soft = RecentPowers(Constants.softCount)

  /// A gain control at the start of a stream, whose gain is 0 dB.
  public init(_ sampleRate: SampleRate, configuration: Configuration = Configuration()) {
    self.sampleRate = sampleRate
    self.configuration = configuration
    let rate = Double(sampleRate.hertz)
    rise = 1 - exponential(-1 / (Constants.rise * rate))
    fall = 1 - exponential(-1 / (Constants.fall * rate))
  }

  /// Takes a detector's word on the next frame; what it changes starts with the next sample that is processed.
  ///
  /// - Parameter frame: The score, best of the sound as it was recorded, and
  ///   ``FrameFeatures/alternatingEnergyInDecibels`` of the sound that is levelled, before this gain. Frames come in
  ///   order, each as soon as it is known.
  public mutating func follow(_ frame: FrameScore) {
    let heard = Double(frame.features.alternatingEnergyInDecibels)
    // What is no number is below any range.
    let power = Decibels.power(heard > Constants.levels.lowerBound ? min(heard, Constants.levels.upperBound) : -120)
    if frame.score >= Constants.speechScore {
      sinceSpeech = 0
      learnSpeech(power)
      if speechCount > 0 {
        let range = configuration.gainRange
        let wanted = configuration.targetInDecibels - speechLevel
        speechGain = min(min(max(wanted, range.lowerBound), range.upperBound), speechGain + Constants.risePerFrame)
      }
    } else {
      sinceSpeech = min(sinceSpeech + 1, Constants.longPause)
      if sinceSpeech == Constants.longPause { speechCount = min(speechCount, Constants.countAfterSoft) }
      if sinceSpeech > Constants.hangover, !(frame.score >= Constants.pauseScore) { learnNoise(power) }
    }
    let isSpeech = sinceSpeech <= Constants.hangover
    target = raised(10, (isSpeech ? speechGain : min(speechGain, configuration.pauseGainInDecibels)) / 20)
  }

  public mutating func process(_ samples: inout MutableSpan<Float>) {
    Kernels.limit(&samples, to: Self.greatestSample)
    guard gain != 1 || target != 1 else { return }
    gain = Kernels.ramp(
      &samples, gain: gain, target: target, rise: rise, fall: fall, closeness: Constants.closeness)
  }

  public mutating func reset() {
    gain = 1
    target = 1
    level = 0
    speechCount = 0
    speechGain = 0
    sinceSpeech = Constants.longPause
    noise = 0
    noiseCount = 0
    loud.removeAll()
    soft.removeAll()
  }

  /// The active level of speech, less the noise that is heard with it.
  private var speechLevel: Double {
    Decibels.ofPower(max(level - noise, level * Constants.greatestNoisePart)) - Constants.activityOffset
  }

  private mutating func learnSpeech(_ power: Double) {
    loud.add(power)
    soft.add(power)
    if speechCount == 0 {
      level = power
      speechCount = 1
      return
    }
    let capped = speechCount < Constants.leastForCap ? power : min(power, level * Decibels.power(Constants.cap))
    speechCount = min(speechCount + 1, Constants.memory)
    level += (capped - level) / Double(speechCount)

    let step = Decibels.power(Constants.step)
    if loud.isFull, speechCount > Constants.loudCount, loud.median > level * step {
      level = min(loud.mean(cappedAt: .infinity), 2 * loud.median) / Decibels.power(Constants.stress)
      speechCount = Constants.countAfterLoud
      soft.removeAll()
    } else if soft.isFull, speechCount >= Constants.countAfterSoft, soft.greatest < level {
      // The last frames of who was loud are not his who is soft.
      let mean = soft.mean(cappedAt: soft.median * Decibels.power(Constants.cap))
      guard mean * step < level else { return }
      level = mean
      speechCount = Constants.countAfterSoft
      soft.removeAll()
    }
  }

  private mutating func learnNoise(_ power: Double) {
    // A click in a pause is no noise.
    let capped = noiseCount < Constants.leastForCap ? power : min(power, noise * Decibels.power(Constants.cap))
    noiseCount = min(noiseCount + 1, Constants.noiseMemory)
    noise += (capped - noise) / Double(noiseCount)
  }

  /// The powers of the last frames of speech.
  private struct RecentPowers: Sendable {
    private var powers: [Double]
    private var count = 0

    init(_ capacity: Int) {
      powers = [Double](repeating: 0, count: capacity)
    }

    var isFull: Bool { count >= powers.count }

    func mean(cappedAt cap: Double) -> Double {
      var sum = 0.0
      for i in 0..<powers.count { sum += min(powers[i], cap) }
      return sum / Double(powers.count)
    }

    var greatest: Double {
      var greatest = 0.0
      for i in 0..<powers.count { greatest = max(greatest, powers[i]) }
      return greatest
    }

    /// The greatest power that half of them and more reach.
    var median: Double {
      var median = 0.0
      for i in 0..<powers.count {
        var reaching = 0
        for j in 0..<powers.count where powers[j] >= powers[i] { reaching += 1 }
        if 2 * reaching >= powers.count { median = max(median, powers[i]) }
      }
      return median
    }

    mutating func add(_ power: Double) {
      powers[count % powers.count] = power
      // Bounded, and at the same place of the ring.
      count = count + 1 < 2 * powers.count ? count + 1 : powers.count
    }

    mutating func removeAll() { count = 0 }
  }
}
