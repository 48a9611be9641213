import AudioDSP

/// What a ``VoiceSession`` is to be. Everything but the dialect has a default.
public struct SessionConfiguration: Hashable, Sendable {
  public var dialect: Dialect

  // What the service is told.

  /// The model, where the dialect says it in an event (Gemini).
  public var model: String?
  public var instructions: String?
  public var voice: String?
  /// The language of the user's speech, as ISO 639-1.
  public var language: String?
  /// What writes down what the user says: a model's name, an empty one for the service's default, `nil` for nothing.
  /// Without it, the user's words are missing when a session is renewed.
  public var transcriptionModel: String? = ""
  public var temperature: Double?
  public var speed: Double?
  public var maximumOutputTokens: Int?
  /// A JSON object with more of the dialect's own settings; it wins over the rest.
  public var extraSettings: String?

  // The microphone.

  /// The rate and the channels of what ``VoiceSession/hear(_:at:)`` is given.
  public var inputRate = SampleRate.hz24000
  public var channelCount = 1
  public var downmix = Downmix.mean
  public var cleaning = CleaningConfiguration.off
  /// How much audio an event carries: 10 ms to 10 s.
  public var chunkDuration = Duration.milliseconds(20)
  /// What tells speech.
  public var detector = SpeechDetector.Kind.neural
  public var turnTaking: TurnTaking
  /// The most audio that waits to be sent; what is older is dropped, counted and told.
  public var sendCapacity = Duration.seconds(10)

  // Answers.

  public var interruption = InterruptionConfiguration()
  public var playout = PlayoutConfiguration()

  // Waits: each is the most that is waited for something before the session goes on without it, and says so.

  /// For the service's word that the session exists, behind the connection's own limit.
  public var startLimit = Duration.seconds(10)
  /// For the first word of an answer that was asked for. OpenAI's models with reasoning take up to some seconds.
  public var answerLimit = Duration.seconds(30)
  /// Between two events of an answer.
  public var stallLimit = Duration.seconds(10)

  // Connections.

  public var reconnection = ReconnectionPolicy()
  /// How long a connection lasts at the service; `nil` for the dialect's own limit.
  public var connectionLimit: Duration?
  /// How long before that a new one is made, at the next moment at which nobody speaks.
  public var renewalMargin = Duration.seconds(60)
  /// How many characters of the conversation are told to a new connection, the latest first.
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
    if case .service = turnTaking {
    } else if !dialect.rules.takesTurns {
      throw .turnsAreTheServices(dialect)
    }
    guard sendCapacity >= chunkDuration, sendCapacity <= Self.longestCapacity else {
      throw .outOfRange("sendCapacity", sendCapacity, chunkDuration...Self.longestCapacity)
    }
    guard playout.capacity > .zero, playout.capacity <= Self.longestCapacity else {
      throw .outOfRange("playout.capacity", playout.capacity, .milliseconds(1)...Self.longestCapacity)
    }
    for (name, limit) in [
      ("startLimit", startLimit), ("answerLimit", answerLimit), ("stallLimit", stallLimit),
    ] where !Self.limits.contains(limit) {
      throw .outOfRange(name, limit, Self.limits)
    }
  }

  /// What bounds the memory of waiting audio.
  static let longestCapacity = Duration.seconds(3600)
  static let limits = Duration.milliseconds(10)...Duration.seconds(3600)
}

/// Why there is no such session.
public enum SessionConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The dialect is no service's.
  case noService
  case chunkDuration(ChunkerError)
  /// The dialect has no way to mark turns: the service finds them.
  case turnsAreTheServices(Dialect)
  case outOfRange(String, Duration, ClosedRange<Duration>)
  /// The microphone's channels.
  case input(SpeechChunkerError)

  public var description: String {
    switch self {
    case .noService: "'pcm' is no service's dialect"
    case .chunkDuration(let error): "\(error)"
    case .turnsAreTheServices(let dialect): "the service finds turns itself with '\(dialect.rawValue)'"
    case .outOfRange(let name, let value, let range):
      "\(name) of \(value) is outside of \(range.lowerBound) to \(range.upperBound)"
    case .input(let error): "\(error)"
    }
  }
}
