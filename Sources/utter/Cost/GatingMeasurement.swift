import AudioDSP
import AudioFiles
import RealtimeVoice

/// How much of recordings is speech, and how much is sent of them where only speech is.
struct GatingMeasurement: Sendable {
  struct File: Sendable {
    var name: String
    /// In milliseconds, as the rest.
    var length: Int
    var speech: Int
    /// With prefix padding and hangover.
    var sent: Int
    var segmentCount: Int
  }

  var files: [File] = []
  var prefixPadding: Duration
  var hangover: Duration

  var length: Int { files.reduce(0) { $0 + $1.length } }
  var speech: Int { files.reduce(0) { $0 + $1.speech } }
  var sent: Int { files.reduce(0) { $0 + $1.sent } }

  /// Runs the way of 'utter chunk --vad gate' over a recording, without writing what it makes.
  static func measure(
    _ task: InputTask, _ input: InputOptions, _ segmentation: SegmentationOptions,
    _ configuration: SegmenterConfiguration
  ) throws -> File {
    var recording = try Recording(task, input)
    let rate = recording.sampleRate
    // The rate of what is sent does not matter for how long it is.
    var chunker = try SpeechChunker(
      engine: Resampler(from: rate, to: .hz24000, quality: .voice),
      detector: SpeechDetector(segmentation.detector, rate),
      channelCount: recording.channelCount, chunkDuration: .milliseconds(20), segmentation: configuration)
    var sink = Sink()
    try recording.forEachBlock { block in try chunker.process(block, into: &sink) }
    try chunker.finish(into: &sink)
    try recording.tellDamage(nonFiniteCount: chunker.nonFiniteCount)
    let frameCount = recording.frameCount
    let segments = sink.collector.segments(endingBy: frameCount)
    return File(
      name: task.name, length: milliseconds(frameCount, rate),
      speech: milliseconds(segments.reduce(0) { $0 + $1.end - $1.start }, rate),
      sent: milliseconds(chunker.keptCount, .hz24000), segmentCount: segments.count)
  }

  /// What a model's input costs less by call, where only speech is sent of the recordings, each of which is a call's user;
  /// nil where it does not bill what is sent.
  ///
  /// What is saved with input that comes again at later turns is not in it.
  func saving(with model: ModelPrices, calls: Int) -> (call: Money, total: Money)? {
    guard model.silence == .input, let rate = model.inputRate else { return nil }
    let all = rate.multiplied(by: length - sent, over: 60_000)
    return (all.multiplied(by: 1, over: files.count), all.multiplied(by: calls, over: files.count))
  }

  private static func milliseconds(_ sampleCount: Int, _ rate: SampleRate) -> Int {
    (sampleCount * 1_000 + rate.hertz / 2) / rate.hertz
  }

  private struct Sink: ChunkSink {
    var collector = SegmentCollector()

    mutating func receive(_ chunk: Span<Int16>, at offset: Int) {}

    mutating func receive(_ event: SegmentEvent, at outputOffset: Int) { collector.note(event) }
  }
}
