import RealtimeVoice

extension FuzzTarget {
  private static let serviceDialects = Dialect.allCases.filter { $0 != .pcm }

  /// A message is refused in one line, or read the same with blanks around it and a field that nobody knows; words are
  /// read back from what is written of them. A URL is refused in one line, or stays as it is once it is written.
  static func checkServices(_ input: [UInt8]) throws {
    var input = FuzzInput(input)
    let mode = input.byte() % (serviceDialects.count + 1)
    let rest = Array(input.rest)
    if mode == serviceDialects.count {
      try checkURL(String(decoding: rest, as: UTF8.self))
    } else {
      try checkMessage(rest, serviceDialects[mode])
      try checkWords(String(decoding: rest, as: UTF8.self))
    }
  }

  private static func checkMessage(_ bytes: [UInt8], _ dialect: Dialect) throws {
    let plain = try serverMessage(bytes, dialect)
    let padded = try serverMessage(Array(" \t\r\n".utf8) + bytes + Array("\n ".utf8), dialect)
    guard case .success(let message) = plain, let brace = bytes.firstIndex(of: UInt8(ascii: "{")) else {
      if case .success = padded { throw FuzzFinding("blanks make a message: \(bytes)") }
      return
    }
    try require(padded == plain, "blanks change a message: \(bytes)")
    let isEmpty = bytes[(brace + 1)...].first { $0 > 0x20 } == UInt8(ascii: "}")
    var extended = bytes
    extended.insert(contentsOf: Array((#""zz":[{"zz":[]}]"# + (isEmpty ? "" : ",")).utf8), at: brace + 1)
    guard case .success(let other) = try serverMessage(extended, dialect) else {
      throw FuzzFinding("an unknown field makes an error: \(extended)")
    }
    // Gemini's parts have no type but their names.
    let events = dialect == .gemini ? other.events.filter { $0 != .unknown(type: "zz") } : other.events
    let expected = dialect == .gemini ? message.events.filter { $0 != .unknown(type: "zz") } : message.events
    try require(events == expected && other.eventID == message.eventID, "an unknown field changes \(bytes)")
  }

  private static func serverMessage(
    _ bytes: [UInt8], _ dialect: Dialect
  ) throws -> Result<ServerMessage, ServerEventDecodingError> {
    do throws(ServerEventDecodingError) {
      let message = try ServerEventDecoder(dialect).decode(bytes.span)
      addUse(of: message)
      return .success(message)
    } catch {
      try requireOneLine(error)
      try require(error.description.utf8.count < 400, "a message of \(error.description.utf8.count) bytes")
      return .failure(error)
    }
  }

  /// Sums of tokens must not overflow.
  private static func addUse(of message: ServerMessage) {
    var sum = Usage()
    for event in message.events {
      switch event {
      case .usage(let usage): sum += usage
      case .responseDone(let outcome): if let usage = outcome.usage { sum += usage }
      default: break
      }
    }
    _ = sum.input.total + sum.cachedInput.total + sum.output.total
  }

  private static func checkWords(_ text: String) throws {
    let encoder = ClientEventEncoder(.elevenLabs)
    guard let line = encoder.encode(.message(HistoryMessage(speaker: .user, text: text))) else {
      throw FuzzFinding("no event for \(text.debugDescription)")
    }
    try require(!line.contains { $0 < 0x20 || $0 == 0x7F }, "a control character in \(line)")
    let (written, read) = (#"{"type":"user_message","text":"#, #"{"type":"response.text.delta","delta":"#)
    try require(line.starts(with: written.utf8), "another event: \(line)")
    let answer = Array(read.utf8) + line.dropFirst(written.utf8.count)
    let event = ServerEvent.text(TextDelta(speaker: .assistant, text: text, isWhole: false, isTranscript: false))
    guard case .success(let message) = try serverMessage(answer, .openAIBeta), message.events == [event] else {
      throw FuzzFinding("\(text.debugDescription) is not read back")
    }
  }

  private static func checkURL(_ text: String) throws {
    let endpoint: ServiceEndpoint
    do throws(ServiceEndpointError) {
      endpoint = try ServiceEndpoint(.openAI, url: text)
    } catch {
      try requireOneLine(error)
      return
    }
    let url = "\(endpoint.isSecure ? "wss" : "ws")://\(endpoint.authority)\(endpoint.target)"
    try require(url.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a URL with \(url.debugDescription)")
    let again = try? ServiceEndpoint(.openAI, url: url)
    try require(again == endpoint, "\(url) is not read back")
    try requireOneLine(endpoint)
  }
}
