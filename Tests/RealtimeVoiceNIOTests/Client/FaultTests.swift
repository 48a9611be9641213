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
      /// A part is played, and the service never says a word again: each answer is told as missing.
      case silence
      /// The session ends with an error.
      case end
    }

    private static func expectation(of fault: SimulatedFault) -> Expectation {
      switch fault {
      case .slowRead, .malformedJSON, .binaryFrame, .badBase64, .unknownEvent, .reordered, .duplicate,
        .delayedAcknowledgement, .hugeFrame, .earlyAudio:
        .whole
      case .neverDone: .wholeUntold
      case .stall: .silence
      case .rateLimit, .drop, .dropMidFrame, .sessionExpired, .close(.goingAway), .close(.abnormal),
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
      var settings = Conversation.configuration(dialect)
      // A debug build takes seconds to look through 12 MiB.
      if fault == .hugeFrame { settings.stallLimit = .seconds(20) }
      let client = try VoiceClient(ServiceEndpoint(dialect, url: simulator.url(simulated)), settings)
      let outcome = try await Conversation.hold(client, turns: turns, rate: .hz24000)
      let journal = simulator.journal
      try await simulator.stop()

      // Nothing is sent twice or lost: what all sessions received, one after the other, is what was said. Samples are
      // compared before they are expected: a difference of long arrays would be shown for minutes.
      let received = journal.sessions.flatMap(\.audio).samples
      let said = Array(turns.joined())
      let expectation = Self.expectation(of: fault)
      let isPrefix = received == Array(said.prefix(received.count))
      #expect(isPrefix)
      if expectation != .end { #expect(received.count == said.count) }
      let ownErrors = ["rate_limit_exceeded", "session_expired"]
      #expect(journal.sessions.flatMap(\.errors).filter { !ownErrors.contains($0.code) } == [])

      let first = outcome.played.first ?? []
      // Where the connection was lost before any of the answer was there, it was asked for again, of a service that has
      // the question in words only.
      let isAskedAgain = fault.endsConnection && outcome.ends.first?.isComplete == true
      // An answer is what was said, and no sample of it is played twice. That of the huge frame is another, of 20 s.
      for (turn, played) in zip(turns, outcome.played).dropFirst(isAskedAgain || fault == .hugeFrame ? 1 : 0) {
        let isPrefix = played == Array(turn.prefix(played.count))
        #expect(isPrefix)
      }
      var areWhole = zip(turns, outcome.played).map { $0 == $1 }
      if fault == .hugeFrame { areWhole[0] = first.count == 20 * 24_000 }
      switch expectation {
      case .whole:
        #expect(areWhole == [true, true, true])
        #expect(outcome.ends.count == 3)
        #expect(outcome.ends.allSatisfy { $0.isComplete })
      case .wholeUntold:
        #expect(areWhole.first == true)
        #expect(outcome.ends.first == .stalled(after: .seconds(1)))
      case .part:
        #expect(isAskedAgain || first.count < turns[0].count)
        #expect(isAskedAgain || outcome.ends.first?.isComplete == false)
      case .silence:
        #expect(first.count < turns[0].count)
        #expect(outcome.played.dropFirst().map(\.count) == [0, 0])
        #expect(
          outcome.ends == [.stalled(after: .seconds(1)), .missing(after: .seconds(5)), .missing(after: .seconds(5))])
        return
      case .end:
        guard case .failed(let reason) = outcome.sessionEnd else {
          Issue.record("the session ended with \(String(describing: outcome.sessionEnd))")
          return
        }
        #expect(reason.contains("\(fault.name.split(separator: "-")[1])"))
        return
      }
      // It goes on.
      #expect(areWhole.dropFirst() == [true, true])
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
