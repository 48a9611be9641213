import AudioDSP

extension ClientEventEncoder {
  /// A user's words go as `realtimeInput.text`, which the model answers at once: current models take `clientContent`
  /// for words of before only. So there is no event that asks for an answer, and none that cancels, cuts or deletes.
  static func gemini(_ event: ClientEvent) -> JSONObject? {
    switch event {
    case .configure(let settings): return ["setup": .object(geminiSetup(settings))]
    case .activityStart: return ["realtimeInput": ["activityStart": [:]]]
    case .activityEnd: return ["realtimeInput": ["activityEnd": [:]]]
    case .audioStreamEnd: return ["realtimeInput": ["audioStreamEnd": true]]
    case .functionResult(let result):
      return [
        "toolResponse": [
          "functionResponses": [
            [
              // Vertex gives calls no identifier.
              "id": result.callID.isEmpty ? nil : .string(result.callID), "name": .string(result.name),
              "response": .object(geminiResponse(result)),
            ]
          ]
        ]
      ]
    case .message(let message):
      switch message.speaker {
      case .user: return ["realtimeInput": ["text": .string(message.text)]]
      case .assistant: return geminiTurns([message])
      }
    case .history(let messages): return messages.isEmpty ? nil : geminiTurns(messages)
    case .commitAudio, .clearAudio, .createResponse, .cancelResponse, .truncateItem, .deleteItem, .pong: return nil
    }
  }

  /// Turns of before, which are not to be answered.
  private static func geminiTurns(_ messages: [HistoryMessage]) -> JSONObject {
    [
      "clientContent": [
        "turns": .array(
          messages.map { message in
            [
              "role": message.speaker == .user ? "user" : "model",
              "parts": [["text": .string(message.text)]],
            ]
          }),
        "turnComplete": false,
      ]
    ]
  }

  /// A response is an object: the output itself where it is one, else a member of one.
  private static func geminiResponse(_ result: FunctionResult) -> JSONObject {
    if result.isError { return ["error": .string(result.output)] }
    return JSONReader.object(result.output) ?? ["result": .string(result.output)]
  }

  private static func geminiSetup(_ settings: SessionSettings) -> JSONObject {
    var setup: JSONObject = [
      "model": settings.model.map { .string($0.contains("/") ? $0 : "models/\($0)") },
      "generationConfig": [
        "responseModalities": [settings.isSpoken ? "AUDIO" : "TEXT"],
        "speechConfig": settings.isSpoken
          ? settings.voice.map { ["voiceConfig": ["prebuiltVoiceConfig": ["voiceName": .string($0)]]] } : nil,
        "temperature": settings.temperature.map(JSONValue.real),
        "maxOutputTokens": settings.maximumOutputTokens.map(JSONValue.integer),
      ],
      "systemInstruction": settings.instructions.map { ["parts": [["text": .string($0)]]] },
      "tools": geminiTools(settings),
      "realtimeInputConfig": .object(geminiInput(settings.turnDetection)),
      // Always, so that there are handles for the next connection, and a session may be longer than its context.
      "sessionResumption": ["handle": settings.resumptionHandle.map(JSONValue.string)],
      "contextWindowCompression": ["slidingWindow": [:]],
      "inputAudioTranscription": settings.transcriptionModel == nil
        ? nil : ["languageCodes": settings.language.map { [.string($0)] }],
      "outputAudioTranscription": settings.isSpoken ? [:] : nil,
    ]
    setup.merge(settings.extraObject)
    return setup
  }

  /// Gemini answers whatever turn it finds, so `createsResponse` has no counterpart. Neither has OpenAI's prefix
  /// padding: `prefixPaddingMs` is the speech that must be there before a start counts.
  private static func geminiInput(_ detection: ServiceTurnDetection) -> JSONObject {
    switch detection {
    case .off: return ["automaticActivityDetection": ["disabled": true]]
    case .silence(_, _, let silence, _, let interruptsResponse):
      return [
        "automaticActivityDetection": ["disabled": false, "silenceDurationMs": .integer(silence.wholeMilliseconds)],
        "activityHandling": activityHandling(interruptsResponse),
      ]
    case .meaning(let eagerness, _, let interruptsResponse):
      // The nearest that there is: how soon a pause ends a turn.
      let sensitivity: JSONValue? =
        switch eagerness {
        case "low": "END_SENSITIVITY_LOW"
        case "high": "END_SENSITIVITY_HIGH"
        default: nil
        }
      return [
        "automaticActivityDetection": ["disabled": false, "endOfSpeechSensitivity": sensitivity],
        "activityHandling": activityHandling(interruptsResponse),
      ]
    }
  }

  private static func activityHandling(_ interruptsResponse: Bool) -> JSONValue {
    interruptsResponse ? "START_OF_ACTIVITY_INTERRUPTS" : "NO_INTERRUPTION"
  }

  private static func geminiTools(_ settings: SessionSettings) -> JSONValue? {
    guard !settings.tools.isEmpty else { return nil }
    let declarations = settings.tools.map { tool -> JSONValue in
      [
        "name": .string(tool.name), "description": .string(tool.description),
        // What takes nothing has no schema: Gemini refuses one of an object without properties.
        "parametersJsonSchema": tool.parameters.isEmpty ? nil : .object(tool.parametersObject),
      ]
    }
    return [["functionDeclarations": .array(declarations)]]
  }
}
