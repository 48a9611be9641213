/// Base64 as RFC 4648 section 4 has it: the standard alphabet, padding required, nothing else allowed.
///
/// Works on bytes in caller-owned buffers and does not allocate. ``Base64Encoder`` and ``Base64Decoder`` take a stream
/// in pieces.
public enum Base64 {
  /// The number of characters for `byteCount` bytes, padding included.
  public static func encodedCount(forByteCount byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

  /// The most bytes that `characterCount` characters decode to.
  public static func decodedCapacity(forCharacterCount characterCount: Int) -> Int { characterCount / 4 * 3 }

  /// Writes the encoding of `bytes` to the start of `output`.
  ///
  /// - Returns: How many characters were written.
  /// - Throws: ``Base64Error/outputTooSmall(required:capacity:)``, having written nothing.
  public static func encode(_ bytes: RawSpan, into output: inout MutableSpan<UInt8>) throws(Base64Error) -> Int {
    let required = encodedCount(forByteCount: bytes.byteCount)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    Kernels.active.encodeBase64(bytes, into: &output)
    return required
  }

  /// Writes the encoding of 16-bit samples, little-endian as every service has them, to the start of `output`.
  ///
  /// - Precondition: `output` has room for ``encodedCount(forByteCount:)`` of twice the number of samples.
  public static func encode(pcm16 samples: Span<Int16>, into output: inout MutableSpan<UInt8>) {
    // Every platform that Swift runs on is little-endian, and Int16 has no padding.
    Kernels.active.encodeBase64(unsafe samples.bytes, into: &output)
  }

  /// Writes the bytes that `characters` encode to the start of `output`.
  ///
  /// - Returns: How many bytes were written.
  /// - Throws: ``Base64Error``; for a bad character, with the offset of the first one. What `output` then holds is
  ///   unspecified.
  public static func decode(
    _ characters: Span<UInt8>, into output: inout MutableSpan<UInt8>
  ) throws(Base64Error) -> Int {
    if let count = Kernels.active.decodeBase64Groups(characters, into: &output) { return count }
    // Nothing to decode, or something wrong, which the decoder finds.
    var decoder = Base64Decoder()
    let count = try decoder.decode(characters, into: &output)
    try decoder.finish()
    return count
  }

  /// The encoding of `bytes`. Allocates.
  public static func encode(_ bytes: [UInt8]) -> String {
    var characters = [UInt8](repeating: 0, count: encodedCount(forByteCount: bytes.count))
    var output = characters.mutableSpan
    // Bytes of bytes: there is no padding in which uninitialised memory could be read.
    Kernels.active.encodeBase64(unsafe bytes.span.bytes, into: &output)
    return String(decoding: characters, as: UTF8.self)
  }

  /// The bytes that `string` encodes. Allocates.
  ///
  /// - Throws: ``Base64Error``, with the offset of the first bad character in UTF-8.
  public static func decode(_ string: some StringProtocol) throws(Base64Error) -> [UInt8] {
    let characters = Array(string.utf8)
    var bytes = [UInt8](repeating: 0, count: decodedCapacity(forCharacterCount: characters.count))
    var output = bytes.mutableSpan
    let count = try decode(characters.span, into: &output)
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

/// Why a text is not Base64, or a buffer does not do.
public enum Base64Error: Error, Equatable, CustomStringConvertible {
  /// A character outside of the alphabet, padding where none may stand, text behind the padding, or a last character
  /// with bits that no byte holds. The offset is the first bad character's, from the start of the text.
  case invalidCharacter(offset: Int)
  /// The text ends inside of a group of four; the offset is its length.
  case truncated(offset: Int)
  /// The output has room for `capacity` bytes where `required` are due.
  case outputTooSmall(required: Int, capacity: Int)

  public var description: String {
    switch self {
    case .invalidCharacter(let offset): "no base64 at offset \(offset)"
    case .truncated(let offset): "base64 ends inside of a group of four, at offset \(offset)"
    case .outputTooSmall(let required, let capacity):
      "the output has room for \(capacity) bytes where \(required) are due"
    }
  }
}
