import Logging
import NIOCore
import NIOWebSocket

/// An open WebSocket, RFC 6455, as a client, without extensions. Bound to one event loop: every function must be called
/// on it (checked), and the delegate is called on it. It stays open until one side closes it, whether held or not.
public final class WebSocketConnection: Sendable, CustomReflectable {
  public let eventLoop: any EventLoop
  /// The one that the server chose among those offered.
  public let subprotocol: String?
  private let core: NIOLoopBound<WebSocketHandler>

  init(handler: WebSocketHandler, eventLoop: any EventLoop, subprotocol: String?) {
    self.eventLoop = eventLoop
    self.subprotocol = subprotocol
    core = NIOLoopBound(handler, eventLoop: eventLoop)
  }

  public var customMirror: Mirror { Mirror(self, children: [:]) }

  public enum SendResult: Sendable {
    case accepted
    /// More would wait for the socket than `maximumBufferedByteCount`: the message was not taken. The delegate's
    /// `webSocketDidChangeWritability` tells when there is room.
    case full
    /// The connection is closed or closing: the message was not taken.
    case closed
  }

  /// Sends one text message, written and flushed. The bytes must be UTF-8 (RFC 6455, 5.6); that is not checked.
  @discardableResult
  public func send(text message: ByteBuffer) -> SendResult { core.value.send(.text, message) }

  /// As above, by copy.
  @discardableResult
  public func send(text message: Span<UInt8>) -> SendResult { unsafe core.value.send(.text, bytes: message.bytes) }

  /// As above, by copy.
  @discardableResult
  public func send(text message: [UInt8]) -> SendResult { core.value.send(.text, ByteBuffer(bytes: message)) }

  /// Sends one binary message.
  @discardableResult
  public func send(binary message: ByteBuffer) -> SendResult { core.value.send(.binary, message) }

  /// False from the high water mark of what waits for the socket down to the low one, and when closed: the caller holds
  /// back, in a bounded queue of its own.
  public var isWritable: Bool { core.value.isWritable }

  /// Bytes of messages, with their frames, that the socket has not taken yet.
  public var bufferedByteCount: Int { core.value.bufferedByteCount }

  /// False once a close has been sent or received.
  public var isOpen: Bool { core.value.isOpen }

  /// When the socket last gave something: the bytes that complete a message, while the delegate is told of it.
  var lastReadAt: NIODeadline { core.value.lastReadAt }

  /// From the last answered ping to its pong; nil before the first.
  public var lastRoundTrip: Duration? { core.value.lastRoundTrip }

  /// Reads nothing more from the socket until `resumeReading`, so that the server must hold back. Messages of what was already
  /// read (at most one read of the socket) still come. Meanwhile no pong can come and none is waited for.
  public func pauseReading() { core.value.pauseReading() }
  public func resumeReading() { core.value.resumeReading() }

  /// Starts the closing handshake. What was sent before still goes out; no message comes any more. `didClose` follows, at
  /// the latest after the time that TCP and TLS have for it.
  /// - Parameters:
  ///   - code: 1000...1003, 1007...1014 or 3000...4999, RFC 6455, 7.4; anything else is a programmer's error.
  ///   - reason: cut to the 123 bytes that fit.
  public func close(code: UInt16 = 1000, reason: String = "") {
    precondition(FrameReader.isAllowedOnTheWire(code), "the close code \(code) is not one to be sent")
    core.value.close(code: code, reason: reason)
  }
}
