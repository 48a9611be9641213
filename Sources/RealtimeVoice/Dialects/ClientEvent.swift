import AudioDSP

/// What a session says to a service, audio apart (``AudioEventEncoder``), in words that all dialects share:
/// ``ClientEventEncoder`` writes them.
public enum ClientEvent: Hashable, Sendable {
  /// The first event of a connection, and OpenAI's `session.update` later on.
  case configure(SessionSettings)
  /// The audio since the last commit is a turn of the user's (OpenAI's `input_audio_buffer.commit`).
  case commitAudio
  /// The audio since the last commit is forgotten (OpenAI's `input_audio_buffer.clear`).
  case clearAudio
  /// The user starts to speak (Gemini's `activityStart`).
  case activityStart
  /// The user has spoken (Gemini's `activityEnd`).
  case activityEnd
  /// The microphone is off for a while (Gemini's `audioStreamEnd`).
  case audioStreamEnd
  /// An answer is wanted.
  case createResponse
  /// An answer is not wanted any more.
  case cancelResponse(id: String?)
  /// Only the start of an item was heard.
  case truncateItem(id: String, contentIndex: Int, audioEndInMilliseconds: Int)
  /// Nothing of an item was heard.
  case deleteItem(id: String)
  /// What a tool returned.
  case functionResult(FunctionResult)
  /// Something written by the user, or said before on another connection.
  case message(HistoryMessage)
  /// Turns of another connection, all at once (Gemini's `clientContent`).
  case history([HistoryMessage])
  /// The answer to a ping.
  case pong(eventID: Int)
}

/// What a tool returned.
public struct FunctionResult: Hashable, Sendable {
  public var callID: String
  public var name: String
  /// Text; JSON where the tool returns more than words.
  public var output: String
  /// Whether it is an error that the model should know of.
  public var isError: Bool

  public init(callID: String, name: String, output: String, isError: Bool = false) {
    self.callID = callID
    self.name = name
    self.output = output
    self.isError = isError
  }
}

/// Words of a conversation.
public struct HistoryMessage: Hashable, Sendable {
  public var speaker: TextDelta.Speaker
  public var text: String

  public init(speaker: TextDelta.Speaker, text: String) {
    self.speaker = speaker
    self.text = text
  }
}

/// What a service is told of a session when it starts. What is `nil` is left to the service.
public struct SessionSettings: Hashable, Sendable {
  /// The model, where the dialect says it in an event (OpenAI GA's `session.model` is said in the URL; Gemini's here).
  public var model: String?
  public var instructions: String?
  public var voice: String?
  /// The language of the user's speech, as ISO 639-1.
  public var language: String?
  /// The model that writes down what the user says; `nil` asks for no transcript of the user's speech, an empty name
  /// for the service's own.
  public var transcriptionModel: String?
  public var turnDetection: ServiceTurnDetection
  public var tools: [ToolDescription]
  public var inputRate: SampleRate
  public var outputRate: SampleRate
  public var temperature: Double?
  public var speed: Double?
  public var maximumOutputTokens: Int?
  /// Whether answers are spoken (with a transcript), or text only.
  public var isSpoken: Bool
  /// Gemini: the handle of the session that goes on.
  public var resumptionHandle: String?
  /// What else the dialect's settings object shall hold: a JSON object that is merged into `session` (OpenAI), `setup`
  /// (Gemini) or the first event (ElevenLabs), and wins.
  public var extra: String?

  public init(
    model: String? = nil, instructions: String? = nil, voice: String? = nil, language: String? = nil,
    transcriptionModel: String? = "", turnDetection: ServiceTurnDetection = .off, tools: [ToolDescription] = [],
    inputRate: SampleRate = .hz24000, outputRate: SampleRate = .hz24000, temperature: Double? = nil,
    speed: Double? = nil, maximumOutputTokens: Int? = nil, isSpoken: Bool = true, resumptionHandle: String? = nil,
    extra: String? = nil
  ) {
    self.model = model
    self.instructions = instructions
    self.voice = voice
    self.language = language
    self.transcriptionModel = transcriptionModel
    self.turnDetection = turnDetection
    self.tools = tools
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.temperature = temperature
    self.speed = speed
    self.maximumOutputTokens = maximumOutputTokens
    self.isSpoken = isSpoken
    self.resumptionHandle = resumptionHandle
    self.extra = extra
  }
}

/// How a service finds turns by itself.
public enum ServiceTurnDetection: Hashable, Sendable {
  /// It does not: the client marks turns.
  case off
  /// By silence. OpenAI's documentation gives different defaults for the silence in different places (200 and 500 ms), so
  /// all numbers are always sent.
  case silence(
    threshold: Double = 0.5, prefixPadding: Duration = .milliseconds(300), silence: Duration = .milliseconds(500),
    createsResponse: Bool = true, interruptsResponse: Bool = true)
  /// By meaning (OpenAI's `semantic_vad`): `low`, `medium`, `high` or `auto`.
  case meaning(eagerness: String = "auto", createsResponse: Bool = true, interruptsResponse: Bool = true)
}

/// A tool as a service is told of it.
public struct ToolDescription: Hashable, Sendable {
  public var name: String
  public var description: String
  /// A JSON schema of an object: what the tool takes.
  public var parameters: String

  public init(name: String, description: String, parameters: String) {
    self.name = name
    self.description = description
    self.parameters = parameters
  }
}
