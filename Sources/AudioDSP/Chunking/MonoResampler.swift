/// Interleaved samples of any channel count in, one channel at another rate out, cleaned where that is asked for.
///
/// What every use of recorded audio starts with: the channels are mixed down, what is not finite becomes 0, and an
/// engine changes the rate. Samples pass in slices, so that buffers are bounded however long a call's block is; the
/// mixed-down signal at the input rate is handed out beside the output, for analysis, and not cleaned: detectors are
/// better off without.
///
/// What a ``CleaningConfiguration`` asks for is done in this order: ``ClippingRepair`` and ``DCFilter``, on each channel
/// that is used, as it was recorded; the downmix; the engine; all else, in a ``Cleaner``, at the output rate. What is
/// handed out for analysis is the downmix of the channels as they came: with ``Downmix/automatic``, each of the two has
/// its own ``ChannelChooser``. Their delays are compensated as an engine's is: sample `k` of the output is the instant `k / outputRate` of the input,
/// and after ``finish(_:)`` there are exactly `ceil(inputCount * outputRate / inputRate)` of them.
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
  /// What is done to the sound.
  public let cleaning: CleaningConfiguration
  /// How much later the output comes because of ``cleaning``, in samples at the input rate, rounded up.
  public let cleaningLatencyInSamples: Int

  private var repair: RecordingRepair?
  private var repairedDownmixer: Downmixer?
  private var cleaner: Cleaner?
  /// How much of what comes out of the cleaner lies before the stream's start, and is dropped.
  private var cleanerLead = 0
  private let isCleaning: Bool
  /// The last slice as it was recorded, repaired, and what it is mixed down to; empty where that is not asked for.
  private var repairedFrames: [Float] = []
  private var repaired: [Float] = []
  /// The last slice at the input rate.
  private(set) var mono: [Float]
  /// The output that it completed.
  private(set) var output: [Float]

  /// - Parameters:
  ///   - engine: An engine at the start of a stream.
  ///   - sliceCount: The most sample frames that pass at once.
  ///   - cleaning: What is done to the sound. With `.off` nothing is, and nothing is made for it.
  /// - Throws: ``DownmixError`` when there are no channels, or not the chosen one.
  /// - Precondition: The settings of `cleaning` are in their ranges.
  public init(
    _ engine: consuming Engine, channelCount: Int, downmix: Downmix = .mean, sliceCount: Int = 4096,
    cleaning: CleaningConfiguration = .off
  ) throws(DownmixError) {
    precondition(sliceCount > 0)
    let mixer = try Downmixer(downmix, channelCount: channelCount, sampleRate: engine.inputRate)
    let otherMixer = try Self.repairedDownmixer(
      downmix, channelCount: channelCount, sampleRate: engine.inputRate, cleaning)
    downmixer = consume mixer
    repairedDownmixer = consume otherMixer
    self.channelCount = channelCount
    self.sliceCount = sliceCount
    mono = [Float](repeating: 0, count: sliceCount)
    // With room for a remainder of one latency at the end, and for an engine that gives its output in bursts.
    var remainder = 2 * engine.latencyInSamples
    self.cleaning = cleaning
    isCleaning = cleaning != .off
    var latency = 0
    if cleaning.needsRecordingRepair {
      let repair = RecordingRepair(
        engine.inputRate, channelCount: channelCount, downmix: downmix, cleaning: cleaning, sliceCount: sliceCount)
      repairedFrames = [Float](repeating: 0, count: sliceCount * channelCount)
      repaired = [Float](repeating: 0, count: sliceCount)
      remainder += repair.latencyInSamples
      latency += repair.latencyInSamples
      self.repair = consume repair
    }
    let rest = cleaning.withoutRecordingRepair
    if rest.needsCleaner {
      let cleaner = Cleaner(engine.outputRate, configuration: rest)
      cleanerLead = cleaner.latencyInSamples
      latency += (cleanerLead * engine.inputRate.hertz + engine.outputRate.hertz - 1) / engine.outputRate.hertz
      self.cleaner = consume cleaner
    }
    cleaningLatencyInSamples = latency
    let most = engine.outputCapacity(forInputCount: sliceCount + remainder)
    output = [Float](repeating: 0, count: most + cleanerLead + 1)
    self.engine = engine
  }

  /// The rate of what goes in.
  public var inputRate: SampleRate { engine.inputRate }
  /// The rate of what comes out.
  public var outputRate: SampleRate { engine.outputRate }
  /// How far the output stays behind the input, in samples at the input rate: the engine's delay and that of cleaning.
  public var latencyInSamples: Int { engine.latencyInSamples + cleaningLatencyInSamples }

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
    repair?.reset()
    repairedDownmixer?.reset()
    cleaner?.reset()
    cleanerLead = Self.latency(of: cleaner)
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
    var repairedCount: Int?
    do throws(DownmixError) {
      nonFiniteCount += try Self.mix(&downmixer, slice, into: &mono)
      if isCleaning, let count = Self.repair(slice, by: &repair, into: &repairedFrames) {
        try Self.mix(&repairedDownmixer, repairedFrames, sampleCount: count * channelCount, into: &repaired)
        repairedCount = count
      }
    } catch {
      throw .input(error)
    }
    do throws(ResamplerError) {
      written =
        isCleaning
        ? try resampleAndClean(count: count, repairedCount: repairedCount)
        : try Self.resample(&engine, mono, count: count, into: &output, at: 0)
    } catch {
      throw .engine(error)
    }
    inputCount += count
    return PreparedSlice(inputCount: count, outputCount: written)
  }

  /// Writes the last output to ``output``, and returns how much it is.
  @specialized(where Engine == Resampler)
  mutating func prepareLast() throws(PreparationError<Never>) -> Int {
    guard !isCleaning else { return try finishAndClean() }
    do throws(ResamplerError) {
      return try Self.finish(&engine, into: &output, at: 0)
    } catch {
      throw .engine(error)
    }
  }

  /// As ``prepare(_:from:)``, of the first `count` samples of ``mono`` or, where there is a repair, of as many as it has
  /// given; returns how much output there is.
  @specialized(where Engine == Resampler)
  private mutating func resampleAndClean(count: Int, repairedCount: Int?) throws(ResamplerError) -> Int {
    let written: Int
    if let repairedCount {
      written = try Self.resample(&engine, repaired, count: repairedCount, into: &output, at: 0)
    } else {
      written = try Self.resample(&engine, mono, count: count, into: &output, at: 0)
    }
    return Self.process(&output, count: written, by: &cleaner, lead: &cleanerLead)
  }

  /// As ``prepareLast()``: silence drives out what each part holds.
  @specialized(where Engine == Resampler)
  private mutating func finishAndClean() throws(PreparationError<Never>) -> Int {
    var written = 0
    while let count = try finishRepair() {
      do throws(ResamplerError) {
        written += try Self.resample(&engine, repaired, count: count, into: &output, at: written)
      } catch {
        throw .engine(error)
      }
    }
    do throws(ResamplerError) {
      written += try Self.finish(&engine, into: &output, at: written)
    } catch {
      throw .engine(error)
    }
    let silence = Self.latency(of: cleaner)
    Self.makeRoom(for: written + silence, in: &output)
    Kernels.fill(&output, in: written..<written + silence, with: 0)
    return Self.process(&output, count: written + silence, by: &cleaner, lead: &cleanerLead)
  }

  /// Mixes the next of the last repaired sample frames down to ``repaired``, and returns how many they are; nil when none
  /// are left.
  private mutating func finishRepair() throws(PreparationError<Never>) -> Int? {
    guard let count = Self.finish(&repair, into: &repairedFrames) else { return nil }
    do throws(DownmixError) {
      try Self.mix(&repairedDownmixer, repairedFrames, sampleCount: count * channelCount, into: &repaired)
      return count
    } catch {
      throw .input(error)
    }
  }

  // Those below are static so that each names exactly the state that it changes.

  private static func repairedDownmixer(
    _ downmix: Downmix, channelCount: Int, sampleRate: SampleRate, _ cleaning: CleaningConfiguration
  ) throws(DownmixError) -> Downmixer? {
    guard cleaning.needsRecordingRepair else { return nil }
    return try Downmixer(downmix, channelCount: channelCount, sampleRate: sampleRate)
  }

  private static func mix(
    _ downmixer: inout Downmixer, _ slice: Span<Float>, into mono: inout [Float]
  ) throws(DownmixError) -> Int {
    var target = mono.mutableSpan
    return try downmixer.process(slice, into: &target)
  }

  /// Returns how many sample frames have been repaired; nil where that is not asked for.
  private static func repair(
    _ slice: Span<Float>, by repair: inout RecordingRepair?, into frames: inout [Float]
  ) -> Int? {
    guard repair != nil else { return nil }
    var target = frames.mutableSpan
    return repair?.process(slice, into: &target)
  }

  private static func finish(_ repair: inout RecordingRepair?, into frames: inout [Float]) -> Int? {
    guard repair != nil else { return nil }
    var target = frames.mutableSpan
    return repair?.finish(into: &target)
  }

  private static func mix(
    _ downmixer: inout Downmixer?, _ frames: [Float], sampleCount: Int, into mono: inout [Float]
  ) throws(DownmixError) {
    var target = mono.mutableSpan
    _ = try downmixer?.process(frames.span.extracting(..<sampleCount), into: &target)
  }

  private static func resample(
    _ engine: inout Engine, _ mono: [Float], count: Int, into output: inout [Float], at place: Int
  ) throws(ResamplerError) -> Int {
    makeRoom(for: place + engine.outputCapacity(forInputCount: count), in: &output)
    var all = output.mutableSpan
    var target = all._mutatingExtracting(place...)
    return try engine.process(mono.span.extracting(..<count), into: &target)
  }

  private static func finish(
    _ engine: inout Engine, into output: inout [Float], at place: Int
  ) throws(ResamplerError) -> Int {
    makeRoom(for: place + engine.remainingOutputCount, in: &output)
    var all = output.mutableSpan
    var target = all._mutatingExtracting(place...)
    return try engine.finish(into: &target)
  }

  /// Never within what engines state; one that gives its output in larger bursts makes the buffer grow.
  private static func makeRoom(for count: Int, in samples: inout [Float]) {
    if count > samples.count { samples.append(contentsOf: repeatElement(0, count: count - samples.count)) }
  }

  /// Processes the first `count` samples and takes off those that lie before the stream's start, of which `lead` are
  /// still to come; returns how many are left.
  private static func process<Processor: SampleProcessor & ~Copyable>(
    _ samples: inout [Float], count: Int, by processor: inout Processor?, lead: inout Int
  ) -> Int {
    var all = samples.mutableSpan
    var part = all._mutatingExtracting(..<count)
    processor?.process(&part)
    let dropped = min(lead, count)
    if dropped > 0 {
      lead -= dropped
      Kernels.move(&samples, from: dropped, to: 0, count: count - dropped)
    }
    return count - dropped
  }

  private static func latency<Processor: SampleProcessor & ~Copyable>(of processor: borrowing Processor?) -> Int {
    switch processor {
    case .some(let processor): processor.latencyInSamples
    case .none: 0
    }
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
