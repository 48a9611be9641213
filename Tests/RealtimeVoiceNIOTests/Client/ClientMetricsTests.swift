import AudioDSP
import AudioTestSupport
import MetricsTestKit
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Testing

extension ClientSuites {
  /// What a client counts is what the simulator has received and sent, and what its events tell.
  @Suite("Metrics") struct MetricsTests {
    private static let counters = [
      "chunks_sent", "samples_sent", "samples_dropped", "bytes_received", "events_malformed", "events_unknown",
      "reconnections", "interruptions",
    ]
    private static let timers = ["capture_to_socket", "commit_to_first_sample", "speech_end_to_first_sample"]

    /// A session's metrics, by the names of their table.
    private struct Measured {
      let kit = TestMetrics()
      var dialect = Dialect.openAI

      func count(_ name: String) throws -> Int {
        Int(try kit.expectCounter("utter_" + name, [("dialect", dialect.rawValue)]).totalValue)
      }

      func times(_ name: String) throws -> [Int64] {
        try kit.expectTimer("utter_" + name, [("dialect", dialect.rawValue)]).values
      }
    }

    private static func noise(_ count: Int, seed: UInt64) -> [Int16] {
      var generator = SeededGenerator(seed: seed)
      return (0..<count).map { _ in Int16.random(in: .min ... .max, using: &generator) }
    }

    private static func timings(_ events: [SessionEvent]) -> [TurnTiming] {
      events.compactMap { if case .playoutStarted(_, let timing) = $0 { timing } else { nil } }
    }

    private static func nanoseconds(_ start: Duration?, _ end: Duration?) -> Int64? {
      guard let start, let end else { return nil }
      return Int64((end - start) / .nanoseconds(1))
    }

    @Test(
      "All of the table's are there from the start on, with the dialect, and nothing else", arguments: Dialect.services)
    func names(_ dialect: Dialect) throws {
      let kit = TestMetrics()
      _ = try VoiceClient(
        ServiceEndpoint(dialect, url: "ws://127.0.0.1:1/"), SessionConfiguration(dialect), metrics: kit)
      let dimension = ["dialect=\(dialect.rawValue)"]
      func names(_ metrics: [(label: String, dimensions: [(String, String)])]) -> [String] {
        for metric in metrics { #expect(metric.dimensions.map { "\($0)=\($1)" } == dimension) }
        return metrics.map(\.label).sorted()
      }
      #expect(names(kit.counters.map { ($0.label, $0.dimensions) }) == Self.counters.map { "utter_" + $0 }.sorted())
      #expect(names(kit.timers.map { ($0.label, $0.dimensions) }) == Self.timers.map { "utter_" + $0 }.sorted())
      #expect(kit.recorders.isEmpty && kit.meters.isEmpty)
    }

    @Test("Two turns: what is sent, what comes, and how long it takes")
    func conversation() async throws {
      var configuration = SimulatorConfiguration()
      configuration.answer = .echo
      let simulator = try await Simulator.start(configuration)
      let measured = Measured()
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), Conversation.configuration(.openAI),
        metrics: measured.kit)
      let turns = [Self.noise(9_600, seed: 1), Self.noise(12_480, seed: 2)]
      let outcome = try await Conversation.hold(client, turns: turns, rate: .hz24000)
      let isWhole = outcome.played == turns
      #expect(isWhole)
      try await simulator.stop()
      let session = try #require(simulator.journal.sessions.first)

      let appended = session.clientEvents.count { $0.type == "input_audio_buffer.append" }
      #expect(appended > 2)
      #expect(try measured.count("chunks_sent") == appended)
      #expect(try measured.count("samples_sent") == session.audioByteCount / 2)
      #expect(session.audioByteCount / 2 == turns.joined().count)
      for name in ["samples_dropped", "events_malformed", "events_unknown", "reconnections", "interruptions"] {
        #expect(try measured.count(name) == 0)
      }
      let waits = try measured.times("capture_to_socket")
      #expect(waits.count == appended && waits.allSatisfy { $0 > 0 })
      let timings = Self.timings(outcome.events)
      #expect(timings.count == 2)
      let commits = try measured.times("commit_to_first_sample")
      #expect(commits.allSatisfy { $0 > 0 })
      #expect(commits == timings.compactMap { Self.nanoseconds($0.committed, $0.firstPlayed) })
      #expect(commits.count == 2)
      let ends = try measured.times("speech_end_to_first_sample")
      #expect(ends == timings.compactMap { Self.nanoseconds($0.speechEnded, $0.firstPlayed) })
    }

    @Test("Every byte of the service's messages is counted")
    func bytes() async throws {
      let simulator = try await Simulator.start()
      let measured = Measured()
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), Conversation.configuration(.openAI),
        metrics: measured.kit)
      await client.start()
      try await client.until { $0.isReady }
      await client.beginTurn()
      try await client.hear([Float](repeating: 0.1, count: 9_600))
      await client.endTurn()
      // All that it says of an answer, to the last word.
      try await client.until { _ in simulator.journal.sessions.first?.responses.first?.status == "completed" }
      try await client.until { _ in
        (try? measured.count("bytes_received")) == simulator.journal.sessions.first?.sentByteCount
      }
      let sent = try #require(simulator.journal.sessions.first).sentByteCount
      #expect(try measured.count("bytes_received") == sent)
      // Two seconds of audio, in base64.
      #expect(sent > 2 * 48_000 * 4 / 3)
      await client.close()
      try await simulator.stop()
    }

    @Test("Speech: the end of it is timed, once for its turn")
    func speech() async throws {
      let simulator = try await Simulator.start()
      let measured = Measured()
      var settings = SessionConfiguration(.openAI)
      settings.inputRate = .hz24000
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), settings, metrics: measured.kit)
      let listening = Task { await client.events.reduce(into: [SessionEvent]()) { $0.append($1.event) } }
      await client.start()
      try await client.until { $0.isReady }
      for block in SpokenSound.blocks { try await client.hear(block) }
      await client.endInput()
      var answerCount = 0
      while await !client.isSettled {
        try await client.until { $0.isOutputReady || $0.isSettled }
        answerCount += await client.play(480).answerCount
      }
      #expect(answerCount > 0)
      await client.close()
      let timings = Self.timings(await listening.value)
      try await simulator.stop()
      let ends = try measured.times("speech_end_to_first_sample")
      #expect(!ends.isEmpty && ends.allSatisfy { $0 > 0 })
      #expect(ends == timings.compactMap { Self.nanoseconds($0.speechEnded, $0.firstPlayed) })
      #expect(ends.count == simulator.journal.turnCount)
      let commits = try measured.times("commit_to_first_sample")
      #expect(commits == timings.compactMap { Self.nanoseconds($0.committed, $0.firstPlayed) })
      #expect(commits.count == simulator.journal.turnCount)
    }

    @Test("What has no room before there is a session is counted as dropped; the rest as sent")
    func dropped() async throws {
      let simulator = try await Simulator.start()
      let measured = Measured()
      var settings = Conversation.configuration(.openAI)
      settings.turnTaking = .service
      settings.sendCapacity = .seconds(1)
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), settings, metrics: measured.kit)
      for _ in 0..<150 { try await client.hear([Float](repeating: 0, count: 480)) }
      await client.start()
      try await client.until { $0.isReady }
      await client.endInput()
      try await client.until { $0.waitingInput == .zero }
      try await client.until { $0.isSettled }
      await client.close()
      try await simulator.stop()
      let heard = try #require(simulator.journal.sessions.first).audioByteCount / 2
      #expect(heard == 24_000)
      #expect(try measured.count("samples_sent") == heard)
      #expect(try measured.count("samples_dropped") == 150 * 480 - heard)
    }

    @Test(
      "Messages that are skipped, and lost connections",
      arguments: [
        (SimulatedFault.malformedJSON, "events_malformed"), (.binaryFrame, "events_malformed"),
        (.unknownEvent, "events_unknown"), (.drop, "reconnections"),
      ])
    func faults(_ fault: SimulatedFault, _ name: String) async throws {
      var configuration = SimulatorConfiguration()
      configuration.faults = [fault]
      configuration.answer = .echo
      let simulator = try await Simulator.start(configuration)
      let measured = Measured()
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), Conversation.configuration(.openAI),
        metrics: measured.kit)
      let outcome = try await Conversation.hold(client, turns: [Self.noise(9_600, seed: 3)], rate: .hz24000)
      try await simulator.stop()
      let told = [
        "events_malformed": outcome.events.count { if case .malformed = $0 { true } else { false } },
        "events_unknown": outcome.events.count { if case .unknown = $0 { true } else { false } },
        "reconnections": outcome.events.count { if case .reconnecting = $0 { true } else { false } },
        "interruptions": 0, "samples_dropped": 0,
      ]
      #expect((told[name] ?? 0) > 0)
      for (name, count) in told { #expect(try measured.count(name) == count, "\(name)") }
    }

    @Test("An answer that is stopped is an interruption")
    func interruption() async throws {
      let simulator = try await Simulator.start()
      let measured = Measured()
      let client = try VoiceClient(
        ServiceEndpoint(.openAI, url: simulator.url(.openAI)), Conversation.configuration(.openAI),
        metrics: measured.kit)
      await client.start()
      try await client.until { $0.isReady }
      for _ in 0..<2 {
        await client.beginTurn()
        try await client.hear([Float](repeating: 0.1, count: 9_600))
        await client.endTurn()
        try await client.until { $0.waitingOutput > .seconds(1) }
        _ = await client.play(480)
        await client.stopAnswer()
        // Nothing is left to be stopped.
        await client.stopAnswer()
        try await client.until { !$0.isAnswering || $0.isOutputReady }
        while await client.play(480).answerCount > 0 {}
        try await client.until { !$0.isAnswering }
      }
      #expect(try measured.count("interruptions") == 2)
      #expect(try measured.times("commit_to_first_sample").count == 2)
      await client.close()
      try await simulator.stop()
    }
  }
}

extension Dialect {
  /// Those that a session can be held in.
  fileprivate static var services: [Dialect] { [.openAI, .openAIBeta, .gemini, .elevenLabs] }
}
