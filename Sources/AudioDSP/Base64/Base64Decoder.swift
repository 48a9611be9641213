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
    let required = byteCount(for: characters)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    if isPadded, !characters.isEmpty { throw .invalidCharacter(offset: characterCount) }

    var taken = 0
    var written = 0
    if held.count > 0 {
      while held.count < 4, taken < characters.count {
        held.append(characters[taken])
        taken += 1
      }
      characterCount += taken
      guard held.count == 4 else { return 0 }
      written = try decodeHeldGroup(into: &output, at: 0)
    }
    while taken < characters.count {
      let wholeCount = isPadded ? 0 : (characters.count - taken) / 4
      var rest = output._mutatingExtracting(written...)
      // The last group may be padded and then decodes to less than a whole group's room.
      let bulkCount = min(wholeCount, rest.count / 3)
      let good = kernels.decodeBase64(characters.extracting(taken..<taken + bulkCount * 4), into: &rest)
      taken += good * 4
      characterCount += good * 4
      written += good * 3
      // What stopped the bulk is the end, padding, or a bad character.
      guard taken < characters.count else { break }
      if isPadded { throw .invalidCharacter(offset: characterCount) }
      while held.count < 4, taken < characters.count {
        held.append(characters[taken])
        taken += 1
        characterCount += 1
      }
      if held.count == 4 { written += try decodeHeldGroup(into: &output, at: written) }
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
    let offset = characterCount - 4
    let paddingCount = held[3] != Self.padding ? 0 : held[2] != Self.padding ? 1 : 2
    for i in 0..<4 - paddingCount where !isInAlphabet(held[i]) { throw .invalidCharacter(offset: offset + i) }
    var filled = held
    for i in 4 - paddingCount..<4 { filled[i] = UInt8(ascii: "A") }
    guard let bytes = kernels.decodeBase64Group(filled) else { throw .invalidCharacter(offset: offset) }
    // What the padding cuts off must be 0, or two texts would mean the same bytes (RFC 4648 section 3.5).
    for i in 3 - paddingCount..<3 where bytes[i] != 0 {
      throw .invalidCharacter(offset: offset + 3 - paddingCount)
    }
    let count = 3 - paddingCount
    guard output.count - start >= count else {
      throw .outputTooSmall(required: start + count, capacity: output.count)
    }
    for i in 0..<count { output[start + i] = bytes[i] }
    isPadded = paddingCount > 0
    held = ByteGroup()
    return count
  }

  private func isInAlphabet(_ character: UInt8) -> Bool {
    var group = ByteGroup(bits: 0x4141_4141)  // "AAAA"
    group[0] = character
    return kernels.decodeBase64Group(group) != nil
  }
}
