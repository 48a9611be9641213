import AudioDSP

/// What happens when the user speaks while an answer is played (barge-in). Durations are 0 to 10 s; they count in frames.
public struct InterruptionConfiguration: Hashable, Sendable {
  /// What confirms that the user has taken the turn.
  public enum Confirmation: Hashable, Sendable {
    /// More than this much speech in one go, heard by our detector.
    case speech(Duration)
    /// The service's own detector.
    case service
    /// Whichever comes first.
    case either(Duration)
    /// Nothing: answers are always played to their end.
    case never
  }

  /// What stops the answer.
  public var confirmation: Confirmation
  /// How much speech turns the answer down, until it is confirmed or was none. Together with the detector's look-ahead
  /// (20 ms) and a frame (10 ms) it is what passes from the user's first sample to the first softer one.
  public var duckingSpeech: Duration
  /// From which score on, 0 to 1, a frame counts for that: lower than where answers are stopped, since it is taken back
  /// soon.
  public var duckingThreshold: Float
  /// How long a sound that is 20 dB louder than the room must last to turn the answer down, whatever it is: many words
  /// start with a hiss, which a detector does not take for speech before the vowel. `nil`: sounds alone never do.
  public var duckingSound: Duration?
  /// From which score on, 0 to 1, a frame is speech here.
  public var threshold: Float
  /// What one pause inside of an interrupting word may last.
  public var bridgedPause: Duration
  /// How long an answer stays turned down behind a sound that was no interruption.
  public var restoringSilence: Duration

  public init(
    confirmation: Confirmation = .speech(.milliseconds(300)), duckingSpeech: Duration = .milliseconds(20),
    duckingThreshold: Float = 0.3, duckingSound: Duration? = .milliseconds(50), threshold: Float = 0.5,
    bridgedPause: Duration = .milliseconds(60), restoringSilence: Duration = .milliseconds(200)
  ) {
    self.confirmation = confirmation
    self.duckingSpeech = duckingSpeech
    self.duckingThreshold = duckingThreshold
    self.duckingSound = duckingSound
    self.threshold = threshold
    self.bridgedPause = bridgedPause
    self.restoringSilence = restoringSilence
  }
}
