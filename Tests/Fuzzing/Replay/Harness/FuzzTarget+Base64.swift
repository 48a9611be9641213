@testable import AudioDSP

#if canImport(AudioTestSupport)
  import AudioTestSupport
#endif

extension FuzzTarget {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Every backend decodes and encodes as the plain reference does, in one call and in pieces.
  static func checkBase64(_ input: [UInt8]) throws {
    var input = FuzzInput(input)
    let seed = input.byte()
    let isMapped = input.byte() & 1 == 1
    let bytes = Array(input.rest)
    let text = isMapped ? mapped(bytes) : bytes
    let expected = ReferenceBase64.decode(text)
    try require(decoded(text) == expected, "Base64.decode of \(text)")
    var encodings: Set<[UInt8]> = []
    for backend in KernelBackend.available {
      for cuts in [[0..<text.count], FuzzInput.cuts(of: text.count, seed: seed)] {
        var decoder = Base64Decoder(backend: backend)
        let found = try decoded(text, by: &decoder, cuts)
        try require(found == expected, "\(backend) decodes \(text), cut \(cuts), to \(found), not \(expected)")
      }
      for cuts in [[0..<bytes.count], FuzzInput.cuts(of: bytes.count, seed: seed)] {
        let encoded = try encoded(bytes, backend, cuts)
        try require(encoded.count == (bytes.count + 2) / 3 * 4, "\(backend) encodes to \(encoded.count) characters")
        if encodings.insert(encoded).inserted {
          let back = ReferenceBase64.decode(encoded)
          try require(back == .bytes(bytes), "\(backend) encodes \(bytes), cut \(cuts), to \(encoded)")
        }
      }
    }
  }

  /// Most bytes as characters of the alphabet, so that good texts are not rare.
  private static func mapped(_ bytes: [UInt8]) -> [UInt8] {
    bytes.map { $0 < 0xE0 ? alphabet[Int($0 & 63)] : $0 < 0xF0 ? UInt8(ascii: "=") : $0 }
  }

  private static func decoded(_ text: [UInt8]) -> ReferenceBase64.Outcome {
    var bytes = [UInt8](repeating: 0, count: Base64.decodedCapacity(forCharacterCount: text.count))
    do {
      var output = bytes.mutableSpan
      let count = try Base64.decode(text.span, into: &output)
      return .bytes(Array(bytes[..<count]))
    } catch {
      return outcome(error)
    }
  }

  private static func decoded(
    _ text: [UInt8], by decoder: inout Base64Decoder, _ cuts: [Range<Int>]
  ) throws -> ReferenceBase64.Outcome {
    var bytes: [UInt8] = []
    do throws(Base64Error) {
      for cut in cuts {
        var block = [UInt8](repeating: 0, count: Base64.decodedCapacity(forCharacterCount: cut.count + 3))
        var output = block.mutableSpan
        let count = try decoder.decode(text.span.extracting(cut), into: &output)
        bytes += block[..<count]
      }
      try decoder.finish()
    } catch {
      if case .outputTooSmall = error { throw FuzzFinding("\(error)") }
      return outcome(error)
    }
    return .bytes(bytes)
  }

  private static func outcome(_ error: Base64Error) -> ReferenceBase64.Outcome {
    switch error {
    case .invalidCharacter(let offset): .invalidCharacter(offset: offset)
    case .truncated(let offset): .truncated(offset: offset)
    case .outputTooSmall: .bytes([])
    }
  }

  private static func encoded(_ bytes: [UInt8], _ backend: KernelBackend, _ cuts: [Range<Int>]) throws -> [UInt8] {
    var encoder = Base64Encoder(backend: backend)
    var characters: [UInt8] = []
    for cut in cuts {
      var block = [UInt8](repeating: 0, count: encoder.encodedCount(forByteCount: cut.count))
      // With less room nothing changes.
      if !block.isEmpty {
        var small = [UInt8](repeating: 0, count: block.count - 1)
        var output = small.mutableSpan
        let failed = (try? encoder.encode(bytes.span.bytes.extracting(cut), into: &output)) == nil
        try require(failed && small.allSatisfy { $0 == 0 }, "\(backend) writes to an output that is too small")
      }
      var output = block.mutableSpan
      let count = try encoder.encode(bytes.span.bytes.extracting(cut), into: &output)
      try require(count == block.count, "\(backend) promises \(block.count) characters and writes \(count)")
      characters += block
    }
    var end = [UInt8](repeating: 0, count: 4)
    var output = end.mutableSpan
    let count = try encoder.finish(into: &output)
    return characters + end[..<count]
  }
}
