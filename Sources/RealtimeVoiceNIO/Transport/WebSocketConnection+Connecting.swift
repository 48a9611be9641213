import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket

extension WebSocketConnection {
  /// Heads of responses and what is kept of a refusal's body. An excerpt is 1 KiB; an error in JSON is hardly longer than
  /// 16 KiB.
  private static let refusalLimit = 16 << 10
  private static let headLimit = 64 << 10

  /// Opens a WebSocket. Any thread may call this; the delegate is called on `eventLoop`.
  /// - Parameter logger: is told at level debug what was opened and closed, never payloads nor the values of headers.
  /// - Returns: an attempt that fails with a `TransportError`, at the latest after `connectTimeout`. The delegate hears of
  ///   connections that were opened only.
  public static func connect(
    _ request: WebSocketRequest, configuration: TransportConfiguration = .init(), on eventLoop: any EventLoop,
    delegate: any WebSocketDelegate, logger: Logger? = nil
  ) -> TransportAttempt<WebSocketConnection> {
    ConnectionOpener<WebSocketConnection>.start(
      endpoint: request.endpoint, defect: request.defect ?? configuration.defect, configuration: configuration,
      timeout: configuration.connectTimeout, secrets: request.secrets, logger: logger, lastPhase: .upgrade,
      // TLS's handshake counts too (certificates of 16 KiB are known), and what one read brings after the head.
      receivedByteLimit: headLimit + refusalLimit + (128 << 10), on: eventLoop
    ) { opener, channel in
      try setUp(channel, opener: opener, request: request, delegate: delegate)
    }
  }

  private static func setUp(
    _ channel: any Channel, opener: ConnectionOpener<WebSocketConnection>, request: WebSocketRequest,
    delegate: any WebSocketDelegate
  ) throws {
    let collector = refusalCollector(opener)
    let bound = NIOLoopBound((opener, collector), eventLoop: channel.eventLoop)
    let upgrader = NIOWebSocketClientUpgrader(
      maxFrameSize: opener.configuration.maximumMessageSize, automaticErrorHandling: false
    ) { channel, head in
      channel.eventLoop.makeCompletedFuture {
        let (opener, collector) = bound.value
        try upgraded(channel, head: head, opener: opener, collector: collector, request: request, delegate: delegate)
      }
    }
    let pipeline = channel.pipeline.syncOperations
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = headLimit
    limits.maxHeaderListSize = headLimit
    try pipeline.addHTTPClientHandlers(
      leftOverBytesStrategy: .forwardBytes, enableOutboundHeaderValidation: true,
      encoderConfiguration: .init(), decoderLimitConfiguration: limits,
      withClientUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
    try pipeline.addHandler(collector)

    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: request.target)
    head.headers = HTTPHeaders(request.headers)
    if !head.headers.contains(name: "Host") { head.headers.add(name: "Host", value: request.endpoint.hostHeader) }
    if !request.subprotocols.isEmpty {
      head.headers.add(name: "Sec-WebSocket-Protocol", value: request.subprotocols.joined(separator: ", "))
    }
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  /// Hears what is not an upgrade.
  private static func refusalCollector(_ opener: ConnectionOpener<WebSocketConnection>) -> ResponseCollector {
    func refusal(_ response: ResponseCollector.Response) -> TransportError {
      let body = opener.secrets.excerpt(String(buffer: response.body))
      let status = Int(response.head.status.code)
      return TransportError(
        .upgradeRefused(status: status, body: body, retryAfter: RetryAfter.wait(in: response.head.headers)),
        at: opener.endpoint)
    }
    // Assigned before any callback can come.
    weak var collector: ResponseCollector?
    let made = ResponseCollector(limit: refusalLimit) {
      opener.errorAtDeadline = { collector?.partial.map(refusal) }
      // A body that does not end says nothing more.
      opener.shortenDeadline(to: opener.configuration.closeTimeout)
    } onResult: { result in
      switch result {
      case .success(let response) where response.head.status == .switchingProtocols:
        opener.fail(caught: NIOHTTPClientUpgradeError.upgraderDeniedUpgrade)
      case .success(let response): opener.fail(refusal(response))
      case .failure(let error): opener.fail(caught: error)
      }
    }
    collector = made
    return made
  }

  private static func upgraded(
    _ channel: any Channel, head: HTTPResponseHead, opener: ConnectionOpener<WebSocketConnection>,
    collector: ResponseCollector, request: WebSocketRequest, delegate: any WebSocketDelegate
  ) throws {
    // RFC 6455, 4.1: what a client must check besides the accept key, which the upgrader did.
    let chosen = head.headers[canonicalForm: "Sec-WebSocket-Protocol"]
    if !head.headers[canonicalForm: "Connection"].contains(where: { $0.lowercased() == "upgrade" }) {
      throw fail(opener, "the upgrade's answer has no Connection: Upgrade")
    }
    if head.headers.contains(name: "Sec-WebSocket-Extensions") {
      throw fail(opener, "the server chose an extension that was not offered")
    }
    if chosen.count > 1 || !chosen.allSatisfy({ request.subprotocols.contains(String($0)) }) {
      throw fail(opener, "the server chose a subprotocol that was not offered")
    }
    let handler = WebSocketHandler(
      endpoint: opener.endpoint, configuration: opener.configuration, secrets: opener.secrets, gate: opener.gate,
      delegate: delegate, logger: opener.logger)
    let connection = WebSocketConnection(
      handler: handler, eventLoop: channel.eventLoop, subprotocol: chosen.first.map(String.init))
    handler.connection = connection
    let pipeline = channel.pipeline.syncOperations
    pipeline.removeHandler(collector, promise: nil)
    try pipeline.addHandler(handler)
    opener.succeed(connection)
  }

  private static func fail(_ opener: ConnectionOpener<WebSocketConnection>, _ words: String) -> TransportError {
    let error = TransportError(.protocolViolation(words), at: opener.endpoint)
    opener.fail(error)
    return error
  }
}
