import Logging
import NIOCore
import NIOHTTP1

/// A POST. Printed, it shows host, port and path only.
public struct HTTPPostRequest: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var isSecure: Bool { endpoint.isSecure }
  public var host: String { endpoint.host }
  public var port: Int { endpoint.port }
  /// Path and query, percent-encoded, starting with a slash.
  public var target: String { endpoint.target }
  /// Besides Host, Connection, Content-Type and Content-Length. A Host given here wins.
  public var headers: [(name: String, value: String)]
  public var contentType: String
  public var body: [UInt8]

  let endpoint: Endpoint

  /// - Parameter port: nil means 443 with TLS and 80 without.
  public init(
    isSecure: Bool = true, host: String, port: Int? = nil, target: String,
    headers: [(name: String, value: String)] = [], contentType: String = "application/json", body: [UInt8]
  ) {
    endpoint = Endpoint(isSecure: isSecure, host: host, port: port, target: target)
    self.headers = headers
    self.contentType = contentType
    self.body = body
  }

  public var description: String { "POST \(isSecure ? "https" : "http")://\(endpoint)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["endpoint": description]) }

  var defect: String? {
    endpoint.defect ?? RequestHeaders.defect(in: headers + [(name: "Content-Type", value: contentType)])
  }
}

/// An answer of any status. Printed, it shows the status only.
public struct HTTPResponse: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]
  /// The body as one printable line of at most 1 KiB, without what was sent as a secret: for an error's text.
  public var excerpt: String
  /// What the server asked to wait, at most a day.
  public var retryAfter: Duration?

  public var description: String { "HTTP \(status), \(body.count) bytes" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["status": status]) }
}

/// One request over a connection of its own, with no more than a session's token needs.
public enum HTTPExchange {
  private static let headLimit = 64 << 10

  /// Sends a POST and takes in the answer, whatever its status; redirections are not followed. Any thread may call this.
  /// - Returns: an attempt that fails with a `TransportError`, at the latest after `requestTimeout`.
  public static func post(
    _ request: HTTPPostRequest, configuration: TransportConfiguration = .init(), on eventLoop: any EventLoop,
    logger: Logger? = nil
  ) -> TransportAttempt<HTTPResponse> {
    ConnectionOpener<HTTPResponse>.start(
      endpoint: request.endpoint, defect: request.defect ?? configuration.defect, configuration: configuration,
      timeout: configuration.requestTimeout, secrets: SentSecrets(headers: request.headers, target: request.target),
      logger: logger, lastPhase: .response,
      // Twice, since chunks of few bytes and TLS add to the body.
      receivedByteLimit: headLimit + (64 << 10) + 2 * configuration.maximumResponseSize, on: eventLoop
    ) { opener, channel in
      try setUp(channel, opener: opener, request: request)
    }
  }

  private static func setUp(
    _ channel: any Channel, opener: ConnectionOpener<HTTPResponse>, request: HTTPPostRequest
  ) throws {
    let limit = opener.configuration.maximumResponseSize
    let collector = ResponseCollector(limit: limit, onHead: {}) { result in
      switch result {
      case .success(let response) where response.isCut && response.body.readableBytes >= limit:
        opener.fail(.responseTooLarge(limit: limit))
      case .success(let response) where response.isCut:
        opener.fail(.connectionLost("ended within the answer"))
      case .success(let response):
        opener.succeed(
          HTTPResponse(
            status: Int(response.head.status.code), headers: response.head.headers.map { ($0.name, $0.value) },
            body: Array(response.body.readableBytesView),
            excerpt: opener.secrets.excerpt(String(buffer: response.body)),
            retryAfter: RetryAfter.wait(in: response.head.headers)))
        channel.close(promise: nil)
      case .failure(let error): opener.fail(caught: error)
      }
    }
    let pipeline = channel.pipeline.syncOperations
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = headLimit
    limits.maxHeaderListSize = headLimit
    try pipeline.addHTTPClientHandlers(
      enableOutboundHeaderValidation: true, encoderConfiguration: .init(), decoderLimitConfiguration: limits)
    try pipeline.addHandler(collector)

    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: request.target)
    head.headers = HTTPHeaders(request.headers)
    if !head.headers.contains(name: "Host") { head.headers.add(name: "Host", value: request.endpoint.hostHeader) }
    head.headers.add(name: "Connection", value: "close")
    head.headers.replaceOrAdd(name: "Content-Type", value: request.contentType)
    head.headers.add(name: "Content-Length", value: String(request.body.count))
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: request.body))), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }
}
