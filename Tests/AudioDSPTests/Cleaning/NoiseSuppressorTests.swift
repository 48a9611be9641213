import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct NoiseSuppressorTests {
  static let rates = [4_000, 8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 47_999, 48_000, 192_000]

  // MARK: Helpers

  /// What comes out, in step with the input.
  private static func cleaned(
    _ samples: [Float], rate: Int, attenuation: Float = 20, backend: KernelBackend? = nil
  ) throws -> [Float] {
    let rate = try SampleRate(rate)
    var suppressor =
      if let backend {
        NoiseSuppressor(rate, maximumAttenuationInDecibels: attenuation, backend: backend)
      } else {
        NoiseSuppressor(rate, maximumAttenuationInDecibels: attenuation)
      }
    return inStep(samples, through: &suppressor)
  }

  private static func inStep(_ samples: [Float], through suppressor: inout NoiseSuppressor) -> [Float] {
    let latency = suppressor.latencyInSamples
    var output = samples + [Float](repeating: 0, count: latency)
    var span = output.mutableSpan
    suppressor.process(&span)
    return Array(output.dropFirst(latency))
  }

  private static func power(_ samples: some Sequence<Float>) -> Double {
    var (sum, count) = (0.0, 0)
    for sample in samples {
      sum += Double(sample) * Double(sample)
      count += 1
    }
    return sum / Double(max(1, count))
  }

  /// How far `output` is from `input`, in dB of the latter's power.
  private static func difference(_ output: some Collection<Float>, _ input: some Collection<Float>) -> Double {
    10 * log10(power(zip(output, input).map { $0 - $1 }) / power(input))
  }

  private static func recording(_ name: String, rate: Int) throws -> [Float] {
    try RatePair(from: 16_000, to: rate).resampled(TestRecording.named(name).waveSamples())
  }

  private static func noise(_ count: Int, level: Float, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    return random.samples(count, in: -level...level)
  }

  // MARK: What the script computes

  private struct Reference: Decodable {
    var samples: [Float]
  }

  @Test(arguments: ["noisy-10dB-16k", "clean-mono-16k"], KernelBackend.available)
  func reference(name: String, backend: KernelBackend) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("SuppressionReference/\(name).json")
    let expected = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file)).samples
    let input = try TestRecording.named("\(name).wav").waveSamples()
    let output = try Self.cleaned(input, rate: 16_000, backend: backend)
    #expect(expected.count == (output.count + 14) / 15)
    // Nothing of it may come from what was hardly changed: the input itself is far off.
    let found = stride(from: 0, to: output.count, by: 15).map { output[$0] }
    #expect(Self.difference(found, expected) < -60)
    #expect(Self.difference(stride(from: 0, to: input.count, by: 15).map { input[$0] }, expected) > -40)
  }

  // MARK: What it does to sound

  @Test(
    "Noise in pauses is softer by up to the limit, and speech stays",
    arguments: [8_000, 16_000, 24_000, 44_100, 48_000])
  func pauses(rate: Int) throws {
    let recording = try TestRecording.named("noisy-10dB-16k.wav")
    let input = try Self.recording("noisy-10dB-16k.wav", rate: rate)
    let output = try Self.cleaned(input, rate: rate)
    let speech = recording.speech(mergingGapsBelow: 0.3).map { segment in
      // Sounds ring on, and the suppressor's frames reach into what is beside them.
      (segment.start * rate / 16_000 - rate / 5)..<(segment.end * rate / 16_000 + rate / 4)
    }
    let pauses = (rate / 4..<input.count).filter { i in !speech.contains { $0.contains(i) } }
    #expect(pauses.count > rate / 4)
    let taken = 10 * log10(Self.power(pauses.map { input[$0] }) / Self.power(pauses.map { output[$0] }))
    #expect(taken > 15 && taken < 20.5, "\(taken) dB")
    let words = recording.speech(mergingGapsBelow: 0.3).map { $0.start * rate / 16_000..<$0.end * rate / 16_000 }
    let kept = words.map { 10 * log10(Self.power(output[$0]) / Self.power(input[$0])) }
    #expect(kept.allSatisfy { $0 > -3 && $0 < 0.5 }, "\(kept)")
  }

  @Test("Clean speech is left alone", arguments: [8_000, 16_000, 24_000, 44_100, 48_000])
  func cleanSpeech(rate: Int) throws {
    let input = try Self.recording("clean-mono-16k.wav", rate: rate)
    let output = try Self.cleaned(input, rate: rate)
    let changed = Self.difference(output, input)
    #expect(changed < -14, "\(changed) dB")
  }

  @Test("Steady noise of any level falls by the limit that was asked for", arguments: [6, 12, 20, 30] as [Float])
  func attenuation(limit: Float) throws {
    for level in [0.3, 0.003] as [Float] {
      let input = Self.noise(16_000 * 6, level: level, seed: 31)
      let output = try Self.cleaned(input, rate: 16_000, attenuation: limit)
      let taken = 10 * log10(Self.power(input.suffix(32_000)) / Self.power(output.suffix(32_000)))
      #expect(taken < Double(limit) + 0.2 && taken > Double(limit) * 0.85, "\(taken) dB of \(limit)")
    }
  }

  /// Musical noise is what is left in a few bins that change from frame to frame: the power of 8 ms would vary more than
  /// that of the noise that came in.
  @Test func noMusicalNoise() throws {
    let input = Self.noise(16_000 * 8, level: 0.05, seed: 32)
    let output = try Self.cleaned(input, rate: 16_000)
    func variation(_ samples: [Float]) -> Double {
      let powers = stride(from: 32_000, to: samples.count - 128, by: 128).map {
        10 * log10(Self.power(samples[$0..<$0 + 128]))
      }
      let mean = powers.reduce(0, +) / Double(powers.count)
      return (powers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(powers.count)).squareRoot()
    }
    #expect(variation(output) < variation(input) + 0.5, "\(variation(output)) and \(variation(input)) dB")
  }

  @Test("A rumble of 20 Hz falls")
  func lowFrequencies() throws {
    let rate = 16_000
    let rumble = sineWave(20, rate: rate, count: 4 * rate, amplitude: 0.1)
    let left = try Self.cleaned(rumble, rate: rate)
    #expect(10 * log10(Self.power(rumble.suffix(rate)) / Self.power(left.suffix(rate))) > 15)
  }

  @Test("An endless stream is cleaned like a fresh one")
  func endless() throws {
    let speech = try TestRecording.named("noisy-10dB-16k.wav").waveSamples()
    let before =
      Self.noise(16_000 * 20, level: 0.5, seed: 33) + [Float](repeating: 0, count: 16_000 * 5) + [1e30, .nan, -1e30]
    let fresh = try Self.cleaned(speech, rate: 16_000)
    let late = try Self.cleaned(before + speech, rate: 16_000).suffix(speech.count)
    // After two seconds, when floors are known again.
    let difference = Self.difference(Array(late.dropFirst(40_000)), Array(fresh.dropFirst(40_000)))
    #expect(difference < -12, "\(difference) dB")
  }

  // MARK: The contract

  @Test(arguments: rates)
  func latency(rate: Int) throws {
    let suppressor = NoiseSuppressor(try SampleRate(rate))
    let latency = suppressor.latencyInSamples
    #expect(latency * 50 <= rate, "at most 20 ms")
    if [8_000, 16_000, 24_000, 48_000].contains(rate) { #expect(latency * 125 == 2 * rate, "16 ms") }
    // Clean speech stays as it is, so that the shift at which it is most alike is the latency.
    let speech = try Self.recording("clean-mono-16k.wav", rate: rate)
    var output = speech
    var part = suppressor
    var span = output.mutableSpan
    part.process(&span)
    func likeness(_ shift: Int) -> Double {
      stride(from: rate, to: min(2 * rate, speech.count), by: 3).reduce(0) {
        $0 + Double(output[$1]) * Double(speech[$1 - shift])
      }
    }
    let best = try #require((latency - 8...latency + 8).max { likeness($0) < likeness($1) })
    #expect(best == latency)
  }

  @Test("Backends agree", arguments: KernelBackend.available)
  func backends(backend: KernelBackend) throws {
    let input = try Self.recording("noisy-10dB-16k.wav", rate: 24_000)
    let scalar = try Self.cleaned(input, rate: 24_000, backend: .scalar)
    let output = try Self.cleaned(input, rate: 24_000, backend: backend)
    #expect(Self.difference(output, scalar) < -70)
  }

  @Test("Samples of any size come out finite, and speech behind them as ever")
  func extremes() throws {
    let speech = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    for magnitude in [1e30, .greatestFiniteMagnitude, 1e-30, .leastNonzeroMagnitude] as [Float] {
      let square = (0..<8_000).map { $0 / 40 % 2 == 0 ? magnitude : -magnitude }
      let output = try Self.cleaned(square + speech + speech, rate: 16_000)
      #expect(output.allSatisfy { $0.isFinite && abs($0) < 4_096 })
      let changed = Self.difference(Array(output.suffix(speech.count)), speech)
      #expect(changed < -12, "\(magnitude): \(changed) dB")
    }
  }

  @Test("After speech, silence is exactly 0, and no number on the way is subnormal")
  func silence() throws {
    let speech = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    let output = try Self.cleaned(speech + [Float](repeating: 0, count: 16_000), rate: 16_000)
    #expect(output.suffix(14_000).allSatisfy { $0 == 0 })
    #expect(!output.contains { $0.isSubnormal })
  }
}
