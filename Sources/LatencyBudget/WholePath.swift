import AudioDSP
import RealtimeVoice

/// The path as users run it: a ``SpeechChunker`` and an ``AudioEventSink``, with the clock read before and behind.
struct WholePath: ~Copyable {
  private var chunker: SpeechChunker<Resampler, SpeechDetector>
  private var sink: AudioEventSink<Never>

  /// - Parameter send: Takes the events.
  init(_ path: LocalPath, send: @escaping (Span<UInt8>) -> Void) throws {
    chunker = try SpeechChunker(
      engine: path.resampler, detector: SpeechDetector(path.detector, path.inputRate), channelCount: path.channelCount,
      chunkDuration: path.chunkDuration, segmentation: LocalPath.everything)
    sink = AudioEventSink(path.dialect, send: send)
  }

  var eventCount: Int { sink.audioEventCount }

  /// Sends what a block completes, and returns the instants before and behind.
  mutating func process(_ block: Span<Float>) throws -> (begin: UInt64, end: UInt64) {
    let begin = NanosecondClock.now()
    try chunker.process(block, into: &sink)
    return (begin, NanosecondClock.now())
  }
}
