import AudioDSP
import AudioTestSupport
import Testing

@Suite struct PCM16Tests {
  static let everyValue = (Int(Int16.min)...Int(Int16.max)).map { Int16($0) }

  static func pcm16(_ samples: [Float], _ backend: KernelBackend) -> [Int16] {
    var output = [Int16](repeating: 0, count: samples.count)
    var span = output.mutableSpan
    PCM16.convert(samples.span, into: &span, backend: backend)
    return output
  }

  static func float(_ samples: [Int16], _ backend: KernelBackend) -> [Float] {
    var output = [Float](repeating: 0, count: samples.count)
    var span = output.mutableSpan
    PCM16.convert(samples.span, into: &span, backend: backend)
    return output
  }

  /// Compares with the oracle and names the first sample that differs.
  static func expectRounded(_ samples: [Float], _ backend: KernelBackend, _ comment: Comment? = nil) {
    let found = pcm16(samples, backend)
    let expected = samples.map(ReferencePCM16.converted)
    if let i = firstDifference(found, expected) {
      Issue.record("\(samples[i]) became \(found[i]) and not \(expected[i]); \(comment ?? "")")
    }
  }

  @Test(arguments: KernelBackend.available)
  func everyValueRoundTrips(backend: KernelBackend) {
    let floats = Self.float(Self.everyValue, backend)
    #expect(firstDifference(floats, Self.everyValue.map { Float(Double($0) / 32768) }) == nil)
    #expect(firstDifference(Self.pcm16(floats, backend), Self.everyValue) == nil)
  }

  @Test("Ties go to even, and the floats beside them to their own side", arguments: KernelBackend.available)
  func ties(backend: KernelBackend) {
    let ties = (-32770...32769).map { (Float($0) + 0.5) / 32768 }
    Self.expectRounded(ties, backend)
    Self.expectRounded(ties.map(\.nextUp), backend)
    Self.expectRounded(ties.map(\.nextDown), backend)
    #expect(
      Self.pcm16([0.5, 1.5, 2.5, -0.5, -1.5, -2.5].map { Float($0) / 32768 }, backend) == [0, 2, 2, 0, -2, -2])
  }

  @Test(arguments: KernelBackend.available, [1, 2, 3] as [UInt64])
  func randomValues(backend: KernelBackend, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    Self.expectRounded(random.samples(20_000, in: -1.1...1.1), backend, "seed \(seed)")
    Self.expectRounded(random.samples(20_000, in: -1e-4...1e-4), backend, "seed \(seed)")
    // Any bit pattern: subnormal, huge, infinite, NaN.
    let patterns = (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    Self.expectRounded(patterns, backend, "seed \(seed)")
  }

  @Test(arguments: KernelBackend.available)
  func saturation(backend: KernelBackend) {
    let edges: [(Float, Int16)] = [
      (1, 32767), (Float(1).nextDown, 32767), (Float(1).nextUp, 32767), (2, 32767), (1e9, 32767),
      (.greatestFiniteMagnitude, 32767), (.infinity, 32767), (32767 / 32768, 32767),
      (-1, -32768), (Float(-1).nextDown, -32768), (-2, -32768), (-1e9, -32768),
      (-.greatestFiniteMagnitude, -32768), (-.infinity, -32768), (-32767 / 32768, -32767),
      (.nan, 0), (-.nan, 0), (.signalingNaN, 0), (0, 0), (-0.0, 0), (.leastNonzeroMagnitude, 0),
      (-.leastNormalMagnitude, 0),
    ]
    for (sample, expected) in edges {
      // In every place of a vector, so that no lane escapes.
      let found = Self.pcm16([Float](repeating: sample, count: 37), backend)
      #expect(found == [Int16](repeating: expected, count: 37), "\(sample)")
    }
  }

  @Test("Every length and alignment, touching nothing behind the last sample", arguments: KernelBackend.available)
  func lengthsAndAlignments(backend: KernelBackend) {
    var random = SeededGenerator(seed: 4)
    let floats = random.samples(100, in: -1.2...1.2)
    let expected = floats.map(ReferencePCM16.converted)
    let restored = expected.map { Float(Double($0) / 32768) }
    for count in 0...70 {
      for start in 0..<9 {
        let range = start..<start + count
        var integers = [Int16](repeating: 77, count: 100)
        var integerSpan = integers.mutableSpan
        var integerSlice = integerSpan._mutatingExtracting((8 - start)...)
        PCM16.convert(floats.span.extracting(range), into: &integerSlice, backend: backend)
        #expect(integers[8 - start..<8 - start + count] == expected[range])
        #expect(integers[..<(8 - start)].allSatisfy { $0 == 77 })
        #expect(integers[(8 - start + count)...].allSatisfy { $0 == 77 })

        var outputs = [Float](repeating: 77, count: 100)
        var outputSpan = outputs.mutableSpan
        var outputSlice = outputSpan._mutatingExtracting((8 - start)...)
        PCM16.convert(expected.span.extracting(range), into: &outputSlice, backend: backend)
        #expect(outputs[8 - start..<8 - start + count] == restored[range])
        #expect(outputs[..<(8 - start)].allSatisfy { $0 == 77 })
        #expect(outputs[(8 - start + count)...].allSatisfy { $0 == 77 })
      }
    }
  }

  @Test("What the caller gets without naming a backend")
  func publicFunctions() {
    let floats: [Float] = [0, 0.5, -0.5, 1, -1, .nan]
    var integers = [Int16](repeating: 1, count: 6)
    var integerSpan = integers.mutableSpan
    PCM16.convert(floats.span, into: &integerSpan)
    #expect(integers == [0, 16384, -16384, 32767, -32768, 0])
    var restored = [Float](repeating: 1, count: 6)
    var restoredSpan = restored.mutableSpan
    PCM16.convert(integers.span, into: &restoredSpan)
    #expect(restored == [0, 0.5, -0.5, 32767 / 32768, -1, 0])
  }
}
