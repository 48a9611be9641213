import AudioDSP
import Foundation

extension SampleRate {
  /// A place in a stream in seconds, with three decimals or as many more as it needs, up to six.
  func secondsText(_ sampleCount: Int) -> String {
    var text = String(format: "%.6f", seconds(of: sampleCount))
    while text.hasSuffix("0"), text.split(separator: ".")[1].count > 3 { text.removeLast() }
    return text
  }
}

/// `text` as a JSON string.
func jsonString(_ text: String) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .withoutEscapingSlashes
  // A string always encodes.
  return String(decoding: try! encoder.encode(text), as: UTF8.self)
}

/// `text` as a field of comma-separated values (RFC 4180).
func csvField(_ text: String) -> String {
  // By scalars: "\r\n" is one character.
  guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return text }
  return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
}

/// `text` with spaces before it, to a width.
func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

/// "1 turn", "2 turns".
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
