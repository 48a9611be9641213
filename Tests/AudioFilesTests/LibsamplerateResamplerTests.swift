import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// libsamplerate behind the protocol of our engines: exact counts, no delay, the same bits however the input is cut.
@Suite struct LibsamplerateResamplerTests {
  struct Engine: Sendable, CustomTestStringConvertible {
    var quality: LibsamplerateResampler.Quality
    var from: Int
    var to: Int
    var testDescription: String { "\(quality), \(from) -> \(to) Hz" }

    func make() throws -> LibsamplerateResampler {
      try LibsamplerateResampler(from: SampleRate(from), to: SampleRate(to), quality: quality)
    }

    var lowerNyquist: Double { Double(min(from, to)) / 2 }

    /// ceil(count * to / from), in whole numbers.
    func outputCount(_ count: Int) -> Int {
      let (quotient, remainder) = (count * to).quotientAndRemainder(dividingBy: from)
      return remainder == 0 ? quotient : quotient + 1
    }
  }

  static let pairs = [
    (48_000, 24_000), (44_100, 24_000), (8_000, 24_000), (16_000, 24_000), (24_000, 48_000), (24_000, 44_100),
    (44_100, 16_000), (11_025, 24_000), (37_800, 24_000), (44_101, 24_000), (192_000, 4_000), (4_000, 192_000),
  ]
  static let engines = LibsamplerateResampler.Quality.allCases.flatMap { quality in
    pairs.map { Engine(quality: quality, from: $0.0, to: $0.1) }
  }
  static let identities = [4_000, 24_000].map { Engine(quality: .best, from: $0, to: $0) }

  @Test(
    "There are exactly ceil(n * out / in) outputs, and process gives what is promised", arguments: engines + identities)
  func exactCount(engine: Engine) throws {
    let seed: UInt64 = 600
    var random = SeededGenerator(seed: seed)
    var resampler = try engine.make()
    #expect(resampler.inputRate.hertz == engine.from)
    #expect(resampler.outputRate.hertz == engine.to)
    let latency = resampler.latencyInSamples
    for count in [0, 1, latency, latency + 1, 1_000_000_007] {
      #expect(resampler.outputCapacity(forInputCount: count) == engine.outputCount(max(0, count - latency)))
    }
    for count in [0, 1, 2, 100, 1_009, 1_024, 1_025] + [Int.random(in: 3...9_000, using: &random)] {
      let output = try resampler.resample(random.samples(count), cuts: random.cuts(of: count))
      #expect(output.count == engine.outputCount(count), "seed \(seed)")
      #expect(resampler.remainingOutputCount == 0)
      #expect(resampler.outputCapacity(forInputCount: 1_000) == 0)
      resampler.reset()
    }
  }

  @Test("However the input is cut, the output is the same bit for bit", arguments: engines + identities)
  func partition(engine: Engine) throws {
    let seed = UInt64(engine.from * 7 + engine.to)
    var random = SeededGenerator(seed: seed)
    var resampler = try engine.make()
    let samples = random.samples(6_000)
    let whole = try resampler.resample(samples)
    resampler.reset()
    let cut = try resampler.resample(samples, cuts: random.cuts(of: samples.count))
    #expect(firstBitDifference(cut, whole) == nil, "seed \(seed)")
    resampler.reset()
    let singles = (0..<samples.count).map { $0..<$0 + 1 }
    #expect(firstBitDifference(try resampler.resample(samples, cuts: singles), whole) == nil, "seed \(seed)")
  }

  @Test("A sine burst stays where it was", arguments: engines)
  func alignment(engine: Engine) throws {
    // A quarter of the lower Nyquist frequency under a Gaussian of 6 cycles, whose middle falls between samples.
    let frequency = engine.lowerNyquist / 4
    let (width, middle) = (6 / frequency, 40 / frequency + 0.37 / Double(engine.from))
    func burst(_ time: Double) -> Double {
      let t = time - middle
      return 0.9 * exp(-t * t / (2 * width * width)) * sin(2 * Double.pi * frequency * t + 0.3)
    }
    let count = Int(80 / frequency * Double(engine.from))
    var resampler = try engine.make()
    let output = try resampler.resample((0..<count).map { Float(burst(Double($0) / Double(engine.from))) })
    let worst = output.indices.reduce(0.0) {
      max($0, abs(Double(output[$1]) - burst(Double($1) / Double(engine.to))))
    }
    // A hundredth of a sample too late, at the lower rate, would be -43 dB.
    #expect(decibels(worst) < [.best: -110, .medium: -100, .fastest: -88][engine.quality]!)
  }

  @Test("A tone of 997 Hz stays in phase with the source, and little else comes out", arguments: engines)
  func tone(engine: Engine) throws {
    var resampler = try engine.make()
    let latency = resampler.latencyInSamples
    let count = engine.from / 4 + 2 * latency
    let output = try resampler.resample(sineWave(997, rate: engine.from, count: count, amplitude: 0.8, phase: 0.4))
    let skipped = engine.outputCount(latency) + 1
    let fit = SineFit(output, in: skipped..<output.count - skipped, frequency: 997 / Double(engine.to))
    #expect(abs(fit.phase - 0.4) < 2e-5)
    #expect(abs(decibels(fit.amplitude / 0.8)) < 1e-3)
    #expect(fit.distortionAndNoise < [.best: -115, .medium: -105, .fastest: -88][engine.quality]!)
  }

  @Test("It agrees with a plain resampler in double precision", arguments: pairs.prefix(6))
  func reference(pair: (Int, Int)) throws {
    let engine = Engine(quality: .best, from: pair.0, to: pair.1)
    let seed = UInt64(pair.0 + pair.1)
    var random = SeededGenerator(seed: seed)
    let reference = ReferenceResampler(from: engine.from, to: engine.to)
    let mixture = SineMixture(band: 20...0.85 * engine.lowerNyquist, partCount: 12, using: &random)
    let input = mixture.samples(rate: engine.from, count: 2 * reference.reach + 200)
    var resampler = try engine.make()
    let output = try resampler.resample(input)
    let reach = engine.outputCount(reference.reach) + 1
    for index in (0..<40).map({ _ in Int.random(in: reach..<output.count - reach, using: &random) }) {
      #expect(abs(Double(output[index]) - reference.output(index, of: input)) < 5e-6, "seed \(seed)")
    }
  }

  @Test("Our own engine gives nearly the same", arguments: pairs.prefix(6))
  func ours(pair: (Int, Int)) throws {
    let engine = Engine(quality: .best, from: pair.0, to: pair.1)
    let seed = UInt64(pair.0 * 3 + pair.1)
    var random = SeededGenerator(seed: seed)
    let mixture = SineMixture(band: 20...0.85 * engine.lowerNyquist, partCount: 12, using: &random)
    let input = mixture.samples(rate: engine.from, count: 10_000)
    var resampler = try engine.make()
    let theirs = try resampler.resample(input)
    var own = try Resampler(from: SampleRate(engine.from), to: SampleRate(engine.to))
    let ours = try own.resample(input)
    #expect(ours.count == theirs.count)
    let skipped = engine.outputCount(max(own.latencyInSamples, resampler.latencyInSamples)) + 1
    let worst = (skipped..<ours.count - skipped).reduce(Float(0)) { max($0, abs(ours[$1] - theirs[$1])) }
    // The mixture's peak is 1 at most, and our passband keeps within 0.01 dB, which is a part of 0.0012.
    #expect(worst < 0.0012, "seed \(seed)")
  }

  @Test("The end is as if zeros followed, and an output comes as soon as its latency allows", arguments: engines)
  func latency(engine: Engine) throws {
    var random = SeededGenerator(seed: 601)
    var resampler = try engine.make()
    let latency = resampler.latencyInSamples
    let samples = random.samples(300)
    let plain = try resampler.resample(samples)
    resampler.reset()
    let zeros = [Float](repeating: 0, count: 3 * latency)
    let followed = try resampler.resample(samples + zeros)
    #expect(firstBitDifference(Array(followed[..<plain.count]), plain) == nil)
    // One input less, and the first output is not there.
    resampler.reset()
    #expect(try resampler.piece(zeros.span.extracting(first: latency)).isEmpty)
    #expect(try resampler.piece(zeros.span.extracting(first: 1)).count == engine.outputCount(1))
  }

  @Test("Reset makes it as new", arguments: engines + identities)
  func reset(engine: Engine) throws {
    var random = SeededGenerator(seed: 602)
    var resampler = try engine.make()
    let samples = random.samples(1_500)
    let fresh = try resampler.resample(samples)
    resampler.reset()
    let loud = random.samples(5_000, in: -1e6...1e6) + [.nan]
    _ = try resampler.piece(loud.span)
    #expect(resampler.nonFiniteCount == 1)
    resampler.reset()
    #expect(resampler.nonFiniteCount == 0)
    #expect(firstBitDifference(try resampler.resample(samples), fresh) == nil)
  }

  @Test("Samples that are not finite are taken as 0 and counted", arguments: [engines[0], engines[3], identities[1]])
  func notFinite(engine: Engine) throws {
    var random = SeededGenerator(seed: 603)
    var resampler = try engine.make()
    var samples = random.samples(3_000)
    let bad: [Int: Float] = [0: .nan, 1: .infinity, 1_023: -.infinity, 1_024: .signalingNaN, 2_999: .nan]
    for (index, value) in bad { samples[index] = value }
    let output = try resampler.resample(samples)
    #expect(resampler.nonFiniteCount == bad.count)
    for index in bad.keys { samples[index] = 0 }
    resampler.reset()
    #expect(firstBitDifference(try resampler.resample(samples), output) == nil)
    #expect(output.allSatisfy { $0.isFinite })
  }

  @Test("Equal rates pass samples through", arguments: identities)
  func identity(engine: Engine) throws {
    var random = SeededGenerator(seed: 604)
    var resampler = try engine.make()
    #expect(resampler.latencyInSamples == 0)
    let samples = random.samples(5_000)
    #expect(try firstBitDifference(resampler.resample(samples, cuts: random.cuts(of: 5_000)), samples) == nil)
  }

  @Test(
    "Too little room is an error that changes nothing", arguments: [engines[0], engines[2], engines[5], identities[1]])
  func noRoom(engine: Engine) throws {
    var random = SeededGenerator(seed: 605)
    var resampler = try engine.make()
    let samples = random.samples(4_000)
    let whole = try resampler.resample(samples)
    resampler.reset()
    var output = try resampler.piece(samples.span.extracting(..<1_500))
    let required = resampler.outputCapacity(forInputCount: 2_500)
    var small = [Float](repeating: 77, count: required - 1)
    do {
      var span = small.mutableSpan
      let error = ResamplerError.outputTooSmall(required: required, capacity: required - 1)
      do {
        _ = try resampler.process(samples.span.extracting(1_500...), into: &span)
        Issue.record("no error")
      } catch let thrown {
        #expect(thrown == error)
      }
    }
    #expect(small.allSatisfy { $0 == 77 })
    output += try resampler.piece(samples.span.extracting(1_500...))
    let remaining = resampler.remainingOutputCount
    if remaining > 0 {
      var span = small.mutableSpan
      var target = span._mutatingExtracting(..<(remaining - 1))
      do {
        _ = try resampler.finish(into: &target)
        Issue.record("no error")
      } catch let thrown {
        #expect(thrown == .outputTooSmall(required: remaining, capacity: remaining - 1))
      }
    }
    output += try resampler.rest()
    #expect(firstBitDifference(output, whole) == nil)
    var span = small.mutableSpan
    do {
      _ = try resampler.process(samples.span, into: &span)
      Issue.record("no error")
    } catch let thrown {
      #expect(thrown == .finished)
    }
    do {
      _ = try resampler.finish(into: &span)
      Issue.record("no error")
    } catch let thrown {
      #expect(thrown == .finished)
    }
  }

  @Test("Nothing is written behind the outputs")
  func bounds() throws {
    var random = SeededGenerator(seed: 606)
    var resampler = try Self.engines[2].make()
    let samples = random.samples(3_000)
    let due = resampler.outputCapacity(forInputCount: samples.count)
    var output = [Float](repeating: 77, count: due + 100)
    var span = output.mutableSpan
    #expect(try resampler.process(samples.span, into: &span) == due)
    #expect(output[due...].allSatisfy { $0 == 77 })
  }

  @Test(arguments: [engines[0], engines[1], engines[2], identities[1]])
  func noAllocation(engine: Engine) throws {
    try #require(AllocationCounter.isAvailable)
    var random = SeededGenerator(seed: 607)
    var resampler = try engine.make()
    let samples = random.samples(5_000)
    var output = [Float](repeating: 0, count: engine.outputCount(5_000))
    let count = try AllocationCounter.count { () throws(ResamplerError) in
      resampler.reset()
      var span = output.mutableSpan
      let written = try resampler.process(samples.span, into: &span)
      var rest = span._mutatingExtracting(written...)
      _ = try resampler.finish(into: &rest)
    }
    #expect(count == 0)
    #expect(AllocationCounter.countOnce { AllocationCounter.probe(.malloc) } == 1)
  }
}

extension ResamplingEngine where Self: ~Copyable {
  /// Resamples a whole stream in pieces, into outputs of exactly the room asked for.
  mutating func resample(_ input: [Float], cuts: [Range<Int>]? = nil) throws -> [Float] {
    var output: [Float] = []
    for cut in cuts ?? [0..<input.count] { output += try piece(input.span.extracting(cut)) }
    return try output + rest()
  }

  /// What `process` gives for the next inputs, which must be what was promised.
  mutating func piece(_ input: Span<Float>) throws -> [Float] {
    let due = outputCapacity(forInputCount: input.count)
    var block = [Float](repeating: .nan, count: due)
    var span = block.mutableSpan
    let count = try process(input, into: &span)
    if count != due { Issue.record("\(count) outputs where \(due) were promised") }
    return block
  }

  /// What `finish` gives, which must be what was promised.
  mutating func rest() throws -> [Float] {
    let due = remainingOutputCount
    var tail = [Float](repeating: .nan, count: due)
    var span = tail.mutableSpan
    let count = try finish(into: &span)
    if count != due { Issue.record("finish gave \(count) outputs where \(due) were promised") }
    return tail
  }
}
