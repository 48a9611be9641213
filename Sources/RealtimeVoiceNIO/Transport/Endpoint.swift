/// Where a request goes. What is printed of it is host, port and path: a query may hold a key.
struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  let isSecure: Bool
  let host: String
  let port: Int
  let target: String

  /// - Parameters:
  ///   - host: a name or an address; an IPv6 address may stand in brackets, as in a URL.
  ///   - port: nil means 443 with TLS and 80 without.
  init(isSecure: Bool, host: String, port: Int?, target: String) {
    self.isSecure = isSecure
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
    self.host = isBracketed ? String(host.dropFirst().dropLast()) : host
    self.port = port ?? (isSecure ? 443 : 80)
    self.target = target
  }

  var path: Substring { target.prefix { $0 != "?" && $0 != "#" } }

  var description: String { "\(bracketedHost):\(port)\(TransportText.printable(String(path), limit: 256))" }

  /// The value of the header Host, RFC 9110, 7.2: without the port where it is the scheme's own.
  var hostHeader: String {
    port == (isSecure ? 443 : 80) ? bracketedHost : "\(bracketedHost):\(port)"
  }

  private var bracketedHost: String {
    let printable = TransportText.printable(host, limit: 256)
    return host.utf8.contains(UInt8(ascii: ":")) ? "[\(printable)]" : printable
  }

  /// What keeps this from being asked for, in words; nil where nothing does.
  var defect: String? {
    if host.isEmpty { return "there is no host" }
    let isPlainHost = host.utf8.allSatisfy {
      $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@")
    }
    if !isPlainHost { return "the host has a character that no host name has" }
    if !(1...65535).contains(port) { return "the port \(port) is not in 1...65535" }
    if target.utf8.first != UInt8(ascii: "/") { return "the path does not start with a slash" }
    let isPlainTarget = target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
    if !isPlainTarget { return "the path or query has a space, a fragment or a character that must be percent-encoded" }
    return nil
  }
}

/// Headers as they go out, checked before anything is opened.
enum RequestHeaders {
  /// Written by the transport itself; another value would break the exchange.
  private static let reserved: Set<String> = [
    "connection", "upgrade", "content-length", "transfer-encoding", "sec-websocket-key", "sec-websocket-version",
    "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol",
  ]

  /// What is wrong with the first bad header, by its name, never by its value; nil where all are good.
  static func defect(in headers: [(name: String, value: String)]) -> String? {
    for (name, value) in headers {
      guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
        return "a header's name is empty or has a character that HTTP does not allow"
      }
      if reserved.contains(name.lowercased()) { return "the header \(name) is set by the connection itself" }
      let isPlain = value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
      if !isPlain {
        return "the value of the header \(name) has a control character, such as a line break at the end of a key"
      }
    }
    return nil
  }

  /// RFC 9110, 5.6.2: a token.
  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
