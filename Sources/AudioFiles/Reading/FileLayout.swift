import AudioDSP
import CSndFile

/// What a file's header says.
///
/// Headers are read here and not by libsndfile alone, because libsndfile 1.2 takes what is in the file for what was
/// promised, and gives up on, reads nothing of, or does not return from files that were cut off or written to a pipe.
/// Where the samples are plain numbers, libsndfile is shown nothing but them.
struct FileLayout {
  /// The format's name, for messages.
  var container: String
  var channelCount: Int
  var hertz: Int
  /// How many sample frames the header promises; nil when it does not say.
  var promisedFrameCount: Int?
  /// Where the samples are, if they are plain numbers.
  var plain: PlainSamples?
  /// Where the samples are, if they are compressed in blocks of one size.
  var blocked: BlockedSamples?
  /// Where the samples end by the header, if they are compressed and it says so; at most the file's length where all of
  /// them are there.
  var compressedEnd: Int?

  /// Whether a byte may follow the samples to make the file's size even.
  var isPadded: Bool { ["WAV", "RF64", "AIFF"].contains(container) }

  /// Reads the header of a file; gives nil for a format of which nothing is known here.
  init?(_ source: any HeaderSource) throws(AudioFileError.Problem) {
    let start = try Self.endOfID3Tag(source)
    let magic = try source.bytes(start..<start + 4)
    func reader(_ container: String, isBigEndian: Bool) -> HeaderReader {
      HeaderReader(source: source, start: start, container: container, isBigEndian: isBigEndian)
    }
    switch String(decoding: magic, as: UTF8.self) {
    case "RIFF": try self.init(riff: reader("WAV", isBigEndian: false))
    case "RIFX": try self.init(riff: reader("WAV", isBigEndian: true))
    case "RF64", "BW64": try self.init(riff: reader("RF64", isBigEndian: false))
    case "riff": try self.init(wave64: reader("W64", isBigEndian: false))
    case "FORM": try self.init(aiff: reader("AIFF", isBigEndian: true))
    case ".snd": try self.init(au: reader("AU", isBigEndian: true))
    case "dns.": try self.init(au: reader("AU", isBigEndian: false))
    case "caff": try self.init(caf: reader("CAF", isBigEndian: true))
    case "fLaC": try self.init(flac: reader("FLAC", isBigEndian: true))
    default: return nil
    }
  }

  init(container: String, channelCount: Int, hertz: Int) {
    self.container = container
    self.channelCount = channelCount
    self.hertz = hertz
  }

  /// Sets where plain samples are and how many are promised.
  ///
  /// - Parameter byteCount: What the header says of their length; nil when it does not.
  mutating func setPlain(
    _ header: HeaderReader, encoding: PlainSamples.Encoding, offset: Int, byteCount: Int?
  ) throws(AudioFileError.Problem) {
    try header.skip(to: offset, "before the samples")
    let plain = PlainSamples(
      encoding: encoding, isBigEndian: header.isBigEndian, channelCount: channelCount, offset: header.start + offset,
      byteCount: byteCount)
    promisedFrameCount = byteCount.map { $0 / plain.frameSize }
    self.plain = plain
  }

  /// Where the file's own format starts: behind ID3v2 tags (id3.org, "ID3 tag version 2.4.0", 3.1), which some programs
  /// put in front of any format.
  static func endOfID3Tag(_ file: any HeaderSource) throws(AudioFileError.Problem) -> Int {
    var start = 0
    while true {
      let tag = try file.bytes(start..<start + 10)
      guard tag.count == 10, tag.starts(with: "ID3".utf8), tag[6...].allSatisfy({ $0 < 0x80 }) else { return start }
      let size = tag[6...].reduce(0) { $0 << 7 | Int($1) }
      start += 10 + size + (tag[5] & 0x10 != 0 ? 10 : 0)
    }
  }
}

/// Samples that are stored one after the other, interleaved, without compression but for G.711.
struct PlainSamples: Equatable {
  enum Encoding: Equatable {
    case signed8, unsigned8, signed16, signed24, signed32, float32, float64, muLaw, aLaw

    /// The bytes of one sample.
    var sampleSize: Int {
      switch self {
      case .signed8, .unsigned8, .muLaw, .aLaw: 1
      case .signed16: 2
      case .signed24: 3
      case .signed32, .float32: 4
      case .float64: 8
      }
    }

    /// A signed integer of so many bytes.
    init?(signedSize: Int) {
      switch signedSize {
      case 1: self = .signed8
      case 2: self = .signed16
      case 3: self = .signed24
      case 4: self = .signed32
      default: return nil
      }
    }

    fileprivate var subtype: Int {
      switch self {
      case .signed8: SF_FORMAT_PCM_S8
      case .unsigned8: SF_FORMAT_PCM_U8
      case .signed16: SF_FORMAT_PCM_16
      case .signed24: SF_FORMAT_PCM_24
      case .signed32: SF_FORMAT_PCM_32
      case .float32: SF_FORMAT_FLOAT
      case .float64: SF_FORMAT_DOUBLE
      case .muLaw: SF_FORMAT_ULAW
      case .aLaw: SF_FORMAT_ALAW
      }
    }
  }

  var encoding: Encoding
  var isBigEndian: Bool
  var channelCount: Int
  /// Where they start in the file.
  var offset: Int
  /// How many bytes the header promises; nil for all to the end of the file.
  var byteCount: Int?

  /// The bytes of one sample frame.
  var frameSize: Int { encoding.sampleSize * channelCount }

  /// libsndfile's number for them.
  var format: Int {
    SF_FORMAT_RAW | encoding.subtype | (isBigEndian ? SF_ENDIAN_BIG : SF_ENDIAN_LITTLE)
  }
}
