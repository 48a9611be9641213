import AudioDSP

extension ServerEventDecoder {
  /// A message may hold several things, which in an object have no order. They are told in the order in which a session
  /// can take them: words and audio before what ends them, use before the end of what used it.
  ///
  /// `generationComplete` is the end of an answer's audio, `turnComplete` that of the answer, which was cancelled if
  /// the same message says `interrupted`.
  static func gemini(_ object: JSONObject) throws(ServerEventDecodingError) -> ServerMessage {
    var events: [ServerEvent] = []
    let message = ServerEventFields(object, type: "")
    func part(_ name: String, _ snakeName: String) throws(ServerEventDecodingError) -> ServerEventFields? {
      guard let (key, value) = message.value([name, snakeName]) else { return nil }
      guard case .object(let inner) = value else {
        throw .wrongType(type: name, field: key, expected: "an object")
      }
      return ServerEventFields(inner, type: name, path: key)
    }

    if let setup = try part("setupComplete", "setup_complete") {
      events.append(.sessionStarted(SessionAnnouncement(id: try setup.string("sessionId", "session_id"))))
    }
    if let update = try part("sessionResumptionUpdate", "session_resumption_update") {
      let handle = try update.string("newHandle", "new_handle")
      // What is false may be left out, together with an empty handle.
      let isResumable = update.contains("resumable") ? try update.bool("resumable") : handle != nil
      events.append(.resumption(handle: isResumable && handle != "" ? handle : nil))
    }
    if let activity = try part("voiceActivity", "voice_activity") {
      try append(activity: activity, to: &events)
    }
    let content = try part("serverContent", "server_content")
    if let content { try append(content: content, to: &events) }
    if let call = try part("toolCall", "tool_call") {
      for call in try call.objects("functionCalls", "function_calls") {
        events.append(
          .functionCall(
            FunctionCall(
              callID: try call.string("id") ?? "", name: try call.required(try call.string("name"), "name"),
              arguments: try call.json("args") ?? "{}")))
      }
    }
    if let cancellation = try part("toolCallCancellation", "tool_call_cancellation") {
      events.append(.functionCallsCancelled(ids: try cancellation.strings("ids")))
    }
    if let metadata = try part("usageMetadata", "usage_metadata") {
      events.append(.usage(try usage(metadata)))
    }
    if let error = try part("error", "error") {
      let status = try error.string("status")
      events.append(
        .error(ServiceError(code: status, message: try error.string("message") ?? status ?? "no reason given")))
    }
    if let content, try content.bool("turnComplete", "turn_complete") {
      let status: ResponseOutcome.Status =
        try content.bool("interrupted") ? .cancelled(reason: "interrupted") : .completed
      events.append(.responseDone(ResponseOutcome(status: status)))
    }
    if let goAway = try part("goAway", "go_away") {
      events.append(.goingAway(timeLeft: try seconds(goAway, "timeLeft", "time_left")))
    }

    for key in message.keys where !knownGeminiKeys.contains(key) { events.append(.unknown(type: bounded(key))) }
    return ServerMessage(events: events)
  }

  private static let knownGeminiKeys: Set<String> = [
    "setupComplete", "setup_complete", "sessionResumptionUpdate", "session_resumption_update", "voiceActivity",
    "voice_activity", "voiceActivityDetectionSignal", "voice_activity_detection_signal", "serverContent",
    "server_content", "toolCall", "tool_call", "toolCallCancellation", "tool_call_cancellation", "usageMetadata",
    "usage_metadata", "error", "goAway", "go_away",
  ]

  private static func append(
    content: ServerEventFields, to events: inout [ServerEvent]
  ) throws(ServerEventDecodingError) {
    if let words = try content.object("inputTranscription", "input_transcription") {
      try append(words: words, .user, to: &events)
    }
    for part in try content.object("modelTurn", "model_turn")?.objects("parts") ?? [] {
      if let blob = try part.object("inlineData", "inline_data") { try append(blob: blob, to: &events) }
      // Thoughts are not said.
      if let text = try part.string("text"), !text.isEmpty, try !part.bool("thought") {
        events.append(.text(TextDelta(speaker: .assistant, text: text, isWhole: false, isTranscript: false)))
      }
    }
    if let words = try content.object("outputTranscription", "output_transcription") {
      try append(words: words, .assistant, to: &events)
    }
    if try content.bool("interrupted") { events.append(.interrupted(through: nil)) }
    if try content.bool("generationComplete", "generation_complete") { events.append(.audioDone(itemID: nil)) }
  }

  private static func append(
    words: ServerEventFields, _ speaker: TextDelta.Speaker, to events: inout [ServerEvent]
  ) throws(ServerEventDecodingError) {
    guard let text = try words.string("text"), !text.isEmpty else { return }
    events.append(.text(TextDelta(speaker: speaker, text: text, isWhole: false)))
  }

  private static func append(
    blob: ServerEventFields, to events: inout [ServerEvent]
  ) throws(ServerEventDecodingError) {
    let key = blob.contains("mimeType") ? "mimeType" : "mime_type"
    guard let type = try blob.string(key), type.lowercased().hasPrefix("audio/") else { return }
    guard let format = try? AudioEvent.Format(mediaType: type) else {
      throw .unsupportedFormat(type: blob.type, field: blob.field(key))
    }
    let bytes = try blob.base64("data", isURLSafe: true)
    guard !bytes.isEmpty else { return }
    events.append(.audio(AudioDelta(bytes: bytes, format: format)))
  }

  private static func append(
    activity: ServerEventFields, to events: inout [ServerEvent]
  ) throws(ServerEventDecodingError) {
    let place = try seconds(activity, "audioOffset", "audio_offset")
    switch try activity.string("voiceActivityType", "voice_activity_type") {
    case "ACTIVITY_START": events.append(.speechStarted(at: place, itemID: nil))
    case "ACTIVITY_END": events.append(.speechStopped(at: place, itemID: nil))
    default: events.append(.ignored(type: activity.type))
    }
  }

  /// A time as Google's services write it: "50s", "1.5s".
  private static func seconds(
    _ fields: ServerEventFields, _ keys: String...
  ) throws(ServerEventDecodingError) -> Duration? {
    guard let (key, value) = fields.value(keys) else { return nil }
    guard case .string(let text) = value, text.hasSuffix("s"), let number = Double(text.dropLast()),
      number.magnitude <= 1e9
    else { throw fields.wrong(key, "a time in seconds") }
    return .microseconds(Int((number * 1e6).rounded()))
  }

  /// What was used: tools' results are given to the model as the prompt is, thoughts are made as text is.
  private static func usage(_ usage: ServerEventFields) throws(ServerEventDecodingError) -> Usage {
    let prompt = try tokens(
      try usage.objects("promptTokensDetails", "prompt_tokens_details"),
      total: try usage.count("promptTokenCount", "prompt_token_count"))
    let tools = try tokens(
      try usage.objects("toolUsePromptTokensDetails", "tool_use_prompt_tokens_details"),
      total: try usage.count("toolUsePromptTokenCount", "tool_use_prompt_token_count"))
    // Vertex calls them those of candidates.
    var output = try tokens(
      try usage.objects(
        "responseTokensDetails", "response_tokens_details", "candidatesTokensDetails", "candidates_tokens_details"),
      total: try usage.count(
        "responseTokenCount", "response_token_count", "candidatesTokenCount", "candidates_token_count"))
    output.text += try usage.count("thoughtsTokenCount", "thoughts_token_count") ?? 0
    let cachedDetails = try usage.objects("cacheTokensDetails", "cache_tokens_details")
    let cachedTotal = try usage.count("cachedContentTokenCount", "cached_content_token_count") ?? 0
    let cached = cachedDetails.isEmpty ? prompt.first(cachedTotal) : try tokens(cachedDetails, total: cachedTotal)
    return Usage(input: prompt + tools, cachedInput: cached, output: output)
  }

  /// Tokens whose modality is not told are ``Usage/Tokens/unsplit``.
  private static func tokens(
    _ details: [ServerEventFields], total: Int?
  ) throws(ServerEventDecodingError) -> Usage.Tokens {
    guard !details.isEmpty else { return Usage.Tokens(unsplit: total ?? 0) }
    var tokens = Usage.Tokens()
    for detail in details {
      let count = try detail.count("tokenCount", "token_count") ?? 0
      switch try detail.string("modality") {
      case "AUDIO": tokens.audio += count
      // Frames of video are images.
      case "IMAGE", "VIDEO": tokens.image += count
      default: tokens.text += count
      }
    }
    return tokens
  }
}
