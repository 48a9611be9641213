import AudioDSP
import Foundation

/// What `split` did with a recording, in a line for people.
struct SplitSummary {
  var file: String
  var inputRate: SampleRate
  var frameCount: Int
  var format: PieceFormat
  /// What `convert` would write, in samples.
  var outputCount: Int
  var pieces: [Piece]
  var misfireCount: Int
  /// What `--clean` did; nil for nothing.
  var cleaned: String?

  var line: String {
    let keptCount = pieces.reduce(0) { $0 + $1.samples }
    let droppedCount = outputCount - keptCount
    let percent = Int((100 * Double(droppedCount) / Double(max(1, outputCount))).rounded())
    let cutCount = pieces.count(where: \.cut_after)
    var line = "\(file): \(seconds(frameCount, inputRate)) s -> \(counted(pieces.count, "piece")) "
    line += "(\(format.container.rawValue), \(format.encoding.defaultValueDescription), \(format.rate))"
    if cutCount > 0 { line += ", \(counted(cutCount, "cut"))" }
    line +=
      ", kept \(seconds(keptCount, format.rate)) s, dropped \(seconds(droppedCount, format.rate)) s (\(percent) %)"
    if misfireCount > 0 { line += ", \(misfireCount) too short to be speech" }
    return line
  }

  private func seconds(_ sampleCount: Int, _ rate: SampleRate) -> String {
    String(format: "%.3f", rate.seconds(of: sampleCount))
  }
}
