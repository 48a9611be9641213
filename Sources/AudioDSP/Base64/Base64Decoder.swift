/// Decodes a stream that comes in pieces, as if it had come in one. Does not allocate.
///
/// After an error the stream is lost; ``reset()`` starts a new one.
public struct Base64Decoder: Sendable {
  private static let padding = UInt8(ascii: "=")

  private let kernels: Kernels
  /// Up to three characters that wait for their group of four.
  private var held = ByteGroup()
  /// How many characters have come, those held included.
  private var characterCount = 0
  private var isPadded = false

  /// A decoder at the start of a stream.
  public init() {
    kernels = .active
  }

  /// - Precondition: The backend is available.
  package init(backend: KernelBackend) {
    kernels = Kernels(backend)
  }

  /// Decodes all whole groups of four characters.
  ///
  /// - Returns: How many bytes were written to the start of `output`.
  /// - Throws: ``Base64Error``. Offsets count from the start of the stream. When the output is too small, neither state
  ///   nor output have changed.
  public mutating func decode(
    _ characters: Span<UInt8>, into output: inout MutableSpan<UInt8>
  ) throws(Base64Error) -> Int {
    if held.count == 0, !isPadded, let byteCount = kernels.decodeBase64Groups(characters, into: &output) {
      characterCount += characters.count
      isPadded = byteCount < characters.count / 4 * 3
      return byteCount
    }
    return try decodeInSteps(characters, into: &output)
  }

  /// Decodes what does not start or end with a whole group, and finds what is wrong where something is.
  private mutating func decodeInSteps(
    _ characters: Span<UInt8>, into output: inout MutableSpan<UInt8>
  ) throws(Base64Error) -> Int {
    let required = byteCount(for: characters)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    if isPadded, !characters.isEmpty { throw .invalidCharacter(offset: characterCount) }

    var taken = 0
    var written = 0
    while taken < characters.count {
      if held.count == 0 {
        // The last group may be padded and then decodes to less than a whole group's room.
        let end = characters[characters.count - 1] == Self.padding ? characters.count - 1 : characters.count
        let bulkCount = min((end - taken) / 4, (output.count - written) / 3)
        var rest = output._mutatingExtracting(written...)
        let good = kernels.decodeBase64(characters.extracting(taken..<taken + bulkCount * 4), into: &rest)
        taken += good * 4
        characterCount += good * 4
        written += good * 3
      }
      // What stopped the bulk is the end, padding, or a bad character.
      while held.count < 4, taken < characters.count {
        held.append(characters[taken])
        taken += 1
        characterCount += 1
      }
      guard held.count == 4 else { break }
      written += try decodeHeldGroup(into: &output, at: written)
      if isPadded, taken < characters.count { throw .invalidCharacter(offset: characterCount) }
    }
    return written
  }

  /// Ends the stream and starts a new one.
  ///
  /// - Throws: ``Base64Error`` when the stream ends inside of a group of four.
  public mutating func finish() throws(Base64Error) {
    guard held.count == 0 else {
      // The first of two padding characters may be the last that came.
      for i in 0..<held.count where !isInAlphabet(held[i]) && !(i == 2 && held[i] == Self.padding) {
        throw .invalidCharacter(offset: characterCount - held.count + i)
      }
      throw .truncated(offset: characterCount)
    }
    reset()
  }

  /// Forgets what is held, and any error.
  public mutating func reset() {
    held = ByteGroup()
    characterCount = 0
    isPadded = false
  }

  /// How many bytes the next characters decode to, if they are good.
  private func byteCount(for characters: Span<UInt8>) -> Int {
    let groups = held.count + characters.count
    let end = characters.count - 1
    guard end >= 0, groups.isMultiple(of: 4), characters[end] == Self.padding else { return groups / 4 * 3 }
    let beforeLast = end > 0 ? characters[end - 1] : held[held.count - 1]
    return groups / 4 * 3 - (beforeLast == Self.padding ? 2 : 1)
  }

  /// Decodes a held group that may be padded.
  private mutating func decodeHeldGroup(
    into output: inout MutableSpan<UInt8>, at start: Int
  ) throws(Base64Error) -> Int {
    guard let bytes = kernels.decodeLastBase64Group(held) else {
      throw .invalidCharacter(offset: characterCount - 4 + indexOfBadCharacter(in: held))
    }
    guard output.count - start >= bytes.count else {
      throw .outputTooSmall(required: start + bytes.count, capacity: output.count)
    }
    for i in 0..<bytes.count { output[start + i] = bytes[i] }
    isPadded = bytes.count < 3
    held = ByteGroup()
    return bytes.count
  }

  /// Which of the four characters makes a group bad.
  private func indexOfBadCharacter(in group: ByteGroup) -> Int {
    let paddingCount = group[3] != Self.padding ? 0 : group[2] != Self.padding ? 1 : 2
    for i in 0..<4 - paddingCount where !isInAlphabet(group[i]) { return i }
    // All are in the alphabet: the last one before the padding has bits that no byte holds.
    return 3 - paddingCount
  }

  private func isInAlphabet(_ character: UInt8) -> Bool {
    var group = ByteGroup(bits: 0x4141_4141)  // "AAAA"
    group[0] = character
    return kernels.decodeBase64Group(group) != nil
  }
}

extension Kernels {
  /// Decodes whole groups of four characters, of which the last may be padded.
  ///
  /// - Returns: How many bytes were written to the start of `output`; `nil` when there are no characters or not whole
  ///   groups of them, one is bad, or there is too little room, in which last case nothing was written.
  func decodeBase64Groups(_ characters: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int? {
    let count = characters.count
    guard count > 0, count.isMultiple(of: 4) else { return nil }
    guard characters[count - 1] == UInt8(ascii: "=") else {
      let byteCount = count / 4 * 3
      guard output.count >= byteCount else { return nil }
      return decodeBase64(characters, into: &output) == count / 4 ? byteCount : nil
    }
    var group = ByteGroup()
    for i in count - 4..<count { group.append(characters[i]) }
    let start = (count - 4) / 4 * 3
    guard let bytes = decodeLastBase64Group(group), output.count >= start + bytes.count,
      decodeBase64(characters.extracting(0..<count - 4), into: &output) == (count - 4) / 4
    else { return nil }
    for i in 0..<bytes.count { output[start + i] = bytes[i] }
    return start + bytes.count
  }

  /// The one to three bytes of four characters that may be padded, or `nil` when they are bad.
  fileprivate func decodeLastBase64Group(_ group: ByteGroup) -> ByteGroup? {
    var filled = group
    var byteCount = 3
    while byteCount > 1, filled[byteCount] == UInt8(ascii: "=") {
      filled[byteCount] = UInt8(ascii: "A")
      byteCount -= 1
    }
    guard let bytes = decodeBase64Group(filled) else { return nil }
    // What the padding cuts off must be 0, or two texts would mean the same bytes (RFC 4648 section 3.5).
    return bytes.bits >> (8 * UInt32(byteCount)) == 0 ? ByteGroup(bits: bytes.bits, count: byteCount) : nil
  }
}
