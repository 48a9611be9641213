/// A detector, if there is one, and the segmenter behind it: tells a gate where speech starts and ends.
@usableFromInline
struct SpeechFinder<Detector: VoiceActivityDetector & ~Copyable>: ~Copyable {
  /// Whether there is a detector. Without one nothing is told, and everything counts as speech.
  let isDetecting: Bool
  /// The most samples of which is not settled whether they belong to a segment.
  let unsettledCount: Int

  /// Whether the gate is told of segments; else it stays open, and only scores are given.
  private let isGating: Bool
  private var detector: Detector?
  private var segmenter: Segmenter
  /// The first ``scoredCount`` of these were given last.
  @usableFromInline private(set) var scores: [FrameScore]
  @usableFromInline private(set) var scoredCount = 0
  private let finalFrameCapacity: Int

  /// - Parameter sliceCount: The most samples that come at once.
  init(
    _ detector: consuming Detector?, isGating: Bool, segmentation: SegmenterConfiguration, sampleRate: SampleRate,
    sliceCount: Int
  ) {
    self.isGating = isGating
    let grid = FrameGrid(sampleRate)
    var lookAhead = 0
    var scoreCapacity = 0
    switch detector {
    case .some(let detector):
      isDetecting = true
      lookAhead = detector.lookAheadInSamples
      // What a detector holds at the most is its look-ahead and an incomplete frame.
      finalFrameCapacity = detector.finalFrameCapacity
      scoreCapacity = max(
        detector.frameCapacity(forInputCount: sliceCount + lookAhead + grid.longestFrame), finalFrameCapacity)
      // Two frames more: the one that is incomplete, and one for rounding.
      unsettledCount =
        sampleRate.sampleCount(in: segmentation.prefixPadding) + sampleRate.sampleCount(in: segmentation.minimumSpeech)
        + lookAhead + 2 * grid.longestFrame
    case .none:
      isDetecting = false
      finalFrameCapacity = 0
      unsettledCount = 0
    }
    self.detector = detector
    segmenter = Segmenter(
      grid: grid, configuration: segmentation.withoutMaximumSegment, lookAheadInSamples: lookAhead)
    scores = [FrameScore](repeating: FrameScore(0), count: scoreCapacity)
  }

  /// The most decisions that can fall on `inputCount` samples and the end of the stream: one a frame, and one more.
  func decisionCapacity(forInputCount inputCount: Int) -> Int {
    guard isDetecting else { return 0 }
    return segmenter.grid.frameCount(inSampleCount: inputCount + segmenter.grid.longestFrame) + finalFrameCapacity + 1
  }

  mutating func process(_ mono: Span<Float>, _ gate: inout SpeechGate) {
    guard isDetecting else { return }
    scoredCount = Self.detect(&detector, mono, into: &scores)
    guard isGating else { return }
    decide(streamEnd: nil, &gate)
    gate.settle(untilInput: segmenter.settledEnd)
  }

  /// Takes the end of a stream of `sampleCount` samples.
  mutating func finish(sampleCount: Int, _ gate: inout SpeechGate) {
    guard isDetecting else { return }
    scoredCount = Self.finish(&detector, into: &scores)
    guard isGating else { return }
    decide(streamEnd: sampleCount, &gate)
    if let event = segmenter.finish(sampleCount: sampleCount) { gate.note(event) }
  }

  mutating func reset() {
    detector?.reset()
    segmenter.reset()
    scoredCount = 0
  }

  private mutating func decide(streamEnd: Int?, _ gate: inout SpeechGate) {
    for i in 0..<scoredCount {
      if let event = segmenter.process(scores[i], streamEnd: streamEnd) { gate.note(event) }
    }
  }

  // Static, so that each names exactly the state that it changes.

  private static func detect(_ detector: inout Detector?, _ mono: Span<Float>, into scores: inout [FrameScore]) -> Int {
    var target = scores.mutableSpan
    return detector?.process(mono, into: &target) ?? 0
  }

  private static func finish(_ detector: inout Detector?, into scores: inout [FrameScore]) -> Int {
    var target = scores.mutableSpan
    return detector?.finish(into: &target) ?? 0
  }
}
