/// By what the formats are known that are copied to a temporary file, because their decoders go back and forth.
///
/// What begins like none of them is not copied: it may have no end.
enum FileSignature {
  /// Bytes at a place near the beginning.
  private struct Mark {
    var offset = 0
    var bytes: [UInt8]
    /// A second part, for marks that are too short to be telling.
    var also: (offset: Int, bytes: [UInt8])?

    init(_ text: String, at offset: Int = 0, also: (offset: Int, String)? = nil) {
      self.init(Array(text.utf8), at: offset, also: also.map { ($0.offset, Array($0.1.utf8)) })
    }

    init(_ bytes: [UInt8], at offset: Int = 0, also: (offset: Int, bytes: [UInt8])? = nil) {
      self.offset = offset
      self.bytes = bytes
      self.also = also
    }

    func matches(_ prefix: [UInt8]) -> Bool {
      prefix.dropFirst(offset).starts(with: bytes)
        && also.map { prefix.dropFirst($0.offset).starts(with: $0.bytes) } ?? true
    }
  }

  private static let marks: [Mark] = [
    // RFC 9639, 6; RFC 3533, 6; "ID3 tag version 2.4.0", 3.1, which comes before MPEG streams above all.
    Mark("fLaC"), Mark("OggS"), Mark("ID3"),
    // RIFF, IFF and Wave64 files whose samples are compressed or come first; libsndfile reads more of the IFF family.
    Mark("RIFF"), Mark("RIFX"), Mark("RF64"), Mark("BW64"), Mark("riff"), Mark("FORM"), Mark("caff"), Mark(".snd"),
    Mark("dns."),
    // ISO/IEC 14496-12, 4.3, and the boxes with which older QuickTime files begin ("QuickTime File Format").
    Mark("ftyp", at: 4), Mark("moov", at: 4), Mark("mdat", at: 4), Mark("wide", at: 4), Mark("free", at: 4),
    Mark("skip", at: 4),
    // RFC 8794, 11.2: Matroska and WebM.
    Mark([0x1A, 0x45, 0xDF, 0xA3]),
    // Microsoft, "Advanced Systems Format (ASF) Specification", 10.1: the header object's GUID.
    Mark([0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C]),
    // RFC 4867, 5.1 and 5.2: "#!AMR\n", "#!AMR-WB\n" and their multichannel kin.
    Mark("#!AMR"),
    // ISO/IEC 13818-1, 2.4.3.3: a sync byte at the start of each packet of 188; 2.5.3.3: a program stream's pack.
    Mark([0x47], also: (188, [0x47])), Mark([0x00, 0x00, 0x01, 0xBA]),
    // ISO/IEC 14496-3, 1.A.2.2; for LOAS see MPEGFrames.
    Mark("ADIF"),
    // Adobe, "Video File Format Specification 10", E.2.
    Mark([0x46, 0x4C, 0x56, 0x01]),
    // ETSI TS 102 366, 5.3.1, and TS 102 114, 5.3: AC-3 and DTS.
    Mark([0x0B, 0x77]), Mark([0x7F, 0xFE, 0x80, 0x01]),
    // What libsndfile's and ffmpeg's documents name: Creative's VOC, Berkeley/IRCAM in both orders, NIST SPHERE, PVF,
    // Paris, HTK's kin have no mark; Sound Designer II none in the data; Psion WVE, MPC 2000, AVR, SVX by FORM, XI.
    Mark("Creative Voice File"), Mark([0x64, 0xA3, 0x01, 0x00]), Mark([0x64, 0xA3, 0x02, 0x00]),
    Mark([0x64, 0xA3, 0x03, 0x00]), Mark([0x64, 0xA3, 0x04, 0x00]), Mark([0x00, 0x01, 0xA3, 0x64]),
    Mark([0x00, 0x02, 0xA3, 0x64]), Mark([0x00, 0x03, 0xA3, 0x64]), Mark([0x00, 0x04, 0xA3, 0x64]),
    Mark("NIST_1A"), Mark("PVF1"), Mark(" paf"), Mark("fap "), Mark("ALawSoundFile**"), Mark([0x01, 0x04]),
    Mark("2BIT"), Mark("Extended Instrument: "),
    // The formats' own descriptions: Monkey's Audio, WavPack, True Audio, Musepack 7 and 8, TAK, OptimFROG, Shorten,
    // RealMedia and RealAudio, DSF and DSDIFF, AIFF-like Sony formats, Westwood and others are left to be added.
    Mark("MAC "), Mark("wvpk"), Mark("TTA1"), Mark("TTA2"), Mark("MP+"), Mark("MPCK"), Mark("tBaK"), Mark("OFR "),
    Mark("ajkg"), Mark(".RMF"), Mark([0x2E, 0x72, 0x61, 0xFD]), Mark("DSD "), Mark("FRM8"),
    // Of MLP and TrueHD, DTS-HD, MXF (SMPTE 377, 6.5), NUT, Sony's OpenMG, TwinVQ and Windows' recorded television.
    Mark([0xF8, 0x72, 0x6F], at: 4), Mark("DTSHDHDR"), Mark([0x06, 0x0E, 0x2B, 0x34, 0x02, 0x05, 0x01, 0x01]),
    Mark("nut/multimedia container"), Mark("EA3"), Mark("ea3"), Mark("TWIN"),
    Mark([0xB7, 0xD8, 0x00, 0x20, 0x37, 0x49, 0xDA, 0x11]),
    // MPEG transport packets behind four bytes of time each.
    Mark([0x47], at: 4, also: (196, [0x47])),
  ]

  /// Whether a file begins like a format that libsndfile or ffmpeg reads. Reads ``InputStream/prefixLimit`` bytes of it
  /// at the most; of a stream, nothing must have been forgotten.
  static func isKnown(_ stream: any HeaderSource) throws(AudioFileError.Problem) -> Bool {
    let short = try stream.bytes(0..<256)
    if marks.contains(where: { $0.matches(short) }) { return true }
    return try MPEGFrames.start(stream.bytes(0..<InputStream.prefixLimit)) != nil
  }
}
