import AudioDSP

/// Tells from frame scores whether someone interrupts: a short sound is suspected first, and then confirmed or
/// dismissed.
///
/// Speech is counted in frames that score at least the threshold and are at most ``levelRange`` softer than the loudest
/// of their run: a detector goes on scoring high for some frames behind a sound's end, which would make a short "mm-hm"
/// long. Of 300 ms cut out of speech anywhere, at most 300 ms count; of a longer word some soft frames are missed, which
/// confirms it later.
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

  private let threshold: Float
  private let suspectingCount: Int
  /// More than this many frames confirm; nil: none do.
  private let confirmingCount: Int?
  private let bridgedCount: Int
  private let dismissingCount: Int

  private var state = State.quiet
  /// Frames of speech in this run, and frames without since the last one.
  private var speechCount = 0
  private var silentCount = 0
  private var loudest = -Float.infinity

  init(_ configuration: InterruptionConfiguration) {
    let grid = FrameGrid(.hz24000)
    func frames(_ duration: Duration) -> Int { grid.frameCount(in: duration) }
    threshold = configuration.threshold
    suspectingCount = max(1, frames(configuration.duckingSpeech))
    confirmingCount =
      switch configuration.confirmation {
      case .speech(let duration), .either(let duration): max(1, frames(duration))
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
    if score.score >= threshold, level >= loudest - Self.levelRange {
      // What is much louder than all before makes that background.
      loudest = max(loudest, level)
      speechCount += 1
      silentCount = 0
    } else {
      silentCount += 1
      if silentCount > bridgedCount {
        speechCount = 0
        loudest = -.infinity
      }
    }
    switch state {
    case .quiet:
      guard speechCount >= suspectingCount, silentCount == 0 else { return nil }
      state = .suspected
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

  /// Forgets what was heard: someone who goes on speaking is suspected and confirmed anew.
  mutating func restart() {
    state = .quiet
    speechCount = 0
    silentCount = 0
    loudest = -.infinity
  }

  private var isLongEnough: Bool { confirmingCount.map { speechCount > $0 } ?? false }

  private mutating func confirm() -> Verdict {
    state = .confirmed
    return .confirmed
  }
}
