/// The little of RIFF/WAVE that a chat completion needs: mono or more channels of 16 bits, or G.711.
enum WaveFile {
  struct Contents: Equatable {
    var format: WireFormat
    /// Of the first channel.
    var audio: [UInt8]
  }

  /// - Returns: nil where it is not such a file.
  static func read(_ file: [UInt8]) -> Contents? {
    func word(_ offset: Int) -> Int { Int(file[offset]) | Int(file[offset + 1]) << 8 }
    func long(_ offset: Int) -> Int { word(offset) | word(offset + 2) << 16 }
    guard file.count >= 12, Array(file[0..<4]) == Array("RIFF".utf8), Array(file[8..<12]) == Array("WAVE".utf8) else {
      return nil
    }
    var format: WireFormat?
    var channelCount = 1
    var offset = 12
    while offset + 8 <= file.count {
      let name = String(decoding: file[offset..<offset + 4], as: UTF8.self)
      let start = offset + 8
      // A length that was not known when it was written, as in a pipe, means all there is.
      let end = min(file.count, start + long(offset + 4))
      if name == "fmt ", end - start >= 16 {
        channelCount = word(start + 2)
        let rate = long(start + 4)
        var tag = word(start)
        if tag == 0xFFFE, end - start >= 26 { tag = word(start + 24) }
        guard channelCount > 0, (8000...192_000).contains(rate) else { return nil }
        switch (tag, word(start + 14)) {
        case (1, 16): format = WireFormat(coding: .pcm16, rate: rate)
        case (7, 8): format = WireFormat(coding: .muLaw, rate: rate)
        case (6, 8): format = WireFormat(coding: .aLaw, rate: rate)
        default: return nil
        }
      } else if name == "data", let format {
        let frameLength = channelCount * format.bytesPerSample
        if channelCount == 1 {
          return Contents(format: format, audio: Array(file[start..<end - (end - start) % frameLength]))
        }
        var audio: [UInt8] = []
        for frame in stride(from: start, through: end - frameLength, by: frameLength) {
          audio.append(contentsOf: file[frame..<frame + format.bytesPerSample])
        }
        return Contents(format: format, audio: audio)
      }
      offset = end + (end - start) % 2
    }
    return nil
  }

  /// 16 bits, mono.
  static func write(pcm16 audio: [UInt8], rate: Int) -> [UInt8] {
    var file: [UInt8] = []
    file.reserveCapacity(44 + audio.count)
    func long(_ value: Int) { for shift in [0, 8, 16, 24] { file.append(UInt8(truncatingIfNeeded: value >> shift)) } }
    file.append(contentsOf: "RIFF".utf8)
    long(36 + audio.count)
    file.append(contentsOf: "WAVEfmt ".utf8)
    long(16)
    long(1 | 1 << 16)
    long(rate)
    long(2 * rate)
    long(2 | 16 << 16)
    file.append(contentsOf: "data".utf8)
    long(audio.count)
    return file + audio
  }
}
