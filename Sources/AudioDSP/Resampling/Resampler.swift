/// Changes the sample rate of a stream of one channel, between any two rates of ``SampleRate``.
///
/// A chain of short filters, chosen by the pair of rates; ``ResamplingQuality`` says what passes and what does not.
/// However the input is cut into calls, the output is the same, bit for bit, and stays behind the input by the same
/// delay. Samples that are not finite, or of magnitude 2^100 and more, are taken as 0 and counted.
///
/// ```swift
/// var resampler = Resampler(from: .hz48000, to: .hz24000)
/// var output = [Float](repeating: 0, count: resampler.outputCapacity(forInputCount: block.count))
/// var span = output.mutableSpan
/// let count = try resampler.process(block.span, into: &span)
/// // At the end of the stream:
/// var rest = [Float](repeating: 0, count: resampler.remainingOutputCount)
/// var restSpan = rest.mutableSpan
/// let restCount = try resampler.finish(into: &restSpan)
/// ```
///
/// `init` arranges the filters and allocates at most 2 MB; nothing after it allocates, locks or blocks.
public struct Resampler: ~Copyable, Sendable, ResamplingEngine {
  /// The most samples at the higher of the two rates that pass at once: few enough to stay in the first-level cache,
  /// and 20 ms at 48 kHz, so that long calls are cut as those are.
  private static let blockCount = 960

  public let inputRate: SampleRate
  public let outputRate: SampleRate
  /// What it passes and stops.
  public let quality: ResamplingQuality
  /// Whether all frequencies are delayed alike.
  public let phase: ResamplingPhase
  /// Samples that were not finite, or too large, and were taken as 0, since `init` or ``reset()``.
  public private(set) var nonFiniteCount = 0

  private let kernels: Kernels
  private let ratio: ResamplingRatio
  private let stages: [ResamplingStage]
  /// For each stage, how far behind its last input the kernels read.
  private let reaches: [Int]
  /// The most inputs of the first stage that pass at once.
  private let inputBlockCount: Int

  private var histories: [ResamplingHistory]
  private var scratch: [Float]
  private var inputCount = 0
  private var outputCount = 0
  private var isFinished = false

  /// Arranges the filters for a pair of rates. Equal rates pass samples through, without delay.
  public init(
    from inputRate: SampleRate, to outputRate: SampleRate, quality: ResamplingQuality = .voice,
    phase: ResamplingPhase = .linear
  ) {
    self.init(from: inputRate, to: outputRate, quality: quality, phase: phase, kernels: .active)
  }

  /// - Precondition: The backend is available.
  package init(
    from inputRate: SampleRate, to outputRate: SampleRate, quality: ResamplingQuality = .voice,
    phase: ResamplingPhase = .linear, backend: KernelBackend
  ) {
    self.init(from: inputRate, to: outputRate, quality: quality, phase: phase, kernels: Kernels(backend))
  }

  init(
    from inputRate: SampleRate, to outputRate: SampleRate, quality: ResamplingQuality, phase: ResamplingPhase,
    kernels: Kernels
  ) {
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.quality = quality
    self.phase = phase
    self.kernels = kernels
    ratio = ResamplingRatio(from: inputRate, to: outputRate)
    stages =
      ResamplingChain(
        ratio, quality: quality, phase: phase, laneCount: kernels.laneCount, splitDepth: kernels.splitDepth
      ).stages
    reaches = stages.map { kernels.reach(of: $0) }
    scratch = [Float](repeating: 0, count: stages.map { kernels.scratchCount(of: $0) }.max() ?? 0)

    // A bank between may go up to twice the lower rate: histories are sized by what each stage gives.
    inputBlockCount = max(1, Self.blockCount * min(ratio.inputs, ratio.outputs) / ratio.outputs)
    histories = []
    var blockCount = inputBlockCount
    for (stage, reach) in zip(stages, reaches) {
      histories.append(ResamplingHistory(for: stage, blockCount: blockCount, reach: reach))
      // Whole cycles of at most four outputs come together.
      blockCount = stage.ratio.outputCount(forInputCount: blockCount) + 4
    }
    resetHistories()
  }

  public var latencyInSamples: Int {
    var latency = 0.0
    var inputsPerSample = 1.0
    // By index: iterating over values allocates in debug builds.
    for i in stages.indices {
      latency += Double(stages[i].latency) * inputsPerSample
      inputsPerSample *= Double(stages[i].ratio.inputs) / Double(stages[i].ratio.outputs)
    }
    // Sums of whole numbers of samples at commensurable rates: what is a hair above a whole number is that number.
    return Int((latency - 1e-6).rounded(.up))
  }

  public func outputCapacity(forInputCount count: Int) -> Int {
    isFinished ? 0 : availableCount(forInputCount: inputCount + count) - outputCount
  }

  public var remainingOutputCount: Int {
    isFinished ? 0 : ratio.outputCount(forInputCount: inputCount) - outputCount
  }

  /// How many outputs can be computed when so many inputs have come; no more than there are before the input's end.
  private func availableCount(forInputCount inputCount: Int) -> Int {
    var count = inputCount
    for i in stages.indices { count = stages[i].outputCount(forInputCount: count) }
    return max(0, min(count, ratio.outputCount(forInputCount: inputCount)))
  }

  public mutating func process(
    _ input: Span<Float>, into output: inout MutableSpan<Float>
  ) throws(ResamplerError) -> Int {
    guard !isFinished else { throw .finished }
    let required = outputCapacity(forInputCount: input.count)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    guard !stages.isEmpty else {
      nonFiniteCount += kernels.copyFinite(input, into: &output)
      inputCount += input.count
      outputCount += input.count
      return input.count
    }
    var taken = 0
    var written = 0
    while taken < input.count {
      let count = min(inputBlockCount, input.count - taken)
      let start = histories[0].room(for: count, of: stages[0], reach: reaches[0])
      nonFiniteCount += kernels.copyBounded(
        input.extracting(taken..<taken + count), into: &histories[0].buffer, at: start)
      histories[0].inputCount += count
      inputCount += count
      taken += count
      written += run(upTo: availableCount(forInputCount: inputCount), into: &output, at: written)
    }
    return written
  }

  public mutating func finish(into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int {
    guard !isFinished else { throw .finished }
    let required = remainingOutputCount
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    isFinished = true
    let end = outputCount + required
    var written = 0
    while outputCount < end {
      let count = min(inputBlockCount, latencyInSamples + 1)
      let start = histories[0].room(for: count, of: stages[0], reach: reaches[0])
      var silence = histories[0].buffer.mutableSpan
      for i in start..<start + count { silence[i] = 0 }
      histories[0].inputCount += count
      written += run(upTo: end, into: &output, at: written)
    }
    return written
  }

  public mutating func reset() {
    nonFiniteCount = 0
    inputCount = 0
    outputCount = 0
    isFinished = false
    resetHistories()
  }

  /// Makes the histories those of silence, up to the first sample of each stage that the stream's start reaches and
  /// that the stages behind it need.
  private mutating func resetHistories() {
    var firstNeeded = 0
    for i in stride(from: stages.count - 1, through: 0, by: -1) {
      histories[i].outputCount = firstNeeded
      firstNeeded = stages[i].windowStart(ofOutput: firstNeeded)
    }
    var firstInput = 0
    for i in stages.indices {
      let firstOutput = histories[i].outputCount
      histories[i].reset(for: stages[i], firstInput: firstInput, firstOutput: firstOutput)
      firstInput = histories[i].outputCount
    }
  }

  /// Passes what has been appended to the first stage's history through all stages; writes at most up to output `end`.
  private mutating func run(upTo end: Int, into output: inout MutableSpan<Float>, at start: Int) -> Int {
    var written = 0
    for i in stages.indices {
      let first = histories[i].outputCount
      let available = stages[i].outputCount(forInputCount: histories[i].inputCount)
      let window = stages[i].windowStart(ofOutput: first) - histories[i].start
      if i + 1 < stages.count {
        let count = max(0, available - first)
        // Taken out of the array while it is written to, because another member is read.
        var next = ResamplingHistory()
        swap(&next, &histories[i + 1])
        let room = next.room(for: count, of: stages[i + 1], reach: reaches[i + 1])
        kernels.filter(
          stages[i], histories[i].buffer, windowAt: window, first: first, count: count, into: &next.buffer, at: room,
          scratch: &scratch)
        next.inputCount += count
        swap(&next, &histories[i + 1])
        histories[i].outputCount += count
      } else {
        written = max(0, min(available, end) - first)
        var target = output._mutatingExtracting(start..<start + written)
        kernels.filter(
          stages[i], histories[i].buffer, windowAt: window, first: first, count: written, into: &target,
          scratch: &scratch)
        histories[i].outputCount += written
      }
    }
    outputCount += written
    return written
  }
}
