import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

@testable import RealtimeSimulator

/// A WebSocket client that knows nothing of voices: frames out, frames in, in order, each wait bounded.
final class WireClient: Sendable {
  enum Incoming: Equatable, Sendable {
    case text([UInt8])
    case binary([UInt8])
    case pong
    case close(Int?)
    /// The connection has ended; with an error where it was reset.
    case ended(isReset: Bool)
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private struct Inbox {
    var queue: [Incoming] = []
    var waiter: CheckedContinuation<Incoming?, Never>?
    var waiterNumber = 0
    var answersClose = true
    var rawByteCount = 0
    var frameByteCount = 0
  }

  private let inbox = Mutex(Inbox())
  let channel: any Channel

  private init(channel: any Channel) { self.channel = channel }

  /// - Throws: ``Refusal`` where the server answers the upgrade with something else.
  static func connect(
    _ simulator: Simulator, _ path: String, headers: [(String, String)] = [], receiveBuffer: Int? = nil
  ) async throws -> WireClient {
    let answer = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Int.self)
    let clientBox = Mutex<WireClient?>(nil)
    var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
    if let receiveBuffer {
      bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
    }
    bootstrap = bootstrap.channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        let client = WireClient(channel: channel)
        clientBox.withLock { $0 = client }
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: 64 << 20, automaticErrorHandling: false) { channel, _ in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Receiver(client))
            answer.succeed(101)
          }
        }
        try channel.pipeline.syncOperations.addHandler(Tap(client))
        let reader = StatusReader(answer)
        let bound = NIOLoopBound(reader, eventLoop: channel.eventLoop)
        try channel.pipeline.syncOperations.addHTTPClientHandlers(
          leftOverBytesStrategy: .forwardBytes,
          withClientUpgrade: (
            upgraders: [upgrader],
            completionHandler: { $0.pipeline.syncOperations.removeHandler(bound.value, promise: nil) }
          ))
        try channel.pipeline.syncOperations.addHandler(reader)
      }
    }
    let channel: any Channel
    do {
      channel = try await bootstrap.connect(host: "127.0.0.1", port: simulator.port).get()
    } catch {
      answer.fail(error)
      throw error
    }
    var fields: HTTPHeaders = ["Host": "127.0.0.1:\(simulator.port)"]
    for (name, value) in headers { fields.add(name: name, value: value) }
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: fields)
    // Together, since the server changes over when it has the head.
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    let status = try await answer.futureResult.get()
    guard status == 101, let client = clientBox.withLock({ $0 }) else {
      channel.close(promise: nil)
      throw Refusal(status: status)
    }
    return client
  }

  struct Refusal: Error, Equatable { var status: Int }

  // MARK: Out

  func send(_ text: String) async throws { try await send(Array(text.utf8), .text) }

  func send(_ bytes: [UInt8], _ opcode: WebSocketOpcode, fin: Bool = true) async throws {
    let frame = WebSocketFrame(fin: fin, opcode: opcode, maskKey: .random(), data: ByteBuffer(bytes: bytes))
    try await channel.writeAndFlush(frame).get()
  }

  func sendPing() async throws { try await send(Array("p".utf8), .ping) }

  func close(_ code: Int = 1000) async throws {
    try await send([UInt8(code >> 8), UInt8(code & 0xFF)], .connectionClose)
  }

  func pauseReading(_ isPaused: Bool) async throws { try await channel.setOption(.autoRead, value: !isPaused).get() }

  // MARK: In

  /// The next frame or the end; nil when none came in time.
  func next(within limit: Duration = .seconds(20)) async -> Incoming? {
    await withCheckedContinuation { continuation in
      let (found, number): (Incoming?, Int) = inbox.withLock { inbox in
        if !inbox.queue.isEmpty { return (inbox.queue.removeFirst(), 0) }
        inbox.waiter = continuation
        inbox.waiterNumber += 1
        return (nil, inbox.waiterNumber)
      }
      if let found { return continuation.resume(returning: found) }
      channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { [self] in
        let waiter: CheckedContinuation<Incoming?, Never>? = inbox.withLock { inbox in
          guard inbox.waiterNumber == number else { return nil }
          return inbox.waiter.take()
        }
        waiter?.resume(returning: nil)
      }
    }
  }

  /// Bytes of a frame that never became whole.
  var openByteCount: Int { inbox.withLock { $0.rawByteCount - $0.frameByteCount } }

  fileprivate func receive(_ incoming: Incoming, frameByteCount: Int = 0) {
    let waiter: CheckedContinuation<Incoming?, Never>? = inbox.withLock { inbox in
      inbox.frameByteCount += frameByteCount
      if let waiter = inbox.waiter.take() { return waiter }
      inbox.queue.append(incoming)
      return nil
    }
    waiter?.resume(returning: incoming)
  }

  fileprivate func countRaw(_ count: Int) { inbox.withLock { $0.rawByteCount += count } }
  fileprivate func startFrames(with count: Int) { inbox.withLock { $0.frameByteCount = count } }
}

/// Counts the bytes behind the answer to the upgrade.
private final class Tap: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  private let client: WireClient
  private var head: [UInt8]? = []

  init(_ client: WireClient) { self.client = client }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    client.countRaw(bytes.readableBytes)
    if let start = head {
      let all = start + Array(bytes.readableBytesView)
      head = all
      if let end = all.firstRange(of: Array("\r\n\r\n".utf8)) {
        client.startFrames(with: end.upperBound)
        head = nil
      }
    }
    context.fireChannelRead(data)
  }
}

private final class StatusReader: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPClientResponsePart
  private let answer: EventLoopPromise<Int>

  init(_ answer: EventLoopPromise<Int>) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data) { answer.succeed(Int(head.status.code)) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    answer.fail(WireClient.Failure(description: "the connection ended before an answer"))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.fail(error) }
}

private final class Receiver: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame
  private let client: WireClient
  private var part: [UInt8] = []
  private var isReset = false
  private var hasEnded = false

  init(_ client: WireClient) { self.client = client }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    let bytes = Array(frame.unmaskedData.readableBytesView)
    let header = bytes.count < 126 ? 2 : bytes.count < 1 << 16 ? 4 : 10
    let size = header + bytes.count
    switch frame.opcode {
    case .text: client.receive(.text(bytes), frameByteCount: size)
    case .binary: client.receive(.binary(bytes), frameByteCount: size)
    case .pong: client.receive(.pong, frameByteCount: size)
    case .ping:
      let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData)
      context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
    case .connectionClose:
      client.receive(
        .close(bytes.count >= 2 ? Int(bytes[0]) << 8 | Int(bytes[1]) : nil), frameByteCount: size)
      let close = WebSocketFrame(
        fin: true, opcode: .connectionClose, maskKey: .random(), data: ByteBuffer(bytes: bytes.prefix(2)))
      context.writeAndFlush(wrapOutboundOut(close), promise: nil)
    default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? IOError, error.errnoCode == ECONNRESET { isReset = true }
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !hasEnded { client.receive(.ended(isReset: isReset)) }
    hasEnded = true
  }
}
