import NIOCore
import NIOHTTP1

/// Takes in one response, up to a limit of its body.
final class ResponseCollector: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPClientResponsePart

  struct Response {
    var head: HTTPResponseHead
    var body: ByteBuffer
    /// The body went on.
    var isCut: Bool
  }

  private let limit: Int
  private let onHead: () -> Void
  private let onResult: (Result<Response, any Error>) -> Void
  private var response: Response?
  private var isOver = false

  /// - Parameters:
  ///   - limit: bytes of the body that are kept.
  ///   - onHead: the head has come, the body follows.
  ///   - onResult: once; the end of the body, its limit, or an error.
  init(limit: Int, onHead: @escaping () -> Void, onResult: @escaping (Result<Response, any Error>) -> Void) {
    self.limit = limit
    self.onHead = onHead
    self.onResult = onResult
  }

  /// What there is so far.
  var partial: Response? { response.map { .init(head: $0.head, body: $0.body, isCut: true) } }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch Self.unwrapInboundIn(data) {
    case .head(let head):
      response = Response(head: head, body: ByteBuffer(), isCut: false)
      onHead()
    case .body(var part):
      guard !isOver, response != nil else { return }
      let room = limit - (response?.body.readableBytes ?? 0)
      if part.readableBytes > room {
        if var slice = part.readSlice(length: room) { response?.body.writeBuffer(&slice) }
        response?.isCut = true
        finish()
      } else {
        response?.body.writeBuffer(&part)
      }
    case .end: finish()
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A body that ends with the connection, in the midst of what was announced: what came is worth more than the error.
    if let error = error as? HTTPParserError, error == .invalidEOFState, response != nil { return finish(cut: true) }
    finish(error: error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if response != nil { finish(cut: true) } else { finish(error: ConnectionEnded()) }
    context.fireChannelInactive()
  }

  struct ConnectionEnded: Error {}

  private func finish(cut: Bool = false) {
    guard !isOver, var response else { return }
    isOver = true
    if cut { response.isCut = true }
    onResult(.success(response))
  }

  private func finish(error: any Error) {
    guard !isOver else { return }
    isOver = true
    onResult(.failure(error))
  }
}
