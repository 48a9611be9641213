import AudioDSP
import AudioTestSupport
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Testing

/// Through each fault of the simulator's, by name, in each dialect, a conversation of three turns: every answer is
/// played, or it is said why not; nothing is sent or played twice; nothing waits for ever, or without bounds.
///
/// They mostly wait, so that they run side by side, each on event loops of its own.
@Suite("Client through faults") struct FaultTests {
  @Test("A conversation", arguments: SimulatedFault.allCases, FaultConsequence.dialects)
  func conversation(_ fault: SimulatedFault, _ dialect: Dialect) async throws {
    let consequence = FaultConsequence(fault, dialect)
    let speech = FaultSpeech(dialect: dialect)
    let (turns, settings, outcome, journal) = try await hold(fault, dialect) { simulator, settings in
      consequence.setLimits(of: &settings)
      // A debug build takes seconds to make 12 MiB, in which no pong is read.
      if fault == .hugeFrame { simulator.pingInterval = .seconds(20) }
      // That pings do not come any more is not to be noticed before the end of the input.
      if fault == .stall { simulator.pingInterval = .seconds(3600) }
    }

    // The fault has happened, and nothing else of the kind.
    #expect(journal.sessions.map(\.faults) == [[fault]] + Array(repeating: [], count: consequence.sessionCount - 1))
    #expect(journal.sessions.flatMap(\.errors).map(\.code) == consequence.complaints)

    // Nothing is sent twice or lost: what all sessions received, one after the other, is what was said. Samples are
    // compared before they are expected: a difference of long arrays would be shown for minutes.
    let received = journal.sessions.flatMap(\.audio).samples
    var said = Array((consequence.isUnspoken ? turns[..<1] : turns[...]).joined())
    if consequence.answeredTurnCount < turns.count {
      // The silence that ends the input.
      said += [Int16](repeating: 0, count: max(0, received.count - said.count))
      #expect(received.count - turns.joined().count == speech.inputRate.sampleCount(in: .milliseconds(1500)))
    }
    let isAllReceived = received == said
    #expect(isAllReceived, "\(received.count) of \(said.count) samples")

    // Every answer ends once, in the way of a course that this can take, with what is played of the first.
    let ends = outcome.ends(settings)
    let answers = turns.map(speech.echo)
    let first = outcome.played.first ?? []
    let isFirst = consequence.courses.contains {
      $0.ends == ends && speech.isPlayed($0.first, of: answers[0], first)
    }
    #expect(isFirst, "\(first.count) samples, \(outcome.events.prefix(40))")
    let areWhole = zip(answers, outcome.played).dropFirst().map { $0 == $1 }
    let reason: String? = if case .failed(let reason) = outcome.sessionEnd { reason } else { nil }
    switch consequence.rest {
    case .spoken(let answered):
      #expect(areWhole == answered)
      let areSilent = zip(outcome.played.dropFirst(), answered).allSatisfy { $1 || $0.isEmpty }
      #expect(areSilent)
    case .unspoken(let words):
      #expect(outcome.played.count == 1)
      #expect(reason?.contains(words) == true, "\(reason ?? "no failure")")
    }
    if !consequence.isUnspoken { #expect(outcome.sessionEnd == .closed) }
    #expect(outcome.readyCount == consequence.sessionCount)
    #expect(outcome.malformedCount == consequence.malformedCount)
    #expect(outcome.unknownCount == consequence.unknownCount)

    // No more waits than the longest answer, and nothing is dropped.
    let longest = max(answers.map(\.count).max() ?? 0, first.count)
    #expect(outcome.mostWaitingOutput <= speech.outputRate.duration(of: longest))
    #expect(outcome.mostWaitingInput <= settings.sendCapacity)
    #expect(outcome.droppedEventCount == 0)
    #expect(outcome.droppedSampleCount == 0)
  }

  /// Twice the capacity is taken, since what is on its way comes all the same.
  @Test(
    "Of a delta that is longer than what may wait nothing is kept, which is told", arguments: FaultConsequence.dialects)
  func answerBeyondCapacity(_ dialect: Dialect) async throws {
    let speech = FaultSpeech(dialect: dialect)
    let (_, settings, outcome, _) = try await hold(nil, dialect) { simulator, settings in
      simulator.answer = .voice
      simulator.answerDuration = .seconds(20)
      simulator.deltaDuration = .seconds(10)
      settings.playout.capacity = .seconds(4)
    }
    #expect(outcome.droppedOutputCount / speech.outputRate.hertz == 3 * 20)
    #expect(outcome.mostWaitingOutput <= settings.playout.capacity * 2)
    #expect(outcome.ends(settings) == [.completed, .completed, .completed])
  }

  /// That of a service that confirms late and so takes nothing for 2 s, and of one that is not there yet.
  @Test(
    "Of what is said before there is a session the newest is kept; the rest is dropped, which is told",
    arguments: FaultConsequence.dialects)
  func inputBeyondCapacity(_ dialect: Dialect) async throws {
    let speech = FaultSpeech(dialect: dialect)
    let (turns, settings, outcome, journal) = try await hold(.delayedAcknowledgement, dialect, isEarly: true) {
      _, settings in
      // Less than the first turn, and not less than the others.
      settings.sendCapacity = .milliseconds(dialect == .elevenLabs ? 1000 : 300)
    }
    let kept = speech.inputRate.sampleCount(in: settings.sendCapacity)
    let first = Array(turns[0].suffix(kept))
    #expect(outcome.mostWaitingInput <= settings.sendCapacity)
    #expect(outcome.droppedSampleCount == turns[0].count - kept)
    let isKept = journal.sessions.flatMap(\.audio).samples == first + turns[1] + turns[2]
    #expect(isKept)
    let areWhole = zip([first, turns[1], turns[2]].map(speech.echo), outcome.played).map { $0 == $1 }
    #expect(areWhole == [true, true, true])
    #expect(outcome.ends(settings) == [.completed, .completed, .completed])
  }

  private func hold(
    _ fault: SimulatedFault?, _ dialect: Dialect, isEarly: Bool = false,
    _ set: (inout SimulatorConfiguration, inout SessionConfiguration) -> Void
  ) async throws -> (
    turns: [[Int16]], settings: SessionConfiguration, outcome: Conversation.Outcome, journal: SimulatorJournal
  ) {
    let seed = UInt64.random(in: .min ... .max)
    print("fault \(fault?.name ?? "none") in \(dialect.rawValue), seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let speech = FaultSpeech(dialect: dialect)
    let turns = [400, 420, 440].map { speech.turn(.milliseconds($0), using: &generator) }
    var configuration = SimulatorConfiguration()
    configuration.faults = fault.map { [$0] } ?? []
    configuration.answer = .echo
    // Others may keep all threads for minutes, in which nothing is spoken.
    configuration.elevenLabsReceiveTimeout = .seconds(3600)
    configuration.sessionLimit = .seconds(36_000)
    var settings = Conversation.configuration(dialect)
    // Noise is speech to it.
    settings.detector = .energy
    set(&configuration, &settings)

    let simulators = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let clients = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let simulator = try await Simulator.start(configuration, on: simulators)
    let endpoint = try ServiceEndpoint(dialect, url: simulator.url(dialect.simulated))
    let client = try VoiceClient(endpoint, settings, on: clients)
    let outcome = try await Conversation.hold(
      client, turns: turns, rate: speech.inputRate,
      answeredTurnCount: fault.map { FaultConsequence($0, dialect).answeredTurnCount } ?? .max, isEarly: isEarly)
    let journal = simulator.journal
    try await simulator.stop()
    try await clients.shutdownGracefully()
    try await simulators.shutdownGracefully()
    return (turns, settings, outcome, journal)
  }
}

extension FaultConsequence {
  fileprivate var isUnspoken: Bool { if case .unspoken = rest { true } else { false } }
}

extension Conversation.Outcome {
  fileprivate func ends(_ settings: SessionConfiguration) -> [FaultConsequence.End?] {
    ends.map { FaultConsequence.End($0, settings) }
  }

  fileprivate var malformedCount: Int { events.count { if case .malformed = $0 { true } else { false } } }
  fileprivate var unknownCount: Int { events.count { if case .unknown = $0 { true } else { false } } }

  /// Samples of answers.
  fileprivate var droppedOutputCount: Int {
    events.reduce(0) { if case .outputDropped(let count) = $1 { $0 + count } else { $0 } }
  }

  /// Of the microphone's samples.
  fileprivate var droppedSampleCount: Int {
    events.reduce(0) { if case .inputDropped(let count) = $1 { $0 + count } else { $0 } }
  }
}
