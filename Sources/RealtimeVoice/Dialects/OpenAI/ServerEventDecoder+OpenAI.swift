import AudioDSP

extension ServerEventDecoder {
  /// Events that the session has no use for, of both dialects: what they say is said by others too, or is of WebRTC,
  /// telephony or tools on servers (MCP).
  ///
  /// A function call is taken from `response.output_item.done` alone, which has its name in both dialects, and not from
  /// `response.function_call_arguments.done`, which in beta lacks it: so there is exactly one.
  static let ignoredOpenAITypes: Set<String> = [
    "conversation.created", "conversation.item.added", "conversation.item.created", "conversation.item.done",
    "conversation.item.input_audio_transcription.segment", "conversation.item.retrieved",
    "input_audio_buffer.dtmf_event_received", "input_audio_buffer.timeout_triggered", "mcp_list_tools.completed",
    "mcp_list_tools.failed", "mcp_list_tools.in_progress", "output_audio_buffer.cleared",
    "output_audio_buffer.started", "output_audio_buffer.stopped", "response.content_part.added",
    "response.content_part.done", "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.mcp_call.completed", "response.mcp_call.failed", "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta", "response.mcp_call_arguments.done", "response.output_item.added",
  ]

  static func openAI(_ object: JSONObject) throws(ServerEventDecodingError) -> ServerMessage {
    guard let type = try ServerEventFields(object, type: "").string("type") else {
      throw .missing(type: "", field: "type")
    }
    let fields = ServerEventFields(object, type: type)
    guard let event = try openAIEvent(type, fields) else {
      // What is unknown may hold anything under any name.
      let isIgnored = ignoredOpenAITypes.contains(type)
      return ServerMessage(
        eventID: object["event_id"]?.stringValue,
        events: [isIgnored ? .ignored(type: type) : .unknown(type: bounded(type))])
    }
    return ServerMessage(eventID: try fields.string("event_id"), events: [event])
  }

  /// The event; `nil` for one that is ignored or unknown.
  private static func openAIEvent(
    _ type: String, _ fields: ServerEventFields
  ) throws(ServerEventDecodingError) -> ServerEvent? {
    switch type {
    // The commonest first.
    case "response.output_audio.delta", "response.audio.delta":
      return .audio(
        AudioDelta(
          responseID: try fields.string("response_id"), itemID: try fields.string("item_id"),
          contentIndex: try fields.integer("content_index") ?? 0, bytes: try fields.base64("delta")))
    case "response.output_audio_transcript.delta", "response.audio_transcript.delta":
      return try text(fields, "delta", .assistant, isWhole: false)
    case "response.output_text.delta", "response.text.delta":
      return try text(fields, "delta", .assistant, isWhole: false, isTranscript: false)
    case "conversation.item.input_audio_transcription.delta":
      return try text(fields, "delta", .user, isWhole: false)

    case "session.created", "transcription_session.created": return .sessionStarted(try session(fields))
    case "session.updated", "transcription_session.updated": return .sessionUpdated(try session(fields))

    case "input_audio_buffer.speech_started":
      return .speechStarted(
        at: try fields.duration("audio_start_ms", unit: .milliseconds(1)), itemID: try fields.string("item_id"))
    case "input_audio_buffer.speech_stopped":
      return .speechStopped(
        at: try fields.duration("audio_end_ms", unit: .milliseconds(1)), itemID: try fields.string("item_id"))
    case "input_audio_buffer.committed": return .audioCommitted(itemID: try fields.string("item_id"))
    case "input_audio_buffer.cleared": return .audioCleared

    case "response.created": return .responseStarted(id: try fields.object("response")?.string("id"))
    case "response.output_audio.done", "response.audio.done":
      return .audioDone(itemID: try fields.string("item_id"))
    case "response.output_audio_transcript.done", "response.audio_transcript.done":
      return try text(fields, "transcript", .assistant, isWhole: true)
    case "response.output_text.done", "response.text.done":
      return try text(fields, "text", .assistant, isWhole: true, isTranscript: false)
    case "response.output_item.done": return try functionCall(fields)
    case "response.done": return .responseDone(try outcome(fields))

    case "conversation.item.input_audio_transcription.completed":
      return try text(fields, "transcript", .user, isWhole: true)
    case "conversation.item.truncated":
      let end = try fields.duration("audio_end_ms", unit: .milliseconds(1))
      return .itemTruncated(
        itemID: try fields.required(try fields.string("item_id"), "item_id"),
        audioEnd: try fields.required(end, "audio_end_ms"))
    case "conversation.item.deleted":
      return .itemDeleted(itemID: try fields.required(try fields.string("item_id"), "item_id"))

    case "rate_limits.updated":
      guard fields.contains("rate_limits") else { throw fields.missing("rate_limits") }
      var limits: [RateLimit] = []
      for limit in try fields.objects("rate_limits") {
        limits.append(
          RateLimit(
            name: try limit.string("name") ?? "", limit: try limit.integer("limit"),
            remaining: try limit.integer("remaining"),
            reset: try limit.duration("reset_seconds", unit: .seconds(1))))
      }
      return .rateLimits(limits)
    case "error", "conversation.item.input_audio_transcription.failed":
      // A complaint must not get lost, and some proxies send it as words.
      if let (_, value) = fields.value(["error"]), case .string(let message) = value {
        return .error(ServiceError(message: message))
      }
      guard let error = try fields.object("error") else { throw fields.missing("error") }
      return .error(try serviceError(error))
    default: return nil
    }
  }

  private static func text(
    _ fields: ServerEventFields, _ key: String, _ speaker: TextDelta.Speaker, isWhole: Bool, isTranscript: Bool = true
  ) throws(ServerEventDecodingError) -> ServerEvent {
    .text(
      TextDelta(
        speaker: speaker, responseID: try fields.string("response_id"), itemID: try fields.string("item_id"),
        text: try fields.required(try fields.string(key), key), isWhole: isWhole, isTranscript: isTranscript))
  }

  /// What a session is said to be. A format that is not known is left out: the one that was asked for stands.
  private static func session(_ fields: ServerEventFields) throws(ServerEventDecodingError) -> SessionAnnouncement {
    guard let session = try fields.object("session") else { throw fields.missing("session") }
    let audio = try session.object("audio")
    return SessionAnnouncement(
      id: try session.string("id"), expiresAt: try session.integer("expires_at"),
      inputFormat: try format(try audio?.object("input"), beta: session, "input_audio_format"),
      outputFormat: try format(try audio?.object("output"), beta: session, "output_audio_format"))
  }

  /// A format: an object in general availability, a name in beta.
  private static func format(
    _ side: ServerEventFields?, beta session: ServerEventFields, _ key: String
  ) throws(ServerEventDecodingError) -> AudioEvent.Format? {
    if let format = try side?.object("format") {
      guard let type = try format.string("type") else { return nil }
      let rate = try format.integer("rate").map { ";rate=\($0)" } ?? ""
      return try? AudioEvent.Format(mediaType: type + rate)
    }
    guard let name = try session.string(key) else { return nil }
    return try? AudioEvent.Format(openAIName: name)
  }

  /// A call of a whole item; `nil` for items of other kinds, and for one that was cut off, whose arguments are not
  /// whole.
  private static func functionCall(_ fields: ServerEventFields) throws(ServerEventDecodingError) -> ServerEvent? {
    guard let item = try fields.object("item") else { throw fields.missing("item") }
    guard try item.string("type") == "function_call", try item.string("status") != "incomplete" else {
      return .ignored(type: fields.type)
    }
    return .functionCall(
      FunctionCall(
        callID: try item.required(try item.string("call_id"), "call_id"),
        name: try item.required(try item.string("name"), "name"),
        arguments: try item.required(try item.json("arguments"), "arguments"),
        responseID: try fields.string("response_id"), itemID: try item.string("id")))
  }

  private static func outcome(_ fields: ServerEventFields) throws(ServerEventDecodingError) -> ResponseOutcome {
    guard let response = try fields.object("response") else { throw fields.missing("response") }
    let details = try response.object("status_details")
    let reason = try details?.string("reason")
    let status: ResponseOutcome.Status
    switch try response.required(try response.string("status"), "status") {
    case "completed": status = .completed
    case "cancelled": status = .cancelled(reason: reason)
    case "failed": status = .failed(try details?.object("error").map(serviceError))
    case "incomplete": status = .incomplete(reason: reason)
    // Whatever else is over is not complete.
    case let other: status = .incomplete(reason: reason ?? bounded(other))
    }
    return ResponseOutcome(
      responseID: try response.string("id"), status: status, usage: try response.object("usage").map(usage))
  }

  private static func serviceError(_ error: ServerEventFields) throws(ServerEventDecodingError) -> ServiceError {
    let (type, code) = (try error.string("type"), try error.text("code"))
    return ServiceError(
      type: type, code: code, message: try error.string("message") ?? code ?? type ?? "no reason given",
      parameter: try error.string("param"), eventID: try error.string("event_id"))
  }

  /// What was used. Tokens whose modality is not told are ``Usage/Tokens/unsplit``.
  private static func usage(_ usage: ServerEventFields) throws(ServerEventDecodingError) -> Usage {
    let inputDetails = try usage.object("input_token_details")
    let input = try tokens(inputDetails, total: try usage.count("input_tokens"))
    let output = try tokens(try usage.object("output_token_details"), total: try usage.count("output_tokens"))
    let cachedDetails = try inputDetails?.object("cached_tokens_details")
    let cachedTotal = try inputDetails?.count("cached_tokens") ?? 0
    // A bare sum is taken from text first: what is cached is the start of the conversation, its instructions.
    let cached = cachedDetails == nil ? input.first(cachedTotal) : try tokens(cachedDetails, total: cachedTotal)
    return Usage(input: input, cachedInput: cached, output: output)
  }

  private static func tokens(
    _ details: ServerEventFields?, total: Int?
  ) throws(ServerEventDecodingError) -> Usage.Tokens {
    guard let details, details.contains("text_tokens") || details.contains("audio_tokens") else {
      return Usage.Tokens(unsplit: total ?? 0)
    }
    return Usage.Tokens(
      text: try details.count("text_tokens") ?? 0, audio: try details.count("audio_tokens") ?? 0,
      image: try details.count("image_tokens") ?? 0)
  }
}

extension Usage.Tokens {
  /// `count` of these tokens, or all: of text first, then of audio, and of what is not told apart last.
  func first(_ count: Int) -> Usage.Tokens {
    let text = min(self.text, count)
    let audio = min(self.audio, count - text)
    let image = min(self.image, count - text - audio)
    return Usage.Tokens(
      text: text, audio: audio, image: image, unsplit: min(unsplit, count - text - audio - image))
  }
}

extension JSONValue {
  var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }
}
