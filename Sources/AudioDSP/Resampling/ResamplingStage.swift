import CAudioKernels

/// One filter of a resampler, from one rate to the next.
///
/// Every stage is aligned by itself: its output `n` is the instant of its input `n * inputs / outputs`.
package enum ResamplingStage {
  case polyphase(PolyphaseFilter)
  case grouped(GroupedFilterBank)
  case interpolated(InterpolatedFilterBank)

  package var ratio: ResamplingRatio {
    switch self {
    case .polyphase(let filter): filter.ratio
    case .grouped(let bank): bank.ratio
    case .interpolated(let bank): bank.ratio
    }
  }

  /// How far its output stays behind its input, in inputs.
  var latency: Int {
    switch self {
    case .polyphase(let filter): filter.window.upperBound
    case .grouped(let bank): bank.halfWidth
    case .interpolated(let bank): bank.halfWidth
    }
  }

  /// The number of the first output that cannot be computed yet when so many inputs are there: negative where inputs
  /// before the stream are missing.
  func outputCount(forInputCount inputCount: Int) -> Int {
    switch self {
    case .polyphase(let filter): filter.outputCount(forInputCount: inputCount)
    // Output n needs the input `halfWidth` behind the one at or before it.
    case .grouped(let bank): bank.ratio.outputCount(forInputCount: inputCount - bank.halfWidth)
    case .interpolated(let bank): bank.ratio.outputCount(forInputCount: inputCount - bank.halfWidth)
    }
  }

  /// The first input that is needed to compute outputs from this one on.
  func windowStart(ofOutput output: Int) -> Int {
    switch self {
    case .polyphase(let filter):
      output.flooredQuotient(filter.unitOutputCount) * (filter.ratio.inputs << filter.splitDepth)
        + filter.window.lowerBound
    case .grouped(let bank):
      bank.ratio.inputBase(ofOutput: output - output.flooredRemainder(bank.groupSize)) - bank.halfWidth + 1
    case .interpolated(let bank): bank.ratio.inputBase(ofOutput: output) - bank.halfWidth + 1
    }
  }

  /// The most inputs that must be kept when every output that they complete is done.
  var historyCount: Int {
    switch self {
    case .polyphase(let filter): filter.window.count + (filter.ratio.inputs << filter.splitDepth) + 1
    case .grouped(let bank): bank.tapCount + 1
    case .interpolated(let bank): bank.tapCount + bank.ratio.inputs / bank.ratio.outputs + 1
    }
  }
}

/// The inputs of a stage that it still needs.
///
/// Samples are numbered from the start of the stream. A filter answers to an input before it comes, so that the outputs
/// of all stages but the last one begin before number 0.
struct ResamplingHistory {
  /// The inputs from `start` to `inputCount`, and behind them samples of no meaning (but finite), which the kernels'
  /// vectors may reach and nothing depends on.
  var buffer: [Float] = []
  /// The number of the input in `buffer[0]`.
  private(set) var start = 0
  /// The number of the next input.
  var inputCount = 0
  /// The number of the next output.
  var outputCount = 0

  /// Takes no memory and has no room.
  init() {}

  /// - Parameters:
  ///   - blockCount: The most inputs that are appended at once.
  ///   - reach: How far behind the last input the kernels read.
  init(for stage: ResamplingStage, blockCount: Int, reach: Int) {
    // Several blocks, so that what is kept moves rarely.
    buffer = [Float](repeating: 0, count: stage.historyCount + 4 * blockCount + reach)
  }

  /// Makes it the history of a stream that is silent before the input of the given number; the first output to compute
  /// is the first that this input changes, but not before `firstOutput`.
  mutating func reset(for stage: ResamplingStage, firstInput: Int, firstOutput: Int) {
    inputCount = firstInput
    outputCount = max(firstOutput, stage.outputCount(forInputCount: firstInput))
    start = stage.windowStart(ofOutput: outputCount)
    var zeros = buffer.mutableSpan
    zeros.update(repeating: 0)
  }

  /// Where in the buffer the next input goes, with room for `count` of them and the reach behind.
  mutating func room(for count: Int, of stage: ResamplingStage, reach: Int) -> Int {
    if inputCount - start + count + reach > buffer.count {
      let needed = stage.windowStart(ofOutput: outputCount)
      Kernels.move(&buffer, from: needed - start, to: 0, count: inputCount - needed)
      start = needed
    }
    return inputCount - start
  }
}
