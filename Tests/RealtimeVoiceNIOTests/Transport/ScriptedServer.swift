import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A server of one test, byte by byte: it shares no code with what is tested, neither for frames nor for the accept key.
final class ScriptedServer: Sendable {
  enum Event: Sendable {
    case accepted
    case request(String)
    case frame(ClientFrame)
    case closed
  }

  enum Answer: Sendable {
    /// The right 101, headers besides, and bytes that go out with it.
    case upgrade(headers: [String] = [], bytes: [UInt8] = [])
    case bytes([UInt8], thenClose: Bool = false)
    case silence
  }

  let port: Int
  let events: AsyncStream<Event>
  private let channel: any Channel

  private let children: Children

  /// What was accepted.
  final class Children: Sendable {
    private let channels = Mutex<[any Channel]>([])
    func withLock<Result: Sendable>(_ body: (inout [any Channel]) -> Result) -> Result {
      channels.withLock { body(&$0) }
    }
  }

  private init(port: Int, events: AsyncStream<Event>, channel: any Channel, children: Children) {
    self.children = children
    self.port = port
    self.events = events
    self.channel = channel
  }

  /// - Parameters:
  ///   - certificate: name of a fixture; nil is without TLS.
  ///   - request: head of a request, and its body where it has a Content-Length.
  ///   - frame: each frame after an upgrade.
  static func start(
    certificate: String? = nil, greeting: [UInt8] = [], isReading: Bool = true,
    request: @escaping @Sendable (String) -> Answer = { _ in .upgrade() },
    opened: @escaping @Sendable (Peer) -> Void = { _ in },
    frame: @escaping @Sendable (Peer, ClientFrame) -> Void = { _, _ in }
  ) async throws -> ScriptedServer {
    let (events, continuation) = AsyncStream.makeStream(of: Event.self)
    let tls = try certificate.map(Fixtures.serverContext)
    let children = Children()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.so_rcvbuf), value: 256 << 10)
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 32 << 10, high: 64 << 10))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          children.withLock { $0.append(channel) }
          continuation.yield(.accepted)
          let pipeline = channel.pipeline.syncOperations
          if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
          try pipeline.addHandler(
            Peer(
              channel: channel, events: continuation, isReading: isReading, request: request, opened: opened,
              frame: frame))
          if !greeting.isEmpty { channel.pipeline.writeAndFlush(ByteBuffer(bytes: greeting), promise: nil) }
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return ScriptedServer(port: channel.localAddress!.port!, events: events, channel: channel, children: children)
  }

  /// On every connection.
  func resumeReading() async throws {
    for child in children.withLock({ $0 }) { try await child.setOption(.autoRead, value: true).get() }
  }

  func stop() async throws { try await channel.close().get() }

  /// Waits for the first event of a kind.
  func first<Found>(_ match: (Event) -> Found?) async -> Found? {
    for await event in events { if let found = match(event) { return found } }
    return nil
  }

  /// The next frame that has this opcode.
  func frame(opcode: UInt8) async -> ClientFrame? {
    await first { if case .frame(let frame) = $0, frame.opcode == opcode { frame } else { nil } }
  }

  func hasClosed() async -> Bool {
    await first { if case .closed = $0 { true } else { nil } } ?? false
  }
}

/// What a client sent, unmasked.
struct ClientFrame: Sendable {
  var firstByte: UInt8
  var mask: UInt32?
  var payload: [UInt8]

  var opcode: UInt8 { firstByte & 0x0F }
  var closeCode: Int? { payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
}

/// The server's side of one connection.
final class Peer: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  let channel: any Channel
  /// For scripts that count.
  var count = 0
  var onWritable: (() -> Void)?
  private let events: AsyncStream<ScriptedServer.Event>.Continuation
  private let isReading: Bool
  private let request: @Sendable (String) -> ScriptedServer.Answer
  private let opened: @Sendable (Peer) -> Void
  private let frame: @Sendable (Peer, ClientFrame) -> Void
  private var input = ByteBuffer()
  private var isUpgraded = false
  private var isAnswered = false

  init(
    channel: any Channel, events: AsyncStream<ScriptedServer.Event>.Continuation, isReading: Bool,
    request: @escaping @Sendable (String) -> ScriptedServer.Answer, opened: @escaping @Sendable (Peer) -> Void,
    frame: @escaping @Sendable (Peer, ClientFrame) -> Void
  ) {
    self.channel = channel
    self.events = events
    self.isReading = isReading
    self.request = request
    self.opened = opened
    self.frame = frame
  }

  func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
  func close() { channel.close(promise: nil) }
  func setReading(_ isOn: Bool) { try! channel.syncOptions!.setOption(.autoRead, value: isOn) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = Self.unwrapInboundIn(data)
    input.writeBuffer(&part)
    if !isUpgraded { answerRequest() }
    while isUpgraded, let next = nextFrame() {
      events.yield(.frame(next))
      frame(self, next)
    }
    input.discardReadBytes()
  }

  func channelInactive(context: ChannelHandlerContext) { events.yield(.closed) }
  func channelWritabilityChanged(context: ChannelHandlerContext) { if channel.isWritable { onWritable?() } }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func answerRequest() {
    guard !isAnswered else { return }
    let text = String(buffer: input)
    guard let end = text.range(of: "\r\n\r\n") else { return }
    let headLength = text[..<end.upperBound].utf8.count
    let length = Self.header("content-length", in: text).flatMap { Int($0) } ?? 0
    guard input.readableBytes >= headLength + length else { return }
    input.moveReaderIndex(forwardBy: headLength + length)
    isAnswered = true
    events.yield(.request(text))
    switch request(text) {
    case .silence: break
    case .bytes(let bytes, let thenClose):
      send(bytes)
      if thenClose { close() }
    case .upgrade(let headers, let bytes):
      let key = Self.header("sec-websocket-key", in: text)!
      let accept = AcceptKey.value(for: key)
      let lines =
        [
          "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
          "Sec-WebSocket-Accept: \(accept)",
        ]
        + headers
      isUpgraded = true
      send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + bytes)
      if !isReading { setReading(false) }
      opened(self)
    }
  }

  static func header(_ name: String, in text: String) -> String? {
    for line in text.split(separator: "\r\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
    }
    return nil
  }

  private func nextFrame() -> ClientFrame? {
    let start = input.readerIndex
    guard let first: UInt8 = input.getInteger(at: start), let second: UInt8 = input.getInteger(at: start + 1)
    else { return nil }
    var position = start + 2
    var length = Int(second & 0x7F)
    if length == 126 {
      guard let value: UInt16 = input.getInteger(at: position) else { return nil }
      (length, position) = (Int(value), position + 2)
    } else if length == 127 {
      guard let value: UInt64 = input.getInteger(at: position) else { return nil }
      (length, position) = (Int(value), position + 8)
    }
    var mask: UInt32?
    if second & 0x80 != 0 {
      guard let value: UInt32 = input.getInteger(at: position) else { return nil }
      (mask, position) = (value, position + 4)
    }
    guard var payload = input.getBytes(at: position, length: length) else { return nil }
    input.moveReaderIndex(to: position + length)
    if let mask {
      let keys = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: mask >> $0) }
      payload.withUnsafeMutableBufferPointer { bytes in
        var index = 0
        while index < bytes.count {
          bytes[index] ^= keys[index & 3]
          index += 1
        }
      }
    }
    return ClientFrame(firstByte: first, mask: mask, payload: payload)
  }
}

extension String {
  fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).first }
}

/// Frames as a server sends them, without a mask.
enum ServerFrame {
  static func bytes(_ firstByte: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let count = payload.count
    let length: [UInt8] =
      if count < 126 { [UInt8(count)] } else if count < 65_536 { [126, UInt8(count >> 8), UInt8(count & 0xFF)] } else {
        [127] + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: count >> $0) }
      }
    return [firstByte] + length + payload
  }

  static func text(_ text: String) -> [UInt8] { bytes(0x81, Array(text.utf8)) }

  static func close(_ code: Int, _ reason: String = "") -> [UInt8] {
    bytes(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason.utf8)
  }
}
