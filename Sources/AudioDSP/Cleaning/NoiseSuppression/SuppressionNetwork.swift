/// Says for every band of a frame by what the gains of its bins are to be multiplied, from the levels of all bands, their
/// heights above their floors, and what the bins' own gains have left of them: a layer and a gated recurrent unit (K. Cho
/// et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", 2014, as in
/// PyTorch's `GRU`). How it was trained is in `Training/README.md`.
///
/// Its state is bounded: each element lies between -1 and 1, and floors look back 1.6 to 1.8 s. Nothing allocates after
/// `init`.
struct SuppressionNetwork: ~Copyable, Sendable {
  /// What a band's gain is multiplied by is less than this.
  static let greatestFactor: Float = 4
  private static let bandCount = SuppressionBands.count
  /// Heights, shape, gains of the bins, and three of the whole frame.
  fileprivate static let inputCount = 3 * bandCount + 3
  /// Added to the power of each band: -100 dBFS.
  private static let leastPower: Float = 1e-10
  /// What bins' gains leave of a band, as a logarithm to the base 2 of powers, is at least that.
  private static let leastChange: Float = -8
  /// Of the loudest level, for each frame: a memory of 5 s.
  private static let peakFallRate: Float = 1.0 / 640

  private let kernels: Kernels
  private let layers = SuppressionNetworkLayers.shared
  private var floors: BandFloors
  private var peakLevel: Float = 0
  private var isFirst = true

  private var row: [Float]
  private var first: [Float]
  private var inputGates: [Float]
  private var stateGates: [Float]
  private var state: [Float]
  private var states: [Float]

  /// A network at the start of a stream.
  init(kernels: Kernels) {
    self.kernels = kernels
    floors = BandFloors(bandCount: Self.bandCount, rate: 0.16, blockLength: 25, blockCount: 9, kernels: kernels)
    row = [Float](repeating: 0, count: Self.inputCount)
    first = [Float](repeating: 0, count: layers.first.rowCount)
    inputGates = [Float](repeating: 0, count: layers.input.rowCount)
    stateGates = [Float](repeating: 0, count: layers.state.rowCount)
    state = [Float](repeating: 0, count: SuppressionNetworkTable.stateCount)
    states = [Float](repeating: 0, count: SuppressionNetworkTable.stateCount)
  }

  /// Writes the factors of the next frame's bands to `factors`, from the powers of its bands and what the bins' gains
  /// have left of them; both arrays are used up.
  mutating func judge(_ powers: inout [Float], left: inout [Float], factors: inout [Float]) {
    let count = Self.bandCount
    kernels.log2(of: &powers, in: 0..<count, plus: Self.leastPower)
    kernels.log2(of: &left, in: 0..<count, plus: Self.leastPower)
    measure(powers, left: left)
    kernels.apply(layers.first, to: row, into: &first)
    kernels.apply(layers.input, to: first, into: &inputGates)
    kernels.apply(layers.state, to: state, into: &stateGates)
    kernels.gruStep(
      inputGates: inputGates, from: 0, stateGates: stateGates, state: &state, copiedTo: &states, index: 0)
    kernels.apply(layers.last, to: states, into: &factors)
    kernels.sigmoid(of: &factors)
    for i in 0..<count { factors[i] *= Self.greatestFactor }
  }

  /// Makes the network as it was after `init`.
  mutating func reset() {
    floors.reset()
    peakLevel = 0
    isFirst = true
    for i in 0..<state.count { state[i] = 0 }
  }

  private mutating func measure(_ levels: [Float], left: [Float]) {
    let count = Self.bandCount
    let mean = kernels.sum(of: levels, in: 0..<count) / Float(count)
    if isFirst || mean > peakLevel {
      peakLevel = mean
    } else {
      peakLevel += Self.peakFallRate * (mean - peakLevel)
    }
    isFirst = false
    Self.write(levels, left: left, mean: mean, peak: peakLevel, kernels, &floors, into: &row)
    Self.limit(&row, kernels, layers)
  }

  // Static, so that each names exactly the state that it changes.

  private static func write(
    _ levels: [Float], left: [Float], mean: Float, peak: Float, _ kernels: Kernels, _ floors: inout BandFloors,
    into row: inout [Float]
  ) {
    let count = bandCount
    var target = row.mutableSpan
    floors.follow(levels, from: 0, heights: &target)
    var (heights, greatestHeight) = (Float(0), Float(0))
    kernels.measure(target, count: count, sum: &heights, greatest: &greatestHeight)
    for i in 0..<count {
      target[count + i] = levels[i] - mean
      target[2 * count + 3 + i] = max(left[i] - levels[i], leastChange)
    }
    target[2 * count] = heights / Float(count)
    target[2 * count + 1] = max(greatestHeight, 0)
    target[2 * count + 2] = mean - peak
  }

  private static func limit(_ row: inout [Float], _ kernels: Kernels, _ layers: SuppressionNetworkLayers) {
    var target = row.mutableSpan
    kernels.limit(&target, least: layers.least, greatest: layers.greatest)
  }
}

/// The weights, as the kernels read them: shared by all networks.
private struct SuppressionNetworkLayers: Sendable {
  static let shared = SuppressionNetworkLayers()

  let first: DenseLayer
  let input: DenseLayer
  let state: DenseLayer
  let last: DenseLayer
  /// Inputs count up to these: what is further out was never seen in training.
  let least: [Float]
  let greatest: [Float]

  private init() {
    typealias Table = SuppressionNetworkTable
    precondition(Table.inputCount == SuppressionNetwork.inputCount, "the table is of other inputs")
    first = Self.layer(
      Table.first, Table.firstUnit, Table.firstBias, Table.firstBiasUnit, columnCount: Table.inputCount,
      isRectified: true)
    input = Self.layer(
      Table.input, Table.inputUnit, Table.inputBias, Table.inputBiasUnit, columnCount: Table.firstCount)
    state = Self.layer(
      Table.state, Table.stateUnit, Table.stateBias, Table.stateBiasUnit, columnCount: Table.stateCount)
    last = Self.layer(Table.last, Table.lastUnit, Table.lastBias, Table.lastBiasUnit, columnCount: Table.stateCount)
    least = Self.numbers(Table.least, Table.leastUnit)
    greatest = Self.numbers(Table.greatest, Table.greatestUnit)
  }

  private static func numbers(_ whole: [Int16], _ unit: Float) -> [Float] { whole.map { Float($0) * unit } }

  private static func layer(
    _ weights: [Int16], _ unit: Float, _ bias: [Int16], _ biasUnit: Float, columnCount: Int, isRectified: Bool = false
  ) -> DenseLayer {
    DenseLayer(
      rows: numbers(weights, unit), bias: numbers(bias, biasUnit), columnCount: columnCount, isRectified: isRectified)
  }
}
