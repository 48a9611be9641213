import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// The resampler by numbers, against the mask that its documentation states.
@Suite struct ResamplerQualityTests {
  /// What the mask allows from the lower Nyquist frequency on, in decibels.
  static let stopband = -115.0

  /// The outputs that no end of the input reaches.
  private static func inner(_ output: [Float], _ pair: RatePair, latency: Int) -> Range<Int> {
    let skipped = pair.outputCount(forInputCount: latency) + 1
    return skipped..<output.count - skipped
  }

  /// So many inputs that the outputs that no end reaches last for `seconds`.
  private static func inputCount(_ seconds: Double, _ pair: RatePair, latency: Int) -> Int {
    Int(seconds * Double(pair.from)) + 2 * latency + 2 * pair.from / pair.to + 4
  }

  @Test(
    "A tone of 997 Hz at 0.8 of full scale stays in phase with the source, and nothing else comes out",
    arguments: KernelBackend.available, RatePair.all)
  func tone(backend: KernelBackend, pair: RatePair) throws {
    var resampler = try Resampler(pair, backend)
    let latency = resampler.latencyInSamples
    let count = Self.inputCount(0.5, pair, latency: latency)
    let input = sineWave(997, rate: pair.from, count: count, amplitude: 0.8, phase: 0.4)
    let output = try resampler.resample(input)
    let inner = Self.inner(output, pair, latency: latency)
    let frequency = 997 / Double(pair.to)

    let fit = SineFit(output, in: inner, frequency: frequency)
    // A sample too late would be 0.03 radians at 192 kHz, and more at lower rates.
    #expect(abs(fit.phase - 0.4) < 1e-6)
    #expect(abs(decibels(fit.amplitude / 0.8)) < 5e-5)
    #expect(fit.distortionAndNoise <= (pair.isSteep ? -112 : -120))

    var rounded = [Int16](repeating: 0, count: output.count)
    var span = rounded.mutableSpan
    PCM16.convert(output.span, into: &span)
    let restored = rounded.map { Float($0) / 32768 }
    // The rounding alone is -96.15 dB below a tone of this level.
    let distortion = SineFit(restored, in: inner, frequency: frequency).distortionAndNoise
    #expect(distortion <= (pair.isSteep ? -95.8 : -96))
  }

  @Test("A constant stays what it is", arguments: KernelBackend.available, RatePair.all)
  func constant(backend: KernelBackend, pair: RatePair) throws {
    var resampler = try Resampler(pair, backend)
    let latency = resampler.latencyInSamples
    let input = [Float](repeating: 0.75, count: Self.inputCount(0.02, pair, latency: latency))
    let output = try resampler.resample(input)
    let worst = output[Self.inner(output, pair, latency: latency)].reduce(0) { max($0, abs($1 / 0.75 - 1)) }
    #expect(worst < 3e-6)
  }

  @Test(
    "The passband is flat and reaches 0.90 of the lower Nyquist frequency", arguments: KernelBackend.available,
    RatePair.all)
  func passband(backend: KernelBackend, pair: RatePair) throws {
    var resampler = try Resampler(pair, backend)
    let latency = resampler.latencyInSamples
    let count = Self.inputCount(0.05, pair, latency: latency)
    for (part, allowed) in [
      (0.01, 1e-4), (0.1, 1e-4), (0.3, 1e-4), (0.5, 1e-4), (0.7, 1e-4), (0.85, 1e-4), (0.88, 1e-3), (0.9, 0.1),
    ] {
      let frequency = part * pair.lowerNyquist
      resampler.reset()
      let output = try resampler.resample(sineWave(frequency, rate: pair.from, count: count, phase: 0.7))
      let inner = Self.inner(output, pair, latency: latency)
      let fit = SineFit(output, in: inner, frequency: frequency / Double(pair.to))
      #expect(abs(decibels(fit.amplitude)) <= allowed, "at \(part) of the lower Nyquist frequency")
    }
  }

  @Test(
    "Going down, what lies above the new Nyquist frequency is gone", arguments: KernelBackend.available,
    RatePair.all.filter { $0.from > $0.to })
  func aliases(backend: KernelBackend, pair: RatePair) throws {
    var resampler = try Resampler(pair, backend)
    let latency = resampler.latencyInSamples
    let count = Self.inputCount(0.05, pair, latency: latency)
    var measured = 0
    for part in [
      1, 1.0001, 1.001, 1.003, 1.006, 1.01, 1.02, 1.03, 1.05, 1.1, 1.2, 1.5, 1.75, 1.9, 2, 2.1, 3, 5, 7.9, 20, 40,
    ] where part * Double(pair.to) < Double(pair.from) {
      // At the Nyquist frequency itself one of two phases may fall on zeros.
      for phase in part == 1 ? [0, Double.pi / 2] : [0] {
        resampler.reset()
        let tone = sineWave(part * pair.lowerNyquist, rate: pair.from, count: count, phase: phase)
        let output = try resampler.resample(tone)
        let peak = output[Self.inner(output, pair, latency: latency)].reduce(0) { max($0, abs($1)) }
        #expect(decibels(Double(peak)) <= Self.stopband, "at \(part) of the lower Nyquist frequency")
        measured += 1
      }
    }
    #expect(measured > 0)
  }

  @Test("Nothing but the tone comes out, up to the Nyquist frequency", arguments: KernelBackend.available, RatePair.all)
  func images(backend: KernelBackend, pair: RatePair) throws {
    var resampler = try Resampler(pair, backend)
    let latency = resampler.latencyInSamples
    let count = Self.inputCount(0.05, pair, latency: latency)
    for part in [0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99] {
      let frequency = part * pair.lowerNyquist
      resampler.reset()
      let output = try resampler.resample(sineWave(frequency, rate: pair.from, count: count, phase: 0.7))
      let inner = Self.inner(output, pair, latency: latency)
      let fit = SineFit(output, in: inner, frequency: frequency / Double(pair.to))
      // Against the tone that went in, for the one that came out may lie in the transition band.
      #expect(
        decibels(fit.residual * 2.0.squareRoot()) <= (pair.isSteep ? -112 : Self.stopband),
        "at \(part) of the lower Nyquist frequency")
    }
  }

  @Test(
    "A mixture of tones is the same mixture at the new instants, and what a plain resampler gives",
    arguments: KernelBackend.available, RatePair.all)
  func mixture(backend: KernelBackend, pair: RatePair) throws {
    let seed = UInt64(pair.from + 3 * pair.to)
    var random = SeededGenerator(seed: seed)
    var resampler = try Resampler(pair, backend)
    let reference = ReferenceResampler(from: pair.from, to: pair.to)
    let mixture = SineMixture(band: 20...0.85 * pair.lowerNyquist, partCount: 12, using: &random)
    let count = 2 * reference.reach + 40 * max(1, pair.from / pair.to)
    let input = mixture.samples(rate: pair.from, count: count)
    let output = try resampler.resample(input)

    let inner = Self.inner(output, pair, latency: resampler.latencyInSamples)
    var worst = 0.0
    for _ in 0..<400 {
      let i = Int.random(in: inner, using: &random)
      worst = max(worst, abs(Double(output[i]) - mixture.value(at: Double(i) / Double(pair.to))))
    }
    #expect(worst < (pair.isSteep ? 5e-6 : 1.5e-6), "seed \(seed)")

    let middle = Self.inner(output, pair, latency: reference.reach)
    var worstAgainstReference = 0.0
    for _ in 0..<20 {
      let i = Int.random(in: middle, using: &random)
      worstAgainstReference = max(worstAgainstReference, abs(Double(output[i]) - reference.output(i, of: input)))
    }
    #expect(worstAgainstReference < (pair.isSteep ? 5e-6 : 1.5e-6), "seed \(seed)")
  }
}
