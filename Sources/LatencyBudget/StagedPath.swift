import AudioDSP
import RealtimeVoice

/// The path taken apart: the parts of which ``SpeechChunker`` and ``AudioEventSink`` are made, one after the other on
/// the same stream, with a clock read between any two.
struct StagedPath: ~Copyable {
  private let downmix = Downmix.mean
  private let channelCount: Int
  private var resampler: Resampler
  private var detector: StagedDetector
  private var segmenter: Segmenter
  private var gate: SpeechGate
  private let encoder: AudioEventEncoder
  private let send: (Span<UInt8>) -> Void

  private var mono: [Float]
  private var output: [Float]
  private var scores: [FrameScore]
  private var event: [UInt8]

  init(_ path: LocalPath, send: @escaping (Span<UInt8>) -> Void) throws {
    let rate = path.inputRate
    channelCount = path.channelCount
    let resampler = path.resampler
    let detector = StagedDetector(path.detector, rate, maximumCount: path.longestBlock)
    segmenter = Segmenter(
      grid: FrameGrid(rate), configuration: LocalPath.everything, lookAheadInSamples: detector.lookAheadInSamples)
    let chunkSampleCount = path.outputRate.sampleCount(in: path.chunkDuration)
    gate = SpeechGate(
      from: rate, to: path.outputRate, chunkSampleCount: chunkSampleCount, isDetecting: true,
      heldInputCount: 2 * path.longestBlock + resampler.latencyInSamples + path.unscoredCount, boundaryCapacity: 4,
      padsLastChunk: false, ditherSeed: nil)
    encoder = AudioEventEncoder(path.dialect)
    self.send = send

    mono = [Float](repeating: 0, count: path.longestBlock)
    // With room for what the resampler has kept back.
    let most = resampler.outputCapacity(forInputCount: path.longestBlock + 2 * resampler.latencyInSamples) + 1
    output = [Float](repeating: 0, count: most)
    // With room for frames that are complete and wait for the look-ahead.
    let frameCount = FrameGrid(rate).frameCount(inSampleCount: path.longestBlock + path.unscoredCount) + 1
    scores = [FrameScore](repeating: FrameScore(0), count: frameCount)
    event = [UInt8](repeating: 0, count: encoder.encodedCount(forSampleCount: chunkSampleCount))
    self.resampler = resampler
    self.detector = detector
  }

  /// Sends what a block completes, and writes what each stage took, in nanoseconds, to the place of its
  /// ``LatencyFigure``.
  ///
  /// What is between two reads belongs to one stage. A stage that works before and behind another has the sum of both:
  /// the chunker finds the next chunk, and finds that there is none; the event stands around its text and is handed on.
  /// So has a stage whose turn comes with every slice of a long block: a detector measures and scores by slices.
  mutating func process(_ block: Span<Float>, into times: inout MutableSpan<UInt64>) throws {
    let start = NanosecondClock.now()
    let frameCount = try mixDown(block)
    let mixed = NanosecondClock.now()
    let outputCount = try resample(frameCount)
    let resampled = NanosecondClock.now()
    var (measuring, scoring) = (0 as UInt64, 0 as UInt64)
    var (taken, scoredCount) = (0, 0)
    var scored = resampled
    while taken < frameCount {
      let count = min(detector.sliceCount, frameCount - taken)
      detector.measure(mono, from: taken, count: count)
      let measured = NanosecondClock.now()
      measuring += measured - scored
      scoredCount += detector.scoreMeasured(into: &scores, at: scoredCount)
      taken += count
      scored = NanosecondClock.now()
      scoring += scored - measured
    }
    decide(scoredCount)
    let decided = NanosecondClock.now()
    Self.append(output, outputCount, to: &gate)
    let converted = NanosecondClock.now()
    gate.settle(untilInput: segmenter.settledEnd)
    var (chunking, encoding, framing) = (0 as UInt64, 0 as UInt64, 0 as UInt64)
    var left = converted
    while let output = gate.next() {
      guard case .chunk(let place, _) = output else { continue }
      let entered = NanosecondClock.now()
      chunking += entered - left
      let text = try Self.frame(place.count, encoder, in: &event)
      let framed = NanosecondClock.now()
      framing += framed - entered
      Self.encode(gate.samples, place, into: &event, at: text)
      let encoded = NanosecondClock.now()
      encoding += encoded - framed
      send(event.span.extracting(..<encoder.encodedCount(forSampleCount: place.count)))
      left = NanosecondClock.now()
      framing += left - encoded
    }
    chunking += NanosecondClock.now() - left

    times[LatencyFigure.downmix.rawValue] = mixed - start
    times[LatencyFigure.resampler.rawValue] = resampled - mixed
    times[LatencyFigure.features.rawValue] = measuring
    times[LatencyFigure.detector.rawValue] = scoring
    times[LatencyFigure.segmenter.rawValue] = decided - scored
    times[LatencyFigure.pcm16.rawValue] = converted - decided
    times[LatencyFigure.chunker.rawValue] = chunking
    times[LatencyFigure.base64.rawValue] = encoding
    times[LatencyFigure.event.rawValue] = framing
  }

  private mutating func mixDown(_ block: Span<Float>) throws -> Int {
    let (downmix, channelCount) = (downmix, channelCount)
    var target = mono.mutableSpan
    _ = try downmix.process(block, channelCount: channelCount, into: &target)
    return block.count / channelCount
  }

  private mutating func resample(_ frameCount: Int) throws -> Int {
    try Self.resample(&resampler, mono, frameCount, into: &output)
  }

  private mutating func decide(_ count: Int) {
    for i in 0..<count {
      if let event = segmenter.process(scores[i]) { gate.note(event) }
    }
  }

  // Static, so that each names exactly the state that it changes.

  private static func resample(
    _ resampler: inout Resampler, _ mono: [Float], _ count: Int, into output: inout [Float]
  ) throws -> Int {
    var target = output.mutableSpan
    return try resampler.process(mono.span.extracting(..<count), into: &target)
  }

  private static func append(_ output: [Float], _ count: Int, to gate: inout SpeechGate) {
    gate.append(output.span.extracting(..<count))
  }

  private static func frame(
    _ sampleCount: Int, _ encoder: AudioEventEncoder, in event: inout [UInt8]
  ) throws -> Range<Int> {
    var target = event.mutableSpan
    return try encoder.writeFrame(forSampleCount: sampleCount, into: &target)
  }

  private static func encode(
    _ samples: [Int16], _ place: Range<Int>, into event: inout [UInt8], at text: Range<Int>
  ) {
    var target = event.mutableSpan
    var characters = target._mutatingExtracting(text)
    Base64.encode(pcm16: samples.span.extracting(place), into: &characters)
  }
}
