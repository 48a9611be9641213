import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// End to end on speech, measured by ITU-T P.56.
@Suite struct SpeechLevelControlTests {
  static let rate = 16_000
  static let levels = [-40.0, -33, -26, -20, -13, -6]

  /// Utterances with pauses of 0.9 to 1.5 s and noise 25 dB below the speech.
  struct Talk {
    var samples: [Float] = []
    /// Where someone speaks, in samples.
    var speech: [Range<Int>] = []

    init(_ talker: Int, level: Double, seed: UInt64) throws {
      var random = SeededGenerator(seed: seed)
      let (name, channel) = [("clean-mono-16k.wav", 0), ("speech.wav", 0), ("speech.wav", 1)][talker]
      let recording = try TestRecording.named(name)
      let step = recording.sampleRate / rate
      var source = try recording.waveSamples(channel: channel)
      if step > 1 { source = try RatePair(from: recording.sampleRate, to: rate).resampled(source) }
      let words = recording.speech(mergingGapsBelow: 0.4).map { $0.start / step..<$0.end / step }
      samples = [Float](repeating: 0, count: rate * 4 / 5)
      for i in 0..<8 {
        let word = words[i % words.count]
        // The two people in speech.wav take turns, each louder on one side; that is one more difference to even out.
        let part = source[word]
        let gain = Float(pow(10, (level - activeSpeechLevel(part, rate: rate)) / 20))
        speech.append(samples.count..<samples.count + part.count)
        samples += part.map { $0 * gain }
        samples += [Float](repeating: 0, count: Int.random(in: rate * 9 / 10...rate * 3 / 2, using: &random))
      }
      let noise = Float(pow(10, (level - 25) / 20) * 3.squareRoot())
      for i in samples.indices { samples[i] += noise * Float.random(in: -1...1, using: &random) }
    }
  }

  private static func power(_ samples: ArraySlice<Float>) -> Double {
    samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(samples.count)
  }

  @Test(
    "Speech of -40 to -6 dBFS is at -23 dBFS after 2 s, pauses are not raised, nothing clips",
    arguments: [
      SpeechDetector.Kind.neural, .energy,
    ])
  func figures(kind: SpeechDetector.Kind) throws {
    var outputs: [Double] = []
    var greatestPauseGain = -100.0
    for talker in 0..<3 {
      for level in Self.levels {
        let talk = try Talk(talker, level: level, seed: 90 + UInt64(talker))
        var control = SpeechLevelControl(.hz16000, detector: kind)
        let output = aligned(talk.samples, by: &control)
        let start = talk.speech[0].lowerBound + 2 * Self.rate
        let found = activeSpeechLevel(output[start...], rate: Self.rate)
        #expect(abs(found + 23) < 3, "\(talker) at \(level) dBFS: \(found)")
        outputs.append(found)
        for (word, next) in zip(talk.speech, talk.speech.dropFirst()) {
          // Less the hangover and the way down.
          let pause = word.upperBound + Self.rate * 2 / 5..<next.lowerBound - Self.rate / 20
          let gain = 10 * log10(Self.power(output[pause]) / Self.power(talk.samples[pause]))
          greatestPauseGain = max(greatestPauseGain, gain)
          #expect(gain < 3, "\(talker) at \(level) dBFS: \(gain) dB in a pause")
        }
        #expect(referencePeak(output, instants: 4, tapCount: 6) <= -1)
      }
    }
    let mean = outputs.reduce(0, +) / Double(outputs.count)
    let deviation = (outputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(outputs.count)).squareRoot()
    #expect(deviation < 1, "\(deviation)")
    #expect(abs(mean + 23) < 1, "\(mean)")
    let text = String(format: "%.2f dBFS, deviation %.2f dB, pauses %+.2f dB", mean, deviation, greatestPauseGain)
    print("SpeechLevelControlTests: \(kind): \(text)")
  }

  @Test("Recovers from silence, music and the impossible", arguments: SpeechDetector.Kind.allCases)
  func recovery(kind: SpeechDetector.Kind) throws {
    let talk = try Talk(0, level: -36, seed: 95)
    var input = [Float](repeating: 0, count: 5 * Self.rate)
    input[1_000] = 1e30
    input[2_000] = .nan
    input += sineWave(440, rate: Self.rate, count: 2 * Self.rate, amplitude: 0.9)
    let start = input.count + talk.speech[0].lowerBound + 2 * Self.rate
    input += talk.samples
    var control = SpeechLevelControl(.hz16000, detector: kind)
    let output = aligned(input, by: &control)
    #expect(output.allSatisfy { abs($0) <= 0.8913 })
    #expect(abs(activeSpeechLevel(output[start...], rate: Self.rate) + 23) < 3)
  }

  @Test("Noise alone is not raised", arguments: SpeechDetector.Kind.allCases)
  func noise(kind: SpeechDetector.Kind) throws {
    var random = SeededGenerator(seed: 96)
    let input = random.samples(20 * Self.rate).map { $0 * 0.003 }
    var control = SpeechLevelControl(.hz16000, detector: kind)
    let output = aligned(input, by: &control)
    for second in 0..<20 {
      let range = second * Self.rate..<(second + 1) * Self.rate
      #expect(Self.power(output[range]) <= Self.power(input[range]) * 1.001, "second \(second)")
    }
  }

  @Test("The latency is the look-ahead's and the limiter's, exactly", arguments: LevelContractTests.rates)
  func latency(rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    for milliseconds in [0, 7, 30] {
      var control = SpeechLevelControl(sampleRate, lookAhead: .milliseconds(milliseconds))
      let latency = control.latencyInSamples
      let expected =
        sampleRate.sampleCount(in: .milliseconds(milliseconds)) + TruePeakLimiter(sampleRate).latencyInSamples
      #expect(latency == expected)
      // Too soft for anything to change it, and no speech.
      var random = SeededGenerator(seed: 97)
      let input = random.samples(latency + 500).map { $0 * 1e-4 }
      let output = processed(input, by: &control)
      #expect(output.prefix(latency).allSatisfy { $0 == 0 })
      #expect(firstBitDifference(Array(output[latency...]), Array(input.prefix(500))) == nil)
    }
  }
}
