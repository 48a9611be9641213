import AudioDSP
import AudioTestSupport
import Testing

/// What the resampler promises whatever its filter: counts, cuts, state and errors. `ResamplerQualityTests` measures
/// the filter.
@Suite struct ResamplerTests {
  static let everyPair = RatePair.all + RatePair.identities

  /// Long enough that the resampler moves its window several times.
  private static func longCount(_ resampler: borrowing Resampler) -> Int { 5_000 + 3 * resampler.latencyInSamples }

  @Test(
    "There are exactly ceil(n * out / in) outputs, and process gives what is promised",
    arguments: KernelBackend.available, everyPair)
  func exactCount(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 40)
    var resampler = try Resampler(pair, backend)
    #expect(resampler.inputRate.hertz == pair.from)
    #expect(resampler.outputRate.hertz == pair.to)
    let latency = resampler.latencyInSamples
    // Far beyond what a test can feed: eleven days at 192 kHz.
    for count in [0, 1, latency, latency + 1, latency + 1_009, 1_000_000_007, 181_818_181_818] {
      let capacity = resampler.outputCapacity(forInputCount: count)
      // Output for the instant t is there when the input up to t plus the latency is.
      #expect(capacity >= pair.outputCount(forInputCount: max(0, count - latency)))
      #expect(capacity <= pair.outputCount(forInputCount: count))
    }
    for count in [0, 1, 2, 100, 1_009, Int.random(in: 3...2_000, using: &random)] {
      let samples = random.samples(count)
      let output = try resampler.resample(samples, cuts: random.cuts(of: count))
      #expect(output.count == pair.outputCount(forInputCount: count))
      #expect(resampler.remainingOutputCount == 0)
      #expect(resampler.outputCapacity(forInputCount: 1_000) == 0)
      resampler.reset()
    }
  }

  @Test(
    "However the input is cut, and wherever it lies in memory, the output is the same bit for bit",
    arguments: KernelBackend.available, everyPair)
  func partition(backend: KernelBackend, pair: RatePair) throws {
    let seed = UInt64(pair.from * 7 + pair.to)
    var random = SeededGenerator(seed: seed)
    var resampler = try Resampler(pair, backend)
    let count = Self.longCount(resampler)
    let samples = random.samples(count)
    let whole = try resampler.resample(samples)
    #expect(whole.count == pair.outputCount(forInputCount: count))

    resampler.reset()
    let cut = try resampler.resample(samples, cuts: random.cuts(of: count))
    #expect(firstBitDifference(cut, whole) == nil, "seed \(seed)")

    // Lengths around a kernel's lanes, with an empty call before each.
    var short: [Range<Int>] = []
    while let start = Optional(short.last?.upperBound ?? 0), start < count {
      short.append(start..<start)
      short.append(start..<min(count, start + Int.random(in: 1...40, using: &random)))
    }
    resampler.reset()
    #expect(firstBitDifference(try resampler.resample(samples, cuts: short), whole) == nil, "seed \(seed)")

    resampler.reset()
    let singles = (0..<count).map { $0..<$0 + 1 }
    #expect(firstBitDifference(try resampler.resample(samples, cuts: singles), whole) == nil, "seed \(seed)")
  }

  @Test(
    "The alignment of either buffer changes nothing, and nothing is written behind the outputs",
    arguments: KernelBackend.available, everyPair)
  func alignment(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 41)
    var resampler = try Resampler(pair, backend)
    let samples = random.samples(1_000 + 2 * resampler.latencyInSamples)
    let whole = try resampler.resample(samples)
    for offset in [1, 2, 3, 5] {
      resampler.reset()
      let shifted = random.samples(offset) + samples
      var output = [Float](repeating: 77, count: offset + whole.count + 9)
      var span = output.mutableSpan
      var target = span._mutatingExtracting(offset...)
      let count = try resampler.process(shifted.span.extracting(offset...), into: &target)
      var tail = span._mutatingExtracting((offset + count)...)
      #expect(try count + resampler.finish(into: &tail) == whole.count)
      #expect(firstBitDifference(Array(output[offset..<offset + whole.count]), whole) == nil)
      #expect(output[..<offset].allSatisfy { $0 == 77 })
      #expect(output[(offset + whole.count)...].allSatisfy { $0 == 77 })
    }
  }

  @Test("The end is as if zeros followed", arguments: KernelBackend.available, RatePair.all)
  func zerosBehind(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 42)
    var resampler = try Resampler(pair, backend)
    let samples = random.samples(300)
    let plain = try resampler.resample(samples)
    resampler.reset()
    let followed = try resampler.resample(samples + [Float](repeating: 0, count: 2 * resampler.latencyInSamples))
    #expect(firstBitDifference(Array(followed[..<plain.count]), plain) == nil)
  }

  /// A delay by whole cycles changes no phase, so that no bit may change; a cycle of some pairs is a second long.
  @Test(
    "The start is as if zeros stood before", arguments: KernelBackend.available,
    RatePair.all.filter { $0.cycle.inputs + $0.cycle.outputs <= 50_000 })
  func zerosBefore(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 47)
    var resampler = try Resampler(pair, backend)
    let samples = random.samples(300)
    let plain = try resampler.resample(samples)
    let cycle = pair.cycle
    // Filters that compute four cycles with shared products round each of the four in its own way, and a stage's cycle
    // may be several of the whole resampler's.
    let cycleCount = (resampler.latencyInSamples / cycle.inputs / 16 + 1) * 16
    resampler.reset()
    let shifted = try resampler.resample([Float](repeating: 0, count: cycle.inputs * cycleCount) + samples)
    #expect(firstBitDifference(Array(shifted[(cycle.outputs * cycleCount)...]), plain) == nil)
  }

  @Test("Reset makes it as new", arguments: KernelBackend.available, everyPair)
  func reset(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 43)
    var resampler = try Resampler(pair, backend)
    let samples = random.samples(600 + resampler.latencyInSamples)
    let fresh = try resampler.resample(samples)
    resampler.reset()
    // Stopped in the middle of a loud stream, with its last sample not finite.
    let loud = random.samples(5_000, in: -1e6...1e6) + [.nan]
    _ = try resampler.piece(loud.span)
    #expect(resampler.nonFiniteCount == 1)
    resampler.reset()
    #expect(resampler.nonFiniteCount == 0)
    #expect(firstBitDifference(try resampler.resample(samples), fresh) == nil)
    // And at a stream's end.
    resampler.reset()
    #expect(firstBitDifference(try resampler.resample(samples), fresh) == nil)
  }

  @Test(arguments: KernelBackend.available, [RatePair(from: 48_000, to: 24_000), RatePair(from: 24_000, to: 24_000)])
  func finishing(backend: KernelBackend, pair: RatePair) throws {
    var resampler = try Resampler(pair, backend)
    _ = try resampler.resample([1, 2, 3])
    var output = [Float](repeating: 77, count: 1_000)
    let (one, nothing): ([Float], [Float]) = ([1], [])
    var errors: [ResamplerError] = []
    for step in 0..<3 {
      var span = output.mutableSpan
      do throws(ResamplerError) {
        switch step {
        case 0: _ = try resampler.finish(into: &span)
        case 1: _ = try resampler.process(one.span, into: &span)
        default: _ = try resampler.process(nothing.span, into: &span)
        }
      } catch {
        errors.append(error)
      }
    }
    #expect(errors == [.finished, .finished, .finished])
    #expect(output.allSatisfy { $0 == 77 })
    resampler.reset()
    #expect(try resampler.resample([1, 2, 3]).count == pair.outputCount(forInputCount: 3))
    resampler.reset()
    #expect(try resampler.rest().isEmpty, "an empty stream")
  }

  @Test("Too little room changes neither state nor output", arguments: KernelBackend.available, everyPair)
  func noRoom(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 44)
    var resampler = try Resampler(pair, backend)
    var samples = random.samples(2_000 + 2 * resampler.latencyInSamples)
    samples[samples.count / 2] = .infinity
    let whole = try resampler.resample(samples)
    resampler.reset()

    var found: [Float] = []
    let half = samples.count / 2
    for piece in [0..<half, half..<samples.count] {
      let due = resampler.outputCapacity(forInputCount: piece.count)
      #expect(due > 0)
      for room in Set([0, due / 2, due - 1]) {
        let before = resampler.nonFiniteCount
        let (error, output) = Self.attempt(room) { (span) throws(ResamplerError) in
          try resampler.process(samples.span.extracting(piece), into: &span)
        }
        #expect(error == .outputTooSmall(required: due, capacity: room))
        #expect(output.allSatisfy { $0 == 77 })
        #expect(resampler.nonFiniteCount == before)
        #expect(resampler.outputCapacity(forInputCount: piece.count) == due)
      }
      found += try resampler.piece(samples.span.extracting(piece))
    }
    let due = resampler.remainingOutputCount
    for room in Set([0, due / 2, due - 1]) where room >= 0 && room < due {
      let (error, output) = Self.attempt(room) { (span) throws(ResamplerError) in
        try resampler.finish(into: &span)
      }
      #expect(error == .outputTooSmall(required: due, capacity: room))
      #expect(output.allSatisfy { $0 == 77 })
      #expect(resampler.remainingOutputCount == due)
    }
    found += try resampler.rest()
    #expect(firstBitDifference(found, whole) == nil)
    #expect(resampler.nonFiniteCount == 1)
  }

  private static func attempt(
    _ room: Int, _ body: (inout MutableSpan<Float>) throws(ResamplerError) -> Int
  ) -> (ResamplerError?, [Float]) {
    var output = [Float](repeating: 77, count: room)
    var found: ResamplerError?
    do throws(ResamplerError) {
      var span = output.mutableSpan
      _ = try body(&span)
    } catch {
      found = error
    }
    return (found, output)
  }

  @Test(
    "What is not finite is 0 and counted, and spoils nothing around it", arguments: KernelBackend.available, everyPair)
  func notFinite(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 45)
    var resampler = try Resampler(pair, backend)
    var samples = random.samples(1_500 + resampler.latencyInSamples)
    var silenced = samples
    var places = Set(400..<430)
    places.formUnion([0, samples.count - 1])
    for _ in 0..<50 { places.insert(Int.random(in: samples.indices, using: &random)) }
    for i in places {
      // What is too large for sums of products counts as well, but where nothing is computed.
      let kinds: [Float] = [.nan, .infinity, -.infinity, .signalingNaN]
      samples[i] = (pair.from == pair.to ? kinds : kinds + [3e38, -0x1p100]).randomElement(using: &random)!
      silenced[i] = 0
    }
    let found = try resampler.resample(samples, cuts: random.cuts(of: samples.count))
    #expect(resampler.nonFiniteCount == places.count)
    resampler.reset()
    #expect(firstBitDifference(found, try resampler.resample(silenced)) == nil)
    #expect(resampler.nonFiniteCount == 0)
  }

  @Test("Equal rates pass samples through at once", arguments: KernelBackend.available, RatePair.identities)
  func identity(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 46)
    var resampler = try Resampler(pair, backend)
    let samples = random.samples(700)
    #expect(resampler.latencyInSamples == 0)
    #expect(try resampler.piece(samples.span) == samples)
    #expect(resampler.remainingOutputCount == 0)
    #expect(try resampler.rest().isEmpty)
  }

  @Test("The delay is what the filter needs, and the public initialiser chooses a backend")
  func latency() throws {
    var resampler = Resampler(from: .hz48000, to: .hz24000)
    var output = [Float](repeating: 0, count: 1_000)
    var span = output.mutableSpan
    let zeros = [Float](repeating: 0, count: 1_000)
    #expect(try resampler.process(zeros.span.extracting(0..<resampler.latencyInSamples), into: &span) == 0)
    #expect(try resampler.process(zeros.span.extracting(0..<1), into: &span) == 1)
    // 10 ms of 300.
    #expect(SampleRate.hz48000.seconds(of: resampler.latencyInSamples) < 0.010)
  }

  @Test("Errors say what was due")
  func descriptions() {
    #expect(ResamplerError.outputTooSmall(required: 12, capacity: 3).description.contains("12"))
    #expect(ResamplerError.finished.description.contains("finish"))
    #expect(ResamplerError.engineFailed("why").description.contains("why"))
  }
}
