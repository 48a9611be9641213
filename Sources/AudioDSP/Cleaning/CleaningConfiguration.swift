/// What is done to recorded speech before anyone listens to it: which parts of cleaning are on, and their settings.
///
/// ```swift
/// var cleaning = CleaningConfiguration.full
/// cleaning.mains = .hz50
/// cleaning.gainControl = AutomaticGainControl.Configuration()
/// ```
///
/// ``MonoResampler`` and ``SpeechChunker`` do it on the way to another rate, in this order: ``repairsClipping`` and
/// ``removesOffset``, on each channel as it was recorded; the downmix; the change of rate; all else. A ``Cleaner`` does it
/// to one channel at one rate, and leaves out ``repairsClipping``. Delays are those at 24 kHz, where no other rate is
/// named.
public struct CleaningConfiguration: Hashable, Sendable {
  /// The valid values of ``highPassFrequency``, in Hz, at every rate of ``SampleRate``.
  public static let highPassFrequencies = 10.0...500.0
  /// The valid values of ``noiseAttenuationInDecibels``.
  public static let noiseAttenuations: ClosedRange<Float> = 1...40
  /// What ``noiseAttenuationInDecibels`` is in ``full``: 20 dB.
  public static let defaultNoiseAttenuation: Float = 20
  /// What ``ceilingInDecibels`` is in ``full``, and where there is a gain control and no other ceiling: -1 dBTP, by EBU
  /// R 128.
  public static let defaultCeiling = -1.0

  /// Whether tops that were cut off are rebuilt, by ``ClippingRepair``, in each channel as it was recorded: before the
  /// downmix and the change of rate, behind which they would no longer be flat. What is rebuilt may exceed full scale:
  /// for integers, there should be a ceiling, too. 5 ms of delay, at all rates.
  public var repairsClipping = false
  /// Whether a constant offset is taken away, by ``DCFilter``: of each channel as it was recorded, before a mix whose
  /// weights change, or a filter, makes steps or clicks of it. No delay.
  public var removesOffset = false
  /// The corner of that filter, in Hz, the lowest that it has: what it starts with is the offset itself, and at 3 Hz its
  /// phase took 0.7 dB of SI-SDR from speech at 20 dB above the noise, at 1 Hz 0.1.
  static let offsetCorner = DCFilter.cornerFrequencies.lowerBound
  /// Where there is one, what is below it is taken away, by ``HighPassFilter``, in Hz. No delay.
  public var highPassFrequency: Double?
  /// Where there is one, its hum is taken away, by ``HumFilter``. No delay.
  public var mains: HumFilter.Mains?
  /// Where there is one, noise is lowered by as much at the most, by ``NoiseSuppressor``, in dB. 16 ms of delay, and
  /// 17.4 ms at 44.1 kHz.
  public var noiseAttenuationInDecibels: Float?
  /// Where there is one, speech is brought to one level, by ``AutomaticGainControl``. The sound then waits for
  /// ``Cleaner/lookAhead``, of which the delay of noise suppression is a part, and a limiter follows.
  public var gainControl: AutomaticGainControl.Configuration?
  /// One gain for the whole recording, as ``LoudnessNormalization`` finds it, in dB; it stands before the limiter. No
  /// delay.
  public var gainInDecibels = 0.0
  /// Where there is one, the true peak stays under it, by ``TruePeakLimiter``, in dBTP. 2 ms of delay; 1.6 ms
  /// at 48 kHz, 3.9 ms at 8 kHz.
  public var ceilingInDecibels: Double?

  /// Nothing is done: not one bit changes.
  public static let off = CleaningConfiguration()

  /// What delays nothing: no offset, and nothing below 80 Hz, where no voice is.
  public static let light: CleaningConfiguration = {
    var light = CleaningConfiguration()
    light.removesOffset = true
    light.highPassFrequency = HighPassFilter.defaultCornerFrequency
    return light
  }()

  /// Noise suppression, no offset, and no true peak above -1 dBTP.
  ///
  /// There is no high-pass, because its phase would move speech at 100 to 300 Hz against the original: noise suppression
  /// takes rumble and hum, too, with linear phase. And no change of level, which is a matter of taste and of whether
  /// somebody listens now: a gain control for live audio and a loudness for files are asked for by name.
  public static let full: CleaningConfiguration = {
    var full = CleaningConfiguration()
    full.removesOffset = true
    full.noiseAttenuationInDecibels = defaultNoiseAttenuation
    full.ceilingInDecibels = defaultCeiling
    return full
  }()

  /// Does nothing, until something is set.
  public init() {}

  /// Whether a ``Cleaner`` has something to do: anything but ``repairsClipping``.
  public var needsCleaner: Bool {
    var rest = self
    rest.repairsClipping = false
    return rest != .off
  }

  /// Whether ``RecordingRepair`` has something to do.
  var needsRecordingRepair: Bool { repairsClipping || removesOffset }

  /// What is left to do behind the change of rate.
  var withoutRecordingRepair: CleaningConfiguration {
    var rest = self
    rest.repairsClipping = false
    rest.removesOffset = false
    return rest
  }

  /// The limiter's ceiling: with a gain control there always is one.
  var limiterCeiling: Double? { ceilingInDecibels ?? gainControl.map { _ in Self.defaultCeiling } }
}
