import AudioDSP
import AudioTestSupport
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization

/// A client that speaks turns of known samples, push to talk, to a simulator that answers with what it heard.
enum Conversation {
  struct Outcome {
    /// What was played of the answer to each turn.
    var played: [[Int16]] = []
    var events: [SessionEvent] = []

    var ends: [AnswerEnd] {
      events.compactMap { if case .answerFinished(let end) = $0 { end } else { nil } }
    }
    var sessionEnd: SessionEnd? {
      events.compactMap { if case .closed(let end) = $0 { end } else { nil } }.last
    }
    var readyCount: Int { events.count { if case .ready = $0 { true } else { false } } }
  }

  /// Limits that are short, so that a test of what happens at them is.
  static func configuration(_ dialect: Dialect) -> SessionConfiguration {
    var configuration = SessionConfiguration(dialect)
    configuration.inputRate = dialect.defaultRate
    if configuration.turnTaking == .local { configuration.turnTaking = .pushToTalk(prefixPadding: .zero) }
    configuration.startLimit = .seconds(5)
    configuration.answerLimit = .seconds(5)
    configuration.stallLimit = .seconds(1)
    configuration.reconnection = ReconnectionPolicy(
      attempts: 3, firstDelay: .milliseconds(10), longestDelay: .milliseconds(100))
    return configuration
  }

  /// - Parameter limit: No test waits longer.
  static func hold(
    _ client: VoiceClient, turns: [[Int16]], rate: SampleRate, limit: Duration = .seconds(30)
  ) async throws -> Outcome {
    let deadline = ContinuousClock.now + limit
    let collector = Collector()
    let listening = Task { for await event in client.events { collector.add(event.event) } }
    await client.start()
    while await !client.isReady, await !client.isClosed {
      try check(deadline)
      try await Task.sleep(for: .milliseconds(1))
    }
    var outcome = Outcome()
    for turn in turns where await !client.isClosed {
      await client.beginTurn()
      let block = rate.sampleCount(in: .milliseconds(20))
      for start in stride(from: 0, to: turn.count, by: block) {
        try await client.hear(turn[start..<min(start + block, turn.count)].map { Float($0) / 32768 })
      }
      await client.endTurn()
      outcome.played.append(try await playAll(client, deadline))
    }
    await client.close()
    await listening.value
    outcome.events = collector.events
    return outcome
  }

  private static func playAll(_ client: VoiceClient, _ deadline: ContinuousClock.Instant) async throws -> [Int16] {
    var played: [Int16] = []
    while true {
      try check(deadline)
      if await client.isClosed, await client.waitingOutputCount == 0 { return played }
      let block = await client.play(max(1, min(480, await client.waitingOutputCount)))
      played += block.samples[..<block.answerCount]
      if block.answerCount > 0 { continue }
      if await client.isReady, await !client.isAnswering, await client.waitingInput == .zero { return played }
      try await Task.sleep(for: .milliseconds(1))
    }
  }

  private static func check(_ deadline: ContinuousClock.Instant) throws {
    if ContinuousClock.now > deadline { throw TookTooLong() }
  }

  struct TookTooLong: Error {}

  private final class Collector: Sendable {
    private let list = Mutex<[SessionEvent]>([])
    func add(_ event: SessionEvent) { list.withLock { $0.append(event) } }
    var events: [SessionEvent] { list.withLock { $0 } }
  }
}

extension [UInt8] {
  /// 16-bit samples, least byte first.
  var samples: [Int16] {
    stride(from: 0, to: count - 1, by: 2).map { Int16(bitPattern: UInt16(self[$0]) | UInt16(self[$0 + 1]) << 8) }
  }
}
