import AudioDSP
import AudioTestSupport
import Testing

@Suite struct SpeechChunkerResetTests {
  /// Keeps everything that a chunker gives.
  private struct Trace: ChunkSink, Equatable {
    var samples: [Int16] = []
    var offsets: [Int] = []
    var events: [SegmentEvent] = []

    mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Never) {
      for i in chunk.indices { samples.append(chunk[i]) }
      offsets.append(offset)
    }

    mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Never) { events.append(event) }
  }

  @Test(
    "After a reset in the middle of a segment, a chunker is as new", arguments: [nil, SegmenterConfiguration.turns])
  func reset(segmentation: SegmenterConfiguration?) throws {
    var random = SeededGenerator(seed: 11)
    // Noise that comes and goes, so that there are segments for the energy detector.
    let input = (0..<64_000).map { i in
      Float.random(in: -1...1, using: &random) * (i / 16_000 % 2 == 1 ? 0.3 : 0.0005)
    }
    var chunker = try SpeechChunker(
      from: .hz16000, channelCount: 1, chunkDuration: .milliseconds(30), detector: .energy, segmentation: segmentation,
      ditherSeed: 1)
    var first = Trace()
    try chunker.process(input.span, into: &first)
    try chunker.finish(into: &first)
    #expect(first.samples.count > 10_000)
    #expect((first.events.count >= 2) == (segmentation != nil))

    chunker.reset()
    var broken = Trace()
    try chunker.process(input.span.extracting(..<20_001), into: &broken)
    chunker.reset()
    #expect(chunker.inputCount == 0 && chunker.outputCount == 0 && chunker.keptCount == 0)
    var again = Trace()
    try chunker.process(input.span, into: &again)
    try chunker.finish(into: &again)
    #expect(again == first)
  }
}
