import Foundation

/// A session of OpenAI's Realtime interface: the generally available one, or the one before it.
final class OpenAISession: VoiceSession {
  let context: SessionContext
  let isBeta: Bool
  let conversationID: String
  var settings: OpenAISettings

  // The input buffer.
  /// What has come since the last commit or clear; with voice activity detection, as far as a turn can still begin.
  var pending: [UInt8] = []
  /// Where it begins among all bytes of this format.
  var pendingStart = 0
  /// How many of all bytes the detector has got.
  var detectedEnd = 0
  /// The time before the first byte of this format, in ms: the format can change.
  var timeBase = 0.0
  var detector: SpeechDetector?
  /// Where the detector's first sample is among all bytes of this format.
  var detectorStart = 0
  /// What is being said: its item and its first byte.
  var speech: (itemID: String, start: Int)?
  var firstByteTime: UInt64?

  // The conversation.
  var items: [ConversationItem] = []
  /// Bytes of text and audio that have joined it since its limits were looked at.
  var growth = 0
  var impression = Impression()

  // The model.
  /// The response that is to join the conversation.
  var active: OpenAIResponse?
  /// Those that are not to, and run beside it.
  var outsiders: [OpenAIResponse] = []
  /// Plays the last response of the conversation; a little longer than that is active, where events follow its end.
  var player: StepPlayer<OpenAIResponse.Step>?
  /// Play the others.
  var outsidePlayers: [StepPlayer<OpenAIResponse.Step>] = []
  /// A turn ended while the model still spoke, and was not to be interrupted.
  var isResponseWaiting = false
  var hasSpoken = false
  var hasCalledTool = false
  /// No response has had the instructions as input yet.
  var isFirstInput = true
  var tokensLeft = 40_000
  private var lastMessage: (bytes: [UInt8], type: String) = ([], "")
  /// Runs while the model's last answer is heard, and then while nobody says anything.
  var idleTimer: ScheduledAction?
  /// Where in all bytes of this format the user's silence began, once the answer has been heard.
  var idleStart: Int?
  private var isEnding = false
  /// What the connection's query asked for.
  private let wantsTranscription: Bool
  private let wantedModel: String?

  init(_ context: SessionContext) {
    self.context = context
    isBeta = context.dialect == .openAIBeta
    conversationID = "conv_\(context.number)"
    let limit = context.configuration.sessionLimit ?? .seconds(3600)
    wantedModel = context.query.first { $0.name == "model" || $0.name == "deployment" }?.value
    wantsTranscription = context.query.contains { $0.name == "intent" && $0.value == "transcription" }
    settings = OpenAISettings(
      isBeta: isBeta, identifier: "sess_\(context.number)", model: wantedModel ?? "simulated",
      // With a model, a session is one that answers, whatever it is meant for.
      isTranscription: wantsTranscription && wantedModel == nil,
      expiresAt: Int(Date().timeIntervalSince1970) + Int(limit.components.seconds))
    updateDetector()
  }

  func begin() {
    if let error = refusalOfModel {
      return end(error)
    }
    let name = isBeta && settings.isTranscription ? "transcription_session" : "session"
    send("\(name).created", ["session": .object(settings.object)])
    let limit = context.configuration.sessionLimit ?? .seconds(3600)
    context.link.schedule(after: limit) { [weak self] in self?.expire() }
  }

  /// A model that cannot be what the connection is for.
  private var refusalOfModel: ServiceError? {
    guard let wantedModel else { return nil }
    if isBeta, wantsTranscription {
      return ServiceError(
        code: "invalid_model", message: "You must not provide a model parameter for transcription sessions.")
    }
    guard wantedModel.contains("transcribe") || wantedModel.contains("whisper"), !wantsTranscription else { return nil }
    return ServiceError(
      code: "invalid_model",
      message: "Model \"\(wantedModel)\" is a transcription model and cannot be used as the realtime session model. "
        + "Use a realtime model for the session model. Pass this transcription model as "
        + "audio.input.transcription.model instead.")
  }

  /// Some errors end the session.
  private func end(_ error: ServiceError, answering clientEventID: String? = nil) {
    isEnding = true
    fail(error, clientEventID)
    context.link.close(4000, "\(error.type).\(error.code)")
  }

  func end() {
    stopPlaying()
    outsidePlayers = []
    active = nil
    outsiders = []
    stopAwaitingSpeech()
  }

  func becameWritable() {
    player?.play()
    for player in outsidePlayers { player.play() }
  }

  private func stopPlaying() {
    player?.stop()
    for player in outsidePlayers { player.stop() }
  }

  /// The session has reached its age.
  func expire() {
    guard !isEnding else { return }
    isEnding = true
    stopPlaying()
    let limit = context.configuration.sessionLimit ?? .seconds(3600)
    let minutes = Double(limit.components.seconds) / 60 + Double(limit.components.attoseconds) / 60e18
    let text = minutes == minutes.rounded() ? "\(Int(minutes))" : String(format: "%.3g", minutes)
    fail(
      ServiceError(
        code: "session_expired", message: "Your session hit the maximum duration of \(text) minutes."), nil)
    context.link.close(1001, "session expired")
  }

  // MARK: Sending

  func send(_ type: String, _ members: JSONObject = JSONObject()) {
    var event = JSONObject(members: [("type", .string(type)), ("event_id", .string(context.identifier("event")))])
    for member in members.members { event[member.key] = member.value }
    send(JSONValue.object(event).utf8, type)
  }

  func send(_ message: [UInt8], _ type: String) {
    lastMessage = (message, type)
    context.send(message, type: type)
  }

  /// The last event, as it was.
  func sendAgain() { context.send(lastMessage.bytes, type: lastMessage.type) }

  func fail(_ error: ServiceError, _ clientEventID: String?) {
    context.recorder.failed(error, clientEventID: clientEventID)
    context.log("error \(error.code): \(error.message)")
    send(
      "error",
      [
        "error": [
          "type": .string(error.type), "code": .string(error.code), "message": .string(error.message),
          "param": JSONValue(error.parameter), "event_id": JSONValue(clientEventID),
        ]
      ])
  }

  /// Its name in this dialect.
  func name(_ type: String) -> String {
    guard isBeta else { return type }
    for (new, old) in [
      ("response.output_audio_transcript.", "response.audio_transcript."),
      ("response.output_audio.", "response.audio."), ("response.output_text.", "response.text."),
    ] where type.hasPrefix(new) {
      return old + type.dropFirst(new.count)
    }
    return type
  }

  // MARK: Receiving

  private static let appendHead = Array(#"{"type":"input_audio_buffer.append","audio":""#.utf8)
  private static let appendTail = Array(#""}"#.utf8)

  func receive(_ message: [UInt8], isBinary: Bool) {
    guard !isEnding else { return }
    let time = context.now
    if isBinary {
      context.recorder.received("(binary)", message, at: time)
      return fail(
        ServiceError(code: "invalid_message", message: "Events are text frames, and this frame is binary."), nil)
    }
    // Nearly all events are of this spelling; base64 has no character that would need an escape.
    if message.starts(with: Self.appendHead), message.count >= Self.appendHead.count + 2,
      message[(message.count - 2)...].elementsEqual(Self.appendTail)
    {
      let text = message[Self.appendHead.count..<message.count - 2]
      // What is too long is told below, before it is decoded.
      if text.count <= Self.encodedLimit, let audio = Base64.decode(text) {
        context.recorder.received("input_audio_buffer.append", message, carriesAudio: true, at: time)
        do throws(ServiceError) { try append(audio, at: time) } catch { fail(error, nil) }
        return
      }
    }
    let event: JSONValue
    do throws(JSONParsingError) {
      event = try JSONParser.parse(message)
    } catch {
      context.recorder.received("(not JSON)", message, at: time)
      return fail(
        ServiceError(code: "invalid_json", message: "We could not parse the JSON body of your event: \(error)."), nil)
    }
    let type = event["type"]?.string
    context.recorder.received(
      type ?? "(no type)", message, carriesAudio: type == "input_audio_buffer.append", at: time)
    // An ill-typed one is told of, and not echoed.
    let eventID = event["event_id"]?.string
    do throws(ServiceError) {
      try handle(event, at: time)
    } catch {
      fail(error, eventID)
    }
  }

  private func handle(_ event: JSONValue, at time: UInt64) throws(ServiceError) {
    guard let object = event.object else { throw JSONRule.wrongType("event", "an object", event) }
    guard let typeValue = object["type"] else { throw JSONRule.missing("type") }
    guard let type = typeValue.string else { throw JSONRule.wrongType("type", "a string", typeValue) }
    guard let fields = OpenAISchema.fields(of: type, isBeta: isBeta) else {
      throw JSONRule.wrongValue("type", type, OpenAISchema.eventTypes(isBeta: isBeta))
    }
    var rules = fields.rules
    rules["type"] = .string
    rules["event_id"] = .nullable(.string)
    try JSONRule.object(rules, required: fields.required).check(event, "")
    switch type {
    case "session.update":
      if isBeta, settings.isTranscription { throw OpenAISettings.updateOfAnotherKind(ofTranscription: false) }
      let session = object["session"] ?? .null
      if wantsTranscription, !settings.isTranscription, session["type"]?.string == "transcription" {
        let model = session["audio"]?["input"]?["transcription"]?["model"]?.string ?? wantedModel ?? ""
        let message = "Model \"\(model)\" is not supported in transcription mode."
        return end(
          ServiceError(code: "invalid_model", message: message), answering: object["event_id"]?.string)
      }
      try update(session)
    case "transcription_session.update":
      guard settings.isTranscription else { throw OpenAISettings.updateOfAnotherKind(ofTranscription: true) }
      try update(object["session"] ?? .null)
    case "input_audio_buffer.append":
      let encoded = Array((object["audio"]?.string ?? "").utf8)
      guard encoded.count <= Self.encodedLimit else { throw Self.tooLong(encoded.count / 4 * 3) }
      guard let audio = Base64.decode(encoded[...]) else {
        throw ServiceError(
          code: "invalid_value",
          message:
            "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value.",
          parameter: "audio")
      }
      try append(audio, at: time)
    case "input_audio_buffer.commit": try commit(at: time)
    case "input_audio_buffer.clear": clear()
    case "output_audio_buffer.clear":
      throw ServiceError(
        code: "invalid_value", message: "output_audio_buffer.clear is for WebRTC and SIP connections only.",
        parameter: "type")
    case "conversation.item.create": try create(object)
    case "conversation.item.delete": try delete(object["item_id"]?.string ?? "")
    case "conversation.item.retrieve": try retrieve(object["item_id"]?.string ?? "")
    case "conversation.item.truncate":
      try truncate(
        object["item_id"]?.string ?? "", part: object["content_index"]?.integer ?? 0,
        to: object["audio_end_ms"]?.integer ?? 0)
    case "response.create": try createResponse(object["response"]?.object ?? JSONObject(), at: time)
    case "response.cancel": try cancel(object["response_id"]?.string)
    default: break
    }
  }

  private func update(_ session: JSONValue) throws(ServiceError) {
    if let modalities = (isBeta ? session["modalities"] : session["output_modalities"])?.array {
      try checkModalities(modalities)
    }
    let before = (settings.inputFormat, settings.turnDetection)
    try settings.update(session, hasSpoken: hasSpoken)
    if before.0 != settings.inputFormat {
      timeBase += before.0.milliseconds(ofBytes: pendingStart + pending.count)
      pending = []
      pendingStart = 0
      speech = nil
    }
    if before.0 != settings.inputFormat || before.1 != settings.turnDetection { updateDetector() }
    let updated = settings.object
    let name = isBeta && settings.isTranscription ? "transcription_session" : "session"
    context.acknowledge { [weak self] in self?.send("\(name).updated", ["session": .object(updated)]) }
  }

  func checkModalities(_ modalities: [JSONValue]) throws(ServiceError) {
    let names = Set(modalities.compactMap(\.string))
    let isGood = isBeta ? names == ["text"] || names == ["text", "audio"] : modalities.count == 1
    guard !isGood else { return }
    let list = modalities.map { "'\($0.string ?? "")'" }.joined(separator: ", ")
    throw ServiceError(
      code: "invalid_value",
      message: "Invalid modalities: [\(list)]. Supported combinations are: ['text'] and "
        + (isBeta ? "['audio', 'text']." : "['audio']."),
      parameter: isBeta ? "session.modalities" : "session.output_modalities")
  }
}
