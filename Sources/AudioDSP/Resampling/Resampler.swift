/// Changes the sample rate of a stream of one channel, between any two rates of ``SampleRate``.
///
/// A linear-phase polyphase filter: its passband reaches 0.90 of the lower Nyquist frequency (-0.1 dB), and everything
/// from that frequency on is at least 115 dB down. However the input is cut into calls, the output is the same, bit for
/// bit. Samples that are not finite are taken as 0 and counted.
///
/// ```swift
/// var resampler = Resampler(from: .hz48000, to: .hz24000)
/// var output = [Float](repeating: 0, count: resampler.outputCapacity(forInputCount: block.count))
/// var span = output.mutableSpan
/// let count = try resampler.process(block.span, into: &span)
/// // At the end of the stream, remainingOutputCount more:
/// let rest = try resampler.finish(into: &span)
/// ```
///
/// `init` designs the filter and allocates up to about 2 MB; nothing after it allocates, locks or blocks.
public struct Resampler: ~Copyable, Sendable, ResamplingEngine {
  private enum Bank: Sendable {
    case identity
    case grouped(GroupedFilterBank)
    case cubic(CubicFilterBank)
  }

  /// Most inputs taken between two compactions of the buffer. Large enough that moving the window costs little beside
  /// filtering, small enough to stay in the second-level cache.
  private static let blockSize = 4096
  /// The largest bank that is tabulated in full.
  private static let maximumBankSizeInBytes = 1 << 20

  public let inputRate: SampleRate
  public let outputRate: SampleRate
  /// Samples that were not finite and were taken as 0, since `init` or ``reset()``.
  public private(set) var nonFiniteCount = 0

  private let ratio: ResamplingRatio
  private let bank: Bank
  private let kernels: Kernels
  private let halfWidth: Int
  /// How far a group's window may reach behind the last input that its due outputs need.
  private let reach: Int

  /// The inputs from `bufferStart` to `inputCount`, and behind them samples of no meaning (but finite), which a group's
  /// window may reach and multiplies by 0.
  private var buffer: [Float]
  /// Where in the stream `buffer[0]` stands; negative for the zeros that stand before the stream.
  private var bufferStart: Int
  private var inputCount = 0
  private var outputCount = 0
  private var isFinished = false

  /// Designs the filter for a pair of rates. Equal rates pass samples through, without delay.
  public init(from inputRate: SampleRate, to outputRate: SampleRate) {
    self.init(from: inputRate, to: outputRate, kernels: .active)
  }

  /// - Precondition: The backend is available.
  package init(from inputRate: SampleRate, to outputRate: SampleRate, backend: KernelBackend) {
    self.init(from: inputRate, to: outputRate, kernels: Kernels(backend))
  }

  private init(from inputRate: SampleRate, to outputRate: SampleRate, kernels: Kernels) {
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.kernels = kernels
    ratio = ResamplingRatio(from: inputRate, to: outputRate)
    if inputRate == outputRate {
      bank = .identity
      halfWidth = 0
      reach = 0
    } else {
      let prototype = LowpassPrototype(ratio)
      halfWidth = prototype.halfWidth
      let size = GroupedFilterBank.coefficientCount(ratio, halfWidth: halfWidth) * MemoryLayout<Float>.size
      if size <= Self.maximumBankSizeInBytes {
        let grouped = GroupedFilterBank(ratio, prototype: prototype)
        bank = .grouped(grouped)
        reach = grouped.tapCount - 2 * halfWidth
      } else {
        bank = .cubic(CubicFilterBank(ratio, prototype: prototype))
        reach = 0
      }
    }
    bufferStart = 1 - halfWidth
    // At most 2 * halfWidth + reach inputs are kept (a group that is due in part keeps its window), and windows reach that
    // far behind the last input.
    buffer = [Float](repeating: 0, count: 2 * halfWidth + 2 * reach + Self.blockSize)
  }

  public var latencyInSamples: Int { halfWidth }

  public func outputCapacity(forInputCount count: Int) -> Int {
    isFinished ? 0 : ratio.outputCount(forInputCount: inputCount + count - halfWidth) - outputCount
  }

  public var remainingOutputCount: Int {
    isFinished ? 0 : ratio.outputCount(forInputCount: inputCount) - outputCount
  }

  public mutating func process(
    _ input: Span<Float>, into output: inout MutableSpan<Float>
  ) throws(ResamplerError) -> Int {
    guard !isFinished else { throw .finished }
    let required = outputCapacity(forInputCount: input.count)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    if case .identity = bank {
      nonFiniteCount += kernels.copyFinite(input, into: &output)
      inputCount += input.count
      outputCount += input.count
      return input.count
    }
    let kernels = kernels
    var taken = 0
    var written = 0
    while taken < input.count {
      let room = makeRoom()
      let count = min(room, input.count - taken)
      let end = inputCount - bufferStart
      var target = buffer.mutableSpan
      var tail = target._mutatingExtracting(end...)
      let replaced = kernels.copyFinite(input.extracting(taken..<taken + count), into: &tail)
      nonFiniteCount += replaced
      inputCount += count
      taken += count
      written += compute(
        upTo: ratio.outputCount(forInputCount: inputCount - halfWidth), into: &output, from: written)
    }
    return written
  }

  public mutating func finish(into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int {
    guard !isFinished else { throw .finished }
    let required = remainingOutputCount
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    isFinished = true
    guard required > 0 else { return 0 }
    let end = outputCount + required
    var silence = halfWidth
    var written = 0
    let inputEnd = inputCount
    while silence > 0 {
      let count = min(makeRoom(), silence)
      let start = inputCount - bufferStart
      var target = buffer.mutableSpan
      for i in start..<start + count { target[i] = 0 }
      inputCount += count
      silence -= count
      written += compute(
        upTo: min(end, ratio.outputCount(forInputCount: inputCount - halfWidth)), into: &output, from: written)
    }
    inputCount = inputEnd
    return written
  }

  public mutating func reset() {
    nonFiniteCount = 0
    bufferStart = 1 - halfWidth
    inputCount = 0
    outputCount = 0
    isFinished = false
    var zeros = buffer.mutableSpan
    zeros.update(repeating: 0)
  }

  /// Drops what no output needs any more, when the buffer is full; returns how many inputs fit behind what it holds, at
  /// least one.
  private mutating func makeRoom() -> Int {
    let end = buffer.count - reach
    if inputCount - bufferStart < end { return end - (inputCount - bufferStart) }
    // The window of the group to which the next output belongs; its earlier outputs may be done.
    let groupStart = outputCount - outputCount % GroupedFilterBank.groupSize
    let needed = ratio.inputBase(ofOutput: groupStart) - halfWidth + 1
    let dropped = needed - bufferStart
    let kept = inputCount - needed
    var span = buffer.mutableSpan
    for i in 0..<kept { span[i] = span[i + dropped] }
    bufferStart = needed
    return end - kept
  }

  /// Computes the outputs from `outputCount` up to `end`, whose inputs are in the buffer.
  private mutating func compute(upTo end: Int, into output: inout MutableSpan<Float>, from start: Int) -> Int {
    let count = end - outputCount
    guard count > 0 else { return 0 }
    switch bank {
    case .identity: return 0
    case .cubic(let bank):
      let first = ratio.inputBase(ofOutput: outputCount) - halfWidth + 1 - bufferStart
      var target = output._mutatingExtracting(start..<start + count)
      kernels.resample(
        bank, buffer.span.extracting(first...), phase: ratio.phase(ofOutput: outputCount), count: count,
        into: &target)
    case .grouped(let bank):
      var position = start
      var next = outputCount
      while next < end {
        let (group, lane) = next.quotientAndRemainder(dividingBy: GroupedFilterBank.groupSize)
        let groupInCycle = group % bank.groupOffsets.count
        let window = ratio.inputBase(ofOutput: next - lane) - halfWidth + 1 - bufferStart
        let input = buffer.span.extracting(window...)
        let groupCount = lane == 0 ? (end - next) / GroupedFilterBank.groupSize : 0
        if groupCount > 0 {
          var target = output._mutatingExtracting(position..<position + groupCount * GroupedFilterBank.groupSize)
          kernels.resample(
            bank, input, firstGroup: groupInCycle, groupCount: groupCount,
            into: &target)
          position += groupCount * GroupedFilterBank.groupSize
          next += groupCount * GroupedFilterBank.groupSize
        } else {
          let due = min(end - next, GroupedFilterBank.groupSize - lane)
          var target = output._mutatingExtracting(position..<position + due)
          kernels.resample(bank, input, group: groupInCycle, lanes: lane..<lane + due, into: &target)
          position += due
          next += due
        }
      }
    }
    outputCount = end
    return count
  }
}
