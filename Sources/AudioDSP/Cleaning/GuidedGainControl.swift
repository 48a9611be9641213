/// An ``AutomaticGainControl`` and the detector that leads it.
///
/// The detector hears the stream in steps of 10 ms, at whose ends the gain control is told what is known by then: so
/// that however the stream is cut into calls, the gain is the same, bit for bit. What is heard and what is levelled may
/// differ, but for a delay that does not change: the detector hears the sound before anything has changed it.
///
/// Whoever uses it calls ``hear(_:)`` and ``process(_:)`` in turn, each with as many samples, and no more than
/// ``countToStepEnd``.
struct GuidedGainControl: ~Copyable, Sendable {
  private var detector: SpeechDetector
  private(set) var gainControl: AutomaticGainControl
  private var scores: [FrameScore]
  private var scoreCount = 0
  /// The step that the next sample is in, counted within a second, and how many of its samples have come.
  private var step = 0
  private var inStep = 0

  init(
    _ sampleRate: SampleRate, detector kind: SpeechDetector.Kind, configuration: AutomaticGainControl.Configuration
  ) {
    detector = SpeechDetector(kind, sampleRate)
    gainControl = AutomaticGainControl(sampleRate, configuration: configuration)
    // However the detector gathers them, no more than a second's can come in a step.
    scores = [FrameScore](repeating: FrameScore(0), count: detector.frameCapacity(forInputCount: sampleRate.hertz) + 2)
  }

  /// The most samples that may pass next; at least 1.
  var countToStepEnd: Int { detector.grid.samples(ofFrame: step).count - inStep }

  /// Takes the next samples for the detector, which are finite and no greater than
  /// ``AutomaticGainControl/greatestSample``.
  mutating func hear(_ samples: Span<Float>) {
    scoreCount += Self.score(samples, &detector, into: &scores, at: scoreCount)
  }

  /// Levels as many samples as have just been heard.
  mutating func process(_ samples: inout MutableSpan<Float>) {
    gainControl.process(&samples)
    let isStepEnd = samples.count == countToStepEnd
    inStep += samples.count
    guard isStepEnd else { return }
    for i in 0..<scoreCount { gainControl.follow(scores[i]) }
    scoreCount = 0
    inStep = 0
    // The grid repeats every second.
    step = (step + 1) % FrameGrid.rate
  }

  mutating func reset() {
    detector.reset()
    gainControl.reset()
    scoreCount = 0
    step = 0
    inStep = 0
  }

  private static func score(
    _ samples: Span<Float>, _ detector: inout SpeechDetector, into scores: inout [FrameScore], at place: Int
  ) -> Int {
    var all = scores.mutableSpan
    var target = all._mutatingExtracting(place...)
    return detector.process(samples, into: &target)
  }
}
