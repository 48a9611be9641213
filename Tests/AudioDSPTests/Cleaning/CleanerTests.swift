import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// Cleanings that are tried on everything: each part alone, the presets, and all parts at once.
enum SomeCleaning: String, CaseIterable, CustomTestStringConvertible {
  case clippingRepair, offset, highPass, hum, noise, gainControl, gain, limiter, light, full, everything

  var testDescription: String { rawValue }

  var configuration: CleaningConfiguration {
    var configuration = CleaningConfiguration()
    switch self {
    case .clippingRepair: configuration.repairsClipping = true
    case .offset: configuration.removesOffset = true
    case .highPass: configuration.highPassFrequency = 120
    case .hum: configuration.mains = .hz60
    case .noise: configuration.noiseAttenuationInDecibels = 12
    case .gainControl: configuration.gainControl = .init(targetInDecibels: -20)
    case .gain: configuration.gainInDecibels = -4.5
    case .limiter: configuration.ceilingInDecibels = -12
    case .light: configuration = .light
    case .full: configuration = .full
    case .everything:
      configuration = .full
      configuration.repairsClipping = true
      configuration.highPassFrequency = 80
      configuration.mains = .hz50
      configuration.gainControl = .init()
    }
    return configuration
  }
}

@Suite struct CleanerTests {
  @Test("Presets are what they are said to be")
  func presets() {
    #expect(CleaningConfiguration.off == CleaningConfiguration())
    #expect(!CleaningConfiguration.off.needsCleaner)
    let light = CleaningConfiguration.light
    #expect(light.removesOffset && light.highPassFrequency == 80)
    #expect(light.noiseAttenuationInDecibels == nil && light.ceilingInDecibels == nil && light.gainControl == nil)
    let full = CleaningConfiguration.full
    #expect(full.removesOffset && full.noiseAttenuationInDecibels == 20 && full.ceilingInDecibels == -1)
    #expect(full.highPassFrequency == nil && full.gainControl == nil && full.gainInDecibels == 0 && full.mains == nil)
    var repairOnly = CleaningConfiguration.off
    repairOnly.repairsClipping = true
    #expect(repairOnly != .off && !repairOnly.needsCleaner)
  }

  @Test("The latency is the sum of the parts'", arguments: [8_000, 16_000, 24_000, 44_100, 48_000])
  func latency(rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    func latency(_ change: (inout CleaningConfiguration) -> Void) -> Int {
      var configuration = CleaningConfiguration.off
      change(&configuration)
      return Cleaner(sampleRate, configuration: configuration).latencyInSamples
    }
    let noise = NoiseSuppressor(sampleRate).latencyInSamples
    let limiter = TruePeakLimiter(sampleRate).latencyInSamples
    let lookAhead = sampleRate.sampleCount(in: .milliseconds(30))
    #expect(latency { _ in } == 0)
    #expect(latency { $0 = .light } == 0)
    #expect(latency { $0.mains = .hz50 } == 0)
    #expect(latency { $0.repairsClipping = true } == 0)
    #expect(latency { $0.noiseAttenuationInDecibels = 6 } == noise)
    #expect(latency { $0 = .full } == noise + limiter)
    // The limiter belongs to the gain control; what noise suppression takes is a part of the look-ahead.
    #expect(latency { $0.gainControl = .init() } == lookAhead + limiter)
    #expect(
      latency {
        $0 = .full
        $0.gainControl = .init()
      } == max(lookAhead, noise) + limiter)
  }

  @Test("Every setting that is valid is so at every rate", arguments: [4_000, 192_000])
  func ranges(rate: Int) throws {
    let noise = CleaningConfiguration.noiseAttenuations
    for (frequency, attenuation, ceiling) in [(10.0, noise.lowerBound, -40.0), (500.0, noise.upperBound, 0.0)] {
      var configuration = CleaningConfiguration.light
      configuration.highPassFrequency = frequency
      configuration.mains = .hz60
      configuration.noiseAttenuationInDecibels = attenuation
      configuration.gainInDecibels = -6
      configuration.ceilingInDecibels = ceiling
      #expect(CleaningConfiguration.highPassFrequencies.contains(frequency))
      var cleaner = Cleaner(try SampleRate(rate), configuration: configuration)
      var random = SeededGenerator(seed: 4)
      #expect(processed(random.samples(rate / 4), by: &cleaner).allSatisfy { $0.isFinite })
    }
    let lowest = HighPassFilter.cornerFrequencies(at: try SampleRate(SampleRate.range.lowerBound))
    #expect(lowest == CleaningConfiguration.highPassFrequencies)
  }

  @Test("Without any part, samples pass as they are")
  func off() {
    var random = SeededGenerator(seed: 1)
    let samples = random.samples(1_000) + [.nan, .infinity, -0.0, 1e30]
    var cleaner = Cleaner(.hz16000, configuration: .off)
    #expect(firstBitDifference(processed(samples, by: &cleaner), samples) == nil)
  }

  @Test("A cleaner is its parts, in the order that is stated", arguments: [8_000, 24_000, 44_100])
  func order(rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    let input = FilterPart.spoilt(rate, seconds: 1.5, seed: 21)
    var cleaner = Cleaner(sampleRate, configuration: SomeCleaning.everything.configuration)
    let found = processed(input, by: &cleaner)

    var samples = input
    var offset = try DCFilter(sampleRate, cornerFrequency: 1)
    samples = processed(samples, by: &offset)
    var highPass = try HighPassFilter(sampleRate)
    samples = processed(samples, by: &highPass)
    var hum = try HumFilter(sampleRate, mains: .hz50)
    samples = processed(samples, by: &hum)
    var noise = NoiseSuppressor(sampleRate, maximumAttenuationInDecibels: 20)
    samples = processed(samples, by: &noise)
    let missing = max(0, sampleRate.sampleCount(in: .milliseconds(30)) - noise.latencyInSamples)
    // 16 to 20 ms.
    let shift = Int((Double(noise.latencyInSamples) / Double(rate) * 100).rounded())
    #expect(shift == 2)
    samples = Self.levelled(samples, delayedBy: missing, hearing: input, shift: shift, sampleRate)
    var limiter = TruePeakLimiter(sampleRate, ceilingInDecibels: -1)
    samples = processed(samples, by: &limiter)
    #expect(firstBitDifference(found, samples) == nil)
    // All of it matters.
    #expect(found.contains { abs($0) > 0.01 })
  }

  /// What a gain control makes of `sound`, late by `delay`, that is told at the end of each 10 ms of the frames whose
  /// score in `heard` and power in `sound` are known by then; `sound` is `shift` frames behind `heard`.
  private static func levelled(
    _ sound: [Float], delayedBy delay: Int = 0, hearing heard: [Float], shift: Int = 0, _ sampleRate: SampleRate
  ) -> [Float] {
    let grid = FrameGrid(sampleRate)
    var detector = SpeechDetector(.neural, sampleRate)
    var analyzer = FrameAnalyzer(sampleRate)
    var control = AutomaticGainControl(sampleRate)
    let delayed = [Float](repeating: 0, count: delay) + sound
    var (scores, features, output) = ([FrameScore](), [FrameFeatures](), [Float]())
    var (frame, told) = (0, 0)
    while output.count < sound.count {
      let place = grid.samples(ofFrame: frame).clamped(to: 0..<sound.count)
      output += processed(Array(delayed[place]), by: &control)
      var newScores = [FrameScore](repeating: FrameScore(0), count: 8)
      let heardPart = Array(heard[place])
      var scoreSpan = newScores.mutableSpan
      let scoreCount = detector.process(heardPart.span, into: &scoreSpan)
      scores += newScores.prefix(scoreCount)
      var newFeatures = [FrameFeatures](repeating: FrameFeatures(), count: 2)
      let part = Array(sound[place])
      var featureSpan = newFeatures.mutableSpan
      let featureCount = analyzer.process(part.span, into: &featureSpan)
      features += newFeatures.prefix(featureCount)
      while told < scores.count, told + shift < features.count {
        control.follow(FrameScore(scores[told].score, features: features[told + shift]))
        told += 1
      }
      frame += 1
    }
    return output
  }

  @Test("The gain control listens to what comes in, and levels what the other parts have made of it")
  func listensToTheInput() throws {
    // Hiss that the high-pass leaves, and speech that it takes much of: its detector would do worse behind it.
    var random = SeededGenerator(seed: 31)
    let speech = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    let input = speech.map { $0 + Float.random(in: -0.004...0.004, using: &random) }
    var configuration = CleaningConfiguration.off
    configuration.gainControl = .init()
    configuration.highPassFrequency = 500
    var cleaner = Cleaner(.hz16000, configuration: configuration)
    let found = processed(input, by: &cleaner)

    var highPass = try HighPassFilter(.hz16000, cornerFrequency: 500)
    let filtered = processed(input, by: &highPass)
    func expected(hearing heard: [Float]) -> [Float] {
      var limiter = TruePeakLimiter(.hz16000, ceilingInDecibels: -1)
      return processed(Self.levelled(filtered, delayedBy: 480, hearing: heard, .hz16000), by: &limiter)
    }
    #expect(firstBitDifference(found, expected(hearing: input)) == nil)
    #expect(firstBitDifference(found, expected(hearing: filtered)) != nil)
  }

  @Test("Speech under hum ends at the target when the hum is taken away", arguments: [-60.0, -20, -10], [false, true])
  func levelsWhatIsLeft(humLevel: Double, isSuppressing: Bool) throws {
    let rate = SpeechLevelControlTests.rate
    let talk = try SpeechLevelControlTests.Talk(0, level: -35, seed: 98)
    let hum = sineWave(50, rate: rate, count: talk.samples.count, amplitude: 2.squareRoot() * pow(10, humLevel / 20))
    var configuration = CleaningConfiguration.off
    configuration.mains = .hz50
    configuration.gainControl = .init()
    if isSuppressing { configuration.noiseAttenuationInDecibels = 12 }
    var cleaner = Cleaner(.hz16000, configuration: configuration)
    let output = aligned(zip(talk.samples, hum).map { $0 + $1 }, by: &cleaner)
    let start = talk.speech[0].lowerBound + 2 * rate
    let level = activeSpeechLevel(output[start...], rate: rate)
    print("CleanerTests: hum at \(humLevel) dBFS, suppression \(isSuppressing): \(level) dBFS")
    #expect(abs(level + 23) < 3, "\(level)")
  }

  @Test("However the stream is cut, the output is the same", arguments: SomeCleaning.allCases, [8_000, 11_025, 24_000])
  func cuts(cleaning: SomeCleaning, rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    for seed in [UInt64(rate), UInt64(rate) + 1] {
      var input = FilterPart.spoilt(rate, seconds: 1.2, seed: seed)
      input[77] = .nan
      input[500] = -.infinity
      var cleaner = Cleaner(sampleRate, configuration: cleaning.configuration)
      let whole = processed(input, by: &cleaner)
      var random = SeededGenerator(seed: seed)
      var other = Cleaner(sampleRate, configuration: cleaning.configuration)
      var pieces: [Float] = []
      for cut in random.cuts(of: input.count) { pieces += processed(Array(input[cut]), by: &other) }
      #expect(firstBitDifference(whole, pieces) == nil, "seed \(seed)")
      // As new after a reset, in the middle of a step.
      _ = processed(Array(input.prefix(1_234)), by: &other)
      other.reset()
      #expect(firstBitDifference(processed(input, by: &other), whole) == nil, "after a reset, seed \(seed)")
      if cleaning.configuration.needsCleaner { #expect(whole.allSatisfy { $0.isFinite }) }
    }
  }

  @Test(
    "Nothing allocates",
    .enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"),
    arguments: SomeCleaning.allCases, [8_000, 48_000])
  func allocations(cleaning: SomeCleaning, rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    var buffer = FilterPart.spoilt(rate, seconds: 1, seed: 3)
    let lengths = [1, 0, rate / 50, 7, 600, 3_000]
    func feed(_ cleaner: inout Cleaner) {
      var taken = 0
      for i in 0..<lengths.count {
        var all = buffer.mutableSpan
        var part = all._mutatingExtracting(taken..<taken + lengths[i])
        cleaner.process(&part)
        taken += lengths[i]
      }
      cleaner.reset()
    }
    // One cleaner warms up what is made once.
    var other = Cleaner(sampleRate, configuration: cleaning.configuration)
    feed(&other)
    var cleaner = Cleaner(sampleRate, configuration: cleaning.configuration)
    #expect(AllocationCounter.countOnce { feed(&cleaner) } == 0)
    #expect(AllocationCounter.countOnce { feed(&cleaner) } == 0)
  }
}
