import AudioDSP
import AudioTestSupport
import Testing

@Suite struct G711Tests {
  private static let everyCode = (0...255).map { UInt8($0) }

  private static func reference(_ law: G711) -> ReferenceG711 {
    switch law {
    case .muLaw: .muLaw
    case .aLaw: .aLaw
    }
  }

  private static func encoded(_ samples: [Int16], _ law: G711, _ backend: KernelBackend) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: samples.count)
    var span = output.mutableSpan
    law.encode(samples.span, into: &span, backend: backend)
    return output
  }

  private static func decoded(_ codes: [UInt8], _ law: G711, _ backend: KernelBackend) -> [Int16] {
    var output = [Int16](repeating: 0, count: codes.count)
    var span = output.mutableSpan
    law.decode(codes.span, into: &span, backend: backend)
    return output
  }

  @Test("All 65,536 samples fall into the interval of the decision values", arguments: G711.allCases)
  func encodeEverySample(law: G711) {
    let expected = PCM16Tests.everyValue.map(Self.reference(law).encoded)
    for backend in KernelBackend.available {
      let found = Self.encoded(PCM16Tests.everyValue, law, backend)
      let difference = firstDifference(found, expected)
      #expect(difference == nil, "\(backend): \(difference.map { PCM16Tests.everyValue[$0] } ?? 0)")
    }
  }

  @Test("All 256 codes stand for the middle of their interval", arguments: G711.allCases)
  func decodeEveryCode(law: G711) {
    let expected = Self.everyCode.map(Self.reference(law).decoded)
    for backend in KernelBackend.available {
      let difference = firstDifference(Self.decoded(Self.everyCode, law, backend), expected)
      #expect(difference == nil, "\(backend)")
    }
  }

  @Test("Decoding, encoding and decoding again changes nothing", arguments: G711.allCases)
  func tandem(law: G711) {
    for backend in KernelBackend.available {
      let once = Self.decoded(Self.everyCode, law, backend)
      let codes = Self.encoded(once, law, backend)
      #expect(Self.decoded(codes, law, backend) == once, "\(backend)")
      // Mu-law alone has two codes for 0.
      let changed = zip(Self.everyCode, codes).filter { $0 != $1 }.map(\.0)
      #expect(changed == (law == .muLaw ? [0x7F] : []))
    }
  }

  @Test("Values known from telephony")
  func knownValues() {
    #expect(Self.encoded([0, -1, 32767, -32768], .muLaw, .scalar) == [0xFF, 0x7F, 0x80, 0x00])
    #expect(Self.decoded([0xFF, 0x7F, 0x80, 0x00], .muLaw, .scalar) == [0, 0, 32124, -32124])
    #expect(Self.encoded([0, -1, 32767, -32768], .aLaw, .scalar) == [0xD5, 0x55, 0xAA, 0x2A])
    #expect(Self.decoded([0xD5, 0x55, 0xAA, 0x2A], .aLaw, .scalar) == [8, -8, 32256, -32256])
  }

  @Test("Every length and alignment, touching nothing behind the last sample", arguments: G711.allCases)
  func lengthsAndAlignments(law: G711) {
    var random = SeededGenerator(seed: 14)
    let samples = (0..<100).map { _ in Int16(truncatingIfNeeded: random.next()) }
    let codes = samples.map(Self.reference(law).encoded)
    let values = codes.map(Self.reference(law).decoded)
    for backend in KernelBackend.available {
      for count in 0...70 {
        let start = count % 9
        let range = start..<start + count
        var bytes = [UInt8](repeating: 77, count: 100)
        var byteSpan = bytes.mutableSpan
        law.encode(samples.span.extracting(range), into: &byteSpan, backend: backend)
        #expect(bytes[..<count] == codes[range])
        #expect(bytes[count...].allSatisfy { $0 == 77 })
        var output = [Int16](repeating: 77, count: 100)
        var span = output.mutableSpan
        law.decode(codes.span.extracting(range), into: &span, backend: backend)
        #expect(output[..<count] == values[range])
        #expect(output[count...].allSatisfy { $0 == 77 })
      }
    }
  }

  @Test("What the caller gets without naming a backend", arguments: G711.allCases)
  func publicFunctions(law: G711) {
    let everyValue = PCM16Tests.everyValue
    var codes = [UInt8](repeating: 0, count: everyValue.count)
    var codeSpan = codes.mutableSpan
    law.encode(everyValue.span, into: &codeSpan)
    #expect(firstDifference(codes, everyValue.map(Self.reference(law).encoded)) == nil)
    var samples = [Int16](repeating: 0, count: 256)
    var span = samples.mutableSpan
    let everyCode = Self.everyCode
    law.decode(everyCode.span, into: &span)
    #expect(samples == everyCode.map(Self.reference(law).decoded))
  }
}
