/// The frames of MPEG audio: layers I to III (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-3, 2.4.2.3), ADTS (ISO/IEC
/// 14496-3, 1.A.2.2) and LOAS (ISO/IEC 14496-3, 1.7.2).
enum MPEGFrames {
  /// No frame has more bytes: one of ADTS has up to 8,191.
  static let searchLimit = 1 << 13

  /// Where frames begin: where three of one kind follow each other, or as many as there are. A stream of a radio
  /// station may begin anywhere in a frame.
  static func start(_ bytes: [UInt8]) -> Int? {
    (0..<min(bytes.count, searchLimit)).first { hasFrames(bytes, at: $0) }
  }

  private static func hasFrames(_ bytes: [UInt8], at start: Int) -> Bool {
    var position = start
    var kind: Int?
    for count in 0..<3 {
      // A short file may have one frame alone. Then it begins with it.
      if position + 4 > bytes.count { return count > 0 && start == 0 }
      guard let frame = frame(bytes, at: position), kind == nil || kind == frame.kind else { return false }
      kind = frame.kind
      position += frame.size
    }
    return true
  }

  /// The size of the frame that begins at a position, and the bits of its header that stay the same in a stream.
  static func frame(_ bytes: [UInt8], at position: Int) -> (size: Int, kind: Int)? {
    guard position + 4 <= bytes.count, bytes[position + 1] & 0xE0 == 0xE0 else { return nil }
    if bytes[position] == 0x56 { return (3 + (Int(bytes[position + 1] & 0x1F) << 8) + Int(bytes[position + 2]), -1) }
    guard bytes[position] == 0xFF else { return nil }
    let (second, third) = (Int(bytes[position + 1]), Int(bytes[position + 2]))
    let layer = 4 - (second >> 1 & 3)
    // ADTS has all twelve bits of sync and 0 where others have the layer.
    if layer == 4 {
      guard second & 0xF0 == 0xF0, position + 6 <= bytes.count, third >> 2 & 15 < 13 else { return nil }
      let size = Int(bytes[position + 3] & 3) << 11 | Int(bytes[position + 4]) << 3 | Int(bytes[position + 5]) >> 5
      return size >= 7 ? (size, second << 8 | third & 0xFC) : nil
    }
    let version = second >> 3 & 3
    let (rateIndex, sampleRateIndex) = (third >> 4, third >> 2 & 3)
    guard version != 1, (1...14).contains(rateIndex), sampleRateIndex != 3 else { return nil }
    let isFirst = version == 3
    // kbit/s: of MPEG-1 by layer, of MPEG-2 and 2.5 of layer I and of the others.
    let rates =
      switch (isFirst, layer) {
      case (true, 1): [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448]
      case (true, 2): [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
      case (true, _): [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
      case (false, 1): [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
      case (false, _): [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
      }
    let hertz = [44_100, 48_000, 32_000][sampleRateIndex] >> (isFirst ? 0 : version == 2 ? 1 : 2)
    let padding = third >> 1 & 1
    let bits = rates[rateIndex - 1] * 1_000
    let size =
      switch (layer, isFirst) {
      case (1, _): (12 * bits / hertz + padding) * 4
      case (3, false): 72 * bits / hertz + padding
      default: 144 * bits / hertz + padding
      }
    // Version, layer, sample rate; the bit rate may change.
    return (size, (second & 0xFE) << 8 | sampleRateIndex)
  }
}
