import AudioDSP
import RealtimeVoice
import Testing

@Suite struct AudioEventSinkTests {
  private struct Refusal: Error {}

  private static func text(_ bytes: Span<UInt8>) -> String {
    String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
  }

  /// What a sink sends for turns of the given lengths in milliseconds, an event a letter: audio, start, end.
  private static func trace(_ dialect: Dialect, marksTurns: Bool, turns: [Int]) -> (String, AudioEventSink<Never>) {
    final class Log { var letters = "" }
    let log = Log()
    var sink = AudioEventSink(dialect, marksTurns: marksTurns) { event in
      let text = Self.text(event)
      log.letters +=
        text.contains("commit") || text.contains("activityEnd") ? "e" : text.contains("activityStart") ? "s" : "a"
    }
    for milliseconds in turns {
      sink.receive(.started(at: 0, paddedStart: 0, decidedAt: 0), at: 0)
      let chunk = [Int16](repeating: 1, count: milliseconds * dialect.defaultRate.hertz / 1_000)
      sink.receive(chunk.span, at: 0)
      sink.receive(.ended(at: 0, claimedEnd: 0, decidedAt: 0), at: 0)
    }
    return (log.letters, sink)
  }

  @Test func turnsAreMarkedAsTheDialectHasIt() {
    #expect(Self.trace(.openAI, marksTurns: true, turns: [200, 300]).0 == "aeae")
    #expect(Self.trace(.gemini, marksTurns: true, turns: [200, 300]).0 == "saesae")
    #expect(Self.trace(.elevenLabs, marksTurns: true, turns: [200, 300]).0 == "aa")
    #expect(Self.trace(.openAI, marksTurns: false, turns: [200, 300]).0 == "aa")
  }

  @Test func aTurnTooShortToCommitIsLeftToTheNext() {
    // OpenAI refuses to commit less than 100 ms; Gemini has no such rule.
    let (letters, sink) = Self.trace(.openAI, marksTurns: true, turns: [99, 1, 40, 50, 10, 100])
    #expect(letters == "a" + "ae" + "a" + "a" + "ae" + "ae")
    #expect(sink.endedTurnCount == 3)
    #expect(sink.audioEventCount == 6)
    #expect(sink.sampleCount == 300 * 24)
    #expect(Self.trace(.gemini, marksTurns: true, turns: [10]).0 == "sae")
  }

  @Test func anEmptyChunkIsNoEvent() {
    var sink = AudioEventSink(.openAI) { _ in Issue.record("an event without audio") }
    sink.receive([Int16]().span, at: 0)
    #expect(sink.audioEventCount == 0)
  }

  @Test func aFailureComesThrough() {
    var sink = AudioEventSink(.pcm) { _ throws(Refusal) in throw Refusal() }
    #expect(throws: Refusal.self) { try sink.receive([Int16(1)].span, at: 0) }
  }
}
