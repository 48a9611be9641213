import Foundation

extension ResamplingEngine {
  /// The length of a block in streaming.
  static let blockSeconds = 0.02

  /// The input samples of a block.
  static func blockCount(_ rate: Int) -> Int { Int(Double(rate) * blockSeconds) }

  /// Room for whatever comes out for `inputCount` inputs: more than their share, because some engines hold back half a
  /// second and give it in one burst.
  static func outputCapacity(forInputCount inputCount: Int, rate: Int) -> Int {
    inputCount * outputRate / rate + outputRate / 2
  }

  /// All outputs for an input, and how many there were after each block.
  ///
  /// - Parameter blockCount: Inputs per call; nil for all in one.
  func output(
    for input: AlignedBuffer<Float>, rate: Int, blockCount: Int?
  ) throws -> (samples: [Float], countsAfterBlocks: [Int]) {
    let resampler = try make(rate)
    let output = AlignedBuffer<Float>(count: Self.outputCapacity(forInputCount: input.elements.count, rate: rate))
    let step = blockCount ?? input.elements.count
    var written = 0
    var counts: [Int] = []
    for start in stride(from: 0, to: input.elements.count, by: step) {
      let block = input.elements[start..<min(start + step, input.elements.count)]
      written += try resampler.process(UnsafeBufferPointer(rebasing: block), into: output.elements.behind(written))
      counts.append(written)
    }
    written += try resampler.finish(into: output.elements.behind(written))
    return (Array(output.elements[..<written]), counts)
  }

  /// How late the signal stands in the output, in seconds: 0 where an engine compensates the delay of its filter.
  func misalignment(rate: Int) throws -> Double {
    // The pulse's center of gravity moves by the filter's delay at 0 Hz, which is that of all frequencies where the phase
    // is linear.
    let center = 1.0
    let pulse = Signals.pulse(center: center, rate: rate, count: 2 * rate)
    let samples = try output(for: AlignedBuffer(pulse), rate: rate, blockCount: Self.blockCount(rate)).samples
    var (weight, moment) = (0.0, 0.0)
    let outputRate = Double(Self.outputRate)
    // Within 0.1 s around the peak, so that what rounding leaves elsewhere does not weigh in.
    let peak = samples.indices.max { abs(samples[$0]) < abs(samples[$1]) } ?? 0
    let reach = Self.outputRate / 10
    for i in max(0, peak - reach)..<min(samples.count, peak + reach) {
      weight += Double(samples[i])
      moment += Double(samples[i]) * (Double(i) / outputRate - center)
    }
    return moment / weight
  }

  /// How far the output stays behind the input in blocks of 20 ms, in milliseconds: the signal that has gone in up to the
  /// end of a block, less the signal that has come out by then. The worst block of 10 s, the first half second left out.
  func worstDelay(rate: Int) throws -> Double {
    let input = AlignedBuffer(Signals.noise(count: 10 * rate))
    let late = try misalignment(rate: rate)
    let counts = try output(for: input, rate: rate, blockCount: Self.blockCount(rate)).countsAfterBlocks
    let delays = counts.indices.map { block in
      Double(block + 1) * Self.blockSeconds - (Double(counts[block]) / Double(Self.outputRate) - late)
    }
    return delays.dropFirst(Int(0.5 / Self.blockSeconds)).max()! * 1_000
  }

  /// Fails unless tones come out as they went in, of the right length, in one call and in blocks.
  func verify(rate: Int) throws {
    let late = try misalignment(rate: rate)
    // The worst of the peers has -110 dB of noise and distortion at 1 kHz.
    try verify(frequency: 1_000, largestResidual: 1e-10, late: late, rate: rate)
    // What every filter here passes, and an interpolator that was chosen by mistake does not. There may be images.
    try verify(frequency: 0.25 * Double(min(rate, Self.outputRate)), largestResidual: 1e-6, late: late, rate: rate)
  }

  private func verify(frequency: Double, largestResidual: Double, late: Double, rate: Int) throws {
    let count = 2 * rate
    let tone = AlignedBuffer(Signals.tone(frequency: frequency, amplitude: 0.25, rate: rate, count: count))
    let whole = try output(for: tone, rate: rate, blockCount: nil).samples
    let pieces = try output(for: tone, rate: rate, blockCount: Self.blockCount(rate)).samples
    for (way, samples) in [("in one call", whole), ("in blocks of 20 ms", pieces)] {
      func check(_ isRight: Bool, _ what: @autoclosure () -> String) throws {
        guard isRight else { throw WrongResult("\(name) from \(rate) Hz \(way), \(frequency) Hz: \(what())") }
      }
      let due = (count * Self.outputRate + rate - 1) / rate
      // Peers that do not count what they owe give or want up to a filter's length at the end.
      try check(abs(samples.count - due) <= Self.lengthTolerance, "\(samples.count) outputs where \(due) are due")
      let fit = SineFit(samples[due / 4..<due * 3 / 4], frequency: frequency, rate: Self.outputRate)
      try check(abs(20 * log10(fit.amplitude / 0.25)) < 0.05, "an amplitude of \(fit.amplitude), not 0.25")
      try check(fit.residual < largestResidual, "\(10 * log10(fit.residual)) dB of noise and distortion")
      // Within 10 us, a quarter of a sample.
      let shift = (fit.delay - late).remainder(dividingBy: 1 / frequency)
      try check(abs(shift) < 1e-5, "the tone is late by \(fit.delay * 1e3) ms, a pulse by \(late * 1e3) ms")
    }
    let difference = zip(whole, pieces).map { abs($0 - $1) }.max() ?? 0
    guard difference < 1e-5 else { throw WrongResult("\(name) from \(rate) Hz: in blocks it differs by \(difference)") }
  }

  /// 1 ms.
  private static let lengthTolerance = outputRate / 1_000
}
