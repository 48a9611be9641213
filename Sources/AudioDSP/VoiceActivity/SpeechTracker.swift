/// A detector and the segmenter behind it: mono samples in, scores and decisions out.
///
/// However the stream is cut into calls, scores and decisions are the same, bit for bit. Nothing allocates after
/// `init`.
public struct SpeechTracker<Detector: VoiceActivityDetector & ~Copyable>: ~Copyable {
  /// Samples that pass at once, so that the scores of a long block need little room.
  private static var sliceCount: Int { 4096 }

  private var detector: Detector
  private var segmenter: Segmenter
  private var scores: [FrameScore]

  /// How many samples have come.
  public private(set) var sampleCount = 0

  /// A tracker with a detector at the start of a stream.
  public init(_ detector: consuming Detector, configuration: SegmenterConfiguration) {
    let grid = detector.grid
    segmenter = Segmenter(
      grid: grid, configuration: configuration, lookAheadInSamples: detector.lookAheadInSamples)
    // What a detector holds at the most is its look-ahead and an incomplete frame.
    let capacity = grid.frameCount(inSampleCount: Self.sliceCount + detector.lookAheadInSamples + grid.longestFrame)
    scores = [FrameScore](repeating: FrameScore(0), count: max(capacity, detector.finalFrameCapacity))
    self.detector = detector
  }

  /// Where the frames lie.
  public var grid: FrameGrid { segmenter.grid }
  /// One past the last sample of which is settled whether it belongs to a segment; see ``Segmenter/settledEnd``.
  public var settledEnd: Int { segmenter.settledEnd }

  /// Takes all of `samples` and tells of every frame that they complete, and of every decision.
  ///
  /// - Throws: What the closures throw. The stream is then lost: ``reset()`` starts a new one.
  public mutating func process<Failure>(
    _ samples: Span<Float>, onFrame: (FrameScore) throws(Failure) -> Void,
    onEvent: (SegmentEvent) throws(Failure) -> Void
  ) throws(Failure) {
    var taken = 0
    while taken < samples.count {
      let count = min(Self.sliceCount, samples.count - taken)
      let scored = Self.detect(&detector, samples.extracting(taken..<taken + count), into: &scores)
      sampleCount += count
      taken += count
      try tell(scored, streamEnd: nil, onFrame, onEvent)
    }
  }

  /// Scores what is left, ends a segment that is open, and starts a new stream.
  ///
  /// - Throws: As ``process(_:onFrame:onEvent:)``.
  public mutating func finish<Failure>(
    onFrame: (FrameScore) throws(Failure) -> Void, onEvent: (SegmentEvent) throws(Failure) -> Void
  ) throws(Failure) {
    let scored = Self.finish(&detector, into: &scores)
    try tell(scored, streamEnd: sampleCount, onFrame, onEvent)
    let last = segmenter.finish(sampleCount: sampleCount)
    sampleCount = 0
    if let last { try onEvent(last) }
  }

  /// Makes the tracker as it was after `init`.
  public mutating func reset() {
    detector.reset()
    segmenter.reset()
    sampleCount = 0
  }

  private mutating func tell<Failure>(
    _ count: Int, streamEnd: Int?, _ onFrame: (FrameScore) throws(Failure) -> Void,
    _ onEvent: (SegmentEvent) throws(Failure) -> Void
  ) throws(Failure) {
    for i in 0..<count {
      try onFrame(scores[i])
      if let event = segmenter.process(scores[i], streamEnd: streamEnd) { try onEvent(event) }
    }
  }

  // Static, so that each names exactly the state that it changes.

  private static func detect(
    _ detector: inout Detector, _ samples: Span<Float>, into scores: inout [FrameScore]
  ) -> Int {
    var target = scores.mutableSpan
    return detector.process(samples, into: &target)
  }

  private static func finish(_ detector: inout Detector, into scores: inout [FrameScore]) -> Int {
    var target = scores.mutableSpan
    return detector.finish(into: &target)
  }
}
