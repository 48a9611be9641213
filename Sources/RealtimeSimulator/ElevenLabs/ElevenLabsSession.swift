/// A conversation with an ElevenLabs agent.
final class ElevenLabsSession: VoiceSession, AnsweringSession {
  let context: SessionContext
  var answer: SpokenAnswer?
  var player: StepPlayer<SpokenAnswer.Step>?
  /// As the service does not promise whole samples.
  var cutsSamples: Bool { true }

  private let inputFormat: WireFormat
  private let outputFormat: WireFormat
  private var listener: TurnListener
  private var hasBegun = false
  private var eventID = 0
  private var firstByteTime: UInt64?
  private var lastTurn: (audio: [UInt8], format: WireFormat)?
  private var pendingCall: (id: String, name: String)?
  private var hasCalledTool = false
  /// What was said last, as long as it can still be heard.
  private var lastAnswer: SpokenAnswer?
  private var pings: [Int: UInt64] = [:]
  /// Those that have not been answered, as far as they are remembered.
  var openPingCount: Int { pings.count }
  private var lastPongTime: UInt64 = 0
  /// When the client last sent anything but a pong.
  private var lastInputTime: UInt64 = 0
  private var lastRoundTrip = 0
  private var lastMessage: (bytes: [UInt8], type: String) = ([], "")
  private var isEnding = false

  /// A turn ends after so much silence, in ms.
  private static let silence = 700
  private static let initiationTypes = [
    "conversation_initiation_client_data", "pong", "client_tool_result", "contextual_update", "user_message",
    "user_activity", "feedback", "mcp_tool_approval_result", "multimodal_message",
  ]

  init(_ context: SessionContext) {
    self.context = context
    inputFormat = ElevenLabsFormat.format(named: context.configuration.elevenLabsInputFormat) ?? .pcm16k
    outputFormat = ElevenLabsFormat.format(named: context.configuration.elevenLabsOutputFormat) ?? .pcm16k
    listener = TurnListener(inputFormat, attack: 50, silence: Self.silence)
  }

  func begin() {
    lastPongTime = context.now
    lastInputTime = context.now
    ping()
    awaitInput(for: context.configuration.elevenLabsReceiveTimeout)
    let limit = context.configuration.sessionLimit ?? .seconds(3600)
    context.link.schedule(after: limit) { [weak self] in self?.expire() }
  }

  func end() { player?.stop() }

  func becameWritable() { player?.play() }

  func expire() { fail(1000, "session_expired", "The conversation has reached its maximum duration.") }

  func endForRate() { fail(1008, "rate_limit_exceeded", "This request exceeds your quota.") }

  private func fail(_ code: Int, _ kind: String, _ message: String) {
    context.recorder.failed(ServiceError(code: kind, message: message), clientEventID: nil)
    context.log("error \(kind): \(message)")
    isEnding = true
    context.link.close(code, message)
  }

  private func ping() {
    let interval = context.configuration.pingInterval
    context.link.schedule(after: interval) { [weak self] in
      // Who has fallen silent asks no more, and misses no answers.
      guard let self, !isEnding, !context.isSilent else { return }
      let now = context.now
      if now - lastPongTime > (interval * 10).nanoseconds {
        return fail(1008, "ping_timeout", "No pong was received.")
      }
      eventID += 1
      pings[eventID] = now
      if pings.count > 100 { pings = [eventID: now] }
      send("ping", ["ping_event": ["event_id": .integer(eventID), "ping_ms": .integer(lastRoundTrip)]])
      ping()
    }
  }

  /// Ends the session when nothing has come from the client for too long. Pongs do not count: the vendor's own client
  /// sends them by itself, and there would be no timeout for it.
  private func awaitInput(for time: Duration) {
    context.link.schedule(after: time) { [weak self] in
      guard let self, !isEnding else { return }
      let limit = context.configuration.elevenLabsReceiveTimeout
      let silence = context.now - lastInputTime
      guard silence >= limit.nanoseconds else {
        return awaitInput(for: .nanoseconds(Int64(limit.nanoseconds - silence)))
      }
      let message = "No input was received for \(limit)."
      send(
        "error",
        ["error_event": ["code": 1002, "error_type": "transport_receive_timeout", "message": .string(message)]])
      fail(1002, "transport_receive_timeout", message)
    }
  }

  // MARK: Sending

  private func send(_ type: String, _ members: JSONObject) {
    var event: JSONObject = ["type": .string(type)]
    for member in members.members { event[member.key] = member.value }
    send(JSONValue.object(event).utf8, type)
  }

  func send(_ message: [UInt8], _ type: String) {
    lastMessage = (message, type)
    context.send(message, type: type)
  }

  func sendAgain() { send(lastMessage.bytes, lastMessage.type) }

  // MARK: Receiving

  private static let audioHead = Array(#"{"user_audio_chunk":""#.utf8)
  private static let audioTail = Array(#""}"#.utf8)

  func receive(_ message: [UInt8], isBinary: Bool) {
    guard !isEnding else { return }
    let time = context.now
    if message.starts(with: Self.audioHead), message.count >= Self.audioHead.count + 2,
      message.suffix(2).elementsEqual(Self.audioTail),
      let audio = Base64.decode(message[Self.audioHead.count..<message.count - 2])
    {
      context.recorder.received("user_audio_chunk", message, carriesAudio: true, at: time)
      lastInputTime = time
      return hear(audio, at: time)
    }
    let json: JSONValue
    do throws(JSONParsingError) {
      json = try JSONParser.parse(message)
    } catch {
      context.recorder.received("(not JSON)", message, at: time)
      return fail(1008, "invalid_message", "Invalid message received.")
    }
    if let chunk = json["user_audio_chunk"] {
      context.recorder.received("user_audio_chunk", message, carriesAudio: true, at: time)
      guard let audio = chunk.string.flatMap({ Base64.decode(Array($0.utf8)[...]) }) else {
        return fail(1008, "invalid_message", "Invalid message received.")
      }
      lastInputTime = time
      return hear(audio, at: time)
    }
    let type = json["type"]?.string ?? ""
    context.recorder.received(type.isEmpty ? "(no type)" : type, message, at: time)
    guard Self.initiationTypes.contains(type) else {
      return fail(1008, "invalid_message", "Invalid message received.")
    }
    if type != "pong" { lastInputTime = time }
    switch type {
    case "conversation_initiation_client_data": initiate(json, at: time)
    case "pong":
      lastPongTime = time
      if let id = json["event_id"]?.integer, let sent = pings.removeValue(forKey: id) {
        lastRoundTrip = Int((time - sent) / 1_000_000)
      }
    case "client_tool_result": take(result: json, at: time)
    case "user_message":
      initiate(.null, at: time)
      interrupt(at: time)
      respond(Hearing.answer(to: json["text"]?.string ?? ""), at: time)
    default: break
    }
  }

  /// Tells the formats; once, and at the latest when audio comes.
  private func initiate(_ json: JSONValue, at time: UInt64) {
    guard !hasBegun else { return }
    hasBegun = true
    let configuration = context.configuration
    context.acknowledge { [weak self] in
      guard let self else { return }
      send(
        "conversation_initiation_metadata",
        [
          "conversation_initiation_metadata_event": [
            "conversation_id": "conv_\(context.number)",
            "agent_output_audio_format": .string(configuration.elevenLabsOutputFormat),
            "user_input_audio_format": .string(configuration.elevenLabsInputFormat),
          ]
        ])
      let agent = json["conversation_config_override"]?["agent"]
      if let greeting = agent?["first_message"]?.string, !greeting.isEmpty { speak(greeting, at: context.now) }
    }
  }

  private func hear(_ audio: [UInt8], at time: UInt64) {
    initiate(.null, at: time)
    context.recorder.received(audio: audio)
    context.audioArrived()
    for event in listener.append(audio) {
      switch event {
      case .started:
        firstByteTime = time
        interrupt(at: time)
      case .ended(let turn):
        let hearing = Hearing(turn, inputFormat)
        lastTurn = (turn, inputFormat)
        context.recorder.ended(
          turn: turn, itemID: context.identifier("turn"), firstByteTime: firstByteTime ?? time, at: time)
        firstByteTime = nil
        context.log("turn of \(hearing.audio) s, \(hearing.speech) s of it speech")
        send("user_transcript", ["user_transcription_event": ["user_transcript": .string(hearing.transcript)]])
        respond(hearing.answer, at: time)
      }
    }
  }

  /// Whoever speaks while the agent can still be heard interrupts it.
  private func interrupt(at time: UInt64) {
    let speaking = answer
    guard let interrupted = speaking ?? lastAnswer, speaking != nil || time < interrupted.playedTime else { return }
    lastAnswer = nil
    if let speaking { end(speaking, "interrupted") }
    send("interruption", ["interruption_event": ["event_id": .integer(eventID)]])
    let all = max(1, interrupted.audio.count)
    let heard = Double(time - min(time, interrupted.firstDeltaTime ?? time)) / 1e6
    let part = min(1, heard / max(1, interrupted.format.milliseconds(ofBytes: all)))
    let said = interrupted.pieces.prefix(Int(part * Double(interrupted.pieces.count))).joined()
    send(
      "agent_response_correction",
      [
        "agent_response_correction_event": [
          "original_agent_response": .string(interrupted.text), "corrected_agent_response": .string(said + "..."),
        ]
      ])
  }

  // MARK: Answering

  private func respond(_ text: String, at time: UInt64) {
    // Its client tools are the agent's; a client does not declare them.
    if let wanted = context.configuration.toolCall, !hasCalledTool {
      hasCalledTool = true
      let call = (id: context.identifier("call"), name: wanted.name ?? "simulated_tool")
      pendingCall = call
      return send(
        "client_tool_call",
        [
          "client_tool_call": [
            "tool_name": .string(call.name), "tool_call_id": .string(call.id),
            "parameters": (try? JSONParser.parse(Array(wanted.arguments.utf8))) ?? [:],
          ]
        ])
    }
    speak(text, at: time)
  }

  private func speak(_ text: String, at time: UInt64) {
    if let answer { end(answer, "replaced") }
    lastAnswer = nil
    let audio = sound(outputFormat, echoing: lastTurn)
    begin(
      SpokenAnswer(id: context.identifier("answer"), text: text, audio: audio, format: outputFormat, createTime: time))
  }

  private func take(result: JSONValue, at time: UInt64) {
    guard let call = pendingCall, result["tool_call_id"]?.string == call.id else { return }
    pendingCall = nil
    guard let output = result["result"]?.string else {
      return fail(1008, "invalid_message", "Invalid message received: result is a string.")
    }
    speak(Hearing.answer(toOutput: output, of: call.name), at: time)
  }

  func open(_ answer: SpokenAnswer) {
    send("agent_response", ["agent_response_event": ["agent_response": .string(answer.text)]])
  }

  /// The whole text has been sent at the start.
  func sendWords(_ words: String, _ answer: SpokenAnswer) {}

  func audioMessage(_ write: (inout [UInt8]) -> Void) -> (bytes: [UInt8], type: String) {
    eventID += 1
    var bytes = Array(#"{"type":"audio","audio_event":{"event_id":\#(eventID),"audio_base_64":""#.utf8)
    write(&bytes)
    bytes += Array(#""}}"#.utf8)
    return (bytes, "audio")
  }

  /// This service does not tell when an answer is over.
  func complete(_ answer: SpokenAnswer) {}

  func close(_ answer: SpokenAnswer) { lastAnswer = answer }

  func unknownEvents() -> [JSONValue] {
    [
      ["type": "agent_mood", "agent_mood_event": ["level": 0.5]], ["type": "weather", "weather_event": nil],
      ["type": "vad_score", "vad_score_event": ["vad_score": 0.5]],
    ]
  }
}
