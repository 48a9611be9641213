/// Encodes a stream that comes in pieces, as if it had come in one. Does not allocate.
public struct Base64Encoder: Sendable {
  private let kernels: Kernels
  /// Up to two bytes that wait for their group of three.
  private var held = ByteGroup()

  /// An encoder at the start of a stream.
  public init() {
    kernels = .active
  }

  /// - Precondition: The backend is available.
  package init(backend: KernelBackend) {
    kernels = Kernels(backend)
  }

  /// The number of characters that ``encode(_:into:)`` writes for `byteCount` more bytes, in the present state.
  public func encodedCount(forByteCount byteCount: Int) -> Int { (held.count + byteCount) / 3 * 4 }

  /// Encodes all whole groups of three bytes.
  ///
  /// - Returns: How many characters were written to the start of `output`.
  /// - Throws: ``Base64Error/outputTooSmall(required:capacity:)``, having changed neither state nor output.
  public mutating func encode(_ bytes: RawSpan, into output: inout MutableSpan<UInt8>) throws(Base64Error) -> Int {
    let required = encodedCount(forByteCount: bytes.byteCount)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    var taken = 0
    var written = 0
    if held.count > 0 {
      while held.count < 3, taken < bytes.byteCount {
        held.append(bytes.byte(at: taken))
        taken += 1
      }
      guard held.count == 3 else { return 0 }
      writeHeldGroup(into: &output)
      written = 4
    }
    let wholeCount = (bytes.byteCount - taken) / 3 * 3
    var rest = output._mutatingExtracting(written...)
    kernels.encodeBase64(bytes.extracting(taken..<taken + wholeCount), into: &rest)
    for offset in taken + wholeCount..<bytes.byteCount { held.append(bytes.byte(at: offset)) }
    return required
  }

  /// Encodes what is left, with padding, and starts a new stream.
  ///
  /// - Returns: How many characters were written to the start of `output`: 0 or 4.
  /// - Throws: ``Base64Error/outputTooSmall(required:capacity:)``, having changed neither state nor output.
  public mutating func finish(into output: inout MutableSpan<UInt8>) throws(Base64Error) -> Int {
    guard held.count > 0 else { return 0 }
    guard output.count >= 4 else { throw .outputTooSmall(required: 4, capacity: output.count) }
    writeHeldGroup(into: &output)
    return 4
  }

  /// Forgets what is held.
  public mutating func reset() {
    held = ByteGroup()
  }

  private mutating func writeHeldGroup(into output: inout MutableSpan<UInt8>) {
    let characters = kernels.encodeBase64Group(held)
    for i in 0..<4 { output[i] = characters[i] }
    held = ByteGroup()
  }
}

/// Up to four bytes in a register.
struct ByteGroup: Sendable {
  private(set) var bits: UInt32 = 0
  private(set) var count = 0

  init() {}

  /// The first byte is in the lowest bits; those of bytes past the count are 0.
  init(bits: UInt32, count: Int = 4) {
    self.bits = bits
    self.count = count
  }

  subscript(index: Int) -> UInt8 {
    get { UInt8(truncatingIfNeeded: bits >> (8 * UInt32(index))) }
    set { bits = bits & ~(0xFF << (8 * UInt32(index))) | UInt32(newValue) << (8 * UInt32(index)) }
  }

  mutating func append(_ byte: UInt8) {
    self[count] = byte
    count += 1
  }
}
