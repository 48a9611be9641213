import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct ClippingRepairTests {
  private static func rounded(_ samples: [Float]) -> [Float] { samples.map { ($0 * 32_768).rounded() / 32_768 } }

  /// The ratio of signal to distortion, in dB, at the samples of `places`.
  private static func ratio(_ signal: [Float], _ found: [Float], _ places: [Int]) -> Double {
    var (power, distortion) = (0.0, 0.0)
    for i in places {
      power += Double(signal[i]) * Double(signal[i])
      distortion += pow(Double(signal[i]) - Double(found[i]), 2)
    }
    return 10 * log10(power / distortion)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var file: String
    /// Every how many samples one is taken, after an average of as many.
    var decimation = 1
    var decibels: Double
    var leastGain: Double
    var testDescription: String { "\(file) / \(decimation), \(decibels) dB" }
  }

  static let cases = [
    Case(file: "speech.wav", decibels: 3, leastGain: 12), Case(file: "speech.wav", decibels: 6, leastGain: 11),
    Case(file: "speech.wav", decibels: 9, leastGain: 7.5), Case(file: "speech.wav", decibels: 12, leastGain: 5),
    Case(file: "speech.wav", decimation: 3, decibels: 3, leastGain: 6),
    Case(file: "speech.wav", decimation: 3, decibels: 6, leastGain: 6),
    Case(file: "speech.wav", decimation: 3, decibels: 9, leastGain: 6),
    Case(file: "speech.wav", decimation: 3, decibels: 12, leastGain: 4),
    Case(file: "clean-mono-16k.wav", decibels: 6, leastGain: 15),
    Case(file: "clean-mono-16k.wav", decibels: 9, leastGain: 12),
    Case(file: "clean-mono-16k.wav", decibels: 12, leastGain: 10),
    Case(file: "speech.wav", decimation: 6, decibels: 3, leastGain: 1.5),
    Case(file: "speech.wav", decimation: 6, decibels: 6, leastGain: 5),
    Case(file: "speech.wav", decimation: 6, decibels: 9, leastGain: 4),
    Case(file: "speech.wav", decimation: 6, decibels: 12, leastGain: 2),
  ]

  @Test("Speech that was cut off is nearer to what it was", arguments: cases)
  func speech(_ test: Case) throws {
    let recording = try TestRecording.named(test.file)
    let all = Array(try recording.waveSamples().prefix(6 * recording.sampleRate))
    let rate = recording.sampleRate / test.decimation
    let speech = (0..<all.count / test.decimation).map { i in
      (0..<test.decimation).reduce(Float(0)) { $0 + all[i * test.decimation + $1] } / Float(test.decimation)
    }
    // Clipped well below full scale, as a recording that was turned down.
    let peak = speech.map(abs).max() ?? 0
    let gain = 0.8 / peak
    let level = 0.8 * Float(pow(10, -test.decibels / 20))
    let signal = speech.map { $0 * gain }
    let clipped = Self.rounded(signal.map { $0.clamped(to: -level...level) })
    let places = signal.indices.filter { abs(signal[$0]) > level }
    var repair = ClippingRepair(try SampleRate(rate))
    let found = aligned(clipped, by: &repair)
    let (before, after) = (Self.ratio(signal, clipped, places), Self.ratio(signal, found, places))
    print(
      "clipping repair: \(test.testDescription): \(places.count) samples, \(repair.repairCount) stretches,",
      String(format: "%.1f to %.1f dB: %.1f", before, after, after - before))
    #expect(after - before > test.leastGain)
    // What is within two steps and a ten-thousandth of the rail counts as at it, and rounding adds one more.
    let rail = level * 0.9999 - 3.2 / 32_768
    #expect(!clipped.indices.contains { abs(clipped[$0]) < rail && found[$0].bitPattern != clipped[$0].bitPattern })
    let bound = level * ClippingRepair.greatestOvershoot * 1.0001
    #expect(!clipped.indices.contains { abs(clipped[$0]) >= rail && !(rail...bound).contains(abs(found[$0])) })
    // The same, turned over, to the last bit: neither side is better.
    var other = ClippingRepair(try SampleRate(rate))
    let turned = aligned(clipped.map { -$0 }, by: &other).map { -$0 }
    #expect(turned == found)
  }

  @Test("What was not cut off is not touched, to the last bit")
  func untouched() throws {
    for recording in try TestRecording.all() where recording.file.hasSuffix(".wav") && recording.sampleFrames > 0 {
      guard let samples = try? recording.waveSamples() else { continue }
      var repair = ClippingRepair(try SampleRate(recording.sampleRate))
      #expect(firstBitDifference(aligned(samples, by: &repair), samples) == nil, "\(recording.file)")
      #expect(repair.repairCount == 0)
    }
  }

  @Test("Nor are voices, tones and noise of any level and width of quantiser", arguments: FilterPart.rates)
  func unclipped(rate: Int) throws {
    let voice = MeasurementTests.voice(rate)
    var random = SeededGenerator(seed: 30)
    let peak = voice.map(abs).max() ?? 1
    let many: [(name: String, samples: [Float])] = [
      ("voice", voice), ("at full scale", voice.map { $0 / peak }), ("quiet", voice.map { $0 * 0.02 }),
      ("sine", sineWave(203, rate: rate, count: rate)), ("even sine", sineWave(200, rate: rate, count: rate)),
      ("low sine", sineWave(40, rate: rate, count: rate)), ("1 kHz", sineWave(1_000, rate: rate, count: rate)),
      ("square", (0..<rate).map { $0 * 440 / rate % 2 == 0 ? 1 : -1 }),
      ("rounded square", sineWave(200, rate: rate, count: rate).map { tanh(6 * $0) }),
      ("triangle", (0..<rate).map { abs(Float($0 * 300 % (2 * rate)) / Float(rate) - 1) - 0.5 }),
      ("noise", random.samples(rate)), ("quiet noise", random.samples(rate).map { $0 * 1e-4 }),
      ("offset and noise", random.samples(rate).map { $0 * 2e-4 + 0.2 }),
      ("offset", [Float](repeating: 1, count: rate)),
    ]
    for (name, samples) in many {
      for bits in [8, 16] {
        let scale = Float(1 << (bits - 1))
        // Up to the last code, but not cut off there.
        let quantised = samples.map { ($0 * (scale - 1)).rounded().clamped(to: -scale...scale - 1) / scale }
        var repair = ClippingRepair(try SampleRate(rate))
        #expect(firstBitDifference(aligned(quantised, by: &repair), quantised) == nil, "\(name), \(bits) bits")
      }
      var repair = ClippingRepair(try SampleRate(rate))
      #expect(firstBitDifference(aligned(samples, by: &repair), samples) == nil, "\(name), floats")
    }
  }

  /// A sine tells exactly what was there.
  @Test("A sine that was cut off is a sine again", arguments: FilterPart.rates, [0.3, 0.9, 1] as [Float])
  func sine(rate: Int, level: Float) throws {
    // What tells that the samples are fine ones: a tone that was cut off has no other extrema to see it by.
    var random = SeededGenerator(seed: 32)
    let fine = random.samples(300, in: 0.55...0.56).map { $0 * level }
    let signal = fine + sineWave(310, rate: rate, count: rate).map { $0 * level * 1.4 }
    let clipped = signal.map { $0.clamped(to: -level...level) }
    var repair = ClippingRepair(try SampleRate(rate))
    let found = aligned(clipped, by: &repair)
    #expect(repair.repairCount > 580)
    let places = (300 + rate / 10..<rate).filter { abs(signal[$0]) > level }
    #expect(Self.ratio(signal, clipped, places) < 15)
    #expect(Self.ratio(signal, found, places) > 30, "\(Self.ratio(signal, found, places))")
  }

  @Test("Each side for itself: an offset, and one side alone", arguments: [8_000, 16_000, 48_000])
  func sides(rate: Int) throws {
    let signal = MeasurementTests.voice(rate, seconds: 2).map { $0 * 1.5 + 0.1 }
    let greatest = signal.max() ?? 0
    let least = signal.min() ?? 0
    for (upper, lower) in [(0.6 * greatest, Float(-9)), (9, 0.6 * least), (0.5 * greatest, 0.7 * least)] {
      let clipped = Self.rounded(signal.map { $0.clamped(to: lower...upper) })
      let places = signal.indices.filter { signal[$0] > upper || signal[$0] < lower }
      var repair = ClippingRepair(try SampleRate(rate))
      let found = aligned(clipped, by: &repair)
      let gain = Self.ratio(signal, found, places) - Self.ratio(signal, clipped, places)
      #expect(repair.repairCount > 10 && gain > 4, "\(upper), \(lower): \(repair.repairCount), \(gain) dB")
    }
  }

  @Test("What is longer than can be rebuilt stays, and nothing rises by more than 9 dB", arguments: FilterPart.rates)
  func bounds(rate: Int) throws {
    var repair = ClippingRepair(try SampleRate(rate))
    #expect(repair.latencyInSamples == rate / 200)
    #expect(abs(Double(repair.longestStretch) / Double(rate) - 0.003) <= 2 / Double(rate))
    // 50 Hz, cut off to a tenth: tops of 9.4 ms.
    let slow = sineWave(50, rate: rate, count: rate).map { ($0 * 5).clamped(to: -0.5...0.5) }
    #expect(firstBitDifference(aligned(slow, by: &repair), slow) == nil)
    #expect(repair.repairCount == 0)
    // Stretches of every length up to the longest, at steep slopes.
    repair.reset()
    var random = SeededGenerator(seed: 31)
    // What tells that the samples are fine ones.
    var samples = random.samples(500, in: 0.55...0.56)
    for length in Array(3...repair.longestStretch + 2).shuffled(using: &random).prefix(200) {
      samples += (1...12).map { Float($0) / 16 } + [Float](repeating: 0.8, count: length)
      samples += (1...24).map { 0.75 - Float($0) / 16 } + (1...6).map { Float($0) / 8 - 0.75 }
    }
    let found = aligned(samples, by: &repair)
    #expect(repair.repairCount >= 8)
    #expect(found.allSatisfy { abs($0) <= 0.8 * ClippingRepair.greatestOvershoot * 1.0001 })
  }

  @Test("What would rise by more than 9 dB rises by 9 dB")
  func overshoot() throws {
    var random = SeededGenerator(seed: 33)
    var greatest: Float = 0
    for gain in [4, 6, 10, 20] as [Float] {
      // Two tones, whose tops that are not cut off tell how high the others were.
      let (one, other) = (sineWave(310, rate: 48_000, count: 48_000), sineWave(37, rate: 48_000, count: 48_000))
      let fine = random.samples(300, in: 0.055...0.056)
      let signal = fine + zip(one, other).map { $0 * (1 + $1) * 0.05 * gain }
      let clipped = signal.map { $0.clamped(to: -0.1...0.1) }
      var repair = ClippingRepair(.hz48000)
      let found = aligned(clipped, by: &repair)
      greatest = max(greatest, found.map(abs).max() ?? 0)

    }
    #expect(greatest > 0.281 && greatest < 0.2819)
  }
}

extension Float {
  fileprivate func clamped(to range: ClosedRange<Float>) -> Float {
    Swift.min(range.upperBound, Swift.max(range.lowerBound, self))
  }
}
