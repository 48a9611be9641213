import AudioDSP

/// What a service says, in words that all dialects share: what ``ServerEventDecoder`` makes of a message.
///
/// A dialect that lacks an identifier leaves it out; the session gives its own.
public enum ServerEvent: Hashable, Sendable {
  /// The session exists: OpenAI's `session.created`, Gemini's `setupComplete`, ElevenLabs'
  /// `conversation_initiation_metadata`.
  case sessionStarted(SessionAnnouncement)
  /// The settings were taken.
  case sessionUpdated(SessionAnnouncement)
  /// The service's own detector hears speech that began `at` this place of all audio sent, prefix padding included.
  case speechStarted(at: Duration?, itemID: String?)
  /// The service's own detector has ended a turn.
  case speechStopped(at: Duration?, itemID: String?)
  /// The audio sent since the last commit has become an item of the conversation.
  case audioCommitted(itemID: String?)
  /// The audio sent since the last commit is forgotten.
  case audioCleared
  /// The service begins to answer.
  case responseStarted(id: String?)
  /// Audio of an answer.
  case audio(AudioDelta)
  /// No more audio of an item comes, as far as the service knows.
  case audioDone(itemID: String?)
  /// Words: of the user or of the answer, spoken or written.
  case text(TextDelta)
  /// A tool is to be called.
  case functionCall(FunctionCall)
  /// Calls whose results are not wanted any more.
  case functionCallsCancelled(ids: [String])
  /// The answer is over because the user speaks: Gemini's `interrupted`, ElevenLabs' `interruption`. Audio whose
  /// ``AudioDelta/sequence`` is at most `through` is not to be played.
  case interrupted(through: Int?)
  /// An answer is complete, or will not be completed.
  case responseDone(ResponseOutcome)
  /// An item was cut at this place.
  case itemTruncated(itemID: String, audioEnd: Duration)
  /// An item was deleted.
  case itemDeleted(itemID: String)
  /// What was used so far, where it comes by itself (Gemini).
  case usage(Usage)
  /// What is left of the service's limits.
  case rateLimits([RateLimit])
  /// The service complains. Most complaints leave the session as it is.
  case error(ServiceError)
  /// The service asks whether we are there; the answer carries the same number.
  case ping(eventID: Int)
  /// The connection ends soon.
  case goingAway(timeLeft: Duration?)
  /// A handle with which another connection can go on with this session; `nil` when there is none at this time.
  case resumption(handle: String?)
  /// An event that the dialect has and the session has no use for, such as `conversation.item.added`.
  case ignored(type: String)
  /// An event of a type that was not known when this was written. It is skipped; services add types at any time.
  case unknown(type: String)
}

/// What a service says of a session.
public struct SessionAnnouncement: Hashable, Sendable {
  public var id: String?
  /// When the session ends, in seconds since 1970 (OpenAI's `expires_at`).
  public var expiresAt: Int?
  /// The formats of audio in both directions, where they are named.
  public var inputFormat: AudioEvent.Format?
  public var outputFormat: AudioEvent.Format?

  public init(
    id: String? = nil, expiresAt: Int? = nil, inputFormat: AudioEvent.Format? = nil,
    outputFormat: AudioEvent.Format? = nil
  ) {
    self.id = id
    self.expiresAt = expiresAt
    self.inputFormat = inputFormat
    self.outputFormat = outputFormat
  }
}

/// Audio of an answer.
public struct AudioDelta: Hashable, Sendable {
  public var responseID: String?
  public var itemID: String?
  public var contentIndex: Int
  /// The decoded bytes. Services cut anywhere: they may start or end inside of a sample.
  public var bytes: [UInt8]
  /// Its own format, where it says one (Gemini's `mimeType`).
  public var format: AudioEvent.Format
  /// The number by which ElevenLabs orders audio and interruptions.
  public var sequence: Int?

  public init(
    responseID: String? = nil, itemID: String? = nil, contentIndex: Int = 0, bytes: [UInt8],
    format: AudioEvent.Format = AudioEvent.Format(), sequence: Int? = nil
  ) {
    self.responseID = responseID
    self.itemID = itemID
    self.contentIndex = contentIndex
    self.bytes = bytes
    self.format = format
    self.sequence = sequence
  }
}

/// Words of one side.
public struct TextDelta: Hashable, Sendable {
  /// Who said them.
  public enum Speaker: String, Hashable, Sendable { case user, assistant }

  public var speaker: Speaker
  public var responseID: String?
  public var itemID: String?
  public var text: String
  /// Whether `text` is the whole of the item's words; else it is what comes next.
  public var isWhole: Bool
  /// Whether the words were also spoken (a transcript), or are text only.
  public var isTranscript: Bool
  /// Whether `text` is what was heard of an answer that was interrupted, in place of what it was to be.
  public var isCorrection = false

  public init(
    speaker: Speaker, responseID: String? = nil, itemID: String? = nil, text: String, isWhole: Bool,
    isTranscript: Bool = true
  ) {
    self.speaker = speaker
    self.responseID = responseID
    self.itemID = itemID
    self.text = text
    self.isWhole = isWhole
    self.isTranscript = isTranscript
  }
}

/// A tool that the service wants to be called.
public struct FunctionCall: Hashable, Sendable {
  public var callID: String
  public var name: String
  /// A JSON object.
  public var arguments: String
  public var responseID: String?
  public var itemID: String?
  /// Whether the service waits for a result (ElevenLabs' `expects_response` may say that it does not).
  public var expectsResult: Bool

  public init(
    callID: String, name: String, arguments: String, responseID: String? = nil, itemID: String? = nil,
    expectsResult: Bool = true
  ) {
    self.callID = callID
    self.name = name
    self.arguments = arguments
    self.responseID = responseID
    self.itemID = itemID
    self.expectsResult = expectsResult
  }
}

/// How an answer ended.
public struct ResponseOutcome: Hashable, Sendable {
  public enum Status: Hashable, Sendable {
    case completed
    /// Cancelled by us, or by the service's own turn detection; the reason as the service gives it.
    case cancelled(reason: String?)
    /// Cut by a limit or a filter.
    case incomplete(reason: String?)
    case failed(ServiceError?)
  }

  public var responseID: String?
  public var status: Status
  /// What this answer used, where it is told with its end.
  public var usage: Usage?

  public init(responseID: String? = nil, status: Status, usage: Usage? = nil) {
    self.responseID = responseID
    self.status = status
    self.usage = usage
  }
}

/// A limit of the service's.
public struct RateLimit: Hashable, Sendable {
  public var name: String
  public var limit: Int?
  public var remaining: Int?
  public var reset: Duration?

  public init(name: String, limit: Int? = nil, remaining: Int? = nil, reset: Duration? = nil) {
    self.name = name
    self.limit = limit
    self.remaining = remaining
    self.reset = reset
  }
}

/// A complaint of the service's, in its own words.
public struct ServiceError: Error, Hashable, Sendable, CustomStringConvertible {
  public var type: String?
  public var code: String?
  public var message: String
  public var parameter: String?
  /// The `event_id` of the event of ours that it is about.
  public var eventID: String?

  public init(
    type: String? = nil, code: String? = nil, message: String, parameter: String? = nil, eventID: String? = nil
  ) {
    self.type = type
    self.code = code
    self.message = message
    self.parameter = parameter
    self.eventID = eventID
  }

  public var description: String { code.map { "\($0): \(message)" } ?? message }
}
