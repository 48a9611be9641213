/// Lets speech through to a chunker and drops the rest, in the domain of the output.
///
/// Output is held until the segmenter has settled whether it belongs to a segment: at most the prefix padding, the attack,
/// the detector's look-ahead and one slice, for which there is room from the start.
struct SpeechGate<Detector>: ~Copyable where Detector: VoiceActivityDetector & ~Copyable {
  private let ratio: ResamplingRatio
  private var detector: Detector?
  private var segmenter: Segmenter
  private var scores: [FrameScore]
  /// Decisions whose place in the output has not been reached.
  private var boundaries: BoundaryQueue

  private var pcm: PCMBuffer
  private var chunks: ChunkFeed
  private var isOpen: Bool

  init(
    _ detector: consuming Detector?, segmentation: SegmenterConfiguration, from inputRate: SampleRate,
    to outputRate: SampleRate, sliceCount: Int, latency: Int, chunker: consuming Chunker, padsLastChunk: Bool,
    ditherSeed: UInt64?
  ) {
    let ratio = ResamplingRatio(from: inputRate, to: outputRate)
    var heldInput = sliceCount + latency
    var lookAhead = 0
    var scoreCapacity = 0
    var boundaryCapacity = 0
    isOpen = true
    if let grid = detector?.grid {
      isOpen = false
      lookAhead = detector?.lookAheadInSamples ?? 0
      // What a detector holds at the most is its look-ahead and an incomplete frame.
      scoreCapacity = max(
        detector?.frameCapacity(forInputCount: sliceCount + lookAhead + grid.longestFrame) ?? 0,
        detector?.finalFrameCapacity ?? 0)
      // A frame makes one decision at most, and its place is no further ahead of the output than the resampler's delay and
      // a slice. The end of the stream makes one more.
      boundaryCapacity = grid.frameCount(inSampleCount: latency + grid.longestFrame) + scoreCapacity + 1
      // Two frames more: the one that is incomplete, and one for rounding.
      heldInput +=
        inputRate.sampleCount(in: segmentation.prefixPadding) + inputRate.sampleCount(in: segmentation.minimumSpeech)
        + lookAhead + 2 * grid.longestFrame
    }
    self.ratio = ratio
    self.detector = detector
    segmenter = Segmenter(
      grid: FrameGrid(inputRate), configuration: segmentation.withoutMaximumSegment, lookAheadInSamples: lookAhead)
    scores = [FrameScore](repeating: FrameScore(0), count: scoreCapacity)
    boundaries = BoundaryQueue(capacity: boundaryCapacity)
    pcm = PCMBuffer(capacity: 2 * ratio.outputCount(forInputCount: heldInput), ditherSeed: ditherSeed)
    chunks = ChunkFeed(chunker, padsLastChunk: padsLastChunk)
  }

  var producedEnd: Int { pcm.end }
  var keptCount: Int { chunks.sampleCount }

  mutating func process<Sink: ChunkSink & ~Copyable>(
    _ mono: Span<Float>, _ output: Span<Float>, into sink: inout Sink
  ) throws(Sink.Failure) {
    let count = Self.detect(&detector, mono, into: &scores)
    decide(count)
    pcm.append(output)
    try release(settledEnd: ratio.outputCount(forInputCount: segmenter.settledEnd), into: &sink)
  }

  mutating func finish<Sink: ChunkSink & ~Copyable>(
    _ output: Span<Float>, inputCount: Int, into sink: inout Sink
  ) throws(Sink.Failure) {
    let count = Self.detectLast(&detector, into: &scores)
    decide(count, streamEnd: inputCount)
    if isDetecting, let event = segmenter.finish(sampleCount: inputCount) { note(event) }
    pcm.append(output)
    try release(settledEnd: pcm.end, into: &sink)
    try chunks.finish(into: &sink)
  }

  /// Makes the gate as it was after `init`.
  mutating func reset() {
    detector?.reset()
    segmenter.reset()
    boundaries.removeAll()
    pcm.reset()
    chunks.reset()
    isOpen = !isDetecting
  }

  private var isDetecting: Bool {
    switch detector {
    case .some: true
    case .none: false
    }
  }

  private mutating func decide(_ count: Int, streamEnd: Int? = nil) {
    for i in 0..<count {
      if let event = segmenter.process(scores[i], streamEnd: streamEnd) { note(event) }
    }
  }

  private mutating func note(_ event: SegmentEvent) {
    let place =
      switch event {
      case .started(_, let paddedStart, _): paddedStart
      case .ended(_, let claimedEnd, _): claimedEnd
      case .cut(let place, _): place
      case .misfire(_, let end, _): end
      }
    // Starts and ends come in the order of their places. A misfire moves nothing and is told in its turn; the prefix
    // padding of what follows may reach back over it.
    boundaries.append(SegmentBoundary(event: event, offset: ratio.outputCount(forInputCount: place)))
  }

  /// Sends or drops what is settled.
  private mutating func release<Sink: ChunkSink & ~Copyable>(
    settledEnd: Int, into sink: inout Sink
  ) throws(Sink.Failure) {
    while let next = boundaries.first {
      if case .misfire = next.event {
        try sink.receive(next.event, at: next.offset)
        boundaries.removeFirst()
        continue
      }
      try advance(to: min(next.offset, pcm.end), into: &sink)
      guard pcm.end >= next.offset else { return }
      boundaries.removeFirst()
      switch next.event {
      case .started:
        isOpen = true
        chunks.start(at: next.offset)
      case .ended:
        isOpen = false
        try chunks.finish(into: &sink)
      case .cut, .misfire: break
      }
      try sink.receive(next.event, at: next.offset)
    }
    try advance(to: isDetecting ? min(settledEnd, pcm.end) : pcm.end, into: &sink)
  }

  private mutating func advance<Sink: ChunkSink & ~Copyable>(to end: Int, into sink: inout Sink) throws(Sink.Failure) {
    guard end > pcm.start else { return }
    if isOpen { try pcm.send(upTo: end, through: &chunks, into: &sink) }
    pcm.removeFirst(upTo: end)
  }

  // Static, so that each names exactly the state that it changes.

  private static func detect(_ detector: inout Detector?, _ mono: Span<Float>, into scores: inout [FrameScore]) -> Int {
    var target = scores.mutableSpan
    return detector?.process(mono, into: &target) ?? 0
  }

  private static func detectLast(_ detector: inout Detector?, into scores: inout [FrameScore]) -> Int {
    var target = scores.mutableSpan
    return detector?.finish(into: &target) ?? 0
  }
}

/// A decision, and its place in the output.
private struct SegmentBoundary {
  let event: SegmentEvent
  let offset: Int
}

/// First in, first out. `Array.removeFirst` would allocate.
private struct BoundaryQueue {
  private var elements: [SegmentBoundary?]
  private var head = 0
  private var count = 0

  init(capacity: Int) {
    elements = [SegmentBoundary?](repeating: nil, count: max(1, capacity))
  }

  var first: SegmentBoundary? { count > 0 ? elements[head] : nil }

  mutating func append(_ element: SegmentBoundary) {
    if count == elements.count { grow() }
    elements[(head + count) % elements.count] = element
    count += 1
  }

  mutating func removeAll() {
    head = 0
    count = 0
  }

  mutating func removeFirst() {
    head = (head + 1) % elements.count
    count -= 1
  }

  /// Never within the bounds that the gate states; an engine that lags more than it says makes it grow.
  private mutating func grow() {
    elements = Array(elements[head...] + elements[..<head]) + [SegmentBoundary?](repeating: nil, count: count)
    head = 0
  }
}

/// 16-bit samples that wait, with their place in the stream.
private struct PCMBuffer: ~Copyable {
  private var storage: [Int16]
  private var dither: DitheredPCM16Converter?
  /// Where in the storage the first sample that waits stands.
  private var head = 0
  /// Where in the stream it stands.
  private(set) var start = 0
  /// One past the place in the stream of the last sample that waits.
  private(set) var end = 0

  init(capacity: Int, ditherSeed: UInt64?) {
    storage = [Int16](repeating: 0, count: capacity)
    dither = ditherSeed.map { DitheredPCM16Converter(seed: $0) }
  }

  mutating func append(_ samples: Span<Float>) {
    let waiting = end - start
    if head + waiting + samples.count > storage.count {
      let from = head
      var span = storage.mutableSpan
      for i in 0..<waiting { span[i] = span[from + i] }
      head = 0
      // Never within the bounds that the gate states; an engine that gives its output in larger bursts makes it grow.
      let missing = waiting + samples.count - storage.count
      if missing > 0 { storage.append(contentsOf: repeatElement(0, count: missing)) }
    }
    let tail = head + waiting
    Self.convert(samples, &dither, into: &storage, at: tail)
    end += samples.count
  }

  func send<Sink: ChunkSink & ~Copyable>(
    upTo end: Int, through chunks: inout ChunkFeed, into sink: inout Sink
  ) throws(Sink.Failure) {
    try chunks.append(storage.span.extracting(head..<head + (end - start)), into: &sink)
  }

  mutating func reset() {
    dither?.reset()
    head = 0
    start = 0
    end = 0
  }

  mutating func removeFirst(upTo end: Int) {
    head += end - start
    start = end
  }

  private static func convert(
    _ samples: Span<Float>, _ dither: inout DitheredPCM16Converter?, into storage: inout [Int16], at tail: Int
  ) {
    var span = storage.mutableSpan
    var target = span._mutatingExtracting(tail..<tail + samples.count)
    // Not `dither?.convert(...) == nil`: without optimisation, Swift 6.3 runs the call on a nil.
    if dither == nil {
      PCM16.convert(samples, into: &target)
    } else {
      dither?.convert(samples, into: &target)
    }
  }
}

/// A chunker that knows where its chunks stand in the stream.
private struct ChunkFeed: ~Copyable {
  private var chunker: Chunker
  private let padsLastChunk: Bool
  private var nextOffset = 0
  private(set) var sampleCount = 0

  init(_ chunker: consuming Chunker, padsLastChunk: Bool) {
    self.chunker = chunker
    self.padsLastChunk = padsLastChunk
  }

  mutating func start(at offset: Int) { nextOffset = offset }

  mutating func reset() {
    chunker.reset()
    nextOffset = 0
    sampleCount = 0
  }

  mutating func append<Sink: ChunkSink & ~Copyable>(
    _ samples: Span<Int16>, into sink: inout Sink
  ) throws(Sink.Failure) {
    sampleCount += samples.count
    try Self.process(samples, &chunker, &nextOffset, &sink)
  }

  mutating func finish<Sink: ChunkSink & ~Copyable>(into sink: inout Sink) throws(Sink.Failure) {
    let offset = nextOffset
    try chunker.finish(padded: padsLastChunk) { chunk throws(Sink.Failure) in
      try sink.receive(chunk, at: offset)
    }
  }

  private static func process<Sink: ChunkSink & ~Copyable>(
    _ samples: Span<Int16>, _ chunker: inout Chunker, _ nextOffset: inout Int, _ sink: inout Sink
  ) throws(Sink.Failure) {
    try chunker.process(samples) { chunk throws(Sink.Failure) in
      try sink.receive(chunk, at: nextOffset)
      nextOffset += chunk.count
    }
  }
}
