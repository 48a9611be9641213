/// Which filters lead from one rate to another.
///
/// - The *table* is the sharp filter, equiripple, one for each of six ratios: 1/2, 2/3 and 3/4 going down, 2/1, 3/2 and
///   4/3 going up.
/// - *Half-bands* stand for further octaves, before the table going down and behind it going up, where the rate is so
///   high that a few taps keep the octave's images away.
/// - A *bank* stands for every other ratio: a short filter of many phases between the given rate and twice the lower
///   one, from where or to which the table 1/2 or 2/1 leads.
package struct ResamplingChain {
  /// More phases than these are not tabulated, nor more coefficients: a count of phases that is no multiple of the
  /// lanes is tabulated as often as there are lanes. 1 MB stays in the second-level cache.
  private static let maximumPhaseCount = 1024
  private static let maximumCoefficientCount = 1 << 18
  /// A bank that goes down from less than this many times the output rate lets a tone just above the lower Nyquist
  /// frequency pass twice, as itself and as an image, so that the table behind it must be deeper.
  private static let deepRateRatio = 1.6

  private let quality: ResamplingQuality
  private let phase: ResamplingPhase
  private let laneCount: Int
  private let splitDepth: Int
  package private(set) var stages: [ResamplingStage] = []

  package init(
    _ ratio: ResamplingRatio, quality: ResamplingQuality, phase: ResamplingPhase, laneCount: Int, splitDepth: Int
  ) {
    self.quality = quality
    self.phase = phase
    self.laneCount = laneCount
    self.splitDepth = splitDepth
    if ratio.outputs < ratio.inputs {
      appendDown(ratio)
    } else if ratio.outputs > ratio.inputs {
      appendUp(ratio)
    }
  }

  private mutating func appendDown(_ ratio: ResamplingRatio) {
    for (outputs, inputs) in [(1, 2), (2, 3), (3, 4)] {
      let octaves = Self.octaves(in: ratio.inputs * outputs, over: ratio.outputs * inputs)
      if let octaves, let halfBands = Self.halfBands(ratio.outputs, ratio.inputs, count: octaves) {
        for table in halfBands { append(1, 2, table) }
        append(outputs, inputs, .down)
        return
      }
    }
    // From at least twice and less than four times the output rate, or from where it is less from the start.
    var octaves = 0
    while ratio.inputs >= ratio.outputs << (octaves + 2) { octaves += 1 }
    // Each starts from at least four times the output rate.
    let halfBands = Self.halfBands(ratio.outputs, ratio.inputs, count: octaves)!
    for table in halfBands { append(1, 2, table) }
    let inputRate = Double(ratio.inputs) / Double(ratio.outputs << octaves)
    appendBank(ResamplingRatio(ratio.outputs << (octaves + 1), to: ratio.inputs), inputsPerUnit: 2 * inputRate)
    append(1, 2, inputRate < Self.deepRateRatio ? .deep : .down)
  }

  private mutating func appendUp(_ ratio: ResamplingRatio) {
    for (outputs, inputs) in [(2, 1), (3, 2), (4, 3)] {
      let octaves = Self.octaves(in: ratio.outputs * inputs, over: ratio.inputs * outputs)
      if let octaves, let halfBands = Self.halfBands(ratio.inputs, ratio.outputs, count: octaves) {
        append(outputs, inputs, .up)
        for table in halfBands.reversed() { append(2, 1, table) }
        return
      }
    }
    append(2, 1, .up)
    appendBank(ResamplingRatio(ratio.outputs, to: 2 * ratio.inputs), inputsPerUnit: 4)
  }

  /// How many octaves one number lies above another, if it is a whole number of them.
  private static func octaves(in high: Int, over low: Int) -> Int? {
    var (octaves, low) = (0, low)
    while low < high { (octaves, low) = (octaves + 1, 2 * low) }
    return low == high ? octaves : nil
  }

  /// The half-bands that lead from the high rate of a ratio down by octaves: each protects what is below half of the
  /// low rate. Nil where that is more than a sixth of the rate that one starts from, so that it would not be short.
  private static func halfBands(_ low: Int, _ high: Int, count: Int) -> [FilterTable]? {
    var tables: [FilterTable] = []
    for octave in 0..<count {
      guard 3 * (low << octave) <= high else { return nil }
      tables.append(FilterTables.halfBand(protecting: Double(low << octave) / Double(2 * high)))
    }
    return tables
  }

  private mutating func append(_ outputs: Int, _ inputs: Int, _ kind: FilterTables.Kind) {
    append(outputs, inputs, FilterTables.table(quality, phase, gridRate: 2 * max(outputs, inputs), kind: kind))
  }

  private mutating func append(_ outputs: Int, _ inputs: Int, _ table: FilterTable) {
    stages.append(
      .polyphase(
        PolyphaseFilter(
          ResamplingRatio(outputs, to: inputs), table, laneCount: laneCount, maximumSplitDepth: splitDepth)))
  }

  private mutating func appendBank(_ ratio: ResamplingRatio, inputsPerUnit: Double) {
    assert(ratio.outputs != ratio.inputs, "powers of two have no bank")
    let response = ImpulseResponse(FilterTables.shortKernel(quality), inputsPerUnit: inputsPerUnit)
    let isTabulated =
      ratio.outputs <= Self.maximumPhaseCount
      && GroupedFilterBank.coefficientCount(ratio, response, groupSize: laneCount) <= Self.maximumCoefficientCount
    stages.append(
      isTabulated
        ? .grouped(GroupedFilterBank(ratio, response, groupSize: laneCount))
        : .interpolated(InterpolatedFilterBank(ratio, response, laneCount: laneCount)))
  }
}
