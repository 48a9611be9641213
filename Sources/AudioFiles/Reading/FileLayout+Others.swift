import AudioDSP

// AIFF (Apple, "Audio Interchange File Format 1.3", 1989; "AIFF-C", draft of 1991), AU (Sun, NeXT), CAF (Apple, "Core
// Audio Format specification 1.0") and FLAC (RFC 9639).

extension FileLayout {
  init?(aiff header: HeaderReader) throws(AudioFileError.Problem) {
    let top = try header.fields(0..<12, "inside the file's own mark")
    let isCompressible = top.mark(at: 8) == "AIFC"
    guard isCompressible || top.mark(at: 8) == "AIFF" else { return nil }
    var common: CommonChunk?
    var samples: (offset: Int, byteCount: Int?)?
    var position = 12
    var missing: String { samples == nil ? "before the SSND chunk" : "before the COMM chunk" }
    for _ in 0..<maximumChunkCount {
      let chunk = try header.fields(position..<position + 8, missing)
      let mark = chunk.mark(at: 0)
      let size = chunk.unsigned32(at: 4)
      let content = position + 8
      switch mark {
      case "COMM":
        let chunk = try CommonChunk(header, content..<content + size, isCompressible: isCompressible)
        if common == nil, samples == nil, chunk.encoding != nil { header.source.headerIsUnderstood() }
        common = common ?? chunk
      case "SSND":
        let offset = try header.fields(content..<content + 8, "inside the SSND chunk").unsigned32(at: 0)
        samples = (content + 8 + offset, size > 8 + offset && size < 0xFFFF_FF00 ? size - 8 - offset : nil)
      default:
        break
      }
      if let common, let samples {
        try self.init(header, common, offset: samples.offset, byteCount: samples.byteCount)
        return
      }
      position = content + size + (size & 1)
      try header.skip(to: position, missing)
    }
    throw header.unreadable("it has more than \(maximumChunkCount) chunks before the data")
  }

  private init(
    _ header: HeaderReader, _ common: CommonChunk, offset: Int, byteCount: Int?
  ) throws(AudioFileError.Problem) {
    self.init(container: header.container, channelCount: common.channelCount, hertz: common.hertz)
    guard let encoding = common.encoding else {
      compressedEnd = byteCount.map { header.start + offset + $0 }
      return
    }
    // The specification has the COMM chunk's count govern. But it is not believed where it is more than the SSND chunk
    // holds.
    let fromCommon = common.frameCount.map { $0 * encoding.sampleSize * channelCount }
    let believed = byteCount.flatMap { size in fromCommon.map { min(size, $0) } }
    try setPlain(header, encoding: encoding, offset: offset, byteCount: believed ?? byteCount ?? fromCommon)
    if common.isLittleEndian { plain?.isBigEndian = false }
  }

  init(au header: HeaderReader) throws(AudioFileError.Problem) {
    let fields = try header.fields(0..<24, "inside its 24 bytes of fields")
    let offset = fields.unsigned32(at: 4)
    let size = fields.unsigned32(at: 8)
    self.init(container: header.container, channelCount: fields.unsigned32(at: 20), hertz: fields.unsigned32(at: 16))
    try header.checked(channelCount: channelCount, hertz: hertz)
    guard offset >= 24 else { throw header.unreadable("it says that the samples start inside of it") }
    let encoding: PlainSamples.Encoding? =
      switch fields.unsigned32(at: 12) {
      case 1: .muLaw
      case 2: .signed8
      case 3: .signed16
      case 4: .signed24
      case 5: .signed32
      case 6: .float32
      case 7: .float64
      case 27: .aLaw
      default: nil
      }
    let byteCount = size == 0 || size == 0xFFFF_FFFF ? nil : size
    guard let encoding else {
      compressedEnd = byteCount.map { header.start + offset + $0 }
      return
    }
    header.source.headerIsUnderstood()
    try setPlain(header, encoding: encoding, offset: offset, byteCount: byteCount)
  }

  init(caf header: HeaderReader) throws(AudioFileError.Problem) {
    // The first chunk, which begins behind eight bytes of mark and version, is the description.
    let description = try header.fields(8..<52, "inside the desc chunk")
    guard description.mark(at: 0) == "desc", description.unsigned64(at: 4) == 32 else {
      throw header.unreadable("it does not begin with a desc chunk")
    }
    let hertz = Double(bitPattern: description.unsigned64(at: 12))
    let codec = description.mark(at: 20)
    let flags = description.unsigned32(at: 24)
    let packetSize = description.unsigned32(at: 28)
    let packetFrameCount = description.unsigned32(at: 32)
    let bits = description.unsigned32(at: 40)
    self.init(
      container: header.container, channelCount: description.unsigned32(at: 36), hertz: Int(roundedRate: hertz))
    try header.checked(channelCount: channelCount, hertz: self.hertz)
    let encoding: PlainSamples.Encoding? =
      switch (codec, flags & 1, bits) {
      case ("lpcm", 1, 32): .float32
      case ("lpcm", 1, 64): .float64
      case ("lpcm", 0, 8), ("lpcm", 0, 16), ("lpcm", 0, 24), ("lpcm", 0, 32):
        PlainSamples.Encoding(signedSize: bits / 8)
      case ("ulaw", _, _): .muLaw
      case ("alaw", _, _): .aLaw
      default: nil
      }
    let plainEncoding = encoding.flatMap {
      packetSize == $0.sampleSize * channelCount && packetFrameCount == 1 ? $0 : nil
    }
    if plainEncoding != nil { header.source.headerIsUnderstood() }

    var position = 52
    for _ in 0..<maximumChunkCount {
      let chunk = try header.fields(position..<position + 12, "before the data chunk")
      let mark = chunk.mark(at: 0)
      let size = Int(plausible: chunk.unsigned64(at: 4))
      let content = position + 12
      if mark == "data" {
        // An edit count of four bytes comes before the samples, and is counted.
        let byteCount = size.flatMap { $0 > 4 ? $0 - 4 : nil }
        guard let plainEncoding else {
          compressedEnd = byteCount.map { header.start + content + 4 + $0 }
          return
        }
        try setPlain(header, encoding: plainEncoding, offset: content + 4, byteCount: byteCount)
        if codec == "lpcm" && flags & 2 != 0 { plain?.isBigEndian = false }
        return
      }
      guard let size else { throw header.unreadable("the size of its \(mark) chunk is wrong") }
      position = content + size
      try header.skip(to: position, "inside the \(mark) chunk")
    }
    throw header.unreadable("it has more than \(maximumChunkCount) chunks before the data")
  }

  init(flac header: HeaderReader) throws(AudioFileError.Problem) {
    let fields = try header.fields(4..<42, "inside the STREAMINFO block")
    guard fields.bytes[0] & 0x7F == 0 else { throw header.unreadable("it does not begin with a STREAMINFO block") }
    // 20 bits sample rate, 3 bits channels less 1, 5 bits sample size less 1, 36 bits sample frames.
    let packed = fields.unsigned64(at: 14)
    let count = Int(packed & (1 << 36 - 1))
    self.init(container: header.container, channelCount: Int(packed >> 41 & 7) + 1, hertz: Int(packed >> 44))
    try header.checked(channelCount: channelCount, hertz: hertz)
    promisedFrameCount = count == 0 ? nil : count
  }
}

/// The content of an AIFF file's COMM chunk.
private struct CommonChunk {
  let channelCount: Int
  /// Nil when the program that wrote it did not know.
  let frameCount: Int?
  let hertz: Int
  /// Nil for what is compressed.
  let encoding: PlainSamples.Encoding?
  let isLittleEndian: Bool

  init(_ header: HeaderReader, _ range: Range<Int>, isCompressible: Bool) throws(AudioFileError.Problem) {
    let size = isCompressible ? 22 : 18
    guard range.count >= size else { throw header.unreadable("its COMM chunk is too short") }
    let fields = try header.fields(range.prefix(size), "inside the COMM chunk")
    channelCount = fields.unsigned16(at: 0)
    let count = fields.unsigned32(at: 2)
    frameCount = count == 0 || count == 0xFFFF_FFFF ? nil : count
    let bits = fields.unsigned16(at: 6)
    // An 80-bit float: sign and exponent, then 64 bits of mantissa.
    let exponent = fields.unsigned16(at: 8)
    let mantissa = fields.unsigned64(at: 10)
    hertz = Int(roundedRate: Double(mantissa) * .powerOfTwo(exponent - 16_383 - 63))
    try header.checked(channelCount: channelCount, hertz: hertz)

    let compression = isCompressible ? fields.mark(at: 18) : "NONE"
    let signed = PlainSamples.Encoding(signedSize: (bits + 7) / 8)
    isLittleEndian = ["sowt", "23ni", "42ni"].contains(compression)
    encoding =
      switch compression {
      case "NONE", "twos", "sowt", "in24", "in32", "42ni", "23ni": signed
      case "raw ": bits <= 8 ? .unsigned8 : nil
      case "fl32", "FL32": .float32
      case "fl64", "FL64": .float64
      case "ulaw", "ULAW": .muLaw
      case "alaw", "ALAW": .aLaw
      default: nil
      }
  }
}

extension Int {
  /// A sample rate that is stored as a fraction; 0 for what is no rate.
  fileprivate init(roundedRate rate: Double) {
    self = rate.isFinite && (0...Double(Int32.max)).contains(rate) ? Int(rate.rounded()) : 0
  }
}

extension Double {
  /// 2 to an integer power; 0 or infinity where that is out of range.
  fileprivate static func powerOfTwo(_ exponent: Int) -> Double {
    exponent < -1_022 ? 0 : exponent > 1_023 ? .infinity : Double(sign: .plus, exponent: exponent, significand: 1)
  }
}
