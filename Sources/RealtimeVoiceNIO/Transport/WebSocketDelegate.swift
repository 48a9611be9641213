import NIOCore

/// Hears of one connection, on its event loop. A connection holds its delegate until `didClose` has returned.
///
/// Messages may come before whoever awaits the connection has been resumed; each call therefore brings the connection.
/// A call may come from within `send` (writability). All functions of the connection may be called from within.
public protocol WebSocketDelegate: AnyObject, Sendable {
  /// A whole message, valid UTF-8.
  func webSocket(_ connection: WebSocketConnection, didReceiveText message: ByteBuffer)
  /// A whole message.
  func webSocket(_ connection: WebSocketConnection, didReceiveBinary message: ByteBuffer)
  /// Also where a message was refused as `full`, once nothing waits for the socket any more.
  func webSocketDidChangeWritability(_ connection: WebSocketConnection)
  /// Once for each connection that was opened, last of all calls; the socket is closed by then.
  func webSocket(_ connection: WebSocketConnection, didClose closure: WebSocketClosure)
}
