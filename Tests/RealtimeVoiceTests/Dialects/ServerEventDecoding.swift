import Foundation
import RealtimeVoice
import Testing

/// The message's events.
func decode(_ text: String, _ dialect: Dialect) throws(ServerEventDecodingError) -> [ServerEvent] {
  try message(text, dialect).events
}

func message(_ text: String, _ dialect: Dialect) throws(ServerEventDecodingError) -> ServerMessage {
  let bytes = Array(text.utf8)
  return try ServerEventDecoder(dialect).decode(bytes.span)
}

func decodingError(_ text: String, _ dialect: Dialect) -> ServerEventDecodingError? {
  do {
    _ = try message(text, dialect)
    return nil
  } catch {
    return error
  }
}

/// A message, and what it says.
struct ServerSample: CustomTestStringConvertible, Sendable {
  var text: String
  var events: [ServerEvent]
  var testDescription: String { String(text.prefix(100)) }

  init(_ text: String, _ events: ServerEvent...) {
    self.text = text
    self.events = events
  }
}

/// An event of ours, and its text.
struct ClientSample: CustomTestStringConvertible, Sendable {
  var event: ClientEvent
  var text: String?
  var testDescription: String { text ?? "\(event)" }

  init(_ event: ClientEvent, _ text: String?) {
    self.event = event
    self.text = text
  }
}

func encode(_ event: ClientEvent, _ dialect: Dialect, eventID: String? = nil) -> String? {
  ClientEventEncoder(dialect).encode(event, eventID: eventID).map { String(decoding: $0, as: UTF8.self) }
}

/// What Foundation reads.
func parsed(_ text: String) throws -> NSObject {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed) as? NSObject)
}
