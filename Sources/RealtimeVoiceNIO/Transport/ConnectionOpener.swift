import Logging
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// Opens TCP and TLS, hands the channel to whoever speaks HTTP over it, and sees to it that the result comes once, in time,
/// and that a socket without one is closed. Bound to its event loop.
final class ConnectionOpener<Value: Sendable> {
  let eventLoop: any EventLoop
  let endpoint: Endpoint
  let configuration: TransportConfiguration
  let secrets: SentSecrets
  let logger: Logger?
  let gate: SocketGate
  /// What is being waited for, as a timeout names it.
  private(set) var phase: TransportError.Wait = .connecting
  /// The wait after TLS.
  let lastPhase: TransportError.Wait
  /// Says what is known when the time is over, such as a refusal whose body has no end.
  var errorAtDeadline: (() -> TransportError?)?

  private let promise: EventLoopPromise<Value>
  private var setUp: ((ConnectionOpener, any Channel) throws -> Void)?
  private var candidates: [any Channel] = []
  private var tlsHandler: NIOSSLClientHandler?
  private var deadline: Scheduled<Void>?
  private var deadlineTime = NIODeadline.distantFuture
  private var isOver = false

  /// - Parameter receivedByteLimit: what may come in before the result is there, as a bound on all that is buffered.
  private init(
    endpoint: Endpoint, configuration: TransportConfiguration, secrets: SentSecrets, logger: Logger?,
    lastPhase: TransportError.Wait, receivedByteLimit: Int, promise: EventLoopPromise<Value>,
    setUp: @escaping (ConnectionOpener, any Channel) throws -> Void
  ) {
    eventLoop = promise.futureResult.eventLoop
    self.endpoint = endpoint
    self.configuration = configuration
    self.secrets = secrets
    self.logger = logger
    self.lastPhase = lastPhase
    self.promise = promise
    self.setUp = setUp
    gate = SocketGate(limit: receivedByteLimit)
  }

  /// - Parameter setUp: adds to the pipeline of a connected channel and writes the request; what is written waits for TLS.
  static func start(
    endpoint: Endpoint, defect: String?, configuration: TransportConfiguration, timeout: Duration, secrets: SentSecrets,
    logger: Logger?, lastPhase: TransportError.Wait, receivedByteLimit: Int, on eventLoop: any EventLoop,
    setUp: @escaping @Sendable (ConnectionOpener, any Channel) throws -> Void
  ) -> TransportAttempt<Value> {
    let promise = eventLoop.makePromise(of: Value.self)
    if let defect {
      promise.fail(TransportError(.invalidRequest(defect), at: endpoint))
      return TransportAttempt(future: promise.futureResult, abandon: {})
    }
    let box = NIOLoopBoundBox.makeEmptyBox(valueType: ConnectionOpener.self, eventLoop: eventLoop)
    let begin: @Sendable () -> Void = {
      let opener = ConnectionOpener(
        endpoint: endpoint, configuration: configuration, secrets: secrets, logger: logger, lastPhase: lastPhase,
        receivedByteLimit: receivedByteLimit, promise: promise, setUp: setUp)
      box.value = opener
      opener.open(timeout: timeout)
    }
    let abandon: @Sendable () -> Void = { box.value?.fail(.cancelled) }
    if eventLoop.inEventLoop { begin() } else { eventLoop.execute(begin) }
    return TransportAttempt(future: promise.futureResult) {
      if eventLoop.inEventLoop { abandon() } else { eventLoop.execute(abandon) }
    }
  }

  // MARK: Result

  func succeed(_ value: Value) {
    guard end() else { return }
    gate.limit = nil
    candidates = []
    logger?.debug("connected", metadata: ["endpoint": "\(endpoint)"])
    promise.succeed(value)
  }

  func fail(_ code: TransportError.Code) { fail(TransportError(code, at: endpoint)) }

  func fail(_ error: TransportError) {
    guard end() else { return }
    logger?.debug("not connected", metadata: ["endpoint": "\(endpoint)", "error": "\(error)"])
    promise.fail(error)
    gate.abort()
    for channel in candidates { channel.close(promise: nil) }
    candidates = []
  }

  /// For an error of the pipeline.
  func fail(caught error: any Error) {
    fail(TransportError.Code(caught: error, secrets: secrets, certificate: { self.tlsHandler?.peerCertificate }))
  }

  /// Ends the wait for what is left of an answer earlier than the whole.
  func shortenDeadline(to wait: Duration) {
    guard !isOver else { return }
    let end = NIODeadline.now() + TimeAmount(limiting: wait)
    guard end < deadlineTime else { return }
    setDeadline(end)
  }

  private func setDeadline(_ time: NIODeadline) {
    deadline?.cancel()
    deadlineTime = time
    deadline = eventLoop.assumeIsolated().scheduleTask(deadline: time) {
      self.fail(self.errorAtDeadline?() ?? TransportError(.timedOut(self.phase), at: self.endpoint))
    }
  }

  private func end() -> Bool {
    if isOver { return false }
    isOver = true
    deadline?.cancel()
    errorAtDeadline = nil
    tlsHandler = nil
    setUp = nil
    return true
  }

  // MARK: Steps

  private func open(timeout: Duration) {
    let limit = TimeAmount(limiting: timeout)
    logger?.debug("connecting", metadata: ["endpoint": "\(endpoint)"])
    setDeadline(.now() + limit)
    guard endpoint.isSecure else { return connect(tls: nil, limit: limit) }
    let configuration = configuration
    NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { try TLSContexts.context(for: configuration) }
      .assumeIsolated().whenComplete { result in
        switch result {
        case .success(let context): self.connect(tls: context, limit: limit)
        case .failure(let error): self.fail(caught: error)
        }
      }
  }

  private func connect(tls: NIOSSLContext?, limit: TimeAmount) {
    if isOver { return }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    ClientBootstrap(group: eventLoop)
      .connectTimeout(limit)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(
        .writeBufferWaterMark,
        value: .init(
          low: configuration.writeBufferLowWaterMark, high: configuration.writeBufferHighWaterMark)
      )
      .channelInitializer { channel in
        // One for each address that is tried.
        let opener = bound.value
        if opener.isOver { return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        opener.candidates.append(channel)
        return channel.eventLoop.makeSucceededVoidFuture()
      }
      .connect(host: endpoint.host, port: endpoint.port)
      .assumeIsolated().whenComplete { result in
        switch result {
        case .success(let channel): self.connected(channel, tls: tls)
        case .failure(let error): self.fail(TransportError.Code(connecting: error))
        }
      }
  }

  private func connected(_ channel: any Channel, tls: NIOSSLContext?) {
    if isOver { return channel.close(promise: nil) }
    do {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(gate)
      guard let tls else {
        phase = lastPhase
        try setUp?(self, channel)
        if !channel.isActive { fail(.connectionLost("closed as soon as it was opened")) }
        return
      }
      phase = .tlsHandshake
      let handler = try makeTLSHandler(context: tls)
      tlsHandler = handler
      try pipeline.addHandler(
        HandshakeWatch(opened: { self.handshakeCompleted(channel) }, failed: { self.fail(caught: $0) }))
      try pipeline.addHandler(handler, position: .after(gate))
      if !channel.isActive { fail(.connectionLost("closed as soon as it was opened")) }
    } catch {
      fail(caught: error)
    }
  }

  private func handshakeCompleted(_ channel: any Channel) {
    if isOver { return }
    // The library is content with a certificate for the peer's address where one for the name was asked for.
    if let certificate = tlsHandler?.peerCertificate, let name = serverName,
      !CertificateNames.allow(certificate, for: name)
    {
      return fail(caught: NIOSSLExtraError.failedToValidateHostname)
    }
    phase = lastPhase
    do { try setUp?(self, channel) } catch { fail(caught: error) }
  }

  /// Nil for an address, which is no server name (RFC 6066, 3): the certificate must have the peer's address then.
  private var serverName: String? {
    let name = configuration.tls.serverHostname ?? endpoint.host
    return (try? SocketAddress(ipAddress: name, port: 0)) == nil ? name : nil
  }

  private func makeTLSHandler(context: NIOSSLContext) throws -> NIOSSLClientHandler {
    try NIOSSLClientHandler(context: context, serverHostname: serverName)
  }
}

/// Tells when TLS is up or fails to come up; after that it lets everything pass.
private final class HandshakeWatch: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let opened: () -> Void
  private let failed: (any Error) -> Void
  private var isOver = false

  init(opened: @escaping () -> Void, failed: @escaping (any Error) -> Void) {
    self.opened = opened
    self.failed = failed
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if !isOver, case TLSUserEvent.handshakeCompleted = event {
      isOver = true
      opened()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if isOver { return context.fireErrorCaught(error) }
    isOver = true
    failed(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !isOver {
      isOver = true
      failed(NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])))
    }
    context.fireChannelInactive()
  }
}
