/// What a session speaks; its connection's path decides.
public enum SimulatedDialect: String, CaseIterable, Sendable {
  /// OpenAI Realtime as generally available: `…/realtime`.
  case openAI = "openai"
  /// The same before that, as proxies still speak it: `…/realtime` with `OpenAI-Beta: realtime=v1` or the query item
  /// `dialect=openai-beta`.
  case openAIBeta = "openai-beta"
  /// Gemini Live: `…BidiGenerateContent`.
  case gemini
  /// ElevenLabs Agents: `/v1/convai/conversation`.
  case elevenLabs = "elevenlabs"

  /// A path and query that reach it.
  var path: String {
    switch self {
    case .openAI: "/v1/realtime?model=simulated"
    case .openAIBeta: "/v1/realtime?model=simulated&dialect=openai-beta"
    case .gemini: "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    case .elevenLabs: "/v1/convai/conversation?agent_id=simulated"
    }
  }
}
