import ArgumentParser
import AudioFiles

extension VADCommand {
  /// How segments are written: in the tool's own formats, or as labels for other programs.
  enum Format: String, CaseIterable, Sendable, ExpressibleByArgument {
    case table, csv, json, audacity, rttm
    case textGrid = "textgrid"
    case srt
    case webVTT = "vtt"
    case ctm

    var labelFormat: LabelFormat? { LabelFormat(rawValue: rawValue) }

    /// Whether one file or stream can hold what was found in several recordings.
    var holdsSeveralRecordings: Bool { labelFormat?.holdsSeveralRecordings ?? true }

    /// Of a file with one recording's segments, without a dot.
    var fileExtension: String { labelFormat?.fileExtension ?? (self == .table ? "txt" : rawValue) }
  }
}
