/// The fields that client events can have, and what they can be.
enum OpenAISchema {
  private static let formatRules: JSONRule = .typed([
    "audio/pcm": ["rate": .integer(24_000...24_000)], "audio/pcmu": [:], "audio/pcma": [:],
  ])

  private static let turnDetection: JSONRule = .nullable(
    .typed([
      "server_vad": [
        "threshold": .nullable(.number(0...1)), "prefix_padding_ms": .nullable(.integer(0...5000)),
        "silence_duration_ms": .nullable(.integer(0...10_000)), "idle_timeout_ms": .nullable(.integer(5000...30_000)),
        "create_response": .nullable(.bool), "interrupt_response": .nullable(.bool),
      ],
      "semantic_vad": [
        "eagerness": .nullable(.choice(["low", "medium", "high", "auto"])), "create_response": .nullable(.bool),
        "interrupt_response": .nullable(.bool),
      ],
    ]))

  private static let transcription: JSONRule = .nullable(
    .object([
      "model": .string, "language": .nullable(.string), "prompt": .nullable(.string), "delay": .anything,
      "languages": .nullable(.array(.string)), "keywords": .nullable(.array(.string)),
    ]))

  private static let noiseReduction: JSONRule = .nullable(
    .object(["type": .choice(["near_field", "far_field"]), "strength": .number(0...1)]))

  private static let input: JSONRule = .object([
    "format": formatRules, "noise_reduction": noiseReduction, "transcription": transcription,
    "turn_detection": turnDetection,
  ])

  private static let voice: JSONRule = .stringOr(.string, .object(["id": .string], required: ["id"]))

  private static let outputTokens: JSONRule = .stringOr(.choice(["inf"]), .integer(1...32_000))

  private static let tool: JSONRule = .typed([
    "function": ["name": .string, "description": .nullable(.string), "parameters": .dictionary],
    "mcp": [
      "server_label": .string, "server_url": .string, "server_description": .string, "connector_id": .string,
      "authorization": .string, "allowed_tools": .anything, "headers": .anything, "require_approval": .anything,
      "defer_loading": .bool,
    ],
  ])

  private static let toolChoice: JSONRule = .stringOr(.choice(["none", "auto", "required"]), .dictionary)

  private static let audioModalities: JSONRule = .array(.choice(["text", "audio"]))

  static let session: JSONRule = .object(
    [
      "type": .string, "model": .string, "output_modalities": audioModalities, "instructions": .nullable(.string),
      "max_output_tokens": outputTokens, "tool_choice": toolChoice, "tools": .nullable(.array(tool)),
      "truncation": .stringOr(.choice(["auto", "disabled"]), .dictionary), "parallel_tool_calls": .bool,
      "reasoning": .nullable(.dictionary), "tracing": .nullable(.anything), "prompt": .nullable(.dictionary),
      "include": .nullable(.array(.string)),
      "audio": .object([
        "input": input, "output": .object(["format": formatRules, "voice": voice, "speed": .number(0.25...1.5)]),
      ]),
    ], required: ["type"])

  static let transcriptionSession: JSONRule = .object(
    ["type": .string, "audio": .object(["input": input]), "include": .nullable(.array(.string))], required: ["type"])

  private static let betaFormat: JSONRule = .choice(["pcm16", "g711_ulaw", "g711_alaw"])

  static let betaSession: JSONRule = .object([
    "model": .string, "modalities": audioModalities, "instructions": .nullable(.string), "voice": .string,
    "input_audio_format": betaFormat, "output_audio_format": betaFormat, "input_audio_transcription": transcription,
    "input_audio_noise_reduction": noiseReduction, "turn_detection": turnDetection, "tools": .nullable(.array(tool)),
    "tool_choice": .string, "temperature": .number(0.6...1.2), "max_response_output_tokens": outputTokens,
    "speed": .number(0.25...1.5), "tracing": .nullable(.anything),
  ])

  static let betaTranscriptionSession: JSONRule = .object([
    "input_audio_format": betaFormat, "input_audio_transcription": transcription,
    "input_audio_noise_reduction": noiseReduction, "turn_detection": turnDetection,
    "include": .nullable(.array(.string)),
  ])

  static let response: JSONRule = .object([
    "conversation": .choice(["auto", "none"]), "input": .array(.dictionary), "instructions": .nullable(.string),
    "max_output_tokens": outputTokens, "metadata": .nullable(.dictionary), "output_modalities": audioModalities,
    "prompt": .nullable(.dictionary), "tool_choice": toolChoice, "tools": .array(tool), "parallel_tool_calls": .bool,
    "reasoning": .nullable(.dictionary),
    "audio": .object(["output": .object(["format": formatRules, "voice": voice])]),
  ])

  static let betaResponse: JSONRule = .object([
    "conversation": .choice(["auto", "none"]), "input": .array(.dictionary), "instructions": .nullable(.string),
    "max_response_output_tokens": outputTokens, "max_output_tokens": outputTokens, "metadata": .nullable(.dictionary),
    "modalities": audioModalities, "tool_choice": .string, "tools": .array(tool), "voice": .string,
    "output_audio_format": betaFormat, "temperature": .number(0.6...1.2),
  ])

  /// The fields of each client event but `type` and `event_id`.
  static func fields(of type: String, isBeta: Bool) -> (rules: [String: JSONRule], required: [String])? {
    switch type {
    case "session.update": (["session": .dictionary], ["session"])
    case "transcription_session.update" where isBeta: (["session": .dictionary], ["session"])
    case "input_audio_buffer.append": (["audio": .string], ["audio"])
    case "input_audio_buffer.commit", "input_audio_buffer.clear", "output_audio_buffer.clear": ([:], [])
    case "conversation.item.create": (["item": .dictionary, "previous_item_id": .nullable(.string)], ["item"])
    case "conversation.item.delete", "conversation.item.retrieve": (["item_id": .string], ["item_id"])
    case "conversation.item.truncate":
      (
        ["item_id": .string, "content_index": .integer(0...Int.max), "audio_end_ms": .integer(0...Int.max)],
        ["item_id", "content_index", "audio_end_ms"]
      )
    case "response.create": (["response": .nullable(isBeta ? betaResponse : response)], [])
    case "response.cancel": (["response_id": .nullable(.string)], [])
    default: nil
    }
  }

  static func eventTypes(isBeta: Bool) -> [String] {
    isBeta ? eventTypes + ["transcription_session.update"] : eventTypes
  }

  private static let eventTypes = [
    "session.update", "input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear",
    "output_audio_buffer.clear", "conversation.item.create", "conversation.item.delete", "conversation.item.retrieve",
    "conversation.item.truncate", "response.create", "response.cancel",
  ]
}
