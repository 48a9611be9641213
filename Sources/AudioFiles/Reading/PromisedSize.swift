/// How long a file is by its own header, for formats of which ffmpeg does not say that their end is missing when it is
/// missing from between two packets on.
struct PromisedSize {
  /// In bytes, the header included.
  var byteCount: Int

  /// Reads the header of an AVI or ASF file (WMA), or the beginning of an MPEG transport stream; gives nil for other formats and where the header does not say.
  init?(_ file: InputFile) throws(AudioFileError.Problem) {
    let bytes = try file.bytes(0..<8_192)
    let header = HeaderFields(bytes: bytes, isBigEndian: false)
    if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "AVI ".utf8) {
      let size = header.unsigned32(at: 4)
      // What programs write that do not know it.
      guard size > 0, size < 0x7FFF_F000 else { return nil }
      byteCount = 8 + size
    } else if bytes.starts(with: Self.asfHeader), let place = Self.place(of: Self.asfFileProperties, in: bytes) {
      guard let size = Int(plausible: header.unsigned64(at: place + 40)), size > 0 else { return nil }
      let isBroadcast = header.unsigned32(at: place + 88) & 1 != 0
      if isBroadcast { return nil }
      byteCount = size
    } else if [0, 1, 2].allSatisfy({
      $0 * Self.transportPacket < bytes.count && bytes[$0 * Self.transportPacket] == 0x47
    }) {
      // All packets are of one size; ffmpeg does not tell when the last one is cut off with which something new begins.
      byteCount = (file.count + Self.transportPacket - 1) / Self.transportPacket * Self.transportPacket
    } else {
      return nil
    }
  }

  /// The bytes of a packet of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2).
  private static let transportPacket = 188

  /// "Advanced Systems Format (ASF) Specification", revision 01.20.03, 10.1 and 10.2; the fields of the second are in
  /// its 3.2.
  private static let asfHeader: [UInt8] = [
    0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C,
  ]
  private static let asfFileProperties: [UInt8] = [
    0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65,
  ]

  /// Where an object of 104 bytes lies whole.
  private static func place(of mark: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= 104 else { return nil }
    return (0...bytes.count - 104).first { bytes[$0...].starts(with: mark) }
  }
}
