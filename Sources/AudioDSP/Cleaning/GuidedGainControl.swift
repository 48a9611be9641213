/// An ``AutomaticGainControl`` and the detector that leads it.
///
/// The stream passes in steps of 10 ms, at whose ends the gain control is told what is known by then: so that however
/// the stream is cut into calls, the gain is the same, bit for bit. The detector hears the sound before anything has
/// changed it; how loud a frame of speech is, is measured in what is levelled, since filters may have taken most of what
/// was heard. A score waits for its frame's power where filters delay the sound by more than the detector needs.
///
/// Whoever uses it calls ``hear(_:)``, ``measure(_:)`` and ``process(_:)`` in turn, each with as many samples, and no
/// more than ``countToStepEnd``.
struct GuidedGainControl: ~Copyable, Sendable {
  private var detector: SpeechDetector
  private(set) var gainControl: AutomaticGainControl
  private var scores: [FrameScore]
  private var scoreCount = 0
  private var analyzer: FrameAnalyzer
  /// Of the frames of `scores`, where these are still to come, too.
  private var measured: [FrameFeatures]
  private var measuredCount = 0
  /// By how many frames what is measured is behind what is heard, and how many that belong to no score are to come.
  private let framesBehind: Int
  private var unmatched: Int
  /// The step that the next sample is in, counted within a second, and how many of its samples have come.
  private var step = 0
  private var inStep = 0

  /// - Parameter delay: By how many samples what is measured is behind what is heard. Powers are those of whole frames
  ///   of the sound, so that they may lie up to 5 ms beside what was scored.
  init(
    _ sampleRate: SampleRate, detector kind: SpeechDetector.Kind, configuration: AutomaticGainControl.Configuration,
    delay: Int = 0
  ) {
    detector = SpeechDetector(kind, sampleRate)
    gainControl = AutomaticGainControl(sampleRate, configuration: configuration)
    analyzer = FrameAnalyzer(sampleRate)
    framesBehind = (2 * delay * FrameGrid.rate + sampleRate.hertz) / (2 * sampleRate.hertz)
    unmatched = framesBehind
    // However the detector gathers them, no more than a second's can come in a step.
    let capacity = framesBehind + detector.frameCapacity(forInputCount: sampleRate.hertz) + 2
    scores = [FrameScore](repeating: FrameScore(0), count: capacity)
    measured = [FrameFeatures](repeating: FrameFeatures(), count: capacity)
  }

  /// The most samples that may pass next; at least 1.
  var countToStepEnd: Int { detector.grid.samples(ofFrame: step).count - inStep }

  /// Takes the next samples for the detector, which are finite and no greater than
  /// ``AutomaticGainControl/greatestSample``.
  mutating func hear(_ samples: Span<Float>) {
    scoreCount += Self.score(samples, &detector, into: &scores, at: scoreCount)
  }

  /// Takes as many samples as have just been heard, of the sound that is levelled.
  mutating func measure(_ samples: Span<Float>) {
    // A step is a frame.
    guard let features = analyzer.processWithinFrame(samples) else { return }
    if unmatched > 0 {
      unmatched -= 1
    } else {
      measured[measuredCount] = features
      measuredCount += 1
    }
  }

  /// Levels as many samples as have just been heard. What was measured may lie ahead of them in the sound.
  mutating func process(_ samples: inout MutableSpan<Float>) {
    gainControl.process(&samples)
    let isStepEnd = samples.count == countToStepEnd
    inStep += samples.count
    guard isStepEnd else { return }
    followMatched()
    inStep = 0
    // The grid repeats every second.
    step = (step + 1) % FrameGrid.rate
  }

  mutating func reset() {
    detector.reset()
    gainControl.reset()
    scoreCount = 0
    analyzer.reset()
    measuredCount = 0
    unmatched = framesBehind
    step = 0
    inStep = 0
  }

  /// Tells the gain control of all frames of which both score and power are known, and moves the others up.
  private mutating func followMatched() {
    let count = min(scoreCount, measuredCount)
    for i in 0..<count { gainControl.follow(FrameScore(scores[i].score, features: measured[i])) }
    for i in count..<scoreCount { scores[i - count] = scores[i] }
    for i in count..<measuredCount { measured[i - count] = measured[i] }
    scoreCount -= count
    measuredCount -= count
  }

  private static func score(
    _ samples: Span<Float>, _ detector: inout SpeechDetector, into scores: inout [FrameScore], at place: Int
  ) -> Int {
    var all = scores.mutableSpan
    var target = all._mutatingExtracting(place...)
    return detector.process(samples, into: &target)
  }
}
