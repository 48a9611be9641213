import AudioDSP

/// Why a service's message cannot be read.
///
/// It names the event's type and the way to a field, such as `response.usage`, and nothing of what stands there: what
/// is logged of it holds no speech.
public enum ServerEventDecodingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The message has more bytes than ``ServerEventDecoder/maximumByteCount``.
  case tooLong
  /// The message stops to be JSON at this byte, counted from 0, or objects stand too deep in each other.
  case notJSON(offset: Int)
  /// The message is JSON, and no object.
  case notAnObject
  /// An event that must have this field lacks it.
  case missing(type: String, field: String)
  /// The field holds another type of value than the event's definition says, or a number that nothing can be.
  case wrongType(type: String, field: String, expected: String)
  /// The field's text is no base64; the offset counts from the text's start.
  case badBase64(type: String, field: String, Base64Error)
  /// The field names a format of audio that cannot be played or made.
  case unsupportedFormat(type: String, field: String)

  public var description: String {
    switch self {
    case .tooLong: "a message longer than \(ServerEventDecoder.maximumByteCount >> 20) MiB"
    case .notJSON(let offset): "a message that is not JSON, from byte \(offset) on"
    case .notAnObject: "a message that is JSON, but no object"
    case .missing(let type, let field): "\(Self.event(type)): '\(field)' is missing"
    case .wrongType(let type, let field, let expected): "\(Self.event(type)): '\(field)' is not \(expected)"
    case .badBase64(let type, let field, let error): "\(Self.event(type)): '\(field)': \(error)"
    case .unsupportedFormat(let type, let field): "\(Self.event(type)): '\(field)' names a format that is not supported"
    }
  }

  private static func event(_ type: String) -> String { type.isEmpty ? "an event" : "event '\(type)'" }
}
