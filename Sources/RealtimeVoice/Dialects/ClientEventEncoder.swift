import AudioDSP

/// Writes what a session says to a service, audio apart (``AudioEventEncoder``).
///
/// Each event is one JSON object of UTF-8 on one line. Settings that are `nil` are left out, so that the service's own
/// stand. The shapes were read from the vendors' own SDK packages of November 2026 (PyPI `openai` 3.54.0,
/// `google-genai` 3.4.0, `elevenlabs` 2.78.0).
public struct ClientEventEncoder: Sendable {
  public let dialect: Dialect

  /// - Precondition: `dialect` is a service's: not ``Dialect/pcm``.
  public init(_ dialect: Dialect) {
    precondition(dialect != .pcm, "no service speaks pcm")
    self.dialect = dialect
  }

  /// The event, or `nil` where the dialect has nothing of the kind. Allocates.
  ///
  /// - Parameter eventID: What the service shall name where it complains of this event (OpenAI; others have no place).
  /// - Precondition: ``SessionSettings/validate()`` passes.
  public func encode(_ event: ClientEvent, eventID: String? = nil) -> [UInt8]? {
    let object: JSONObject?
    switch dialect {
    case .openAI, .openAIBeta:
      object = openAI(event).map { event in
        var event = event
        if let eventID { event["event_id"] = .string(eventID) }
        return event
      }
    case .gemini: object = Self.gemini(event)
    case .elevenLabs: object = Self.elevenLabs(event)
    case .pcm: preconditionFailure("no service speaks pcm")
    }
    return object.map { JSONValue.object($0).bytes }
  }
}
