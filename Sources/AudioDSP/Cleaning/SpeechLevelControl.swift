/// Brings live speech to one level: a detector, an ``AutomaticGainControl`` that it leads, and a ``TruePeakLimiter``.
///
/// The detector works in steps of 10 ms, at whose ends the gain control is told what is known by then. The sound waits
/// for a **look-ahead**, so that the gain of a soft voice is up when its first consonant comes.
///
/// Allocates nothing after `init`.
public struct SpeechLevelControl: ~Copyable, Sendable, SampleProcessor {
  /// The legal values of a look-ahead.
  public static let lookAheadRange = Duration.zero...Duration.milliseconds(200)

  public let sampleRate: SampleRate
  /// The look-ahead and the limiter's own latency.
  public let latencyInSamples: Int

  private var detector: SpeechDetector
  private var gainControl: AutomaticGainControl
  private var delay: DelayLine
  private var limiter: TruePeakLimiter
  private var scores: [FrameScore]
  private var scoreCount = 0
  /// The step that the next sample is in, counted within a second, and how many of its samples have come.
  private var step = 0
  private var inStep = 0

  /// A level control at the start of a stream.
  ///
  /// - Parameters:
  ///   - kind: The detector.
  ///   - configuration: What the gain control aims at.
  ///   - ceilingInDecibels: The limiter's, in dBTP.
  ///   - lookAhead: How long the sound waits. With 30 ms the gain rises with the first frame that ``NeuralDetector``
  ///     finds to be speech: it knows of a frame 15 ms behind its end, which is told at the next step. With 0 there is
  ///     no delay but the limiter's, and the first 30 ms of what a soft voice says after a pause stay soft.
  /// - Precondition: Look-ahead and ceiling are in their ranges.
  public init(
    _ sampleRate: SampleRate, detector kind: SpeechDetector.Kind = .neural,
    configuration: AutomaticGainControl.Configuration = .init(), ceilingInDecibels: Double = -1,
    lookAhead: Duration = .milliseconds(30)
  ) {
    precondition(Self.lookAheadRange.contains(lookAhead), "the look-ahead is 0 to 200 ms")
    self.sampleRate = sampleRate
    detector = SpeechDetector(kind, sampleRate)
    gainControl = AutomaticGainControl(sampleRate, configuration: configuration)
    delay = DelayLine(count: sampleRate.sampleCount(in: lookAhead))
    limiter = TruePeakLimiter(sampleRate, ceilingInDecibels: ceilingInDecibels)
    latencyInSamples = delay.count + limiter.latencyInSamples
    // However the detector gathers them, no more than a second's can come in a step.
    scores = [FrameScore](repeating: FrameScore(0), count: detector.frameCapacity(forInputCount: sampleRate.hertz) + 2)
  }

  /// What the gain control aims at.
  public var configuration: AutomaticGainControl.Configuration { gainControl.configuration }
  /// The gain of the last sample before the limiter, in dB.
  public var gainInDecibels: Double { gainControl.gainInDecibels }
  /// The active speech level of the input as it is known so far, in dBFS; nil before any speech.
  public var speechLevelInDecibels: Double? { gainControl.speechLevelInDecibels }
  /// The most by which the limiter has lowered the gain since the start of the stream, in dB.
  public var greatestReductionInDecibels: Double { limiter.greatestReductionInDecibels }

  public mutating func process(_ samples: inout MutableSpan<Float>) {
    var taken = 0
    while taken < samples.count {
      let grid = detector.grid
      let stepCount = grid.samples(ofFrame: step).count
      let count = min(stepCount - inStep, samples.count - taken)
      var part = samples._mutatingExtracting(taken..<taken + count)
      // The gain control does the same, but the detector and the delay come before it.
      Kernels.limit(&part, to: AutomaticGainControl.greatestSample)
      scoreCount += Self.score(part.span, &detector, into: &scores, at: scoreCount)
      delay.process(&part)
      gainControl.process(&part)
      limiter.process(&part)
      taken += count
      inStep += count
      if inStep == stepCount { endStep() }
    }
  }

  public mutating func reset() {
    detector.reset()
    gainControl.reset()
    delay.reset()
    limiter.reset()
    scoreCount = 0
    step = 0
    inStep = 0
  }

  private mutating func endStep() {
    for i in 0..<scoreCount { gainControl.follow(scores[i]) }
    scoreCount = 0
    inStep = 0
    // The grid repeats every second.
    step = (step + 1) % FrameGrid.rate
  }

  private static func score(
    _ samples: Span<Float>, _ detector: inout SpeechDetector, into scores: inout [FrameScore], at place: Int
  ) -> Int {
    var all = scores.mutableSpan
    var target = all._mutatingExtracting(place...)
    return detector.process(samples, into: &target)
  }
}
