import NIOCore
import NIOWebSocket

/// Makes messages of frames: the rules of RFC 6455, chapter 5, for what a client receives, without a socket.
struct FrameReader {
  enum Event: Equatable {
    /// A part of a message that goes on, or nothing to do.
    case none
    case text(ByteBuffer)
    case binary(ByteBuffer)
    case ping(ByteBuffer)
    case pong(ByteBuffer)
    /// `code` is nil where the frame was empty.
    case close(code: UInt16?, reason: String)
  }

  /// Why the connection must be failed, and with which code.
  struct Violation: Error, Equatable {
    var closeCode: UInt16
    var words: String
  }

  /// Of one message, in bytes.
  let maximumMessageSize: Int
  private var partial: (opcode: WebSocketOpcode, bytes: ByteBuffer)?

  init(maximumMessageSize: Int) { self.maximumMessageSize = maximumMessageSize }

  mutating func accept(_ frame: WebSocketFrame) throws(Violation) -> Event {
    if !frame.reservedBits.isEmpty { throw Violation(closeCode: 1002, words: "a reserved bit is set") }
    if frame.maskKey != nil { throw Violation(closeCode: 1002, words: "a frame from the server is masked") }
    switch frame.opcode {
    case .text, .binary:
      guard partial == nil else {
        throw Violation(closeCode: 1002, words: "a message starts within another")
      }
      return try begin(frame)
    case .continuation:
      return try resume(frame)
    case .ping: return .ping(frame.data)
    case .pong: return .pong(frame.data)
    case .connectionClose: return try close(frame.data)
    default: throw Violation(closeCode: 1002, words: "a frame has an unknown opcode")
    }
  }

  private mutating func begin(_ frame: WebSocketFrame) throws(Violation) -> Event {
    try checkSize(frame.data.readableBytes)
    if frame.fin { return try message(frame.opcode, frame.data) }
    partial = (frame.opcode, frame.data)
    return .none
  }

  private mutating func resume(_ frame: WebSocketFrame) throws(Violation) -> Event {
    guard case (let opcode, var bytes)? = partial else {
      throw Violation(closeCode: 1002, words: "a message goes on that never started")
    }
    // The only reference to the bytes from here, so that appending copies the new ones alone.
    partial = nil
    var more = frame.data
    try checkSize(bytes.readableBytes + more.readableBytes)
    bytes.writeBuffer(&more)
    if frame.fin { return try message(opcode, bytes) }
    partial = (opcode, bytes)
    return .none
  }

  private func checkSize(_ count: Int) throws(Violation) {
    if count > maximumMessageSize { throw Self.tooLarge }
  }

  static let tooLarge = Violation(closeCode: 1009, words: "message too large")

  private func message(_ opcode: WebSocketOpcode, _ bytes: ByteBuffer) throws(Violation) -> Event {
    guard opcode == .text else { return .binary(bytes) }
    guard UTF8Check.isValid(bytes.readableBytesSpan) else {
      throw Violation(closeCode: 1007, words: "a text message is not UTF-8")
    }
    return .text(bytes)
  }

  private func close(_ payload: ByteBuffer) throws(Violation) -> Event {
    var payload = payload
    if payload.readableBytes == 0 { return .close(code: nil, reason: "") }
    guard let code = payload.readInteger(as: UInt16.self) else {
      throw Violation(closeCode: 1002, words: "a close frame has one byte")
    }
    guard Self.isAllowedOnTheWire(code) else {
      throw Violation(closeCode: 1002, words: "the close code \(code) is not one to be sent")
    }
    guard UTF8Check.isValid(payload.readableBytesSpan) else {
      throw Violation(closeCode: 1007, words: "the reason of a close frame is not UTF-8")
    }
    return .close(code: code, reason: String(buffer: payload))
  }

  /// RFC 6455, 7.4, with 1012 to 1014 of the registry that it set up; 3000 to 4999 are for libraries and applications.
  static func isAllowedOnTheWire(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
