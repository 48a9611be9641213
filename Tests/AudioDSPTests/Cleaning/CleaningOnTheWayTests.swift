import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// Cleaning within ``MonoResampler`` and ``SpeechChunker``: against each part by itself, and on time.
@Suite struct CleaningOnTheWayTests {
  static let pairs = [8_000, 16_000, 24_000, 44_100, 48_000].flatMap { from in
    [8_000, 16_000, 24_000, 48_000].map { RatePair(from: from, to: $0) }
  }

  /// What a resampler gives for a stream in pieces, and the mono signal beside it.
  private static func run(
    _ input: [Float], _ resampler: inout MonoResampler<Resampler>, cuts: [Range<Int>]? = nil
  ) throws -> (output: [Float], mono: [Float]) {
    var (output, mono): ([Float], [Float]) = ([], [])
    for cut in cuts ?? [0..<input.count] {
      try resampler.process(input.span.extracting(cut)) { slice, completed in
        for i in slice.indices { mono.append(slice[i]) }
        for i in completed.indices { output.append(completed[i]) }
      }
    }
    try resampler.finish { rest in for i in rest.indices { output.append(rest[i]) } }
    return (output, mono)
  }

  private static func resampler(
    _ pair: RatePair, _ cleaning: CleaningConfiguration, sliceCount: Int = 960
  ) throws -> MonoResampler<Resampler> {
    try MonoResampler(
      Resampler(from: pair.inputRate, to: pair.outputRate), channelCount: 1, sliceCount: sliceCount,
      cleaning: cleaning)
  }

  /// Each part over the whole recording, its own delay taken off.
  private static func expected(
    _ input: [Float], _ pair: RatePair, _ cleaning: CleaningConfiguration
  ) throws -> [Float] {
    var samples = input
    if cleaning.repairsClipping {
      var repair = ClippingRepair(try pair.inputRate)
      samples = aligned(samples, by: &repair)
    }
    if cleaning.removesOffset {
      var filter = try DCFilter(pair.inputRate, cornerFrequency: 1)
      samples = aligned(samples, by: &filter)
    }
    samples = try pair.resampled(samples)
    var rest = cleaning
    (rest.repairsClipping, rest.removesOffset) = (false, false)
    var cleaner = Cleaner(try pair.outputRate, configuration: rest)
    return aligned(samples, by: &cleaner)
  }

  @Test("Cleaned is what the parts give by themselves, however the stream is cut", arguments: pairs)
  func parts(pair: RatePair) throws {
    var random = SeededGenerator(seed: UInt64(pair.from + 3 * pair.to))
    let input = FilterPart.spoilt(pair.from, seconds: 0.35, seed: 31)
    for cleaning in SomeCleaning.allCases {
      let configuration = cleaning.configuration
      let expected = try Self.expected(input, pair, configuration)
      #expect(expected.count == pair.outputCount(forInputCount: input.count))
      var whole = try Self.resampler(pair, configuration, sliceCount: 4_096)
      let (output, mono) = try Self.run(input, &whole)
      #expect(firstBitDifference(output, expected) == nil, "\(cleaning)")
      // The signal for the detector is not cleaned.
      #expect(firstBitDifference(mono, input) == nil)
      // Slices shorter than any delay, too.
      for sliceCount in [960, 37] {
        var cut = try Self.resampler(pair, configuration, sliceCount: sliceCount)
        let first = try Self.run(input, &cut, cuts: random.cuts(of: input.count))
        #expect(firstBitDifference(first.output, expected) == nil, "\(cleaning), slices of \(sliceCount)")
        cut.reset()
        let second = try Self.run(input, &cut, cuts: random.cuts(of: input.count))
        #expect(firstBitDifference(second.output, expected) == nil, "\(cleaning), after a reset")
      }
    }
  }

  @Test("Lengths are exact, of streams shorter than any delay, too", arguments: pairs)
  func lengths(pair: RatePair) throws {
    var random = SeededGenerator(seed: 5)
    for cleaning in SomeCleaning.allCases {
      var resampler = try Self.resampler(pair, cleaning.configuration)
      for count in [0, 1, 2, 79, 500, Int.random(in: 1_000...2_000, using: &random)] {
        let (output, _) = try Self.run(random.samples(count), &resampler)
        #expect(output.count == pair.outputCount(forInputCount: count), "\(cleaning), \(count) samples")
        resampler.reset()
      }
    }
  }

  @Test("Without cleaning, all is as if there were none")
  func off() throws {
    let input = FilterPart.spoilt(16_000, seconds: 0.5, seed: 2)
    let pair = RatePair(from: 16_000, to: 24_000)
    var plain = try MonoResampler(Resampler(from: .hz16000, to: .hz24000), channelCount: 1)
    var off = try Self.resampler(pair, .off)
    #expect(off.latencyInSamples == plain.latencyInSamples && off.cleaningLatencyInSamples == 0)
    let expected = try Self.run(input, &plain).output
    #expect(firstBitDifference(try Self.run(input, &off).output, expected) == nil)
    #expect(firstBitDifference(try pair.resampled(input), expected) == nil)
  }

  @Test(
    "Speech stands where it stood", arguments: [RatePair(from: 48_000, to: 24_000), RatePair(from: 8_000, to: 16_000)])
  func alignment(pair: RatePair) throws {
    let input = MeasurementTests.voice(pair.from, seconds: 2, seed: 9)
    var plain = try Self.resampler(pair, .off)
    let original = try Self.run(input, &plain).output
    // Those whose phase is linear, or that have none.
    for cleaning in [.clippingRepair, .offset, .noise, .gainControl, .gain, .limiter, .full] as [SomeCleaning] {
      var resampler = try Self.resampler(pair, cleaning.configuration)
      let cleaned = try Self.run(input, &resampler).output
      func correlation(_ lag: Int) -> Double {
        (1_000..<original.count - 1_000).reduce(0) { $0 + Double(original[$1]) * Double(cleaned[$1 + lag]) }
      }
      let best = (-60...60).max { correlation($0) < correlation($1) }
      #expect(best == 0, "\(cleaning)")
    }
  }

  @Test("Output is there when the latency says so, and not much sooner", arguments: pairs)
  func latency(pair: RatePair) throws {
    var random = SeededGenerator(seed: 77)
    let input = random.samples(pair.from / 4)
    let plain = try Self.resampler(pair, .off)
    for cleaning in SomeCleaning.allCases {
      let configuration = cleaning.configuration
      var resampler = try Self.resampler(pair, configuration)
      let repair = configuration.repairsClipping ? ClippingRepair(try pair.inputRate).latencyInSamples : 0
      let cleaner = Cleaner(try pair.outputRate, configuration: configuration).latencyInSamples
      let exact = Double(repair) + Double(cleaner) * Double(pair.from) / Double(pair.to)
      #expect(resampler.cleaningLatencyInSamples == Int(exact.rounded(.up)))
      #expect(resampler.latencyInSamples == plain.latencyInSamples + resampler.cleaningLatencyInSamples)
      var (taken, given) = (0, 0)
      while taken < input.count {
        let count = min(Int.random(in: 1...300, using: &random), input.count - taken)
        try resampler.process(input.span.extracting(taken..<taken + count)) { given += $1.count }
        taken += count
        let due = pair.outputCount(forInputCount: max(0, taken - resampler.latencyInSamples))
        #expect(given >= due, "\(cleaning), after \(taken) samples")
        let earliest = pair.outputCount(forInputCount: taken)
        #expect(given <= max(0, earliest - Int(exact * Double(pair.to) / Double(pair.from)) + 1))
      }
      resampler.reset()
    }
  }

  // MARK: Chunks

  private struct Sink: ChunkSink {
    var chunks: [(offset: Int, samples: [Int16])] = []
    var events: [SegmentEvent] = []
    var eventOffsets: [Int] = []

    mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Never) {
      chunks.append((offset, chunk.indices.map { chunk[$0] }))
    }

    mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Never) {
      events.append(event)
      eventOffsets.append(outputOffset)
    }
  }

  private static func chunked<Detector: VoiceActivityDetector & ~Copyable>(
    _ input: [Float], _ chunker: inout SpeechChunker<Resampler, Detector>, cuts: [Range<Int>]? = nil
  ) throws -> Sink {
    var sink = Sink()
    for cut in cuts ?? [0..<input.count] { try chunker.process(input.span.extracting(cut), into: &sink) }
    try chunker.finish(into: &sink)
    return sink
  }

  @Test(
    "Turns are found as without cleaning, and hold the cleaned sound", arguments: SomeCleaning.allCases,
    [RatePair(from: 16_000, to: 24_000), RatePair(from: 44_100, to: 16_000), RatePair(from: 8_000, to: 8_000)])
  func turns(cleaning: SomeCleaning, pair: RatePair) throws {
    var random = SeededGenerator(seed: UInt64(pair.from))
    let input = FilterPart.spoilt(pair.from, seconds: 1.6, seed: 41)
    // Two turns, of which the second is open at the end, and a misfire.
    let scores = (0..<160).map { frame -> Float in
      (20..<50).contains(frame) || (75..<77).contains(frame) || frame >= 110 ? 0.9 : 0.1
    }
    let segmentation = try SegmenterConfiguration(
      minimumSpeech: .milliseconds(60), hangover: .milliseconds(120), prefixPadding: .milliseconds(50))
    func chunker(_ configuration: CleaningConfiguration) throws -> SpeechChunker<Resampler, ScriptedDetector> {
      try SpeechChunker(
        engine: Resampler(from: pair.inputRate, to: pair.outputRate),
        detector: ScriptedDetector(scores, pair.inputRate, lookAhead: pair.from / 50), channelCount: 1,
        chunkDuration: .milliseconds(20), segmentation: segmentation, cleaning: configuration)
    }
    var plain = try chunker(.off)
    let expected = try Self.chunked(input, &plain)
    var cleaned = try chunker(cleaning.configuration)
    let found = try Self.chunked(input, &cleaned, cuts: random.cuts(of: input.count))
    #expect(expected.events.count >= 4)
    #expect(found.events == expected.events && found.eventOffsets == expected.eventOffsets)
    #expect(found.chunks.map(\.offset) == expected.chunks.map(\.offset))
    #expect(cleaned.outputCount == plain.outputCount && cleaned.keptCount == plain.keptCount)
    #expect(cleaned.latencyInSamples == plain.latencyInSamples + cleaned.cleaningLatencyInSamples)
    let whole = try Self.expected(input, pair, cleaning.configuration)
    var pcm = [Int16](repeating: 0, count: whole.count)
    var span = pcm.mutableSpan
    PCM16.convert(whole.span, into: &span)
    for chunk in found.chunks {
      #expect(chunk.samples == Array(pcm[chunk.offset..<chunk.offset + chunk.samples.count]))
    }
    cleaned.reset()
    let again = try Self.chunked(input, &cleaned)
    #expect(again.chunks.map(\.samples) == found.chunks.map(\.samples) && again.events == found.events)
  }

  private struct Tally: ChunkSink {
    var sampleCount = 0
    mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Never) { sampleCount += chunk.count }
  }

  @Test(
    "Nothing allocates",
    .enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"),
    arguments: SomeCleaning.allCases, [true, false])
  func allocations(cleaning: SomeCleaning, isDetecting: Bool) throws {
    let input = FilterPart.spoilt(48_000, seconds: 1, seed: 51)
    let lengths = [1, 0, 960, 7, 9_600, 30_000]
    func chunker() throws -> SpeechChunker<Resampler, SpeechDetector> {
      try SpeechChunker(
        from: .hz48000, channelCount: 1, chunkDuration: .milliseconds(20), segmentation: isDetecting ? .turns : nil,
        cleaning: cleaning.configuration)
    }
    func feed(_ chunker: inout SpeechChunker<Resampler, SpeechDetector>, _ sink: inout Tally) {
      var taken = 0
      for i in 0..<lengths.count {
        try? chunker.process(input.span.extracting(taken..<taken + lengths[i]), into: &sink)
        taken += lengths[i]
      }
      try? chunker.finish(into: &sink)
      chunker.reset()
    }
    var sink = Tally()
    var other = try chunker()
    feed(&other, &sink)
    sink = Tally()
    var measured = try chunker()
    #expect(AllocationCounter.countOnce { feed(&measured, &sink) } == 0)
    #expect(AllocationCounter.countOnce { feed(&measured, &sink) } == 0)
    #expect(isDetecting || sink.sampleCount == 2 * 20_284)
  }
}
