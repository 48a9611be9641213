import NIOCore

/// Sits at the socket, below TLS: counts what comes in, as a sign of life and against a limit while the connection is being
/// opened, and can close without a goodbye.
final class SocketGate: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  struct TooManyBytes: Error {}

  private(set) var receivedByteCount = 0
  /// When the socket last gave something.
  private(set) var lastReadAt = NIODeadline.now()
  /// What may come in before this is set to nil.
  var limit: Int?
  private var context: ChannelHandlerContext?

  init(limit: Int?) { self.limit = limit }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastReadAt = .now()
    receivedByteCount &+= Self.unwrapInboundIn(data).readableBytes
    if let limit, receivedByteCount > limit {
      context.fireErrorCaught(TooManyBytes())
      abort()
      return
    }
    context.fireChannelRead(data)
  }

  /// Closes the socket at once; what waits to be written is lost.
  func abort() { context?.close(promise: nil) }
}
