import AudioDSP
import RealtimeVoice

/// Writes chunks as a dialect's events, one a line, and keeps the account of what was kept.
struct EventSink: ChunkSink {
  /// What was sent of one segment.
  struct Segment {
    /// The speech itself, and when it was known, in samples of the input.
    var speech: SpeechSegment
    /// What was sent of the output, in samples.
    var sent: Range<Int>
    var eventCount: Int
    /// Whether an event told the service of its end.
    var isCommitted: Bool
  }

  private var events: AudioEventSink<any Error>
  private var collector = SegmentCollector()
  /// Where the present segment's first sample stands, and how many events and turns came before it.
  private var start = (offset: 0, events: 0, turns: 0)
  private var sent: [(range: Range<Int>, eventCount: Int, isCommitted: Bool)] = []

  private let meter: OutputMeter

  /// - Parameter meter: Hears what is sent.
  init(_ encoder: AudioEventEncoder, marksTurns: Bool, meter: OutputMeter, to output: Output) {
    self.meter = meter
    events = AudioEventSink(encoder, marksTurns: marksTurns) { event in
      try output.write(event)
      try output.endRecord()
    }
  }

  var eventCount: Int { events.audioEventCount }
  var sampleCount: Int { events.sampleCount }
  var misfires: [Range<Int>] { collector.misfires }

  /// The segments of a recording of `sampleCount` samples.
  func segments(endingBy sampleCount: Int) -> [Segment] {
    zip(collector.segments(endingBy: sampleCount), sent).map { speech, sent in
      Segment(speech: speech, sent: sent.range, eventCount: sent.eventCount, isCommitted: sent.isCommitted)
    }
  }

  mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws {
    meter.process(chunk)
    try events.receive(chunk, at: offset)
  }

  mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws {
    if case .started = event { start = (outputOffset, events.audioEventCount, events.endedTurnCount) }
    try events.receive(event, at: outputOffset)
    collector.note(event)
    if case .ended = event {
      sent.append(
        (start.offset..<outputOffset, events.audioEventCount - start.events, events.endedTurnCount > start.turns))
    }
  }
}
