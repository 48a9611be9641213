/// A connection of Gemini Live.
final class GeminiSession: VoiceSession, AnsweringSession {
  let context: SessionContext
  var answer: SpokenAnswer?
  var player: StepPlayer<SpokenAnswer.Step>?
  var cutsSamples: Bool { false }

  private var setup: JSONValue?
  private var input = GeminiInputSettings()
  private var history = GeminiContext()
  private var listener: TurnListener?
  /// With detection by the client: what has come since its activity began.
  private var activity: [UInt8]?
  /// What came before it, where that belongs to the turn, too: as much as before a turn that is found here.
  var inactivity = RecentBytes(limit: TurnListener.turnLimit / 4)
  private var activityFormat = WireFormat.pcm16k
  private var firstByteTime: UInt64?
  private var lastTurn: (audio: [UInt8], format: WireFormat)?
  private var isAnswerWaiting: (() -> Void)?
  private var pendingCalls: [(id: String, name: String)] = []
  private var hasCalledTool = false
  private var lastMessage: (bytes: [UInt8], type: String) = ([], "")
  private var isEnding = false

  init(_ context: SessionContext) {
    self.context = context
  }

  func begin() {
    let limit = context.configuration.sessionLimit ?? .seconds(600)
    let notice = min(.seconds(10), limit / 5)
    context.link.schedule(after: limit - notice) { [weak self] in self?.warn(notice) }
    context.link.schedule(after: limit) { [weak self] in self?.end("The connection has reached its age.") }
  }

  func end() { player?.stop() }

  func becameWritable() { player?.play() }

  private func warn(_ left: Duration) {
    let (seconds, attoseconds) = left.components
    let nanoseconds = attoseconds / 1_000_000_000
    let digits = "\(1_000_000_000 + nanoseconds)".dropFirst()
    send(["goAway": ["timeLeft": .string(nanoseconds == 0 ? "\(seconds)s" : "\(seconds).\(digits)s")]])
  }

  private func end(_ reason: String) {
    isEnding = true
    context.link.close(1001, reason)
  }

  func expire() {
    warn(.zero)
    end("The session has expired.")
  }

  func endForRate() { fail(1011, "RESOURCE_EXHAUSTED", "You exceeded your current quota.") }

  // MARK: Sending

  private func send(_ message: JSONObject) {
    send(JSONValue.object(message).utf8, message.keys.first ?? "")
  }

  func send(_ message: [UInt8], _ type: String) {
    lastMessage = (message, type)
    context.send(message, type: type, isBinary: context.configuration.geminiUsesBinaryFrames)
  }

  func sendAgain() { send(lastMessage.bytes, lastMessage.type) }

  /// Errors end the connection here.
  private func fail(_ code: Int, _ status: String, _ message: String) {
    context.recorder.failed(ServiceError(code: status, message: message), clientEventID: nil)
    context.log("error \(status): \(message)")
    isEnding = true
    context.link.close(code, message)
  }

  private func refuse(_ message: String) { fail(1007, "INVALID_ARGUMENT", message) }

  // MARK: Receiving

  private static let clientMessages = ["setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate"]
  private static let setupFields = [
    "model", "generationConfig", "systemInstruction", "tools", "realtimeInputConfig", "sessionResumption",
    "contextWindowCompression", "inputAudioTranscription", "outputAudioTranscription", "proactivity",
    "explicitVadSignal", "historyConfig", "avatarConfig", "safetySettings", "labels",
  ]
  private static let inputFields = [
    "audio", "video", "text", "activityStart", "activityEnd", "audioStreamEnd", "mediaChunks",
  ]
  private static let audioHead = Array(#"{"realtimeInput":{"audio":{"data":""#.utf8)
  private static let audioTails = [
    Array(#"","mimeType":"audio/pcm;rate=16000"}}}"#.utf8), Array(#"","mimeType":"audio/pcm"}}}"#.utf8),
  ]

  func receive(_ message: [UInt8], isBinary: Bool) {
    guard !isEnding else { return }
    let time = context.now
    // Nearly all messages are of this spelling.
    if setup != nil, message.starts(with: Self.audioHead) {
      for tail in Self.audioTails where message.suffix(tail.count).elementsEqual(tail) {
        guard message.count >= Self.audioHead.count + tail.count,
          let audio = Base64.decode(message[Self.audioHead.count..<message.count - tail.count], isLenient: true)
        else { continue }
        context.recorder.received("realtimeInput", message, carriesAudio: true, at: time)
        return hear(audio, .pcm16k, at: time)
      }
    }
    let json: JSONValue
    do throws(JSONParsingError) {
      json = try JSONParser.parse(message)
    } catch {
      context.recorder.received("(not JSON)", message, at: time)
      return refuse("Invalid JSON payload received: \(error).")
    }
    let names = (json.object?.keys ?? []).map(GeminiFields.camelCase)
    context.recorder.received(
      names.first ?? "(empty)", message, carriesAudio: names.first == "realtimeInput", at: time)
    guard names.count == 1, let name = names.first, let content = json.object?.members.first?.value else {
      return refuse("A message has exactly one of \(Self.clientMessages.joined(separator: ", ")).")
    }
    guard Self.clientMessages.contains(name) else {
      return refuse(#"Invalid JSON payload received. Unknown name "\#(name)": Cannot find field."#)
    }
    guard setup != nil || name == "setup" else { return refuse("The first message is setup, and this is \(name).") }
    switch name {
    case "setup": prepare(content)
    case "clientContent": take(clientContent: content, at: time)
    case "realtimeInput": take(input: content, at: time)
    case "toolResponse": take(toolResponse: content, at: time)
    default: break
    }
  }

  private func field(_ name: String, of json: JSONValue?) -> JSONValue? { GeminiFields.field(name, of: json) }

  private func hasOnly(_ fields: [String], _ json: JSONValue, at place: String) -> Bool {
    do throws(ServiceError) {
      _ = try GeminiFields(json, place, fields)
      return true
    } catch {
      refuse(error.message)
      return false
    }
  }

  private var isText: Bool {
    field("responseModalities", of: field("generationConfig", of: setup))?.array == ["TEXT"]
  }

  private func prepare(_ content: JSONValue) {
    guard setup == nil else { return refuse("setup is the first message, and comes once.") }
    guard hasOnly(Self.setupFields, content, at: "setup") else { return }
    guard let model = field("model", of: content)?.string, !model.isEmpty else {
      return refuse("setup.model is missing.")
    }
    if let settings = field("realtimeInputConfig", of: content) {
      do throws(ServiceError) { input = try GeminiInputSettings(settings) } catch { return refuse(error.message) }
    }
    setup = content
    if let handle = field("handle", of: field("sessionResumption", of: content))?.string, !handle.isEmpty {
      guard let kept = context.core.context(of: handle) else {
        return fail(1008, "NOT_FOUND", "BidiGenerateContent session not found")
      }
      history = kept
    }
    context.acknowledge { [weak self] in
      guard let self else { return }
      send(["setupComplete": [:]])
      updateResumption()
    }
  }

  /// Nobody can come back to the middle of an answer or of a call.
  private func updateResumption() {
    guard field("sessionResumption", of: setup) != nil else { return }
    let isResumable = answer == nil && pendingCalls.isEmpty
    let handle = isResumable ? context.identifier("handle") : ""
    guard isResumable else { return send(["sessionResumptionUpdate": ["resumable": false]]) }
    context.core.keep(history, for: handle)
    send(["sessionResumptionUpdate": ["newHandle": .string(handle), "resumable": true]])
  }

  private func take(input message: JSONValue, at time: UInt64) {
    guard hasOnly(Self.inputFields, message, at: "realtime_input") else { return }
    for (key, value) in message.object?.members ?? [] {
      switch GeminiFields.camelCase(key) {
      case "audio": hear(blob: value, at: time)
      case "mediaChunks": for chunk in value.array ?? [] { hear(blob: chunk, at: time) }
      case "text": if let text = value.string { write(text, at: time) }
      case "activityStart":
        guard input.isDetectionDisabled else {
          return refuse("Explicit activity control is not supported when automatic activity detection is enabled.")
        }
        activity = inactivity.take()
        firstByteTime = nil
        interrupt()
      case "activityEnd":
        guard input.isDetectionDisabled else {
          return refuse("Explicit activity control is not supported when automatic activity detection is enabled.")
        }
        guard let turn = activity else { return refuse("activityEnd without activityStart.") }
        activity = nil
        heard(turn, activityFormat, at: time)
      case "audioStreamEnd":
        guard !input.isDetectionDisabled else {
          return refuse("audioStreamEnd is only for automatic activity detection.")
        }
        if let format = listener?.format, let turn = listener?.finish() { heard(turn, format, at: time) }
      default: break
      }
    }
  }

  private func hear(blob: JSONValue, at time: UInt64) {
    guard hasOnly(["data", "mimeType"], blob, at: "realtime_input.audio") else { return }
    let kind = field("mimeType", of: blob)?.string ?? ""
    guard kind.hasPrefix("audio/pcm") else {
      return kind.hasPrefix("image/") ? () : refuse("The MIME type '\(kind)' is not supported.")
    }
    let rate = kind.split(separator: "=").last.flatMap { Int($0.filter { $0 != " " }) } ?? 16_000
    guard (8000...48_000).contains(rate) else { return refuse("The rate \(rate) is not supported.") }
    guard let data = field("data", of: blob)?.string, let audio = Base64.decode(Array(data.utf8)[...], isLenient: true)
    else { return refuse("Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64 decoding failed.") }
    hear(audio, WireFormat(coding: .pcm16, rate: rate), at: time)
  }

  private func hear(_ audio: [UInt8], _ format: WireFormat, at time: UInt64) {
    context.recorder.received(audio: audio)
    context.audioArrived()
    if input.isDetectionDisabled {
      guard activity != nil else {
        if input.coversAllInput { inactivity.append(audio) }
        return
      }
      guard (activity?.count ?? 0) + audio.count <= TurnListener.turnLimit else { return }
      if firstByteTime == nil { firstByteTime = time }
      activityFormat = format
      activity?.append(contentsOf: audio)
      return
    }
    if listener?.format != format {
      listener = TurnListener(
        format, threshold: input.threshold, attack: input.attack, silence: input.silence,
        keepsAll: input.coversAllInput)
    }
    for event in listener?.append(audio) ?? [] {
      switch event {
      case .started:
        firstByteTime = time
        interrupt()
      case .ended(let turn): heard(turn, format, at: time)
      }
    }
  }

  /// The user has begun to speak, or written.
  ///
  /// - Parameter isWritten: Whether the client has sent content, which interrupts in any case.
  private func interrupt(isWritten: Bool = false) {
    guard input.interrupts || isWritten else { return }
    isAnswerWaiting = nil
    if !pendingCalls.isEmpty {
      send(["toolCallCancellation": ["ids": .array(pendingCalls.map { .string($0.id) })]])
      pendingCalls = []
    }
    guard let answer else { return }
    end(answer, "interrupted")
    send(["serverContent": ["interrupted": true]])
    finishTurn(answer)
  }

  // MARK: Answering

  private func heard(_ turn: [UInt8], _ format: WireFormat, at time: UInt64) {
    let hearing = Hearing(turn, format)
    lastTurn = (turn, format)
    let id = context.identifier("turn")
    context.recorder.ended(turn: turn, itemID: id, firstByteTime: firstByteTime ?? time, at: time)
    firstByteTime = nil
    context.log("turn of \(hearing.audio) s, \(hearing.speech) s of it speech")
    history.audioTokens += GeminiContext.tokens(milliseconds: hearing.audio * 1000)
    if field("inputAudioTranscription", of: setup) != nil {
      send(["serverContent": ["inputTranscription": ["text": .string(hearing.transcript), "finished": true]]])
    }
    respond(hearing.answer, echoing: (turn, format), at: time)
  }

  private func write(_ text: String, at time: UInt64) {
    history.textTokens += TokenCount.of(text: text)
    respond(Hearing.answer(to: text), echoing: nil, at: time)
  }

  private func take(clientContent: JSONValue, at time: UInt64) {
    guard hasOnly(["turns", "turnComplete"], clientContent, at: "client_content") else { return }
    interrupt(isWritten: true)
    let turns = field("turns", of: clientContent)
    let parts = (turns?.array ?? turns.map { [$0] } ?? []).flatMap { field("parts", of: $0)?.array ?? [] }
    let text = parts.compactMap { field("text", of: $0)?.string }.joined(separator: "\n")
    guard field("turnComplete", of: clientContent)?.bool ?? false else {
      return history.textTokens += TokenCount.of(text: text)
    }
    write(text, at: time)
  }

  private func take(toolResponse: JSONValue, at time: UInt64) {
    guard hasOnly(["functionResponses"], toolResponse, at: "tool_response") else { return }
    let responses = field("functionResponses", of: toolResponse)
    var text = ""
    for response in responses?.array ?? responses.map({ [$0] }) ?? [] {
      let id = field("id", of: response)?.string ?? ""
      guard let index = pendingCalls.firstIndex(where: { $0.id == id }) else {
        // One that was cancelled meanwhile is nobody's fault.
        context.log("a response to the unknown call '\(id)'")
        continue
      }
      let call = pendingCalls.remove(at: index)
      text = Hearing.answer(toOutput: (field("response", of: response) ?? .null).text, of: call.name)
      history.textTokens += TokenCount.of(text: text)
    }
    if !text.isEmpty, pendingCalls.isEmpty { respond(text, echoing: lastTurn, at: time) }
  }

  private func respond(_ text: String, echoing turn: (audio: [UInt8], format: WireFormat)?, at time: UInt64) {
    guard answer == nil else {
      // It is not to be interrupted, and goes first.
      isAnswerWaiting = { [weak self] in
        guard let self else { return }
        respond(text, echoing: turn, at: context.now)
      }
      return
    }
    if let call = callOfTool() {
      let id = context.identifier("call")
      pendingCalls = [(id, call.name)]
      send([
        "toolCall": ["functionCalls": [["id": .string(id), "name": .string(call.name), "args": call.arguments]]]
      ])
      return updateResumption()
    }
    let audio = isText ? [] : sound(.pcm24k, echoing: turn)
    begin(SpokenAnswer(id: context.identifier("answer"), text: text, audio: audio, format: .pcm24k, createTime: time))
  }

  private func callOfTool() -> (name: String, arguments: JSONValue)? {
    guard let wanted = context.configuration.toolCall, !hasCalledTool else { return nil }
    let names = (field("tools", of: setup)?.array ?? []).flatMap { tool in
      (field("functionDeclarations", of: tool)?.array ?? []).compactMap { field("name", of: $0)?.string }
    }
    guard let name = wanted.name.map({ names.contains($0) ? $0 : nil }) ?? names.first else { return nil }
    hasCalledTool = true
    return (name, (try? JSONParser.parse(Array(wanted.arguments.utf8))) ?? [:])
  }

  func open(_ answer: SpokenAnswer) { updateResumption() }

  func sendWords(_ words: String, _ answer: SpokenAnswer) {
    if isText {
      send(["serverContent": ["modelTurn": ["role": "model", "parts": [["text": .string(words)]]]]])
    } else if field("outputAudioTranscription", of: setup) != nil {
      send(["serverContent": ["outputTranscription": ["text": .string(words)]]])
    }
  }

  func audioMessage(_ write: (inout [UInt8]) -> Void) -> (bytes: [UInt8], type: String) {
    var bytes = Array(
      #"{"serverContent":{"modelTurn":{"role":"model","parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":""#
        .utf8)
    write(&bytes)
    bytes += Array(#""}}]}}}"#.utf8)
    return (bytes, "serverContent")
  }

  func complete(_ answer: SpokenAnswer) { send(["serverContent": ["generationComplete": true]]) }

  func close(_ answer: SpokenAnswer) {
    finishTurn(answer)
    if let next = isAnswerWaiting.take() { context.link.schedule(after: .zero, next) }
  }

  private func finishTurn(_ answer: SpokenAnswer) {
    let audio = GeminiContext.tokens(milliseconds: answer.format.milliseconds(ofBytes: answer.sentByteCount))
    let text = isText ? TokenCount.of(text: answer.sentText) : 0
    func details(_ audio: Int, _ text: Int) -> JSONValue {
      .array(
        [("AUDIO", audio), ("TEXT", text)].filter { $0.1 > 0 }.map {
          ["modality": .string($0.0), "tokenCount": .integer($0.1)]
        })
    }
    let prompt = history.audioTokens + history.textTokens
    send([
      "serverContent": ["turnComplete": true],
      "usageMetadata": [
        "promptTokenCount": .integer(prompt), "responseTokenCount": .integer(audio + text),
        "totalTokenCount": .integer(prompt + audio + text),
        "promptTokensDetails": details(history.audioTokens, history.textTokens),
        "responseTokensDetails": details(audio, text),
      ],
    ])
    history.audioTokens += audio
    history.textTokens += text
    updateResumption()
  }

  func unknownEvents() -> [JSONValue] {
    [
      ["moodUpdate": ["level": 0.5]], ["serverContent": ["humDetected": true]], ["weather": ["tags": ["a", nil]]],
    ]
  }
}
