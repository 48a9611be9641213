import Logging
import NIOCore
import NIOSSL
import NIOWebSocket

/// The last handler of an open WebSocket: messages, control frames, life signs and the closing handshake.
final class WebSocketHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  /// RFC 6455, 5.5: payload of a control frame, of which a close frame's code takes two bytes.
  private static let longestReason = 123

  private let endpoint: Endpoint
  private let configuration: TransportConfiguration
  private let secrets: SentSecrets
  private let gate: SocketGate
  private let logger: Logger?
  /// Both until `didClose` has returned.
  private var delegate: (any WebSocketDelegate)?
  var connection: WebSocketConnection?

  private var context: ChannelHandlerContext?
  private var reader: FrameReader
  private var random = SystemRandomNumberGenerator()

  private(set) var bufferedByteCount = 0
  /// A message was not taken, and the delegate is to be told when there is room for it.
  private var hasRefused = false
  private(set) var lastRoundTrip: Duration?
  private var isPaused = false

  /// What will be told at the end; set when a close is sent or received, or an error ended it.
  private var closure: WebSocketClosure?
  private var hasSentClose = false
  private var hasReceivedClose = false
  private var hasEnded = false
  private var closeTimer: Scheduled<Void>?

  /// The latest ping that could not be answered while the socket took nothing: RFC 6455, 5.5.3, allows leaving out those
  /// before it.
  private var owedPong: ByteBuffer?
  private var ping: Ping?
  private var pingCount: UInt64 = 0
  private var pingTimer: Scheduled<Void>?

  private struct Ping {
    var number: UInt64
    var sentAt: NIODeadline
    /// Has left for the socket.
    var isWritten = false
    var receivedByteCount: Int
    /// What waited for the socket when last looked at.
    var waitingByteCount: Int
  }

  init(
    endpoint: Endpoint, configuration: TransportConfiguration, secrets: SentSecrets, gate: SocketGate,
    delegate: any WebSocketDelegate, logger: Logger?
  ) {
    self.endpoint = endpoint
    self.configuration = configuration
    self.secrets = secrets
    self.gate = gate
    self.delegate = delegate
    self.logger = logger
    reader = FrameReader(maximumMessageSize: configuration.maximumMessageSize)
  }

  var isOpen: Bool { context != nil && closure == nil && !hasEnded }
  var lastReadAt: NIODeadline { gate.lastReadAt }
  var isWritable: Bool { isOpen && (context?.channel.isWritable ?? false) }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    schedulePing(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end(context)
    self.context = nil
  }

  // MARK: Sending

  func send(_ opcode: WebSocketOpcode, _ message: ByteBuffer) -> WebSocketConnection.SendResult {
    guard isOpen, let context else { return .closed }
    if isFull(for: message.readableBytes) { return refuse() }
    write(opcode, message, context)
    context.flush()
    return .accepted
  }

  func send(_ opcode: WebSocketOpcode, bytes: RawSpan) -> WebSocketConnection.SendResult {
    guard isOpen, let context else { return .closed }
    if isFull(for: bytes.byteCount) { return refuse() }
    var message = context.channel.allocator.buffer(capacity: bytes.byteCount)
    unsafe bytes.withUnsafeBytes { _ = unsafe message.writeBytes($0) }
    write(opcode, message, context)
    context.flush()
    return .accepted
  }

  private func isFull(for count: Int) -> Bool {
    bufferedByteCount > 0 && bufferedByteCount + count > configuration.maximumBufferedByteCount
  }

  private func refuse() -> WebSocketConnection.SendResult {
    hasRefused = true
    return .full
  }

  /// Without a flush.
  private func write(
    _ opcode: WebSocketOpcode, _ payload: ByteBuffer, _ context: ChannelHandlerContext,
    onWritten: (() -> Void)? = nil
  ) {
    // RFC 6455, 5.3, asks for masks that cannot be foretold: from the system's generator, one call a frame.
    let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(using: &random), data: payload)
    let count = Self.frameSize(payload: payload.readableBytes)
    bufferedByteCount += count
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { result in
      self.bufferedByteCount -= count
      if case .success = result { onWritten?() }
      self.tellOfRoom()
    }
    context.write(Self.wrapOutboundOut(frame), promise: written)
  }

  /// Whoever was refused below the high water mark hears of no change of writability.
  private func tellOfRoom() {
    guard hasRefused, bufferedByteCount == 0, isOpen, let connection else { return }
    hasRefused = false
    delegate?.webSocketDidChangeWritability(connection)
  }

  /// RFC 6455, 5.2: two bytes, a longer length's 2 or 8, the mask's 4.
  private static func frameSize(payload: Int) -> Int {
    6 + (payload > 65_535 ? 8 : payload > 125 ? 2 : 0) + payload
  }

  // MARK: Receiving

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasReceivedClose, closure?.error == nil else { return }
    do {
      try receive(reader.accept(Self.unwrapInboundIn(data)), context)
    } catch {
      fail(error, context)
    }
  }

  private func receive(_ event: FrameReader.Event, _ context: ChannelHandlerContext) throws(FrameReader.Violation) {
    switch event {
    case .none: break
    case .text(let message):
      if isOpen, let connection { delegate?.webSocket(connection, didReceiveText: message) }
    case .binary(let message):
      if isOpen, let connection { delegate?.webSocket(connection, didReceiveBinary: message) }
    case .ping(let payload):
      guard !hasSentClose else { break }
      guard context.channel.isWritable else {
        owedPong = payload
        break
      }
      write(.pong, payload, context)
      context.flush()
    case .pong(let payload): receivePong(payload, context)
    case .close(let code, let reason): receiveClose(code, reason, context)
    }
  }

  private func fail(_ violation: FrameReader.Violation, _ context: ChannelHandlerContext) {
    let code: TransportError.Code =
      violation.closeCode == 1009
      ? .messageTooLarge(limit: configuration.maximumMessageSize) : .protocolViolation(violation.words)
    startClosing(
      .init(code: violation.closeCode, initiator: .local, error: TransportError(code, at: endpoint)),
      reason: violation.words, context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard closure?.error == nil else { return }
    if let error = error as? NIOWebSocketError {
      switch error {
      case .invalidFrameLength: fail(FrameReader.tooLarge, context)
      case .fragmentedControlFrame: fail(.init(closeCode: 1002, words: "a control frame is fragmented"), context)
      case .multiByteControlFrameLength:
        fail(.init(closeCode: 1002, words: "a control frame is longer than 125 bytes"), context)
      }
      return
    }
    // After a closing handshake it does not matter how TCP ends.
    if closure == nil || !hasReceivedClose {
      let code = TransportError.Code(caught: error, secrets: secrets, certificate: { nil })
      let initiator: WebSocketClosure.Initiator = hasSentClose ? .local : .remote
      closure = .init(code: 1006, initiator: initiator, error: TransportError(code, at: endpoint))
    }
    gate.abort()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(context)
    context.fireChannelInactive()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable, !hasSentClose, let payload = owedPong {
      owedPong = nil
      write(.pong, payload, context)
      context.flush()
    }
    if isOpen, let connection { delegate?.webSocketDidChangeWritability(connection) }
    context.fireChannelWritabilityChanged()
  }

  // MARK: Reading or not

  func pauseReading() {
    guard isOpen, let context else { return }
    isPaused = true
    setReading(false, context)
  }

  func resumeReading() {
    guard isPaused, isOpen, let context else { return }
    isPaused = false
    setReading(true, context)
  }

  private func setReading(_ isOn: Bool, _ context: ChannelHandlerContext) {
    // Fails on a closed channel only, whose end is told elsewhere.
    try? context.channel.syncOptions?.setOption(.autoRead, value: isOn)
  }

  // MARK: Life signs

  private func schedulePing(_ context: ChannelHandlerContext) {
    pingTimer?.cancel()
    ping = nil
    pingTimer = context.eventLoop.assumeIsolated().scheduleTask(
      in: TimeAmount(limiting: configuration.pingInterval)
    ) { self.sendPing() }
  }

  private func sendPing() {
    guard isOpen, let context else { return }
    pingCount += 1
    let number = pingCount
    ping = Ping(
      number: number, sentAt: .now(), receivedByteCount: gate.receivedByteCount,
      waitingByteCount: waitingByteCount(context))
    schedulePongDeadline(context)
    write(.ping, ByteBuffer(integer: number), context) {
      guard self.ping?.number == number, let context = self.context else { return }
      self.ping?.isWritten = true
      self.ping?.sentAt = .now()
      self.schedulePongDeadline(context)
    }
    context.flush()
  }

  private func schedulePongDeadline(_ context: ChannelHandlerContext) {
    pingTimer?.cancel()
    pingTimer = context.eventLoop.assumeIsolated().scheduleTask(
      in: TimeAmount(limiting: configuration.pongTimeout)
    ) { self.pongIsDue() }
  }

  private func pongIsDue() {
    guard isOpen, let context, let ping else { return }
    if isPaused { return schedulePongDeadline(context) }
    if gate.receivedByteCount != ping.receivedByteCount { return schedulePing(context) }
    let waiting = waitingByteCount(context)
    if !ping.isWritten, waiting < ping.waitingByteCount {
      // It stands behind a long message that the socket is still taking.
      self.ping?.waitingByteCount = waiting
      return schedulePongDeadline(context)
    }
    closure = .init(code: 1006, initiator: .local, error: TransportError(.pongTimeout, at: endpoint))
    gate.abort()
  }

  private func receivePong(_ payload: ByteBuffer, _ context: ChannelHandlerContext) {
    guard isOpen, let ping, ping.isWritten, payload == ByteBuffer(integer: ping.number) else { return }
    lastRoundTrip = .nanoseconds((NIODeadline.now() - ping.sentAt).nanoseconds)
    schedulePing(context)
  }

  private func waitingByteCount(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? bufferedByteCount
  }

  // MARK: Closing

  func close(code: UInt16, reason: String) {
    guard isOpen, let context else { return }
    // 1006 stands until the peer has answered.
    startClosing(.init(code: 1006, initiator: .local), reason: reason, sentCode: code, context)
  }

  private func startClosing(
    _ closure: WebSocketClosure, reason: String, sentCode: UInt16? = nil, _ context: ChannelHandlerContext
  ) {
    self.closure = closure
    pingTimer?.cancel()
    logger?.debug("closing", metadata: ["endpoint": "\(endpoint)", "code": "\(sentCode ?? closure.code)"])
    if !hasSentClose { writeClose(code: sentCode ?? closure.code, reason: reason, context) }
    // The rest is read, and left aside, so that the peer's close and the end of TCP are seen.
    setReading(true, context)
    scheduleCloseDeadline(context)
  }

  private func writeClose(code: UInt16?, reason: String, _ context: ChannelHandlerContext) {
    hasSentClose = true
    owedPong = nil
    var payload = ByteBuffer()
    if let code {
      payload.writeInteger(code)
      var text = reason[...]
      while text.utf8.count > Self.longestReason { text.removeLast() }
      payload.writeSubstring(text)
    }
    write(.connectionClose, payload, context)
    context.flush()
  }

  private func receiveClose(_ code: UInt16?, _ reason: String, _ context: ChannelHandlerContext) {
    hasReceivedClose = true
    let text = secrets.excerpt(reason, limit: Self.longestReason)
    closure = .init(code: code ?? 1005, reason: text, initiator: hasSentClose ? .local : .remote)
    pingTimer?.cancel()
    logger?.debug("close received", metadata: ["endpoint": "\(endpoint)", "code": "\(code ?? 1005)"])
    if !hasSentClose { writeClose(code: code, reason: "", context) }
    setReading(true, context)
    // RFC 6455, 7.1.1: the server ends TCP; a client waits for that, here for a time.
    if closeTimer == nil { scheduleCloseDeadline(context) }
  }

  private func scheduleCloseDeadline(_ context: ChannelHandlerContext) {
    closeTimer?.cancel()
    closeTimer = context.eventLoop.assumeIsolated().scheduleTask(
      in: TimeAmount(limiting: configuration.closeTimeout)
    ) {
      if !self.hasReceivedClose, self.closure?.error == nil {
        self.closure?.error = TransportError(.timedOut(.closeHandshake), at: self.endpoint)
      }
      self.gate.abort()
    }
  }

  private func end(_ context: ChannelHandlerContext) {
    guard !hasEnded else { return }
    hasEnded = true
    closeTimer?.cancel()
    pingTimer?.cancel()
    let lost = TransportError(.connectionLost("ended without a close frame"), at: endpoint)
    let closure = closure ?? .init(code: 1006, initiator: .remote, error: lost)
    self.closure = closure
    logger?.debug("closed", metadata: ["endpoint": "\(endpoint)", "closure": "\(closure)"])
    if let connection { delegate?.webSocket(connection, didClose: closure) }
    delegate = nil
    connection = nil
  }
}
