/// Bytes of files that no library writes: with wrong, odd or missing fields.
enum MadeFile {
  static func little(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  static func big(_ value: UInt64, _ size: Int) -> [UInt8] { little(value, size).reversed() }

  static func mark(_ mark: String) -> [UInt8] { Array(mark.utf8) }

  /// The content of a WAV file's fmt chunk, and what differs from mono PCM16 at 16 kHz.
  static func waveFormat(
    tag: Int = 1, channels: Int = 1, rate: Int = 16_000, blockAlign: Int = 2, bits: Int = 16, extra: [UInt8] = []
  ) -> [UInt8] {
    little(UInt64(tag), 2) + little(UInt64(channels), 2) + little(UInt64(UInt32(truncatingIfNeeded: rate)), 4)
      + little(UInt64(truncatingIfNeeded: rate * blockAlign), 4) + little(UInt64(blockAlign), 2)
      + little(UInt64(bits), 2) + extra
  }

  /// A chunk of a RIFF file, padded to even length.
  static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    mark(name) + little(UInt64(content.count), 4) + content + (content.count % 2 == 0 ? [] : [0])
  }

  /// A WAV file. By default its size fields are right.
  ///
  /// - Parameters:
  ///   - before: Chunks between fmt and data.
  ///   - data: What follows the data chunk's head.
  static func wav(
    format: [UInt8] = waveFormat(), before: [UInt8] = [], data: [UInt8], dataSize: Int? = nil, riffSize: Int? = nil,
    after: [UInt8] = []
  ) -> [UInt8] {
    let content =
      mark("WAVE") + chunk("fmt ", format) + before + mark("data") + little(UInt64(dataSize ?? data.count), 4) + data
      + after
    return mark("RIFF") + little(UInt64(riffSize ?? content.count), 4) + content
  }

  /// An AIFF or AIFF-C file of PCM16.
  static func aiff(
    channels: Int = 1, commonFrames: Int, bits: Int = 16, rate: [UInt8] = rate16000, compression: String? = nil,
    data: [UInt8], soundSize: Int? = nil, isSoundFirst: Bool = false
  ) -> [UInt8] {
    let compressed = compression.map { mark($0) + [0, 0] } ?? []
    let common =
      mark("COMM") + big(UInt64(18 + compressed.count), 4) + big(UInt64(channels), 2)
      + big(UInt64(commonFrames), 4) + big(UInt64(bits), 2) + rate + compressed
    let sound = mark("SSND") + big(UInt64(soundSize ?? data.count + 8), 4) + [0, 0, 0, 0, 0, 0, 0, 0] + data
    let content = mark(compression == nil ? "AIFF" : "AIFC") + (isSoundFirst ? sound + common : common + sound)
    return mark("FORM") + big(UInt64(content.count), 4) + content
  }

  /// 16,000 as an 80-bit float: 1.953125 times 2 to the power of 13.
  static let rate16000: [UInt8] = [0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0]

  static func au(
    channels: Int = 1, rate: Int = 16_000, encoding: Int = 3, size: Int, offset: Int = 24, data: [UInt8]
  ) -> [UInt8] {
    mark(".snd") + big(UInt64(offset), 4) + big(UInt64(size), 4) + big(UInt64(encoding), 4) + big(UInt64(rate), 4)
      + big(UInt64(channels), 4) + [UInt8](repeating: 0, count: max(0, offset - 24)) + data
  }

  /// A CAF file of little-endian PCM16.
  static func caf(
    channels: Int = 1, rate: Double = 16_000, before: [UInt8] = [], size: Int64, data: [UInt8]
  ) -> [UInt8] {
    mark("caff") + [0, 1, 0, 0] + mark("desc") + big(32, 8) + big(rate.bitPattern, 8) + mark("lpcm") + big(2, 4)
      + big(UInt64(2 * channels), 4) + big(1, 4) + big(UInt64(channels), 4) + big(16, 4) + before + mark("data")
      + big(UInt64(bitPattern: size), 8) + [0, 0, 0, 0] + data
  }

  /// The first 42 bytes of a FLAC file.
  static func flac(channels: Int = 1, rate: Int = 16_000, frames: Int) -> [UInt8] {
    let packed = UInt64(rate) << 44 | UInt64(channels - 1) << 41 | 15 << 36 | UInt64(frames)
    return mark("fLaC") + [0x80] + big(34, 3) + big(4096, 2) + big(4096, 2) + big(0, 6) + big(packed, 8)
      + [UInt8](repeating: 0, count: 16)
  }

  /// An RF64 file of PCM16.
  static func rf64(longSize: UInt64, dataSize: Int = 0xFFFF_FFFF, name: String = "RF64", data: [UInt8]) -> [UInt8] {
    let ds64 = little(longSize, 8) + little(longSize, 8) + little(0, 8) + little(0, 4)
    return mark(name) + little(0xFFFF_FFFF, 4) + mark("WAVE") + chunk("ds64", ds64) + chunk("fmt ", waveFormat())
      + mark("data") + little(UInt64(dataSize), 4) + data
  }

  /// A Wave64 file of PCM16.
  static func wave64(
    size: UInt64, format: [UInt8] = waveFormat(), before: [UInt8] = [], data: [UInt8]
  ) -> [UInt8] {
    mark("riff") + [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0] + little(0, 8)
      + mark("wave") + guid + wave64Chunk("fmt ", format) + before + mark("data") + guid + little(size, 8) + data
  }

  static func wave64Chunk(_ name: String, _ content: [UInt8], size: Int? = nil) -> [UInt8] {
    mark(name) + guid + little(UInt64(size ?? content.count + 24), 8) + content
      + [UInt8](repeating: 0, count: -content.count & 7)
  }

  private static let guid: [UInt8] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A]

  /// The bytes of 16-bit samples.
  static func samples(_ samples: [Int16], isBigEndian: Bool = false) -> [UInt8] {
    samples.flatMap { isBigEndian ? big(UInt64(UInt16(bitPattern: $0)), 2) : little(UInt64(UInt16(bitPattern: $0)), 2) }
  }

  /// MPEG-1 layer III, mono at 44.1 kHz or 48 kHz: silent frames of 1,152 sample frames each, of these bit rates in
  /// kbit/s.
  static func mp3(bitRates: [Int], rate sampleRate: Int = 44_100) -> [UInt8] {
    let table = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    return bitRates.flatMap { rate -> [UInt8] in
      // 144 bytes a kbit/s and kHz, without padding. The rest of a frame of zeros decodes to silence.
      let size = 144_000 * rate / sampleRate
      return [0xFF, 0xFB, UInt8(table.firstIndex(of: rate)! + 1) << 4 | (sampleRate == 48_000 ? 4 : 0), 0xC4]
        + [UInt8](repeating: 0, count: size - 4)
    }
  }
}
