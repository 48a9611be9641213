import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// The kernels of networks against what they mean, in double precision.
@Suite struct NetworkKernelTests {
  /// Other sizes and values in each run; failures tell it.
  static let seed = {
    let seed = UInt64.random(in: 0..<1 << 32)
    print("Network kernels: seed \(seed)")
    return seed
  }()

  // MARK: Power spectrum

  /// The squared magnitudes of the transform by its definition, from the product of samples and window in single
  /// precision.
  private static func powers(_ samples: [Float], _ window: [Float], scale: Double) -> [Double] {
    let turn = (0..<512).map { (cos(2 * Double.pi * Double($0) / 512), sin(2 * Double.pi * Double($0) / 512)) }
    let products = zip(samples, window).map { Double($0 * $1) }
    return (0...256).map { k in
      var (real, imaginary) = (0.0, 0.0)
      for n in 0..<512 {
        real += products[n] * turn[k * n % 512].0
        imaginary -= products[n] * turn[k * n % 512].1
      }
      return scale * (real * real + imaginary * imaginary)
    }
  }

  private static func spectrum(_ backend: KernelBackend, _ samples: [Float], _ window: [Float], scale: Float) -> [Float]
  {
    var power = [Float](repeating: .nan, count: Kernels.spectrumOutputCount)
    var span = power.mutableSpan
    Kernels(backend).powerSpectrum(samples.span, window: window.span, scale: scale, into: &span)
    return power
  }

  @Test("The power spectrum is that of the definition", arguments: KernelBackend.available)
  func powerSpectrum(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed)
    let hann = (0..<512).map { Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / 512)) }
    for kind in 0..<8 {
      var samples = random.samples(512)
      if kind == 1 { samples = sineWave(1000, rate: 16_000, count: 512) }
      if kind == 2 { samples = (0..<512).map { $0 == 77 ? 1 : 0 } }
      if kind == 3 { samples = samples.map { $0 * 1e-12 } }
      let window = kind % 2 == 0 ? hann : random.samples(512)
      let scale = Float.random(in: 0.001...2, using: &random)
      let found = Self.spectrum(backend, samples, window, scale: scale)
      let expected = Self.powers(samples, window, scale: Double(scale))
      let magnitude = zip(samples, window).reduce(0.0) { $0 + abs(Double($1.0 * $1.1)) }
      for k in 0...256 {
        // What CAudioKernels.h promises of the amplitude, and three roundings of its square.
        let amplitude = (expected[k] / Double(scale)).squareRoot()
        let error = 3e-6 * magnitude
        let bound = Double(scale) * error * (2 * amplitude + error) + 3 * expected[k] * 0x1p-24
        #expect(abs(Double(found[k]) - expected[k]) <= bound, "power \(k), kind \(kind), seed \(Self.seed)")
      }
    }
  }

  @Test("A cosine of a whole number of periods is one power", arguments: KernelBackend.available)
  func cosines(backend: KernelBackend) {
    let window = [Float](repeating: 1, count: 512)
    for k in [0, 1, 2, 15, 16, 63, 64, 127, 128, 129, 200, 255, 256] {
      let samples = (0..<512).map { Float(cos(2 * Double.pi * Double(k * $0 % 512) / 512)) }
      let found = Self.spectrum(backend, samples, window, scale: 1 / 65_536)
      let expected: Float = k % 256 == 0 ? 4 : 1
      for j in 0...256 { #expect(abs(found[j] - (j == k ? expected : 0)) < 1e-5, "power \(j) of a cosine at \(k)") }
    }
  }

  // MARK: Layers

  private static func outputs(
    _ rows: [Float], _ bias: [Float], columnCount: Int, isRectified: Bool, _ frame: ArraySlice<Float>
  ) -> [(value: Double, magnitude: Double)] {
    let frame = Array(frame)
    return bias.indices.map { row in
      var (sum, magnitude) = (Double(bias[row]), abs(Double(bias[row])))
      for column in 0..<columnCount {
        let product = Double(rows[row * columnCount + column]) * Double(frame[column])
        sum += product
        magnitude += abs(product)
      }
      return (isRectified ? max(sum, 0) : sum, magnitude)
    }
  }

  private static func apply(
    _ layer: DenseLayer, _ backend: KernelBackend, _ input: ArraySlice<Float>, stride: Int, count: Int,
    outputStride: Int
  ) -> [Float] {
    var output = [Float](repeating: .nan, count: count == 0 ? 0 : (count - 1) * outputStride + layer.rowCount)
    var span = output.mutableSpan
    Kernels(backend).apply(
      layer, to: input.span, stride: stride, count: count, into: &span, outputStride: outputStride)
    return output
  }

  private static func check(
    _ layer: DenseLayer, _ rows: [Float], _ bias: [Float], columnCount: Int, backend: KernelBackend,
    _ random: inout SeededGenerator
  ) {
    let count = Int.random(in: 0...9, using: &random)
    let stride = Int.random(in: 0...columnCount + 3, using: &random)
    let outputStride = layer.rowCount + Int.random(in: 0...3, using: &random)
    let input = random.samples(max(0, count - 1) * stride + columnCount)
    let output = apply(layer, backend, input[...], stride: stride, count: count, outputStride: outputStride)
    let what: Comment = "\(bias.count) rows, \(columnCount) columns, \(count) frames \(stride) apart, seed \(seed)"
    for frame in 0..<count {
      let window = input[frame * stride..<frame * stride + columnCount]
      let expected = outputs(rows, bias, columnCount: columnCount, isRectified: layer.isRectified, window)
      for row in bias.indices {
        // A product passes through up to a quarter of the additions and three more, and is rounded itself.
        let bound = Double(columnCount / 4 + 5) * 0x1p-24 * expected[row].magnitude
        let value = Double(output[frame * outputStride + row])
        #expect(abs(value - expected[row].value) <= bound, "row \(row) of frame \(frame): \(what)")
      }
      for row in bias.count..<layer.rowCount { #expect(output[frame * outputStride + row] == 0, what) }
      let alone = apply(layer, backend, window, stride: 0, count: 1, outputStride: layer.rowCount)
      let together = Array(output[frame * outputStride..<frame * outputStride + layer.rowCount])
      #expect(firstBitDifference(alone, together) == nil, "frame \(frame) alone: \(what)")
      if frame > 0 {
        for place in (frame - 1) * outputStride + layer.rowCount..<frame * outputStride {
          #expect(output[place].isNaN, "written behind frame \(frame - 1): \(what)")
        }
      }
    }
  }

  @Test(
    "A layer is a matrix product, and a frame's outputs do not depend on the others", arguments: KernelBackend.available
  )
  func layers(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 1)
    for _ in 0..<60 {
      let rowCount = Int.random(in: 0...70, using: &random)
      let columnCount = Int.random(in: 0...90, using: &random)
      let rows = random.samples(rowCount * columnCount)
      let bias = random.samples(rowCount)
      let layer = DenseLayer(rows: rows, bias: bias, columnCount: columnCount, isRectified: Bool.random(using: &random))
      Self.check(layer, rows, bias, columnCount: columnCount, backend: backend, &random)
    }
  }

  @Test("Bands are multiplied as the full matrix is", arguments: KernelBackend.available)
  func bands(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 2)
    for _ in 0..<20 {
      let rowCount = Int.random(in: 1...50, using: &random)
      let columnCount = Int.random(in: 1...257, using: &random)
      var rows = [Float](repeating: 0, count: rowCount * columnCount)
      for row in 0..<rowCount {
        let start = min(columnCount, row * columnCount / rowCount + Int.random(in: -1...1, using: &random))
        let end = min(columnCount, start + Int.random(in: 0...20, using: &random))
        for column in max(0, start)..<max(0, end) {
          rows[row * columnCount + column] = Float.random(in: 0...1, using: &random)
        }
      }
      let layer = DenseLayer(bands: rows, columnCount: columnCount)
      #expect(layer.productCount <= layer.rowCount * columnCount)
      let bias = [Float](repeating: 0, count: rowCount)
      Self.check(layer, rows, bias, columnCount: columnCount, backend: backend, &random)
    }
    let diagonal = DenseLayer(bands: (0..<64 * 64).map { $0 % 65 == 0 ? 2 : 0 }, columnCount: 64)
    #expect(diagonal.productCount == 64 * 16)
    let none = DenseLayer(bands: [Float](repeating: 0, count: 16 * 5), columnCount: 5)
    #expect(none.productCount == 0)
    #expect(
      Self.apply(none, backend, [1, 2, 3, 4, 5], stride: 0, count: 1, outputStride: 16)
        == Array(repeating: 0, count: 16))
  }

  @Test("Weights that are packed already are those of the rows")
  func packed() {
    var random = SeededGenerator(seed: Self.seed &+ 3)
    let rows = random.samples(32 * 7)
    let bias = random.samples(32)
    let packed = (0..<2).flatMap { group in
      (0..<7).flatMap { column in (0..<16).map { rows[(group * 16 + $0) * 7 + column] } }
    }
    let input = random.samples(7)[...]
    let a = DenseLayer(rows: rows, bias: bias, columnCount: 7)
    let b = DenseLayer(packedWeights: packed, bias: bias, columnCount: 7)
    for backend in KernelBackend.available {
      let (x, y) = (
        Self.apply(a, backend, input, stride: 0, count: 1, outputStride: 32),
        Self.apply(b, backend, input, stride: 0, count: 1, outputStride: 32)
      )
      #expect(firstBitDifference(x, y) == nil)
    }
  }

  // MARK: Elementwise

  @Test("Logarithms", arguments: KernelBackend.available)
  func logarithms(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 4)
    for count in [0, 1, 3, 4, 15, 16, 17, 32, 100, 1_000] {
      let offset = exp2(Float.random(in: -40...4, using: &random))
      // The sums are below 2^5 in magnitude of their logarithm, so that the bound is 2e-6 as a number of decibels wants.
      let input = (0..<count).map { _ in
        Bool.random(using: &random)
          ? exp2(Float.random(in: -31...31, using: &random)) : Float.random(in: 0...2, using: &random)
      }
      var output = [Float](repeating: .nan, count: count)
      var span = output.mutableSpan
      Kernels(backend).log2(input.span, plus: offset, into: &span)
      for (x, y) in zip(input, output) {
        let expected = Foundation.log2(Double(x + offset))
        let bound = abs(expected) < 32 ? 2e-6 : 3e-7 + 0x1p-24 * abs(expected)
        #expect(abs(Double(y) - expected) <= bound, "of \(x) + \(offset), seed \(Self.seed)")
      }
      var values = input
      var inPlace = values.mutableSpan
      Kernels(backend).log2(of: &inPlace, plus: offset)
      #expect(firstBitDifference(values, output) == nil)
    }
  }

  @Test("Logarithms of powers of two are exact", arguments: KernelBackend.available)
  func exactLogarithms(backend: KernelBackend) {
    let exponents = Array(-100...100)
    var values = exponents.map { Float(sign: .plus, exponent: $0, significand: 1) }
    var span = values.mutableSpan
    Kernels(backend).log2(of: &span, plus: Float.leastNormalMagnitude)
    for (exponent, value) in zip(exponents, values) { #expect(value == Float(exponent)) }
  }

  @Test("Square roots are those of the language", arguments: KernelBackend.available)
  func squareRoots(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 5)
    for count in [0, 1, 7, 16, 33, 257] {
      let input = (0..<count).map { _ in Float(bitPattern: UInt32.random(in: 0...0x7F7F_FFFF, using: &random)) }
      var output = [Float](repeating: .nan, count: count)
      var span = output.mutableSpan
      Kernels(backend).squareRoot(input.span, into: &span)
      #expect(output == input.map { $0.squareRoot() }, "seed \(Self.seed)")
      var values = input
      var inPlace = values.mutableSpan
      Kernels(backend).squareRoot(of: &inPlace)
      #expect(values == output)
    }
  }

  private static func step(_ backend: KernelBackend, _ input: [Float], _ ofState: [Float], _ state: [Float]) -> [Float]
  {
    var state = state
    var span = state.mutableSpan
    Kernels(backend).gruStep(inputGates: input.span, stateGates: ofState.span, state: &span)
    return state
  }

  @Test("A step of a recurrent unit", arguments: KernelBackend.available)
  func recurrentUnit(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 6)
    func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    for count in [0, 1, 5, 16, 31, 48, 64] {
      for scale: Float in [0.1, 3, 20, 1_000] {
        let input = random.samples(3 * count, in: -scale...scale)
        let ofState = random.samples(3 * count, in: -scale...scale)
        let before = random.samples(count)
        let after = Self.step(backend, input, ofState, before)
        for i in 0..<count {
          let reset = logistic(Double(input[i]) + Double(ofState[i]))
          let update = logistic(Double(input[count + i]) + Double(ofState[count + i]))
          let new = tanh(Double(input[2 * count + i]) + reset * Double(ofState[2 * count + i]))
          let expected = new + update * (Double(before[i]) - new)
          // The arguments of tanh are rounded, and off by what the reset is off.
          let bound = 2e-6 + 5e-7 * Double(scale)
          #expect(abs(Double(after[i]) - expected) <= bound, "unit \(i) of \(count), scale \(scale), seed \(Self.seed)")
        }
      }
    }
  }

  /// One gate wide open or closed leaves one function of the unit alone.
  @Test("Sigmoid and tanh are off by less than 1e-6 everywhere and saturate", arguments: KernelBackend.available)
  func functions(backend: KernelBackend) {
    let near = stride(from: Float(-20), through: 20, by: 1 / 512).map { $0 }
    let arguments =
      near + [-.infinity, -.greatestFiniteMagnitude, -1e10, -200, -88, -87, 87, 88, 200, 1e10]
      + [.greatestFiniteMagnitude, .infinity, .leastNonzeroMagnitude]
    let count = arguments.count
    let zeros = [Float](repeating: 0, count: 3 * count)
    // update = sigmoid(x), new = tanh(0) = 0: the state 1 becomes sigmoid(x).
    let sigmoids = Self.step(
      backend, zeros[..<count] + arguments + zeros[..<count], zeros, [Float](repeating: 1, count: count))
    // update = sigmoid(-1000) = 0 to within 2^-126: the state becomes tanh(x).
    let closed = [Float](repeating: -1_000, count: count)
    let tangents = Self.step(backend, zeros[..<count] + closed + arguments, zeros, [Float](repeating: 0, count: count))
    for (index, x) in arguments.enumerated() {
      #expect(abs(Double(sigmoids[index]) - 1 / (1 + exp(-Double(x)))) <= 1e-6, "sigmoid(\(x))")
      #expect(abs(Double(tangents[index]) - tanh(Double(x))) <= 1e-6, "tanh(\(x))")
      #expect((0...1).contains(sigmoids[index]) && (-1...1).contains(tangents[index]), "of \(x)")
    }
    #expect(tangents[near.count + 11] == 1 && tangents[near.count] == -1 && sigmoids[near.count + 11] == 1)
    #expect(tangents[near.firstIndex(of: 0)!] == 0 && sigmoids[near.firstIndex(of: 0)!] == 0.5)
  }

  @Test("A unit whose gates are not finite stays bounded", arguments: KernelBackend.available)
  func notFinite(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 7)
    var state = random.samples(48)
    for _ in 0..<50 {
      let gates = (0..<288).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }
      state = Self.step(backend, Array(gates[..<144]), Array(gates[144...]), state)
      #expect(state.allSatisfy { abs($0) <= 1.00001 }, "seed \(Self.seed)")
    }
  }

  @Test("The floor of levels is followed", arguments: KernelBackend.available)
  func floors(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 8)
    for count in [0, 1, 16, 32, 45] {
      let rate = Float.random(in: 0...1, using: &random)
      var smoothed = random.samples(count)
      var minimum = [Float](repeating: .infinity, count: count)
      var (slow, least) = (smoothed.map(Double.init), minimum.map(Double.init))
      for _ in 0..<20 {
        let level = random.samples(count)
        let others = random.samples(count, in: -1...2)
        var above = [Float](repeating: .nan, count: count)
        var a = smoothed.mutableSpan
        var b = minimum.mutableSpan
        var c = above.mutableSpan
        Kernels(backend).trackFloor(
          level.span, rate: rate, smoothed: &a, minimum: &b, others: others.span, above: &c)
        for i in 0..<count {
          slow[i] += Double(rate) * (Double(level[i]) - slow[i])
          least[i] = min(least[i], slow[i])
          #expect(abs(Double(smoothed[i]) - slow[i]) < 1e-5 && abs(Double(minimum[i]) - least[i]) < 1e-5)
          let expected = Double(level[i]) - min(least[i], Double(others[i]))
          #expect(abs(Double(above[i]) - expected) < 1e-5, "seed \(Self.seed)")
        }
      }
    }
  }

  @Test("Peaks", arguments: KernelBackend.available)
  func peaks(backend: KernelBackend) {
    var random = SeededGenerator(seed: Self.seed &+ 9)
    for count in [1, 15, 16, 17, 63, 64, 65, 128, 300, 1_000] {
      for _ in 0..<20 {
        let values = random.samples(count).map { ($0 * 20).rounded() }
        let found = Kernels(backend).peak(values.span)
        #expect(found.value == values.max() && found.index == values.firstIndex(of: values.max()!), "seed \(Self.seed)")
      }
    }
    let nothing = Kernels(backend).peak([Float]().span)
    #expect(nothing.index == 0 && nothing.value == -.infinity)
    let unordered = Kernels(backend).peak([Float](repeating: .nan, count: 99).span)
    #expect(unordered.index == 0 && unordered.value == -.infinity)
  }

  // MARK: Bounds

  #if os(macOS) || os(Linux)
    @Test("Bounds are checked in release builds too")
    func bounds() async {
      await #expect(processExitsWith: .failure) {
        var power = [Float](repeating: 0, count: 256)
        var span = power.mutableSpan
        let samples = [Float](repeating: 0, count: 512)
        Kernels(.scalar).powerSpectrum(samples.span, window: samples.span, scale: 1, into: &span)
      }
      await #expect(processExitsWith: .failure) {
        var output = [Float](repeating: 0, count: 32)
        var span = output.mutableSpan
        let layer = DenseLayer(rows: [Float](repeating: 0, count: 48), bias: [0, 0, 0], columnCount: 16)
        Kernels(.scalar).apply(layer, to: [Float](repeating: 0, count: 16).span, stride: 1, count: 2, into: &span)
      }
      await #expect(processExitsWith: .failure) {
        var output = [Float](repeating: 0, count: 31)
        var span = output.mutableSpan
        let layer = DenseLayer(rows: [Float](repeating: 0, count: 48), bias: [0, 0, 0], columnCount: 16)
        Kernels(.scalar).apply(layer, to: [Float](repeating: 0, count: 17).span, stride: 1, count: 2, into: &span)
      }
      await #expect(processExitsWith: .failure) {
        var output = [Float](repeating: 0, count: 64)
        var span = output.mutableSpan
        let layer = DenseLayer(rows: [0], bias: [0], columnCount: 1)
        Kernels(.scalar).apply(layer, to: [0, 0].span, stride: .max, count: 3, into: &span)
      }
      await #expect(processExitsWith: .failure) {
        var state = [Float](repeating: 0, count: 16)
        var span = state.mutableSpan
        let gates = [Float](repeating: 0, count: 47)
        Kernels(.scalar).gruStep(inputGates: gates.span, stateGates: gates.span, state: &span)
      }
      await #expect(processExitsWith: .failure) {
        _ = DenseLayer(packedWeights: [Float](repeating: 0, count: 16), bias: [0], columnCount: 16)
      }
    }
  #endif
}
