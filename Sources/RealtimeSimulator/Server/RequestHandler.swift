import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Answers requests that do not become a WebSocket.
final class RequestHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// 20 MB is what the service takes of a request.
  static let bodyLimit = 20_000_000

  private let core: SimulatorCore
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  private var isTooLong = false

  init(_ core: SimulatorCore) {
    self.core = core
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = []
      isTooLong = false
    case .body(let part):
      isTooLong = isTooLong || body.count + part.readableBytes > Self.bodyLimit
      if !isTooLong { body.append(contentsOf: part.readableBytesView) }
    case .end:
      guard let head else { return }
      self.head = nil
      respond(to: head, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A handshake that is not accepted comes here as an error and then as a request, which is answered in words.
    if error is NIOWebSocketUpgradeError { return }
    context.close(promise: nil)
  }

  private func respond(to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard !isTooLong else { return refuse(.payloadTooLarge, "the body is longer than 20 MB", head, context) }
    switch SessionRoute.answer(head, for: core.configuration) {
    case .refusal(let status, let message): refuse(status, message, head, context)
    case .index:
      let text =
        "Utter's simulator of voice services. Nothing leaves this machine, and no model is behind it.\n"
        + SimulatedDialect.allCases.map { "\($0.rawValue): \($0.path)\n" }.joined()
        + "chat: POST /v1/chat/completions\n"
      write(.ok, "text/plain; charset=utf-8", Array(text.utf8), head, context)
    case .session:
      // It was good for an upgrade, but the WebSocket's own part of it was not.
      refuse(.badRequest, "not a WebSocket handshake of version 13, or too many connections", head, context)
    case .chatCompletion:
      switch ChatCompletion.answer(body, core) {
      case .success(let json): write(.ok, "application/json", json.utf8, head, context)
      case .failure(let error): write(error, .badRequest, head, context)
      }
    }
  }

  private func refuse(
    _ status: HTTPResponseStatus, _ message: String, _ head: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    core.countRefusal()
    core.log("HTTP \(status.code): \(message)")
    let code = status == .unauthorized ? "invalid_api_key" : "invalid_request"
    write(ServiceError(code: code, message: message), status, head, context)
  }

  private func write(
    _ error: ServiceError, _ status: HTTPResponseStatus, _ head: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    let json: JSONValue = [
      "error": [
        "message": .string(error.message), "type": .string(error.type), "param": JSONValue(error.parameter),
        "code": .string(error.code),
      ]
    ]
    write(status, "application/json", json.utf8, head, context)
  }

  private func write(
    _ status: HTTPResponseStatus, _ type: String, _ bytes: [UInt8], _ head: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    let isKept = head.isKeepAlive && status == .ok
    var headers: HTTPHeaders = ["Content-Type": type, "Content-Length": "\(bytes.count)"]
    if !isKept { headers.add(name: "Connection", value: "close") }
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if !isKept { bound.value.close(promise: nil) }
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is SessionHandler.GoAway { return context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
