/// The parts of cleaning in one chain, at one rate.
///
/// Their order, each where its ``configuration`` asks for it:
///
/// 1. ``DCFilter``, so that no other filter makes a thump of an offset at the start;
/// 2. ``HighPassFilter``;
/// 3. ``HumFilter``: steady tones are gone before noise is learned;
/// 4. ``NoiseSuppressor``;
/// 5. ``AutomaticGainControl``, so that noise is not raised with the speech, or one ``ConstantGain``;
/// 6. ``TruePeakLimiter``: nothing behind it raises a peak.
///
/// The detector that leads the gain control hears what comes into the cleaner, since suppressors make good detectors
/// worse, and the sound waits for it: ``lookAhead`` in all, the delay of noise suppression included. The level of speech
/// is that of what the parts before the gain control have left. A ``ClippingRepair`` is not in the chain, because it
/// belongs where the signal is as it was recorded, before any downmix or change of rate. ``MonoResampler`` has both, and
/// takes the offset away there, too, instead of here.
///
/// Allocates nothing after `init`; without any part it passes samples through as they are.
public struct Cleaner: ~Copyable, Sendable, SampleProcessor {
  /// How far the sound is behind its detector where there is a gain control, so that the gain of a soft voice is up when
  /// its first consonant comes; see ``SpeechLevelControl``. The limiter's delay comes on top.
  public static let lookAhead = Duration.milliseconds(30)

  public let sampleRate: SampleRate
  /// What is done.
  public let configuration: CleaningConfiguration
  /// The sum of all parts' latencies: 0 for ``CleaningConfiguration/light``.
  public let latencyInSamples: Int

  // Only what is on is there.
  private var offset: DCFilter?
  private var highPass: HighPassFilter?
  private var hum: HumFilter?
  private var suppressor: NoiseSuppressor?
  private var delay: DelayLine?
  private var gain: GuidedGainControl?
  private var constantGain: ConstantGain?
  private var limiter: TruePeakLimiter?

  /// A cleaner at the start of a stream.
  ///
  /// - Parameter kind: The detector that leads the gain control, where there is one.
  /// - Precondition: All settings are in their ranges: those of ``CleaningConfiguration``,
  ///   ``AutomaticGainControl/Configuration``, ``ConstantGain`` and ``TruePeakLimiter``.
  public init(
    _ sampleRate: SampleRate, configuration: CleaningConfiguration, detector kind: SpeechDetector.Kind = .neural
  ) {
    self.sampleRate = sampleRate
    self.configuration = configuration
    var latency = 0
    do throws(FilterError) {
      if configuration.removesOffset {
        offset = try DCFilter(sampleRate, cornerFrequency: CleaningConfiguration.offsetCorner)
      }
      if let frequency = configuration.highPassFrequency {
        highPass = try HighPassFilter(sampleRate, cornerFrequency: frequency)
      }
      if let mains = configuration.mains { hum = try HumFilter(sampleRate, mains: mains) }
    } catch {
      preconditionFailure("\(error)")
    }
    if let attenuation = configuration.noiseAttenuationInDecibels {
      precondition(
        CleaningConfiguration.noiseAttenuations.contains(attenuation),
        "noise is lowered by \(CleaningConfiguration.noiseAttenuations) dB")
      let suppressor = NoiseSuppressor(sampleRate, maximumAttenuationInDecibels: attenuation)
      latency += suppressor.latencyInSamples
      self.suppressor = consume suppressor
    }
    if let gainControl = configuration.gainControl {
      gain = GuidedGainControl(sampleRate, detector: kind, configuration: gainControl, delay: latency)
      let missing = max(0, sampleRate.sampleCount(in: Self.lookAhead) - latency)
      delay = DelayLine(count: missing)
      latency += missing
    }
    if configuration.gainInDecibels != 0 {
      constantGain = ConstantGain(sampleRate, gainInDecibels: configuration.gainInDecibels)
    }
    if let ceiling = configuration.limiterCeiling {
      let limiter = TruePeakLimiter(sampleRate, ceilingInDecibels: ceiling)
      latency += limiter.latencyInSamples
      self.limiter = consume limiter
    }
    latencyInSamples = latency
  }

  /// The most by which the limiter has lowered the gain since the start of the stream, in dB; 0 where there is none.
  public var greatestReductionInDecibels: Double {
    switch limiter {
    case .some(let limiter): limiter.greatestReductionInDecibels
    case .none: 0
    }
  }

  public mutating func process(_ samples: inout MutableSpan<Float>) {
    guard configuration.gainControl != nil else {
      processBeforeGain(&samples)
      return processFromGain(&samples)
    }
    var taken = 0
    while taken < samples.count {
      let count = min(gain?.countToStepEnd ?? samples.count, samples.count - taken)
      var part = samples._mutatingExtracting(taken..<taken + count)
      // As the gain control does, but the detector hears them, too.
      Kernels.limit(&part, to: AutomaticGainControl.greatestSample)
      gain?.hear(part.span)
      processBeforeGain(&part)
      gain?.measure(part.span)
      delay?.process(&part)
      gain?.process(&part)
      processFromGain(&part)
      taken += count
    }
  }

  public mutating func reset() {
    offset?.reset()
    highPass?.reset()
    hum?.reset()
    suppressor?.reset()
    delay?.reset()
    gain?.reset()
    limiter?.reset()
  }

  private mutating func processBeforeGain(_ samples: inout MutableSpan<Float>) {
    offset?.process(&samples)
    highPass?.process(&samples)
    hum?.process(&samples)
    suppressor?.process(&samples)
  }

  private mutating func processFromGain(_ samples: inout MutableSpan<Float>) {
    constantGain?.process(&samples)
    limiter?.process(&samples)
  }
}
