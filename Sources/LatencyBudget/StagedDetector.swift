import AudioDSP

/// A detector in two steps, between which the clock can be read: measuring, and scoring what was measured.
struct StagedDetector: ~Copyable {
  /// The most samples that are measured at once.
  let sliceCount: Int
  /// How many samples behind the end of a frame must have come before the frame is scored.
  let lookAheadInSamples: Int

  private let kind: SpeechDetector.Kind
  // One of them is there.
  private var neural: NeuralDetector?
  private var energy: EnergyStages?

  /// - Parameter maximumCount: The most samples that come at once.
  init(_ kind: SpeechDetector.Kind, _ sampleRate: SampleRate, maximumCount: Int) {
    self.kind = kind
    switch kind {
    case .neural:
      let detector = NeuralDetector(sampleRate)
      sliceCount = detector.sliceCount
      lookAheadInSamples = detector.lookAheadInSamples
      neural = consume detector
    case .energy:
      sliceCount = maximumCount
      let stages = EnergyStages(sampleRate, maximumCount: maximumCount)
      lookAheadInSamples = stages.lookAheadInSamples
      energy = consume stages
    }
  }

  /// Takes at most ``sliceCount`` samples of `mono` from `start` on.
  mutating func measure(_ mono: [Float], from start: Int, count: Int) {
    let slice = mono.span.extracting(start..<start + count)
    switch kind {
    case .neural: neural?.measure(slice)
    case .energy: energy?.measure(slice)
    }
  }

  /// Scores what was measured and writes it to `scores` from `place` on; returns how many frames it is.
  mutating func scoreMeasured(into scores: inout [FrameScore], at place: Int) -> Int {
    var target = scores.mutableSpan
    return switch kind {
    case .neural: neural?.scoreMeasured(into: &target, at: place) ?? 0
    case .energy: energy?.scoreMeasured(into: &target, at: place) ?? 0
    }
  }
}

/// The energy detector's two steps.
private struct EnergyStages: ~Copyable {
  private var analyzer: FrameAnalyzer
  private var detector: EnergyDetector
  private var features: [FrameFeatures]
  private var measuredCount = 0

  init(_ sampleRate: SampleRate, maximumCount: Int) {
    analyzer = FrameAnalyzer(sampleRate)
    detector = EnergyDetector(sampleRate)
    // One more, which is incomplete from the call before.
    let count = FrameGrid(sampleRate).frameCount(inSampleCount: maximumCount) + 1
    features = [FrameFeatures](repeating: FrameFeatures(), count: count)
  }

  var lookAheadInSamples: Int { detector.lookAheadInSamples }

  mutating func measure(_ slice: Span<Float>) {
    measuredCount = Self.measure(slice, with: &analyzer, into: &features)
  }

  mutating func scoreMeasured(into scores: inout MutableSpan<FrameScore>, at place: Int) -> Int {
    for i in 0..<measuredCount { scores[place + i] = detector.score(features[i]) }
    return measuredCount
  }

  // Static, so that it names exactly the state that it changes.
  private static func measure(
    _ slice: Span<Float>, with analyzer: inout FrameAnalyzer, into features: inout [FrameFeatures]
  ) -> Int {
    var target = features.mutableSpan
    return analyzer.process(slice, into: &target)
  }
}
