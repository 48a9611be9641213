import AudioDSP

// WAV (Microsoft, IBM, "Multimedia Programming Interface and Data Specifications 1.0", 1991; "Multiple channel audio
// data and WAVE files", 2001), RF64 (EBU Tech 3306, ITU-R BS.2088) and Wave64 (Sony, "Sony Wave64 (.w64)
// specification", 2001).

extension FileLayout {
  init?(riff header: HeaderReader) throws(AudioFileError.Problem) {
    let top = try header.fields(0..<12, "inside the file's own mark")
    guard top.mark(at: 8) == "WAVE" else { return nil }
    var format: WaveFormat?
    var longSize: UInt64?
    var position = 12
    for _ in 0..<maximumChunkCount {
      let chunk = try header.fields(position..<position + 8, "before the data chunk")
      let mark = chunk.mark(at: 0)
      let size = chunk.unsigned32(at: 4)
      let content = position + 8
      switch mark {
      case "ds64":
        guard size >= 24 else { throw header.unreadable("its ds64 chunk is too short") }
        longSize = try header.fields(content..<content + 24, "inside the ds64 chunk").unsigned64(at: 8)
      case "fmt " where format == nil:
        format = try WaveFormat(header, content..<content + size)
      case "data":
        guard let format else { throw header.unreadable("its data chunk comes before its fmt chunk") }
        let byteCount: Int?
        if let longSize, size == 0xFFFF_FFFF {
          byteCount = longSize == 0 ? nil : Int(plausible: longSize)
        } else if size == 0, try Self.isChunkAtEnd(content, header, riffSize: top.unsigned32(at: 4)) {
          byteCount = 0
        } else {
          byteCount = Self.isPlaceholder(size) ? nil : size
        }
        try self.init(header, format, offset: content, byteCount: byteCount)
        return
      default:
        break
      }
      position = content + size + (size & 1)
      try header.skip(to: position, "inside the \(mark) chunk")
    }
    throw header.unreadable("it has more than \(maximumChunkCount) chunks before the data")
  }

  init?(wave64 header: HeaderReader) throws(AudioFileError.Problem) {
    let top = try header.fields(0..<40, "inside the file's own mark")
    let isWave = top.mark(at: 24) == "wave" && top.bytes[28...].elementsEqual(Wave64.inner)
    guard isWave, top.bytes[4..<16].elementsEqual(Wave64.outermost) else { return nil }
    var format: WaveFormat?
    var position = 40
    for _ in 0..<maximumChunkCount {
      let chunk = try header.fields(position..<position + 24, "before the data chunk")
      let mark = chunk.bytes[4..<16].elementsEqual(Wave64.inner) ? chunk.mark(at: 0) : "unknown"
      let content = position + 24
      // A chunk's size counts its mark and the size itself.
      let size = Int(plausible: chunk.unsigned64(at: 16)).map { $0 - 24 }
      if mark == "data" {
        guard let format else { throw header.unreadable("its data chunk comes before its fmt chunk") }
        try self.init(header, format, offset: content, byteCount: size.flatMap { $0 > 0 ? $0 : nil })
        return
      }
      guard let size, size >= 0 else { throw header.unreadable("the size of its \(mark) chunk is wrong") }
      if mark == "fmt ", format == nil { format = try WaveFormat(header, content..<content + size) }
      position = (content + size + 7) & ~7
      try header.skip(to: position, "inside the \(mark) chunk")
    }
    throw header.unreadable("it has more than \(maximumChunkCount) chunks before the data")
  }

  private init(
    _ header: HeaderReader, _ format: WaveFormat, offset: Int, byteCount: Int?
  ) throws(AudioFileError.Problem) {
    self.init(container: header.container, channelCount: format.channelCount, hertz: format.hertz)
    if let encoding = format.encoding {
      try setPlain(header, encoding: encoding, offset: offset, byteCount: byteCount)
    } else if let block = format.block {
      let samples = BlockedSamples(block: block, offset: header.start + offset, byteCount: byteCount)
      promisedFrameCount = byteCount.flatMap { block.frameCount(of: $0) }
      blocked = samples
    } else {
      compressedEnd = byteCount.map { header.start + offset + $0 }
    }
  }

  /// Whether what lies at `offset` is a chunk that ends with the file, as behind data that is truly empty; samples follow
  /// where a program never mended the size.
  ///
  /// - Parameter riffSize: The file's own size of itself less 8, which has to do where the end is not known, in a pipe.
  private static func isChunkAtEnd(
    _ offset: Int, _ header: HeaderReader, riffSize: Int
  ) throws(AudioFileError.Problem) -> Bool {
    // Not by asking how far the file goes: of a stream, that would pass over the samples.
    let start = header.start + offset
    let bytes = try header.source.bytes(start..<start + 8)
    guard bytes.count == 8 else { return bytes.isEmpty }
    let size = HeaderFields(bytes: bytes, isBigEndian: header.isBigEndian).unsigned32(at: 4)
    return bytes.prefix(4).allSatisfy { (0x20..<0x7F).contains($0) }
      && offset + 8 + size + (size & 1) == header.knownCount ?? riffSize + 8
  }

  /// Whether a 32-bit size was written by a program that did not know it: ffmpeg and GStreamer leave all ones and 0,
  /// SoX and arecord about 2 GiB.
  private static func isPlaceholder(_ size: Int) -> Bool {
    switch size {
    case 0, 0x7FFF_F000, 0x7FFF_FF00...0x8000_0000, 0xFFFF_FF00...0xFFFF_FFFF: true
    default: false
    }
  }
}

/// No header has more chunks before its samples; a bound for files that are no files of samples.
let maximumChunkCount = 10_000

/// The content of a fmt chunk.
private struct WaveFormat {
  let channelCount: Int
  let hertz: Int
  /// Nil for what is compressed.
  let encoding: PlainSamples.Encoding?
  /// For formats that compress block by block.
  let block: BlockedSamples.Block?

  init(_ header: HeaderReader, _ range: Range<Int>) throws(AudioFileError.Problem) {
    guard range.count >= 16 else { throw header.unreadable("its fmt chunk is too short") }
    let used = range.prefix(40)
    let fields = try header.fields(used, "inside the fmt chunk")
    var tag = fields.unsigned16(at: 0)
    channelCount = fields.unsigned16(at: 2)
    hertz = fields.unsigned32(at: 4)
    let blockSize = fields.unsigned16(at: 12)
    let bits = fields.unsigned16(at: 14)
    try header.checked(channelCount: channelCount, hertz: hertz)
    if tag == 0xFFFE, used.count == 40 {
      // The tag is the head of a GUID whose tail says whose it is: Microsoft's, or that of ambisonic B-format.
      let tails: [[UInt8]] = [
        [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71],
        [0x00, 0x00, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0x00, 0x00, 0x00],
      ]
      if tails.contains(where: fields.bytes[26...].elementsEqual) { tag = fields.unsigned16(at: 24) }
    }
    // A sample lies at the high end of its bytes, of which there may be more than its bits need. Programs are known to
    // get the block size wrong.
    let needed = (bits + 7) / 8
    let divided = blockSize.isMultiple(of: channelCount) ? blockSize / channelCount : 0
    let sampleSize = (needed...max(needed, 4)).contains(divided) ? divided : needed
    encoding =
      switch (tag, sampleSize) {
      case (1, 1): .unsigned8
      case (1, let size): PlainSamples.Encoding(signedSize: size)
      case (3, 4): .float32
      case (3, 8): .float64
      case (6, 1): .aLaw
      case (7, 1): .muLaw
      default: nil
      }
    if encoding != nil { header.source.headerIsUnderstood() }
    let kind: BlockedSamples.Block.Kind? =
      switch tag {
      case 0x02: .microsoftADPCM
      case 0x11: .imaADPCM
      case 0x31: .gsm
      default: nil
      }
    let isInBlocks = used.count >= 20 && blockSize > 0
    block = kind.flatMap { [channelCount] kind in
      isInBlocks
        ? BlockedSamples.Block(
          kind: kind, channelCount: channelCount, byteCount: blockSize, frameCount: fields.unsigned16(at: 18))
        : nil
    }
  }
}

extension Int {
  /// A file's or chunk's 64-bit size; nil for one that no file has, with which programs say that they did not know.
  init?(plausible size: UInt64) {
    guard size < 1 << 60 else { return nil }
    self = Int(size)
  }
}
