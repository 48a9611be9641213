import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("Faults, as they are on the wire")
  struct FaultTests {
    static let delta = "response.output_audio.delta"

    /// A session with this fault whose model speaks.
    private func speaking(_ fault: SimulatedFault, _ simulator: Simulator) async throws -> VoiceClient {
      let client = try await VoiceClient.connect(simulator, query: "fault=\(fault.name)")
      try await client.event("session.created")
      try await client.send(#"{"type":"response.create"}"#)
      return client
    }

    private func deltas(_ frames: [WireClient.Incoming]) -> Int {
      frames.count { if case .text(let bytes) = $0 { Event(bytes)?.type == Self.delta } else { false } }
    }

    @Test("Names lead to their faults, and each is explained in a line")
    func names() {
      #expect(Set(SimulatedFault.allNames).count == SimulatedFault.allCases.count)
      #expect(SimulatedFault.allCases.count == 21)
      for fault in SimulatedFault.allCases {
        #expect(SimulatedFault(name: fault.name) == fault)
        #expect(!fault.explanation.isEmpty && !fault.explanation.contains("\n"))
      }
      #expect(SimulatedFault(name: "close-1002") == nil)
      #expect(SimulatedFault.close(1011)?.name == "close-1011")
    }

    @Test(
      "What ends the connection does so within the answer, and once",
      arguments: [
        SimulatedFault.drop, .dropMidFrame, .sessionExpired, .close(.normal), .close(.goingAway), .close(.abnormal),
        .close(.policyViolation), .close(.internalError),
      ])
    func ending(_ fault: SimulatedFault) async throws {
      try await withSimulator { simulator in
        let client = try await speaking(fault, simulator)
        let frames = try await client.untilEnd()
        #expect((1..<20).contains(deltas(frames)))
        let codes = frames.compactMap { if case .close(let code) = $0 { code } else { nil } }
        switch fault {
        case .close(.abnormal), .drop, .dropMidFrame: #expect(codes.isEmpty)
        case .close(let code): #expect(codes == [code.rawValue])
        default: #expect(codes == [1001])
        }
        #expect((client.wire.openByteCount > 0) == (fault == .dropMidFrame))
        // Where both sides have said that they close, how TCP ends says nothing.
        if codes.isEmpty { #expect(frames.last == .ended(isReset: fault == .drop)) }
        if fault == .sessionExpired {
          let texts = frames.compactMap { if case .text(let bytes) = $0 { Event(bytes) } else { nil } }
          #expect(texts.last?.string("error.code") == "session_expired")
        }
        // Whoever connects again is served.
        let second = try await speaking(fault, simulator)
        #expect(try await second.event("response.done").string("response.status") == "completed")
        #expect(simulator.journal.sessions.map(\.faults) == [[fault], []])
      }
    }

    @Test("Stall: nothing more comes, but pongs")
    func stall() async throws {
      try await withSimulator { simulator in
        let client = try await speaking(.stall, simulator)
        var count = 0
        while count < 10 { if try await client.event().type == Self.delta { count += 1 } }
        try await client.send(#"{"type":"response.cancel"}"#)
        try await client.wire.sendPing()
        #expect(await client.wire.next() == .pong)
        #expect(simulator.journal.sessions.first?.faults == [.stall])
      }
    }

    @Test("Stall where the service asks for pongs: it asks no more, and misses none")
    func stallWithoutPings() throws {
      try withManualSession(.elevenLabs, { $0.faults = [.stall] }) { session in
        session.receive(#"{"type":"conversation_initiation_client_data"}"#)
        session.receive(#"{"type":"user_message","text":"hello"}"#)
        #expect(session.record.faults == [.stall])
        let byteCount = session.events().compactMap(SimulatorSuites.OtherDialectTests.audio).joined().count
        #expect((1..<64_000).contains(byteCount))
        // More than twice what it waits for a pong, and less than what it waits for input.
        session.pass(.seconds(50))
        #expect(session.events().isEmpty)
        #expect(session.closing == nil)
        #expect(session.record.errors.isEmpty)
      }
    }

    @Test("Slow read: what is sent backs up")
    func slowRead() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator, query: "fault=slow-read")
        try await client.event("session.created")
        try await client.append(Sound.speech(milliseconds: 20))
        // More than any socket's buffers hold, so that it cannot have been sent at once.
        let start = ContinuousClock.now
        let audio = Data(count: 14 << 20).base64EncodedString()
        try await client.send(#"{"type":"input_audio_buffer.append","audio":"\#(audio)"}"#)
        #expect(ContinuousClock.now - start > .seconds(1))
        try await client.send(#"{"type":"input_audio_buffer.clear"}"#)
        try await client.event("input_audio_buffer.cleared")
      }
    }

    @Test(
      "What makes no sense comes within an answer that is otherwise whole",
      arguments: [
        SimulatedFault.malformedJSON, .binaryFrame, .badBase64, .unknownEvent,
      ])
    func nonsense(_ fault: SimulatedFault) async throws {
      try await withSimulator { simulator in
        let client = try await speaking(fault, simulator)
        var frames: [WireClient.Incoming] = []
        var isDone = false
        while !isDone {
          let frame = try #require(await client.wire.next())
          frames.append(frame)
          if case .text(let bytes) = frame { isDone = Event(bytes)?.type == "response.done" }
        }
        let events = frames.compactMap { if case .text(let bytes) = $0 { Event(bytes) } else { nil } }
        let audio = events.filter { $0.type == Self.delta }.map { $0.bytes("delta") }
        #expect(audio.compactMap(\.self).joined().count == 96_000)
        switch fault {
        case .malformedJSON: #expect(events.count == frames.count - 1)
        case .binaryFrame: #expect(frames.contains(.binary([0x00, 0xFF, 0xFE, 0x80, 0x01])))
        case .badBase64: #expect(audio.count { $0 == nil } == 1)
        default: #expect(events.contains { $0.type == "session.weather" })
        }
      }
    }

    @Test("Reordered: each item's deltas keep their order, and nothing is missing")
    func reordered() async throws {
      try await withSimulator { simulator in
        let usual = try await VoiceClient.connect(simulator)
        try await usual.send(#"{"type":"response.create"}"#)
        let good = try await usual.events(until: "response.done").filter { $0.type.hasPrefix("response.") }
        let client = try await speaking(.reordered, simulator)
        let events = try await client.events(until: "response.done").filter { $0.type.hasPrefix("response.") }
        #expect(events.map(\.type).sorted() == good.map(\.type).sorted())
        #expect(events.map(\.type) != good.map(\.type))
        for type in [Self.delta, "response.output_audio_transcript.delta"] {
          let one = events.filter { $0.type == type }.map { $0.string("delta") }
          #expect(one == good.filter { $0.type == type }.map { $0.string("delta") })
        }
        let types = events.map(\.type)
        let end = try #require(types.firstIndex(of: "response.output_audio.done"))
        #expect(types[end...].contains(Self.delta))
        let part = try #require(types.firstIndex(of: "response.content_part.added"))
        #expect(types[..<part].contains("response.output_audio_transcript.delta"))
      }
    }

    @Test("Duplicate: events come twice with one event_id, deltas too")
    func duplicate() async throws {
      try await withSimulator { simulator in
        let client = try await speaking(.duplicate, simulator)
        let events = try await client.events(until: "response.done")
        let again = Dictionary(grouping: events) { $0.string("event_id") ?? "" }.values.filter { $0.count == 2 }
        #expect(again.contains { $0[0].type == Self.delta })
        #expect(again.contains { $0[0].type == "response.created" })
        #expect(again.allSatisfy { $0[0].text == $0[1].text })
        #expect(try await client.event().type == "response.done")
      }
    }

    @Test("Early audio: deltas before the response is announced")
    func earlyAudio() async throws {
      try await withSimulator { simulator in
        let client = try await speaking(.earlyAudio, simulator)
        let events = try await client.events(until: "response.done")
        #expect(events.prefix(3).map(\.type) == [Self.delta, Self.delta, "response.created"])
        #expect(events.filter { $0.type == Self.delta }.compactMap { $0.bytes("delta") }.joined().count == 96_000)
      }
    }

    @Test("Never done: all the sound, and then nothing but the response that is still active")
    func neverDone() async throws {
      try await withSimulator { simulator in
        let client = try await speaking(.neverDone, simulator)
        var count = 0
        while count < 20 { if try await client.event().type == Self.delta { count += 1 } }
        try await client.send(#"{"type":"response.create"}"#)
        let next = try await client.events(until: "error")
        #expect(next.last?.string("error.code") == "conversation_already_has_active_response")
        #expect(!next.contains { $0.type.hasSuffix(".done") })
      }
    }

    @Test("Huge frame: 12 MiB that mean nothing, and all the sound in one delta")
    func hugeFrame() async throws {
      try await withSimulator { simulator in
        let client = try await speaking(.hugeFrame, simulator)
        let events = try await client.events(until: "response.done")
        #expect(events.contains { $0.text.utf8.count > 12 << 20 })
        #expect(events.filter { $0.type == Self.delta }.compactMap { $0.bytes("delta")?.count } == [960_000])
      }
    }

    @Test("Rate limit: the first response fails, the second does not")
    func rateLimit() async throws {
      try await withSimulator { simulator in
        let client = try await speaking(.rateLimit, simulator)
        #expect(try await client.event("error").string("error.code") == "rate_limit_exceeded")
        let done = try await client.event("response.done")
        #expect(done.string("response.status") == "failed")
        #expect(done.string("response.status_details.error.code") == "rate_limit_exceeded")
        try await client.send(#"{"type":"response.create"}"#)
        #expect(try await client.event("response.done").string("response.status") == "completed")
      }
    }

    @Test("Delayed confirmations: they come 2 s late, and what follows does not wait for them")
    func delayed() async throws {
      try await withSimulator { simulator in
        let client = try await VoiceClient.connect(simulator, query: "fault=delayed-ack")
        try await client.event("session.created")
        let start = ContinuousClock.now
        try await client.send(SimulatorSuites.OpenAITurnTests.manual)
        try await client.append(Sound.speech(milliseconds: 200))
        try await client.send(#"{"type":"input_audio_buffer.commit"}"#)
        try await client.send(#"{"type":"response.create"}"#)
        let events = try await client.events(until: "session.updated")
        #expect(ContinuousClock.now - start >= .seconds(2))
        #expect(events.contains { $0.type == "response.created" })
        try await client.event("input_audio_buffer.committed")
      }
    }

    @Test("An unknown fault is refused, also beside a known one")
    func unknownName() async throws {
      try await withSimulator { simulator in
        for query in ["fault=nonsense", "fault=drop&fault="] {
          await #expect(throws: WireClient.Refusal(status: 400)) {
            try await VoiceClient.connect(simulator, query: query)
          }
        }
        #expect(simulator.journal.refusedConnectionCount == 2)
      }
    }

    @Test(
      "The other dialects fail, too, and serve who comes again",
      arguments: [
        SimulatedDialect.gemini, .elevenLabs,
      ])
    func others(_ dialect: SimulatedDialect) async throws {
      for fault in SimulatedFault.allCases where fault != .slowRead && fault != .delayedAcknowledgement {
        try await withSimulator({ $0.pingInterval = .seconds(100) }) { simulator in
          let client = try await SimulatorSuites.OtherDialectTests.speaking(
            dialect, simulator, query: "fault=\(fault.name)")
          var frames: [WireClient.Incoming] = []
          var audio = 0
          var isQuiet = false
          // To the end of the connection or, where it lives, to where no more can come: behind a pong.
          while !isQuiet {
            let frame = try #require(await client.wire.next(), "\(fault.name)")
            frames.append(frame)
            switch frame {
            case .text(let bytes), .binary(let bytes):
              guard let event = Event(bytes) else { break }
              audio += SimulatorSuites.OtherDialectTests.audio(of: event)?.count ?? 0
              let isComplete = dialect == .gemini ? event["serverContent.turnComplete"] != nil : audio >= 64_000
              let hasStalled = fault == .stall && audio > (dialect == .gemini ? 40_000 : 28_000)
              let isHuge = fault == .hugeFrame && dialect == .elevenLabs && audio < 640_000
              if isComplete && !isHuge || hasStalled
                || fault == .neverDone && audio >= (dialect == .gemini ? 96_000 : 64_000)
              {
                try await client.wire.sendPing()
              }
            case .pong: isQuiet = true
            case .ended: isQuiet = true
            case .close: break
            }
          }
          let hasEnded = if case .ended = frames.last { true } else { false }
          #expect(hasEnded == (fault == .rateLimit || fault.needsNewConnection && fault != .stall), "\(fault.name)")
          #expect(simulator.journal.sessions.first?.faults == [fault])
          if fault == .dropMidFrame { #expect(client.wire.openByteCount > 0) }
          if hasEnded {
            let again = try await SimulatorSuites.OtherDialectTests.speaking(
              dialect, simulator, query: "fault=\(fault.name)")
            let all = dialect == .gemini ? 96_000 : 64_000
            var count = 0
            while count < all {
              count += SimulatorSuites.OtherDialectTests.audio(of: try await again.event())?.count ?? 0
            }
          }
        }
      }
    }
  }
}
