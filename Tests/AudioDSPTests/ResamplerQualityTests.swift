import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// The resampler by numbers, against the masks that ``ResamplingQuality`` states. Frequencies are parts of fN, the
/// Nyquist frequency of the lower of the two rates.
@Suite struct ResamplerQualityTests {
  struct Mask: Sendable {
    /// Not more than 0.1 dB down up to here.
    var edge: Double
    /// In decibels, peak to peak, up to 0.90.
    var ripple = 0.01
    /// From here on going down, everything is `rejection` decibels down.
    var stopStart: Double
    /// Of tones up to here nothing else comes out, to `rejection` decibels.
    var cleanEnd: Double
    var rejection: Double

    init(_ quality: ResamplingQuality) {
      switch quality {
      case .voice: (edge, stopStart, cleanEnd, rejection) = (0.915, 1, 0.95, 120)
      case .sharp: (edge, stopStart, cleanEnd, rejection) = (0.931, 1, 0.95, 130)
      // A tone at 1.095 folds to 0.905.
      case .fast: (edge, stopStart, cleanEnd, rejection) = (0.905, 1.095, 0.905, 110)
      }
    }

    /// By what part an amplitude in the passband may be off.
    var amplitudeError: Double { pow(10, ripple / 20) - 1 }
  }

  /// Every pair on the fastest backend, every quality and phase for the pairs of each kind, and these on all backends
  /// as well: what backends differ in, rounding, shows in `sharp` and is the same at all rates.
  static let cases = ResamplerCase.all(
    onEveryBackend: ResamplerSetup.all(RatePair.ofEachKind, [.voice, .sharp], [.linear]),
    onFastest: ResamplerSetup.all(RatePair.all, [.voice], [.linear])
      + ResamplerSetup.all(RatePair.awkward, [.sharp], [.linear])
      + ResamplerSetup.all(RatePair.ofEachKind, [.voice, .sharp], [.minimum])
      + ResamplerSetup.all(RatePair.ofEachKind + [RatePair(from: 191_999, to: 4_000)], [.fast]))

  /// What comes of a tone of amplitude 1 in the outputs that neither end of the input reaches.
  private static func fit(
    _ part: Double, _ resampler: inout Resampler, _ setup: ResamplerSetup, _ stream: (count: Int, inner: Range<Int>),
    phase: Double = 0.7
  ) throws -> SineFit {
    let frequency = part * setup.pair.lowerNyquist
    resampler.reset()
    let output = try resampler.resample(sineWave(frequency, rate: setup.pair.from, count: stream.count, phase: phase))
    return SineFit(output, in: stream.inner, frequency: frequency / Double(setup.pair.to))
  }

  @Test("The passband is flat and reaches its edge, and nothing but the tone comes out", arguments: cases)
  func passband(test: ResamplerCase) throws {
    let (setup, mask) = (test.setup, Mask(test.setup.quality))
    var resampler = try test.make()
    let parts = [0.02] + (1...13).map { Double($0) * 0.0677 } + [0.89, 0.9, mask.edge, 0.93, mask.cleanEnd]
    let stream = setup.stream(lasting: 160)
    var gains: [Double] = []
    for part in parts {
      let fit = try Self.fit(part, &resampler, setup, stream)
      if part <= 0.9 { gains.append(decibels(fit.amplitude)) }
      if part <= mask.edge { #expect(abs(decibels(fit.amplitude)) <= 0.1, "at \(part) fN") }
      // Against the tone that went in, for the one that came out may lie in the transition band.
      if part <= mask.cleanEnd {
        #expect(decibels(fit.residual * 2.0.squareRoot()) <= -mask.rejection, "at \(part) fN")
      }
    }
    #expect(gains.max()! - gains.min()! <= mask.ripple)
    #expect(abs(gains[0]) <= mask.ripple)
  }

  @Test(
    "Going down, what lies above the new Nyquist frequency is gone",
    arguments: cases.filter { $0.setup.pair.from > $0.setup.pair.to })
  func aliases(test: ResamplerCase) throws {
    let (setup, mask) = (test.setup, Mask(test.setup.quality))
    var resampler = try test.make()
    let stream = setup.stream(lasting: 160)
    // From hardly less than three times a rate, a tone's alias by the table and that by the bank lie so close together
    // that for seconds their amplitudes add, -110.9 and -122 dB, and not their powers.
    let allowed = mask.rejection - (setup.quality == .fast && setup.pair.from == 191_999 ? 1.5 : 0)
    var measured = 0
    for part in [
      1, 1.001, 1.004, 1.013, 1.03, 1.053, 1.095, 1.11, 1.17, 1.3, 1.55, 1.77, 1.901, 1.99, 2.02, 2.09, 2.9, 3.02, 3.97,
      4.03, 5, 6.04, 7.93, 8.06, 13, 16.05, 20, 32.03, 40,
    ] where part >= mask.stopStart && part * Double(setup.pair.to) < 0.999 * Double(setup.pair.from) {
      // The power of sine and cosine together does not depend on the phase, not even where a tone folds onto the
      // Nyquist frequency.
      var power = 0.0
      for phase in [0, Double.pi / 2] {
        resampler.reset()
        let output = try resampler.resample(
          sineWave(part * setup.pair.lowerNyquist, rate: setup.pair.from, count: stream.count, phase: phase))
        for i in stream.inner { power += Double(output[i]) * Double(output[i]) }
      }
      let rejection = -decibels((power / Double(stream.inner.count)).squareRoot())
      #expect(rejection >= allowed, "at \(part) fN")
      measured += 1
    }
    // Some pairs leave less above their lower Nyquist frequency than where the stopband begins.
    #expect(measured > 0 || mask.stopStart * Double(setup.pair.to) >= 0.999 * Double(setup.pair.from))
  }

  @Test("A tone of 997 Hz at 0.8 of full scale stays in place, and nothing else comes out", arguments: cases)
  func tone(test: ResamplerCase) throws {
    let (setup, mask) = (test.setup, Mask(test.setup.quality))
    var resampler = try test.make()
    let (count, inner) = setup.stream(lasting: min(setup.pair.from, setup.pair.to) / 20)
    let output = try resampler.resample(sineWave(997, rate: setup.pair.from, count: count, amplitude: 0.8, phase: 0.4))
    let frequency = 997 / Double(setup.pair.to)
    let fit = SineFit(output, in: inner, frequency: frequency)
    #expect(abs(fit.amplitude / 0.8 - 1) <= mask.amplitudeError)
    #expect(fit.distortionAndNoise <= -mask.rejection)
    if setup.phase == .linear {
      // A sample too late would be 0.03 radians at 192 kHz, and more at lower rates.
      #expect(abs(fit.phase - 0.4) < 2e-6)
    }

    var rounded = [Int16](repeating: 0, count: output.count)
    var span = rounded.mutableSpan
    PCM16.convert(output.span, into: &span)
    let restored = rounded.map { Float($0) / 32768 }
    // The rounding alone is -96.15 dB below a tone of this level, on average over longer streams.
    let distortion = SineFit(restored, in: inner, frequency: frequency).distortionAndNoise
    #expect(distortion <= -95.5)
  }

  @Test(
    "Minimum phase keeps low frequencies in place",
    arguments: ResamplerSetup.all(
      RatePair.ofEachKind + RatePair.usual.suffix(3), ResamplingQuality.allCases, [.minimum]))
  func groupDelay(setup: ResamplerSetup) throws {
    var resampler = try setup.make(KernelBackend.available.last!)
    let stream = setup.stream(lasting: 160)
    // How much the phase falls while the frequency grows.
    let (frequencies, step) = ([980.0, 1_020], 40.0)
    var phases: [Double] = []
    for frequency in frequencies {
      phases.append(try Self.fit(frequency / setup.pair.lowerNyquist, &resampler, setup, stream, phase: 0).phase)
    }
    let delay = (phases[0] - phases[1]) / (2 * Double.pi * step)
    #expect(abs(delay) <= 0.0001)
  }

  @Test("A constant stays what it is", arguments: cases)
  func constant(test: ResamplerCase) throws {
    let mask = Mask(test.setup.quality)
    var resampler = try test.make()
    let stream = test.setup.stream(lasting: 100)
    let output = try resampler.resample([Float](repeating: 0.75, count: stream.count))[stream.inner]
      .map { Double($0) / 0.75 }
    let mean = output.reduce(0, +) / Double(output.count)
    #expect(abs(mean - 1) <= mask.amplitudeError)
    // Its images are as far down as those of a tone. Rounding, being the same in every cycle, does not look like noise:
    // a few steps of 2^-23.
    let worst = output.reduce(0) { max($0, abs($1 - mean)) }
    #expect(worst <= 2.0.squareRoot() * pow(10, -mask.rejection / 20) + 8 * 0x1p-23)
  }

  @Test(
    "A mixture of tones is the same mixture at the new instants",
    arguments: ResamplerSetup.all(RatePair.all, [.voice], [.linear])
      + ResamplerSetup.all(RatePair.ofEachKind, [.sharp, .fast], [.linear]))
  func mixture(setup: ResamplerSetup) throws {
    let seed = UInt64(setup.pair.from + 3 * setup.pair.to)
    var random = SeededGenerator(seed: seed)
    var resampler = try setup.make(KernelBackend.available.last!)
    let mixture = SineMixture(band: 20...0.9 * setup.pair.lowerNyquist, partCount: 12, using: &random)
    let stream = setup.stream(lasting: 300)
    let output = try resampler.resample(mixture.samples(rate: setup.pair.from, count: stream.count))
    var worst = 0.0
    for _ in 0..<200 {
      let i = Int.random(in: stream.inner, using: &random)
      worst = max(worst, abs(Double(output[i]) - mixture.value(at: Double(i) / Double(setup.pair.to))))
    }
    // The amplitudes add up to 1, so that their errors add up to no more than one may have. A hundredth of a sample too
    // late would be ten times as much.
    #expect(worst <= Mask(setup.quality).amplitudeError + 1e-5, "seed \(seed)")
  }

  struct Delay: Sendable, CustomTestStringConvertible {
    var setup: ResamplerSetup
    var milliseconds: Double

    init(_ from: Int, _ to: Int, _ quality: ResamplingQuality, _ phase: ResamplingPhase, _ milliseconds: Double) {
      setup = ResamplerSetup(pair: RatePair(from: from, to: to), quality: quality, phase: phase)
      self.milliseconds = milliseconds
    }

    var testDescription: String { "\(setup.testDescription): \(milliseconds) ms" }
  }

  @Test(
    "The delay is short, and the same on every backend",
    arguments: [
      Delay(48_000, 24_000, .voice, .linear, 2.6), Delay(44_100, 24_000, .voice, .linear, 2.8),
      Delay(16_000, 24_000, .voice, .linear, 4), Delay(8_000, 24_000, .voice, .linear, 8),
      Delay(48_000, 24_000, .sharp, .linear, 3.5), Delay(44_100, 24_000, .sharp, .linear, 3.7),
      Delay(16_000, 24_000, .sharp, .linear, 5.2), Delay(8_000, 24_000, .sharp, .linear, 10.4),
      Delay(48_000, 24_000, .fast, .linear, 2), Delay(44_100, 24_000, .fast, .linear, 2),
      Delay(16_000, 24_000, .fast, .linear, 2), Delay(8_000, 24_000, .fast, .linear, 5),
      Delay(48_000, 24_000, .voice, .minimum, 1), Delay(48_000, 24_000, .sharp, .minimum, 1),
      Delay(48_000, 24_000, .fast, .minimum, 1), Delay(44_100, 24_000, .voice, .minimum, 1),
      Delay(16_000, 24_000, .voice, .minimum, 1), Delay(8_000, 24_000, .voice, .minimum, 3),
    ])
  func delay(test: Delay) throws {
    let latencies = try KernelBackend.available.map { try test.setup.make($0).latencyInSamples }
    #expect(latencies.allSatisfy { $0 == latencies[0] })
    #expect(Double(latencies[0]) * 1000 <= test.milliseconds * Double(test.setup.pair.from))
  }

  @Test("Every setup has the same delay on every backend", arguments: ResamplerSetup.ofEachKind)
  func sameDelay(setup: ResamplerSetup) throws {
    let latencies = try KernelBackend.available.map { try setup.make($0).latencyInSamples }
    #expect(Set(latencies).count == 1)
  }
}
