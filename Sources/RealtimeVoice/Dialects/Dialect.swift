import AudioDSP

/// What a service expects of a client that sends it audio.
///
/// The events and rates were read from the vendors' own SDK packages of November 2026 (PyPI `openai` 3.54.0,
/// `google-genai` 3.4.0, `elevenlabs` 2.78.0).
public enum Dialect: String, CaseIterable, Sendable {
  /// OpenAI Realtime, general availability.
  case openAI = "openai"
  /// OpenAI Realtime, beta: shut down at OpenAI in May 2026, still spoken by compatible proxies.
  case openAIBeta = "openai-beta"
  /// Gemini Live (BidiGenerateContent), with automatic activity detection disabled where turns are marked.
  case gemini
  /// ElevenLabs Agents (Conversational AI).
  case elevenLabs = "elevenlabs"
  /// No service: an event is the bare base64 text of its audio.
  case pcm

  /// The rate of 16-bit mono PCM that the service takes unless told otherwise.
  public var defaultRate: SampleRate {
    switch self {
    case .openAI, .openAIBeta, .pcm: .hz24000
    case .gemini, .elevenLabs: .hz16000
    }
  }

  /// The rates of 16-bit mono PCM that the service takes; `nil` where an event says its rate, or there is no service.
  public var legalRates: [Int]? {
    switch self {
    case .openAI, .openAIBeta: [24_000]
    case .elevenLabs: [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]
    case .gemini, .pcm: nil
    }
  }

  /// The least audio of a turn that ``AudioEventEncoder/turnEnd`` may close; the service answers less with an error.
  public var leastTurn: Duration {
    switch self {
    // "buffer too small. Expected at least 100ms of audio": OpenAI's input_audio_buffer_commit_empty.
    case .openAI, .openAIBeta: .milliseconds(100)
    case .gemini, .elevenLabs, .pcm: .zero
    }
  }
}
