import AudioDSP
import AudioFiles
import Foundation

/// The text that tells where someone is speaking, in one of the formats. It makes text and writes none, so that
/// recordings can be worked on at the same time: who writes puts ``header`` first, then an entry for each recording in
/// the order of the inputs, then ``footer(isEmpty:)``.
struct SegmentReport: Sendable {
  /// What a recording adds.
  struct Entry: Sendable {
    /// Whether there is nothing to write.
    var isEmpty: Bool { body.isEmpty }

    fileprivate let body: String
    /// What stands between two entries that are not empty.
    fileprivate let separator: String

    /// - Parameter isFirst: Whether no entry before it had anything to write.
    func text(isFirst: Bool) -> String { (isFirst || isEmpty ? "" : separator) + body }
  }

  let format: VADCommand.Format
  private let hasFileColumn: Bool
  /// Names that are those of several inputs.
  private let ambiguousNames: Set<String>

  /// - Parameter isShared: Whether one output holds all inputs; with several of them csv and json then name the file.
  init(_ format: VADCommand.Format, of inputs: InputFiles, isShared: Bool) {
    self.format = format
    hasFileColumn = isShared && inputs.isMultiple
    let counts = Dictionary(inputs.files.map { (Self.baseName($0), 1) }, uniquingKeysWith: +)
    ambiguousNames = Set(counts.filter { $0.value > 1 }.keys)
  }

  var header: String {
    switch format {
    case .table: ""
    case .csv: (hasFileColumn ? "file," : "") + "start_s,end_s,start_decided_s,end_decided_s\n"
    case .json: "["
    case .audacity, .rttm, .textGrid, .srt, .webVTT, .ctm: format.labelFormat?.header ?? ""
    }
  }

  /// - Parameter isEmpty: Whether no entry had anything to write.
  func footer(isEmpty: Bool) -> String {
    format == .json ? (isEmpty ? "]\n" : "\n]\n") : ""
  }

  /// - Parameter channel: The channel that was looked at, counted from 0; 0 also for the mean of all.
  func entry(
    _ file: InputFiles.File, rate: SampleRate, channelCount: Int, channel: Int, frameCount: Int,
    segments: [SpeechSegment], misfires: Int
  ) -> Entry {
    switch format {
    case .table: Entry(body: table(file, rate, channelCount, frameCount, segments, misfires), separator: "")
    case .csv:
      Entry(
        body: segments.map { segment in
          (hasFileColumn ? csvField(file.path) + "," : "")
            + Self.times(segment, rate).map(\.1).joined(separator: ",") + "\n"
        }.joined(), separator: "")
    case .json:
      Entry(
        body: segments.map { segment in
          var fields = Self.times(segment, rate).map { "\"\($0.0)\":\($0.1)" }
          if hasFileColumn { fields.insert("\"file\":\(jsonString(file.path))", at: 0) }
          return "\n  {" + fields.joined(separator: ",") + "}"
        }.joined(separator: ","), separator: ",")
    case .audacity, .rttm, .textGrid, .srt, .webVTT, .ctm:
      Entry(
        body: format.labelFormat?.entry(
          for: LabelledRecording(
            name: name(of: file), sampleRate: rate, channel: channel + 1, sampleCount: frameCount,
            segments: segments.map { $0.start..<$0.end })) ?? "", separator: "")
    }
  }

  private func table(
    _ file: InputFiles.File, _ rate: SampleRate, _ channelCount: Int, _ frameCount: Int, _ segments: [SpeechSegment],
    _ misfires: Int
  ) -> String {
    var text = "\(file.path.onOneLine): \(rate.secondsText(frameCount)) s, \(rate), "
    text += "\(counted(channelCount, "channel"))\n"
    if !segments.isEmpty { text += "  segment     start s       end s    length s\n" }
    for (i, segment) in segments.enumerated() {
      let columns = [segment.start, segment.end, segment.end - segment.start]
      let row = columns.map { padded(String(format: "%.3f", rate.seconds(of: $0)), 12) }.joined()
      text += padded("\(i + 1)", 9) + row + "\n"
    }
    let speech = segments.reduce(0) { $0 + $1.end - $1.start }
    let percent = String(format: "%.1f", 100 * Double(speech) / Double(max(1, frameCount)))
    text += "  speech \(String(format: "%.3f", rate.seconds(of: speech))) s (\(percent) %) in "
    text += "\(counted(segments.count, "segment")), \(counted(misfires, "misfire"))\n"
    return text
  }

  /// What NIST's formats call a recording: its file's name without folder and extension, or the whole path where
  /// several inputs would have the same.
  private func name(of file: InputFiles.File) -> String {
    let name = Self.baseName(file)
    return ambiguousNames.contains(name) ? file.path : name
  }

  private static func baseName(_ file: InputFiles.File) -> String {
    let name = (file.relativePath as NSString).lastPathComponent
    return (name as NSString).deletingPathExtension
  }

  private static func times(_ segment: SpeechSegment, _ rate: SampleRate) -> [(String, String)] {
    [
      ("start_s", segment.start), ("end_s", segment.end), ("start_decided_s", segment.startDecided),
      ("end_decided_s", segment.endDecided),
    ].map { ($0.0, rate.secondsText($0.1)) }
  }
}
