import NIOCore
import NIOPosix
import NIOWebSocket

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The end of a connection's pipeline: WebSocket frames in and out, messages to and from its session.
final class SessionHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  /// What may wait for a client that does not read. One that lets more come is cut off.
  static let unsentLimit = 64 << 20
  /// How long a client may take to answer a close frame.
  static let closePatience = Duration.seconds(2)
  private static let pingInterval = Duration.seconds(20)

  /// Asks a connection to end, as the service goes away.
  struct GoAway: Sendable {}

  private let core: SimulatorCore
  private let route: SessionRoute
  private var context: ChannelHandlerContext?
  private var session: (any VoiceSession)?
  private var sessionContext: SessionContext?
  private var message: [UInt8] = []
  private var isMessageBinary = false
  private var unsentByteCount = 0
  private var isClosing = false
  private var scheduled: [Int: Scheduled<Void>] = [:]
  private var scheduledCount = 0

  init(core: SimulatorCore, route: SessionRoute) {
    self.core = core
    self.route = route
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    let (number, recorder) = core.openSession(
      route.dialect, path: route.path, headerNames: route.headerNames, at: now)
    let sessionContext = SessionContext(
      link: self, core: core, recorder: recorder, dialect: route.dialect, number: number, query: route.query,
      faults: route.faults.union(core.configuration.faults))
    self.sessionContext = sessionContext
    sessionContext.log("starts")
    let session: any VoiceSession =
      switch route.dialect {
      case .openAI, .openAIBeta: OpenAISession(sessionContext)
      case .gemini: GeminiSession(sessionContext)
      case .elevenLabs: ElevenLabsSession(sessionContext)
      }
    self.session = session
    session.begin()
    ping()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end() {
    guard let session else { return }
    self.session = nil
    for timer in scheduled.values { timer.cancel() }
    scheduled = [:]
    session.end()
    let time = now
    sessionContext?.recorder.update { $0.endTime = time }
    sessionContext?.log("ends")
    sessionContext = nil
    context = nil
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { session?.becameWritable() }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is GoAway { return close(1001, "the simulator stops") }
    // The client has shut its side down without a close frame.
    if let event = event as? ChannelEvent, event == .inputClosed { return context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .text, .binary:
      isMessageBinary = frame.opcode == .binary
      if frame.fin {
        deliver([UInt8](buffer: frame.unmaskedData))
      } else {
        message = [UInt8](buffer: frame.unmaskedData)
      }
    case .continuation:
      let part = frame.unmaskedData
      guard message.count + part.readableBytes <= core.configuration.messageLimit else {
        return close(1009, "message too big")
      }
      message.append(contentsOf: part.readableBytesView)
      if frame.fin {
        let whole = message
        message = []
        deliver(whole)
      }
    case .ping:
      sessionContext?.recorder.update { $0.receivedPingCount += 1 }
      write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
    case .connectionClose:
      var payload = frame.unmaskedData
      let code = payload.readInteger(as: UInt16.self)
      sessionContext?.recorder.update { session in
        if session.closeCode == nil { session.closeCode = Int(code ?? 1005) }
      }
      guard !isClosing else { return context.close(promise: nil) }
      isClosing = true
      // Some services end the TCP connection at once; the answer first is what RFC 6455 asks for.
      let answer = code.map { context.channel.allocator.buffer(integer: $0) } ?? ByteBuffer()
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: answer)))
        .whenComplete { _ in bound.value.close(promise: nil) }
    default: break
    }
  }

  private func deliver(_ message: [UInt8]) {
    guard !isClosing else { return }
    session?.receive(message, isBinary: isMessageBinary)
  }

  private func write(_ frame: WebSocketFrame) {
    guard let context, !isClosing else { return }
    let byteCount = frame.length
    unsentByteCount += byteCount
    guard unsentByteCount <= Self.unsentLimit else { return drop(isReset: true) }
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(frame)).whenComplete { _ in bound.value.unsentByteCount -= byteCount }
  }

  private func ping() {
    schedule(after: Self.pingInterval) { [weak self] in
      self?.write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
      self?.ping()
    }
  }
}

extension SessionHandler: SessionLink {
  var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

  var isWritable: Bool { context?.channel.isWritable ?? false }

  func send(_ message: [UInt8], isBinary: Bool) {
    write(WebSocketFrame(fin: true, opcode: isBinary ? .binary : .text, data: ByteBuffer(bytes: message)))
  }

  func sendHalf(_ message: [UInt8]) {
    guard let context, !isClosing else { return }
    // Made by hand: a text frame, not masked, with its length in 16 or 64 bits.
    var bytes: [UInt8] = [0x81]
    if message.count < 126 {
      bytes.append(UInt8(message.count))
    } else if message.count < 1 << 16 {
      bytes += [126, UInt8(message.count >> 8), UInt8(message.count & 0xFF)]
    } else {
      bytes.append(127)
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: message.count >> shift))
      }
    }
    bytes += message.prefix(message.count / 2)
    isClosing = true
    let channel = context.channel
    // Past the encoder of frames.
    guard let encoder = try? channel.pipeline.syncOperations.context(handlerType: WebSocketFrameEncoder.self) else {
      return channel.close(promise: nil)
    }
    encoder.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
    channel.close(promise: nil)
  }

  func close(_ code: Int, _ reason: String) {
    guard let context, !isClosing else { return }
    sessionContext?.recorder.update { session in
      if session.closeCode == nil { session.closeCode = code }
    }
    var payload = ByteBuffer(integer: UInt16(code))
    // A control frame holds 125 bytes.
    payload.writeBytes(reason.utf8.prefix(123))
    write(WebSocketFrame(fin: true, opcode: .connectionClose, data: payload))
    isClosing = true
    schedule(after: Self.closePatience) { [weak self] in self?.context?.close(promise: nil) }
    _ = context
  }

  func drop(isReset: Bool) {
    guard let context else { return }
    isClosing = true
    if isReset, let options = context.channel as? any SocketOptionProvider {
      // With a linger of 0 the system sends RST instead of FIN.
      options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { [channel = context.channel] _ in
        channel.close(promise: nil)
      }
    } else {
      context.close(promise: nil)
    }
  }

  func pauseReading(for duration: Duration) {
    guard let channel = context?.channel else { return }
    channel.setOption(.autoRead, value: false).whenFailure { _ in }
    schedule(after: duration) { channel.setOption(.autoRead, value: true).whenFailure { _ in } }
  }

  @discardableResult func schedule(after delay: Duration, _ action: @escaping () -> Void) -> ScheduledAction {
    guard let context, session != nil else { return ScheduledAction {} }
    scheduledCount += 1
    let number = scheduledCount
    let timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in
      guard let self, self.scheduled.removeValue(forKey: number) != nil else { return }
      action()
    }
    scheduled[number] = timer
    return ScheduledAction { [weak self] in self?.scheduled.removeValue(forKey: number)?.cancel() }
  }
}
