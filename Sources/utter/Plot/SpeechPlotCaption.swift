import AudioDSP
import Foundation

/// The lines above a picture.
struct SpeechPlotCaption {
  /// The recording's name.
  var title: String
  /// What it is, how speech was looked for, and what was found.
  var text: String

  init(
    name: String, rate: SampleRate, sampleCount: Int, channelCount: Int, downmix: Downmix, detector: String,
    configuration: SegmenterConfiguration, segments: [Range<Int>], misfireCount: Int
  ) {
    title = name
    let channels =
      switch downmix {
      case .mean: channelCount == 1 ? "1 channel" : "mean of \(channelCount) channels"
      case .automatic: channelCount == 1 ? "1 channel" : "what is on \(channelCount) channels"
      case .channel(let channel): "channel \(channel) of \(channelCount)"
      }
    let speech = segments.reduce(0) { $0 + $1.count }
    let percent = String(format: "%.1f", 100 * Double(speech) / Double(max(1, sampleCount)))
    text = [
      "\(rate), \(channels), \(Self.text(of: sampleCount, rate))",
      "detector \(detector), enter \(Self.text(ofThreshold: configuration.enterThreshold)), "
        + "exit \(Self.text(ofThreshold: configuration.exitThreshold))",
      "\(counted(segments.count, "segment")), \(Self.text(of: speech, rate)) of speech (\(percent) %), "
        + counted(misfireCount, "misfire"),
    ].joined(separator: "  |  ")
  }

  static func text(ofThreshold threshold: Float) -> String { String(format: "%.3g", threshold) }

  /// "11.500 s", "1:02:03 h".
  private static func text(of sampleCount: Int, _ rate: SampleRate) -> String {
    let seconds = rate.seconds(of: sampleCount)
    guard seconds >= 60 else { return "\(rate.secondsText(sampleCount)) s" }
    let whole = Int(seconds.rounded())
    let (minutes, rest) = whole.quotientAndRemainder(dividingBy: 60)
    return whole < 3_600
      ? String(format: "%d:%02d min", minutes, rest)
      : String(format: "%d:%02d:%02d h", minutes / 60, minutes % 60, rest)
  }
}
