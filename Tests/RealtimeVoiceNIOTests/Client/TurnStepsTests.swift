import AudioDSP
import AudioTestSupport
import RealtimeSimulator
import RealtimeVoice
import Testing

@testable import RealtimeVoiceNIO

@Suite("A client's steps of a turn") struct TurnRecorderTests {
  private static func at(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

  @Test("A commit of ours has the last audio before it, and all that is sent with it")
  func commit() {
    var recorder = TurnRecorder()
    recorder.sentAudio(askedAt: Self.at(10), encodedAt: Self.at(11))
    recorder.sentAudio(askedAt: Self.at(20), encodedAt: Self.at(21))
    recorder.sentControl(askedAt: Self.at(22), sentAt: Self.at(24), committedAt: Self.at(22))
    recorder.sentControl(askedAt: Self.at(24), sentAt: Self.at(25), committedAt: Self.at(22))
    recorder.sentAll()
    // A pong, later.
    recorder.sentControl(askedAt: Self.at(30), sentAt: Self.at(31), committedAt: Self.at(22))
    var expected = TurnSteps()
    expected.prepared = Self.at(20)
    expected.encoded = Self.at(21)
    expected.committed = Self.at(22)
    expected.commitSent = Self.at(25)
    #expect(recorder.turn == expected)
    // What comes behind audio of the next turn is no part of this one's.
    recorder.sentControl(askedAt: Self.at(40), sentAt: Self.at(41), committedAt: Self.at(40))
    recorder.sentAudio(askedAt: Self.at(42), encodedAt: Self.at(43))
    recorder.sentControl(askedAt: Self.at(44), sentAt: Self.at(45), committedAt: Self.at(40))
    #expect(recorder.turn.committed == Self.at(40) && recorder.turn.commitSent == Self.at(41))
  }

  @Test("A commit that the service made is not ours, and has no steps before it")
  func serviceCommit() {
    var recorder = TurnRecorder()
    recorder.sentAudio(askedAt: Self.at(10), encodedAt: Self.at(11))
    recorder.sentControl(askedAt: Self.at(22), sentAt: Self.at(24), committedAt: Self.at(15))
    #expect(recorder.turn == TurnSteps())
    recorder.received(readAt: Self.at(50), decodedAt: Self.at(51), committedAt: Self.at(15))
    #expect(recorder.turn.prepared == nil && recorder.turn.arrived == Self.at(50))
  }

  @Test("Another answer to a turn takes the place of the one before")
  func secondAnswer() {
    var recorder = TurnRecorder()
    recorder.sentControl(askedAt: Self.at(5), sentAt: Self.at(6), committedAt: Self.at(5))
    #expect(!recorder.awaitsPlayout)
    recorder.received(readAt: Self.at(7), decodedAt: Self.at(8), committedAt: Self.at(5))
    #expect(recorder.awaitsPlayout)
    recorder.becamePlayable(at: Self.at(9))
    recorder.played(pulledAt: Self.at(10), renderedAt: Self.at(11))
    #expect(!recorder.awaitsPlayout && recorder.turn.playable == Self.at(9))
    recorder.received(readAt: Self.at(20), decodedAt: Self.at(21), committedAt: Self.at(5))
    #expect(recorder.turn.commitSent == Self.at(6) && recorder.turn.rendered == nil && recorder.awaitsPlayout)
    // Played before anybody looked.
    recorder.played(pulledAt: Self.at(22), renderedAt: Self.at(23))
    #expect(recorder.turn.playable == Self.at(22))
  }
}

extension ClientSuites {
  @Suite("Steps of a turn") struct TurnTimingTests {
    @Test(arguments: [(Dialect.openAI, SimulatedDialect.openAI), (.gemini, .gemini)])
    func stepsComeInOrderAndAgreeWithTheSession(_ dialect: Dialect, _ simulated: SimulatedDialect) async throws {
      let simulator = try await Simulator.start()
      var generator = SeededGenerator(seed: 1)
      let turns = (0..<2).map { _ in (0..<9_600).map { _ in Int16.random(in: .min ... .max, using: &generator) } }
      let client = try VoiceClient(
        ServiceEndpoint(dialect, url: simulator.url(simulated)), Conversation.configuration(dialect))
      let outcome = try await Conversation.hold(client, turns: turns, rate: dialect.defaultRate)
      let journal = simulator.journal
      try await simulator.stop()

      let timing = try #require(
        outcome.events.compactMap { if case .playoutStarted(_, let timing) = $0 { timing } else { nil } }.last)
      let steps = await client.turnSteps
      #expect(steps.committed == timing.committed)
      #expect(steps.pulled == timing.firstPlayed)
      let order = [
        steps.prepared, steps.encoded, steps.committed, steps.commitSent, steps.arrived, timing.firstAudio,
        steps.decoded, steps.playable, steps.pulled, steps.rendered,
      ]
      let moments = try order.map { try #require($0) }
      #expect(moments == moments.sorted(), "\(moments)")
      // The simulator reads the same clock: it sent the first audio between our commit and its arrival.
      let session = try #require(journal.sessions.first)
      let sent = try #require(session.responses.last?.firstDeltaTime)
      func onSystemClock(_ time: Duration?) throws -> UInt64 {
        client.clockOrigin + UInt64(try #require(time) / .nanoseconds(1))
      }
      #expect(try onSystemClock(steps.committed) <= sent)
      #expect(try sent <= onSystemClock(steps.arrived))
    }
  }
}
