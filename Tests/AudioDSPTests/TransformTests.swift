import AudioTestSupport
import Foundation
import Testing

@testable import AudioDSP

/// Fourier transforms and what stands between them, against their definitions in double precision.
@Suite struct TransformTests {
  /// Other values in each run; failures tell it.
  static let seed = {
    let seed = UInt64.random(in: 0..<1 << 32)
    print("Transforms: seed \(seed)")
    return seed
  }()

  /// A backend and a length; all pairs.
  struct Case: Sendable, CustomTestStringConvertible {
    var backend: KernelBackend
    var length: Int

    var testDescription: String { "\(backend.rawValue), \(length) samples" }

    static let all = KernelBackend.available.flatMap { backend in
      RealTransform.lengths.map { Case(backend: backend, length: $0) }
    }
  }

  // MARK: The oracle

  /// exp(2 pi i * turns / length) for all turns: from angles that are divided out in double precision.
  private struct Circle {
    var cosines: [Double]
    var sines: [Double]

    init(_ length: Int) {
      cosines = (0..<length).map { cos(2 * Double.pi * Double($0) / Double(length)) }
      sines = (0..<length).map { sin(2 * Double.pi * Double($0) / Double(length)) }
    }
  }

  /// The sums of the definition, at the bins that are asked for.
  private static func bins(_ samples: [Double], at bins: [Int]) -> [(real: Double, imaginary: Double)] {
    let circle = Circle(samples.count)
    return bins.map { k in
      var (real, imaginary, turns) = (0.0, 0.0, 0)
      for sample in samples {
        real += sample * circle.cosines[turns]
        imaginary -= sample * circle.sines[turns]
        turns = (turns + k) % samples.count
      }
      return (real, imaginary)
    }
  }

  /// All bins of the shorter lengths, else the ends and some, for the definition's sums take a product of lengths.
  private static func someBins(of length: Int, _ random: inout SeededGenerator) -> [Int] {
    if length <= 512 { return Array(0...length / 2) }
    return [0, 1, length / 4, length / 2 - 1, length / 2]
      + (0..<24).map { _ in Int.random(in: 0...length / 2, using: &random) }
  }

  private struct Spectrum {
    var real: [Float]
    var imaginary: [Float]
  }

  private static func forward(
    _ transform: RealTransform, _ backend: KernelBackend, _ samples: [Float], from start: Int = 0, window: [Float]
  ) -> Spectrum {
    let empty = [Float](repeating: .nan, count: transform.binCount)
    var spectrum = Spectrum(real: empty, imaginary: empty)
    var scratch = [Float](repeating: .nan, count: transform.scratchCount)
    Kernels(backend).forward(
      transform, samples, from: start, window: window, real: &spectrum.real, imaginary: &spectrum.imaginary,
      scratch: &scratch)
    return spectrum
  }

  private static func inverse(_ transform: RealTransform, _ backend: KernelBackend, _ spectrum: Spectrum) -> [Float] {
    var samples = [Float](repeating: .nan, count: transform.length)
    var scratch = [Float](repeating: .nan, count: transform.scratchCount)
    Kernels(backend).inverse(
      transform, real: spectrum.real, imaginary: spectrum.imaginary, into: &samples, scratch: &scratch)
    return samples
  }

  // MARK: Forward

  @Test("The spectrum is that of the definition", arguments: Case.all)
  func spectrum(of tested: Case) {
    let (length, transform) = (tested.length, RealTransform(length: tested.length))
    #expect(transform.length == length && transform.binCount == length / 2 + 1)
    var random = SeededGenerator(seed: Self.seed &+ UInt64(length))
    let hann = (0..<length).map { Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(length))) }
    for kind in 0..<4 {
      let start = Int.random(in: 0...9, using: &random)
      var samples = random.samples(start + length + 3)
      if kind == 1 {
        let only = Int.random(in: 0..<length, using: &random)
        samples = samples.indices.map { $0 == start + only ? samples[$0] : 0 }
      }
      if kind == 2 { samples = samples.map { $0 * 1e-12 } }
      let window = kind == 0 ? hann : random.samples(length)
      let found = Self.forward(transform, tested.backend, samples, from: start, window: window)
      let products = (0..<length).map { Double(samples[start + $0]) * Double(window[$0]) }
      let bound = 3e-6 * products.reduce(0) { $0 + abs($1) }
      let bins = Self.someBins(of: length, &random)
      for (k, expected) in zip(bins, Self.bins(products, at: bins)) {
        let error = hypot(Double(found.real[k]) - expected.real, Double(found.imaginary[k]) - expected.imaginary)
        #expect(error <= bound, "bin \(k), kind \(kind), seed \(Self.seed)")
      }
      #expect(found.imaginary[0] == 0 && found.imaginary[length / 2] == 0)
      #expect(!found.real.contains { $0.isNaN } && !found.imaginary.contains { $0.isNaN })
    }
  }

  @Test("A wave of a whole number of periods is one bin, of its phase", arguments: Case.all)
  func waves(of tested: Case) {
    let (length, transform) = (tested.length, RealTransform(length: tested.length))
    let window = [Float](repeating: 1, count: length)
    for k in [1, 2, 3, 15, 16, length / 8, length / 4, length / 4 + 1, length / 2 - 1] {
      let phase = 2 * Double.pi * Double(k) / 7
      let samples = (0..<length).map {
        Float(cos(2 * Double.pi * Double(k * $0 % length) / Double(length) + phase))
      }
      let found = Self.forward(transform, tested.backend, samples, window: window)
      let height = Float(length) / 2
      for j in 0...length / 2 {
        let (x, y) = j == k ? (height * Float(cos(phase)), height * Float(sin(phase))) : (0, 0)
        #expect(abs(found.real[j] - x) + abs(found.imaginary[j] - y) < 2e-6 * height, "bin \(j) of a wave at \(k)")
      }
    }
  }

  // MARK: Inverse

  @Test("The samples of a spectrum are those of the definition", arguments: Case.all)
  func samples(of tested: Case) {
    let (length, transform) = (tested.length, RealTransform(length: tested.length))
    var random = SeededGenerator(seed: Self.seed &+ 1 &+ UInt64(length))
    let last = length / 2
    for kind in 0..<3 {
      var spectrum = Spectrum(real: random.samples(last + 1), imaginary: random.samples(last + 1))
      if kind == 1 {
        let only = Int.random(in: 0...last, using: &random)
        for k in 0...last where k != only { (spectrum.real[k], spectrum.imaginary[k]) = (0, 0) }
      }
      let found = Self.inverse(transform, tested.backend, spectrum)
      // The whole spectrum, of which the sum over positive angles is the transform of the conjugate, conjugated.
      let circle = Circle(length)
      var magnitude = 0.0
      for k in 0..<length {
        let bin = min(k, length - k)
        let isEnd = bin == 0 || bin == last
        magnitude += hypot(Double(spectrum.real[bin]), isEnd ? 0 : Double(spectrum.imaginary[bin]))
      }
      let bound = 3e-6 * magnitude / Double(length)
      let places = (0..<40).map { $0 < 2 ? $0 * (length - 1) : Int.random(in: 0..<length, using: &random) }
      for n in places {
        var sum = 0.0
        for k in 0..<length {
          let turns = k * n % length
          let (bin, sign) = k <= last ? (k, 1.0) : (length - k, -1.0)
          let imaginary = bin == 0 || bin == last ? 0 : sign * Double(spectrum.imaginary[bin])
          sum += Double(spectrum.real[bin]) * circle.cosines[turns] - imaginary * circle.sines[turns]
        }
        #expect(
          abs(Double(found[n]) - sum / Double(length)) <= bound, "sample \(n), kind \(kind), seed \(Self.seed)")
      }
    }
  }

  @Test("What was transformed comes back", arguments: Case.all)
  func roundTrip(of tested: Case) {
    let (length, transform) = (tested.length, RealTransform(length: tested.length))
    var random = SeededGenerator(seed: Self.seed &+ 2 &+ UInt64(length))
    let window = [Float](repeating: 1, count: length)
    for scale: Float in [1, 1e-6, 30_000] {
      let samples = random.samples(length, in: -scale...scale)
      let spectrum = Self.forward(transform, tested.backend, samples, window: window)
      let back = Self.inverse(transform, tested.backend, spectrum)
      var error: Float = 0
      for (a, b) in zip(samples, back) { error = max(error, abs(a - b)) }
      // -120 dB; a rounding of a sample is -144 dB.
      #expect(error <= 1e-6 * scale, "seed \(Self.seed)")
    }
  }

  @Test("A signal that is cut up, transformed back and forth and put together is the signal", arguments: Case.all)
  func overlapAdd(of tested: Case) {
    let (length, transform, kernels) = (tested.length, RealTransform(length: tested.length), Kernels(tested.backend))
    var random = SeededGenerator(seed: Self.seed &+ 3 &+ UInt64(length))
    // The squares of sine windows add up to 1.
    let window = (0..<length).map { Float(sin(Double.pi * (Double($0) + 0.5) / Double(length))) }
    let signal = random.samples(6 * length)
    var (frame, output) = ([Float](repeating: 0, count: length), [Float](repeating: 0, count: signal.count))
    let gains = [Float](repeating: 1, count: transform.binCount)
    for start in stride(from: 0, through: signal.count - length, by: length / 2) {
      var spectrum = Self.forward(transform, tested.backend, signal, from: start, window: window)
      kernels.multiply(&spectrum.real, by: gains, count: transform.binCount)
      kernels.multiply(&spectrum.imaginary, by: gains, count: transform.binCount)
      frame = Self.inverse(transform, tested.backend, spectrum)
      kernels.addProduct(of: frame, and: window, count: length, to: &output, at: start)
    }
    for i in length / 2..<signal.count - length / 2 {
      #expect(abs(output[i] - signal[i]) <= 2e-6, "sample \(i), seed \(Self.seed)")
    }
  }

  @Test("The power of a spectrum of 512 samples is that of powerSpectrum", arguments: KernelBackend.available)
  func powerSpectrum(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 4)
    let transform = RealTransform(length: Kernels.spectrumInputCount)
    let (samples, window) = (random.samples(512), random.samples(512))
    let spectrum = Self.forward(transform, backend, samples, window: window)
    var (power, expected) = ([Float](repeating: .nan, count: 257), [Float](repeating: .nan, count: 257))
    Kernels(backend).power(
      real: spectrum.real, imaginary: spectrum.imaginary, scale: 0.25, count: 257, into: &power)
    Kernels(backend).powerSpectrum(samples, from: 0, window: window, scale: 0.25, into: &expected, at: 0)
    // Both add up the same parts and untangle them by other roundings: a fifteenth of what either may be off by.
    let bound = 2e-7 * zip(samples, window).reduce(0) { $0 + abs($1.0 * $1.1) }
    for k in 0...256 {
      let magnitude = 2 * expected[k].squareRoot()
      let allowed = 0.25 * bound * (2 * magnitude + bound)
      #expect(abs(power[k] - expected[k]) <= allowed, "bin \(k), seed \(Self.seed)")
    }
  }

  // MARK: Lengths

  @Test(
    "The length for a rate",
    arguments: [
      (4_000, 128), (4_799, 128), (4_800, 192), (8_000, 256), (16_000, 512), (22_050, 768), (24_000, 768),
      (44_100, 1_536), (48_000, 1_536), (96_000, 3_072), (192_000, 6_144),
    ])
  func length(hertz: Int, length: Int) throws {
    #expect(RealTransform.length(for: try SampleRate(hertz)) == length)
  }

  @Test("The length is the longest of at most 40 ms, at every rate")
  func allLengths() throws {
    for hertz in SampleRate.range {
      let length = RealTransform.length(for: try SampleRate(hertz))
      let isLongest = !RealTransform.lengths.contains { $0 > length && Double($0) <= 0.04 * Double(hertz) }
      if length > hertz / 25 || length * 1_000 < 26 * hertz || !isLongest {
        Issue.record("\(length) samples at \(hertz) Hz")
      }
    }
  }

  // MARK: Elementwise

  @Test("Products, sums of products and powers are those of the language", arguments: KernelBackend.available)
  func products(backend: KernelBackend) {
    let kernels = Kernels(backend)
    var random = SeededGenerator(seed: Self.seed &+ 5)
    for count in [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 257, 1_000] {
      let (a, b, before) = (random.samples(count + 3), random.samples(count), random.samples(count + 5))
      var output = before
      kernels.multiply(a, from: 2, by: b, count: count, into: &output, at: 4)
      var expected = before
      for i in 0..<count { expected[4 + i] = a[2 + i] * b[i] }
      #expect(output == expected, "\(count) products, seed \(Self.seed)")
      output = before
      kernels.multiply(&output, from: 3, by: b, count: count)
      expected = before
      for i in 0..<count { expected[3 + i] *= b[i] }
      #expect(output == expected, "\(count) products in place, seed \(Self.seed)")
      output = before
      kernels.addProduct(of: a, from: 1, and: b, count: count, to: &output, at: 2)
      expected = before
      for i in 0..<count {
        let product = a[1 + i] * b[i]
        expected[2 + i] += product
      }
      #expect(output == expected, "\(count) sums of products, seed \(Self.seed)")
      output = before
      kernels.power(real: a, imaginary: b, scale: 0.3, count: count, into: &output)
      expected = before
      for i in 0..<count {
        let (x, y) = (a[i] * a[i], b[i] * b[i])
        expected[i] = 0.3 * (x + y)
      }
      #expect(output == expected, "\(count) powers, seed \(Self.seed)")
    }
  }

  @Test("Sigmoids, and what is written beside them", arguments: KernelBackend.available)
  func sigmoids(backend: KernelBackend) {
    let kernels = Kernels(backend)
    let near = stride(from: Float(-20), through: 20, by: 1 / 512).map { $0 }
    let far: [Float] = [-.infinity, -1e30, -200, -88, -87, 87, 88, 200, 1e30, .infinity]
    let input = near + far
    var output = [Float](repeating: -7, count: input.count + 9)
    kernels.sigmoid(input, from: 1, count: input.count - 1, into: &output, at: 5)
    for (index, x) in input.enumerated().dropFirst() {
      #expect(abs(Double(output[index + 4]) - 1 / (1 + exp(-Double(x)))) <= 3e-7, "sigmoid(\(x))")
    }
    #expect(output[..<5] == [-7, -7, -7, -7, -7] && output[(input.count + 4)...] == [-7, -7, -7, -7, -7])
    var values = input
    kernels.sigmoid(of: &values)
    #expect(values[1...] == output[5..<input.count + 4])
    var nothing: [Float] = []
    kernels.sigmoid(of: &nothing)
    #expect(nothing.isEmpty)
  }

  // MARK: Memory

  @Test(
    "Nothing allocates", .enabled(if: AllocationCounter.isAvailable, "the counter needs glibc and no sanitizer"),
    arguments: KernelBackend.available)
  func allocations(backend: KernelBackend) {
    let (kernels, transform) = (Kernels(backend), RealTransform(length: 768))
    var random = SeededGenerator(seed: Self.seed &+ 6)
    let (window, bins) = (random.samples(768), transform.binCount)
    let gains = random.samples(bins)
    var samples = random.samples(1_000)
    var (real, imaginary, power) = (gains, gains, gains)
    var scratch = [Float](repeating: 0, count: transform.scratchCount)
    power[0] = 1
    real[0] = 1
    let count = AllocationCounter.count {
      kernels.forward(
        transform, samples, from: 100, window: window, real: &real, imaginary: &imaginary, scratch: &scratch)
      kernels.power(real: real, imaginary: imaginary, scale: 1, count: bins, into: &power)
      kernels.sigmoid(of: &power)
      kernels.multiply(&real, by: gains, count: bins)
      kernels.multiply(imaginary, by: gains, count: bins, into: &power)
      kernels.inverse(transform, real: real, imaginary: imaginary, into: &samples, at: 9, scratch: &scratch)
      kernels.addProduct(of: power, and: window, count: bins, to: &samples, at: 10)
      kernels.sigmoid(gains, count: bins, into: &power)
    }
    #expect(count == 0)
  }

  #if os(macOS) || os(Linux)
    @Test("Bounds are checked in release builds too")
    func bounds() async {
      await #expect(processExitsWith: .failure) { _ = RealTransform(length: 500) }
      await #expect(processExitsWith: .failure) { _ = RealTransform(length: 96) }
      await #expect(processExitsWith: .failure) {
        let transform = RealTransform(length: 128)
        var (real, imaginary) = ([Float](repeating: 0, count: 65), [Float](repeating: 0, count: 65))
        var scratch = [Float](repeating: 0, count: transform.scratchCount)
        let samples = [Float](repeating: 0, count: 128)
        Kernels(.scalar).forward(
          transform, samples, from: 1, window: samples, real: &real, imaginary: &imaginary, scratch: &scratch)
      }
      await #expect(processExitsWith: .failure) {
        let transform = RealTransform(length: 128)
        var (real, imaginary) = ([Float](repeating: 0, count: 65), [Float](repeating: 0, count: 64))
        var scratch = [Float](repeating: 0, count: transform.scratchCount)
        let samples = [Float](repeating: 0, count: 128)
        Kernels(.scalar).forward(
          transform, samples, window: samples, real: &real, imaginary: &imaginary, scratch: &scratch)
      }
      await #expect(processExitsWith: .failure) {
        let transform = RealTransform(length: 128)
        let spectrum = [Float](repeating: 0, count: 65)
        var samples = [Float](repeating: 0, count: 128)
        var scratch = [Float](repeating: 0, count: transform.scratchCount - 1)
        Kernels(.scalar).inverse(transform, real: spectrum, imaginary: spectrum, into: &samples, scratch: &scratch)
      }
      await #expect(processExitsWith: .failure) {
        var output: [Float] = [1, 2]
        Kernels(.scalar).addProduct(of: [1, 2], and: [1, 2], count: 2, to: &output, at: 1)
      }
      await #expect(processExitsWith: .failure) {
        var output: [Float] = [1, 2]
        Kernels(.scalar).multiply([1, 2], from: -1, by: [1, 2], count: 2, into: &output)
      }
      await #expect(processExitsWith: .failure) {
        var output: [Float] = [1, 2]
        Kernels(.scalar).sigmoid([1, 2], count: -1, into: &output)
      }
    }
  #endif
}
