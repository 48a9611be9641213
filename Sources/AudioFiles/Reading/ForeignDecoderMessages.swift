/// What ffmpeg says on standard error, as far as it bears on the sound; in bounded memory, however much that is.
///
/// Its lines read `[part @ address] [level] text`, with any number of parts, none included. That form is fixed by the
/// flag `level` of its option `-loglevel`.
struct ForeignDecoderMessages {
  /// How long the file is by its own header, in seconds; nil when that does not say, or when there are streams beside
  /// the sound, which may be longer.
  var promisedSeconds: Double? {
    guard streamCount == 1, !isDurationEstimated, let duration, duration > 0 else { return nil }
    return duration - max(0, startTime)
  }
  /// Whether the file is in no format that is asked for.
  private(set) var isNoAudio = false
  /// Whether the file holds something, but no sound.
  private(set) var hasNoAudioStream = false

  /// The line that is being received.
  private var line: [UInt8] = []
  /// The first complaint of each part of ffmpeg.
  private var complaints: [(parts: [String], text: String)] = []
  /// Names of the decoders of pictures, subtitles and the like, which ffmpeg tries while it opens a file. What they
  /// complain of is not the sound, and they always complain of a broadcast that starts between two whole pictures.
  private var otherDecoders: Set<String> = []
  private var isDescribingInput = false
  private var streamCount = 0
  private var duration: Double?
  private var startTime = 0.0
  private var isDurationEstimated = false

  private static let maximumLineLength = 1_000
  private static let maximumComplaintCount = 64
  private static let maximumReasonLength = 200

  /// Takes the next bytes, which need not end with a line.
  mutating func append(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        take(String(decoding: line, as: UTF8.self))
        line.removeAll(keepingCapacity: true)
      } else if line.count < Self.maximumLineLength {
        line.append(byte)
      }
    }
  }

  /// The first complaint that is of the sound, in one line of bounded length.
  var complaint: String? {
    let audible = complaints.filter { complaint in !complaint.parts.contains(where: otherDecoders.contains) }
    return audible.first.map { complaint in
      // "in#0/mov" and "aist#0:0/aac" are names of newer versions for the file's parts; the last word says the most.
      let part = complaint.parts.last.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
      let isNumbered = part?.contains("#") ?? true
      let text = isNumbered ? complaint.text : "\(part ?? ""): \(complaint.text)"
      return String(text.prefix(Self.maximumReasonLength)).onOneLine
    }
  }

  private mutating func take(_ line: String) {
    var rest = line[...]
    var parts: [String] = []
    while rest.hasPrefix("["), let end = rest.firstRange(of: "] ") {
      let content = rest[rest.index(after: rest.startIndex)..<end.lowerBound]
      rest = rest[end.upperBound...]
      switch content {
      case "info":
        takeInformation(rest)
        return
      case "warning":
        takeWarning(rest, parts)
        return
      case "error", "fatal", "panic":
        takeError(rest, parts)
        return
      default:
        // Only the context that a message comes from has an address.
        guard let at = content.firstRange(of: " @ ") else { return }
        parts.append(String(content[..<at.lowerBound]))
      }
    }
  }

  private mutating func takeError(_ text: Substring, _ parts: [String]) {
    if text.hasPrefix("Format not on whitelist") || text.hasPrefix("Not detecting ") {
      isNoAudio = true
      return
    }
    if text.contains("does not contain any stream") { hasNoAudioStream = true }
    // The input's name is ours and tells nothing.
    let isAboutInput = text.hasPrefix("subfile,")
    let text = isAboutInput ? text.firstRange(of: ": ").map { text[$0.upperBound...] } ?? "" : text
    if complaints.isEmpty, text == Self.unknownFormat || text == "Error opening input: \(Self.unknownFormat)" {
      isNoAudio = true
    }
    complain(parts, text)
  }

  private static let unknownFormat = "Invalid data found when processing input"

  private mutating func takeWarning(_ text: Substring, _ parts: [String]) {
    if text.hasPrefix("Packet corrupt") {
      complain(parts, text)
    } else if text.hasPrefix("Estimating duration from bitrate") {
      isDurationEstimated = true
    } else if let range = text.firstRange(of: "detected only with low score of ") {
      // A quarter of the greatest score is what a few MPEG or AAC frames in a row get; less is a guess, such as any
      // data gets in which one seems to be.
      let score = Int(text[range.upperBound...].prefix { $0.isNumber })
      if score ?? 0 < 25 { isNoAudio = true }
    }
  }

  private mutating func complain(_ parts: [String], _ text: Substring) {
    guard complaints.count < Self.maximumComplaintCount, !complaints.contains(where: { $0.parts == parts }) else {
      return
    }
    let isBlank = text.allSatisfy(\.isWhitespace)
    complaints.append((parts, isBlank ? "an error that it does not name" : String(text)))
  }

  private mutating func takeInformation(_ text: Substring) {
    if text.hasPrefix("Input #0") {
      isDescribingInput = true
    } else if text.hasPrefix("Stream mapping") || text.hasPrefix("Output #0") {
      isDescribingInput = false
    } else if isDescribingInput, text.hasPrefix("  Duration: ") {
      takeDuration(text.dropFirst(12))
    } else if isDescribingInput, text.hasPrefix("  Stream #0:") {
      takeStream(text)
    }
  }

  /// Takes `00:00:11.52, start: 0.007000, bitrate: 70 kb/s`.
  private mutating func takeDuration(_ text: Substring) {
    let parts = text.prefix { $0 != "," }.split(separator: ":").map { Double($0) }
    guard parts.count == 3, let hours = parts[0], let minutes = parts[1], let seconds = parts[2] else { return }
    duration = (hours * 60 + minutes) * 60 + seconds
    if let start = text.firstRange(of: "start: ") {
      startTime = Double(text[start.upperBound...].prefix { $0 != "," }) ?? 0
    }
  }

  /// Takes `  Stream #0:1[0x2](und): Video: av1 (libdav1d) (Main), yuv420p, 320x240`.
  private mutating func takeStream(_ text: Substring) {
    // A cover is no stream that lasts.
    if !text.contains("(attached pic)") { streamCount += 1 }
    guard !text.contains(": Audio: ") else { return }
    guard
      let kind = text.firstRange(of: ": Video: ") ?? text.firstRange(of: ": Subtitle: ")
        ?? text.firstRange(of: ": Data: ")
    else {
      return
    }
    let names = text[kind.upperBound...].prefix { $0 != "," }.split(whereSeparator: { " ()".contains($0) })
    otherDecoders.formUnion(names.map(String.init))
  }
}
