import ArgumentParser
import AudioDSP

/// How speech is found: shared by the commands that look for it.
struct SegmentationOptions: ParsableArguments {
  @Option(
    name: .customLong("detector"),
    help: "What tells speech: a trained network that holds up in noise (default), or energy and zero crossings.")
  var chosenDetector: SpeechDetector.Kind?

  @Option(
    help: ArgumentHelp(
      "How easily something is taken for speech.",
      discussion:
        "low, normal (default) or high, which start at a score of 0.7, 0.5 or 0.3; speech goes on down to 0.7 of that.")
  )
  var sensitivity: Sensitivity?

  @Option(
    help: "The score from which speech starts, 0 to 1, in place of --sensitivity; it goes on down to 0.7 of that.")
  var threshold: Float?

  @Option(
    name: .customLong("min-speech-ms"),
    help:
      "The attack: how much unbroken speech confirms a segment, 0 to 10000, default: 60. What is shorter is a misfire, and left out."
  )
  var minimumSpeech: Int?

  @Option(
    name: .customLong("hangover-ms"),
    help: "How much silence ends a segment, 0 to 10000; default: 500, with 'utter vad' 200.")
  var hangover: Int?

  /// Whether any of them was given.
  var isEmpty: Bool {
    chosenDetector == nil && sensitivity == nil && threshold == nil && minimumSpeech == nil && hangover == nil
  }

  var detector: SpeechDetector.Kind { chosenDetector ?? .neural }

  func validate() throws {
    if sensitivity != nil, threshold != nil {
      throw Misuse("--sensitivity and --threshold exclude each other")
    }
    if let threshold, !(0...1).contains(threshold) { throw Misuse("--threshold \(threshold) is outside of 0 to 1") }
    try Self.check(minimumSpeech, "--min-speech-ms")
    try Self.check(hangover, "--hangover-ms")
  }

  static func check(_ milliseconds: Int?, _ option: String) throws {
    let longest = Int(SegmenterConfiguration.longest / .milliseconds(1))
    if let milliseconds, !(0...longest).contains(milliseconds) {
      throw Misuse("\(option) \(milliseconds) is outside of 0 to \(longest)")
    }
  }

  func configuration(
    default preset: SegmenterConfiguration, prefixPadding: Int? = nil, maximumSegment: Duration? = nil
  ) throws -> SegmenterConfiguration {
    let preset = preset.withThresholds(of: sensitivity ?? .normal)
    // The ratio of the presets' two thresholds.
    let hysteresis = preset.exitThreshold / preset.enterThreshold
    let enter = threshold ?? preset.enterThreshold
    do {
      return try SegmenterConfiguration(
        enterThreshold: enter, exitThreshold: enter * hysteresis,
        minimumSpeech: minimumSpeech.map { .milliseconds($0) } ?? preset.minimumSpeech,
        hangover: hangover.map { .milliseconds($0) } ?? preset.hangover,
        prefixPadding: prefixPadding.map { .milliseconds($0) } ?? preset.prefixPadding,
        maximumSegment: maximumSegment)
    } catch {
      throw Misuse("\(error)")
    }
  }
}

extension SpeechDetector.Kind: ExpressibleByArgument {}
extension Sensitivity: ExpressibleByArgument {}

/// Arguments that do not go together.
typealias Misuse = ValidationError
