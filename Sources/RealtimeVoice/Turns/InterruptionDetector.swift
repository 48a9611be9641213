import AudioDSP

/// Tells from frame scores whether someone interrupts: a short sound is suspected first, and then confirmed or
/// dismissed.
///
/// Speech is counted in frames that score at least the threshold and are at most ``levelRange`` softer than the loudest
/// of their run: a detector goes on scoring high for some frames behind a sound's end, which would make a short "mm-hm"
/// long. Of a longer word some soft frames are missed, which confirms it later.
///
/// A value: one frame at a time, nothing allocates.
struct InterruptionDetector: Sendable {
  enum Verdict: Hashable, Sendable {
    /// Someone may be speaking.
    case suspected
    /// It was nothing: too short, and silence since.
    case dismissed
    /// Someone speaks.
    case confirmed
  }

  private enum State {
    case quiet
    case suspected
    case confirmed
  }

  /// How much softer than the loudest frame of a run a frame of speech may be, in decibels. Weak consonants are about
  /// this much softer than vowels; the tail that a detector adds in a quiet room is softer by far.
  static let levelRange: Float = 25

  /// How much louder than the room a sound is that may be the start of speech, in decibels.
  static let soundRange: Float = 20
  /// The softest that a room counts for, in dBFS: what microphones give in a quiet one. Else the first noise behind
  /// digital silence would be such a sound.
  static let softestRoom: Float = -60
  /// How fast a room may grow louder, in decibels a frame: 5 dB a second, far less than any word's start.
  static let roomRise: Float = 0.05
  /// How many frames more than its length a sound may have: it starts and ends inside of frames, the detector's windows
  /// reach over them, and one of margin. Of 300 cuts of 300 ms of speech, none had more than 32 frames.
  static let smear = 3

  private let threshold: Float
  private let suspectingThreshold: Float
  private let suspectingCount: Int
  /// nil: no sound is suspected for its level.
  private let suspectingSoundCount: Int?
  /// More than this many frames confirm; nil: none do.
  private let confirmingCount: Int?
  private let bridgedCount: Int
  private let dismissingCount: Int

  private var state = State.quiet
  /// Frames of speech in this run, and frames without since the last one.
  private var speechCount = 0
  private var silentCount = 0
  private var loudest = -Float.infinity
  /// Frames in a row that may be speech, and that are loud.
  private var possibleCount = 0
  private var loudCount = 0
  /// The level of the room; nil before the first frame.
  private var room: Float?

  init(_ configuration: InterruptionConfiguration) {
    let grid = FrameGrid(.hz24000)
    func frames(_ duration: Duration) -> Int { grid.frameCount(in: duration) }
    threshold = configuration.threshold
    suspectingThreshold = min(configuration.threshold, configuration.duckingThreshold)
    suspectingCount = max(1, frames(configuration.duckingSpeech))
    suspectingSoundCount = configuration.duckingSound.map { max(1, frames($0)) }
    confirmingCount =
      switch configuration.confirmation {
      case .speech(let duration), .either(let duration): frames(duration) + Self.smear
      case .service, .never: nil
      }
    bridgedCount = frames(configuration.bridgedPause)
    dismissingCount = max(1, frames(configuration.restoringSilence))
  }

  /// Whether a sound is suspected, or speech confirmed, and has not ended.
  var isSuspecting: Bool {
    switch state {
    case .quiet: false
    case .suspected, .confirmed: true
    }
  }

  /// Takes the next frame's score.
  mutating func process(_ score: FrameScore) -> Verdict? {
    let level = score.features.energyInDecibels
    var isSuspicious = notePossible(score.score, level)
    if score.score >= threshold, level >= loudest - Self.levelRange {
      // What is much louder than all before makes that background.
      loudest = max(loudest, level)
      speechCount += 1
      silentCount = 0
      if speechCount == suspectingCount { isSuspicious = true }
    } else {
      silentCount += 1
      if silentCount > bridgedCount {
        speechCount = 0
        loudest = -.infinity
      }
    }
    switch state {
    case .quiet:
      guard isSuspicious else { return nil }
      state = .suspected
      silentCount = 0
      return isLongEnough ? confirm() : .suspected
    case .suspected:
      if isLongEnough { return confirm() }
      guard silentCount >= dismissingCount else { return nil }
      state = .quiet
      return .dismissed
    case .confirmed:
      if silentCount >= dismissingCount { state = .quiet }
      return nil
    }
  }

  /// - Returns: Whether this frame makes one wonder.
  private mutating func notePossible(_ score: Float, _ level: Float) -> Bool {
    let background = max(Self.softestRoom, room ?? level)
    room = min(max(level, -200), (room ?? level) + Self.roomRise)
    possibleCount = score >= suspectingThreshold ? possibleCount + 1 : 0
    loudCount = level >= background + Self.soundRange ? loudCount + 1 : 0
    // A sound that goes on is suspected once.
    return possibleCount == suspectingCount || loudCount == suspectingSoundCount
  }

  /// Forgets what was heard: someone who goes on speaking is suspected and confirmed anew.
  mutating func restart() {
    state = .quiet
    speechCount = 0
    silentCount = 0
    loudest = -.infinity
    possibleCount = 0
    loudCount = 0
  }

  private var isLongEnough: Bool { confirmingCount.map { speechCount > $0 } ?? false }

  private mutating func confirm() -> Verdict {
    state = .confirmed
    return .confirmed
  }
}
