import NIOCore
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct ClosingTests {
    private static var quick: TransportConfiguration {
      var configuration = TransportConfiguration.patient
      configuration.closeTimeout = .milliseconds(50)
      return configuration
    }

    @Test(arguments: [1000, 1001, 1008, 1011, 1013, 4000])
    func aServersCloseIsAnsweredAndTold(code: Int) async throws {
      let server = try await ScriptedServer.start(
        opened: { $0.send(ServerFrame.close(code, "going\r\n  \u{202E}now")) },
        frame: { peer, frame in if frame.opcode == 8 { peer.close() } })
      let recorder = Recorder()
      _ = try await server.connect(recorder)
      #expect(await server.frame(opcode: 8)?.closeCode == code)
      let closure = await recorder.untilClosed().closure
      #expect(closure == WebSocketClosure(code: UInt16(code), reason: "going now", initiator: .remote))
      #expect(closure?.isTransient == [1001, 1011, 1013].contains(code))
      try await server.stop()
    }

    @Test func aServerThatKeepsTheSocketAfterTheHandshakeDoesNotKeepUs() async throws {
      let server = try await ScriptedServer.start(opened: { $0.send(ServerFrame.close(1001)) })
      let recorder = Recorder()
      _ = try await server.connect(recorder, configuration: Self.quick)
      #expect(await recorder.untilClosed().closure == WebSocketClosure(code: 1001, initiator: .remote))
      #expect(await server.hasClosed())
      try await server.stop()
    }

    @Test func aCloseWithoutCodeIs1005() async throws {
      let server = try await ScriptedServer.start(
        opened: { $0.send(ServerFrame.bytes(0x88, [])) }, frame: { peer, _ in peer.close() })
      let recorder = Recorder()
      _ = try await server.connect(recorder)
      #expect(await server.frame(opcode: 8)?.payload == [])
      #expect(await recorder.untilClosed().closure == WebSocketClosure(code: 1005, initiator: .remote))
      try await server.stop()
    }

    @Test(arguments: [[], [0x81, 126, 1, 0, 0x61], [0x81], [0x01, 1, 0x61]] as [[UInt8]], [nil, "localhost"])
    func anEndWithoutACloseFrameIs1006(bytes: [UInt8], certificate: String?) async throws {
      let server = try await ScriptedServer.start(
        certificate: certificate, opened: { $0.send(ServerFrame.text("whole") + bytes) },
        frame: { peer, _ in peer.close() })
      var configuration = TransportConfiguration.patient
      configuration.tls.trustRoots = .pemFile(Fixtures.path("authority.pem"))
      let recorder = Recorder(onText: { connection, _ in connection.send(text: [0x61]) })
      _ = try await WebSocketConnection.connect(
        server.request(isSecure: certificate != nil), configuration: configuration, on: ScriptedServer.loop,
        delegate: recorder
      ).get()
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages == [.text("whole")])
      #expect(closure?.code == 1006 && closure?.initiator == .remote && closure?.isTransient == true)
      guard case .connectionLost = closure?.error?.code else { throw Unexpected() }
      try await server.stop()
    }

    @Test func ourCloseWaitsForTheAnswerAndHearsNoMoreMessages() async throws {
      let server = try await ScriptedServer.start(frame: { peer, frame in
        guard frame.opcode == 8 else { return }
        peer.send(ServerFrame.text("late") + ServerFrame.close(1000, "bye"))
        peer.close()
      })
      let recorder = Recorder()
      let connection = try await server.connect(recorder)
      try await connection.run {
        $0.pauseReading()
        $0.send(text: [0x61])
        $0.close(code: 1000, reason: "done")
        $0.close(code: 1001, reason: "again")
      }
      #expect(await server.frame(opcode: 1)?.payload == [0x61])
      #expect(await server.frame(opcode: 8)?.payload == [3, 0xE8] + Array("done".utf8))
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages.isEmpty)
      #expect(closure == WebSocketClosure(code: 1000, reason: "bye", initiator: .local))
      #expect(await recorder.rest().isEmpty)
      try await connection.run { connection in
        connection.close()
        connection.resumeReading()
        #expect(connection.send(text: [0x61]) == .closed)
        #expect(connection.bufferedByteCount == 0)
      }
      try await server.stop()
    }

    @Test(arguments: [nil, "localhost"])
    func aCloseWithoutAnAnswerIsBounded(certificate: String?) async throws {
      let server = try await ScriptedServer.start(certificate: certificate, isReading: false)
      var configuration = Self.quick
      configuration.tls.trustRoots = .pemFile(Fixtures.path("authority.pem"))
      let recorder = Recorder()
      let connection = try await WebSocketConnection.connect(
        server.request(isSecure: certificate != nil), configuration: configuration, on: ScriptedServer.loop,
        delegate: recorder
      ).get()
      try await connection.run { $0.close() }
      let closure = await recorder.untilClosed().closure
      #expect(
        closure?.code == 1006 && closure?.initiator == .local && closure?.error?.code == .timedOut(.closeHandshake))
      try await server.stop()
    }

    @Test func aFloodBehindAViolationIsBounded() async throws {
      let server = try await ScriptedServer.start(
        isReading: false,
        opened: { peer in
          let pour = {
            while peer.channel.isWritable { peer.send(.init(repeating: 0x81, count: 4096)) }
          }
          peer.onWritable = pour
          peer.send(ServerFrame.bytes(0x83, []))
          pour()
        })
      let recorder = Recorder()
      _ = try await server.connect(recorder, configuration: Self.quick)
      #expect(await recorder.untilClosed().closure?.code == 1002)
      try await server.stop()
    }

    struct Unexpected: Error {}
  }
}
