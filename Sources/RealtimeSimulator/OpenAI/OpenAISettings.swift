/// A session's configuration: what the client is told, and what follows from it.
struct OpenAISettings {
  enum TurnDetection: Equatable {
    /// The client commits.
    case none
    /// Times in ms; silence is what ends a turn.
    case automatic(
      threshold: Double, prefixPadding: Int, silence: Int, createsResponse: Bool, interruptsResponse: Bool,
      idleTimeout: Int?)
  }

  let isBeta: Bool
  private(set) var object: JSONObject

  init(isBeta: Bool, identifier: String, model: String, isTranscription: Bool, expiresAt: Int) {
    self.isBeta = isBeta
    let detection: JSONValue = .object(isTranscription ? Self.listeningDetection : Self.serverDetection)
    if isBeta, isTranscription {
      object = [
        "id": .string(identifier), "object": .string(Self.transcriptionObject), "expires_at": .integer(expiresAt),
        "input_audio_format": "pcm16", "input_audio_transcription": nil, "input_audio_noise_reduction": nil,
        "turn_detection": detection, "include": nil,
      ]
    } else if isBeta {
      object = [
        "id": .string(identifier), "object": "realtime.session", "model": .string(model),
        "expires_at": .integer(expiresAt), "modalities": ["text", "audio"], "instructions": "", "voice": "alloy",
        "input_audio_format": "pcm16", "output_audio_format": "pcm16", "input_audio_transcription": nil,
        "input_audio_noise_reduction": nil, "turn_detection": detection, "tools": [], "tool_choice": "auto",
        "temperature": 0.8, "max_response_output_tokens": "inf", "speed": 1.0,
      ]
    } else {
      let pcm: JSONValue = ["type": "audio/pcm", "rate": 24_000]
      let input: JSONValue = [
        "format": pcm, "transcription": nil, "noise_reduction": nil, "turn_detection": detection,
      ]
      if isTranscription {
        object = [
          "type": "transcription", "object": .string(Self.transcriptionObject), "id": .string(identifier),
          "expires_at": .integer(expiresAt), "audio": ["input": input], "include": nil,
        ]
      } else {
        object = [
          "type": "realtime", "object": "realtime.session", "id": .string(identifier), "model": .string(model),
          "output_modalities": ["audio"], "instructions": "", "tools": [], "tool_choice": "auto",
          "max_output_tokens": "inf", "tracing": nil, "truncation": "auto", "prompt": nil,
          "expires_at": .integer(expiresAt),
          "audio": ["input": input, "output": ["format": pcm, "voice": "marin", "speed": 1.0]], "include": nil,
        ]
      }
    }
  }

  private static let transcriptionObject = "realtime.transcription_session"

  /// Where nobody answers, there is nothing to create or to interrupt.
  private static let listeningDetection: JSONObject = [
    "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
  ]

  private static let serverDetection: JSONObject = [
    "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
    "idle_timeout_ms": nil, "create_response": true, "interrupt_response": true,
  ]

  private static let semanticDetection: JSONObject = [
    "type": "semantic_vad", "eagerness": "auto", "create_response": true, "interrupt_response": true,
  ]

  // MARK: What follows

  private var input: JSONValue { object["audio"]?["input"] ?? .null }
  private var output: JSONValue { object["audio"]?["output"] ?? .null }

  var isTranscription: Bool { object["object"]?.string == Self.transcriptionObject }
  var inputFormat: WireFormat { format(isBeta ? object["input_audio_format"] : input["format"]) }
  var outputFormat: WireFormat { format(isBeta ? object["output_audio_format"] : output["format"]) }
  private var transcription: JSONValue {
    (isBeta ? object["input_audio_transcription"] : input["transcription"]) ?? .null
  }
  var transcribes: Bool { !transcription.isNull }
  var instructions: String { object["instructions"]?.string ?? "" }
  var tools: [JSONObject] { (object["tools"]?.array ?? []).compactMap(\.object) }
  var voice: JSONValue { (isBeta ? object["voice"] : output["voice"]) ?? .null }
  var modalities: JSONValue { object[isBeta ? "modalities" : "output_modalities"] ?? ["audio"] }
  var maximumOutputTokens: JSONValue { object[isBeta ? "max_response_output_tokens" : "max_output_tokens"] ?? "inf" }
  var outputFormatObject: JSONValue { (isBeta ? object["output_audio_format"] : output["format"]) ?? .null }

  private func format(_ value: JSONValue?) -> WireFormat {
    switch value?.string ?? value?["type"]?.string {
    case "audio/pcmu", "g711_ulaw": WireFormat(coding: .muLaw, rate: 8000)
    case "audio/pcma", "g711_alaw": WireFormat(coding: .aLaw, rate: 8000)
    default: .pcm24k
    }
  }

  var turnDetection: TurnDetection {
    guard let detection = (isBeta ? object["turn_detection"] : input["turn_detection"])?.object else { return .none }
    let silence: Int
    if detection["type"]?.string == "semantic_vad" {
      // The model's judgement stands behind a silence here. These are a quarter of the longest that it waits.
      silence =
        switch detection["eagerness"]?.string {
        case "low": 2000
        case "high": 500
        default: 1000
        }
    } else {
      silence = detection["silence_duration_ms"]?.integer ?? 200
    }
    return .automatic(
      threshold: detection["threshold"]?.double ?? 0.5, prefixPadding: detection["prefix_padding_ms"]?.integer ?? 300,
      silence: silence, createsResponse: detection["create_response"]?.bool ?? true,
      interruptsResponse: detection["interrupt_response"]?.bool ?? true,
      idleTimeout: detection["idle_timeout_ms"]?.integer)
  }

  // MARK: Updates

  /// Takes over the fields that are given, and no others.
  ///
  /// - Parameter hasSpoken: Whether the model has, which fixes the voice.
  mutating func update(_ session: JSONValue, hasSpoken: Bool) throws(ServiceError) {
    if isBeta {
      try (isTranscription ? OpenAISchema.betaTranscriptionSession : OpenAISchema.betaSession).check(session, "session")
    } else {
      guard let type = session["type"] else {
        if session.object == nil { throw JSONRule.wrongType("session", "an object", session) }
        throw JSONRule.missing("session.type")
      }
      try JSONRule.choice(["realtime", "transcription"]).check(type, "session.type")
      if type != object["type"] { throw Self.updateOfAnotherKind(ofTranscription: !isTranscription) }
      try (isTranscription ? OpenAISchema.transcriptionSession : OpenAISchema.session).check(session, "session")
    }
    if let model = session["model"], model != object["model"] {
      throw ServiceError(
        code: "invalid_value", message: "The model of a session cannot be changed.", parameter: "session.model")
    }
    let newVoice = isBeta ? session["voice"] : session["audio"]?["output"]?["voice"]
    if hasSpoken, let newVoice, newVoice != voice {
      throw ServiceError(
        code: "cannot_update_voice",
        message: "Cannot update a conversation's voice if assistant audio is present.",
        parameter: isBeta ? "session.voice" : "session.audio.output.voice")
    }
    var updated = object
    Self.merge(session.object ?? JSONObject(), into: &updated)
    if isTranscription { try Self.leaveTurnsToClient(&updated, after: session, isBeta: isBeta) }
    object = updated
  }

  /// - Parameter isOfTranscription: Whether the update was for such a session, and the session is none; else the other
  ///   way round.
  static func updateOfAnotherKind(ofTranscription isOfTranscription: Bool) -> ServiceError {
    let (update, session) = isOfTranscription ? ("transcription", "realtime") : ("realtime", "transcription")
    return ServiceError(
      code: "invalid_parameter",
      message: "Passing a \(update) session update event to a \(session) session is not allowed.",
      parameter: "session.type")
  }

  /// These models transcribe while one speaks, and find no turns.
  private static let modelsWithoutTurns = ["gpt-realtime-whisper", "gpt-live-transcribe"]

  private static func leaveTurnsToClient(
    _ object: inout JSONObject, after update: JSONValue, isBeta: Bool
  ) throws(ServiceError) {
    let input = object["audio"]?["input"]
    let transcription = isBeta ? object["input_audio_transcription"] : input?["transcription"]
    guard let model = transcription?["model"]?.string, modelsWithoutTurns.contains(model) else { return }
    let wanted = isBeta ? update["turn_detection"] : update["audio"]?["input"]?["turn_detection"]
    guard wanted?.isNull ?? true else {
      throw ServiceError(
        code: "invalid_value", message: "Turn detection is not supported for this transcription model.",
        parameter: isBeta ? "session.turn_detection" : "session.audio.input.turn_detection")
    }
    merge(isBeta ? ["turn_detection": nil] : ["audio": ["input": ["turn_detection": nil]]], into: &object)
  }

  private static func merge(_ changes: JSONObject, into object: inout JSONObject) {
    for (key, value) in changes.members {
      switch (key, value) {
      case ("turn_detection", .object(let detection)):
        let isSame = detection["type"] == object[key]?["type"]
        var merged =
          isSame
          ? object[key]?.object ?? serverDetection
          : detection["type"]?.string == "semantic_vad" ? semanticDetection : serverDetection
        for member in detection.members { merged[member.key] = member.value }
        object[key] = .object(merged)
      case ("audio", .object(let part)), ("input", .object(let part)), ("output", .object(let part)):
        var merged = object[key]?.object ?? JSONObject()
        merge(part, into: &merged)
        object[key] = .object(merged)
      case ("format", .object(var format)) where format["type"]?.string == "audio/pcm":
        if format["rate"] == nil { format["rate"] = 24_000 }
        object[key] = .object(format)
      default: object[key] = value
      }
    }
  }
}
