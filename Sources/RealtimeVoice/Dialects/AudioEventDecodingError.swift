import AudioDSP

/// Why a line is no event, or its audio cannot be had.
///
/// A `field` is the way to a value, such as `audio_event.audio_base_64`. Offsets count bytes from 0.
public enum AudioEventDecodingError: Error, Equatable, CustomStringConvertible {
  /// The line has more bytes than ``AudioEventDecoder/maximumByteCount``.
  case tooLong
  /// What starts as a JSON object is none; it may also be nested too deep.
  case notJSON
  /// The line is neither a JSON object nor, from `offset` on, base64.
  case neitherJSONNorBase64(offset: Int)
  /// An event that must have this field lacks it.
  case missing(field: String)
  /// The field holds another type than the event's definition says.
  case wrongType(field: String, expected: String)
  /// The field's text is no base64; the offset counts from the text's start.
  case badBase64(field: String, Base64Error)
  /// The audio's format is not one that can be decoded.
  case unsupportedFormat(String)
  /// The audio's sample rate is no number, or outside of `SampleRate.range`.
  case badSampleRate(String)

  public var description: String {
    switch self {
    case .tooLong: "longer than \(AudioEventDecoder.maximumByteCount >> 20) MiB"
    case .notJSON: "not JSON"
    case .neitherJSONNorBase64(let offset): "neither a JSON object nor base64, from offset \(offset) on"
    case .missing(let field): "'\(field)' is missing"
    case .wrongType(let field, let expected): "'\(field)' is not \(expected)"
    case .badBase64(let field, let error): field.isEmpty ? "\(error)" : "'\(field)': \(error)"
    case .unsupportedFormat(let name): "audio in the format '\(name.onOneLine)' is not supported"
    case .badSampleRate(let text):
      "sample rate '\(text.onOneLine)' is not a number from \(SampleRate.range.lowerBound) to \(SampleRate.range.upperBound)"
    }
  }
}

extension String {
  /// What stands in an event, for a message: one line of at most 80 characters, control characters as escapes.
  fileprivate var onOneLine: String {
    let scalars = unicodeScalars.prefix(80).map { scalar in
      let breaks = scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
      return breaks ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return scalars.joined() + (unicodeScalars.count > 80 ? "…" : "")
  }
}
