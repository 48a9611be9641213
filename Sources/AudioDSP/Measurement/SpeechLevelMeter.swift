/// How loud speech is in one channel, and how loud what is heard in its pauses: from a detector's scores.
///
/// Frames of a score of at least 0.5 are speech. Pauses are frames below 0.3 that are 150 ms and more away from any
/// that is not: the ends of words and the room's answer belong to neither.
///
/// Allocates nothing after `init`.
public struct SpeechLevelMeter: ~Copyable, Sendable {
  /// The score from which a frame is speech, and below which it is a pause: `Sensitivity`'s normal and high.
  private static let speechScore: Float = 0.5
  private static let pauseScore: Float = 0.3
  /// Frames to either side of a pause.
  private static let guardCount = 15
  /// At or below it a frame is digital silence: less than a step of 16 bits.
  private static let silence = -100.0
  /// Frames of pauses that are wanted, 0.2 s.
  private static let leastPauses = 20

  /// How many frames have been judged.
  public private(set) var frameCount = 0
  /// How many of them are speech.
  public private(set) var speechCount = 0
  /// How many are pauses, and how many of those are digital silence.
  public private(set) var pauseCount = 0
  public private(set) var silentPauseCount = 0

  private var speechPower = 0.0
  private var pauses = LevelHistogram(-120...20, binWidth: 0.25)
  private var frames = LevelHistogram(-120...20, binWidth: 0.25)
  /// The levels of the last frames, around and around, and how many frames ago there was one that is no pause.
  private var recent = [Double](repeating: 0, count: guardCount + 1)
  private var sinceSound = 0

  /// A meter at the start of a stream.
  public init() {}

  /// Takes the next frame.
  public mutating func process(_ frame: FrameScore) {
    let level = Double(frame.features.alternatingEnergyInDecibels)
    frames.add(level)
    if frame.score >= Self.speechScore {
      speechCount += 1
      speechPower += Decibels.power(level)
    }
    sinceSound = frame.score < Self.pauseScore ? sinceSound + 1 : 0
    recent[frameCount % recent.count] = level
    frameCount += 1
    // The frame of 150 ms ago has now as much behind it as before it.
    if sinceSound > 2 * Self.guardCount { addPause(recent[frameCount % recent.count]) }
  }

  /// The mean level of speech, in dBFS; nil without any.
  public var speechLevel: Double? {
    speechCount > 0 ? Decibels.ofPower(speechPower / Double(speechCount)) : nil
  }

  /// The level of what is heard in pauses, in dBFS: the mean power of their frames, clicks left out, which are those
  /// 10 dB above the level that half of the frames are below. Nil where there are too few pauses, or where they are
  /// digital silence.
  public var noiseLevel: Double? {
    guard pauseCount >= Self.leastPauses, !hasSilentPauses, let median = pauses.percentile(0.5) else { return nil }
    return pauses.meanPower(below: median + 10)
  }

  /// Whether what pauses there are is digital silence for the most part, of which no noise can be measured.
  public var hasSilentPauses: Bool { pauseCount >= Self.leastPauses && 2 * silentPauseCount > pauseCount }

  /// How far speech is above the noise, in dB: what was said, less the noise in it. Nil without speech or noise to
  /// measure.
  public var signalToNoise: Double? {
    guard let speech = speechLevel, let noise = noiseLevel else { return nil }
    let (both, noisePower) = (Decibels.power(speech), Decibels.power(noise))
    return Decibels.ofPower(max(0.01 * noisePower, both - noisePower) / noisePower)
  }

  /// Where there are no pauses to measure: the level below which the quietest fiftieth of all frames lies. The noise is
  /// not louder.
  public var greatestNoiseLevel: Double? { frames.percentile(0.02) }

  /// Makes the meter as it was after `init`.
  public mutating func reset() {
    frameCount = 0
    speechCount = 0
    pauseCount = 0
    silentPauseCount = 0
    speechPower = 0
    pauses.reset()
    frames.reset()
    sinceSound = 0
  }

  private mutating func addPause(_ level: Double) {
    pauseCount += 1
    if level <= Self.silence { silentPauseCount += 1 } else { pauses.add(level) }
  }
}
