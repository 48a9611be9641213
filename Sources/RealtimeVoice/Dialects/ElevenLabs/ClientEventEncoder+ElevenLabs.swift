import AudioDSP

extension ClientEventEncoder {
  /// An agent's model, tools, turns and formats are set where it was made; a session overrides what the agent lets it.
  /// So only what is set is said, since the service refuses what it does not allow.
  static func elevenLabs(_ event: ClientEvent) -> JSONObject? {
    switch event {
    case .configure(let settings):
      var initiation: JSONObject = ["type": "conversation_initiation_client_data"]
      var overrides: JSONObject = [:]
      let agent: JSONObject = [
        "prompt": settings.instructions.map { ["prompt": .string($0)] },
        "language": settings.language.map(JSONValue.string),
      ]
      if agent != [:] { overrides["agent"] = .object(agent) }
      let speech: JSONObject = [
        "voice_id": settings.voice.map(JSONValue.string), "speed": settings.speed.map(JSONValue.real),
      ]
      if speech != [:] { overrides["tts"] = .object(speech) }
      if !settings.isSpoken { overrides["conversation"] = ["text_only": true] }
      if overrides != [:] { initiation["conversation_config_override"] = .object(overrides) }
      initiation.merge(settings.extraObject)
      return initiation
    case .functionResult(let result):
      return [
        "type": "client_tool_result", "tool_call_id": .string(result.callID), "result": .string(result.output),
        "is_error": .bool(result.isError),
      ]
    case .message(let message):
      switch message.speaker {
      case .user: return ["type": "user_message", "text": .string(message.text)]
      case .assistant: return contextualUpdate([message])
      }
    case .history(let messages): return messages.isEmpty ? nil : contextualUpdate(messages)
    case .pong(let eventID): return ["type": "pong", "event_id": .integer(eventID)]
    // The agent finds turns by itself, and corrects its own text when it is interrupted.
    case .commitAudio, .clearAudio, .activityStart, .activityEnd, .audioStreamEnd, .createResponse, .cancelResponse,
      .truncateItem, .deleteItem:
      return nil
    }
  }

  /// Words of before, as information that the agent does not answer.
  private static func contextualUpdate(_ messages: [HistoryMessage]) -> JSONObject {
    let lines = messages.map { "\($0.speaker == .user ? "User" : "Agent"): \($0.text)" }
    let text = "The conversation so far:\n" + lines.joined(separator: "\n")
    return ["type": "contextual_update", "text": .string(text)]
  }
}
