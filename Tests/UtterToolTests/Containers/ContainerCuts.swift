import AudioTestSupport
import Foundation

/// Where a file is cut off.
struct ContainerCuts {
  /// Ten counts of bytes to keep, each at least 1 and less than the file's.
  let counts: [Int]
  /// Where packets begin, as far as the format lets see: behind the header for a start.
  let boundaries: Set<Int>
  private let header: Int
  private let byteCount: Int

  init(_ bytes: [UInt8], of kind: ContainerKind, using random: inout SeededGenerator) {
    let header = Self.headerEnd(bytes) ?? min(100, bytes.count / 2)
    self.header = header
    byteCount = bytes.count
    boundaries = Self.boundaries(bytes, kind, header: header)
    var counts = [1, max(2, header / 2), header, bytes.count - 1]
    let middle = boundaries.filter { $0 > bytes.count / 2 && $0 < bytes.count }.min()
    if let middle { counts.append(middle) }
    while counts.count < 10 { counts.append(Int.random(in: header..<bytes.count, using: &random)) }
    self.counts = counts
  }

  /// How much of what is behind the header is kept, 0 to 1.
  func part(_ count: Int) -> Double { Double(max(0, count - header)) / Double(byteCount - header) }

  /// Where the content begins, in the formats whose marks are plain to see.
  private static func headerEnd(_ bytes: [UInt8]) -> Int? {
    let start = bytes.starts(with: Array("ID3".utf8)) ? 10 + bytes[6..<10].reduce(0) { $0 << 7 | Int($1) } : 0
    func behind(_ mark: String, _ distance: Int) -> Int? {
      place(of: Array(mark.utf8), in: bytes, from: 0).map { $0 + distance }
    }
    switch String(decoding: bytes[start..<start + 4], as: UTF8.self) {
    case "RIFF", "RF64": return behind("data", 8)
    case "riff": return behind("data", 24)
    case "FORM": return behind("SSND", 16)
    case "caff": return behind("data", 16)
    case ".snd": return bytes[4..<8].reduce(0) { $0 << 8 | Int($1) }
    case "fLaC":
      var position = 4
      while position + 4 < bytes.count {
        let isLast = bytes[position] & 0x80 != 0
        position += 4 + bytes[position + 1..<position + 4].reduce(0) { $0 << 8 | Int($1) }
        if isLast { return position }
      }
      return nil
    case "OggS":
      // Behind the second page, where the third mark is.
      return place(of: Array("OggS".utf8), in: bytes, from: 0)
        .flatMap { place(of: Array("OggS".utf8), in: bytes, from: $0 + 1) }
        .flatMap { place(of: Array("OggS".utf8), in: bytes, from: $0 + 1) }
    default: break
    }
    if start > 0 { return start }
    // MP4's content, Matroska's first cluster.
    return behind("mdat", 4) ?? place(of: [0x1F, 0x43, 0xB6, 0x75], in: bytes, from: 0)
  }

  private static func place(of mark: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count >= mark.count, start <= bytes.count - mark.count else { return nil }
    return (start...bytes.count - mark.count).first { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }
  }

  private static func boundaries(_ bytes: [UInt8], _ kind: ContainerKind, header: Int) -> Set<Int> {
    func all(_ isBoundary: (Int) -> Bool) -> Set<Int> {
      Set((header..<max(header, bytes.count - 4)).filter(isBoundary))
    }
    switch kind.pathExtension {
    case "wav", "w64", "aiff", "au", "caf":
      guard let frameSize = kind.frameSize else { return [header] }
      return Set(stride(from: header, to: bytes.count, by: frameSize))
    case "ogg", "opus", "oga", "spx":
      return all { bytes[$0] == 0x4F && bytes[$0...].starts(with: "OggS".utf8) }
    case "flac":
      // The sync code, the code of the blocks' size and of the rate: all but the last frame have the same.
      return all { bytes[$0] == 0xFF && bytes[$0..<$0 + 3] == bytes[header..<header + 3] }
    case "ts":
      return Set(stride(from: 0, to: bytes.count, by: 188))
    case "mp3", "mp2", "aac", "ac3":
      // Of a frame whose header is not there whole, nobody can say that it is one.
      let starts = FrameWalk(bytes, from: bytes.starts(with: Array("ID3".utf8)) ? header : 0).starts
      return Set(starts.flatMap { $0..<$0 + 4 })
    case "mkv", "webm":
      // A SimpleBlock of the first track, by its mark, a size of one or two bytes, and the track.
      return all { bytes[$0] == 0xA3 && (bytes[$0 + 2] == 0x81 || bytes[$0 + 3] == 0x81) }
    default: return []
    }
  }
}

extension ContainerKind {
  /// The bytes of one sample frame of plain samples, or of one block of ADPCM; nil for other encodings.
  var frameSize: Int? {
    let encoding = options.firstIndex(of: "-c:a").map { options[$0 + 1] } ?? ""
    let sizes: [(String, Int)] = [
      ("pcm_u8", 1), ("pcm_mulaw", 1), ("pcm_alaw", 1), ("pcm_s16", 2), ("pcm_s24", 3), ("pcm_s32", 4), ("pcm_f32", 4),
      ("pcm_f64", 8),
    ]
    if let size = sizes.first(where: { encoding.hasPrefix($0.0) })?.1 { return size * channelCount }
    // ffmpeg's own blocks.
    return encoding.hasPrefix("adpcm_") ? 1_024 : maker == .ffmpeg ? nil : 2 * channelCount
  }
}

/// The frames of a stream of MPEG audio, ADTS or AC-3, each of which says how long it is.
struct FrameWalk {
  private(set) var starts: [Int] = []

  init(_ bytes: [UInt8], from start: Int) {
    var position = start
    while position + 7 <= bytes.count, let size = Self.size(bytes, position) {
      starts.append(position)
      position += size
    }
  }

  private static func size(_ bytes: [UInt8], _ place: Int) -> Int? {
    // ETSI TS 102 366, table F.7.1, for 48 kHz: so many words of 16 bits for each kbit/s.
    if bytes[place] == 0x0B, bytes[place + 1] == 0x77 {
      let rates = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640]
      return rates[Int(bytes[place + 4] & 0x3F) / 2] * 4
    }
    guard bytes[place] == 0xFF, bytes[place + 1] & 0xE0 == 0xE0 else { return nil }
    if bytes[place + 1] & 0xF6 == 0xF0 {
      // ISO/IEC 14496-3, 1.A.2.2: 13 bits.
      return Int(bytes[place + 3] & 3) << 11 | Int(bytes[place + 4]) << 3 | Int(bytes[place + 5]) >> 5
    }
    // ISO/IEC 11172-3, 2.4.2.3, and 13818-3.
    let isFirst = bytes[place + 1] & 0x18 == 0x18
    let isLayer2 = bytes[place + 1] & 6 == 4
    let rates =
      if isLayer2 {
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
      } else if isFirst {
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
      } else {
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
      }
    let divisor = bytes[place + 1] & 0x18 == 0 ? 4 : isFirst ? 1 : 2
    let (rateIndex, hertzIndex) = (Int(bytes[place + 2] >> 4), Int(bytes[place + 2] >> 2 & 3))
    guard rateIndex > 0, rateIndex < 15, hertzIndex < 3 else { return nil }
    let hertz = [44_100, 48_000, 32_000][hertzIndex] / divisor
    let slots = isLayer2 || isFirst ? 144_000 : 72_000
    return slots * rates[rateIndex] / hertz + Int(bytes[place + 2] >> 1 & 1)
  }
}
