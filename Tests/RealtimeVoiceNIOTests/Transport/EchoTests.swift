import NIOCore
import Synchronization
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct EchoTests {
    /// Sends as the connection takes it and compares what comes back, all on the connection's loop.
    private final class Echoer: WebSocketDelegate {
      struct State {
        var sender: SeededRandom
        var receiver: SeededRandom
        var sentCount = 0
        var receivedCount = 0
        var mostBuffered = 0
        var mistake: String?
        var isSending = false
      }

      let messageCount: Int
      let state: Mutex<State>
      let outcome: AsyncStream<WebSocketClosure>
      private let closures: AsyncStream<WebSocketClosure>.Continuation

      init(messageCount: Int, seed: UInt64) {
        self.messageCount = messageCount
        state = Mutex(State(sender: SeededRandom(seed: seed), receiver: SeededRandom(seed: seed)))
        (outcome, closures) = AsyncStream.makeStream()
      }

      func pump(_ connection: WebSocketConnection) {
        // Writability changes within a send.
        let isMine = state.withLock { state in
          defer { state.isSending = true }
          return !state.isSending
        }
        guard isMine else { return }
        while connection.isWritable, let message = nextMessage() {
          let result = connection.send(text: message)
          state.withLock {
            $0.mostBuffered = max($0.mostBuffered, connection.bufferedByteCount)
            if result != .accepted { $0.mistake = "\(result)" }
          }
        }
        state.withLock { $0.isSending = false }
      }

      private func nextMessage() -> ByteBuffer? {
        state.withLock {
          guard $0.sentCount < messageCount else { return nil }
          $0.sentCount += 1
          return Self.message(&$0.sender)
        }
      }

      /// Mostly an event of audio, now and then a long one; ASCII and more.
      static func message(_ random: inout SeededRandom) -> ByteBuffer {
        let kind = random.next() % 1000
        let length = Int(
          random.next() % (kind == 0 ? 300_000 : kind < 4 ? 70_000 : kind < 500 ? 130 : kind < 900 ? 1000 : 3000))
        var buffer = ByteBuffer()
        if kind % 7 == 0 { buffer.writeString("é漢😀") }
        while buffer.readableBytes < length { buffer.writeInteger(random.next() & 0x7F7F_7F7F_7F7F_7F7F) }
        if kind % 3 == 0 { buffer.writeString("ü") }
        return buffer
      }

      func webSocket(_ connection: WebSocketConnection, didReceiveText message: ByteBuffer) {
        let isLast = state.withLock {
          $0.receivedCount += 1
          if message != Self.message(&$0.receiver) { $0.mistake = "message \($0.receivedCount) differs" }
          return $0.receivedCount == messageCount || $0.mistake != nil
        }
        if isLast { connection.close() }
      }
      func webSocket(_ connection: WebSocketConnection, didReceiveBinary message: ByteBuffer) {
        state.withLock { $0.mistake = "a binary message" }
      }
      func webSocketDidChangeWritability(_ connection: WebSocketConnection) { pump(connection) }
      func webSocket(_ connection: WebSocketConnection, didClose closure: WebSocketClosure) { closures.yield(closure) }
    }

    @Test(arguments: [(false, 10_000), (true, 1000)])
    func messagesComeBackBitForBit(isSecure: Bool, messageCount: Int) async throws {
      let seed = UInt64.random(in: 0 ... .max)
      print("seed \(seed)")
      let masks = Mutex<(seen: Set<UInt32>, count: Int, missing: Int)>(([], 0, 0))
      let server = try await ScriptedServer.start(
        certificate: isSecure ? "localhost" : nil,
        frame: { peer, frame in
          masks.withLock {
            $0.count += 1
            if let mask = frame.mask { $0.seen.insert(mask) } else { $0.missing += 1 }
          }
          if frame.opcode == 8 {
            peer.send(ServerFrame.bytes(0x88, frame.payload))
            return peer.close()
          }
          peer.send(ServerFrame.bytes(frame.firstByte, frame.payload))
        })
      var configuration = TransportConfiguration.patient
      configuration.tls.trustRoots = .pemFile(Fixtures.path("authority.pem"))
      let loop = ScriptedServer.loop
      let echoer = Echoer(messageCount: messageCount, seed: seed)
      let connection = try await WebSocketConnection.connect(
        server.request(isSecure: isSecure), configuration: configuration, on: loop, delegate: echoer
      ).get()
      try await connection.run { echoer.pump($0) }
      let closure = await echoer.outcome.first { _ in true }
      #expect(closure == WebSocketClosure(code: 1000, initiator: .local))
      echoer.state.withLock {
        #expect($0.mistake == nil)
        #expect($0.receivedCount == messageCount)
        // One message beyond the high water mark, of at most half a MiB.
        #expect($0.mostBuffered < 64 << 10 + 600_000)
      }
      masks.withLock {
        #expect($0.missing == 0)
        // 10,000 draws of 32 bits meet 0.01 times on average; ten times are beyond chance.
        #expect($0.seen.count > $0.count - 10)
      }
      try await server.stop()
    }
  }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
