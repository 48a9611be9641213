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
  private var gate: SpeechGate<Detector>

  /// A chunker of a stream that goes through `engine`, and past `detector` if there is one.
  ///
  /// - Parameters:
  ///   - engine: An engine at the start of a stream.
  ///   - detector: A detector of mono audio at the engine's input rate, at the start of a stream.
  ///   - segmentation: How the detector's scores become segments. Its `maximumSegment` is not used, because what has been
  ///     sent cannot be cut afterwards.
  ///   - chunkDuration: 10 ms to 10 s.
  ///   - padsLastChunk: Whether silence makes the last chunk of a segment, or of the stream, as long as the others.
  ///   - ditherSeed: Adds TPDF dither where there is one.
  /// - Throws: ``SpeechChunkerError``
  public init(
    engine: consuming Engine, detector: consuming Detector?, channelCount: Int, downmix: Downmix = .mean,
    chunkDuration: Duration, segmentation: SegmenterConfiguration = .turns, padsLastChunk: Bool = false,
    ditherSeed: UInt64? = nil
  ) throws(SpeechChunkerError) {
    let (inputRate, outputRate) = (engine.inputRate, engine.outputRate)
    let chunker: Chunker
    do throws(ChunkerError) {
      chunker = try Chunker(outputRate, duration: chunkDuration)
    } catch {
      throw .chunkDuration(error)
    }
    if let rate = detector?.grid.sampleRate, rate != inputRate {
      throw .detectorRate(rate, expected: inputRate)
    }
    // A slice of 20 ms bounds what the gate must hold.
    let sliceCount = FrameGrid(inputRate).longestFrame * 2
    do throws(DownmixError) {
      resampler = try MonoResampler(
        engine, channelCount: channelCount, downmix: downmix, sliceCount: sliceCount)
    } catch {
      throw .downmix(error)
    }
    gate = SpeechGate(
      detector, segmentation: segmentation, from: inputRate, to: outputRate, sliceCount: sliceCount,
      latency: resampler.latencyInSamples, chunker: chunker, padsLastChunk: padsLastChunk, ditherSeed: ditherSeed)
  }

  /// The rate of what goes in.
  public var inputRate: SampleRate { resampler.inputRate }
  /// The rate of the chunks.
  public var outputRate: SampleRate { resampler.outputRate }
  /// How far the output stays behind the input, in samples at the input rate. A segment's start comes later by what the
  /// segmenter needs to confirm it.
  public var latencyInSamples: Int { resampler.latencyInSamples }
  /// Samples that were not finite and were taken as 0.
  public var nonFiniteCount: Int { resampler.nonFiniteCount }
  /// How many sample frames have come.
  public var inputCount: Int { resampler.inputCount }
  /// How many samples have come out of the resampler: what was sent, what was dropped, and what is held.
  public var outputCount: Int { gate.producedEnd }
  /// How many samples went into chunks.
  public var keptCount: Int { gate.keptCount }

  /// Takes all of `interleaved` and hands the chunks that it completes to `sink`.
  ///
  /// - Throws: ``PreparationError`` for a partial sample frame, a failing engine, or what `sink` throws.
  public mutating func process<Sink: ChunkSink & ~Copyable>(
    _ interleaved: Span<Float>, into sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    try Self.process(interleaved, &resampler, &gate, &sink)
  }

  /// Hands the last chunk, and the end of a segment that is open, to `sink`. No input may follow.
  ///
  /// - Throws: As ``process(_:into:)``.
  public mutating func finish<Sink: ChunkSink & ~Copyable>(
    into sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    try Self.finish(&resampler, &gate, &sink)
  }

  /// Makes the chunker as it was after `init`.
  public mutating func reset() {
    resampler.reset()
    gate.reset()
  }

  // Static, so that the closures take hold of the gate and not of the whole.

  private static func process<Sink: ChunkSink & ~Copyable>(
    _ interleaved: Span<Float>, _ resampler: inout MonoResampler<Engine>, _ gate: inout SpeechGate<Detector>,
    _ sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    try resampler.process(interleaved) { mono, output throws(Sink.Failure) in
      try gate.process(mono, output, into: &sink)
    }
  }

  private static func finish<Sink: ChunkSink & ~Copyable>(
    _ resampler: inout MonoResampler<Engine>, _ gate: inout SpeechGate<Detector>, _ sink: inout Sink
  ) throws(PreparationError<Sink.Failure>) {
    let inputCount = resampler.inputCount
    try resampler.finish { output throws(Sink.Failure) in
      try gate.finish(output, inputCount: inputCount, into: &sink)
    }
  }
}

extension SpeechChunker where Engine == Resampler, Detector == EnergyDetector {
  /// A chunker with this package's resampler and energy detector.
  ///
  /// - Parameter segmentation: How speech is found; `nil` sends everything.
  /// - Throws: ``SpeechChunkerError``
  public init(
    from inputRate: SampleRate, to outputRate: SampleRate = .hz24000, channelCount: Int, downmix: Downmix = .mean,
    chunkDuration: Duration, segmentation: SegmenterConfiguration? = nil, padsLastChunk: Bool = false,
    ditherSeed: UInt64? = nil
  ) throws(SpeechChunkerError) {
    try self.init(
      engine: Resampler(from: inputRate, to: outputRate),
      detector: segmentation == nil ? nil : EnergyDetector(inputRate), channelCount: channelCount, downmix: downmix,
      chunkDuration: chunkDuration, segmentation: segmentation ?? .turns, padsLastChunk: padsLastChunk,
      ditherSeed: ditherSeed)
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
