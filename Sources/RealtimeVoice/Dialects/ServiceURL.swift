/// The parts of a URL of a WebSocket.
struct ServiceURL {
  let isSecure: Bool
  let host: String
  let port: Int
  /// Percent-encoded; empty, or from its `/` on.
  let path: String
  /// Percent-encoded; `nil` where there is no `?`.
  let query: String?

  init(_ text: String) throws(ServiceEndpointError) {
    try Self.checkCharacters(text)
    // So that no mark of another script makes one character with a delimiter.
    let text = Self.asASCII(text)
    guard let colon = text.firstRange(of: "://") else { throw .badScheme(nil) }
    let scheme = text[..<colon.lowerBound].lowercased()
    switch scheme {
    case "wss", "https": isSecure = true
    case "ws", "http": isSecure = false
    // What stands before the first of "://" may be more than a scheme.
    case let scheme where scheme.utf8.count <= 20 && scheme.utf8.allSatisfy(\.isLetterOrDigit):
      throw .badScheme(scheme)
    default: throw .badScheme(nil)
    }
    let rest = text[colon.upperBound...]
    guard !rest.contains("#") else { throw .fragment }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let place = rest[authority.endIndex...]
    let path = place.prefix { $0 != "?" }
    self.path = Self.encoded(String(path))
    query = path.endIndex < place.endIndex ? Self.encoded(String(place[path.endIndex...].dropFirst())) : nil
    (host, port) = try Self.hostAndPort(authority, defaultPort: isSecure ? 443 : 80)
  }

  private static func hostAndPort(
    _ authority: Substring, defaultPort: Int
  ) throws(ServiceEndpointError) -> (String, Int) {
    guard !authority.contains("@") else { throw .userInfo }
    let host: Substring
    var rest: Substring
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { throw .badHost }
      host = authority[authority.index(after: authority.startIndex)..<end]
      rest = authority[authority.index(after: end)...]
      guard host.utf8.count >= 2,
        host.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit || $0 == 0x3A || $0 == 0x2E })
      else { throw .badHost }
    } else {
      host = authority.prefix { $0 != ":" }
      rest = authority[host.endIndex...]
      guard !host.isEmpty else { throw .noHost }
      guard host.utf8.allSatisfy({ $0.isLetterOrDigit || "-._".utf8.contains($0) }) else { throw .badHost }
    }
    guard !rest.isEmpty else { return (host.lowercased(), defaultPort) }
    guard rest.removeFirst() == ":" else { throw .badHost }
    // A colon alone stands for the scheme's port (RFC 3986, section 6.2.3).
    guard !rest.isEmpty else { return (host.lowercased(), defaultPort) }
    guard rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(rest), (1...65_535).contains(port) else {
      throw .badPort
    }
    return (host.lowercased(), port)
  }

  /// A line's end would end the request's line.
  static func checkCharacters(_ text: String) throws(ServiceEndpointError) {
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .controlCharacter }
  }

  /// A path or query in which what a URL does not take is percent-encoded, and what is encoded already stays.
  static func encoded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var output = ""
    for (i, byte) in bytes.enumerated() {
      let isEncoded =
        byte == UInt8(ascii: "%") && i + 2 < bytes.count
        && bytes[i + 1...i + 2].allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
      // RFC 3986: unreserved, sub-delims, and what pchar and query add.
      if isEncoded || byte.isLetterOrDigit || "-._~!$&'()*+,;=:@/?".utf8.contains(byte) {
        output.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        output += percentEncoded(byte)
      }
    }
    return output
  }

  private static func asASCII(_ text: String) -> String {
    text.utf8.reduce(into: "") { output, byte in
      if byte < 0x80 {
        output.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        output += percentEncoded(byte)
      }
    }
  }

  /// A name or value of a query: all but what is unreserved is percent-encoded.
  static func encodedItem(_ text: String) -> String {
    var output = ""
    for byte in text.utf8 {
      if byte.isLetterOrDigit || "-._~".utf8.contains(byte) {
        output.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        output += percentEncoded(byte)
      }
    }
    return output
  }

  private static func percentEncoded(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "%" + (digits.count < 2 ? "0" : "") + digits
  }
}
