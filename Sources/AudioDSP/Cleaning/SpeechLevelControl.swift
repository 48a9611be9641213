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

  private var gain: GuidedGainControl
  private var delay: DelayLine
  private var limiter: TruePeakLimiter

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
    gain = GuidedGainControl(sampleRate, detector: kind, configuration: configuration)
    delay = DelayLine(count: sampleRate.sampleCount(in: lookAhead))
    limiter = TruePeakLimiter(sampleRate, ceilingInDecibels: ceilingInDecibels)
    latencyInSamples = delay.count + limiter.latencyInSamples
  }

  /// What the gain control aims at.
  public var configuration: AutomaticGainControl.Configuration { gain.gainControl.configuration }
  /// The gain of the last sample before the limiter, in dB.
  public var gainInDecibels: Double { gain.gainControl.gainInDecibels }
  /// The active speech level of the input as it is known so far, in dBFS; nil before any speech.
  public var speechLevelInDecibels: Double? { gain.gainControl.speechLevelInDecibels }
  /// The most by which the limiter has lowered the gain since the start of the stream, in dB.
  public var greatestReductionInDecibels: Double { limiter.greatestReductionInDecibels }

  public mutating func process(_ samples: inout MutableSpan<Float>) {
    var taken = 0
    while taken < samples.count {
      let count = min(gain.countToStepEnd, samples.count - taken)
      var part = samples._mutatingExtracting(taken..<taken + count)
      // The gain control does the same, but the detector and the delay come before it.
      Kernels.limit(&part, to: AutomaticGainControl.greatestSample)
      gain.hear(part.span)
      gain.measure(part.span)
      delay.process(&part)
      gain.process(&part)
      limiter.process(&part)
      taken += count
    }
  }

  public mutating func reset() {
    gain.reset()
    delay.reset()
    limiter.reset()
  }
}
