import AudioDSP

/// What one message of a service holds.
public struct ServerMessage: Hashable, Sendable {
  /// What tells the message from all others of its connection: OpenAI's `event_id`, and that of ElevenLabs' audio.
  public var eventID: String?
  /// The events in their order: one, or with Gemini any number.
  public var events: [ServerEvent]

  public init(eventID: String? = nil, events: [ServerEvent]) {
    self.eventID = eventID
    self.events = events
  }
}

/// Reads what a service sends.
///
/// Services add events and fields at any time: an event of an unknown type is ``ServerEvent/unknown(type:)``, fields
/// that are not needed are not looked at. Of a known event, fields that the session cannot do without must be there,
/// and those that are there must hold what the event's definition says; `null` counts as not there.
///
/// ``Dialect/openAI`` and ``Dialect/openAIBeta`` take each other's names of events, since proxies mix them. The shapes
/// were read from the vendors' own SDK packages of November 2026 (PyPI `openai` 3.54.0, `google-genai` 3.4.0,
/// `elevenlabs` 2.78.0).
public struct ServerEventDecoder: Sendable {
  /// The longest message that is looked at, in bytes.
  public static let maximumByteCount = 64 << 20

  public let dialect: Dialect

  /// - Precondition: `dialect` is a service's: not ``Dialect/pcm``.
  public init(_ dialect: Dialect) {
    precondition(dialect != .pcm, "no service speaks pcm")
    self.dialect = dialect
  }

  /// The events of one message, which is a JSON object in UTF-8. Allocates in proportion to it.
  ///
  /// Bytes that are no UTF-8, and halves of surrogate pairs, become U+FFFD.
  public func decode(_ message: Span<UInt8>) throws(ServerEventDecodingError) -> ServerMessage {
    guard message.count <= Self.maximumByteCount else { throw .tooLong }
    let value: JSONValue
    do {
      value = try JSONReader.read(message)
    } catch {
      throw .notJSON(offset: error.offset)
    }
    guard case .object(let object) = value else { throw .notAnObject }
    switch dialect {
    case .openAI, .openAIBeta: return try Self.openAI(object)
    case .gemini: return try Self.gemini(object)
    case .elevenLabs: return try Self.elevenLabs(object)
    case .pcm: preconditionFailure("no service speaks pcm")
    }
  }

  /// A type that comes from outside, fit for a log: one line of at most 80 characters.
  static func bounded(_ type: String) -> String {
    let scalars = type.unicodeScalars.prefix(80).map { scalar in
      let breaks = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
      return breaks ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return scalars.joined() + (type.unicodeScalars.count > 80 ? "…" : "")
  }
}
