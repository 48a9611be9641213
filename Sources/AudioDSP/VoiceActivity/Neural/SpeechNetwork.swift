/// Scores frames by what ``SpectralAnalyzer`` measures of them: a layer over the features of four frames, two before
/// the one that is scored and one behind it, and a gated recurrent unit (K. Cho et al., "Learning phrase representations
/// using RNN encoder-decoder for statistical machine translation", 2014, as in PyTorch's `GRU`).
///
/// Its state is bounded: each element lies between -1 and 1. Nothing allocates after `init`.
struct SpeechNetwork: ~Copyable, Sendable {
  /// Frames behind a frame that its score is made of.
  static let framesAhead = 1
  private static let framesBefore = 2
  fileprivate static let tapCount = framesBefore + 1 + framesAhead

  private static let inputCount = SpeechNetworkTable.inputCount

  private let kernels: Kernels
  private let layers = SpeechNetworkLayers.shared
  private let maximumCount: Int

  /// The features of the frames that are scored next, from the first one before them on.
  private var rows: [Float]
  private var rowCount = 0
  private var first: [Float]
  private var inputGates: [Float]
  private var stateGates: [Float]
  private var state: [Float]
  private var states: [Float]
  private var outputs: [Float]

  /// A network at the start of a stream that takes at most `maximumCount` frames at once.
  init(maximumCount: Int, kernels: Kernels) {
    self.kernels = kernels
    self.maximumCount = maximumCount
    rows = [Float](repeating: 0, count: (maximumCount + Self.tapCount) * Self.inputCount)
    first = [Float](repeating: 0, count: maximumCount * layers.first.rowCount)
    inputGates = [Float](repeating: 0, count: maximumCount * layers.input.rowCount)
    stateGates = [Float](repeating: 0, count: layers.state.rowCount)
    state = [Float](repeating: 0, count: SpeechNetworkTable.stateCount)
    states = [Float](repeating: 0, count: maximumCount * SpeechNetworkTable.stateCount)
    outputs = [Float](repeating: 0, count: maximumCount * layers.last.rowCount)
    reset()
  }

  /// How many frames are scored when the features of `frameCount` frames of a stream have come.
  static func scoredCount(forFrameCount frameCount: Int) -> Int { max(0, frameCount - framesAhead) }

  /// Whether one more frame can be taken before the next are scored.
  var hasRoom: Bool { rowCount < maximumCount + Self.tapCount - 1 }

  /// Takes the next frame's features from `analyzer`, if its samples have come.
  ///
  /// - Precondition: ``hasRoom``
  mutating func takeFrame(from analyzer: inout SpectralAnalyzer) -> Bool {
    let place = rowCount * Self.inputCount
    let (kernels, layers) = (kernels, layers)
    var all = rows.mutableSpan
    var row = all._mutatingExtracting(place..<place + Self.inputCount)
    guard analyzer.nextFrame(into: &row) else { return false }
    kernels.limit(&row, least: layers.least, greatest: layers.greatest)
    rowCount += 1
    return true
  }

  /// Takes a frame that is not there, before the stream.
  private mutating func takeEmptyFrame() {
    for i in 0..<Self.inputCount { rows[rowCount * Self.inputCount + i] = layers.emptyRow[i] }
    rowCount += 1
  }

  /// Writes the scores of the frames that have all their neighbours to the start of `scores`; returns how many.
  mutating func score(into scores: inout MutableSpan<Float>) -> Int {
    let count = rowCount - Self.tapCount + 1
    guard count > 0 else { return 0 }
    kernels.apply(layers.first, to: rows, stride: Self.inputCount, count: count, into: &first)
    kernels.apply(layers.input, to: first, stride: layers.first.rowCount, count: count, into: &inputGates)
    for i in 0..<count {
      kernels.apply(layers.state, to: state, into: &stateGates)
      kernels.gruStep(
        inputGates: inputGates, from: i * layers.input.rowCount, stateGates: stateGates, state: &state,
        copiedTo: &states, index: i)
    }
    kernels.apply(layers.last, to: states, stride: state.count, count: count, into: &outputs)
    for i in 0..<count { scores[i] = 1 / (1 + exponential(-outputs[i * layers.last.rowCount])) }
    let kept = Self.tapCount - 1
    Kernels.move(&rows, from: count * Self.inputCount, to: 0, count: kept * Self.inputCount)
    rowCount = kept
    return count
  }

  /// Makes the network as it was after `init`.
  mutating func reset() {
    for i in 0..<state.count { state[i] = 0 }
    rowCount = 0
    for _ in 0..<Self.framesBefore { takeEmptyFrame() }
  }
}

/// The weights, as the kernels read them: shared by all networks.
private struct SpeechNetworkLayers: Sendable {
  static let shared = SpeechNetworkLayers()

  let first: DenseLayer
  let input: DenseLayer
  let state: DenseLayer
  let last: DenseLayer
  /// Features count up to these: what is further out was never seen in training.
  let least: [Float]
  let greatest: [Float]
  /// Features of nothing, within those bounds.
  let emptyRow: [Float]

  private init() {
    typealias Table = SpeechNetworkTable
    precondition(Table.inputCount == SpectralAnalyzer.featureCount, "the table is of other features")
    first = Self.layer(
      Table.first, Table.firstUnit, Table.firstBias, Table.firstBiasUnit,
      columnCount: SpeechNetwork.tapCount * Table.inputCount,
      isRectified: true)
    input = Self.layer(
      Table.input, Table.inputUnit, Table.inputBias, Table.inputBiasUnit, columnCount: Table.firstCount)
    state = Self.layer(
      Table.state, Table.stateUnit, Table.stateBias, Table.stateBiasUnit, columnCount: Table.stateCount)
    last = Self.layer(Table.last, Table.lastUnit, Table.lastBias, Table.lastBiasUnit, columnCount: Table.stateCount)
    least = Self.numbers(Table.least, Table.leastUnit)
    greatest = Self.numbers(Table.greatest, Table.greatestUnit)
    emptyRow = zip(least, greatest).map { min(max(0, $0), $1) }
  }

  private static func numbers(_ whole: [Int16], _ unit: Float) -> [Float] { whole.map { Float($0) * unit } }

  private static func layer(
    _ weights: [Int16], _ unit: Float, _ bias: [Int16], _ biasUnit: Float, columnCount: Int, isRectified: Bool = false
  ) -> DenseLayer {
    DenseLayer(
      rows: numbers(weights, unit), bias: numbers(bias, biasUnit), columnCount: columnCount, isRectified: isRectified)
  }
}
