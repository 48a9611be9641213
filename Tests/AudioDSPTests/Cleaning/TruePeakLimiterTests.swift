import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct TruePeakLimiterTests {
  /// What drives limiters over their ceilings.
  enum Torture: CaseIterable, CustomTestStringConvertible {
    case lowSquare, highSquare, loudSquare, clicks, loudClicks, fullScaleNoise, loudNoise, signs, loudSpeech, highTones,
      missedTone, sweep, steps, modulated

    var testDescription: String { "\(self)" }

    func samples(_ rate: Int, seed: UInt64) throws -> [Float] {
      var random = SeededGenerator(seed: seed)
      let count = 6_000
      func tone(_ part: Double, _ phase: Double = 0) -> [Float] {
        (0..<count).map { Float(sin(.pi * part * Double($0) + phase)) }
      }
      switch self {
      case .lowSquare: return tone(0.011).map { $0 < 0 ? -1 : 1 }
      case .highSquare: return tone(0.273, 0.1).map { $0 < 0 ? -1 : 1 }
      case .loudSquare: return tone(0.05).map { $0 < 0 ? -100 : 100 }
      case .clicks: return (0..<count).map { $0 % 501 == 7 ? 8 : $0 % 777 == 5 ? -3 : 0 }
      case .loudClicks: return tone(0.04).enumerated().map { $1 * 0.8 + ($0 % 1_111 == 900 ? 100 : 0) }
      case .fullScaleNoise: return random.samples(count)
      case .loudNoise: return random.samples(count).map { $0 * 50 }
      case .signs: return random.samples(count).map { $0 < 0 ? -3 : 3 }
      case .loudSpeech:
        let speech = try TestRecording.named("clean-mono-16k.wav").waveSamples()
        let peak = speech.map(abs).max() ?? 1
        // 40 dB over full scale, at whatever rate.
        return speech[8_000..<8_000 + 2 * count].map { $0 / peak * 100 }
      case .highTones:
        return [0.9, 0.95, 0.98, 0.99, 0.995].flatMap { tone($0, 0.3).prefix(count / 3).map { $0 * 1.5 } }
      case .missedTone: return tone(0.5, .pi / 4).map { $0 * 1.2 }
      case .sweep: return (0..<count).map { Float(2 * sin(.pi * Double($0 * $0) / Double(2 * count))) }
      case .steps:
        return tone(0.13).enumerated().map { index, sample in
          sample * Float(pow(10, sin(Double(index / 97) * 12.9898) * 2))
        }
      case .modulated:
        return random.samples(count).enumerated().map { index, sample in
          sample * Float(pow(10, 1.5 * sin(Double(index) * 0.02)))
        }
      }
    }
  }

  @Test(
    "No meter of BS.1770's kind sees a peak over the ceiling", arguments: Torture.allCases,
    [4_000, 8_000, 16_000, 48_000])
  func overshoot(torture: Torture, rate: Int) throws {
    let input = try torture.samples(rate, seed: 71)
    var limiter = TruePeakLimiter(try SampleRate(rate))
    let output = aligned(input, by: &limiter)
    #expect(referencePeak(input, instants: 4, tapCount: 6) > -1)
    for (instants, tapCount) in [(4, 6), (8, 6), (16, 16)] {
      let peak = referencePeak(output, instants: instants, tapCount: tapCount)
      #expect(peak <= -1, "\(instants) instants, \(tapCount) taps: \(peak) dBTP")
    }
    // Not by being silent.
    #expect(referencePeak(output, instants: 4, tapCount: 6) > -4.5)
    var meter = TruePeakMeter()
    meter.process(output.span)
    meter.finish()
    #expect(20 * log10(meter.truePeak) <= -1)
  }

  @Test("Other ceilings", arguments: [-40.0, -20, -6, 0])
  func ceilings(ceiling: Double) throws {
    let input = try Torture.loudNoise.samples(48_000, seed: 72)
    var limiter = TruePeakLimiter(.hz48000, ceilingInDecibels: ceiling)
    let peak = referencePeak(aligned(input, by: &limiter), instants: 4, tapCount: 6)
    #expect(peak <= ceiling && peak > ceiling - 1, "\(peak)")
  }

  @Test(
    "What stays under the ceiling comes out as it went in, to the bit, and later", arguments: LevelContractTests.rates)
  func transparent(rate: Int) throws {
    var random = SeededGenerator(seed: 73)
    var limiter = TruePeakLimiter(try SampleRate(rate))
    let latency = limiter.latencyInSamples
    for scale in [1e-20, 0.01, 0.3, 0.9] as [Float] {
      // Noise, whose peaks between samples are high, at the last just below the ceiling.
      let noise = random.samples(5_000)
      let peak = max(
        referencePeak(noise, instants: 8, tapCount: 16), referencePeak(noise, instants: 8, tapCount: 6))
      let input = noise.map { $0 * (scale == 0.9 ? Float(pow(10, (-1.1 - peak) / 20)) : scale * 0.3) }
      limiter.reset()
      let output = processed(input, by: &limiter)
      #expect(output.prefix(latency).allSatisfy { $0 == 0 })
      #expect(firstBitDifference(Array(output[latency...]), Array(input.prefix(5_000 - latency))) == nil)
      let reduction = limiter.greatestReductionInDecibels
      #expect(reduction == 0)
    }
  }

  @Test("The latency is as documented")
  func latency() throws {
    for (rate, expected) in [(4_000, 31), (8_000, 31), (16_000, 38), (24_000, 48), (44_100, 72), (48_000, 77)] {
      let latency = TruePeakLimiter(try SampleRate(rate)).latencyInSamples
      #expect(latency == expected, "\(rate)")
    }
  }

  @Test("After a peak everything is bit for bit as before within 1.5 s, even after one beyond all measure")
  func recovery() throws {
    var random = SeededGenerator(seed: 74)
    for (peak, rate) in [(3, 8_000), (1e30, 8_000), (1e30, 16_000)] as [(Float, Int)] {
      var input = random.samples(2 * rate).map { $0 * 0.1 }
      input[100] = peak
      var limiter = TruePeakLimiter(try SampleRate(rate))
      let output = aligned(input, by: &limiter)
      let start = rate * 3 / 2
      #expect(firstBitDifference(Array(output[start...]), Array(input[start...])) == nil)
      let reduction = limiter.greatestReductionInDecibels
      #expect(reduction > 9)
      #expect(firstBitDifference(output, input) != nil)

      // The way back to the fast path is the same in blocks of any length.
      var pieces: [Float] = []
      limiter.reset()
      for start in stride(from: 0, to: input.count, by: 37) {
        pieces += processed(Array(input[start..<min(start + 37, input.count)]), by: &limiter)
      }
      let latency = limiter.latencyInSamples
      #expect(firstBitDifference(Array(pieces[latency...]), Array(output.prefix(pieces.count - latency))) == nil)
    }
  }

  @Test("The gain is in 0...1 and moves without steps")
  func smoothness() throws {
    let rate = 48_000
    // A steady tone under the ceiling shows the gain; a click far over it asks for one of -20 dB.
    let input = (0..<24_000).map { i in
      Float(0.5 * sin(2 * .pi * 0.01 * Double(i) + 0.5)) + (i == 12_000 ? 9 : 0)
    }
    var limiter = TruePeakLimiter(try SampleRate(rate))
    let output = aligned(input, by: &limiter)
    var previous: Float = 1
    var least: Float = 1
    var greatestStep: Float = 0
    for i in input.indices where abs(input[i]) > 0.05 {
      let gain = output[i] / input[i]
      #expect(gain > 0 && gain <= 1)
      greatestStep = max(greatestStep, abs(gain - previous))
      least = min(least, gain)
      previous = gain
    }
    #expect(least < 0.11 && least > 0.08)
    // 20 dB in 1.2 ms without a corner.
    #expect(greatestStep < 0.2)
    // It returns with a time constant of 100 ms: 20.2 dB are 7.4 dB after that, and the hold.
    let place = 12_000 + 4_800 + 7
    let gain = 20 * log10(output[place] / input[place])
    #expect(abs(gain + 20.2 / 2.718) < 0.5, "\(gain)")
  }

  @Test("A loud tone is not distorted: what is not the tone is 45 dB down")
  func distortion() throws {
    let rate = 16_000
    let input = sineWave(217, rate: rate, count: rate, amplitude: 4)
    var limiter = TruePeakLimiter(.hz16000)
    let output = Array(aligned(input, by: &limiter)[8_000..<16_000])
    // Least squares by sine and cosine over whole periods.
    var (a, b, energy) = (0.0, 0.0, 0.0)
    for (i, sample) in output.enumerated() {
      let angle = 2 * .pi * 217 * Double(i + 8_000) / Double(rate)
      a += Double(sample) * sin(angle)
      b += Double(sample) * cos(angle)
      energy += Double(sample) * Double(sample)
    }
    let tone = (a * a + b * b) * 2 / Double(output.count)
    #expect(10 * log10((energy - tone) / tone) < -45)
  }

  @Test("Nothing is louder than before", arguments: [8_000, 48_000])
  func neverLouder(rate: Int) throws {
    let input = try Torture.modulated.samples(rate, seed: 75)
    var limiter = TruePeakLimiter(try SampleRate(rate))
    for (out, sample) in zip(aligned(input, by: &limiter), input) {
      #expect(abs(out) <= abs(sample) && out * sample >= 0)
    }
  }
}
