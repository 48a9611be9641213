/// A page of an Ogg file (RFC 3533, 6), without its content.
struct OggPage: Equatable {
  /// The bytes of a header without its segment table.
  static let fixedSize = 27
  /// The most bytes that a page can have: 255 segments of 255 bytes each.
  static let maximumSize = fixedSize + 255 + 255 * 255
  static let capturePattern = Array("OggS".utf8)

  /// Whether the page is the first, or the last, of its logical stream.
  var isFirst: Bool
  var isLast: Bool
  /// The time at the end of the last packet that ends on the page, in the codec's units; nil when none does.
  var granule: Int?
  /// Which logical stream it belongs to.
  var serial: UInt32
  /// Its number in that stream.
  var sequence: UInt32
  /// The bytes of the header, and of all of the page.
  var headerSize: Int
  var size: Int

  /// The page that begins with these bytes; nil when none does. The segment table has to be among them.
  init?(_ bytes: some RandomAccessCollection<UInt8>) {
    guard bytes.count >= Self.fixedSize, bytes.starts(with: Self.capturePattern) else { return nil }
    func byte(_ offset: Int) -> UInt8 { bytes[bytes.index(bytes.startIndex, offsetBy: offset)] }
    func number(_ offset: Int, _ size: Int) -> UInt64 {
      (0..<size).reversed().reduce(0) { $0 << 8 | UInt64(byte(offset + $1)) }
    }
    let segments = Int(byte(26))
    // There is one version, 0.
    guard byte(4) == 0, bytes.count >= Self.fixedSize + segments else { return nil }
    isFirst = byte(5) & 2 != 0
    isLast = byte(5) & 4 != 0
    let position = Int64(bitPattern: number(6, 8))
    granule = position == -1 ? nil : Int(position)
    serial = UInt32(number(14, 4))
    sequence = UInt32(number(18, 4))
    headerSize = Self.fixedSize + segments
    size = (0..<segments).reduce(headerSize) { $0 + Int(byte(Self.fixedSize + $1)) }
  }

  /// A page's checksum, over its bytes with 0 in the place of the checksum: the polynomial 0x04C11DB7, from 0 on, high
  /// bits first, not inverted (RFC 3533, 6, field 7).
  static func checksum(_ page: ArraySlice<UInt8>) -> UInt32 {
    let field = page.startIndex + 22..<page.startIndex + 26
    var sum: UInt32 = 0
    for i in page.indices {
      let byte = field.contains(i) ? 0 : page[i]
      sum = sum << 8 ^ table[Int(UInt8(truncatingIfNeeded: sum >> 24) ^ byte)]
    }
    return sum
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte) << 24) { sum, _ in sum << 1 ^ (sum >> 31 * 0x04C1_1DB7) }
  }
}

/// What is in a logical stream, by its first packet.
enum OggCodec: Equatable {
  /// "Vorbis I specification", 4.2.1 and 4.2.2.
  case vorbis
  /// RFC 7845, 5.1; the granule position counts at 48 kHz, `preSkip` of which are not to be heard.
  case opus(preSkip: Int)
  /// Something else.
  case other

  init(firstPacket bytes: some RandomAccessCollection<UInt8>) {
    let head = Array(bytes.prefix(12))
    if head.starts(with: [1] + Array("vorbis".utf8)) {
      self = .vorbis
    } else if head.count == 12, head.starts(with: Array("OpusHead".utf8)) {
      self = .opus(preSkip: Int(head[10]) | Int(head[11]) << 8)
    } else {
      self = .other
    }
  }
}

/// Follows the pages of an Ogg file: which of them make the stream of audio that is to be heard, where the next stream
/// of a chain begins, and which are missing.
///
/// A file is a chain of links; each begins with the first pages of all its logical streams (RFC 3533, 4). Of each link,
/// the first stream of Vorbis or Opus is taken; what else is in it, such as a Skeleton or a picture, is not.
struct OggPages {
  enum Verdict: Equatable {
    /// A link begins with this page, which has to be followed again after ``beginLink()``.
    case nextLink
    /// The page belongs to the stream of audio; before it, so many are missing.
    case audio(missing: Int)
    /// The page belongs to another stream.
    case foreign
  }

  /// The link's stream of audio, once its first page has been met.
  private(set) var audio: (serial: UInt32, codec: OggCodec)?
  /// Whether all streams of the link have begun.
  private(set) var isPastBeginning = false
  /// Whether the last page of the link's stream of audio has been met.
  private(set) var hasEnded = false
  /// The last granule position of the link's stream of audio.
  private(set) var lastGranule: Int?
  private var nextSequence: UInt32 = 0
  /// Whether the first stream of any kind is taken.
  private let takesAny: Bool

  init(takesAny: Bool = false) {
    self.takesAny = takesAny
  }

  /// Takes the next page.
  ///
  /// - Parameter codec: What a first page says that its stream is.
  mutating func follow(_ page: OggPage, _ codec: OggCodec) -> Verdict {
    if page.isFirst {
      if isPastBeginning { return .nextLink }
      guard audio == nil, takesAny || codec != .other else { return .foreign }
      audio = (page.serial, codec)
      nextSequence = page.sequence &+ 1
      hasEnded = page.isLast
      return .audio(missing: 0)
    }
    isPastBeginning = true
    guard let audio, page.serial == audio.serial, !hasEnded else { return .foreign }
    let missing = page.sequence &- nextSequence
    nextSequence = page.sequence &+ 1
    hasEnded = page.isLast
    if let granule = page.granule { lastGranule = granule }
    // A page whose number lies behind is out of order: something is wrong there, but how much cannot be said.
    return .audio(missing: missing < 1 << 31 ? Int(missing) : 1)
  }

  /// Goes on to the next link.
  mutating func beginLink() {
    self = OggPages(takesAny: takesAny)
  }
}

extension OggPages {
  /// Whether the first link of a file or stream has a stream of Vorbis or Opus. Reads the first pages.
  static func haveAudio(_ source: any HeaderSource, at start: Int) throws(AudioFileError.Problem) -> Bool {
    var pages = OggPages()
    var position = start
    while !pages.isPastBeginning, pages.audio == nil {
      guard let (page, codec) = try header(source, at: position) else { return false }
      _ = pages.follow(page, codec)
      position += page.size
    }
    return pages.audio != nil
  }

  /// What the pages of a whole file say, from their headers alone.
  struct Survey: Equatable {
    /// How many links there are.
    var linkCount = 1
    /// The last granule position of the first link's stream of audio.
    var lastGranule: Int?
    /// Whether the last link's stream of audio has its last page.
    var hasEnded = false
    /// Whether no page of the streams of audio is missing, and nothing is between pages or behind them.
    var isComplete = true

    /// Whether there is nothing to object to.
    var isWhole: Bool { linkCount == 1 && hasEnded && isComplete }

    /// What is lost of a file whose decoder does not follow the pages.
    func damage(afterReading frameCount: Int) -> [Damage] {
      if !hasEnded {
        return [.truncation(Truncation(promisedFrameCount: nil, frameCount: frameCount, sign: .noEndMark))]
      }
      return isComplete ? [] : [.told("pages of the Ogg stream are missing")]
    }
  }

  /// Goes over a file's pages, as far as they follow each other.
  ///
  /// - Parameter takesAny: Whether the first stream of each link is taken, whatever is in it.
  static func survey(
    _ file: InputFile, at start: Int, takesAny: Bool = false
  ) throws(AudioFileError.Problem) -> Survey {
    var pages = OggPages(takesAny: takesAny)
    var survey = Survey()
    var position = start
    while position < file.count {
      guard let (page, codec) = try header(file, at: position), position + page.size <= file.count else {
        survey.isComplete = false
        break
      }
      switch pages.follow(page, codec) {
      case .nextLink:
        survey.linkCount += 1
        pages.beginLink()
        _ = pages.follow(page, codec)
      case .audio(let missing): if missing > 0 { survey.isComplete = false }
      case .foreign: break
      }
      if survey.linkCount == 1 { survey.lastGranule = pages.lastGranule }
      position += page.size
    }
    survey.hasEnded = pages.hasEnded
    return survey
  }

  /// The header of the page at a position, and what is in it if it is a stream's first.
  private static func header(
    _ source: any HeaderSource, at position: Int
  ) throws(AudioFileError.Problem) -> (OggPage, OggCodec)? {
    // A stream is not to be waited for longer than needed.
    let fixed = try source.bytes(position..<position + OggPage.fixedSize)
    guard let segments = fixed.last, fixed.count == OggPage.fixedSize, fixed.starts(with: OggPage.capturePattern) else {
      return nil
    }
    let table = OggPage.fixedSize + Int(segments)
    guard let page = try OggPage(source.bytes(position..<position + table)) else { return nil }
    guard page.isFirst else { return (page, .other) }
    let packet = try source.bytes(position + page.headerSize..<position + min(page.size, page.headerSize + 12))
    return (page, OggCodec(firstPacket: packet))
  }
}
