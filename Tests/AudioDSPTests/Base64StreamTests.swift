import AudioDSP
import AudioTestSupport
import Testing

/// Streams in pieces, against the same in one call.
@Suite struct Base64StreamTests {
  private static func blocks(of count: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
  }

  @Test("Blocks of 1 to 254", arguments: KernelBackend.available)
  func blockSizes(backend: KernelBackend) throws {
    var random = SeededGenerator(seed: 30)
    let bytes = random.bytes(1_000)
    let text = Base64Tests.foundation(bytes)
    for size in 1...254 {
      #expect(
        try Base64Tests.encoded(bytes, backend, cuts: Self.blocks(of: bytes.count, size: size)) == text,
        "blocks of \(size)")
      var decoder = Base64Decoder(backend: backend)
      let found = Base64Tests.outcome(text, by: &decoder, cuts: Self.blocks(of: text.count, size: size))
      #expect(found == .bytes(bytes), "blocks of \(size)")
    }
  }

  @Test("Random cuts, some empty", arguments: KernelBackend.available, [31, 32, 33, 34, 35] as [UInt64])
  func randomCuts(backend: KernelBackend, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for count in [0, 1, 2, 3, 50, 2_999, 3_000, 3_001] {
      let bytes = random.bytes(count)
      let text = Base64Tests.foundation(bytes)
      #expect(
        try Base64Tests.encoded(bytes, backend, cuts: random.cuts(of: count)) == text, "seed \(seed)")
      var decoder = Base64Decoder(backend: backend)
      let found = Base64Tests.outcome(text, by: &decoder, cuts: random.cuts(of: text.count))
      #expect(found == .bytes(bytes), "seed \(seed)")
    }
  }

  @Test(
    "A bad stream gives the same error at the same offset however it is cut", arguments: KernelBackend.available,
    [36, 37] as [UInt64])
  func errorsInPieces(backend: KernelBackend, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<400 {
      var text = Base64Tests.foundation(random.bytes(Int.random(in: 1...60, using: &random)))
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let bad = Array("=*-\n ABg/".utf8).randomElement(using: &random)!
        text[Int.random(in: text.indices, using: &random)] = bad
      }
      text.removeLast([0, 0, 1, 2, 3].randomElement(using: &random)!)
      let expected = ReferenceBase64.decode(text)
      var cuts: [Range<Int>] = []
      var start = 0
      while start < text.count {
        let end = min(text.count, start + Int.random(in: 0...9, using: &random))
        cuts.append(start..<end)
        start = end
      }
      var decoder = Base64Decoder(backend: backend)
      let found = Base64Tests.outcome(text, by: &decoder, cuts: cuts)
      #expect(found == expected, "\(String(decoding: text, as: UTF8.self)) in \(cuts), seed \(seed)")

      // After an error, reset starts a new stream with offsets from 0.
      decoder.reset()
      #expect(Base64Tests.outcome(Array("Zm9v*".utf8), by: &decoder, cuts: [0..<5]) == .invalidCharacter(offset: 4))
      decoder.reset()
      #expect(Base64Tests.outcome(Array("Zg==".utf8), by: &decoder, cuts: [0..<1, 1..<4]) == .bytes([0x66]))
    }
  }

  @Test("Finishing starts a new stream")
  func finishing() throws {
    var decoder = Base64Decoder()
    for _ in 0..<3 {
      #expect(Base64Tests.outcome(Array("Zg==".utf8), by: &decoder, cuts: [0..<4]) == .bytes([0x66]))
    }
    #expect(Base64Tests.outcome(Array("Zm9vZ*==".utf8), by: &decoder, cuts: [0..<8]) == .invalidCharacter(offset: 5))

    var encoder = Base64Encoder()
    let bytes: [UInt8] = [0x66, 0x6F]
    var text = [UInt8](repeating: 0, count: 4)
    for _ in 0..<3 {
      var span = text.mutableSpan
      let counts = try [
        encoder.encode(bytes.span.bytes.extracting(0..<1), into: &span), encoder.finish(into: &span),
        encoder.finish(into: &span),
      ]
      #expect(counts == [0, 4, 0])
      #expect(text == Array("Zg==".utf8))
    }
    var span = text.mutableSpan
    let held = try encoder.encode(bytes.span.bytes, into: &span)
    encoder.reset()
    let rest = try encoder.finish(into: &span)
    #expect(held == 0 && rest == 0)
  }

  @Test("Too little room changes neither state nor output", arguments: KernelBackend.available)
  func noRoom(backend: KernelBackend) throws {
    var random = SeededGenerator(seed: 38)
    let bytes = random.bytes(100)
    let text = Base64Tests.foundation(bytes)
    // Every place to stop in a group, and pieces that need held characters, whole groups, and both.
    for first in 0...8 {
      for second in [first + 3, first + 4, first + 5, 90, bytes.count] {
        var encoder = Base64Encoder(backend: backend)
        var output = [UInt8](repeating: 7, count: text.count)
        var span = output.mutableSpan
        var written = try encoder.encode(bytes.span.bytes.extracting(0..<first), into: &span)
        let due = encoder.encodedCount(forByteCount: second - first)
        for room in Set([0, due - 1]) where room < due {
          var small = span._mutatingExtracting(written..<written + room)
          let error = Self.error { () throws(Base64Error) in
            _ = try encoder.encode(bytes.span.bytes.extracting(first..<second), into: &small)
          }
          #expect(error == .outputTooSmall(required: due, capacity: room))
        }
        #expect(encoder.encodedCount(forByteCount: second - first) == due)
        var rest = span._mutatingExtracting(written...)
        #expect(rest.count == 0 || rest[0] == 7)
        written += try encoder.encode(bytes.span.bytes.extracting(first..<second), into: &rest)
        rest = span._mutatingExtracting(written...)
        written += try encoder.encode(bytes.span.bytes.extracting(second...), into: &rest)
        var none = span._mutatingExtracting(written..<written)
        let error = Self.error { () throws(Base64Error) in _ = try encoder.finish(into: &none) }
        #expect(error == .outputTooSmall(required: 4, capacity: 0))
        rest = span._mutatingExtracting(written...)
        written += try encoder.finish(into: &rest)
        #expect(written == text.count)
        #expect(output == text)
      }
    }
    for first in 0...9 {
      for second in [first + 4, first + 5, 90, text.count] {
        var decoder = Base64Decoder(backend: backend)
        var output = [UInt8](repeating: 7, count: bytes.count)
        var span = output.mutableSpan
        var written = try decoder.decode(text.span.extracting(0..<first), into: &span)
        let due = (second == text.count ? bytes.count : second / 4 * 3) - written
        for room in [0, due - 1] {
          var small = span._mutatingExtracting(written..<written + room)
          let error = Self.error { () throws(Base64Error) in
            _ = try decoder.decode(text.span.extracting(first..<second), into: &small)
          }
          #expect(error == .outputTooSmall(required: due, capacity: room))
        }
        var rest = span._mutatingExtracting(written...)
        #expect(rest[0] == 7)
        written += try decoder.decode(text.span.extracting(first..<second), into: &rest)
        rest = span._mutatingExtracting(written...)
        written += try decoder.decode(text.span.extracting(second...), into: &rest)
        try decoder.finish()
        #expect(written == bytes.count)
        #expect(output == bytes)
      }
    }
  }

  private static func error(_ body: () throws(Base64Error) -> Void) -> Base64Error? {
    do throws(Base64Error) {
      try body()
      return nil
    } catch {
      return error
    }
  }
}
