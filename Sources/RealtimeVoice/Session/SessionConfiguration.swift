import AudioDSP

/// What a ``VoiceSession`` is to be. Everything but the dialect has a default.
public struct SessionConfiguration: Hashable, Sendable {
  public var dialect: Dialect

  // What the service is told.

  /// The model, where the dialect says it in an event (Gemini).
  public var model: String?
  /// What the model is told to be, in words.
  public var instructions: String?
  /// The voice of answers, as the service names it; `nil` for the service's default, as with all that follows.
  public var voice: String?
  /// The language of the user's speech, as ISO 639-1.
  public var language: String?
  /// What writes down what the user says: a model's name, an empty one for the service's default, `nil` for nothing.
  /// Without it, the user's words are missing when a session is renewed.
  public var transcriptionModel: String? = ""
  /// How freely the model chooses; the range is the service's.
  public var temperature: Double?
  /// How fast answers are spoken, 1 being the voice's own pace; the range is the service's.
  public var speed: Double?
  /// The most tokens of one answer.
  public var maximumOutputTokens: Int?
  /// A JSON object with more of the dialect's own settings; it wins over the rest.
  public var extraSettings: String?

  // The microphone.

  /// The rate and the channels of what ``VoiceSession/hear(_:at:)`` is given.
  public var inputRate = SampleRate.hz24000
  public var channelCount = 1
  /// What is made of several channels, and then done to the one.
  public var downmix = Downmix.mean
  public var cleaning = CleaningConfiguration.off
  /// How much audio an event carries: 10 ms to 10 s.
  public var chunkDuration = Duration.milliseconds(20)
  /// What tells speech.
  public var detector = SpeechDetector.Kind.neural
  /// Who ends the user's turns.
  public var turnTaking: TurnTaking
  /// The most audio that waits to be sent; what is older is dropped, counted and told. ``chunkDuration`` to 1 h. It waits
  /// while a connection is made, and for up to 5 s where it is in doubt whether the service is there (``stallLimit``).
  public var sendCapacity = Duration.seconds(10)

  // Answers.

  public var interruption = InterruptionConfiguration()
  public var playout = PlayoutConfiguration()

  // Waits: each is the most that is waited for something before the session goes on without it, and says so; 10 ms to 1 h.

  /// For the service's word that the session exists, behind the connection's own limit.
  public var startLimit = Duration.seconds(10)
  /// For the first word of an answer that was asked for. OpenAI's models with reasoning take up to some seconds. Where
  /// the service says nothing at all meanwhile, and has not for 5 s (where it confirms turns, as OpenAI does; else 60 s),
  /// the connection counts as lost: it is made anew, or with ``ReconnectionPolicy/never`` the session ends.
  public var answerLimit = Duration.seconds(30)
  /// Between two events of an answer. It is then cancelled, where the dialect has that, and what is heard waits until the
  /// service says anything to that; the connection counts as lost where it does not within 5 s. So it does where a service
  /// that pings (ElevenLabs) says nothing for twice the longest interval between two of its pings on this connection, at
  /// least 10 s, and this limit, counted from its last message of any kind.
  public var stallLimit = Duration.seconds(10)

  // Connections.

  public var reconnection = ReconnectionPolicy()
  /// How long a connection lasts at the service, 1 s to 24 h; `nil` for the dialect's own limit.
  public var connectionLimit: Duration?
  /// How long before that a new one is made, at the next moment at which nobody speaks.
  public var renewalMargin = Duration.seconds(60)
  /// How much of the conversation is told to a new connection, the latest words, in bytes of UTF-8; 0 for nothing.
  public var historyLimit = 16_000

  /// Turns are found by our detector, where the dialect has a way to be told of them.
  public init(_ dialect: Dialect = .openAI) {
    self.dialect = dialect
    turnTaking = dialect.rules.takesTurns ? .local : .service
  }

  /// - Throws: ``SessionConfigurationError`` for what no session can be.
  public func validate() throws(SessionConfigurationError) {
    guard dialect != .pcm else { throw .noService }
    guard Chunker.durations.contains(chunkDuration) else {
      throw .chunkDuration(ChunkerError(duration: chunkDuration))
    }
    switch turnTaking {
    case .service(.off): throw .noTurnDetection
    case .service: break
    case .local, .pushToTalk: if !dialect.rules.takesTurns { throw .turnsAreTheServices(dialect) }
    }
    func check(_ name: String, _ value: Duration, _ range: ClosedRange<Duration>) throws(SessionConfigurationError) {
      guard range.contains(value) else { throw .outOfRange(name, value, range) }
    }
    try check("sendCapacity", sendCapacity, chunkDuration...Self.longestCapacity)
    try check("playout.capacity", playout.capacity, .milliseconds(1)...Self.longestCapacity)
    try check("playout.jitterBuffer", playout.jitterBuffer, .zero...playout.capacity)
    try check("playout.outputLatency", playout.outputLatency, .zero...Self.longestPadding)
    try check("playout.duckingRamp", playout.duckingRamp, .zero...Self.longestPadding)
    try check("playout.restoringRamp", playout.restoringRamp, .zero...Self.longestPadding)
    try check("playout.stoppingFade", playout.stoppingFade, .zero...Self.longestPadding)
    guard playout.duckingGainInDecibels <= 0 else { throw .duckingGain(playout.duckingGainInDecibels) }
    switch turnTaking {
    case .service: break
    case .local(let turns):
      try check("maximumWait", turns.maximumWait, Self.limits)
      // No pause is worth a longer one, and it is what a service may have to hold of one turn.
      try check("longestTurn", turns.longestTurn, .seconds(1)...Self.longestCapacity)
    case .pushToTalk(let prefixPadding): try check("prefixPadding", prefixPadding, .zero...Self.longestPadding)
    }
    for (name, value) in [
      ("interruption.duckingSound", interruption.duckingSound ?? .zero),
      ("interruption.duckingSpeech", interruption.duckingSpeech),
      ("interruption.bridgedPause", interruption.bridgedPause),
      ("interruption.restoringSilence", interruption.restoringSilence),
    ] { try check(name, value, .zero...Self.longestPadding) }
    switch interruption.confirmation {
    case .speech(let duration), .either(let duration):
      try check("interruption.confirmation", duration, .zero...Self.longestPadding)
    case .service, .never: break
    }
    try check("startLimit", startLimit, Self.limits)
    try check("answerLimit", answerLimit, Self.limits)
    try check("stallLimit", stallLimit, Self.limits)
    if let connectionLimit { try check("connectionLimit", connectionLimit, Self.connectionLimits) }
    try check("renewalMargin", renewalMargin, .zero...Self.connectionLimits.upperBound)
    try check("reconnection.firstDelay", reconnection.firstDelay, .zero...Self.limits.upperBound)
    try check("reconnection.longestDelay", reconnection.longestDelay, .zero...Self.limits.upperBound)
    try check("reconnection.resetAfter", reconnection.resetAfter, .zero...Self.limits.upperBound)
    guard historyLimit >= 0 else { throw .historyLimit(historyLimit) }
    for threshold in [interruption.threshold, interruption.duckingThreshold] where !(0...1).contains(threshold) {
      throw .threshold(threshold)
    }
  }

  /// What bounds the memory of waiting audio.
  static let longestCapacity = Duration.seconds(3600)
  static let limits = Duration.milliseconds(10)...Duration.seconds(3600)
  static let longestPadding = Duration.seconds(10)
  static let connectionLimits = Duration.seconds(1)...Duration.seconds(86_400)
}

/// Why there is no such session.
public enum SessionConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The dialect is no service's.
  case noService
  case chunkDuration(ChunkerError)
  /// The dialect has no way to mark turns: the service finds them.
  case turnsAreTheServices(Dialect)
  case outOfRange(String, Duration, ClosedRange<Duration>)
  /// The service is to find turns, and not to.
  case noTurnDetection
  /// A gain that makes answers louder while the user speaks.
  case duckingGain(Double)
  case historyLimit(Int)
  /// A score that is none.
  case threshold(Float)
  /// What the service is to be told.
  case settings(SessionSettingsError)
  /// The microphone's channels.
  case input(SpeechChunkerError)

  public var description: String {
    switch self {
    case .noService: "'pcm' is no service's dialect"
    case .chunkDuration(let error): "\(error)"
    case .turnsAreTheServices(let dialect): "the service finds turns itself with '\(dialect.rawValue)'"
    case .outOfRange(let name, let value, let range):
      "\(name) of \(value) is outside of \(range.lowerBound) to \(range.upperBound)"
    case .noTurnDetection: "the service is to find turns, with its turn detection off"
    case .duckingGain(let gain): "a ducking gain of \(gain) dB is above 0"
    case .threshold(let threshold): "an interruption's threshold of \(threshold) is outside of 0 to 1"
    case .historyLimit(let limit): "a history of \(limit) bytes"
    case .settings(let error): "\(error)"
    case .input(let error): "\(error)"
    }
  }
}
