/// How a dialect's audio is written: mono, 16 bits little-endian or G.711.
struct WireFormat: Equatable {
  enum Coding: Equatable { case pcm16, muLaw, aLaw }

  var coding: Coding
  /// Samples a second.
  var rate: Int

  static let pcm24k = WireFormat(coding: .pcm16, rate: 24_000)
  static let pcm16k = WireFormat(coding: .pcm16, rate: 16_000)

  var bytesPerSample: Int { coding == .pcm16 ? 2 : 1 }
  var bytesPerSecond: Int { bytesPerSample * rate }

  func milliseconds(ofBytes count: Int) -> Double {
    Double(count / bytesPerSample) * 1000 / Double(rate)
  }

  /// Whole samples of a duration.
  func byteCount(of duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    let samples = Double(seconds) * Double(rate) + Double(attoseconds) * 1e-18 * Double(rate)
    return max(0, Int(samples.rounded())) * bytesPerSample
  }

  func byteCount(ofMilliseconds milliseconds: Int) -> Int { milliseconds * rate / 1000 * bytesPerSample }

  /// Samples of whole bytes; half a sample at the end is left out.
  func samples(_ bytes: ArraySlice<UInt8>) -> [Int16] {
    switch coding {
    case .pcm16:
      var samples: [Int16] = []
      samples.reserveCapacity(bytes.count / 2)
      var position = bytes.startIndex
      while position + 1 < bytes.endIndex {
        samples.append(Int16(bitPattern: UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8))
        position += 2
      }
      return samples
    case .muLaw: return bytes.map { G711.muLawSamples[Int($0)] }
    case .aLaw: return bytes.map { G711.aLawSamples[Int($0)] }
    }
  }

  func bytes(_ samples: [Int16]) -> [UInt8] {
    switch coding {
    case .pcm16:
      var bytes: [UInt8] = []
      bytes.reserveCapacity(2 * samples.count)
      for sample in samples {
        let bits = UInt16(bitPattern: sample)
        bytes.append(UInt8(truncatingIfNeeded: bits))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
      }
      return bytes
    case .muLaw: return samples.map { G711.code(for: $0, among: G711.muLawSamples) }
    case .aLaw: return samples.map { G711.code(for: $0, among: G711.aLawSamples) }
    }
  }

  /// The same sound in another format: the bytes themselves where that is the same one. Another rate is drawn with
  /// straight lines between samples, which is enough to hear what was said and no more.
  func converted(_ bytes: [UInt8], to other: WireFormat) -> [UInt8] {
    if self == other { return bytes }
    let samples = samples(bytes[...])
    if rate == other.rate { return other.bytes(samples) }
    let count = (samples.count * other.rate + rate - 1) / rate
    return other.bytes(
      (0..<count).map { index in
        let place = index * rate
        let before = place / other.rate
        let part = place % other.rate
        let one = Int(samples[before])
        let next = Int(samples[min(before + 1, samples.count - 1)])
        return Int16(clamping: one + (next - one) * part / other.rate)
      })
  }
}
