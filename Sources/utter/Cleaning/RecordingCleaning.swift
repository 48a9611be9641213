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
    let decision: LoudnessNormalization.Decision
    if let quality = conversion.engine.libsamplerateQuality {
      let engine = try LibsamplerateResampler(from: recording.sampleRate, to: rate, quality: quality)
      decision = try Self.decide(normalization, recording, engine, conversion.channel.downmix, measured)
    } else {
      let engine = conversion.resampler(from: recording.sampleRate, to: rate)
      decision = try Self.decide(normalization, recording, engine, conversion.channel.downmix, measured)
    }
    configuration.gainInDecibels = decision.gainInDecibels
    self.decision = decision
  }

  /// Which pass over the recording is the one that writes.
  var pass: Recording.Pass { choice.loudness == nil ? .only : .writing }

  private static func decide<Engine: ResamplingEngine & ~Copyable>(
    _ normalization: LoudnessNormalization, _ recording: consuming Recording, _ engine: consuming Engine,
    _ downmix: Downmix, _ configuration: CleaningConfiguration
  ) throws -> LoudnessNormalization.Decision {
    var recording = recording
    var pass = LoudnessPass(engine.outputRate)
    var resampler = try MonoResampler(
      engine, channelCount: recording.channelCount, downmix: downmix, cleaning: configuration)
    try recording.forEachBlock { block in
      try resampler.process(block) { _, output in pass.process(output) }
    }
    try resampler.finish { output in pass.process(output) }
    return pass.decide(normalization)
  }

  /// A meter for what is written of the recording.
  func meter(_ rate: SampleRate, _ encoding: AudioEncoding) -> OutputMeter {
    OutputMeter(rate, encoding, measuresLoudness: choice.loudness != nil)
  }

  /// What was done, in a few words; nil for nothing.
  ///
  /// - Parameters:
  ///   - written: Has heard all that was written.
  ///   - latency: What cleaning held the sound back by, in samples of the input.
  ///   - rate: The input's.
  func summary(_ written: OutputMeter, latency: Int, _ rate: SampleRate) -> String? {
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
    if let decision, let target = choice.loudness {
      parts.append(Self.text(decision, target: target, reached: written.loudness))
    }
    if let ceiling = configuration.ceilingInDecibels {
      parts.append("limit \(decimal(ceiling)) dBTP")
    } else if configuration.gainControl != nil {
      parts.append("limit \(decimal(CleaningConfiguration.defaultCeiling)) dBTP")
    }
    let delay = String(format: "%.1f", 1_000 * rate.seconds(of: latency))
    return "cleaned: \(parts.joined(separator: ", ")); " + (latency > 0 ? "delay \(delay) ms compensated" : "no delay")
  }

  private static func text(
    _ decision: LoudnessNormalization.Decision, target: Double, reached: Double?
  ) -> String {
    var how = String(format: "gain %+.1f dB", decision.gainInDecibels)
    if case .unmeasured = decision.reason { return "loudness not to be measured (gain 0 dB)" }
    if case .limiter(let excess) = decision.reason {
      how += String(format: ", the limiter takes %.1f dB off peaks", excess)
    }
    // Less than 400 ms were written, or nothing above the meter's gate.
    guard let reached else { return "loudness not to be measured (asked: \(decimal(target)); \(how))" }
    let loudness = String(format: "%.1f", reached)
    if case .ceiling = decision.reason { return "loudness \(loudness) LUFS, for peaks not \(decimal(target)) (\(how))" }
    return abs(reached - target) < Self.resolution
      ? "loudness \(decimal(target)) LUFS (\(how))" : "loudness \(loudness) LUFS (asked: \(decimal(target)); \(how))"
  }

  /// In LU: what EBU Tech 3341 lets meters differ.
  private static let resolution = 0.1
  /// In LU: what EBU R 128 lets programmes differ from the target.
  private static let tolerance = 0.5

  /// Tells, quiet or not, where the recording has another loudness than was asked for, and what was cut off.
  func warn(_ written: OutputMeter, _ task: InputTask) {
    if written.beyondCount > 0 {
      let samples = written.beyondCount == 1 ? "1 sample is" : "\(written.beyondCount) samples are"
      let cure =
        configuration.ceilingInDecibels == nil && configuration.gainControl == nil ? "; --clean limit keeps them" : ""
      task.warn(
        "\(task.name): \(samples) beyond full scale and \(written.beyondCount == 1 ? "was" : "were") cut off\(cure)")
    }
    guard let target = choice.loudness, let reached = written.loudness, let decision,
      abs(reached - target) > Self.tolerance
    else { return }
    let reason: String
    switch decision.reason {
    case .limiter: reason = ": the limiter takes the rest off peaks"
    case .ceiling: reason = ": peaks allow no more gain, unless --clean limit takes them"
    case .target: reason = ""
    // Of what could not be measured, nothing was promised.
    case .unmeasured: return
    }
    task.warn(
      "\(task.name): the loudness is \(String(format: "%.1f", reached)) LUFS and not \(decimal(target))\(reason)")
  }
}
