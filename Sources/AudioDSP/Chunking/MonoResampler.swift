/// Interleaved samples of any channel count in, one channel at another rate out.
///
/// What every use of recorded audio starts with: the channels are mixed down, what is not finite becomes 0, and an
/// engine changes the rate. Samples pass in slices, so that buffers are bounded however long a call's block is; the
/// mixed-down signal at the input rate is handed out beside the output, for analysis.
public struct MonoResampler<Engine: ResamplingEngine & ~Copyable>: ~Copyable {
  /// How the channels become one.
  public var downmix: Downmix { downmixer.downmix }
  /// How many channels the input has.
  public let channelCount: Int
  /// Samples that were not finite and were taken as 0.
  public private(set) var nonFiniteCount = 0
  /// How many sample frames have come.
  public private(set) var inputCount = 0

  private var downmixer: Downmixer
  private var engine: Engine
  private let sliceCount: Int
  /// The last slice at the input rate.
  private(set) var mono: [Float]
  /// The output that it completed.
  private(set) var output: [Float]

  /// - Parameters:
  ///   - engine: An engine at the start of a stream.
  ///   - sliceCount: The most sample frames that pass at once.
  /// - Throws: ``DownmixError`` when there are no channels, or not the chosen one.
  public init(
    _ engine: consuming Engine, channelCount: Int, downmix: Downmix = .mean, sliceCount: Int = 4096
  ) throws(DownmixError) {
    precondition(sliceCount > 0)
    downmixer = try Downmixer(downmix, channelCount: channelCount, sampleRate: engine.inputRate)
    self.channelCount = channelCount
    self.sliceCount = sliceCount
    mono = [Float](repeating: 0, count: sliceCount)
    // With room for a remainder of one latency at the end, and for an engine that gives its output in bursts.
    let most = engine.outputCapacity(forInputCount: sliceCount + 2 * engine.latencyInSamples)
    output = [Float](repeating: 0, count: most + 1)
    self.engine = engine
  }

  /// The rate of what goes in.
  public var inputRate: SampleRate { engine.inputRate }
  /// The rate of what comes out.
  public var outputRate: SampleRate { engine.outputRate }
  /// How far the output stays behind the input, in samples at the input rate.
  public var latencyInSamples: Int { engine.latencyInSamples }

  /// Takes all of `interleaved` and hands each slice to `body`: the mono signal at the input rate, and the output that
  /// it completes. Does not allocate, unless an engine gives more at once than ever before.
  ///
  /// - Throws: ``PreparationError`` for a partial sample frame, a failing engine, or what `body` throws.
  public mutating func process<Failure>(
    _ interleaved: Span<Float>,
    _ body: (_ mono: Span<Float>, _ output: Span<Float>) throws(Failure) -> Void
  ) throws(PreparationError<Failure>) {
    var taken = 0
    while taken < interleaved.count {
      let slice: PreparedSlice
      do throws(PreparationError<Never>) {
        slice = try prepare(interleaved, from: taken)
      } catch {
        throw PreparationError(error)
      }
      taken += slice.inputCount * channelCount
      do throws(Failure) {
        try body(mono.span.extracting(..<slice.inputCount), output.span.extracting(..<slice.outputCount))
      } catch {
        throw .output(error)
      }
    }
  }

  /// Hands the last output to `body`.
  ///
  /// - Throws: ``PreparationError`` for a failing engine, or what `body` throws.
  public mutating func finish<Failure>(
    _ body: (_ output: Span<Float>) throws(Failure) -> Void
  ) throws(PreparationError<Failure>) {
    let written: Int
    do throws(PreparationError<Never>) {
      written = try prepareLast()
    } catch {
      throw PreparationError(error)
    }
    do throws(Failure) {
      try body(output.span.extracting(..<written))
    } catch {
      throw .output(error)
    }
  }

  /// Makes the resampler as it was after `init`.
  public mutating func reset() {
    engine.reset()
    downmixer.reset()
    nonFiniteCount = 0
    inputCount = 0
  }

  // What follows does not depend on who takes the output, so that it is compiled once for this package's own engine and
  // needs no types at run time.

  /// Mixes down and resamples the next slice of `interleaved`, from the sample `start` on; ``mono`` and ``output`` then
  /// hold it.
  @specialized(where Engine == Resampler)
  mutating func prepare(
    _ interleaved: Span<Float>, from start: Int
  ) throws(PreparationError<Never>) -> PreparedSlice {
    let (frameCount, rest) = (interleaved.count - start).quotientAndRemainder(dividingBy: channelCount)
    guard rest == 0 else {
      throw .input(.partialSampleFrame(sampleCount: interleaved.count, channelCount: channelCount))
    }
    let count = min(sliceCount, frameCount)
    let slice = interleaved.extracting(start..<start + count * channelCount)
    let written: Int
    do throws(DownmixError) {
      nonFiniteCount += try Self.mix(&downmixer, slice, into: &mono)
    } catch {
      throw .input(error)
    }
    do throws(ResamplerError) {
      written = try Self.resample(&engine, mono, count: count, into: &output)
    } catch {
      throw .engine(error)
    }
    inputCount += count
    return PreparedSlice(inputCount: count, outputCount: written)
  }

  /// Writes the last output to ``output``, and returns how much it is.
  @specialized(where Engine == Resampler)
  mutating func prepareLast() throws(PreparationError<Never>) -> Int {
    do throws(ResamplerError) {
      return try Self.finish(&engine, into: &output)
    } catch {
      throw .engine(error)
    }
  }

  // The three below are static so that each names exactly the state that it changes.

  private static func mix(
    _ downmixer: inout Downmixer, _ slice: Span<Float>, into mono: inout [Float]
  ) throws(DownmixError) -> Int {
    var target = mono.mutableSpan
    return try downmixer.process(slice, into: &target)
  }

  private static func resample(
    _ engine: inout Engine, _ mono: [Float], count: Int, into output: inout [Float]
  ) throws(ResamplerError) -> Int {
    let required = engine.outputCapacity(forInputCount: count)
    if required > output.count { output = [Float](repeating: 0, count: required) }
    var target = output.mutableSpan
    return try engine.process(mono.span.extracting(..<count), into: &target)
  }

  private static func finish(
    _ engine: inout Engine, into output: inout [Float]
  ) throws(ResamplerError) -> Int {
    let required = engine.remainingOutputCount
    if required > output.count { output = [Float](repeating: 0, count: required) }
    var target = output.mutableSpan
    return try engine.finish(into: &target)
  }
}

/// What a slice came to.
struct PreparedSlice {
  /// Samples at the input rate.
  let inputCount: Int
  /// Samples at the output rate.
  let outputCount: Int
}

/// Why preparing audio failed.
public enum PreparationError<Output: Error>: Error {
  /// The input does not fit the channel count.
  case input(DownmixError)
  /// The engine failed.
  case engine(ResamplerError)
  /// The receiver of the output failed.
  case output(Output)

  /// The same failure where there is a receiver, too.
  @usableFromInline
  init(_ error: PreparationError<Never>) {
    switch error {
    case .input(let error): self = .input(error)
    case .engine(let error): self = .engine(error)
    }
  }
}

extension PreparationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .input(let error): "\(error)"
    case .engine(let error): "\(error)"
    case .output(let error): "\(error)"
    }
  }
}
