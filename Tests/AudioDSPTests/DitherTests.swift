import AudioDSP
import AudioTestSupport
import Testing

@Suite struct DitherTests {
  private static func converted(
    _ samples: [Float], seed: UInt64, _ backend: KernelBackend, cuts: [Range<Int>]? = nil
  ) -> [Int16] {
    var converter = DitheredPCM16Converter(seed: seed, backend: backend)
    return converted(samples, by: &converter, cuts: cuts)
  }

  private static func converted(
    _ samples: [Float], by converter: inout DitheredPCM16Converter, cuts: [Range<Int>]? = nil
  ) -> [Int16] {
    var output = [Int16](repeating: 0, count: samples.count)
    var span = output.mutableSpan
    for cut in cuts ?? [0..<samples.count] {
      var target = span._mutatingExtracting(cut)
      converter.convert(samples.span.extracting(cut), into: &target)
    }
    return output
  }

  @Test(
    "However the stream is cut, the output is the same", arguments: KernelBackend.available, [5, 6, 7] as [UInt64])
  func partition(backend: KernelBackend, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let samples = random.samples(3_000)
    let whole = Self.converted(samples, seed: seed, backend)
    let cuts = random.cuts(of: samples.count)
    #expect(
      firstDifference(Self.converted(samples, seed: seed, backend, cuts: cuts), whole) == nil, "seed \(seed)")
    let singles = samples.indices.map { $0..<$0 + 1 }
    #expect(
      firstDifference(Self.converted(samples, seed: seed, backend, cuts: singles), whole) == nil, "seed \(seed)")
  }

  @Test("The dither is the one described: the difference of two 24-bit parts of SplitMix64 at the sample's position")
  func definition() {
    // The generator steps before it mixes, so it starts one step early.
    let seed: UInt64 = 0xD17
    var values = SeededGenerator(seed: seed &- 0x9E37_79B9_7F4A_7C15)
    var random = SeededGenerator(seed: 8)
    let samples = random.samples(5_000, in: -1.01...1.01)
    let expected = samples.map { sample in
      let bits = values.next()
      let difference = Int(bits >> 40) - Int(bits >> 16 & 0xFF_FFFF)
      return ReferencePCM16.converted((sample * 32768 + Float(difference) / 16_777_216) / 32768)
    }
    for backend in KernelBackend.available {
      #expect(firstDifference(Self.converted(samples, seed: seed, backend), expected) == nil, "\(backend)")
    }
  }

  @Test(
    "The error has mean 0 and variance 1/4 LSB² wherever the sample lies between two steps, as TPDF has it",
    arguments: KernelBackend.available, [0, 0.125, 0.25, 0.5, 0.75, 0.9])
  func moments(backend: KernelBackend, fraction: Double) {
    let count = 60_000
    let value = Float((100 + fraction) / 32768)
    let output = Self.converted([Float](repeating: value, count: count), seed: 9, backend)
    let errors = output.map { Double($0) - Double(value) * 32768 }
    let mean = errors.reduce(0, +) / Double(count)
    let variance = errors.reduce(0) { $0 + $1 * $1 } / Double(count) - mean * mean
    // Five standard deviations of the estimates: 0.5 / sqrt(n), and about 0.3 / sqrt(n).
    #expect(abs(mean) < 5 * 0.5 / Double(count).squareRoot())
    #expect(abs(variance - 0.25) < 5 * 0.35 / Double(count).squareRoot())
    // Dither of less than 1 LSB and rounding of at most half a step.
    #expect(errors.allSatisfy { abs($0) < 1.5 })
    let correlation = zip(errors, errors.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(count) / 0.25
    #expect(abs(correlation) < 5 / Double(count).squareRoot(), "neighbours are independent")
  }

  @Test("On silence it is triangular: an eighth of the values on each side of 0", arguments: KernelBackend.available)
  func triangularDensity(backend: KernelBackend) {
    let count = 60_000
    let output = Self.converted([Float](repeating: 0, count: count), seed: 10, backend)
    // Five standard deviations: sqrt(1/8 * 7/8 / n).
    let tolerance = 5 * (7.0 / 64 / Double(count)).squareRoot()
    #expect(abs(Double(output.filter { $0 == 1 }.count) / Double(count) - 0.125) < tolerance)
    #expect(abs(Double(output.filter { $0 == -1 }.count) / Double(count) - 0.125) < tolerance)
    #expect(output.allSatisfy { (-1...1).contains($0) })
  }

  @Test(arguments: KernelBackend.available)
  func seedsAndReset(backend: KernelBackend) {
    let silence = [Float](repeating: 0, count: 1_000)
    var converter = DitheredPCM16Converter(seed: 11, backend: backend)
    let first = Self.converted(silence, by: &converter)
    #expect(Self.converted(silence, by: &converter) != first, "the stream goes on")
    converter.reset()
    #expect(Self.converted(silence, by: &converter) == first)
    #expect(Self.converted(silence, seed: 11, backend) == first)
    #expect(Self.converted(silence, seed: 12, backend) != first)
  }

  @Test(arguments: KernelBackend.available)
  func saturationAndNaN(backend: KernelBackend) {
    #expect(Self.converted([2, .infinity, 1e30], seed: 1, backend) == [32767, 32767, 32767])
    #expect(Self.converted([-2, -.infinity, -1e30], seed: 1, backend) == [-32768, -32768, -32768])
    #expect(Self.converted([Float](repeating: .nan, count: 40), seed: 1, backend) == [Int16](repeating: 0, count: 40))
    // Full scale with dither pushes beyond it half of the time.
    let top = Self.converted([Float](repeating: 32767 / 32768, count: 200), seed: 1, backend)
    #expect(Set(top) == [32766, 32767])
    let bottom = Self.converted([Float](repeating: -1, count: 200), seed: 1, backend)
    #expect(Set(bottom) == [-32768, -32767])
  }

  @Test("The public initialiser gives what its seed does")
  func publicInitialiser() {
    var random = SeededGenerator(seed: 13)
    let samples = random.samples(500)
    var converter = DitheredPCM16Converter(seed: 13)
    #expect(Self.converted(samples, by: &converter) == Self.converted(samples, seed: 13, .scalar))
    var defaulted = DitheredPCM16Converter()
    #expect(Self.converted(samples, by: &defaulted) == Self.converted(samples, seed: 0, .scalar))
  }
}
