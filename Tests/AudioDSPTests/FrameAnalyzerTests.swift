import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// What ``FrameAnalyzer`` says it measures, in double precision and over the whole stream at once.
private struct ReferenceFrames {
  struct Frame {
    var power = 0.0
    var alternatingPower = 0.0
    var crossings = 0
    var count = 0
  }

  private(set) var frames: [Frame] = []

  init(_ samples: [Float], rate: Int) {
    var (start, runningMean) = (0, 0.0)
    var previous: Double?
    var number = 0
    while start < samples.count {
      let end = min(samples.count, (number + 1) * rate / 100)
      let frame = samples[start..<end].map { $0.isFinite ? Double($0) : 0 }
      let mean = frame.reduce(0, +) / Double(frame.count)
      let reference = number == 0 ? mean : runningMean
      var measured = Frame()
      measured.count = frame.count
      measured.power = frame.reduce(0) { $0 + $1 * $1 } / Double(frame.count)
      measured.alternatingPower = frame.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(frame.count)
      for sample in frame {
        if let previous, (previous >= reference) != (sample >= reference) { measured.crossings += 1 }
        previous = sample
      }
      frames.append(measured)
      runningMean = number == 0 ? mean : runningMean + 0.05 * (mean - runningMean)
      start = end
      number += 1
    }
  }
}

@Suite struct FrameAnalyzerTests {
  static let rates = [4_000, 8_000, 11_025, 16_000, 22_050, 24_000, 37_800, 44_100, 44_101, 48_000, 96_000, 192_000]

  /// Features of the whole stream, the last short frame included, and the number of samples that were not finite.
  static func features(
    _ samples: [Float], rate: Int, backend: KernelBackend = .scalar, cuts: [Range<Int>]? = nil
  ) throws -> (frames: [FrameFeatures], nonFiniteCount: Int) {
    var analyzer = FrameAnalyzer(try SampleRate(rate), backend: backend)
    return features(samples, &analyzer, cuts: cuts)
  }

  static func features(
    _ samples: [Float], _ analyzer: inout FrameAnalyzer, cuts: [Range<Int>]? = nil
  ) -> (frames: [FrameFeatures], nonFiniteCount: Int) {
    var frames: [FrameFeatures] = []
    for cut in cuts ?? [samples.indices] {
      let capacity = analyzer.frameCapacity(forInputCount: cut.count)
      var found = [FrameFeatures](repeating: FrameFeatures(), count: capacity)
      var span = found.mutableSpan
      let count = analyzer.process(samples.span.extracting(cut), into: &span)
      #expect(count == capacity)
      frames += found
    }
    if let last = analyzer.finish() { frames.append(last) }
    return (frames, analyzer.nonFiniteCount)
  }

  static func bits(_ frames: [FrameFeatures]) -> [UInt32] {
    frames.flatMap {
      [$0.energyInDecibels.bitPattern, $0.alternatingEnergyInDecibels.bitPattern, $0.zeroCrossingRate.bitPattern]
    }
  }

  private static func decibels(_ power: Double) -> Double { power <= 1e-12 ? -120 : 10 * log10(power) }

  // MARK: What is measured

  @Test("0 dBFS is a full-scale square wave", arguments: rates, KernelBackend.available)
  func squareWave(rate: Int, backend: KernelBackend) throws {
    let square = (0..<rate / 2).map { Float($0 / 8 % 2 == 0 ? 1 : -1) }
    for frame in try Self.features(square, rate: rate, backend: backend).frames {
      #expect(frame.energyInDecibels == 0)
    }
  }

  @Test("A full-scale sine has -3.01 dBFS, and twice its frequency in crossings", arguments: rates)
  func sine(rate: Int) throws {
    // Whole periods in a second; frames of 10 ms at 100 Hz times a whole number hold whole periods.
    let frequency = 500.0
    let frames = try Self.features(sineWave(frequency, rate: rate, count: rate, phase: 0.1), rate: rate).frames
    #expect(frames.count == 100)
    for frame in frames {
      #expect(abs(Double(frame.energyInDecibels) - 10 * log10(0.5)) < 0.03)
      #expect(abs(Double(frame.alternatingEnergyInDecibels) - 10 * log10(0.5)) < 0.03)
    }
    let crossings = frames.reduce(0.0) { $0 + Double($1.zeroCrossingRate) } / 100
    #expect(abs(crossings - 2 * frequency / Double(rate)) < 1.5 / Double(rate))
  }

  @Test("An offset counts into the energy and not into the alternating one, nor into crossings")
  func offset() throws {
    let rate = 16_000
    let plain = sineWave(300, rate: rate, count: 4 * rate, amplitude: 0.05, phase: 0.2)
    let shifted = plain.map { $0 + 0.25 }
    let a = try Self.features(plain, rate: rate).frames
    let b = try Self.features(shifted, rate: rate).frames
    for (plain, shifted) in zip(a, b) {
      #expect(abs(plain.alternatingEnergyInDecibels - shifted.alternatingEnergyInDecibels) < 0.01)
      #expect(abs(shifted.energyInDecibels - Float(10 * log10(0.25 * 0.25 + 0.05 * 0.05 / 2))) < 0.01)
      #expect(abs(plain.zeroCrossingRate - shifted.zeroCrossingRate) <= 1.0 / 160)
    }
    // An offset that comes in the middle takes the mean some 200 ms to follow: then all crossings count again.
    let jump = plain.enumerated().map { $0.offset < 2 * rate ? $0.element : $0.element + 0.25 }
    let c = try Self.features(jump, rate: rate).frames
    #expect(c[201].zeroCrossingRate == 0)
    for frame in 280..<400 { #expect(abs(c[frame].zeroCrossingRate - a[frame].zeroCrossingRate) <= 1.0 / 160) }
  }

  @Test("Against double precision", arguments: rates, KernelBackend.available)
  func oracle(rate: Int, backend: KernelBackend) throws {
    var random = SeededGenerator(seed: UInt64(rate))
    for offset in [0, 0.003, -0.4] as [Float] {
      // Levels from full scale down to -100 dBFS, in steps of seconds.
      var samples: [Float] = []
      for level in [1, 0.1, 0.003, 0.000_01, 0, 0.03] as [Float] {
        samples += random.samples(rate / 4 + Int.random(in: 0...500, using: &random)).map { $0 * level * 0.5 + offset }
      }
      let reference = ReferenceFrames(samples, rate: rate).frames
      let found = try Self.features(samples, rate: rate, backend: backend).frames
      try #require(found.count == reference.count)
      for (i, (frame, expected)) in zip(found, reference).enumerated() {
        #expect(abs(Double(frame.energyInDecibels) - Self.decibels(expected.power)) < 0.001, "frame \(i)")
        // Sums in single precision leave a part of 2^-18 of the offset's power behind when it is taken away: -54 dB.
        let uncertainty = expected.power * 0x1p-18
        let range =
          Self.decibels(expected.alternatingPower - uncertainty)
          - 0.001...Self.decibels(expected.alternatingPower + uncertainty) + 0.001
        #expect(range.contains(Double(frame.alternatingEnergyInDecibels)), "frame \(i)")
        // Where the noise is no louder than what single precision does to the mean, a crossing is no more than luck.
        if expected.alternatingPower > expected.power * 1e-6 {
          let crossings = Double(frame.zeroCrossingRate) * Double(expected.count)
          #expect(abs(crossings - Double(expected.crossings)) < 1.01, "frame \(i)")
        }
      }
    }
  }

  @Test("Crossings are counted between neighbours over frames' edges", arguments: KernelBackend.available)
  func crossingsOverEdges(backend: KernelBackend) throws {
    // 40 samples a frame. Zero counts as above.
    var samples = [Float](repeating: 1, count: 40) + [Float](repeating: -1, count: 40)
    samples += (0..<40).map { $0 % 2 == 0 ? 1 : -1 } + [Float](repeating: 0, count: 20) + [-1, 0, 0, -1, -1]
    let frames = try Self.features(samples, rate: 4_000, backend: backend).frames
    // The running mean goes 1, 0.9, 0.855 (the mean of the alternating frame is 0).
    #expect(frames.map { ($0.zeroCrossingRate * 40).rounded() } == [0, 1, 40, 0])

    // With a running mean of 0: exactly symmetric frames.
    let pattern: [Float] = [1, 0, -1, 0, -1, 1, 0, 0, -1, 1]
    let balanced = try Self.features(pattern + pattern + pattern + pattern, rate: 4_000, backend: backend).frames
    // Above: 1 1 0 1 0 1 1 1 0 1: six changes in a period, none between two periods.
    #expect(balanced.map { $0.zeroCrossingRate } == [24.0 / 40])
  }

  @Test("Digital silence", arguments: rates)
  func digitalSilence(rate: Int) throws {
    let frames = try Self.features([Float](repeating: 0, count: rate), rate: rate).frames
    #expect(frames == [FrameFeatures](repeating: FrameFeatures(), count: 100))
    #expect(FrameFeatures.silence == -120)
    #expect(FrameFeatures() == FrameFeatures(energyInDecibels: -120, zeroCrossingRate: 0))
  }

  // MARK: Bad samples

  @Test("What is not finite is 0 and counted", arguments: rates, KernelBackend.available)
  func nonFinite(rate: Int, backend: KernelBackend) throws {
    var random = SeededGenerator(seed: 7)
    let clean = random.samples(rate / 2 + 3, in: -0.5...0.5)
    var broken = clean
    var zeroed = clean
    var places: Set<Int> = [0, clean.count - 1]
    for _ in 0..<40 { places.insert(Int.random(in: clean.indices, using: &random)) }
    for place in places {
      broken[place] = [Float.nan, .infinity, -.infinity, .signalingNaN].randomElement(using: &random)!
      zeroed[place] = 0
    }
    let expected = try Self.features(zeroed, rate: rate, backend: backend)
    for _ in 0..<4 {
      let found = try Self.features(broken, rate: rate, backend: backend, cuts: random.cuts(of: broken.count))
      #expect(found.nonFiniteCount == places.count)
      #expect(firstDifference(Self.bits(found.frames), Self.bits(expected.frames)) == nil)
    }
    #expect(expected.nonFiniteCount == 0)
  }

  @Test("Nothing but NaN is silence")
  func onlyNaN() throws {
    let found = try Self.features([Float](repeating: .nan, count: 1_000), rate: 8_000)
    #expect(found.nonFiniteCount == 1_000)
    #expect(found.frames == [FrameFeatures](repeating: FrameFeatures(), count: 13))
  }

  @Test("Huge samples give finite features, and harm no later frame", arguments: rates)
  func huge(rate: Int) throws {
    var random = SeededGenerator(seed: 8)
    let tail = random.samples(rate / 5, in: -0.1...0.1)
    for value in [1e10, 1e19, 3e37, Float.greatestFiniteMagnitude] {
      for signs in [[1, 1], [1, -1], [-1, -1]] as [[Float]] {
        let loud = (0..<rate / 10).map { value * signs[$0 * 7 / rate % 2] }
        let found = try Self.features(loud + tail, rate: rate)
        #expect(found.nonFiniteCount == 0)
        for frame in found.frames {
          #expect(frame.energyInDecibels.isFinite && frame.alternatingEnergyInDecibels.isFinite)
          #expect((0...1).contains(frame.zeroCrossingRate))
        }
        for frame in found.frames[11...] { #expect(abs(frame.energyInDecibels + 24.77) < 4) }
      }
    }
  }

  // MARK: Streams

  @Test("However it is cut, the features are the same bits", arguments: rates, KernelBackend.available)
  func partitions(rate: Int, backend: KernelBackend) throws {
    for seed in 1...5 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed)
      let samples = random.samples(rate + Int.random(in: 0...rate / 50, using: &random)).map { $0 * 0.3 + 0.02 }
      let whole = try Self.features(samples, rate: rate, backend: backend).frames
      let cut = try Self.features(samples, rate: rate, backend: backend, cuts: random.cuts(of: samples.count)).frames
      #expect(firstDifference(Self.bits(cut), Self.bits(whole)) == nil, "seed \(seed)")
    }
  }

  @Test("A last frame may be short, down to one sample", arguments: [1, 2, 79, 80, 81, 159])
  func shortFrames(count: Int) throws {
    var random = SeededGenerator(seed: 9)
    let samples = random.samples(count)
    let found = try Self.features(samples, rate: 8_000).frames
    let expected = ReferenceFrames(samples, rate: 8_000).frames
    #expect(found.count == expected.count)
    for (frame, expected) in zip(found, expected) {
      #expect(abs(Double(frame.energyInDecibels) - Self.decibels(expected.power)) < 0.001)
    }
  }

  @Test("Finish and reset both start a new stream; finish keeps the count of bad samples to be read")
  func newStream() throws {
    var random = SeededGenerator(seed: 10)
    let samples = random.samples(1_234) + [.nan]
    let expected = try Self.features(samples, rate: 8_000)
    var analyzer = FrameAnalyzer(.hz8000, backend: .scalar)
    for end in ["finish", "reset", "finish", "finish"] {
      // Something of another kind first: its mean and its last sample must be forgotten.
      var found = [FrameFeatures](repeating: FrameFeatures(), count: 100)
      var span = found.mutableSpan
      _ = analyzer.process([Float](repeating: -0.7, count: 990).span, into: &span)
      if end == "finish" { #expect(analyzer.finish() != nil) }
      analyzer.reset()
      #expect(analyzer.nonFiniteCount == 0)
      let again = Self.features(samples, &analyzer)
      #expect(Self.bits(again.frames) == Self.bits(expected.frames))
      #expect(again.nonFiniteCount == 1)
    }
    // Straight after finish, without reset.
    #expect(Self.bits(Self.features(samples, &analyzer).frames) == Self.bits(expected.frames))
    #expect(analyzer.finish() == nil)
  }

  @Test("Nothing allocates after init")
  func allocations() throws {
    try #require(AllocationCounter.isAvailable)
    var random = SeededGenerator(seed: 11)
    var samples = random.samples(44_100)
    samples[5] = .nan
    var analyzer = FrameAnalyzer(.hz44100)
    var features = [FrameFeatures](repeating: FrameFeatures(), count: 200)
    let cuts = [0..<1, 1..<5, 5..<500, 500..<500, 500..<20_000, 20_000..<44_100]
    let count = AllocationCounter.count {
      var span = features.mutableSpan
      // By index: without optimisation an iterator allocates.
      for i in 0..<cuts.count { _ = analyzer.process(samples.span.extracting(cuts[i]), into: &span) }
      _ = analyzer.finish()
      analyzer.reset()
    }
    #expect(count == 0)
    #expect(AllocationCounter.countOnce { AllocationCounter.probe(.malloc) } == 1)
  }
}
