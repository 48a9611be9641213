extension OpenAISession {
  private static var itemLimit: Int { 5000 }
  /// Of the user's audio, for `retrieve`.
  private static var keptAudioLimit: Int { 16 << 20 }
  private static var textLimit: Int { 16 << 20 }

  /// How much may come before the limits are looked at again.
  private static var growthLimit: Int { 1 << 20 }

  /// The oldest is forgotten first: audio to be retrieved, then whole items. The last one stays in any case.
  ///
  /// - Parameter item: What has joined the conversation.
  func boundConversation(after item: ConversationItem) {
    if items.count > Self.itemLimit { items.removeFirst(items.count - Self.itemLimit) }
    growth += item.textByteCount + item.keptAudioByteCount
    guard growth > Self.growthLimit else { return }
    growth = 0
    var textByteCount = items.reduce(0) { $0 + $1.textByteCount }
    while textByteCount > Self.textLimit, items.count > 1 { textByteCount -= items.removeFirst().textByteCount }
    var audioByteCount = items.reduce(0) { $0 + $1.keptAudioByteCount }
    for index in items.indices where audioByteCount > Self.keptAudioLimit {
      audioByteCount -= items[index].keptAudioByteCount
      items[index].forgetAudio()
    }
  }

  func announce(_ item: ConversationItem, after previous: String?) {
    let json = item.json(isBeta: isBeta)
    let members: JSONObject = ["previous_item_id": JSONValue(previous), "item": json]
    if isBeta {
      send("conversation.item.created", members)
    } else {
      send("conversation.item.added", members)
      send("conversation.item.done", members)
    }
  }

  func create(_ event: JSONObject) throws(ServiceError) {
    let item = try parsed(event["item"] ?? .null, "item")
    if items.contains(where: { $0.id == item.id }) {
      throw ServiceError(
        code: "item_create_duplicate_id", message: "Error adding item: an item with id '\(item.id)' already exists.",
        parameter: "item.id")
    }
    var place = items.endIndex
    if let previous = event["previous_item_id"]?.string {
      if previous == "root" {
        place = 0
      } else if let index = items.firstIndex(where: { $0.id == previous }) {
        place = index + 1
      } else {
        throw ServiceError(
          code: "item_create_invalid_previous_item_id",
          message: "Error adding item: the previous item with id '\(previous)' does not exist.",
          parameter: "previous_item_id")
      }
    }
    for index in place..<items.count { items[index].isCached = false }
    items.insert(item, at: place)
    context.recorder.created(item: item.id, kind: Self.kind(item))
    announce(item, after: place > 0 ? items[place - 1].id : nil)
    impression.take(item) { toolName(of: $0) }
    boundConversation(after: item)
  }

  private static func kind(_ item: ConversationItem) -> String {
    switch item.body {
    case .message(let role, _): role
    case .functionCall: "function_call"
    case .functionOutput: "function_call_output"
    }
  }

  private func toolName(of callID: String, among others: [ConversationItem] = []) -> String? {
    for list in [items, others] {
      for item in list {
        if case .functionCall(let name, callID, _) = item.body { return name }
      }
    }
    return nil
  }

  /// The context that a response is given in place of the conversation: items, and references to those there are.
  func parsed(input: [JSONValue]) throws(ServiceError) -> (items: [ConversationItem], impression: Impression) {
    var context: [ConversationItem] = []
    var impression = Impression()
    for (index, value) in input.enumerated() {
      let path = "response.input[\(index)]"
      var item: ConversationItem
      if value["type"]?.string == "item_reference" {
        try JSONRule.object(["type": .string, "id": .string], required: ["id"]).check(value, path)
        let id = value["id"]?.string ?? ""
        guard let known = items.first(where: { $0.id == id }) else {
          throw ServiceError(
            code: "invalid_value", message: "Error: the item with id '\(id)' does not exist.", parameter: "\(path).id")
        }
        item = known
      } else {
        item = try parsed(value, path, among: context)
      }
      item.isCached = false
      context.append(item)
      impression.take(item) { toolName(of: $0, among: context) }
    }
    return (context, impression)
  }

  private func parsed(
    _ json: JSONValue, _ path: String, among others: [ConversationItem] = []
  ) throws(ServiceError) -> ConversationItem {
    let fields: [String: JSONRule] = [
      "id": .nullable(.string), "object": .nullable(.string), "status": .nullable(.string),
    ]
    var rules = ["message", "function_call", "function_call_output"].reduce(into: [String: [String: JSONRule]]()) {
      $0[$1] = fields
    }
    rules["message"]?["role"] = .choice(["system", "user", "assistant"])
    rules["message"]?["content"] = .array(.dictionary)
    rules["function_call"]?.merge(["name": .string, "call_id": .nullable(.string), "arguments": .string]) { $1 }
    rules["function_call_output"]?.merge(["call_id": .string, "output": .string]) { $1 }
    try JSONRule.typed(rules).check(json, path)
    let id = json["id"]?.string ?? context.identifier("item")
    guard id.utf8.count <= 32 else {
      throw ServiceError(
        code: "string_above_max_length",
        message:
          "Invalid '\(path).id': string too long. Expected a string with maximum length 32, but got a string with "
          + "length \(id.utf8.count) instead.", parameter: "\(path).id")
    }
    switch json["type"]?.string {
    case "function_call":
      guard let name = json["name"]?.string else { throw JSONRule.missing("\(path).name") }
      let callID = json["call_id"]?.string ?? context.identifier("call")
      let arguments = json["arguments"]?.string ?? ""
      return ConversationItem(id: id, body: .functionCall(name: name, callID: callID, arguments: arguments))
    case "function_call_output":
      guard let callID = json["call_id"]?.string else { throw JSONRule.missing("\(path).call_id") }
      guard let output = json["output"]?.string else { throw JSONRule.missing("\(path).output") }
      guard toolName(of: callID, among: others) != nil else {
        throw ServiceError(
          code: "invalid_tool_call_id", message: "Tool call ID '\(callID)' not found in conversation.",
          parameter: "\(path).call_id")
      }
      return ConversationItem(id: id, body: .functionOutput(callID: callID, output: output))
    default:
      guard let role = json["role"]?.string else { throw JSONRule.missing("\(path).role") }
      guard let content = json["content"]?.array else { throw JSONRule.missing("\(path).content") }
      var parts: [ConversationItem.Part] = []
      for (index, value) in content.enumerated() {
        parts.append(try part(value, role: role, "\(path).content[\(index)]"))
      }
      return ConversationItem(id: id, body: .message(role: role, parts: parts))
    }
  }

  private func part(_ value: JSONValue, role: String, _ path: String) throws(ServiceError) -> ConversationItem.Part {
    let text: [String: JSONRule] = ["text": .string]
    let audio: [String: JSONRule] = ["audio": .string, "transcript": .nullable(.string)]
    let kinds: [String: [String: JSONRule]] =
      switch role {
      case "assistant": isBeta ? ["text": text] : ["output_text": text, "output_audio": audio]
      case "system": ["input_text": text]
      default: ["input_text": text, "input_audio": audio, "input_image": ["image_url": .string, "detail": .string]]
      }
    try JSONRule.typed(kinds).check(value, path)
    let type = value["type"]?.string ?? ""
    switch type {
    case "input_audio":
      guard let encoded = value["audio"]?.string else { throw JSONRule.missing("\(path).audio") }
      guard let bytes = Base64.decode(Array(encoded.utf8)[...]), !bytes.isEmpty else {
        throw ServiceError(
          code: "invalid_value",
          message: "Invalid '\(path).audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz).",
          parameter: "\(path).audio")
      }
      return ConversationItem.Part(
        kind: .inputAudio, text: value["transcript"]?.string, audio: bytes, audioByteCount: bytes.count,
        format: settings.inputFormat)
    case "input_image": return ConversationItem.Part(kind: .inputText, text: "")
    default:
      guard let text = value[type == "output_audio" ? "transcript" : "text"]?.string else {
        throw JSONRule.missing("\(path).text")
      }
      return ConversationItem.Part(kind: role == "assistant" ? .outputText : .inputText, text: text)
    }
  }

  private func index(of itemID: String, to verb: String) throws(ServiceError) -> Int {
    guard let index = items.firstIndex(where: { $0.id == itemID }) else {
      let noun = ["delete": "deleting", "retrieve": "retrieving"][verb] ?? "truncating"
      throw ServiceError(
        code: "item_\(verb)_invalid_item_id",
        message: "Error \(noun) item: the item with id '\(itemID)' does not exist.", parameter: "item_id")
    }
    return index
  }

  func delete(_ itemID: String) throws(ServiceError) {
    let index = try index(of: itemID, to: "delete")
    items.remove(at: index)
    for later in index..<items.count { items[later].isCached = false }
    context.recorder.update(item: itemID) { $0.isDeleted = true }
    send("conversation.item.deleted", ["item_id": .string(itemID)])
  }

  func retrieve(_ itemID: String) throws(ServiceError) {
    let item = items[try index(of: itemID, to: "retrieve")]
    send("conversation.item.retrieved", ["item": item.json(isBeta: isBeta, withAudio: true)])
  }

  func truncate(_ itemID: String, part contentIndex: Int, to end: Int) throws(ServiceError) {
    let index = try index(of: itemID, to: "truncate")
    guard contentIndex == 0 else {
      throw ServiceError(
        code: "invalid_value", message: "The item has no content at index \(contentIndex).",
        parameter: "content_index")
    }
    guard let part = items[index].part, part.kind == .outputAudio, part.audioByteCount > 0, end > 0 else {
      throw ServiceError(
        code: "invalid_value", message: "Only model output audio messages can be truncated", parameter: "item_id")
    }
    let length = Int(part.audioMilliseconds.rounded(.down))
    guard end <= length else {
      throw ServiceError(
        code: "invalid_value", message: "Audio content of \(length)ms is already shorter than \(end)ms",
        parameter: "audio_end_ms")
    }
    items[index].part?.audioByteCount = part.format.byteCount(ofMilliseconds: end)
    items[index].part?.text = nil
    for later in index..<items.count { items[later].isCached = false }
    context.recorder.update(item: itemID) { $0.truncatedToMilliseconds = end }
    send(
      "conversation.item.truncated",
      ["item_id": .string(itemID), "content_index": 0, "audio_end_ms": .integer(end)])
  }
}
