/// A header of the request that opens a connection. Its value may be a secret, and is not shown.
public struct ServiceHeader: Hashable, Sendable {
  public let name: String
  public let value: String

  /// - Throws: ``ServiceEndpointError`` for a name or value that HTTP does not take, or a header that the transport
  ///   writes itself.
  public init(_ name: String, _ value: String) throws(ServiceEndpointError) {
    guard !name.isEmpty, name.utf8.allSatisfy(Self.isOfName) else { throw .badHeaderName }
    guard !Self.reservedNames.contains(name.lowercased()) else { throw .reservedHeader(name: name) }
    // A line's end would start another header. What is not ASCII has no defined meaning in HTTP.
    guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else {
      throw .badHeaderValue(name: name)
    }
    self.name = name
    self.value = value
  }

  func has(name: String) -> Bool { self.name.lowercased() == name.lowercased() }

  /// What opening a WebSocket is made of (RFC 6455, section 4.1), and what frames a request.
  private static let reservedNames: Set<String> = [
    "connection", "content-length", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key",
    "sec-websocket-version", "transfer-encoding", "upgrade",
  ]

  /// A token's characters (RFC 9110, section 5.6.2).
  private static func isOfName(_ byte: UInt8) -> Bool {
    byte.isLetterOrDigit || "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }
}

extension ServiceHeader: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "\(name): …" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

extension UInt8 {
  var isLetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
