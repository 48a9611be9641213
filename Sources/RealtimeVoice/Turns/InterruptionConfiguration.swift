import AudioDSP

/// What happens when the user speaks while an answer is played (barge-in).
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
  /// From which score on a frame is speech here: higher than in turns, because an answer that stops for a noise cannot
  /// be taken back.
  public var threshold: Float
  /// What one pause inside of an interrupting word may last.
  public var bridgedPause: Duration
  /// How long an answer stays turned down behind a sound that was no interruption.
  public var restoringSilence: Duration

  public init(
    confirmation: Confirmation = .speech(.milliseconds(300)), duckingSpeech: Duration = .milliseconds(30),
    threshold: Float = 0.5, bridgedPause: Duration = .milliseconds(60),
    restoringSilence: Duration = .milliseconds(200)
  ) {
    self.confirmation = confirmation
    self.duckingSpeech = duckingSpeech
    self.threshold = threshold
    self.bridgedPause = bridgedPause
    self.restoringSilence = restoringSilence
  }
}
