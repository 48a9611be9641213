/// How a connection ended.
public struct WebSocketClosure: Sendable, Equatable, CustomStringConvertible {
  public enum Initiator: Sendable { case local, remote }

  /// The code of the peer's close frame; where that came without one 1005, where none came 1006 (RFC 6455, 7.1.5).
  /// Where this side found fault, the code that it sent: 1002, 1007 or 1009.
  public var code: UInt16
  /// The peer's words: one printable line of at most 123 bytes, without what was sent as a secret.
  public var reason: String
  public var initiator: Initiator
  /// Nil after a closing handshake.
  public var error: TransportError?

  public init(code: UInt16, reason: String = "", initiator: Initiator, error: TransportError? = nil) {
    self.code = code
    self.reason = reason
    self.initiator = initiator
    self.error = error
  }

  /// Codes after which a new connection may do better, as services' own clients have it: going away, none, lost,
  /// internal error, restart, try again later, TLS.
  public static let transientCodes: Set<UInt16> = [1001, 1005, 1006, 1011, 1012, 1013, 1015]

  /// Whether a new connection is worth a try. Never after this side closed without an error.
  public var isTransient: Bool {
    if let error { return error.isTransient }
    return initiator == .remote && Self.transientCodes.contains(code)
  }

  public var description: String {
    if let error { return "closed (\(code)): \(error)" }
    let who = initiator == .local ? "here" : "by the server"
    return "closed \(who) (\(code))" + (reason.isEmpty ? "" : ": \(reason)")
  }
}
