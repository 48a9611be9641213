/// What a conversation is made of.
struct ConversationItem {
  struct Part {
    enum Kind { case inputText, inputAudio, outputText, outputAudio }

    var kind: Kind
    /// The text, or the audio's transcript; nil for one that is not known (any more).
    var text: String?
    /// A user's; empty for a model's.
    var audio: [UInt8] = []
    var audioByteCount = 0
    var format = WireFormat.pcm24k

    var audioMilliseconds: Double { format.milliseconds(ofBytes: audioByteCount) }
  }

  enum Body {
    case message(role: String, parts: [Part])
    case functionCall(name: String, callID: String, arguments: String)
    case functionOutput(callID: String, output: String)
  }

  var id: String
  var status = "completed"
  var body: Body
  /// Whether a response has had it as input, unchanged since: it is then in the service's cache.
  var isCached = false

  var part: Part? {
    get { if case .message(_, let parts) = body { parts.first } else { nil } }
    set {
      guard case .message(let role, var parts) = body, let newValue, !parts.isEmpty else { return }
      parts[0] = newValue
      body = .message(role: role, parts: parts)
    }
  }

  /// Of its texts, in UTF-8.
  var textByteCount: Int {
    switch body {
    case .message(_, let parts): parts.reduce(0) { $0 + ($1.text?.utf8.count ?? 0) }
    case .functionCall(let name, let callID, let arguments):
      name.utf8.count + callID.utf8.count + arguments.utf8.count
    case .functionOutput(let callID, let output): callID.utf8.count + output.utf8.count
    }
  }

  var keptAudioByteCount: Int {
    if case .message(_, let parts) = body { parts.reduce(0) { $0 + $1.audio.count } } else { 0 }
  }

  /// Its audio counts on, but cannot be retrieved any more.
  mutating func forgetAudio() {
    guard case .message(let role, var parts) = body else { return }
    for index in parts.indices { parts[index].audio = [] }
    body = .message(role: role, parts: parts)
  }

  var tokens: TokenCount {
    switch body {
    case .message(_, let parts):
      parts.reduce(into: TokenCount()) { sum, part in
        switch part.kind {
        case .inputText, .outputText: sum.text += TokenCount.of(text: part.text ?? "")
        case .inputAudio: sum.audio += TokenCount.of(userAudioMilliseconds: part.audioMilliseconds)
        case .outputAudio:
          sum.audio += TokenCount.of(modelAudioMilliseconds: part.audioMilliseconds)
          sum.text += TokenCount.of(text: part.text ?? "")
        }
      }
    case .functionCall(let name, _, let arguments): TokenCount(text: TokenCount.of(text: name + arguments))
    case .functionOutput(_, let output): TokenCount(text: TokenCount.of(text: output))
    }
  }

  /// - Parameter withAudio: Whether the user's audio is in it.
  func json(isBeta: Bool, withAudio: Bool = false) -> JSONValue {
    switch body {
    case .message(let role, let parts):
      let content = parts.map { part -> JSONValue in
        switch part.kind {
        case .inputText: return ["type": "input_text", "text": JSONValue(part.text)]
        case .outputText: return ["type": isBeta ? "text" : "output_text", "text": JSONValue(part.text)]
        case .outputAudio: return ["type": isBeta ? "audio" : "output_audio", "transcript": JSONValue(part.text)]
        case .inputAudio:
          var object: JSONObject = ["type": "input_audio", "transcript": JSONValue(part.text)]
          if withAudio { object["audio"] = .string(Base64.encode(part.audio)) }
          return .object(object)
        }
      }
      return [
        "id": .string(id), "object": "realtime.item", "type": "message", "status": .string(status),
        "role": .string(role), "content": .array(content),
      ]
    case .functionCall(let name, let callID, let arguments):
      return [
        "id": .string(id), "object": "realtime.item", "type": "function_call", "status": .string(status),
        "name": .string(name), "call_id": .string(callID), "arguments": .string(arguments),
      ]
    case .functionOutput(let callID, let output):
      return [
        "id": .string(id), "object": "realtime.item", "type": "function_call_output", "status": .string(status),
        "call_id": .string(callID), "output": .string(output),
      ]
    }
  }
}
