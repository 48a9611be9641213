import NIOCore
import Synchronization
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  /// Back-pressure both ways, and life signs.
  @Suite struct FlowTests {
    @Test func aReaderThatStopsStopsTheSenderAndLosesNothing() async throws {
      let received = Mutex(0)
      let server = try await ScriptedServer.start(
        isReading: false,
        frame: { _, frame in if frame.opcode == 1 { received.withLock { $0 += 1 } } })
      let writability = Mutex<[Bool]>([])
      let recorder = Recorder(onWritability: { connection in writability.withLock { $0.append(connection.isWritable) } }
      )
      var configuration = TransportConfiguration.patient
      configuration.maximumBufferedByteCount = 256 << 10
      let connection = try await server.connect(recorder, configuration: configuration)
      let accepted = try await connection.run { connection in
        let message = [UInt8](repeating: 0x61, count: 1024)
        var count = 0
        // The system's buffers take some MiB first.
        while count < 100_000, connection.isWritable {
          #expect(connection.send(text: message) == .accepted)
          count += 1
        }
        #expect(!connection.isWritable && connection.bufferedByteCount > 60 << 10)
        var result = WebSocketConnection.SendResult.accepted
        while count < 100_000 {
          result = connection.send(text: message)
          if result != .accepted { break }
          count += 1
        }
        #expect(result == .full)
        #expect(connection.bufferedByteCount <= 256 << 10)
        #expect(connection.bufferedByteCount > 254 << 10)
        return count
      }
      #expect(writability.withLock { $0 } == [false])
      try await server.resumeReading()
      _ = await recorder.next { $0 == .writability(true) }
      try await connection.run { $0.close() }
      #expect(await server.frame(opcode: 8) != nil)
      #expect(received.withLock { $0 } == accepted)
      try await server.stop()
    }

    @Test func anyMessageFitsIntoAnEmptyBuffer() async throws {
      let server = try await ScriptedServer.start()
      var configuration = TransportConfiguration.patient
      configuration.maximumBufferedByteCount = 64 << 10
      let connection = try await server.connect(Recorder(), configuration: configuration)
      try await connection.run { #expect($0.send(text: .init(repeating: 0x61, count: 3 << 20)) == .accepted) }
      #expect(await server.frame(opcode: 1)?.payload.count == 3 << 20)
      try await connection.run { $0.close() }
      try await server.stop()
    }

    @Test func pausedReadingStopsTheServer() async throws {
      let total = 32 << 20
      let size = 16 << 10
      let written = Mutex(0)
      let (stalls, stalled) = AsyncStream.makeStream(of: Void.self)
      let server = try await ScriptedServer.start(
        opened: { peer in
          let message = ServerFrame.bytes(0x81, .init(repeating: 0x61, count: size))
          let pour = {
            while peer.channel.isWritable, peer.count < total / size {
              peer.count += 1
              written.withLock { $0 += size }
              peer.send(message)
            }
            if !peer.channel.isWritable { stalled.yield() }
            if peer.count == total / size {
              peer.count += 1
              peer.send(ServerFrame.close(1000))
            }
          }
          peer.onWritable = pour
          pour()
        })
      let delivered = Mutex(0)
      let recorder = Recorder(onText: { connection, message in
        if delivered.withLock({
          $0 += message.readableBytes; return $0 == message.readableBytes
        }) {
          connection.pauseReading()
        }
      })
      let connection = try await server.connect(recorder)
      _ = await recorder.next()
      for await _ in stalls { break }

      // Both loops have turned many times when this is through; nothing may have moved by then.
      let echo = try await ScriptedServer.start(frame: { peer, frame in
        peer.send(ServerFrame.bytes(frame.firstByte, frame.payload))
      })
      var counts: [[Int]] = []
      for _ in 0..<2 {
        for _ in 0..<20 {
          let other = Recorder()
          let second = try await WebSocketConnection.connect(
            echo.request(), on: connection.eventLoop, delegate: other
          ).get()
          _ = try await second.run { $0.send(text: [0x61]) }
          #expect(await other.next() == .text("a"))
          try await second.run { $0.close() }
        }
        counts.append([written.withLock { $0 }, delivered.withLock { $0 }])
      }
      #expect(counts[0] == counts[1])
      #expect(counts[1][0] < total)
      // One read of the socket, of at most 64 KiB and grown by NIO by no more than its double.
      #expect(counts[1][1] <= 256 << 10)

      try await connection.run { $0.resumeReading() }
      #expect(await recorder.untilClosed().closure?.code == 1000)
      #expect(delivered.withLock { $0 } == total)
      try await echo.stop()
      try await server.stop()
    }

    @Test func pingsThatAreNotAnsweredForLackOfRoomAreAnsweredOnce() async throws {
      let pingCount = 1000
      let pongCount = Mutex(0)
      let marker = Array("last".utf8)
      let server = try await ScriptedServer.start(
        isReading: false,
        opened: { peer in
          let ping = ServerFrame.bytes(0x89, .init(repeating: 0, count: 120))
          let pings = Array(repeatElement(ping, count: pingCount).joined())
          peer.send(ServerFrame.text("go") + pings + ServerFrame.bytes(0x89, marker) + ServerFrame.text("end"))
        },
        frame: { _, frame in if frame.opcode == 0xA { pongCount.withLock { $0 += 1 } } })
      let buffered = Mutex<[Int]>([])
      let recorder = Recorder(onText: { connection, message in
        // Fills the way back before the first ping is seen.
        let chunk = [UInt8](repeating: 0x61, count: 16 << 10)
        while message == ByteBuffer(string: "go"), connection.isWritable { connection.send(text: chunk) }
        buffered.withLock { $0.append(connection.bufferedByteCount) }
      })
      let connection = try await server.connect(recorder)
      #expect(await recorder.next { $0 == .text("end") } != nil)
      let counts = buffered.withLock { $0 }
      #expect(counts.count == 2 && counts[1] <= counts[0] + 4096)
      try await server.resumeReading()
      let last = await server.first {
        if case .frame(let frame) = $0, frame.opcode == 0xA, frame.payload == marker { true } else { nil }
      }
      #expect(last == true)
      #expect(pongCount.withLock { $0 } < pingCount)
      try await connection.run { $0.close() }
      try await server.stop()
    }

    // MARK: Life signs

    private static func pinging(pong: Duration) -> TransportConfiguration {
      var configuration = TransportConfiguration.patient
      configuration.pingInterval = .milliseconds(10)
      configuration.pongTimeout = pong
      return configuration
    }

    @Test func aServerWithoutASignOfLifeIsGivenUp() async throws {
      let server = try await ScriptedServer.start()
      let recorder = Recorder()
      _ = try await server.connect(recorder, configuration: Self.pinging(pong: .milliseconds(50)))
      let closure = try #require(await recorder.untilClosed().closure)
      #expect(closure.code == 1006 && closure.initiator == .local && closure.error?.code == .pongTimeout)
      #expect(closure.isTransient)
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test func aServerThatStopsReadingIsGivenUp() async throws {
      let server = try await ScriptedServer.start(isReading: false)
      let recorder = Recorder(onWritability: { $0.send(text: [0x61]) })
      let connection = try await server.connect(recorder, configuration: Self.pinging(pong: .milliseconds(50)))
      try await connection.run { while $0.isWritable { $0.send(text: .init(repeating: 0x61, count: 4096)) } }
      #expect(await recorder.untilClosed().closure?.error?.code == .pongTimeout)
      try await server.stop()
    }

    @Test func answeredPingsGoOnAndAreTimed() async throws {
      let server = try await ScriptedServer.start(frame: { peer, frame in
        guard frame.opcode == 9 else { return }
        peer.count += 1
        peer.send(ServerFrame.bytes(0x8A, frame.payload))
        if peer.count == 5 { peer.send(ServerFrame.text("five")) }
      })
      let recorder = Recorder()
      let connection = try await server.connect(recorder, configuration: Self.pinging(pong: .seconds(20)))
      #expect(await recorder.next() == .text("five"))
      let roundTrip = try #require(await connection.run { $0.lastRoundTrip })
      #expect(roundTrip > .zero && roundTrip < .seconds(20))
      try await connection.run { $0.close() }
      try await server.stop()
    }

    @Test func dataIsASignOfLifeToo() async throws {
      let server = try await ScriptedServer.start(frame: { peer, frame in
        guard frame.opcode == 9 else { return }
        peer.count += 1
        peer.send(peer.count < 3 ? ServerFrame.text("busy") : ServerFrame.close(1000))
      })
      let recorder = Recorder()
      _ = try await server.connect(recorder, configuration: Self.pinging(pong: .seconds(1)))
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages == .init(repeating: .text("busy"), count: 2))
      #expect(closure?.code == 1000)
      try await server.stop()
    }

    @Test func whileReadingIsPausedNoPongIsMissed() async throws {
      let server = try await ScriptedServer.start()
      let recorder = Recorder()
      let connection = try await server.connect(recorder, configuration: Self.pinging(pong: .seconds(10)))
      try await connection.run { $0.pauseReading() }
      // Longer than the limit, by the loop's own clock.
      try await connection.eventLoop.scheduleTask(in: .seconds(12)) {}.futureResult.get()
      #expect(try await connection.run { $0.isOpen })
      try await connection.run { $0.resumeReading() }
      #expect(await recorder.untilClosed().closure?.error?.code == .pongTimeout)
      try await server.stop()
    }
  }
}
