extension OpenAISession {
  /// The model answers a turn, or will when it has finished what it says.
  func respondToTurn(at time: UInt64) {
    if active != nil {
      isResponseWaiting = true
    } else {
      respond(JSONObject(), at: time)
    }
  }

  /// How many responses can be made at a time that do not join the conversation. The service's own limit is not known.
  private static var outsiderLimit: Int { 16 }

  func createResponse(_ parameters: JSONObject, at time: UInt64) throws(ServiceError) {
    if settings.isTranscription {
      throw ServiceError(
        code: "invalid_value", message: "A transcription session creates no responses.", parameter: "type")
    }
    if let modalities = parameters[isBeta ? "modalities" : "output_modalities"]?.array {
      try checkModalities(modalities)
    }
    try checkMetadata(parameters["metadata"])
    if parameters["conversation"]?.string == "none" {
      guard outsiders.count < Self.outsiderLimit else {
        throw ServiceError(
          code: "rate_limit_exceeded",
          message: "There are \(Self.outsiderLimit) responses in progress outside of the conversation already.")
      }
    } else if let active {
      throw ServiceError(
        code: "conversation_already_has_active_response",
        message: "Conversation already has an active response in progress: \(active.id). Wait until the response is "
          + "finished before creating a new one.")
    }
    let input = parameters["input"]?.array
    respond(parameters, to: try input.map { input throws(ServiceError) in try parsed(input: input) }, at: time)
  }

  /// 16 pairs, of names up to 64 characters and strings up to 512.
  private func checkMetadata(_ value: JSONValue?) throws(ServiceError) {
    let path = "response.metadata"
    guard let metadata = value?.object else { return }
    guard metadata.members.count <= 16 else {
      throw ServiceError(
        code: "object_above_max_properties",
        message: "Invalid '\(path)': too many properties. Expected an object with at most 16 properties, but got an "
          + "object with \(metadata.members.count) properties instead.", parameter: path)
    }
    for (key, value) in metadata.members {
      let place = "\(path).\(key)"
      guard let text = value.string else { throw JSONRule.wrongType(place, "a string", value) }
      for (length, limit) in [(key.count, 64), (text.count, 512)] where length > limit {
        throw ServiceError(
          code: "string_above_max_length",
          message: "Invalid '\(place)': string too long. Expected a string with maximum length \(limit), but got a "
            + "string with length \(length) instead.", parameter: place)
      }
    }
  }

  /// - Parameter input: What it is an answer to; nil for the conversation.
  private func respond(
    _ parameters: JSONObject, to input: (items: [ConversationItem], impression: Impression)? = nil, at time: UInt64
  ) {
    let response = makeResponse(parameters, to: input, at: time)
    if response.isInConversation {
      stopAwaitingSpeech()
      active = response
    } else {
      outsiders.append(response)
    }
    context.recorder.created(response: response.id, at: time)
    context.log("response \(response.id) begins")
    if input == nil {
      for index in items.indices { items[index].isCached = true }
      isFirstInput = false
    }
    var faults: [SimulatedFault] = []
    if case .message = response.item.body { faults = context.takeFaults() }
    if faults.contains(.rateLimit) { return failForRate(response) }
    var deltaByteCount = response.format.byteCount(of: context.configuration.deltaDuration)
    deltaByteCount = max(response.format.bytesPerSample, deltaByteCount)
    var steps = response.steps(deltaByteCount: deltaByteCount)
    for fault in faults {
      OpenAIResponse.edit(&steps, by: fault)
      let tellsItself: [SimulatedFault] = [
        .malformedJSON, .binaryFrame, .badBase64, .hugeFrame, .sessionExpired, .stall,
      ]
      if !fault.needsNewConnection, !tellsItself.contains(fault), fault != .slowRead, fault != .delayedAcknowledgement {
        context.show(fault)
      }
    }
    let player = StepPlayer(steps, context: context) { [weak self] step in
      self?.perform(step, of: response) ?? .stop
    }
    response.player = player
    if response.isInConversation {
      self.player?.stop()
      self.player = player
    } else {
      outsidePlayers.removeAll { !$0.isRunning }
      outsidePlayers.append(player)
    }
    player.play()
  }

  private func makeResponse(
    _ parameters: JSONObject, to own: (items: [ConversationItem], impression: Impression)?, at time: UInt64
  ) -> OpenAIResponse {
    let impression = own?.impression ?? impression
    let isInConversation = parameters["conversation"]?.string != "none"
    let modalities = (parameters[isBeta ? "modalities" : "output_modalities"] ?? settings.modalities).array ?? []
    let isText = modalities == ["text"]
    let maximum =
      parameters["max_output_tokens"] ?? parameters["max_response_output_tokens"] ?? settings.maximumOutputTokens
    let instructions = parameters["instructions"]?.string ?? settings.instructions
    let (input, cached) = inputTokens(instructions, own?.items)
    let itemID = context.identifier("item")
    let format = settings.outputFormat
    let call = isInConversation ? callOfTool() : nil
    let body: ConversationItem.Body
    let text: String
    var audio: [UInt8] = []
    if let call {
      text = call.arguments
      body = .functionCall(name: call.name ?? "", callID: context.identifier("call"), arguments: "")
    } else {
      text = impression.answer
      let kind: ConversationItem.Part.Kind = isText ? .outputText : .outputAudio
      body = .message(role: "assistant", parts: [ConversationItem.Part(kind: kind, text: "", format: format)])
      if !isText { audio = sound(format, echoing: impression.turn) }
    }
    var isCutOff = false
    if let limit = maximum.integer, !isText, call == nil {
      let byteCount = limit * 50 * format.rate / 1000 * format.bytesPerSample
      isCutOff = byteCount < audio.count
      if isCutOff { audio.removeLast(audio.count - byteCount) }
    }
    let response = OpenAIResponse(
      id: context.identifier("resp"), item: ConversationItem(id: itemID, status: "in_progress", body: body),
      isInConversation: isInConversation, isText: isText, metadata: parameters["metadata"] ?? .null,
      maximumOutputTokens: maximum, createTime: time, format: format, audio: audio, pieces: Hearing.pieces(text),
      input: input, cached: cached)
    response.isCutOff = isCutOff
    return response
  }

  /// The tool that the model is to call now.
  private func callOfTool() -> SimulatedToolCall? {
    guard let wanted = context.configuration.toolCall, !hasCalledTool else { return nil }
    let names = settings.tools.compactMap { $0["name"]?.string }
    guard let name = wanted.name.map({ names.contains($0) ? $0 : nil }) ?? names.first else { return nil }
    hasCalledTool = true
    return SimulatedToolCall(name: name, arguments: wanted.arguments)
  }

  private func sound(
    _ format: WireFormat, echoing turn: (audio: [UInt8], format: WireFormat)?
  ) -> [UInt8] {
    let configuration = context.configuration
    if context.has(.hugeFrame) {
      return context.core.voice(
        byteCount: format.byteCount(of: max(.seconds(20), configuration.answerDuration)), format: format)
    }
    if case .echo = configuration.answer, let turn { return turn.format.converted(turn.audio, to: format) }
    return context.core.voice(byteCount: format.byteCount(of: configuration.answerDuration), format: format)
  }

  // MARK: Tokens

  /// All of the conversation is input of every response; what an earlier one has had unchanged, from the start on, is
  /// cached. The real service caches in blocks, and not for ever.
  ///
  /// - Parameter own: What a response is given in place of the conversation; none of it is cached.
  private func inputTokens(_ instructions: String, _ own: [ConversationItem]?) -> (TokenCount, TokenCount) {
    let toolsText = settings.tools.map { JSONValue.object($0).text }.joined()
    let fixed = TokenCount(text: TokenCount.of(text: instructions) + TokenCount.of(text: toolsText))
    if let own { return (own.reduce(fixed) { $0 + $1.tokens }, TokenCount()) }
    let input = items.reduce(fixed) { $0 + $1.tokens }
    let cached = items.prefix { $0.isCached }.reduce(isFirstInput ? TokenCount() : fixed) { $0 + $1.tokens }
    return (input, cached)
  }

  private func usage(_ response: OpenAIResponse) -> JSONValue {
    let output = response.item.tokensGenerated(sentBytes: response.sentByteCount, text: response.sentText)
    let (input, cached) = (response.input, response.cached)
    return [
      "total_tokens": .integer(input.sum + output.sum), "input_tokens": .integer(input.sum),
      "output_tokens": .integer(output.sum),
      "input_token_details": [
        "text_tokens": .integer(input.text), "audio_tokens": .integer(input.audio), "image_tokens": 0,
        "cached_tokens": .integer(cached.sum),
        "cached_tokens_details": [
          "text_tokens": .integer(cached.text), "audio_tokens": .integer(cached.audio), "image_tokens": 0,
        ],
      ],
      "output_token_details": ["text_tokens": .integer(output.text), "audio_tokens": .integer(output.audio)],
    ]
  }

  // MARK: Events

  private func json(_ response: OpenAIResponse) -> JSONValue {
    let isDone = response.status != "in_progress"
    var object: JSONObject = [
      "object": "realtime.response", "id": .string(response.id), "status": .string(response.status),
      "status_details": response.statusDetails,
      "output": isDone && response.hasItem ? [response.item.json(isBeta: isBeta)] : [],
      "conversation_id": response.isInConversation ? .string(conversationID) : .null,
    ]
    let modalities: JSONValue = response.isText ? ["text"] : isBeta ? ["text", "audio"] : ["audio"]
    if isBeta {
      object["modalities"] = modalities
      object["voice"] = settings.voice
      object["output_audio_format"] = settings.outputFormatObject
      object["temperature"] = settings.object["temperature"]
    } else {
      object["output_modalities"] = modalities
      object["audio"] = ["output": ["format": settings.outputFormatObject, "voice": settings.voice]]
    }
    object["max_output_tokens"] = response.maximumOutputTokens
    object["usage"] = isDone ? usage(response) : .null
    object["metadata"] = response.metadata
    return .object(object)
  }

  private func part(_ response: OpenAIResponse, isDone: Bool) -> JSONValue {
    if response.isText { return ["type": "text", "text": .string(isDone ? response.sentText : "")] }
    return ["type": "audio", "transcript": .string(isDone ? response.sentText : "")]
  }

  private func place(_ response: OpenAIResponse, hasContent: Bool = true) -> JSONObject {
    var members: JSONObject = [
      "response_id": .string(response.id), "item_id": .string(response.item.id), "output_index": 0,
    ]
    if hasContent { members["content_index"] = 0 }
    return members
  }

  private func send(_ type: String, of response: OpenAIResponse, hasContent: Bool = true, _ more: JSONObject) {
    var members = place(response, hasContent: hasContent)
    for member in more.members { members[member.key] = member.value }
    send(name(type), members)
  }

  private func perform(_ step: OpenAIResponse.Step, of response: OpenAIResponse)
    -> StepPlayer<OpenAIResponse.Step>.Outcome
  {
    switch step {
    case .created: send("response.created", ["response": json(response)])
    case .rateLimits: sendRateLimits(response)
    case .itemAdded:
      response.hasItem = true
      send(
        "response.output_item.added",
        [
          "response_id": .string(response.id), "output_index": 0,
          "item": response.item.withoutContent.json(isBeta: isBeta),
        ])
    case .itemInConversation:
      let previous = items.last?.id
      if !items.contains(where: { $0.id == response.item.id }) {
        items.append(response.item)
        boundConversation(after: response.item)
      }
      context.recorder.created(item: response.item.id, kind: "assistant")
      send(
        isBeta ? "conversation.item.created" : "conversation.item.added",
        ["previous_item_id": JSONValue(previous), "item": response.item.withoutContent.json(isBeta: isBeta)])
    case .partAdded:
      response.hasPart = true
      send("response.content_part.added", of: response, ["part": part(response, isDone: false)])
    case .firstAudio:
      let due = response.createTime + context.configuration.firstAudioDelay.nanoseconds
      if context.now < due { return .wait(until: due) }
    case .audio(let range):
      if let due = dueTime(of: range, response), context.now < due { return .wait(until: due) }
      sendAudio(range, of: response)
    case .transcript(let index):
      response.sentText += response.pieces[index]
      send("response.output_audio_transcript.delta", of: response, ["delta": .string(response.pieces[index])])
    case .text(let index):
      noteFirstDelta(response)
      response.sentText += response.pieces[index]
      send("response.output_text.delta", of: response, ["delta": .string(response.pieces[index])])
    case .arguments(let index):
      response.sentText += response.pieces[index]
      send(
        "response.function_call_arguments.delta", of: response, hasContent: false,
        ["call_id": .string(response.item.callID ?? ""), "delta": .string(response.pieces[index])])
    case .argumentsDone:
      guard case .functionCall(let name, let callID, _) = response.item.body else { break }
      response.item.body = .functionCall(name: name, callID: callID, arguments: response.sentText)
      var members: JSONObject = ["call_id": .string(callID), "arguments": .string(response.sentText)]
      if !isBeta { members["name"] = .string(name) }
      send("response.function_call_arguments.done", of: response, hasContent: false, members)
    case .audioDone: send("response.output_audio.done", of: response, [:])
    case .transcriptDone:
      send("response.output_audio_transcript.done", of: response, ["transcript": .string(response.sentText)])
    case .textDone: send("response.output_text.done", of: response, ["text": .string(response.sentText)])
    case .partDone: send("response.content_part.done", of: response, ["part": part(response, isDone: true)])
    case .itemInConversationDone:
      settle(response, "completed")
      if !isBeta {
        let index = items.firstIndex { $0.id == response.item.id }
        let previous = index.flatMap { $0 > 0 ? items[$0 - 1].id : nil }
        send(
          "conversation.item.done",
          ["previous_item_id": JSONValue(previous), "item": response.item.json(isBeta: isBeta)])
      }
    case .itemDone:
      settle(response, "completed")
      send(
        "response.output_item.done",
        ["response_id": .string(response.id), "output_index": 0, "item": response.item.json(isBeta: isBeta)])
    case .done:
      if response.isCutOff {
        finish(response, "incomplete", ["type": "incomplete", "reason": "max_output_tokens"])
      } else {
        finish(response, "completed", .null)
      }
    case .again: sendAgain()
    case .unknown: sendUnknown(response)
    case .fault(let fault): return show(fault, response)
    }
    return .done
  }

  private func dueTime(of range: Range<Int>, _ response: OpenAIResponse) -> UInt64? {
    guard case .realTime(let lead) = context.configuration.pacing, let start = response.firstDeltaTime else {
      return nil
    }
    let offset = UInt64(response.format.milliseconds(ofBytes: range.lowerBound) * 1e6)
    return start + offset - min(offset, lead.nanoseconds)
  }

  private func noteFirstDelta(_ response: OpenAIResponse) {
    guard response.firstDeltaTime == nil else { return }
    let now = context.now
    response.firstDeltaTime = now
    context.recorder.update(response: response.id) { $0.firstDeltaTime = now }
  }

  private func sendAudio(_ range: Range<Int>, of response: OpenAIResponse) {
    noteFirstDelta(response)
    hasSpoken = true
    send(audioDelta(response) { Base64.encode(response.audio[range], to: &$0) }, name("response.output_audio.delta"))
    response.sentByteCount = max(response.sentByteCount, range.upperBound)
    if response.item.part != nil { response.item.part?.audioByteCount = response.sentByteCount }
    if let index = items.lastIndex(where: { $0.id == response.item.id }) {
      items[index].part?.audioByteCount = response.sentByteCount
    }
    let count = response.sentByteCount
    context.recorder.update(item: response.item.id) { $0.audioByteCount = count }
  }

  /// An audio delta, written without a tree.
  private func audioDelta(_ response: OpenAIResponse, _ writeAudio: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = Array(
      #"{"type":"\#(name("response.output_audio.delta"))","event_id":"\#(context.identifier("event"))","#.utf8)
    bytes += Array(
      #""response_id":"\#(response.id)","item_id":"\#(response.item.id)","output_index":0,"content_index":0,"delta":""#
        .utf8)
    writeAudio(&bytes)
    bytes += Array(#""}"#.utf8)
    return bytes
  }

  private func sendRateLimits(_ response: OpenAIResponse) {
    tokensLeft = max(0, tokensLeft - response.input.sum)
    send(
      "rate_limits.updated",
      [
        "rate_limits": [
          ["name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60.0],
          ["name": "tokens", "limit": 40_000, "remaining": .integer(tokensLeft), "reset_seconds": 60.0],
        ]
      ])
  }

  private func sendUnknown(_ response: OpenAIResponse) {
    for type in ["response.mood.delta", "session.weather", "input_audio_buffer.hum_detected"] {
      send(type, ["response_id": .string(response.id), "value": ["level": 0.5, "tags": ["a", nil]], "delta": "?"])
    }
  }

  private func show(_ fault: SimulatedFault, _ response: OpenAIResponse) -> StepPlayer<OpenAIResponse.Step>.Outcome {
    switch fault {
    case .malformedJSON:
      context.show(fault)
      context.send(Array(#"{"type":"response.output_audio.delta","delta":"#.utf8), type: "(not JSON)")
    case .binaryFrame:
      context.show(fault)
      context.send([0x00, 0xFF, 0xFE, 0x80, 0x01], type: "(binary)", isBinary: true)
    case .badBase64:
      context.show(fault)
      send(audioDelta(response) { $0 += Array("AAAA*not base64*A=A".utf8) }, name("response.output_audio.delta"))
    case .hugeFrame:
      context.show(fault)
      send("simulator.huge", ["padding": .string(String(repeating: "x", count: 12 << 20))])
    case .sessionExpired:
      guard context.core.claim(fault) else { return .done }
      context.show(fault)
      expire()
      return .stop
    default:
      let next = response.player?.following { $0.isAudio }
      let range = if case .audio(let range)? = next { range } else { 0..<min(response.audio.count, 480) }
      let ended = context.perform(
        fault, next: audioDelta(response) { Base64.encode(response.audio[range], to: &$0) })
      return ended ? .stop : .done
    }
    return .done
  }

  // MARK: The end

  private func settle(_ response: OpenAIResponse, _ status: String) {
    response.item.status = response.isCutOff ? "incomplete" : status
    if response.item.part != nil { response.item.part?.text = response.sentText }
    guard let index = items.lastIndex(where: { $0.id == response.item.id }) else { return }
    // The client may have truncated it meanwhile.
    let byteCount = items[index].part?.audioByteCount
    let isTruncated = byteCount != nil && byteCount != response.item.part?.audioByteCount
    items[index].status = response.item.status
    if !isTruncated { items[index].body = response.item.body }
  }

  private func finish(_ response: OpenAIResponse, _ status: String, _ details: JSONValue) {
    response.status = status
    response.statusDetails = details
    if response.isInConversation {
      active = nil
    } else {
      outsiders.removeAll { $0 === response }
    }
    let now = context.now
    context.recorder.update(response: response.id) {
      $0.status = status
      $0.doneTime = now
    }
    context.log("response \(response.id) \(status)")
    send("response.done", ["response": json(response)])
    guard response.isInConversation else { return }
    if isResponseWaiting {
      isResponseWaiting = false
      // Behind the steps of this one that are left, if any.
      context.link.schedule(after: .zero) { [weak self] in
        guard let self, active == nil else { return }
        respond(JSONObject(), at: context.now)
      }
    } else {
      awaitSpeech(after: response.format.milliseconds(ofBytes: response.sentByteCount))
    }
  }

  /// What has been begun is ended in order.
  func finishEarly(_ response: OpenAIResponse, reason: String) {
    response.player?.stop()
    settle(response, "incomplete")
    if response.hasPart {
      if response.isText {
        send("response.output_text.done", of: response, ["text": .string(response.sentText)])
      } else {
        send("response.output_audio.done", of: response, [:])
        send("response.output_audio_transcript.done", of: response, ["transcript": .string(response.sentText)])
      }
      send("response.content_part.done", of: response, ["part": part(response, isDone: true)])
    }
    if response.hasItem {
      let item = response.item.json(isBeta: isBeta)
      if !isBeta, response.isInConversation { send("conversation.item.done", ["previous_item_id": nil, "item": item]) }
      send("response.output_item.done", ["response_id": .string(response.id), "output_index": 0, "item": item])
    }
    finish(response, "cancelled", ["type": "cancelled", "reason": .string(reason)])
  }

  /// - Parameter responseID: nil for the one that is to join the conversation.
  func cancel(_ responseID: String?) throws(ServiceError) {
    let found = responseID.map { id in ([active].compactMap(\.self) + outsiders).first { $0.id == id } } ?? active
    guard let found else {
      throw ServiceError(code: "response_cancel_not_active", message: "Cancellation failed: no active response found")
    }
    finishEarly(found, reason: "client_cancelled")
  }

  private func failForRate(_ response: OpenAIResponse) {
    context.show(.rateLimit)
    send("response.created", ["response": json(response)])
    let message = "Rate limit reached for \(settings.object["model"]?.string ?? "the model"). Please try again in 1s."
    let error = ServiceError(type: "tokens", code: "rate_limit_exceeded", message: message)
    fail(error, nil)
    finish(
      response, "failed",
      [
        "type": "failed",
        "error": ["type": .string(error.type), "code": .string(error.code), "message": .string(message)],
      ])
  }
}

extension ConversationItem {
  var callID: String? { if case .functionCall(_, let callID, _) = body { callID } else { nil } }

  /// As it is announced.
  var withoutContent: ConversationItem {
    var item = self
    if case .message(let role, _) = body { item.body = .message(role: role, parts: []) }
    return item
  }

  /// What a response has cost so far: audio counts as generated, whatever the client leaves of it.
  func tokensGenerated(sentBytes: Int, text: String) -> TokenCount {
    let milliseconds = part?.format.milliseconds(ofBytes: sentBytes) ?? 0
    return TokenCount(
      text: TokenCount.of(text: text), audio: TokenCount.of(modelAudioMilliseconds: milliseconds))
  }
}

extension Duration {
  /// Not negative.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds / 1_000_000_000))
  }
}
