import AudioDSP

/// The first of the two passes that bring a recording to a loudness: measures what the second will multiply.
struct LoudnessPass: ~Copyable {
  /// What the second meter hears is raised by so many dB. The meter leaves out blocks below -70 LUFS; of a recording that
  /// is to be raised, these are other ones than once it has been.
  private static let raise = 40.0
  private static let sliceCount = 4096

  private var meter: LoudnessMeter
  private var raisedMeter: LoudnessMeter
  private var truePeak = TruePeakMeter()
  private var gain: ConstantGain
  private var slice = [Float](repeating: 0, count: Self.sliceCount)

  init(_ rate: SampleRate) {
    meter = LoudnessMeter(rate, channelCount: 1)
    raisedMeter = LoudnessMeter(rate, channelCount: 1)
    gain = ConstantGain(rate, gainInDecibels: Self.raise)
  }

  mutating func process(_ samples: Span<Float>) {
    meter.process(samples)
    truePeak.process(samples)
    var taken = 0
    while taken < samples.count {
      let count = min(Self.sliceCount, samples.count - taken)
      Self.raise(samples.extracting(taken..<taken + count), &gain, into: &slice)
      Self.measure(slice, count, &raisedMeter)
      taken += count
    }
  }

  /// The gain for all of what has come. What has no loudness at all stays as it is: raised, it would be a converter's
  /// noise.
  mutating func decide(_ normalization: LoudnessNormalization) -> LoudnessNormalization.Decision {
    truePeak.finish()
    let decision = normalization.decide(loudness: meter.integrated, truePeak: truePeak.truePeak)
    // The meter whose gate is nearer to that of what is written.
    guard decision.gainInDecibels > Self.raise / 2, let raised = raisedMeter.integrated else { return decision }
    return normalization.decide(loudness: raised - Self.raise, truePeak: truePeak.truePeak)
  }

  // Static, so that each names exactly the state that it changes.

  private static func raise(_ samples: Span<Float>, _ gain: inout ConstantGain, into slice: inout [Float]) {
    var all = slice.mutableSpan
    var target = all._mutatingExtracting(..<samples.count)
    for i in samples.indices { target[i] = samples[i] }
    gain.process(&target)
  }

  private static func measure(_ slice: [Float], _ count: Int, _ meter: inout LoudnessMeter) {
    meter.process(slice.span.extracting(..<count))
  }
}
