/// What an encoder says in the first frame of an MPEG stream of how long it is (Xing, "Xing VBR header", 1997; LAME's
/// "Info" is the same).
struct XingHeader {
  /// Where the stream ends, as the header says.
  var end: Int
  /// Whether the file has fewer bytes than the header promises.
  var lacksBytes: Bool

  /// Reads the first frame behind ID3 tags; gives nil when there is no such header, or no count of bytes in it.
  init?(_ file: InputFile) throws(AudioFileError.Problem) {
    let start = try FileLayout.endOfID3Tag(file)
    let frame = try file.bytes(start..<start + 256)
    guard MPEGFrames.frame(frame, at: 0) != nil, frame.count == 256 else { return nil }
    // Behind the frame's own header comes what layer III calls side information: 17 or 32 bytes in MPEG-1 for one
    // channel or two, 9 or 17 in MPEG-2 (ISO/IEC 11172-3, 2.4.1.7; ISO/IEC 13818-3, 2.4.1.7).
    let isFirst = frame[1] & 0x18 == 0x18
    let isMono = frame[3] >> 6 == 3
    let place = 4 + (isFirst ? isMono ? 17 : 32 : isMono ? 9 : 17)
    let mark = frame[place..<place + 4]
    guard mark.elementsEqual("Xing".utf8) || mark.elementsEqual("Info".utf8) else { return nil }
    let fields = HeaderFields(bytes: frame, isBigEndian: true)
    let flags = fields.unsigned32(at: place + 4)
    // Bit 0: a count of frames; bit 1: one of bytes, from the start of this frame on.
    guard flags & 2 != 0 else { return nil }
    let byteCount = fields.unsigned32(at: place + 8 + (flags & 1 != 0 ? 4 : 0))
    end = start + byteCount
    lacksBytes = end > file.count
  }
}
