import ArgumentParser
import AudioDSP

enum DetectorName: String, CaseIterable, ExpressibleByArgument {
  case energy
}

/// How speech is found: shared by the commands that look for it.
struct SegmentationOptions: ParsableArguments {
  @Option(help: "The detector.")
  var detector = DetectorName.energy

  @Option(help: "The score from which speech starts, 0 to 1; it goes on down to 0.15 less.")
  var threshold: Float?

  @Option(name: .customLong("min-speech-ms"), help: "The attack: how much speech confirms a segment.")
  var minimumSpeech: Int?

  @Option(name: .customLong("hangover-ms"), help: "How much silence ends a segment.")
  var hangover: Int?

  func configuration(
    default preset: SegmenterConfiguration, prefixPadding: Int? = nil, maximumSegment: Duration? = nil
  ) throws -> SegmenterConfiguration {
    // The distance between the presets' two thresholds.
    let hysteresis = preset.enterThreshold - preset.exitThreshold
    let enter = threshold ?? preset.enterThreshold
    do {
      return try SegmenterConfiguration(
        enterThreshold: enter, exitThreshold: threshold.map { max(0, $0 - hysteresis) } ?? preset.exitThreshold,
        minimumSpeech: minimumSpeech.map { .milliseconds($0) } ?? preset.minimumSpeech,
        hangover: hangover.map { .milliseconds($0) } ?? preset.hangover,
        prefixPadding: prefixPadding.map { .milliseconds($0) } ?? preset.prefixPadding,
        maximumSegment: maximumSegment)
    } catch {
      throw Misuse("\(error)")
    }
  }
}

/// Arguments that do not go together.
typealias Misuse = ValidationError
