import AudioDSP

extension ServerEventDecoder {
  /// Events that the session has no use for.
  static let ignoredElevenLabsTypes: Set<String> = [
    "agent_chat_response_part", "agent_response_complete", "agent_response_metadata", "agent_tool_request",
    "agent_tool_response",
    "agent_tool_response_full_payload", "asr_initiation_metadata", "context_usage", "conversation_metadata",
    "dtmf_request", "guardrail_triggered", "internal_tentative_agent_response",
    "internal_turn_probability", "internal_vad_score", "mcp_connection_status", "mcp_tool_call",
    "tentative_user_transcript", "turn_probability", "vad_score",
  ]

  static func elevenLabs(_ object: JSONObject) throws(ServerEventDecodingError) -> ServerMessage {
    guard let type = try ServerEventFields(object, type: "").string("type") else {
      throw .missing(type: "", field: "type")
    }
    let fields = ServerEventFields(object, type: type)
    func part(_ key: String) throws(ServerEventDecodingError) -> ServerEventFields {
      try fields.required(try fields.object(key), key)
    }
    func words(
      _ part: ServerEventFields, _ key: String, _ speaker: TextDelta.Speaker
    ) throws(ServerEventDecodingError) -> ServerEvent {
      let text = try part.required(try part.string(key), key)
      return .text(TextDelta(speaker: speaker, text: text, isWhole: true))
    }

    let event: ServerEvent
    var id: String?
    switch type {
    case "audio":
      let audio = try part("audio_event")
      let number = try audio.numberOfEvent()
      let bytes = try audio.base64("audio_base_64")
      event = .audio(AudioDelta(bytes: bytes, sequence: number))
      // The chunk's place in the sequence of all (API reference, "Agent WebSockets", audio). Together with what it holds,
      // should a number be an answer's: then only what is the same twice is taken for a repetition.
      id = number.map { "audio \($0) \(bytes.count) \(fingerprint(of: bytes))" }
    case "conversation_initiation_metadata":
      let metadata = try part("conversation_initiation_metadata_event")
      event = .sessionStarted(
        SessionAnnouncement(
          id: try metadata.string("conversation_id"),
          inputFormat: try format(metadata, "user_input_audio_format"),
          outputFormat: try format(metadata, "agent_output_audio_format")))
    case "agent_response": event = try words(try part("agent_response_event"), "agent_response", .assistant)
    case "agent_response_correction":
      event = try words(try part("agent_response_correction_event"), "corrected_agent_response", .assistant)
    case "user_transcript": event = try words(try part("user_transcription_event"), "user_transcript", .user)
    case "interruption":
      event = .interrupted(through: try fields.object("interruption_event")?.numberOfEvent())
    case "ping":
      let ping = try part("ping_event")
      event = .ping(eventID: try ping.required(try ping.numberOfEvent(), "event_id"))
    case "client_tool_call":
      let call = try part("client_tool_call")
      event = .functionCall(
        FunctionCall(
          callID: try call.required(try call.string("tool_call_id"), "tool_call_id"),
          name: try call.required(try call.string("tool_name"), "tool_name"),
          arguments: try call.json("parameters") ?? "{}",
          expectsResult: call.contains("expects_response") ? try call.bool("expects_response") : true))
    case "client_error", "error":
      event = .error(try complaint(fields))
    default:
      event = ignoredElevenLabsTypes.contains(type) ? .ignored(type: type) : .unknown(type: bounded(type))
    }
    return ServerMessage(eventID: id, events: [event])
  }

  /// FNV-1a of 64 bits (draft-eastlake-fnv-17, 2019).
  private static func fingerprint(of bytes: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
  }

  /// A complaint, whose fields stand inside of another object or beside the type.
  private static func complaint(_ fields: ServerEventFields) throws(ServerEventDecodingError) -> ServiceError {
    let error = try fields.object("error_event", "client_error_event") ?? fields
    let code = try error.text("code")
    let (message, reason) = (try error.text("message"), try error.text("reason"))
    return ServiceError(
      type: try error.text("error_type"), code: code, message: message ?? reason ?? code ?? "no reason given")
  }

  /// The format that the service chose: one that cannot be had is an error, since it is what will come.
  private static func format(
    _ metadata: ServerEventFields, _ key: String
  ) throws(ServerEventDecodingError) -> AudioEvent.Format? {
    guard let name = try metadata.string(key) else { return nil }
    guard let format = try? AudioEvent.Format(elevenLabsName: name) else {
      throw .unsupportedFormat(type: metadata.type, field: metadata.field(key))
    }
    return format
  }
}

extension ServerEventFields {
  /// ElevenLabs' `event_id`, which may stand as its text.
  fileprivate func numberOfEvent() throws(ServerEventDecodingError) -> Int? {
    if let (_, value) = value(["event_id"]), case .string(let text) = value {
      guard let number = Int(text) else { throw wrong("event_id", "an integer") }
      return number
    }
    return try integer("event_id")
  }
}
