import AudioDSP

/// The 44 bytes before the samples of a WAV file of one channel of PCM16.
///
/// The layout is that of "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991): a
/// `RIFF` chunk with a `fmt ` and a `data` chunk, all numbers little-endian.
enum WAVHeader {
  static let byteCount = 44

  /// - Precondition: The file has less than 4 GiB.
  static func bytes(sampleCount: Int, rate: SampleRate) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    func append(_ number: Int, size: Int) {
      for i in 0..<size { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * i))) }
    }
    let dataCount = 2 * sampleCount
    precondition(dataCount <= Int(UInt32.max) - 36)
    bytes += Array("RIFF".utf8)
    append(36 + dataCount, size: 4)
    bytes += Array("WAVEfmt ".utf8)
    append(16, size: 4)
    append(1, size: 2)  // PCM
    append(1, size: 2)  // channels
    append(rate.hertz, size: 4)
    append(2 * rate.hertz, size: 4)  // bytes per second
    append(2, size: 2)  // bytes per sample frame
    append(16, size: 2)  // bits per sample
    bytes += Array("data".utf8)
    append(dataCount, size: 4)
    return bytes
  }

  /// The samples of a WAV file of one channel of PCM16; `nil` when it is none. A length of `data` that the file does not
  /// have, as of files that were written while they were made, means the rest of the file.
  static func samples(of file: [UInt8]) -> (samples: [Int16], rate: SampleRate)? {
    func number(_ offset: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) }
    }
    func isTag(_ offset: Int, _ tag: String) -> Bool { file[offset..<offset + 4].elementsEqual(tag.utf8) }
    guard file.count >= 12, isTag(0, "RIFF"), isTag(8, "WAVE") else { return nil }
    var rate: SampleRate?
    var offset = 12
    while offset + 8 <= file.count {
      let start = offset + 8
      let size = number(offset + 4, 4)
      if isTag(offset, "fmt ") {
        // 1 is PCM; 0xFFFE names its format further on, and of 16 bits there is but PCM.
        guard size >= 16, start + 16 <= file.count, [1, 0xFFFE].contains(number(start, 2)), number(start + 2, 2) == 1,
          number(start + 14, 2) == 16, let known = try? SampleRate(number(start + 4, 4))
        else { return nil }
        rate = known
      } else if isTag(offset, "data"), let rate {
        let end = min(file.count, start + size)
        return ((0..<(end - start) / 2).map { Int16(truncatingIfNeeded: number(start + 2 * $0, 2)) }, rate)
      }
      offset = start + size + size % 2
    }
    return nil
  }
}
