/// What of a recording is lost, though it can be read to its end.
public enum Damage: Hashable, Sendable, CustomStringConvertible {
  /// The end is missing.
  case truncation(Truncation)
  /// `pageCount` pages of an Ogg stream are missing, at `gapCount` places of which the first lies before the sample
  /// frame `sampleFrame` of what was read. Counts are at least 1; they are lower bounds where a gap is longer than
  /// 2^31 pages.
  case missingPages(pageCount: Int, gapCount: Int, sampleFrame: Int)
  /// `count` streams of an Ogg chain do not end as they should before the next begins, the first of them before the
  /// sample frame `sampleFrame` of what was read.
  case unendedStreams(count: Int, sampleFrame: Int)
  /// `byteCount` bytes from `offset` on are audio that is not read: a recording that was appended to this one, or the
  /// rest of one whose header counts too little. Looked for in files, not in pipes that are read as they come.
  case unread(byteCount: Int, offset: Int)
  /// The decoder of the system or ffmpeg says that something is missing or wrong; in its words.
  case told(String)

  public var description: String {
    switch self {
    case .truncation(let truncation): truncation.description
    case .missingPages(let pages, let gaps, let frame):
      "\(pages) page\(pages == 1 ? " is" : "s are") missing at \(gaps) place\(gaps == 1 ? "" : "s") of the Ogg stream, "
        + "\(gaps == 1 ? "" : "first ")before sample frame \(frame); what follows is early by as much"
    case .unread(let count, let offset):
      "\(count) bytes are not read, from byte \(offset) on: another recording begins there, or the header counts too little"
    case .told(let reason): "the file is damaged: \(reason)".onOneLine
    case .unendedStreams(let count, let frame):
      count == 1
        ? "a stream of the Ogg chain breaks off before the next, at sample frame \(frame)"
        : "\(count) streams of the Ogg chain break off before the next, the first at sample frame \(frame)"
    }
  }
}

/// How much of a file is missing at its end.
public struct Truncation: Hashable, Sendable, CustomStringConvertible {
  /// By what the loss shows where no header promises a count.
  public enum Sign: Hashable, Sendable {
    /// The last packet or frame of compressed audio is not complete.
    case incompletePacket
    /// The last sample frame is not complete.
    case incompleteSampleFrame
    /// The stream does not say that it ends.
    case noEndMark
    /// There are fewer bytes than a header promises.
    case missingBytes
  }

  /// How many sample frames the header promises; nil when the header does not say.
  public var promisedFrameCount: Int?
  /// How many sample frames there are.
  public var frameCount: Int
  public var sign: Sign

  public init(promisedFrameCount: Int?, frameCount: Int, sign: Sign = .incompletePacket) {
    self.promisedFrameCount = promisedFrameCount
    self.frameCount = frameCount
    self.sign = sign
  }

  public var description: String {
    if let promisedFrameCount, promisedFrameCount > frameCount {
      return
        "the file is cut off: \(frameCount) of the \(promisedFrameCount) sample frames that its header promises are there"
    }
    let place =
      switch sign {
      case .incompletePacket: "in the middle of a packet"
      case .incompleteSampleFrame: "in the middle of a sample frame"
      case .noEndMark: "before its end mark"
      case .missingBytes: "before as many bytes as its header promises"
      }
    return "the file is cut off \(place): \(frameCount) sample frames are there"
  }
}
