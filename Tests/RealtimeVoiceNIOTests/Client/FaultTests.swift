import AudioDSP
import AudioTestSupport
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Testing

extension ClientSuites {
  /// Through each fault of the simulator's, by name, a conversation of three turns: every answer is played, or it is said
  /// why not; nothing is sent or played twice; nothing waits for ever.
  @Suite("Faults") struct FaultTests {
    /// What is to come of the first answer, at which a fault happens.
    private enum Expectation {
      /// All of it is played.
      case whole
      /// All of it is played, though nobody says that it is complete.
      case wholeUntold
      /// A part is played, and the rest told as missing.
      case part
      /// The session ends with an error.
      case end
    }

    private static func expectation(of fault: SimulatedFault) -> Expectation {
      switch fault {
      case .slowRead, .malformedJSON, .binaryFrame, .badBase64, .unknownEvent, .reordered, .duplicate,
        .delayedAcknowledgement, .hugeFrame, .earlyAudio:
        .whole
      case .neverDone: .wholeUntold
      case .stall, .rateLimit, .drop, .dropMidFrame, .sessionExpired, .close(.goingAway), .close(.abnormal),
        .close(.internalError):
        .part
      case .close(.normal), .close(.policyViolation): .end
      }
    }

    @Test("openai", arguments: SimulatedFault.allCases)
    func openAI(_ fault: SimulatedFault) async throws { try await check(fault, .openAI, .openAI) }

    @Test("openai-beta", arguments: [SimulatedFault.drop, .duplicate, .stall, .sessionExpired])
    func beta(_ fault: SimulatedFault) async throws { try await check(fault, .openAIBeta, .openAIBeta) }

    private func check(_ fault: SimulatedFault, _ dialect: Dialect, _ simulated: SimulatedDialect) async throws {
      let seed = UInt64.random(in: .min ... .max)
      print("fault \(fault.name), seed \(seed)")
      var generator = SeededGenerator(seed: seed)
      var configuration = SimulatorConfiguration()
      configuration.faults = [fault]
      configuration.answer = .echo
      let simulator = try await Simulator.start(configuration)
      let turns = (0..<3).map { turn in
        (0..<(9_600 + 480 * turn)).map { _ in Int16.random(in: .min ... .max, using: &generator) }
      }
      let client = try VoiceClient(
        ServiceEndpoint(dialect, url: simulator.url(simulated)), Conversation.configuration(dialect))
      let outcome = try await Conversation.hold(client, turns: turns, rate: .hz24000)
      let journal = simulator.journal
      try await simulator.stop()

      // Nothing is sent twice or lost: what all sessions received, one after the other, is what was said.
      let received = journal.sessions.flatMap(\.audio).samples
      let expectation = Self.expectation(of: fault)
      #expect(received == Array(turns.joined().prefix(received.count)))
      if expectation != .end { #expect(received.count == turns.joined().count) }
      #expect(journal.sessions.flatMap(\.errors).filter { $0.code != "rate_limit_exceeded" && $0.code != "session_expired" } == [])

      // An answer is what was said, and no sample of it is played twice.
      for (turn, played) in zip(turns, outcome.played) { #expect(played == Array(turn.prefix(played.count))) }
      let first = outcome.played.first ?? []
      switch expectation {
      case .whole:
        #expect(outcome.played == turns)
        #expect(outcome.ends.count == 3)
        #expect(outcome.ends.allSatisfy { $0.isComplete })
      case .wholeUntold:
        #expect(first == turns[0])
        #expect(outcome.ends.first == .stalled(after: .seconds(1)))
      case .part:
        #expect(first.count < turns[0].count)
        #expect(outcome.ends.first?.isComplete == false)
      case .end:
        guard case .failed(let reason) = outcome.sessionEnd else {
          Issue.record("the session ended with \(String(describing: outcome.sessionEnd))")
          return
        }
        #expect(reason.contains("\(fault.name.split(separator: "-")[1])"))
        return
      }
      // It goes on.
      #expect(outcome.played.dropFirst().elementsEqual(turns.dropFirst()))
      #expect(outcome.ends.count == 3)
      #expect(outcome.ends.dropFirst().allSatisfy { $0.isComplete || (fault == .neverDone && $0.isStalled) })
      #expect(outcome.sessionEnd == .closed)
      #expect(outcome.readyCount == (fault.endsConnection ? 2 : 1))
    }
  }
}

extension AnswerEnd {
  fileprivate var isComplete: Bool {
    if case .told(let outcome) = self { outcome.status == .completed } else { false }
  }

  fileprivate var isStalled: Bool {
    if case .stalled = self { true } else { false }
  }
}
