/// The request that opens a WebSocket, RFC 6455, 4.1.
///
/// Printed, it shows host, port and path only: keys travel in headers, in subprotocols and in the query.
public struct WebSocketRequest: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var isSecure: Bool { endpoint.isSecure }
  /// A name or an address, without the brackets of an IPv6 address.
  public var host: String { endpoint.host }
  public var port: Int { endpoint.port }
  /// Path and query, percent-encoded, starting with a slash.
  public var target: String { endpoint.target }
  /// Besides those that the connection sets itself: Host, Upgrade, Connection and Sec-WebSocket-*. A Host given here
  /// wins.
  public var headers: [(name: String, value: String)]
  /// Offered in this order; a server that chooses one which was not offered is refused.
  public var subprotocols: [String]

  let endpoint: Endpoint

  /// - Parameter port: nil means 443 with TLS and 80 without.
  public init(
    isSecure: Bool = true, host: String, port: Int? = nil, target: String = "/",
    headers: [(name: String, value: String)] = [], subprotocols: [String] = []
  ) {
    endpoint = Endpoint(isSecure: isSecure, host: host, port: port, target: target)
    self.headers = headers
    self.subprotocols = subprotocols
  }

  public var description: String { "\(isSecure ? "wss" : "ws")://\(endpoint)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["endpoint": description]) }

  var secrets: SentSecrets { SentSecrets(headers: headers, target: target, subprotocols: subprotocols) }

  var defect: String? {
    if let defect = endpoint.defect ?? RequestHeaders.defect(in: headers) { return defect }
    let areTokens = subprotocols.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(RequestHeaders.isTokenByte) }
    return areTokens ? nil : "a subprotocol is empty or has a character that HTTP does not allow"
  }
}
