import AudioDSP
import AudioTestSupport
import Testing

/// Equal rates, and a delay as long as wanted, in bursts as large as wanted.
private struct DelayingEngine: ResamplingEngine {
  let inputRate: SampleRate
  var outputRate: SampleRate { inputRate }
  let latencyInSamples: Int
  private let delay: Int
  private let burst: Int
  private let failsAt: Int
  private var samples: [Float] = []
  private var outputCount = 0

  init(_ rate: SampleRate, delay: Int, statesDelay: Bool = true, burst: Int = 1, failsAt: Int = .max) {
    inputRate = rate
    latencyInSamples = statesDelay ? delay : 0
    self.delay = delay
    self.burst = burst
    self.failsAt = failsAt
  }

  func outputCapacity(forInputCount inputCount: Int) -> Int {
    max(0, samples.count + inputCount - delay) / burst * burst - outputCount
  }

  var remainingOutputCount: Int { samples.count - outputCount }

  mutating func process(_ input: Span<Float>, into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int {
    let count = outputCapacity(forInputCount: input.count)
    for i in input.indices { samples.append(input[i]) }
    if samples.count > failsAt { throw .engineFailed("on purpose") }
    write(count, into: &output)
    return count
  }

  mutating func finish(into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int {
    if failsAt == 0 { throw .engineFailed("at the end") }
    let count = remainingOutputCount
    write(count, into: &output)
    return count
  }

  mutating func reset() {
    samples = []
    outputCount = 0
  }

  private mutating func write(_ count: Int, into output: inout MutableSpan<Float>) {
    for i in 0..<count { output[i] = samples[outputCount + i] }
    outputCount += count
  }
}

/// Writes down all that it is given, and fails when told to.
private struct TraceSink: ChunkSink {
  struct Failure: Error, Equatable {
    var call: Int
  }

  enum Entry: Equatable {
    case chunk([Int16], offset: Int)
    case event(SegmentEvent, offset: Int)
  }

  var entries: [Entry] = []
  var failingCall = Int.max

  mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Failure) {
    try check()
    entries.append(.chunk(chunk.indices.map { chunk[$0] }, offset: offset))
  }

  mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Failure) {
    try check()
    entries.append(.event(event, offset: outputOffset))
  }

  private func check() throws(Failure) {
    if entries.count == failingCall { throw Failure(call: failingCall) }
  }
}

/// Counts and keeps nothing.
private struct TallySink: ChunkSink {
  var chunkCount = 0
  var eventCount = 0
  var sampleCount = 0

  mutating func receive(_ chunk: Span<Int16>, at offset: Int) throws(Never) {
    chunkCount += 1
    sampleCount += chunk.count
  }

  mutating func receive(_ event: SegmentEvent, at outputOffset: Int) throws(Never) { eventCount += 1 }
}

@Suite struct SpeechChunkerTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var from: Int
    var to: Int
    var channels = 1

    var testDescription: String { "\(from) Hz to \(to) Hz, \(channels) channels" }

    func outputCount(_ inputCount: Int) -> Int {
      let (quotient, remainder) = (inputCount * to).quotientAndRemainder(dividingBy: from)
      return quotient + (remainder == 0 ? 0 : 1)
    }
  }

  static let cases = [
    Case(from: 8_000, to: 24_000), Case(from: 8_000, to: 8_000, channels: 2), Case(from: 8_000, to: 48_000),
    Case(from: 16_000, to: 24_000, channels: 6), Case(from: 16_000, to: 16_000), Case(from: 11_025, to: 24_000),
    Case(from: 44_100, to: 24_000), Case(from: 44_100, to: 16_000, channels: 2),
    Case(from: 48_000, to: 24_000, channels: 2),
    Case(from: 48_000, to: 8_000), Case(from: 24_000, to: 24_000), Case(from: 44_101, to: 24_000),
  ]

  /// The whole stream through each stage at once.
  private static func output(
    _ interleaved: [Float], _ test: Case, downmix: Downmix = .mean, ditherSeed: UInt64? = nil
  ) throws -> [Int16] {
    var mono = [Float](repeating: 0, count: interleaved.count / test.channels)
    var monoSpan = mono.mutableSpan
    _ = try downmix.process(interleaved.span, channelCount: test.channels, into: &monoSpan)
    var resampler = Resampler(from: try SampleRate(test.from), to: try SampleRate(test.to))
    var resampled = [Float](repeating: 0, count: test.outputCount(mono.count))
    var span = resampled.mutableSpan
    let count = try resampler.process(mono.span, into: &span)
    var rest = span._mutatingExtracting(count...)
    #expect(try count + resampler.finish(into: &rest) == resampled.count)
    var pcm = [Int16](repeating: 0, count: resampled.count)
    var target = pcm.mutableSpan
    if let ditherSeed {
      var converter = DitheredPCM16Converter(seed: ditherSeed)
      converter.convert(resampled.span, into: &target)
    } else {
      PCM16.convert(resampled.span, into: &target)
    }
    return pcm
  }

  private static func feed<Engine, Detector>(
    _ interleaved: [Float], channels: Int, to chunker: inout SpeechChunker<Engine, Detector>, cuts: [Range<Int>]? = nil
  ) throws -> [TraceSink.Entry]
  where Engine: ResamplingEngine & ~Copyable, Detector: VoiceActivityDetector & ~Copyable {
    var sink = TraceSink()
    for cut in cuts ?? [0..<interleaved.count / channels] {
      let block = interleaved.span.extracting(cut.lowerBound * channels..<cut.upperBound * channels)
      try chunker.process(block, into: &sink)
    }
    try chunker.finish(into: &sink)
    return sink.entries
  }

  private static func slices(
    _ samples: [Int16], _ range: Range<Int>, by length: Int, padded: Bool = false
  ) -> [TraceSink.Entry] {
    stride(from: range.lowerBound, to: range.upperBound, by: length).map { start in
      var slice = Array(samples[start..<min(start + length, range.upperBound)])
      if padded { slice += [Int16](repeating: 0, count: length - slice.count) }
      return .chunk(slice, offset: start)
    }
  }

  /// What a sink must get: hindsight's segments, mapped to the output, in slices.
  private static func expectedEntries(
    _ output: [Int16], _ test: Case, inputCount: Int, scores: [Float], configuration: SegmenterConfiguration,
    lookAhead: Int = 0, chunkLength: Int, padded: Bool = false
  ) throws -> (entries: [TraceSink.Entry], keptCount: Int) {
    let grid = FrameGrid(try SampleRate(test.from))
    var frameCount = 0
    while grid.start(ofFrame: frameCount) < inputCount { frameCount += 1 }
    var all = scores
    while all.count < frameCount { all.append(0) }
    let live = (0..<frameCount).prefix { grid.start(ofFrame: $0 + 1) + lookAhead <= inputCount }.count
    var reference = ReferenceSegments(configuration, hertz: test.from, lookAhead: lookAhead)
    reference.maximum = nil
    let decisions = reference.decisions(
      Array(all[..<frameCount]), energies: [Float](repeating: 0, count: frameCount), liveCount: live,
      sampleCount: inputCount)
    var entries: [TraceSink.Entry] = []
    var (start, kept) = (0, 0)
    for decision in decisions {
      switch decision.event {
      case .started(_, let padded, _):
        start = test.outputCount(padded)
        entries.append(.event(decision.event, offset: start))
      case .ended(_, let claimed, _):
        let range = start..<test.outputCount(claimed)
        kept += range.count
        entries += slices(output, range, by: chunkLength, padded: padded)
        entries.append(.event(decision.event, offset: range.upperBound))
      case .misfire(_, let end, _):
        entries.append(.event(decision.event, offset: test.outputCount(end)))
      case .cut: Issue.record("cut")
      }
    }
    return (entries, kept)
  }

  // MARK: Without a detector

  @Test("Without a detector, the chunks are the converted stream, bit for bit", arguments: cases)
  func withoutDetector(test: Case) throws {
    for seed in 1...3 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed)
      let inputCount = Int.random(in: 0...test.from / 3, using: &random)
      let input = random.samples(inputCount * test.channels, in: -1.1...1.1)
      let output = try Self.output(input, test)
      var chunker = try SpeechChunker(
        from: SampleRate(test.from), to: SampleRate(test.to), channelCount: test.channels,
        chunkDuration: .milliseconds(20))
      let cuts = seed == 1 ? nil : random.cuts(of: inputCount)
      let entries = try Self.feed(input, channels: test.channels, to: &chunker, cuts: cuts)
      #expect(entries == Self.slices(output, output.indices, by: test.to / 50), "seed \(seed)")
      #expect(chunker.inputCount == inputCount)
      #expect(chunker.outputCount == output.count)
      #expect(chunker.keptCount == output.count)
      #expect(chunker.nonFiniteCount == 0)
    }
  }

  @Test("A chosen channel, dither, padding, other chunk lengths")
  func options() throws {
    var random = SeededGenerator(seed: 20)
    let test = Case(from: 48_000, to: 24_000, channels: 2)
    let input = random.samples(2 * 20_001)
    let output = try Self.output(input, test, downmix: .channel(1), ditherSeed: 77)
    var chunker = try SpeechChunker(
      from: .hz48000, channelCount: 2, downmix: .channel(1), chunkDuration: .milliseconds(30), padsLastChunk: true,
      ditherSeed: 77)
    #expect(chunker.outputRate == .hz24000)
    #expect(chunker.inputRate == .hz48000)
    #expect(chunker.latencyInSamples == Resampler(from: .hz48000, to: .hz24000).latencyInSamples)
    let entries = try Self.feed(input, channels: 2, to: &chunker, cuts: random.cuts(of: 20_001))
    #expect(entries == Self.slices(output, output.indices, by: 720, padded: true))
    // Padding is no audio.
    #expect(chunker.keptCount == output.count)
    #expect(output != (try Self.output(input, test, downmix: .channel(1))))
  }

  @Test("No input, no chunk")
  func noInput() throws {
    for segmentation in [nil, SegmenterConfiguration.turns] {
      var chunker = try SpeechChunker(
        from: .hz48000, channelCount: 2, chunkDuration: .milliseconds(20), segmentation: segmentation,
        padsLastChunk: true)
      #expect(try Self.feed([], channels: 2, to: &chunker) == [])
      #expect(chunker.outputCount == 0)
    }
  }

  @Test("What is not finite is 0 and counted")
  func nonFinite() throws {
    var random = SeededGenerator(seed: 21)
    let test = Case(from: 16_000, to: 24_000, channels: 2)
    var input = random.samples(2 * 5_000)
    var clean = input
    for place in [0, 1, 77, 640, 9_999] {
      input[place] = place % 2 == 0 ? .nan : .infinity
      clean[place] = 0
    }
    var chunker = try SpeechChunker(from: .hz16000, channelCount: 2, chunkDuration: .milliseconds(20))
    let entries = try Self.feed(input, channels: 2, to: &chunker, cuts: random.cuts(of: 5_000))
    let output = try Self.output(clean, test)
    #expect(entries == Self.slices(output, output.indices, by: 480))
    #expect(chunker.nonFiniteCount == 5)
  }

  // MARK: With a detector

  @Test("Kept is what the segments claim, in chunks that start with each; all else is dropped", arguments: cases)
  func scripted(test: Case) throws {
    for seed in 1...12 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(test.from + test.to))
      let rate = try SampleRate(test.from)
      let configuration = try SegmenterTests.randomConfiguration(&random)
      let inputCount = Int.random(in: test.from / 10...test.from * 2 / 5, using: &random)
      let scores = SegmenterTests.randomScores(Int.random(in: 20...60, using: &random), &random)
      let lookAhead = [0, 0, test.from / 50, test.from / 9].randomElement(using: &random)!
      let input = random.samples(inputCount * test.channels, in: -0.9...0.9)
      let padded = seed == 4
      let ditherSeed = seed == 5 ? 9 as UInt64 : nil
      let output = try Self.output(input, test, ditherSeed: ditherSeed)
      let expected = try Self.expectedEntries(
        output, test, inputCount: inputCount, scores: scores, configuration: configuration, lookAhead: lookAhead,
        chunkLength: test.to / 50, padded: padded)

      for cuts in [nil, random.cuts(of: inputCount), random.cuts(of: inputCount)] {
        var chunker = try SpeechChunker(
          engine: Resampler(from: rate, to: SampleRate(test.to)),
          detector: ScriptedDetector(scores, rate, lookAhead: lookAhead), channelCount: test.channels,
          chunkDuration: .milliseconds(20), segmentation: configuration, padsLastChunk: padded, ditherSeed: ditherSeed)
        let entries = try Self.feed(input, channels: test.channels, to: &chunker, cuts: cuts)
        let difference = firstDifference(entries, expected.entries)
        try #require(
          difference == nil,
          "seed \(seed), entry \(difference!) of \(entries.count), expected \(expected.entries.count)")
        #expect(chunker.outputCount == output.count)
        #expect(chunker.keptCount == expected.keptCount)
      }
    }
  }

  @Test("The longest prefix padding, a long attack, a long look-ahead")
  func longPadding() throws {
    var random = SeededGenerator(seed: 22)
    let test = Case(from: 8_000, to: 8_000)
    let configuration = try SegmenterConfiguration(
      minimumSpeech: .seconds(3), hangover: .seconds(2), prefixPadding: .seconds(10))
    var scores = [Float](repeating: 0, count: 1_200)
    for frame in 1_200..<1_600 { scores.append(frame == 1_250 ? 0 : 1) }
    let input = random.samples(8_000 * 21)
    let output = try Self.output(input, test)
    let expected = try Self.expectedEntries(
      output, test, inputCount: input.count, scores: scores, configuration: configuration, lookAhead: 8_000,
      chunkLength: 800)
    // A misfire, and then ten seconds from 12.51 s on.
    #expect(expected.keptCount == 8_000 * 10 + 80 * 349 + 8_000 * 2)
    for cuts in [nil, random.cuts(of: input.count)] {
      var chunker = try SpeechChunker(
        engine: Resampler(from: .hz8000, to: .hz8000), detector: ScriptedDetector(scores, .hz8000, lookAhead: 8_000),
        channelCount: 1, chunkDuration: .milliseconds(100), segmentation: configuration)
      #expect(try Self.feed(input, channels: 1, to: &chunker, cuts: cuts) == expected.entries)
    }
  }

  @Test(
    "An engine that lags far behind, gives its output in bursts, or does not say so", arguments: [0, 1, 799, 5_000],
    [(burst: 1, statesDelay: true), (burst: 1_024, statesDelay: true), (burst: 1_024, statesDelay: false)])
  func laggingEngine(delay: Int, engine: (burst: Int, statesDelay: Bool)) throws {
    // Decisions wait in numbers, misfires between them.
    let test = Case(from: 8_000, to: 8_000)
    for seed in 30...35 as ClosedRange<UInt64> {
      var random = SeededGenerator(seed: seed)
      let configuration = try SegmenterConfiguration(
        minimumSpeech: .milliseconds(20), hangover: .milliseconds(30), prefixPadding: .milliseconds(120))
      let scores = (0..<100).map { _ in Bool.random(using: &random) ? 1 : 0 } as [Float]
      let input = random.samples(8_000)
      let output = try Self.output(input, test)
      let expected = try Self.expectedEntries(
        output, test, inputCount: input.count, scores: scores, configuration: configuration, chunkLength: 160)
      for cuts in [nil, random.cuts(of: input.count)] {
        var chunker = try SpeechChunker(
          engine: DelayingEngine(.hz8000, delay: delay, statesDelay: engine.statesDelay, burst: engine.burst),
          detector: ScriptedDetector(scores, .hz8000), channelCount: 1, chunkDuration: .milliseconds(20),
          segmentation: configuration)
        #expect(try Self.feed(input, channels: 1, to: &chunker, cuts: cuts) == expected.entries, "seed \(seed)")
      }
    }
  }

  @Test("A longest segment cuts nothing, since what was sent is gone")
  func noCuts() throws {
    var random = SeededGenerator(seed: 23)
    let configuration = try SegmenterConfiguration(maximumSegment: .milliseconds(200))
    let input = random.samples(8_000)
    var chunker = try SpeechChunker(
      engine: Resampler(from: .hz8000, to: .hz24000),
      detector: ScriptedDetector([Float](repeating: 1, count: 100), .hz8000), channelCount: 1,
      chunkDuration: .milliseconds(20), segmentation: configuration)
    let entries = try Self.feed(input, channels: 1, to: &chunker)
    #expect(entries.count == 52)
    #expect(entries.first == .event(.started(at: 0, paddedStart: 0, decidedAt: 480), offset: 0))
    #expect(entries.last == .event(.ended(at: 8_000, claimedEnd: 8_000, decidedAt: 8_000), offset: 24_000))
  }

  @Test("A segment's first chunk comes with its confirmation, not with its end")
  func latency() throws {
    var random = SeededGenerator(seed: 24)
    let input = random.samples(16_000)
    let scores = [Float](repeating: 0, count: 50) + [Float](repeating: 1, count: 50)
    var chunker = try SpeechChunker(
      engine: Resampler(from: .hz16000, to: .hz16000), detector: ScriptedDetector(scores, .hz16000), channelCount: 1,
      chunkDuration: .milliseconds(20), segmentation: .turns)
    var sink = TraceSink()
    var firstChunkAt: Int?
    for start in stride(from: 0, to: 16_000, by: 160) {
      try chunker.process(input.span.extracting(start..<start + 160), into: &sink)
      if firstChunkAt == nil, !sink.entries.isEmpty { firstChunkAt = start + 160 }
    }
    // Speech from 0.5 s, confirmed after 60 ms; all the padding and the attack come at once.
    #expect(firstChunkAt == 8_960)
    #expect(chunker.keptCount == 16_000 - 3_200)
  }

  @Test("Reset starts a new stream, whatever came before", arguments: [0, 1, 2, 3])
  func reset(before: Int) throws {
    var random = SeededGenerator(seed: 29)
    let test = Case(from: 16_000, to: 24_000, channels: 2)
    let scores = [0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1] as [Float]
    let configuration = try SegmenterConfiguration(
      minimumSpeech: .milliseconds(30), hangover: .milliseconds(30), prefixPadding: .milliseconds(30))
    let input = random.samples(2 * 20 * 160)
    let output = try Self.output(input, test, ditherSeed: 5)
    let expected = try Self.expectedEntries(
      output, test, inputCount: input.count / 2, scores: scores, configuration: configuration, chunkLength: 480)
    for isDetecting in [true, false] {
      var chunker = try SpeechChunker(
        engine: Resampler(from: .hz16000, to: .hz24000),
        detector: isDetecting ? ScriptedDetector(scores, .hz16000) : nil, channelCount: 2,
        chunkDuration: .milliseconds(20), segmentation: configuration, ditherSeed: 5)
      var sink = TraceSink(failingCall: before == 3 ? 4 : .max)
      do {
        // A part of the stream, inside of a segment; all of it; up to a failure.
        let count = before == 1 ? 2 * 8 * 160 + 2 : input.count
        if before > 0 { try chunker.process(input.span.extracting(..<count), into: &sink) }
        if before == 2 { try chunker.finish(into: &sink) }
        #expect(before < 3)
      } catch {
        #expect(before == 3)
      }
      chunker.reset()
      #expect(chunker.inputCount == 0 && chunker.outputCount == 0 && chunker.keptCount == 0)
      let entries = try Self.feed(input, channels: 2, to: &chunker, cuts: random.cuts(of: input.count / 2))
      #expect(entries == (isDetecting ? expected.entries : Self.slices(output, output.indices, by: 480)))
    }
  }

  // MARK: This package's detectors on the way

  @Test("With a detector, the cuts of the input change nothing", arguments: cases, SpeechDetector.Kind.allCases)
  func detectors(test: Case, kind: SpeechDetector.Kind) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("SpeechChunkerTests.detectors, \(test), \(kind): seed \(seed)")
    var random = SeededGenerator(seed: seed)
    // An utterance, what lies around it, and a little noise that differs from channel to channel.
    let recording = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    let mono = try RatePair(from: 16_000, to: test.from).resampled(Array(recording.prefix(32_000)))
    var input: [Float] = []
    for sample in mono {
      for _ in 0..<test.channels { input.append(sample + Float.random(in: -1e-4...1e-4, using: &random)) }
    }
    func entries(_ cuts: [Range<Int>]?) throws -> [TraceSink.Entry] {
      var chunker = try SpeechChunker(
        from: SampleRate(test.from), to: SampleRate(test.to), channelCount: test.channels,
        chunkDuration: .milliseconds(40), detector: kind, segmentation: .speech)
      return try Self.feed(input, channels: test.channels, to: &chunker, cuts: cuts)
    }
    let expected = try entries(nil)
    let starts = expected.count { if case .event(.started, _) = $0 { true } else { false } }
    #expect(starts >= 1)
    for _ in 0..<2 { #expect(firstDifference(try entries(random.cuts(of: mono.count)), expected) == nil) }
  }

  // MARK: Errors

  @Test("A sink's error comes out", arguments: 0..<14)
  func failingSink(call: Int) throws {
    var random = SeededGenerator(seed: 26)
    let scores = [0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1] as [Float]
    let configuration = try SegmenterConfiguration(
      minimumSpeech: .milliseconds(30), hangover: .milliseconds(30), prefixPadding: .milliseconds(30))
    let input = random.samples(20 * 80)
    func run(_ sink: inout TraceSink) -> PreparationError<TraceSink.Failure>? {
      do {
        var chunker = try SpeechChunker(
          engine: Resampler(from: .hz8000, to: .hz8000), detector: ScriptedDetector(scores, .hz8000), channelCount: 1,
          chunkDuration: .milliseconds(20), segmentation: configuration)
        do throws(PreparationError<TraceSink.Failure>) {
          try chunker.process(input.span, into: &sink)
          try chunker.finish(into: &sink)
          return nil
        } catch {
          return error
        }
      } catch {
        Issue.record(error)
        return nil
      }
    }
    var complete = TraceSink()
    #expect(run(&complete) == nil)
    #expect(complete.entries.count == 14)
    var failing = TraceSink(failingCall: call)
    guard case .output(let failure) = run(&failing) else {
      Issue.record("no failure")
      return
    }
    #expect(failure == TraceSink.Failure(call: call))
    #expect(failing.entries == Array(complete.entries[..<call]))
  }

  @Test("A partial sample frame is refused and changes nothing")
  func partialSampleFrame() throws {
    var random = SeededGenerator(seed: 27)
    let input = random.samples(2 * 4_000)
    var chunker = try SpeechChunker(from: .hz16000, channelCount: 2, chunkDuration: .milliseconds(20))
    var sink = TraceSink()
    do {
      try chunker.process(input.span.extracting(0..<3), into: &sink)
      Issue.record("taken")
    } catch {
      guard case .input(let reason) = error else {
        Issue.record(error)
        return
      }
      #expect(reason == .partialSampleFrame(sampleCount: 3, channelCount: 2))
      #expect(error.description == reason.description)
    }
    #expect(chunker.inputCount == 0)
    let output = try Self.output(input, Case(from: 16_000, to: 24_000, channels: 2))
    #expect(try Self.feed(input, channels: 2, to: &chunker) == Self.slices(output, output.indices, by: 480))
  }

  @Test("An engine's error comes out", arguments: [1_000, 0])
  func failingEngine(failsAt: Int) throws {
    let input = [Float](repeating: 0, count: failsAt == 0 ? 0 : 2_000)
    var chunker = try SpeechChunker(
      engine: DelayingEngine(.hz8000, delay: 10, failsAt: failsAt), detector: EnergyDetector?.none, channelCount: 1,
      chunkDuration: .milliseconds(20))
    var sink = TraceSink()
    do {
      try chunker.process(input.span, into: &sink)
      try chunker.finish(into: &sink)
      Issue.record("no error")
    } catch {
      guard case .engine(let reason) = error else {
        Issue.record(error)
        return
      }
      #expect(reason == .engineFailed(failsAt == 0 ? "at the end" : "on purpose"))
    }
    // What came before is out.
    #expect(sink.entries.isEmpty == (failsAt == 0))
  }

  @Test("Input behind the end is refused")
  func afterFinish() throws {
    var chunker = try SpeechChunker(from: .hz16000, channelCount: 1, chunkDuration: .milliseconds(20))
    var sink = TraceSink()
    try chunker.finish(into: &sink)
    #expect(throws: PreparationError<TraceSink.Failure>.self) {
      try chunker.process([Float(0)].span, into: &sink)
    }
    #expect(throws: PreparationError<TraceSink.Failure>.self) { try chunker.finish(into: &sink) }
    #expect(sink.entries == [])
  }

  @Test("Illegal configurations")
  func illegal() throws {
    let duration = #expect(throws: SpeechChunkerError.self) {
      _ = try SpeechChunker(from: .hz48000, channelCount: 1, chunkDuration: .milliseconds(9)).inputCount
    }
    #expect(duration?.description.hasPrefix("a chunk of 0.009 seconds") == true)
    #expect(throws: SpeechChunkerError.downmix(.noChannels)) {
      _ = try SpeechChunker(from: .hz48000, channelCount: 0, chunkDuration: .milliseconds(20)).inputCount
    }
    #expect(throws: SpeechChunkerError.downmix(.noSuchChannel(2, channelCount: 2))) {
      _ = try SpeechChunker(
        from: .hz48000, channelCount: 2, downmix: .channel(2), chunkDuration: .milliseconds(20)
      ).inputCount
    }
    let error = #expect(throws: SpeechChunkerError.detectorRate(.hz24000, expected: .hz48000)) {
      _ = try SpeechChunker(
        engine: Resampler(from: .hz48000, to: .hz24000), detector: EnergyDetector(.hz24000), channelCount: 1,
        chunkDuration: .milliseconds(20)
      ).inputCount
    }
    #expect(error?.description == "a detector for 24000 Hz cannot follow a stream at 48000 Hz")
  }

  // MARK: Allocations

  @Test(
    "Nothing allocates after the first call",
    arguments: [
      Case(from: 8_000, to: 24_000), Case(from: 16_000, to: 24_000, channels: 6), Case(from: 44_100, to: 24_000),
      Case(from: 48_000, to: 24_000, channels: 2), Case(from: 24_000, to: 24_000), Case(from: 44_101, to: 24_000),
    ], [SegmenterConfiguration?.none, .speech, .turns])
  func allocations(test: Case, segmentation: SegmenterConfiguration?) throws {
    try #require(AllocationCounter.isAvailable)
    for detector in SpeechDetector.Kind.allCases {
      try expectNoAllocations(test: test, detector: detector, segmentation: segmentation)
    }
  }

  private func expectNoAllocations(
    test: Case, detector: SpeechDetector.Kind, segmentation: SegmenterConfiguration?
  ) throws {
    // Three utterances of 5 s in all, and silence between them, so that the segmenter has something to do.
    let mono = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    let utterances = try RatePair(from: 16_000, to: test.from).resampled(mono)
    let loud = utterances.flatMap { [Float](repeating: $0, count: test.channels) }
    let quiet = [Float](repeating: 0, count: test.from * test.channels)
    var chunker = try SpeechChunker(
      from: SampleRate(test.from), to: SampleRate(test.to), channelCount: test.channels,
      chunkDuration: .milliseconds(40), detector: detector, segmentation: segmentation)
    var sink = TallySink()
    let lengths = [1, 0, 7, 160, 480, test.from / 10, test.from / 3]
    func run(_ samples: [Float]) throws {
      let count = samples.count / test.channels
      var (start, i) = (0, 0)
      while start < count {
        let end = min(start + lengths[i % lengths.count], count)
        try chunker.process(samples.span.extracting(start * test.channels..<end * test.channels), into: &sink)
        start = end
        i += 1
      }
    }
    let count = try AllocationCounter.count {
      for _ in 0..<2 {
        try run(quiet)
        try run(loud)
        try run(quiet)
      }
    }
    #expect(count == 0, "\(detector)")
    #expect(sink.chunkCount > 10)
    #expect(segmentation == nil || sink.eventCount >= 6, "\(detector)")
  }
}
