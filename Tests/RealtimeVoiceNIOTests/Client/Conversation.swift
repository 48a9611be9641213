import AudioDSP
import AudioTestSupport
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization

/// A client that speaks turns of known samples to a simulator that answers with what it heard: push to talk, or where
/// the service alone finds turns (ElevenLabs) with the silence in them that ends them.
enum Conversation {
  struct Outcome {
    /// What was played of the answer to each turn.
    var played: [[Int16]] = []
    var events: [SessionEvent] = []
    /// The most that waited at any time, to be sent and to be played.
    var mostWaitingInput = Duration.zero
    var mostWaitingOutput = Duration.zero
    var droppedEventCount = 0

    var ends: [AnswerEnd] {
      events.compactMap { if case .answerFinished(let end) = $0 { end } else { nil } }
    }
    var sessionEnd: SessionEnd? {
      events.compactMap { if case .closed(let end) = $0 { end } else { nil } }.last
    }
    var readyCount: Int { events.count { if case .ready = $0 { true } else { false } } }
  }

  /// Limits that no machine is too slow for: a test of what happens at one sets it.
  static func configuration(_ dialect: Dialect) -> SessionConfiguration {
    var configuration = SessionConfiguration(dialect)
    configuration.inputRate = dialect.defaultRate
    if configuration.turnTaking == .local { configuration.turnTaking = .pushToTalk(prefixPadding: .zero) }
    configuration.startLimit = .seconds(60)
    configuration.answerLimit = .seconds(60)
    configuration.stallLimit = .seconds(60)
    configuration.connectionLimit = .seconds(86_400)
    configuration.reconnection = ReconnectionPolicy(
      attempts: 3, firstDelay: .milliseconds(10), longestDelay: .milliseconds(100))
    return configuration
  }

  /// What stands at the end of a turn: the silence that ends it (700 ms) where the service finds turns.
  static func turnEnd(_ dialect: Dialect) -> [Int16] {
    let duration: Duration = dialect == .elevenLabs ? .milliseconds(700) : .zero
    return [Int16](repeating: 0, count: dialect.defaultRate.sampleCount(in: duration))
  }

  /// - Parameters:
  ///   - answeredTurnCount: How many turns are answered, where nothing tells that the others are not: those are spoken on
  ///     and on until the input ends.
  ///   - isEarly: Whether the first turn is spoken before the client is started.
  ///   - limit: No test waits longer. Long, since others may keep all threads for minutes.
  static func hold(
    _ client: VoiceClient, turns: [[Int16]], rate: SampleRate,
    answeredTurnCount: Int = .max, isEarly: Bool = false, limit: Duration = .seconds(3600)
  ) async throws -> Outcome {
    let deadline = ContinuousClock.now + limit
    let collector = Collector()
    let listening = Task { for await event in client.events { collector.add(event.event) } }
    if !isEarly { try await start(client, deadline) }
    var outcome = Outcome()
    for (number, turn) in turns.enumerated() where await !client.isClosed {
      await client.beginTurn()
      let count = rate.sampleCount(in: .milliseconds(20))
      for start in stride(from: 0, to: turn.count, by: count) {
        try await client.hear(turn[start..<min(start + count, turn.count)].map { Float($0) / 32768 })
        outcome.mostWaitingInput = max(outcome.mostWaitingInput, await client.waitingInput)
      }
      await client.endTurn()
      if isEarly, number == 0 { try await start(client, deadline) }
      guard number < answeredTurnCount else { continue }
      // A client that has no part in finding turns does not know that it waits for an answer.
      let isUntold = client.endpoint.dialect == .elevenLabs
      try await playAll(client, deadline, &outcome) { !isUntold || collector.endedTurnCount > number }
    }
    if answeredTurnCount < turns.count {
      await client.endInput()
      try await playAll(client, deadline, &outcome) { true }
    }
    outcome.droppedEventCount = await client.droppedEventCount
    await client.close()
    await listening.value
    outcome.events = collector.events
    return outcome
  }

  private static func start(_ client: VoiceClient, _ deadline: ContinuousClock.Instant) async throws {
    await client.start()
    await client.wait(until: { $0.isReady }, atMost: deadline - .now)
    try check(deadline)
  }

  /// Plays until all has been played of what comes, once `isOver`.
  private static func playAll(
    _ client: VoiceClient, _ deadline: ContinuousClock.Instant, _ outcome: inout Outcome, isOver: () -> Bool
  ) async throws {
    var played: [Int16] = []
    while true {
      try check(deadline)
      let (waiting, rate) = await (client.waitingOutput, client.playoutRate)
      outcome.mostWaitingOutput = max(outcome.mostWaitingOutput, waiting)
      if await client.isClosed, await client.waitingOutput == .zero { break }
      let block = await client.play(max(1, min(480, rate.sampleCount(in: waiting))))
      played += block.samples[..<block.answerCount]
      if block.answerCount > 0 { continue }
      // A session that is over is settled, too, and may have left something to play.
      if isOver(), await client.isSettled, await !client.isClosed { break }
      try await Task.sleep(for: .milliseconds(1))
    }
    outcome.played.append(played)
  }

  private static func check(_ deadline: ContinuousClock.Instant) throws {
    if ContinuousClock.now > deadline { throw TookTooLong() }
  }

  struct TookTooLong: Error {}

  private final class Collector: Sendable {
    private let list = Mutex<[SessionEvent]>([])
    func add(_ event: SessionEvent) { list.withLock { $0.append(event) } }
    var events: [SessionEvent] { list.withLock { $0 } }

    /// Turns of which the answer is over, or with it the connection before anything of it came.
    var endedTurnCount: Int {
      var count = 0
      var isLossTold = false
      for event in events {
        switch event {
        case .answerFinished(let end):
          count += 1
          isLossTold = end == .lost
        case .reconnecting(attempt: 1, after: _, reason: _): if !isLossTold { count += 1 }
        default: break
        }
      }
      return count
    }
  }
}

extension [UInt8] {
  /// 16-bit samples, least byte first.
  var samples: [Int16] {
    stride(from: 0, to: count - 1, by: 2).map { Int16(bitPattern: UInt16(self[$0]) | UInt16(self[$0 + 1]) << 8) }
  }
}
