import AudioDSP

/// What a ``VoiceSession`` tells its owner, in the order in which it happened.
public enum SessionEvent: Hashable, Sendable {
  /// The service has a session for us. `isRenewed`: it goes on with an earlier one.
  case ready(sessionID: String?, isRenewed: Bool)
  /// The user's turn has started: by our detector, the service's, or a button.
  case turnStarted
  /// The user's turn has ended, and was committed where that is ours to do.
  case turnEnded(audio: Duration?)
  /// A turn was shorter than the service takes; it was not committed.
  case turnTooShort(audio: Duration)
  /// The service has begun to answer.
  case answerStarted(responseID: String?)
  /// Words of the user or of the answer.
  case text(TextDelta)
  /// The first sample of an item has been handed to whoever plays it, with the clocks of the turn behind it.
  case playoutStarted(itemID: String, TurnTiming)
  /// An item was played to its end, or to where the rest of it was dropped since the service has changed its rate.
  case playoutFinished(itemID: String)
  /// There was nothing to play in the middle of an item.
  case playoutStarved(itemID: String)
  /// The answer is turned down, because the user may be speaking.
  case ducked
  /// It was nothing; the answer is as loud as before.
  case restored
  /// The user has interrupted: what was not heard is dropped, here and where the dialect can at the service.
  case interrupted([HeardItem])
  /// A tool is called.
  case toolCalled(FunctionCall)
  /// A tool's result, or why there is none, was sent.
  case toolReturned(FunctionResult)
  /// An answer has come whole, or never will.
  case answerFinished(AnswerEnd)
  /// Tokens that were counted since the last such event.
  case usage(Usage)
  /// What the service says may still be asked for.
  case rateLimits([RateLimit])
  /// Audio of the microphone was dropped: there was no room for it, or the service has changed the rate that it takes.
  /// Samples at the rate of what was to be sent.
  case inputDropped(sampleCount: Int)
  /// Audio of an answer was dropped: there was no room for it, it came behind its place, or the service has changed its
  /// rate. Samples at the rate at which it came.
  case outputDropped(sampleCount: Int)
  /// The service complained; the session goes on.
  case serviceError(ServiceError)
  /// A message that could not be read; the session goes on without it.
  case malformed(String)
  /// An event of a type that is not known.
  case unknown(type: String)
  /// The connection was lost, and will be made anew.
  case reconnecting(attempt: Int, after: Duration, reason: String)
  /// The connection is about to reach the service's limit, and is made anew.
  case renewing
  /// The end: nothing comes after it.
  case closed(SessionEnd)
}

/// How much of an item was heard.
public struct HeardItem: Hashable, Sendable {
  public var itemID: String
  /// Whole milliseconds, rounded down: never more than was received.
  public var heardInMilliseconds: Int
  public var receivedInMilliseconds: Int

  public init(itemID: String, heardInMilliseconds: Int, receivedInMilliseconds: Int) {
    self.itemID = itemID
    self.heardInMilliseconds = heardInMilliseconds
    self.receivedInMilliseconds = receivedInMilliseconds
  }
}

/// How an answer ended.
public enum AnswerEnd: Hashable, Sendable {
  /// As the service says.
  case told(ResponseOutcome)
  /// Nothing came for longer than the session waits. What was received is played.
  case stalled(after: Duration)
  /// No answer came at all.
  case missing(after: Duration)
  /// The connection was lost before the answer was complete. What was received is played.
  case lost
}

/// Why a session is over.
public enum SessionEnd: Hashable, Sendable {
  /// We closed it.
  case closed
  /// The service closed it, or the connection could not be made (again).
  case failed(String)
}

/// When the things of a turn happened, on the clock of the session; `nil` for what did not, or is not known.
///
/// The two latencies that matter are always both given: from the end of the user's speech, and from the commit.
public struct TurnTiming: Hashable, Sendable {
  /// The last sample of speech came, by our detector.
  public var speechEnded: Duration?
  /// The turn was committed: the message was handed to the connection, or the service said that it did it itself.
  public var committed: Duration?
  /// The service said that it begins to answer.
  public var answerStarted: Duration?
  /// The first audio came.
  public var firstAudio: Duration?
  /// The first sample was handed out for playing.
  public var firstPlayed: Duration?

  public init(
    speechEnded: Duration? = nil, committed: Duration? = nil, answerStarted: Duration? = nil,
    firstAudio: Duration? = nil, firstPlayed: Duration? = nil
  ) {
    self.speechEnded = speechEnded
    self.committed = committed
    self.answerStarted = answerStarted
    self.firstAudio = firstAudio
    self.firstPlayed = firstPlayed
  }
}
