import AudioDSP

/// Who says when the user's turn has ended.
public enum TurnTaking: Hashable, Sendable {
  /// The service's own detector: everything is sent, and the service answers by itself.
  case service(ServiceTurnDetection)
  /// Ours: only speech is sent, with what came shortly before it; the end of a turn commits it and asks for an answer.
  case local(LocalTurnTaking)
  /// The user: ``VoiceSession/beginTurn(at:)`` and ``VoiceSession/endTurn(at:)``. What was heard before the beginning is
  /// sent with it.
  case pushToTalk(prefixPadding: Duration)

  /// The service's, with its silence set to what OpenAI's documentation calls the default.
  public static let service = TurnTaking.service(.silence())
  /// Ours.
  public static let local = TurnTaking.local(LocalTurnTaking())
  /// The user's, with the prefix padding that services give their own detectors (OpenAI: 300 ms).
  public static let pushToTalk = TurnTaking.pushToTalk(prefixPadding: .milliseconds(300))
}

/// How our detector ends turns.
public struct LocalTurnTaking: Hashable, Sendable {
  /// How scores become segments. Its `hangover` is the minimum wait: how much silence ends a turn; its `prefixPadding`
  /// is what is sent of the time before the turn.
  public var segmentation: SegmenterConfiguration
  /// The maximum wait: how long after the last frame that is surely speech (at or above the enter threshold) a turn
  /// ends although sounds go on that may be speech. It bounds what noise can do, which may hold a segment open for ever.
  public var maximumWait: Duration
  /// The longest turn: it is committed then, without asking for an answer, and goes on.
  public var longestTurn: Duration

  public init(
    segmentation: SegmenterConfiguration = .turns, maximumWait: Duration = .milliseconds(1500),
    longestTurn: Duration = .seconds(120)
  ) {
    self.segmentation = segmentation
    self.maximumWait = maximumWait
    self.longestTurn = longestTurn
  }
}
