/// Finds audio behind the end that a file's header gives: a recording that was appended to another, as `cat` does, or
/// the rest of one whose header was never mended.
enum UnreadBytes {
  /// How recordings begin that may follow another.
  private static let marks = ["RIFF", "RIFX", "RF64", "riff", "FORM", ".snd", "caff", "fLaC", "OggS"].map {
    Array($0.utf8)
  }

  /// A FLAC stream's mark and the header of its first block, which has 34 bytes (RFC 9639, 6 and 8.1).
  private static let flacStart = Array("fLaC".utf8) + [0, 0, 0, 34]

  /// What follows plain samples that end at `end`.
  ///
  /// - Parameter isRIFF: Whether chunks may follow, and nothing else.
  static func behindSamples(_ file: InputFile, at end: Int, isRIFF: Bool) throws(AudioFileError.Problem) -> Range<Int>?
  {
    // A chunk begins at an even place, which not all programs know.
    let bytes = try file.bytes(end..<end + 16)
    guard bytes.count == 16 else { return nil }
    if let shift = (0...1).first(where: { shift in marks.contains { bytes.dropFirst(shift).starts(with: $0) } }) {
      return end + shift..<file.count
    }
    let isChunk = (0...1).contains { shift in bytes[shift..<shift + 4].allSatisfy { (0x20..<0x7F).contains($0) } }
    // Files are filled up with zeros to the end of a sector.
    return isRIFF && !isChunk && bytes.contains { $0 != 0 } ? end..<file.count : nil
  }

  /// What follows an MPEG stream that ends at `end`: frames, or an ID3 tag that stands before some. Other tags are no
  /// loss.
  static func behindMPEG(_ file: InputFile, at end: Int) throws(AudioFileError.Problem) -> Range<Int>? {
    let bytes = try file.bytes(end..<end + 4_096)
    let isAudio = bytes.starts(with: "ID3".utf8) || MPEGFrames.start(bytes) == 0
    return isAudio ? end..<file.count : nil
  }

  /// Another FLAC stream from `start` on.
  static func behindFLAC(_ file: InputFile, from start: Int) throws(AudioFileError.Problem) -> Range<Int>? {
    var position = start
    while position + flacStart.count <= file.count {
      let bytes = try file.bytes(position..<position + 1 << 16)
      var rest = bytes[...]
      while let place = rest.firstIndex(of: flacStart[0]) {
        if rest[place...].starts(with: flacStart) { return position + place..<file.count }
        rest = rest[(place + 1)...]
      }
      // The mark may lie across the pieces' border.
      position += max(1, bytes.count - flacStart.count + 1)
    }
    return nil
  }
}
