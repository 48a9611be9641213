/// Why a connection could not be had or was lost. Its text names host, port and path, and never what was sent as a
/// header's or a query's value.
public struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Wait: String, Sendable {
    /// Name resolution and TCP.
    case connecting = "connecting"
    case tlsHandshake = "the TLS handshake"
    case upgrade = "the answer to the upgrade"
    case response = "the response"
    case closeHandshake = "the answer to the close"
  }

  public enum Code: Sendable, Equatable {
    case invalidRequest(String)
    case nameNotResolved
    case refused
    /// The network has no way to the host, or the host cut the attempt off; the system's words.
    case unreachable(String)
    case timedOut(Wait)
    case tls(String)
    /// An answer other than 101. `body` is at most 1 KiB, one printable line, without what was sent as a secret.
    /// `retryAfter` is what the server asked for, at most a day.
    case upgradeRefused(status: Int, body: String, retryAfter: Duration?)
    case messageTooLarge(limit: Int)
    case responseTooLarge(limit: Int)
    case protocolViolation(String)
    case pongTimeout
    /// TCP ended, by error or without a close frame.
    case connectionLost(String)
    case cancelled
  }

  public var code: Code
  /// Host, port and path.
  public var endpoint: String

  public init(_ code: Code, endpoint: String) {
    self.code = code
    self.endpoint = endpoint
  }

  init(_ code: Code, at endpoint: Endpoint) {
    self.init(code, endpoint: endpoint.description)
  }

  /// Whether the same attempt may succeed later: what is about the network or the server's state (HTTP 408, 425, 429
  /// and 5xx), not about the request, the certificate or the protocol.
  public var isTransient: Bool {
    switch code {
    case .nameNotResolved, .refused, .unreachable, .timedOut, .pongTimeout, .connectionLost: true
    case .upgradeRefused(let status, _, _): Self.isTransient(status: status)
    case .invalidRequest, .tls, .messageTooLarge, .responseTooLarge, .protocolViolation, .cancelled: false
    }
  }

  /// Of an HTTP status: 408, 425, 429 and 5xx.
  public static func isTransient(status: Int) -> Bool {
    status == 408 || status == 425 || status == 429 || (500...599).contains(status)
  }

  public var description: String { "\(endpoint): \(reason)" }

  private var reason: String {
    switch code {
    case .invalidRequest(let defect): "not asked for: \(defect)"
    case .nameNotResolved: "the host's name could not be resolved"
    case .refused: "the connection was refused"
    case .unreachable(let words): "not reachable: \(words)"
    case .timedOut(let wait): "timed out during \(wait.rawValue)"
    case .tls(let words): "TLS: \(words)"
    case .upgradeRefused(let status, let body, let retryAfter):
      "answered \(status) to the WebSocket upgrade" + (body.isEmpty ? "" : ": \(body)")
        + (retryAfter.map { " (retry after \($0))" } ?? "")
    case .messageTooLarge(let limit): "a message is longer than the limit of \(limit) bytes"
    case .responseTooLarge(let limit): "the response is longer than the limit of \(limit) bytes"
    case .protocolViolation(let words): "broke the protocol: \(words)"
    case .pongTimeout: "no answer to a ping"
    case .connectionLost(let words): "the connection was lost: \(words)"
    case .cancelled: "cancelled"
    }
  }
}
