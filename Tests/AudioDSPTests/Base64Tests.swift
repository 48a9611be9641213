import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct Base64Tests {
  static func foundation(_ bytes: [UInt8]) -> [UInt8] { Array(Data(bytes).base64EncodedString().utf8) }

  /// What decoding in one call gives, in the words of the oracle. The output has exactly the room that is due.
  static func outcome(_ text: [UInt8], _ backend: KernelBackend) -> ReferenceBase64.Outcome {
    var decoder = Base64Decoder(backend: backend)
    return outcome(text, by: &decoder, cuts: [0..<text.count])
  }

  static func outcome(
    _ text: [UInt8], by decoder: inout Base64Decoder, cuts: [Range<Int>]
  ) -> ReferenceBase64.Outcome {
    var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3)
    var span = bytes.mutableSpan
    var written = 0
    do throws(Base64Error) {
      for cut in cuts {
        var target = span._mutatingExtracting(written...)
        written += try decoder.decode(text.span.extracting(cut), into: &target)
      }
      try decoder.finish()
      return .bytes(Array(bytes[..<written]))
    } catch {
      switch error {
      case .invalidCharacter(let offset): return .invalidCharacter(offset: offset)
      case .truncated(let offset): return .truncated(offset: offset)
      case .outputTooSmall(let required, let capacity):
        Issue.record("\(required) bytes due, \(capacity) there, \(text.count) characters")
        return .bytes([])
      }
    }
  }

  static func encoded(_ bytes: [UInt8], _ backend: KernelBackend, cuts: [Range<Int>]? = nil) throws -> [UInt8] {
    var encoder = Base64Encoder(backend: backend)
    var text = [UInt8](repeating: 0, count: Base64.encodedCount(forByteCount: bytes.count))
    var span = text.mutableSpan
    var written = 0
    for cut in cuts ?? [0..<bytes.count] {
      var target = span._mutatingExtracting(written...)
      let due = encoder.encodedCount(forByteCount: cut.count)
      let count = try encoder.encode(bytes.span.bytes.extracting(cut), into: &target)
      #expect(count == due)
      written += count
    }
    var target = span._mutatingExtracting(written...)
    written += try encoder.finish(into: &target)
    #expect(written == text.count)
    return text
  }

  @Test("The test vectors of RFC 4648 section 10")
  func vectors() throws {
    let vectors = [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ]
    for (bytes, text) in vectors {
      #expect(Base64.encode(Array(bytes.utf8)) == text)
      #expect(try Base64.decode(text) == Array(bytes.utf8))
    }
  }

  @Test("Lengths 0 to 300 and longer, against Foundation", arguments: KernelBackend.available)
  func againstFoundation(backend: KernelBackend) throws {
    var random = SeededGenerator(seed: 20)
    for count in Array(0...300) + (0..<5).map({ _ in Int.random(in: 3_000...40_000, using: &random) }) {
      let bytes = random.bytes(count)
      let text = Self.foundation(bytes)
      #expect(Base64.encodedCount(forByteCount: count) == text.count)
      #expect(Base64.decodedCapacity(forCharacterCount: text.count) >= count)
      #expect(try Self.encoded(bytes, backend) == text, "\(count) bytes")
      #expect(Self.outcome(text, backend) == .bytes(bytes), "\(count) bytes")
    }
    // Every character in every place of a group, and every byte.
    let everything = (0..<65_536).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    #expect(try Self.encoded(everything, backend) == Self.foundation(everything))
    #expect(Self.outcome(Self.foundation(everything), backend) == .bytes(everything))
  }

  @Test("One call without a stream: spans, strings, and room that is exact or too small")
  func oneShot() throws {
    var random = SeededGenerator(seed: 21)
    for count in 0...50 {
      let bytes = random.bytes(count)
      let text = Self.foundation(bytes)
      #expect(Base64.encode(bytes) == String(decoding: text, as: UTF8.self))
      #expect(try Base64.decode(String(decoding: text, as: UTF8.self)) == bytes)

      var characters = [UInt8](repeating: 7, count: text.count + 2)
      var characterSpan = characters.mutableSpan
      #expect(try Base64.encode(bytes.span.bytes, into: &characterSpan) == text.count)
      #expect(characters == text + [7, 7])
      var decoded = [UInt8](repeating: 7, count: count)
      var decodedSpan = decoded.mutableSpan
      #expect(try Base64.decode(text.span, into: &decodedSpan) == count)
      #expect(decoded == bytes)

      guard count > 0 else { continue }
      var shortText = [UInt8](repeating: 7, count: text.count - 1)
      var found: Base64Error?
      do throws(Base64Error) {
        var span = shortText.mutableSpan
        _ = try Base64.encode(bytes.span.bytes, into: &span)
      } catch { found = error }
      #expect(found == .outputTooSmall(required: text.count, capacity: text.count - 1))
      #expect(shortText.allSatisfy { $0 == 7 })

      var shortBytes = [UInt8](repeating: 7, count: count - 1)
      found = nil
      do throws(Base64Error) {
        var span = shortBytes.mutableSpan
        _ = try Base64.decode(text.span, into: &span)
      } catch { found = error }
      #expect(found == .outputTooSmall(required: count, capacity: count - 1))
      #expect(shortBytes.allSatisfy { $0 == 7 })
    }
  }

  /// Lengths with every padding, short and longer than any vector.
  @Test(
    "Every byte in every place is accepted or refused as a plain reader does, at the same offset",
    arguments: KernelBackend.available, [1, 2, 3, 4, 5, 47, 48, 49])
  func everyCorruption(backend: KernelBackend, count: Int) {
    var random = SeededGenerator(seed: 300 + UInt64(count))
    let text = Self.foundation(random.bytes(count))
    for offset in text.indices {
      var corrupted = text
      for value in 0...255 {
        corrupted[offset] = UInt8(value)
        let found = Self.outcome(corrupted, backend)
        let expected = ReferenceBase64.decode(corrupted)
        guard found != expected else { continue }
        let string = String(decoding: corrupted, as: UTF8.self)
        Issue.record("\(string) gave \(found) and not \(expected)")
        return
      }
    }
  }

  @Test("Random texts of few characters, where padding stands anywhere", arguments: [22, 23, 24] as [UInt64])
  func randomTexts(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let characters = Array("AABQgw/+====*".utf8)
    for _ in 0..<3_000 {
      let count = Int.random(in: 0...13, using: &random)
      let text = (0..<count).map { _ in characters.randomElement(using: &random)! }
      let expected = ReferenceBase64.decode(text)
      for backend in KernelBackend.available {
        let found = Self.outcome(text, backend)
        #expect(found == expected, "\(String(decoding: text, as: UTF8.self)), seed \(seed), \(backend)")
      }
    }
  }

  @Test(
    "What is no base64, and where",
    arguments: [
      // Bits behind the last byte.
      ("Zh==", .invalidCharacter(offset: 1)), ("Zm9=", .invalidCharacter(offset: 2)),
      ("Zm9vZh==", .invalidCharacter(offset: 5)), ("////Zm9=", .invalidCharacter(offset: 6)),
      // Padding where none may stand, and text behind padding.
      ("Zg==Zg==", .invalidCharacter(offset: 4)), ("Zm8=A", .invalidCharacter(offset: 4)),
      ("Zg=A", .invalidCharacter(offset: 2)), ("Z===", .invalidCharacter(offset: 1)),
      ("====", .invalidCharacter(offset: 0)), ("Zm9v====", .invalidCharacter(offset: 4)),
      ("Zg===", .invalidCharacter(offset: 4)), ("=", .invalidCharacter(offset: 0)),
      ("Z=", .invalidCharacter(offset: 1)), ("Z=g=", .invalidCharacter(offset: 1)),
      // White space.
      (" Zg==", .invalidCharacter(offset: 0)), ("Zm9v\n", .invalidCharacter(offset: 4)),
      ("Zg==\n", .invalidCharacter(offset: 4)), ("Zm9v\r\nZm9v", .invalidCharacter(offset: 4)),
      ("Zm 9v", .invalidCharacter(offset: 2)), ("Zm9vZm9v\t", .invalidCharacter(offset: 8)),
      // The alphabet for URLs and file names.
      ("Zm-v", .invalidCharacter(offset: 2)), ("Zm_v", .invalidCharacter(offset: 2)),
      // Not ASCII: the offset is in UTF-8.
      ("Zm9vé", .invalidCharacter(offset: 4)), ("Zm9vZm9\u{0}", .invalidCharacter(offset: 7)),
      // The end comes early.
      ("Z", .truncated(offset: 1)), ("Zg", .truncated(offset: 2)), ("Zg=", .truncated(offset: 3)),
      ("Zm9", .truncated(offset: 3)), ("Zm9vZm8", .truncated(offset: 7)), ("Zm9vZm9vZ", .truncated(offset: 9)),
    ] as [(String, Base64Error)])
  func refused(text: String, expected: Base64Error) {
    let found = #expect(throws: Base64Error.self) { try Base64.decode(text) }
    #expect(found == expected)
    #expect(expected.description.contains("offset"))
    for backend in KernelBackend.available {
      #expect(Self.outcome(Array(text.utf8), backend) == ReferenceBase64.decode(Array(text.utf8)), "\(backend)")
    }
  }
}
