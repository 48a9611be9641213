/// The whole way from interleaved samples of any rate to chunks of 16-bit samples, with or without voice activity
/// detection.
///
/// Without a detector every sample is sent. With one, speech is sent with its prefix padding and its hangover, and the
/// rest is dropped; every segment starts a new chunk. However the input is cut into calls, the chunks are the same, bit
/// for bit. Nothing allocates after `init`.
///
/// ```swift
/// var chunker = try SpeechChunker(from: .hz48000, to: .hz24000, channelCount: 2, chunkDuration: .milliseconds(40))
/// try chunker.process(block.span, into: &sink)
/// try chunker.finish(into: &sink)
/// ```
public struct SpeechChunker<Engine, Detector>: ~Copyable
where Engine: ResamplingEngine & ~Copyable, Detector: VoiceActivityDetector & ~Copyable {
  private var resampler: MonoResampler<Engine>
  @usableFromInline var finder: SpeechFinder<Detector>
  @usableFromInline var gate: SpeechGate

  /// A chunker of a stream that goes through `engine`, and past `detector` if there is one.
  ///
  /// - Parameters:
  ///   - engine: An engine at the start of a stream.
  ///   - detector: A detector of mono audio at the engine's input rate, at the start of a stream.
  ///   - segmentation: How the detector's scores become segments. Its `maximumSegment` is not used, because what has
  ///     been sent cannot be cut afterwards.
  ///   - chunkDuration: 10 ms to 10 s.
  ///   - padsLastChunk: Whether silence makes the last chunk of a segment, or of the stream, as long as the others.
  ///   - ditherSeed: Adds TPDF dither where there is one.
  ///   - cleaning: What is done to the sound that is sent; the detector hears it as it was.
  ///   - sendsOnlySpeech: Whether the detector decides what is sent. Else everything is, and the sink is given the
  ///     detector's scores, but no decisions.
  /// - Throws: ``SpeechChunkerError``
  public init(
    engine: consuming Engine, detector: consuming Detector?, channelCount: Int, downmix: Downmix = .mean,
    chunkDuration: Duration, segmentation: SegmenterConfiguration = .turns, padsLastChunk: Bool = false,
    ditherSeed: UInt64? = nil, cleaning: CleaningConfiguration = .off, sendsOnlySpeech: Bool = true
  ) throws(SpeechChunkerError) {
    let (inputRate, outputRate) = (engine.inputRate, engine.outputRate)
    guard Chunker.durations.contains(chunkDuration) else {
      throw .chunkDuration(ChunkerError(duration: chunkDuration))
    }
    let chunkSampleCount = outputRate.sampleCount(in: chunkDuration)
    if let rate = detector?.grid.sampleRate, rate != inputRate {
      throw .detectorRate(rate, expected: inputRate)
    }
    // A slice of 20 ms bounds what the gate must hold.
    let sliceCount = FrameGrid(inputRate).longestFrame * 2
    do throws(DownmixError) {
      resampler = try MonoResampler(
        engine, channelCount: channelCount, downmix: downmix, sliceCount: sliceCount, cleaning: cleaning)
    } catch {
      throw .downmix(error)
    }
    let latency = resampler.latencyInSamples
    finder = SpeechFinder(
      detector, isGating: sendsOnlySpeech, segmentation: segmentation, sampleRate: inputRate, sliceCount: sliceCount)
    gate = SpeechGate(
      from: inputRate, to: outputRate, chunkSampleCount: chunkSampleCount,
      isDetecting: finder.isDetecting && sendsOnlySpeech,
      // What the finder has not settled, what the resampler and cleaning keep back, and a slice.
      heldInputCount: finder.unsettledCount + latency + sliceCount,
      boundaryCapacity: finder.decisionCapacity(forInputCount: latency + sliceCount), padsLastChunk: padsLastChunk,
      ditherSeed: ditherSeed)
  }

  /// The rate of what goes in.
  public var inputRate: SampleRate { resampler.inputRate }
  /// The rate of the chunks.
  public var outputRate: SampleRate { resampler.outputRate }
  /// How far the resampler, and what cleans, stay behind the input, in samples at the input rate. With a detector, output
  /// also waits for the end of its 10 ms frame and for the detector's look-ahead, whichever is longer, and a segment's
  /// start for what the segmenter needs to confirm it.
  public var latencyInSamples: Int { resampler.latencyInSamples }
  /// How much of ``latencyInSamples`` is due to cleaning, rounded up.
  public var cleaningLatencyInSamples: Int { resampler.cleaningLatencyInSamples }
  /// Samples that were not finite and were taken as 0.
  public var nonFiniteCount: Int { resampler.nonFiniteCount }
  /// How many sample frames have come.
  public var inputCount: Int { resampler.inputCount }
  /// How many samples have come out of the resampler: what was sent, what was dropped, and what is held.
  public var outputCount: Int { gate.end }
  /// How many samples went into chunks.
  public var keptCount: Int { gate.keptCount }

  /// Takes all of `interleaved` and hands the chunks that it completes to `sink`.
  ///
  /// - Throws: ``PreparationError`` for a partial sample frame, a failing engine, or what `sink` throws.
  @inlinable
  public mutating func process<Sink: ChunkSink & ~Copyable>(
    _ interleaved: Span<Float>, into sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    var taken = 0
    while taken < interleaved.count {
      do throws(PreparationError<Never>) {
        taken = try advance(interleaved, from: taken)
      } catch {
        throw PreparationError(error)
      }
      try release(into: &sink)
    }
  }

  /// Hands the last chunk, and the end of a segment that is open, to `sink`. No input may follow.
  ///
  /// - Throws: As ``process(_:into:)``.
  @inlinable
  public mutating func finish<Sink: ChunkSink & ~Copyable>(
    into sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    do throws(PreparationError<Never>) {
      try advanceToEnd()
    } catch {
      throw PreparationError(error)
    }
    try release(into: &sink)
  }

  /// Makes the chunker as it was after `init`.
  public mutating func reset() {
    resampler.reset()
    finder.reset()
    gate.reset()
  }

  // The work is done by functions that do not know the sink, compiled once for this package's own engine and detector;
  // what knows it is short and becomes part of the caller.

  /// Takes a slice of `interleaved` from the sample `start` on, and returns where the next one starts.
  @usableFromInline
  @specialized(where Engine == Resampler, Detector == SpeechDetector)
  mutating func advance(_ interleaved: Span<Float>, from start: Int) throws(PreparationError<Never>) -> Int {
    try Self.advance(&resampler, &finder, &gate, interleaved, from: start)
  }

  /// Takes the end of the stream.
  @usableFromInline
  @specialized(where Engine == Resampler, Detector == SpeechDetector)
  mutating func advanceToEnd() throws(PreparationError<Never>) {
    try Self.advanceToEnd(&resampler, &finder, &gate)
  }

  /// Hands what is due to `sink`.
  @inlinable
  mutating func release<Sink: ChunkSink & ~Copyable>(
    into sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    do throws(Sink.Failure) {
      for i in 0..<finder.scoredCount { try sink.receive(finder.scores[i]) }
      while let output = gate.next() {
        switch output {
        case .chunk(let place, let offset): try sink.receive(gate.samples.span.extracting(place), at: offset)
        case .paddedChunk(let offset): try sink.receive(gate.paddedChunk.span, at: offset)
        case .event(let event, let offset): try sink.receive(event, at: offset)
        }
      }
    } catch {
      throw .output(error)
    }
  }

  // Static, so that each names exactly the state that it changes.

  private static func advance(
    _ resampler: inout MonoResampler<Engine>, _ finder: inout SpeechFinder<Detector>, _ gate: inout SpeechGate,
    _ interleaved: Span<Float>, from start: Int
  ) throws(PreparationError<Never>) -> Int {
    let slice = try resampler.prepare(interleaved, from: start)
    finder.process(resampler.mono.span.extracting(..<slice.inputCount), &gate)
    gate.append(resampler.output.span.extracting(..<slice.outputCount))
    return start + slice.inputCount * resampler.channelCount
  }

  private static func advanceToEnd(
    _ resampler: inout MonoResampler<Engine>, _ finder: inout SpeechFinder<Detector>, _ gate: inout SpeechGate
  ) throws(PreparationError<Never>) {
    let count = try resampler.prepareLast()
    finder.finish(sampleCount: resampler.inputCount, &gate)
    gate.append(resampler.output.span.extracting(..<count))
    gate.settleAll()
  }
}

extension SpeechChunker where Engine == Resampler, Detector == SpeechDetector {
  /// A chunker with this package's resampler and one of its detectors.
  ///
  /// - Parameters:
  ///   - detector: What tells speech, where there is a segmentation.
  ///   - segmentation: How scores become segments; `nil` sends everything, without a detector.
  ///   - cleaning: What is done to the sound that is sent; the detector hears it as it was.
  /// - Throws: ``SpeechChunkerError``
  public init(
    from inputRate: SampleRate, to outputRate: SampleRate = .hz24000, channelCount: Int, downmix: Downmix = .mean,
    chunkDuration: Duration, detector: SpeechDetector.Kind = .neural, segmentation: SegmenterConfiguration? = nil,
    padsLastChunk: Bool = false, ditherSeed: UInt64? = nil, cleaning: CleaningConfiguration = .off
  ) throws(SpeechChunkerError) {
    try self.init(
      engine: Resampler(from: inputRate, to: outputRate),
      detector: segmentation == nil ? nil : SpeechDetector(detector, inputRate), channelCount: channelCount,
      downmix: downmix,
      chunkDuration: chunkDuration, segmentation: segmentation ?? .turns, padsLastChunk: padsLastChunk,
      ditherSeed: ditherSeed, cleaning: cleaning)
  }
}

/// Why a ``SpeechChunker`` was refused.
public enum SpeechChunkerError: Error, Equatable, CustomStringConvertible {
  /// The chunk length is outside of its range.
  case chunkDuration(ChunkerError)
  /// There are no channels, or not the chosen one.
  case downmix(DownmixError)
  /// The detector takes another rate than the input's.
  case detectorRate(SampleRate, expected: SampleRate)

  public var description: String {
    switch self {
    case .chunkDuration(let error): "\(error)"
    case .downmix(let error): "\(error)"
    case .detectorRate(let rate, let expected): "a detector for \(rate) cannot follow a stream at \(expected)"
    }
  }
}
