import AudioDSP

/// What stands before the samples in a file, and behind them.
///
/// Headers are written here and not by libsndfile, because libsndfile 1.2 gets AIFF files wrong that have an odd number
/// of bytes of samples or very few of them, and writes the time of day into RF64 files. FLAC, where there is more to
/// it, is all libsndfile's.
struct FileHeader {
  let container: AudioContainer
  let encoding: AudioEncoding
  let sampleRate: SampleRate
  let channelCount: Int

  /// - Throws: When the container cannot hold the encoding, or not so many channels.
  init(
    container: AudioContainer, encoding: AudioEncoding, sampleRate: SampleRate, channelCount: Int
  ) throws(AudioFileError.Problem) {
    let isFLAC = container == .flac
    let channelLimit = isFLAC ? 8 : AudioFileReader.maximumChannelCount
    guard (1...channelLimit).contains(channelCount), !isFLAC || encoding == .pcm16 || encoding == .pcm24 else {
      throw .cannotHold(container: container, encoding: encoding, channelCount: channelCount)
    }
    self.container = container
    self.encoding = encoding
    self.sampleRate = sampleRate
    self.channelCount = channelCount
  }

  /// The length of the header in bytes, whatever the number of samples.
  var byteCount: Int { bytes(frameCount: 0).count }

  /// How many bytes follow the samples to make their chunk's length even. (In Wave64 files a chunk starts at a multiple
  /// of 8, but none follows, and libsndfile would read the padding.)
  func paddingCount(frameCount: Int) -> Int {
    switch container {
    case .wav, .rf64, .aiff: dataSize(frameCount: frameCount) % 2
    case .w64, .au, .caf, .raw, .flac: 0
    }
  }

  /// The header for so many sample frames.
  func bytes(frameCount: Int) -> [UInt8] {
    switch container {
    case .wav: wav(frameCount)
    case .rf64: rf64(frameCount)
    case .w64: wave64(frameCount)
    case .aiff: aiff(frameCount)
    case .au: au(frameCount)
    case .caf: caf(frameCount)
    case .raw, .flac: []
    }
  }

  private var frameSize: Int { encoding.sampleSize * channelCount }
  private func dataSize(frameCount: Int) -> Int { frameSize * frameCount }
  private func paddedSize(_ frameCount: Int) -> Int {
    dataSize(frameCount: frameCount) + paddingCount(frameCount: frameCount)
  }

  // References are beside the readers of these headers.

  /// The content of a WAV file's fmt chunk.
  private var waveFormat: HeaderBytes {
    var format = HeaderBytes(isBigEndian: false)
    let tag =
      switch encoding {
      case .pcm16, .pcm24: 1
      case .float32: 3
      case .aLaw: 6
      case .muLaw: 7
      }
    format.append16(tag)
    format.append16(channelCount)
    format.append32(sampleRate.hertz)
    format.append32(sampleRate.hertz * frameSize)
    format.append16(frameSize)
    format.append16(8 * encoding.sampleSize)
    // All but PCM say how much more there is.
    if tag != 1 { format.append16(0) }
    return format
  }

  /// The fmt chunk, and for all but PCM the fact chunk with the number of sample frames.
  private func waveChunks(_ frameCount: Int) -> HeaderBytes {
    var chunks = HeaderBytes(isBigEndian: false)
    let format = waveFormat
    chunks.append("fmt ")
    chunks.append32(format.bytes.count)
    chunks.bytes += format.bytes
    if encoding != .pcm16 && encoding != .pcm24 {
      chunks.append("fact")
      chunks.append32(4)
      chunks.append32(min(frameCount, 0xFFFF_FFFF))
    }
    return chunks
  }

  private func wav(_ frameCount: Int) -> [UInt8] {
    let chunks = waveChunks(frameCount)
    var header = HeaderBytes(isBigEndian: false)
    header.append("RIFF")
    header.append32(4 + chunks.bytes.count + 8 + paddedSize(frameCount))
    header.append("WAVE")
    header.bytes += chunks.bytes
    header.append("data")
    header.append32(dataSize(frameCount: frameCount))
    return header.bytes
  }

  private func rf64(_ frameCount: Int) -> [UInt8] {
    let chunks = waveChunks(frameCount)
    var header = HeaderBytes(isBigEndian: false)
    header.append("RF64")
    header.append32(0xFFFF_FFFF)
    header.append("WAVE")
    header.append("ds64")
    header.append32(28)
    header.append64(4 + 8 + 28 + chunks.bytes.count + 8 + paddedSize(frameCount))
    header.append64(dataSize(frameCount: frameCount))
    header.append64(frameCount)
    header.append32(0)
    header.bytes += chunks.bytes
    header.append("data")
    header.append32(0xFFFF_FFFF)
    return header.bytes
  }

  private func wave64(_ frameCount: Int) -> [UInt8] {
    var body = HeaderBytes(isBigEndian: false)
    func begin(_ mark: String, size: Int) {
      body.append(mark)
      body.bytes += Wave64.inner
      body.append64(24 + size)
    }
    let format = waveFormat
    body.append("wave")
    body.bytes += Wave64.inner
    begin("fmt ", size: format.bytes.count)
    body.bytes += format.bytes
    body.pad(to: 8)
    begin("data", size: dataSize(frameCount: frameCount))
    var header = HeaderBytes(isBigEndian: false)
    header.append("riff")
    header.bytes += Wave64.outermost
    header.append64(24 + body.bytes.count + paddedSize(frameCount))
    return header.bytes + body.bytes
  }

  private func aiff(_ frameCount: Int) -> [UInt8] {
    let compression: String? =
      switch encoding {
      case .pcm16, .pcm24: nil
      case .float32: "fl32"
      case .muLaw: "ulaw"
      case .aLaw: "alaw"
      }
    var body = HeaderBytes(isBigEndian: true)
    body.append(compression == nil ? "AIFF" : "AIFC")
    if compression != nil {
      // The version of the AIFF-C specification, which is a date.
      body.append("FVER")
      body.append32(4)
      body.append32(0xA280_5140)
    }
    body.append("COMM")
    body.append32(compression == nil ? 18 : 24)
    body.append16(channelCount)
    body.append32(frameCount)
    body.append16(8 * encoding.sampleSize)
    // The sample rate as an 80-bit float: the exponent, then the mantissa with its highest bit set.
    let shift = UInt64(sampleRate.hertz).leadingZeroBitCount
    body.append16(16_383 + 63 - shift)
    body.append64(bits: UInt64(sampleRate.hertz) << UInt64(shift))
    if let compression {
      body.append(compression)
      // An empty name: its length, and a byte to make the length of the chunk even.
      body.append16(0)
    }
    body.append("SSND")
    body.append32(8 + dataSize(frameCount: frameCount))
    body.append32(0)
    body.append32(0)
    var header = HeaderBytes(isBigEndian: true)
    header.append("FORM")
    header.append32(body.bytes.count + paddedSize(frameCount))
    return header.bytes + body.bytes
  }

  private func au(_ frameCount: Int) -> [UInt8] {
    let number =
      switch encoding {
      case .muLaw: 1
      case .pcm16: 3
      case .pcm24: 4
      case .float32: 6
      case .aLaw: 27
      }
    var header = HeaderBytes(isBigEndian: true)
    header.append(".snd")
    header.append32(28)
    header.append32(dataSize(frameCount: frameCount))
    header.append32(number)
    header.append32(sampleRate.hertz)
    header.append32(channelCount)
    // An annotation of at least four bytes.
    header.append32(0)
    return header.bytes
  }

  private func caf(_ frameCount: Int) -> [UInt8] {
    // For lpcm: 1 for floating point, 2 for little-endian.
    let (codec, flags) =
      switch encoding {
      case .pcm16, .pcm24: ("lpcm", 2)
      case .float32: ("lpcm", 3)
      case .muLaw: ("ulaw", 0)
      case .aLaw: ("alaw", 0)
      }
    var header = HeaderBytes(isBigEndian: true)
    header.append("caff")
    header.append16(1)
    header.append16(0)
    header.append("desc")
    header.append64(32)
    header.append64(bits: Double(sampleRate.hertz).bitPattern)
    header.append(codec)
    header.append32(flags)
    header.append32(frameSize)
    header.append32(1)
    header.append32(channelCount)
    header.append32(8 * encoding.sampleSize)
    header.append("data")
    header.append64(4 + dataSize(frameCount: frameCount))
    header.append32(0)
    return header.bytes
  }
}

extension AudioContainer {
  /// Whether samples are stored with the high byte first.
  var isBigEndian: Bool {
    switch self {
    case .aiff, .au, .flac: true
    case .wav, .rf64, .w64, .caf, .raw: false
    }
  }
}

/// The marks of Wave64: GUIDs that begin with four characters and go on like this.
enum Wave64 {
  static let outermost: [UInt8] = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00]
  static let inner: [UInt8] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A]
}

/// Numbers and marks, one after the other.
private struct HeaderBytes {
  var bytes: [UInt8] = []
  let isBigEndian: Bool

  init(isBigEndian: Bool) {
    self.isBigEndian = isBigEndian
  }

  mutating func append(_ mark: String) { bytes += mark.utf8 }

  // Higher bits than fit are left out.
  mutating func append16(_ value: Int) { append(UInt64(value), size: 2) }
  mutating func append32(_ value: Int) { append(UInt64(value), size: 4) }
  mutating func append64(_ value: Int) { append(UInt64(value), size: 8) }
  mutating func append64(bits: UInt64) { append(bits, size: 8) }

  mutating func pad(to multiple: Int) {
    while !bytes.count.isMultiple(of: multiple) { bytes.append(0) }
  }

  private mutating func append(_ value: UInt64, size: Int) {
    for i in 0..<size {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * (isBigEndian ? size - 1 - i : i))))
    }
  }
}
