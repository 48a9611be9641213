import NIOCore
import Testing

@testable import RealtimeVoiceNIO

extension TransportTests {
  @Suite struct MessageTests {
    @Test func fragmentsMakeOneMessageAndPingsBetweenAreAnswered() async throws {
      let server = try await ScriptedServer.start(opened: { peer in
        peer.send(ServerFrame.bytes(0x01, Array("Gr".utf8) + [0xC3]))
        peer.send(ServerFrame.bytes(0x89, [1, 2, 3]))
        peer.send(ServerFrame.bytes(0x00, []))
        peer.send(ServerFrame.bytes(0x8A, [9]))
        peer.send(ServerFrame.bytes(0x80, [0xBC] + Array("ße".utf8)))
        peer.send(ServerFrame.bytes(0x02, [0xFF]))
        peer.send(ServerFrame.bytes(0x80, [0xFE]))
        peer.send(ServerFrame.bytes(0x81, []))
        peer.send(ServerFrame.close(1000))
      })
      let recorder = Recorder()
      _ = try await server.connect(recorder)
      let pong = try #require(await server.frame(opcode: 0xA))
      #expect(pong.payload == [1, 2, 3])
      #expect(pong.firstByte == 0x8A && pong.mask != nil)
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages == [.text("Grüße"), .binary([0xFF, 0xFE]), .text("")])
      #expect(closure?.code == 1000)
      try await server.stop()
    }

    @Test func aMessageThatComesWithTheUpgradeIsNotLost() async throws {
      let server = try await ScriptedServer.start(request: { _ in
        .upgrade(bytes: ServerFrame.text("first") + ServerFrame.text("second") + ServerFrame.close(1001))
      })
      let recorder = Recorder()
      _ = try await server.connect(recorder)
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages == [.text("first"), .text("second")])
      #expect(closure?.code == 1001)
      try await server.stop()
    }

    @Test func eachWayToSendSendsTheSame() async throws {
      let server = try await ScriptedServer.start()
      let recorder = Recorder()
      let connection = try await server.connect(recorder)
      try await connection.run { connection in
        let bytes = Array("{}é".utf8)
        #expect(connection.send(text: ByteBuffer(bytes: bytes)) == .accepted)
        #expect(connection.send(text: bytes.span) == .accepted)
        #expect(connection.send(text: bytes) == .accepted)
        #expect(connection.send(binary: ByteBuffer(bytes: [0, 255])) == .accepted)
      }
      for _ in 0..<3 {
        let frame = try #require(await server.frame(opcode: 1))
        #expect(frame.payload == Array("{}é".utf8) && frame.firstByte == 0x81)
      }
      #expect(await server.frame(opcode: 2)?.payload == [0, 255])
      try await connection.run { connection in
        connection.close(code: 3000, reason: String(repeating: "é", count: 100))
        #expect(connection.send(text: [0x61]) == .closed)
        #expect(!connection.isWritable && !connection.isOpen)
      }
      let close = try #require(await server.frame(opcode: 8))
      #expect(close.closeCode == 3000)
      #expect(close.payload.dropFirst(2).elementsEqual(String(repeating: "é", count: 61).utf8))
      try await server.stop()
    }

    struct Violation: Sendable, CustomTestStringConvertible {
      var name: String
      var bytes: [UInt8]
      var code: Int
      var testDescription: String { name }
    }

    static let violations: [Violation] =
      [
        .init(name: "reserved bit 1", bytes: ServerFrame.bytes(0xC1, []), code: 1002),
        .init(name: "reserved bit 3", bytes: ServerFrame.bytes(0x91, []), code: 1002),
        .init(name: "masked", bytes: [0x81, 0x81, 1, 2, 3, 4, 0x60], code: 1002),
        .init(name: "opcode 3", bytes: ServerFrame.bytes(0x83, []), code: 1002),
        .init(name: "opcode 11", bytes: ServerFrame.bytes(0x8B, []), code: 1002),
        .init(name: "nothing to go on", bytes: ServerFrame.bytes(0x80, [0x61]), code: 1002),
        .init(
          name: "a message within another", bytes: ServerFrame.bytes(0x01, [0x61]) + ServerFrame.bytes(0x81, [0x61]),
          code: 1002),
        .init(name: "fragmented ping", bytes: ServerFrame.bytes(0x09, []), code: 1002),
        .init(name: "long ping", bytes: ServerFrame.bytes(0x89, .init(repeating: 0, count: 126)), code: 1002),
        .init(name: "close of one byte", bytes: ServerFrame.bytes(0x88, [3]), code: 1002),
        .init(name: "close reason", bytes: ServerFrame.bytes(0x88, [3, 0xE8, 0xFF]), code: 1007),
        .init(name: "text", bytes: ServerFrame.bytes(0x81, [0x61, 0xED, 0xA0, 0x80]), code: 1007),
        .init(
          name: "text in fragments", bytes: ServerFrame.bytes(0x01, [0xC3]) + ServerFrame.bytes(0x80, [0x61]),
          code: 1007),
        .init(
          name: "one above the limit", bytes: ServerFrame.bytes(0x81, .init(repeating: 0x61, count: 1001)), code: 1009),
        .init(name: "announced above the limit", bytes: [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0], code: 1009),
        .init(name: "announced beyond all", bytes: [0x82, 127, 255, 0, 1, 0, 0, 0, 0, 0], code: 1009),
        .init(
          name: "fragments above the limit",
          bytes: ServerFrame.bytes(0x01, .init(repeating: 0x61, count: 600))
            + ServerFrame.bytes(0x00, .init(repeating: 0x61, count: 401)), code: 1009),
      ]
      + [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map {
        .init(name: "close code \($0)", bytes: ServerFrame.close($0), code: 1002)
      }

    @Test(arguments: violations)
    func violationsEndWithTheirCode(_ violation: Violation) async throws {
      let server = try await ScriptedServer.start(
        opened: { $0.send(ServerFrame.text("before") + violation.bytes + ServerFrame.text("after")) },
        frame: { peer, frame in if frame.opcode == 8 { peer.close() } })
      var configuration = TransportConfiguration.patient
      configuration.maximumMessageSize = 1000
      let recorder = Recorder()
      _ = try await server.connect(recorder, configuration: configuration)
      #expect(await server.frame(opcode: 8)?.closeCode == violation.code)
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages == [.text("before")])
      let found = try #require(closure)
      #expect(Int(found.code) == violation.code && found.initiator == .local && !found.isTransient)
      switch try #require(found.error).code {
      case .messageTooLarge(let limit): #expect(violation.code == 1009 && limit == 1000)
      case .protocolViolation: #expect(violation.code != 1009)
      default: Issue.record("\(found)")
      }
      #expect(await recorder.rest().isEmpty)
      try await server.stop()
    }

    @Test func aMessageOfTheLimitIsTaken() async throws {
      let server = try await ScriptedServer.start(opened: {
        $0.send(ServerFrame.bytes(0x81, .init(repeating: 0x61, count: 1000)))
        $0.send(ServerFrame.bytes(0x01, .init(repeating: 0x62, count: 999)))
        $0.send(ServerFrame.bytes(0x80, .init(repeating: 0x62, count: 1)))
        $0.send(ServerFrame.close(1000))
      })
      var configuration = TransportConfiguration.patient
      configuration.maximumMessageSize = 1000
      let recorder = Recorder()
      _ = try await server.connect(recorder, configuration: configuration)
      let (messages, closure) = await recorder.untilClosed()
      #expect(messages == ["a", "b"].map { .text(String(repeating: $0, count: 1000)) })
      #expect(closure?.code == 1000)
      try await server.stop()
    }
  }
}
