import AudioDSP
import AudioFiles
import Foundation

/// How one recording is cleaned: what was asked for and, where that is a loudness, what a first pass over the recording
/// has found.
struct RecordingCleaning {
  let choice: CleaningChoice
  /// What is to be done, the gain included.
  private(set) var configuration: CleaningConfiguration
  private var decision: LoudnessNormalization.Decision?

  /// - Parameter rate: What is written.
  /// - Throws: What reading throws, where a loudness must be measured.
  init(_ task: InputTask, _ input: InputOptions, _ conversion: ConversionOptions, to rate: SampleRate) throws {
    choice = conversion.clean
    configuration = choice.configuration
    guard let target = choice.loudness else { return }
    let ceiling = configuration.ceilingInDecibels
    let normalization = LoudnessNormalization(
      targetInLUFS: target, ceilingInDecibels: ceiling ?? CleaningConfiguration.defaultCeiling,
      peakRule: ceiling == nil ? .lowerGain : .limit)
    // What a limiter takes off peaks is no matter of the gain.
    var measured = configuration
    measured.ceilingInDecibels = nil
    let recording = try Recording(task, input, pass: .measuring)
    let (loudness, truePeak): (Double?, Float)
    if let quality = conversion.engine.libsamplerateQuality {
      let engine = try LibsamplerateResampler(from: recording.sampleRate, to: rate, quality: quality)
      (loudness, truePeak) = try Self.measure(recording, engine, conversion.channel.downmix, measured)
    } else {
      let engine = conversion.resampler(from: recording.sampleRate, to: rate)
      (loudness, truePeak) = try Self.measure(recording, engine, conversion.channel.downmix, measured)
    }
    let decision = normalization.decide(loudness: loudness, truePeak: truePeak)
    configuration.gainInDecibels = decision.gainInDecibels
    self.decision = decision
  }

  /// Which pass over the recording is the one that writes.
  var pass: Recording.Pass { choice.loudness == nil ? .only : .writing }

  private static func measure<Engine: ResamplingEngine & ~Copyable>(
    _ recording: consuming Recording, _ engine: consuming Engine, _ downmix: Downmix,
    _ configuration: CleaningConfiguration
  ) throws -> (loudness: Double?, truePeak: Float) {
    var recording = recording
    var loudness = LoudnessMeter(engine.outputRate, channelCount: 1)
    var truePeak = TruePeakMeter()
    var resampler = try MonoResampler(
      engine, channelCount: recording.channelCount, downmix: downmix, cleaning: configuration)
    try recording.forEachBlock { block in
      try resampler.process(block) { _, output in
        loudness.process(output)
        truePeak.process(output)
      }
    }
    try resampler.finish { output in
      loudness.process(output)
      truePeak.process(output)
    }
    truePeak.finish()
    return (loudness.integrated, truePeak.truePeak)
  }

  /// What was done, in a few words; nil for nothing.
  ///
  /// - Parameters:
  ///   - latency: What cleaning held the sound back by, in samples of the input.
  ///   - rate: The input's.
  func summary(latency: Int, _ rate: SampleRate) -> String? {
    guard !choice.isOff else { return nil }
    var parts: [String] = []
    if configuration.repairsClipping { parts.append("declip") }
    if configuration.removesOffset { parts.append("dc") }
    if let frequency = configuration.highPassFrequency { parts.append("high-pass \(decimal(frequency)) Hz") }
    if let mains = configuration.mains { parts.append("hum \(mains.rawValue) Hz") }
    if let attenuation = configuration.noiseAttenuationInDecibels {
      parts.append("denoise (\(decimal(Double(attenuation))) dB)")
    }
    if let gainControl = configuration.gainControl { parts.append("agc \(decimal(gainControl.targetInDecibels)) dBFS") }
    if let decision, let target = choice.loudness { parts.append(Self.text(decision, target: target)) }
    if let ceiling = configuration.ceilingInDecibels {
      parts.append("limit \(decimal(ceiling)) dBTP")
    } else if configuration.gainControl != nil {
      parts.append("limit \(decimal(CleaningConfiguration.defaultCeiling)) dBTP")
    }
    let delay = String(format: "%.1f", 1_000 * rate.seconds(of: latency))
    return "cleaned: \(parts.joined(separator: ", ")); " + (latency > 0 ? "delay \(delay) ms compensated" : "no delay")
  }

  private static func text(_ decision: LoudnessNormalization.Decision, target: Double) -> String {
    let gain = String(format: "gain %+.1f dB", decision.gainInDecibels)
    switch decision.reason {
    case .target: return "loudness \(decimal(target)) LUFS (\(gain))"
    case .ceiling(let missing):
      let reached = String(format: "%.1f", target - missing)
      return "loudness \(reached) LUFS, for peaks not \(decimal(target)) (\(gain))"
    case .limiter(let excess):
      return
        "loudness \(decimal(target)) LUFS (\(gain), of which the limiter takes \(String(format: "%.1f", excess)) dB off peaks)"
    case .unmeasured: return "loudness not to be measured (gain 0 dB)"
    }
  }
}
