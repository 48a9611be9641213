/// The one gain that brings a recording to a loudness.
///
/// Two passes: the first measures, the second multiplies.
///
///     var loudness = LoudnessMeter(.hz48000, channelCount: 1)
///     var truePeak = TruePeakMeter()
///     // ... process all samples by both, and then:
///     truePeak.finish()
///     let decision = LoudnessNormalization().decide(loudness: loudness.integrated, truePeak: truePeak.truePeak)
///     var gain = ConstantGain(.hz48000, gainInDecibels: decision.gainInDecibels)
public struct LoudnessNormalization: Hashable, Sendable {
  /// What to do when the gain would lift the true peak over the ceiling.
  public enum PeakRule: Hashable, Sendable {
    /// Take a lower gain: the recording stays softer than the target, and its dynamics as they are.
    case lowerGain
    /// Leave it to a ``TruePeakLimiter`` behind the gain: the recording ends as much under the target as the limiter
    /// takes away, for speech that is lifted to -16 LUFS up to 2 LU.
    case limit
  }

  /// The legal values of ``targetInLUFS``.
  public static let targetRange = -60.0...0.0

  /// The loudness to reach, in LUFS: -23 by EBU R 128; platforms of spoken word ask for about -16.
  public var targetInLUFS: Double
  /// What the true peak stays under, in dBTP: -1 by EBU R 128.
  public var ceilingInDecibels: Double
  /// What to do when the gain would lift the true peak over it.
  public var peakRule: PeakRule

  /// A way to normalize.
  ///
  /// - Precondition: Target and ceiling are in ``targetRange`` and ``TruePeakLimiter/ceilingRange``.
  public init(targetInLUFS: Double = -23, ceilingInDecibels: Double = -1, peakRule: PeakRule = .lowerGain) {
    precondition(Self.targetRange.contains(targetInLUFS), "the target is in \(Self.targetRange) LUFS")
    precondition(
      TruePeakLimiter.ceilingRange.contains(ceilingInDecibels),
      "the ceiling is in \(TruePeakLimiter.ceilingRange) dBTP")
    self.targetInLUFS = targetInLUFS
    self.ceilingInDecibels = ceilingInDecibels
    self.peakRule = peakRule
  }

  /// A gain, and why it is what it is.
  public struct Decision: Hashable, Sendable {
    /// Why a gain is what it is.
    public enum Reason: Hashable, Sendable {
      /// It brings the recording to the target.
      case target
      /// The target lies `missing` LU above what the gain reaches, since the ceiling allows no more.
      case ceiling(missing: Double)
      /// It brings the recording to the target, with a limiter to take off up to `excess` dB from peaks.
      case limiter(excess: Double)
      /// Nothing could be measured: the recording is silent or shorter than 400 ms. The gain is 0 dB.
      case unmeasured
    }

    /// In dB, in ``ConstantGain/range``.
    public var gainInDecibels: Double
    public var reason: Reason

    /// A decision that was made elsewhere.
    public init(gainInDecibels: Double, reason: Reason) {
      self.gainInDecibels = gainInDecibels
      self.reason = reason
    }

    /// Whether a ``TruePeakLimiter`` must follow.
    public var needsLimiter: Bool {
      if case .limiter = reason { true } else { false }
    }
  }

  /// Decides on what was measured of the whole recording. A target that is more than 200 dB away is taken to be as far.
  ///
  /// - Parameters:
  ///   - loudness: ``LoudnessMeter/integrated``, in LUFS.
  ///   - truePeak: ``TruePeakMeter/truePeak``, the greatest over all channels; 1 is full scale.
  public func decide(loudness: Double?, truePeak: Float) -> Decision {
    guard let loudness, loudness.isFinite, truePeak > 0, truePeak < .infinity else {
      return Decision(gainInDecibels: 0, reason: .unmeasured)
    }
    // More is asked for only by what is no sound.
    let range = ConstantGain.range
    let wanted = min(max(targetInLUFS - loudness, range.lowerBound), range.upperBound)
    let excess = wanted + 20 * logarithm10(Double(truePeak)) - ceilingInDecibels
    guard excess > 0 else { return Decision(gainInDecibels: wanted, reason: .target) }
    switch peakRule {
    case .lowerGain:
      let gain = max(wanted - excess, range.lowerBound)
      return Decision(gainInDecibels: gain, reason: .ceiling(missing: wanted - gain))
    case .limit: return Decision(gainInDecibels: wanted, reason: .limiter(excess: excess))
    }
  }
}
