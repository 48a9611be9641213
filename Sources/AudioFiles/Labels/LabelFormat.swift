/// A text format for labelled stretches of a recording, as other programs read and write it.
///
/// A file in any of them is ``header`` and what ``entry(for:)`` gives for a recording, or, where
/// ``holdsSeveralRecordings``, for one after the other. It is UTF-8 without a byte order mark, its lines end with a line
/// feed.
///
/// Times are rounded once from samples, ties to even: to milliseconds in subtitles, and to microseconds, which keep all
/// samples apart, in the others. A segment never ends before it starts, and two never overlap.
public enum LabelFormat: String, CaseIterable, Sendable {
  /// A label track of Audacity: start, end and label of a segment, with tabs between them.
  ///
  /// Source: Audacity manual, "Importing and Exporting Labels", standard format. Six decimals, as Audacity exports.
  case audacity
  /// Rich Transcription Time Marked: a `SPEAKER` line of ten fields for each segment.
  ///
  /// Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
  case rttm
  /// A TextGrid of Praat in its long text format, with one tier of intervals from 0 to the end of the recording; those
  /// between segments are empty.
  ///
  /// Source: Praat manual, "TextGrid file formats".
  case textGrid = "textgrid"
  /// SubRip subtitles.
  ///
  /// Source: there is no standard; this is the form that SubRip itself writes (numbers from 1, `HH:MM:SS,mmm`).
  case srt
  /// WebVTT subtitles.
  ///
  /// Source: W3C, "WebVTT: The Web Video Text Tracks Format", sections 4.1 to 4.3.
  case webVTT = "vtt"
  /// Conversation time marked: file, channel, start, duration and word, which is the label.
  ///
  /// Source: NIST SCTK, sclite's input file formats, "ctm". Its readers skip lines that start with `;;`. They want the
  /// files sorted by name.
  case ctm

  /// The usual extension of a file's name, without a dot.
  public var fileExtension: String {
    switch self {
    case .audacity: "txt"
    case .rttm, .srt, .webVTT, .ctm: rawValue
    case .textGrid: "TextGrid"
    }
  }

  /// Whether a file can hold the labels of several recordings: an entry then names its recording.
  public var holdsSeveralRecordings: Bool {
    switch self {
    case .rttm, .ctm: true
    case .audacity, .textGrid, .srt, .webVTT: false
    }
  }

  /// What stands at the start of a file, line ends included. Behind the last entry there is nothing.
  public var header: String {
    switch self {
    case .audacity, .rttm, .textGrid, .srt: ""
    case .webVTT: "WEBVTT\n"
    case .ctm: ";; file channel start_s duration_s word\n"
    }
  }

  /// The labels of one recording, line ends included. It does not depend on what was written before it.
  ///
  /// Segments without samples are left out where the format has no place for them: in a TextGrid, and in subtitles, for
  /// which half a millisecond and less can be nothing too.
  public func entry(for recording: LabelledRecording) -> String {
    switch self {
    case .audacity: recording.audacityLines
    case .rttm: recording.rttmLines
    case .textGrid: recording.textGrid
    case .srt: recording.subRipCues
    case .webVTT: recording.webVTTCues
    case .ctm: recording.ctmLines
    }
  }
}

extension LabelledRecording {
  func place(_ sampleCount: Int, _ resolution: DecimalSeconds.Resolution) -> DecimalSeconds {
    DecimalSeconds(sampleCount, at: sampleRate, in: resolution)
  }

  fileprivate var audacityLines: String {
    let label = label.withoutControls
    return segments.map { segment in
      let (start, end) = (place(segment.lowerBound, .microseconds), place(segment.upperBound, .microseconds))
      return "\(start.fixedText)\t\(end.fixedText)\t\(label)\n"
    }.joined()
  }
}

extension String {
  /// The same with a blank for each tab, line break and other control character.
  var withoutControls: String {
    var result = UnicodeScalarView()
    for scalar in unicodeScalars { result.append(scalar.isControl ? " " : scalar) }
    return String(result)
  }
}

extension Unicode.Scalar {
  /// Whether it is a control character, or breaks lines as one does.
  var isControl: Bool {
    properties.generalCategory == .control || self == "\u{2028}" || self == "\u{2029}"
  }
}
