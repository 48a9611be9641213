/// What a ``Simulator`` does. All defaults are those of a well-behaved service.
public struct SimulatorConfiguration: Sendable {
  public enum Answer: Sendable {
    /// A sound like a voice, ``SimulatorConfiguration/answerDuration`` long.
    case voice
    /// The audio of the user's turn, byte for byte. Where a dialect's two formats differ (Gemini's 16 and 24 kHz) it is
    /// converted, with straight lines between samples: good enough to be recognised, not for measurements.
    case echo
  }

  public enum Pacing: Sendable {
    /// As fast as the client takes it, as OpenAI does: faster than real time.
    case asFastAsPossible
    /// A delta is sent when its first sample is due, less `lead`. Gemini then says `turnComplete` only when all has
    /// been played, as the real service does.
    case realTime(lead: Duration)
  }

  public init() {}

  /// Where to listen on 127.0.0.1; 0 for any free port.
  public var port = 0
  /// What goes wrong in each session; more can be asked for by a connection's query, `fault=NAME`.
  public var faults: [SimulatedFault] = []
  /// How often each fault happens in all of which ``SimulatedFault/needsNewConnection`` says that a client has to connect
  /// again after it; of ``SimulatedFault/rateLimit`` that is so in the sessions of Gemini and ElevenLabs, which it ends.
  public var newConnectionFaultLimit = 1
  public var answer = Answer.voice
  /// Of ``Answer/voice``; up to 10 min.
  public var answerDuration = Duration.seconds(2)
  public var pacing = Pacing.asFastAsPossible
  /// The model's time from a response's creation to its first audio.
  public var firstAudioDelay = Duration.zero
  /// Audio in one delta, 10 ms to 10 s.
  public var deltaDuration = Duration.milliseconds(100)
  /// When the service ends a connection; nil for what each does: 60 min, Gemini 10 min. OpenAI tells with an error
  /// `session_expired` and closes with 1001; Gemini sends `goAway` beforehand (10 s, or a fifth of shorter limits).
  public var sessionLimit: Duration?
  /// Where the client has declared such a tool, the first response of each session calls it.
  public var toolCall: SimulatedToolCall?
  /// Else any key is accepted, or none; a wrong one is refused with HTTP 401.
  public var requiredKey: String?
  /// What ElevenLabs' sessions announce: pcm_8000, 16000, 22050, 24000, 44100, 48000 or ulaw_8000.
  public var elevenLabsInputFormat = "pcm_16000"
  public var elevenLabsOutputFormat = "pcm_16000"
  /// How often ElevenLabs' sessions ask with `ping`; without a `pong` for ten times as long they close with 1008.
  public var pingInterval = Duration.seconds(2)
  /// After how long without audio, `user_activity` or any other message but `pong` ElevenLabs' sessions end. An `error`
  /// event of the type `transport_receive_timeout` comes first, then a close with 1002: which of its codes the service
  /// takes is not known.
  public var elevenLabsReceiveTimeout = Duration.seconds(60)
  /// Whether Gemini's messages come in binary frames, as the real service sends them; else in text frames.
  public var geminiUsesBinaryFrames = true
  /// Whether the journal has the user's audio, too, up to ``SimulatorJournal/Limits/allAudioBytes``, and not its length
  /// alone.
  public var keepsAudio = true
  /// Bytes of a WebSocket message. 15 MiB of audio are 20 MiB of base64; a little more must arrive to be refused in words.
  var messageLimit = 32 << 20
  /// Is told each session's start, turns and end in one line. Called on any thread, and must not block.
  public var log: (@Sendable (String) -> Void)?
}

/// A tool that the simulated model calls.
public struct SimulatedToolCall: Sendable, Equatable {
  /// nil for the first one that the client declares.
  public var name: String?
  /// JSON of an object.
  public var arguments: String

  public init(name: String? = nil, arguments: String = "{}") {
    self.name = name
    self.arguments = arguments
  }
}
