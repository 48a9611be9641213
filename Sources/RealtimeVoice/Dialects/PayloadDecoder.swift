import AudioDSP

/// Makes samples of payloads, across which services cut as they like: half a sample at the end of one waits for the next
/// of the same item.
public struct PayloadDecoder: Sendable {
  /// The first bytes of samples whose second ones have not come, by item.
  private var held: [String?: UInt8] = [:]

  public init() {}

  /// In how many items half a sample waits for the rest, which at the end of a log is missing.
  public var halfSampleCount: Int { held.count }

  /// The samples of `payload`, in the order of their bytes. Allocates.
  public mutating func decode(_ payload: AudioEvent.Payload, as encoding: AudioEvent.Encoding) -> [Int16] {
    switch encoding {
    case .pcm16: return pcm16(payload)
    case .muLaw, .aLaw:
      var samples = [Int16](repeating: 0, count: payload.bytes.count)
      var output = samples.mutableSpan
      (encoding == .muLaw ? G711.muLaw : .aLaw).decode(payload.bytes.span, into: &output)
      return samples
    }
  }

  private mutating func pcm16(_ payload: AudioEvent.Payload) -> [Int16] {
    var bytes = payload.bytes
    if let first = held.removeValue(forKey: payload.itemID) { bytes.insert(first, at: 0) }
    if !bytes.count.isMultiple(of: 2) { held[payload.itemID] = bytes.removeLast() }
    return unsafe bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 2).map { i in
        unsafe Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * i, as: Int16.self))
      }
    }
  }
}
