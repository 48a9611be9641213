/// A detector, if there is one, and the segmenter behind it: tells a gate where speech starts and ends.
struct SpeechFinder<Detector: VoiceActivityDetector & ~Copyable>: ~Copyable {
  /// Whether there is a detector. Without one nothing is told, and everything counts as speech.
  let isDetecting: Bool
  /// The most samples of which is not settled whether they belong to a segment.
  let unsettledCount: Int

  private var detector: Detector?
  private var segmenter: Segmenter
  private var scores: [FrameScore]
  private let finalFrameCapacity: Int

  /// - Parameter sliceCount: The most samples that come at once.
  init(
    _ detector: consuming Detector?, segmentation: SegmenterConfiguration, sampleRate: SampleRate, sliceCount: Int
  ) {
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
    decide(Self.detect(&detector, mono, into: &scores), streamEnd: nil, &gate)
    gate.settle(untilInput: segmenter.settledEnd)
  }

  /// Takes the end of a stream of `sampleCount` samples.
  mutating func finish(sampleCount: Int, _ gate: inout SpeechGate) {
    guard isDetecting else { return }
    decide(Self.finish(&detector, into: &scores), streamEnd: sampleCount, &gate)
    if let event = segmenter.finish(sampleCount: sampleCount) { gate.note(event) }
  }

  mutating func reset() {
    detector?.reset()
    segmenter.reset()
  }

  private mutating func decide(_ count: Int, streamEnd: Int?, _ gate: inout SpeechGate) {
    for i in 0..<count {
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
