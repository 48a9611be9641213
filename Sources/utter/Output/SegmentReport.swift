import AudioDSP
import AudioFiles
import Foundation

/// Writes segments to standard output in one of the formats.
final class SegmentReport {
  private let format: VADCommand.Format
  private let hasFileColumn: Bool
  private let output: Output
  private var rowCount = 0

  init(_ format: VADCommand.Format, hasFileColumn: Bool) throws {
    self.format = format
    self.hasFileColumn = hasFileColumn
    output = try Output("-")
    switch format {
    case .table: break
    case .csv: try output.write((hasFileColumn ? "file," : "") + "start_s,end_s,start_decided_s,end_decided_s\n")
    case .json: try output.write("[")
    }
  }

  func add(
    _ file: String, rate: SampleRate, channelCount: Int, frameCount: Int, segments: [SpeechSegment], misfires: Int
  ) throws {
    switch format {
    case .table:
      try output.write(
        "\(file.onOneLine): \(rate.secondsText(frameCount)) s, \(rate), \(counted(channelCount, "channel"))\n")
      if !segments.isEmpty { try output.write("  segment     start s       end s    length s\n") }
      for (i, segment) in segments.enumerated() {
        let columns = [segment.start, segment.end, segment.end - segment.start]
        let row = columns.map { padded(String(format: "%.3f", rate.seconds(of: $0)), 12) }.joined()
        try output.write(padded("\(i + 1)", 9) + row + "\n")
      }
      let speech = segments.reduce(0) { $0 + $1.end - $1.start }
      let percent = String(format: "%.1f", 100 * Double(speech) / Double(max(1, frameCount)))
      try output.write(
        "  speech \(String(format: "%.3f", rate.seconds(of: speech))) s (\(percent) %) in "
          + "\(counted(segments.count, "segment")), \(counted(misfires, "misfire"))\n")
    case .csv:
      for segment in segments {
        try output.write(hasFileColumn ? csvField(file) + "," : "")
        try output.write(Self.times(segment, rate).map(\.1).joined(separator: ",") + "\n")
      }
    case .json:
      for segment in segments {
        var fields = Self.times(segment, rate).map { "\"\($0.0)\":\($0.1)" }
        if hasFileColumn { fields.insert("\"file\":\(jsonString(file))", at: 0) }
        try output.write((rowCount == 0 ? "\n  {" : ",\n  {") + fields.joined(separator: ",") + "}")
        rowCount += 1
      }
    }
    // A long list of recordings gives its results as they are made.
    try output.flush()
  }

  func finish() throws {
    if format == .json { try output.write(rowCount == 0 ? "]\n" : "\n]\n") }
    try output.finish()
  }

  private static func times(_ segment: SpeechSegment, _ rate: SampleRate) -> [(String, String)] {
    [
      ("start_s", segment.start), ("end_s", segment.end), ("start_decided_s", segment.startDecided),
      ("end_decided_s", segment.endDecided),
    ].map { ($0.0, rate.secondsText($0.1)) }
  }
}
