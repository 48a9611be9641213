import AudioDSP

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// An event as it stands in JSON. Of what it holds only what tells of audio is looked at.
enum WireEvent: Decodable {
  case audio(AudioEvent)
  /// The text of another event, perhaps, and the field that holds it.
  case wrapped(String, field: String)
  case other

  /// How many objects may stand around an event.
  private static let wrapperLimit = 4

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: WireKey.self)
    if let content = try Self.content(fields) {
      self = .audio(content)
      return
    }
    // A field may also hold a word about the event, which another holds.
    var other = WireEvent.other
    for key: WireKey in ["event", "message", "data"] where fields.contains(key) {
      if let text = try? fields.decode(String.self, forKey: key) {
        let isObject = text.utf8.first { $0 > 0x20 } == UInt8(ascii: "{")
        other = .wrapped(text, field: fields.field(key))
        if isObject { break }
      } else if fields.codingPath.count < Self.wrapperLimit, fields.isObject(key) {
        let inner = try fields.decode(WireEvent.self, forKey: key)
        if case .other = inner { continue }
        other = inner
        break
      }
    }
    self = other
  }

  private static func content(_ fields: WireFields) throws -> AudioEvent? {
    switch try? fields.decode(String.self, forKey: "type") {
    case "input_audio_buffer.append" where fields.contains("audio") || !fields.isWrapper:
      return AudioEvent(dialect: .openAI, payloads: try fields.payload("audio", .sent))
    case "response.output_audio.delta" where fields.contains("delta") || !fields.isWrapper:
      return AudioEvent(dialect: .openAI, payloads: try fields.delta)
    case "response.audio.delta" where fields.contains("delta") || !fields.isWrapper:
      return AudioEvent(dialect: .openAIBeta, payloads: try fields.delta)
    case "session.update", "session.created", "session.updated": return try session(fields)
    case "audio" where fields.contains("audio_event"):
      guard let event = try fields.object("audio_event") else { return nil }
      let number = try? event.decode(Int.self, forKey: "event_id")
      return AudioEvent(
        dialect: .elevenLabs,
        payloads: try event.payload("audio_base_64", .received, itemID: number.map(String.init)))
    case "conversation_initiation_metadata": return try initiation(fields)
    default: break
    }
    if let input = try fields.object("realtimeInput", "realtime_input") {
      var payloads: [AudioEvent.Payload] = []
      if let blob = try input.object("audio") { payloads += try blob.blob(.sent, isAudio: true) }
      try input.forEachObject("mediaChunks", "media_chunks") { payloads += try $0.blob(.sent, isAudio: false) }
      return AudioEvent(dialect: .gemini, payloads: payloads)
    }
    if let content = try fields.object("serverContent", "server_content") {
      var payloads: [AudioEvent.Payload] = []
      try content.object("modelTurn", "model_turn")?.forEachObject("parts") { part in
        if let blob = try part.object("inlineData", "inline_data") {
          payloads += try blob.blob(.received, isAudio: false)
        }
      }
      return AudioEvent(dialect: .gemini, payloads: payloads)
    }
    if fields.contains("user_audio_chunk") {
      return AudioEvent(dialect: .elevenLabs, payloads: try fields.payload("user_audio_chunk", .sent))
    }
    return nil
  }

  /// OpenAI's formats: objects in general availability, names in beta. A session without any says nothing.
  private static func session(_ fields: WireFields) throws -> AudioEvent? {
    guard let session = try? fields.object("session") else { return nil }
    var formats: [AudioEvent.Side: AudioEvent.Format] = [:]
    var dialect = Dialect.openAI
    let audio = try? session.object("audio")
    for (side, name, old) in [
      (AudioEvent.Side.sent, "input", "input_audio_format"), (.received, "output", "output_audio_format"),
    ] {
      if let format = try? audio?.object(WireKey(name))?.object("format"),
        let type = try? format.decode(String.self, forKey: "type")
      {
        let rate = (try? format.decode(Int.self, forKey: "rate")).map { ";rate=\($0)" } ?? ""
        formats[side] = try AudioEvent.Format(mediaType: type + rate)
      } else if let name = try? session.decode(String.self, forKey: WireKey(old)) {
        formats[side] = try AudioEvent.Format(openAIName: name)
        dialect = .openAIBeta
      }
    }
    return formats.isEmpty ? nil : AudioEvent(dialect: dialect, announcedFormats: formats)
  }

  /// ElevenLabs negotiates a format for each direction.
  private static func initiation(_ fields: WireFields) throws -> AudioEvent? {
    guard let event = try? fields.object("conversation_initiation_metadata_event") else { return nil }
    var formats: [AudioEvent.Side: AudioEvent.Format] = [:]
    for (side, key) in [
      (AudioEvent.Side.sent, "user_input_audio_format"), (.received, "agent_output_audio_format"),
    ] {
      guard let name = try? event.decode(String.self, forKey: WireKey(key)) else { continue }
      formats[side] = try AudioEvent.Format(elevenLabsName: name)
    }
    return formats.isEmpty ? nil : AudioEvent(dialect: .elevenLabs, announcedFormats: formats)
  }

  /// The bytes of base64 text.
  static func bytes(_ text: Span<UInt8>, field: String) throws(AudioEventDecodingError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Base64.decodedCapacity(forCharacterCount: text.count))
    do {
      var output = bytes.mutableSpan
      let count = try Base64.decode(text, into: &output)
      bytes.removeLast(bytes.count - count)
      return bytes
    } catch {
      throw .badBase64(field: field, error)
    }
  }
}

typealias WireFields = KeyedDecodingContainer<WireKey>

/// Any name of a field.
struct WireKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  let intValue: Int?

  init(_ name: String) {
    stringValue = name
    intValue = nil
  }

  init(stringLiteral name: String) { self.init(name) }
  init?(stringValue name: String) { self.init(name) }

  init?(intValue: Int) {
    stringValue = "\(intValue)"
    self.intValue = intValue
  }
}

extension WireFields {
  /// Whether an event may stand inside.
  fileprivate var isWrapper: Bool { contains("event") || contains("message") || contains("data") }

  /// The way to a field from the line's object.
  fileprivate func field(_ key: WireKey) -> String {
    (codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue } + [key.stringValue]).joined(separator: ".")
      .replacing(".[", with: "[")
  }

  fileprivate func isObject(_ key: WireKey) -> Bool {
    (try? nestedContainer(keyedBy: WireKey.self, forKey: key)) != nil
  }

  /// The object under the first of the names that is there; `nil` where none is, or null stands there.
  fileprivate func object(_ keys: WireKey...) throws -> WireFields? {
    guard let key = keys.first(where: contains), try !decodeNil(forKey: key) else { return nil }
    do {
      return try nestedContainer(keyedBy: WireKey.self, forKey: key)
    } catch {
      throw AudioEventDecodingError.wrongType(field: field(key), expected: "an object")
    }
  }

  /// Each object of the array under the first of the names that is there.
  fileprivate func forEachObject(_ keys: WireKey..., body: (WireFields) throws -> Void) throws {
    guard let key = keys.first(where: contains), try !decodeNil(forKey: key) else { return }
    guard var array = try? nestedUnkeyedContainer(forKey: key) else {
      throw AudioEventDecodingError.wrongType(field: field(key), expected: "an array")
    }
    while !array.isAtEnd {
      guard let object = try? array.nestedContainer(keyedBy: WireKey.self) else {
        throw AudioEventDecodingError.wrongType(field: field(key), expected: "an array of objects")
      }
      try body(object)
    }
  }

  /// The text under a key that must be there.
  private func text(_ key: WireKey) throws -> String {
    guard contains(key) else { throw AudioEventDecodingError.missing(field: field(key)) }
    guard let text = try? decode(String.self, forKey: key) else {
      throw AudioEventDecodingError.wrongType(field: field(key), expected: "a string")
    }
    return text
  }

  /// The audio of a field of base64; none where the text is empty.
  fileprivate func payload(
    _ key: WireKey, _ side: AudioEvent.Side, format: AudioEvent.Format = AudioEvent.Format(), itemID: String? = nil,
    responseID: String? = nil, isURLSafe: Bool = false
  ) throws -> [AudioEvent.Payload] {
    var characters = Array(try text(key).utf8)
    // Google's own Python client sends the alphabet for URLs (RFC 4648, section 5), and its service takes both.
    if isURLSafe {
      for i in characters.indices {
        if characters[i] == UInt8(ascii: "-") { characters[i] = UInt8(ascii: "+") }
        if characters[i] == UInt8(ascii: "_") { characters[i] = UInt8(ascii: "/") }
      }
    }
    let bytes = try WireEvent.bytes(characters.span, field: field(key))
    guard !bytes.isEmpty else { return [] }
    return [
      AudioEvent.Payload(side: side, bytes: bytes, format: format, itemID: itemID, responseID: responseID)
    ]
  }

  /// What OpenAI's service sends.
  fileprivate var delta: [AudioEvent.Payload] {
    get throws {
      try payload(
        "delta", .received, itemID: try? decode(String.self, forKey: "item_id"),
        responseID: try? decode(String.self, forKey: "response_id"))
    }
  }

  /// Gemini's blob of data with its media type.
  ///
  /// - Parameter isAudio: Whether its place says that it is audio; otherwise its type must.
  fileprivate func blob(_ side: AudioEvent.Side, isAudio: Bool) throws -> [AudioEvent.Payload] {
    let typeKey: WireKey = contains("mimeType") ? "mimeType" : "mime_type"
    let type = contains(typeKey) ? try text(typeKey) : nil
    guard isAudio || type?.lowercased().hasPrefix("audio/") == true else { return [] }
    let format = try type.map { try AudioEvent.Format(mediaType: $0) } ?? AudioEvent.Format()
    return try payload("data", side, format: format, isURLSafe: true)
  }
}

extension AudioEvent.Format {
  /// - Parameter mediaType: Such as `audio/pcm;rate=24000`. Google's services also write `audio/L16` for what is
  ///   little-endian.
  init(mediaType: String) throws(AudioEventDecodingError) {
    let parts = mediaType.lowercased().split(separator: ";").map { $0.filter { $0 != " " } }
    switch parts.first {
    case "audio/pcm", "audio/l16": self.init(encoding: .pcm16)
    case "audio/pcmu": self.init(encoding: .muLaw, sampleRate: .hz8000)
    case "audio/pcma": self.init(encoding: .aLaw, sampleRate: .hz8000)
    default: throw .unsupportedFormat(mediaType)
    }
    for part in parts.dropFirst() where part.hasPrefix("rate=") { sampleRate = try Self.rate(part.dropFirst(5)) }
  }

  /// - Parameter openAIName: As in sessions of the beta interface.
  init(openAIName name: String) throws(AudioEventDecodingError) {
    switch name {
    case "pcm16": self.init(encoding: .pcm16)
    case "g711_ulaw": self.init(encoding: .muLaw, sampleRate: .hz8000)
    case "g711_alaw": self.init(encoding: .aLaw, sampleRate: .hz8000)
    default: throw .unsupportedFormat(name)
    }
  }

  /// - Parameter elevenLabsName: `pcm_16000` or `ulaw_8000`.
  init(elevenLabsName name: String) throws(AudioEventDecodingError) {
    if name.hasPrefix("pcm_") {
      self.init(encoding: .pcm16, sampleRate: try Self.rate(name.dropFirst(4)))
    } else if name.hasPrefix("ulaw_") {
      self.init(encoding: .muLaw, sampleRate: try Self.rate(name.dropFirst(5)))
    } else {
      throw .unsupportedFormat(name)
    }
  }

  private static func rate(_ text: some StringProtocol) throws(AudioEventDecodingError) -> SampleRate {
    guard let hertz = Int(text), let rate = try? SampleRate(hertz) else { throw .badSampleRate(String(text)) }
    return rate
  }
}
