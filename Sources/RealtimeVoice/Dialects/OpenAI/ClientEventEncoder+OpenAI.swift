import AudioDSP

extension ClientEventEncoder {
  /// Events of both dialects, whose sessions and words of the assistant differ.
  func openAI(_ event: ClientEvent) -> JSONObject? {
    switch event {
    case .configure(let settings):
      var session = dialect == .openAI ? Self.session(settings) : Self.betaSession(settings)
      session.merge(settings.extraObject)
      return ["type": "session.update", "session": .object(session)]
    case .commitAudio: return ["type": "input_audio_buffer.commit"]
    case .clearAudio: return ["type": "input_audio_buffer.clear"]
    case .createResponse: return ["type": "response.create"]
    case .cancelResponse(let id): return ["type": "response.cancel", "response_id": id.map(JSONValue.string)]
    case .truncateItem(let id, let contentIndex, let audioEnd):
      return [
        "type": "conversation.item.truncate", "item_id": .string(id), "content_index": .integer(contentIndex),
        "audio_end_ms": .integer(audioEnd),
      ]
    case .deleteItem(let id): return ["type": "conversation.item.delete", "item_id": .string(id)]
    case .functionResult(let result):
      return [
        "type": "conversation.item.create",
        "item": [
          "type": "function_call_output", "call_id": .string(result.callID), "output": .string(result.output),
        ],
      ]
    case .message(let message):
      let contentType: JSONValue =
        message.speaker == .user ? "input_text" : dialect == .openAI ? "output_text" : "text"
      return [
        "type": "conversation.item.create",
        "item": [
          "type": "message", "role": .string(message.speaker.rawValue),
          "content": [["type": contentType, "text": .string(message.text)]],
        ],
      ]
    // Marks of activity are of Gemini, pings of ElevenLabs, and messages go one by one.
    case .activityStart, .activityEnd, .audioStreamEnd, .history, .pong: return nil
    }
  }

  /// The session of general availability. The model is in the URL, and cannot be changed; temperature is gone.
  private static func session(_ settings: SessionSettings) -> JSONObject {
    var output: JSONObject = [
      "format": ["type": "audio/pcm", "rate": .integer(settings.outputRate.hertz)],
      "voice": settings.voice.map(JSONValue.string), "speed": settings.speed.map(JSONValue.real),
    ]
    if !settings.isSpoken { output = [:] }
    return [
      "type": "realtime",
      "output_modalities": [settings.isSpoken ? "audio" : "text"],
      "instructions": settings.instructions.map(JSONValue.string),
      "max_output_tokens": settings.maximumOutputTokens.map(JSONValue.integer),
      "tools": tools(settings), "tool_choice": settings.tools.isEmpty ? nil : "auto",
      "audio": [
        "input": [
          "format": ["type": "audio/pcm", "rate": .integer(settings.inputRate.hertz)],
          "transcription": transcription(settings, default: "gpt-transcribe"),
          "turn_detection": turnDetection(settings),
        ],
        "output": settings.isSpoken ? .object(output) : nil,
      ],
    ]
  }

  private static func betaSession(_ settings: SessionSettings) -> JSONObject {
    [
      "modalities": settings.isSpoken ? ["audio", "text"] : ["text"],
      "instructions": settings.instructions.map(JSONValue.string),
      "voice": settings.voice.map(JSONValue.string), "speed": settings.speed.map(JSONValue.real),
      "input_audio_format": "pcm16", "output_audio_format": "pcm16",
      "input_audio_transcription": transcription(settings, default: "whisper-1"),
      "turn_detection": turnDetection(settings),
      "tools": tools(settings), "tool_choice": settings.tools.isEmpty ? nil : "auto",
      "temperature": settings.temperature.map(JSONValue.real),
      "max_response_output_tokens": settings.maximumOutputTokens.map(JSONValue.integer),
    ]
  }

  /// The service takes no word for its own choice of a model, so one is named: `gpt-transcribe` is current and, unlike
  /// `gpt-live-transcribe` and `gpt-realtime-whisper`, works with turn detection on; `whisper-1` is the one that beta
  /// began with, and that compatible proxies know.
  private static func transcription(_ settings: SessionSettings, default name: String) -> JSONValue {
    guard let model = settings.transcriptionModel else { return .null }
    return [
      "model": .string(model.isEmpty ? name : model), "language": settings.language.map(JSONValue.string),
    ]
  }

  private static func turnDetection(_ settings: SessionSettings) -> JSONValue {
    switch settings.turnDetection {
    case .off: .null
    case .silence(let threshold, let prefixPadding, let silence, let createsResponse, let interruptsResponse):
      [
        "type": "server_vad", "threshold": .real(threshold),
        "prefix_padding_ms": .integer(prefixPadding.wholeMilliseconds),
        "silence_duration_ms": .integer(silence.wholeMilliseconds), "create_response": .bool(createsResponse),
        "interrupt_response": .bool(interruptsResponse),
      ]
    case .meaning(let eagerness, let createsResponse, let interruptsResponse):
      [
        "type": "semantic_vad", "eagerness": .string(eagerness), "create_response": .bool(createsResponse),
        "interrupt_response": .bool(interruptsResponse),
      ]
    }
  }

  /// Tools without the nesting of chat completions; `nil` where there are none.
  private static func tools(_ settings: SessionSettings) -> JSONValue? {
    guard !settings.tools.isEmpty else { return nil }
    return .array(
      settings.tools.map { tool in
        [
          "type": "function", "name": .string(tool.name), "description": .string(tool.description),
          "parameters": .object(tool.parametersObject),
        ]
      })
  }
}
