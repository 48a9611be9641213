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
    var offset = try DCFilter(sampleRate)
    samples = processed(samples, by: &offset)
    var highPass = try HighPassFilter(sampleRate)
    samples = processed(samples, by: &highPass)
    var hum = try HumFilter(sampleRate, mains: .hz50)
    samples = processed(samples, by: &hum)
    var noise = NoiseSuppressor(sampleRate, maximumAttenuationInDecibels: 20)
    samples = processed(samples, by: &noise)
    let missing = max(0, sampleRate.sampleCount(in: .milliseconds(30)) - noise.latencyInSamples)
    samples = Array(([Float](repeating: 0, count: missing) + samples).prefix(input.count))
    samples = Self.levelled(samples, hearing: input, sampleRate)
    var limiter = TruePeakLimiter(sampleRate, ceilingInDecibels: -1)
    samples = processed(samples, by: &limiter)
    #expect(firstBitDifference(found, samples) == nil)
    // All of it matters.
    #expect(found.contains { abs($0) > 0.01 })
  }

  /// A gain control that is led by a detector on another signal, a frame after the other.
  private static func levelled(_ samples: [Float], hearing heard: [Float], _ sampleRate: SampleRate) -> [Float] {
    var detector = SpeechDetector(.neural, sampleRate)
    var control = AutomaticGainControl(sampleRate)
    let grid = FrameGrid(sampleRate)
    var output: [Float] = []
    var frame = 0
    while output.count < samples.count {
      let place = grid.samples(ofFrame: frame).clamped(to: 0..<samples.count)
      output += processed(Array(samples[place]), by: &control)
      var scores = [FrameScore](repeating: FrameScore(0), count: 8)
      let part = Array(heard[place])
      var span = scores.mutableSpan
      let count = detector.process(part.span, into: &span)
      for score in scores.prefix(count) { control.follow(score) }
      frame += 1
    }
    return output
  }

  @Test("The gain control listens to what comes in, not to what the other parts have made of it")
  func listensToTheInput() throws {
    // Speech that the high-pass at 500 Hz lowers by much.
    let speech = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    var configuration = CleaningConfiguration.off
    // So low that the limiter has nothing to do.
    configuration.gainControl = .init(targetInDecibels: -35)
    var plain = Cleaner(.hz16000, configuration: configuration)
    let plainOutput = aligned(speech, by: &plain)
    configuration.highPassFrequency = 500
    var filtered = Cleaner(.hz16000, configuration: configuration)
    let found = aligned(speech, by: &filtered)
    // With the same gain, it is the filtered speech times the gain without a filter, where no limiter works.
    var highPass = try HighPassFilter(.hz16000, cornerFrequency: 500)
    let expected = processed(speech, by: &highPass)
    var compared = 0
    for i in speech.indices where abs(speech[i]) > 0.05 && abs(expected[i]) > 0.01 {
      let gain = plainOutput[i] / speech[i]
      #expect(abs(found[i] - expected[i] * gain) < 1e-4 + 1e-3 * abs(found[i]))
      compared += 1
    }
    #expect(compared > 1_000)
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
