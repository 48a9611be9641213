import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// What all processors of levels promise: the same whatever the cuts, as new after a reset, no allocation, nothing that
/// is not finite.
@Suite struct LevelContractTests {
  static let rates = [4_000, 8_000, 11_025, 16_000, 24_000, 44_100, 48_000, 192_000]

  /// Soft and loud passages, and what no microphone gives.
  static func samples(_ rate: Int, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    var samples: [Float] = []
    // The fast ways are left and taken again within each.
    for level in [0.01, 1, 0.2, 30, 0.001, 0.5] as [Float] {
      samples += random.samples(min(rate / 8, 3_000) + Int.random(in: 0...200, using: &random)).map { $0 * level }
    }
    for value in [.nan, .infinity, -.infinity, 1e30, -0.0, .leastNonzeroMagnitude] as [Float] {
      samples[Int.random(in: 0..<samples.count / 2, using: &random)] = value
    }
    return samples
  }

  @Test("However the stream is cut, the output is the same", arguments: LevelProcessor.allCases, rates)
  func cuts(processor: LevelProcessor, rate: Int) throws {
    for seed in [UInt64(rate), UInt64(rate) + 1] {
      let samples = Self.samples(rate, seed: seed)
      let whole = try processor.run([samples], at: rate)[0]
      var random = SeededGenerator(seed: seed)
      let blocks = random.cuts(of: samples.count).map { Array(samples[$0]) }
      let pieces = try processor.run(blocks, at: rate).flatMap { $0 }
      #expect(firstBitDifference(whole, pieces) == nil, "seed \(seed)")
      #expect(whole.allSatisfy { $0.isFinite })
      #expect(firstBitDifference(whole, samples) != nil)
    }
  }

  @Test(
    "However speech is cut, its gain is the same", arguments: [.neuralControl, .energyControl] as [LevelProcessor],
    [8_000, 11_025, 44_100])
  func cutsOfSpeech(processor: LevelProcessor, rate: Int) throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let start = try #require(recording.speech(mergingGapsBelow: 0.4).first).start
    // So soft that what changes is the gain control's doing.
    let part = try recording.waveSamples()[max(0, start - 8_000)..<start + 24_000].map { $0 * 0.05 }
    let samples = try RatePair(from: recording.sampleRate, to: rate).resampled(part)
    let whole = try processor.run([samples], at: rate)[0]
    var random = SeededGenerator(seed: UInt64(rate))
    let blocks = random.cuts(of: samples.count).map { Array(samples[$0]) }
    let pieces = try processor.run(blocks, at: rate).flatMap { $0 }
    #expect(firstBitDifference(whole, pieces) == nil)
    func power(_ samples: [Float]) -> Double { samples.reduce(0) { $0 + Double($1) * Double($1) } }
    let gain = 10 * log10(power(whole) / power(samples))
    #expect(gain > 10, "\(gain)")
  }

  @Test("One sample at a time, too", arguments: LevelProcessor.allCases)
  func singles(processor: LevelProcessor) throws {
    let samples = Array(Self.samples(8_000, seed: 5).prefix(3_000))
    let whole = try processor.run([samples], at: 8_000)[0]
    let singles = try processor.run(samples.map { [$0] }, at: 8_000).flatMap { $0 }
    #expect(firstBitDifference(whole, singles) == nil)
  }

  @Test("A reset leaves nothing behind", arguments: LevelProcessor.allCases, [8_000, 44_100])
  func reset(processor: LevelProcessor, rate: Int) throws {
    let samples = Self.samples(rate, seed: 9)
    let first = samples.map { $0 * 40 + 0.1 }
    let output = try processor.run([first, [], samples], at: rate, resets: [1])
    let new = try processor.run([samples], at: rate)
    #expect(firstBitDifference(output[2], new[0]) == nil)
  }

  @Test("What is not finite is taken as 0", arguments: LevelProcessor.allCases)
  func nonFinite(processor: LevelProcessor) throws {
    var bad = Self.samples(16_000, seed: 11)
    bad[100] = .nan
    bad[4_000] = .infinity
    let output = try processor.run([bad], at: 16_000)[0]
    let clean = try processor.run([bad.map { $0.isFinite ? $0 : 0 }], at: 16_000)[0]
    #expect(firstBitDifference(output, clean) == nil)
  }

  @Test(
    "Nothing allocates",
    .enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"),
    arguments: LevelProcessor.allCases, [8_000, 48_000])
  func allocations(processor: LevelProcessor, rate: Int) throws {
    let samples = Self.samples(rate, seed: 13)
    let lengths = [1, 0, rate / 50, 7, 600, 3_000]
    #expect(try processor.allocationCount(samples, lengths: lengths, at: rate) == 0)
  }
}
