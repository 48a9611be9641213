import CAudioKernels

/// A filter for a ratio of few phases, in the order in which the kernels of a backend want its taps.
///
/// The table's taps stand on a grid of the input rate times ``ResamplingRatio/outputs``: output `n` lies at the grid
/// position
/// `n * inputs` and is the sum of `outputs * taps[n * inputs + lookAhead - i * outputs] * x[i]` over all inputs `i`.
package struct PolyphaseFilter {
  let ratio: ResamplingRatio
  package let splitDepth: Int
  /// The inputs that cycle 0 needs. Its outputs are computed together, when the last of these is there: where products
  /// are put together, a tap of 0 does not keep an input's rounding errors out of an output.
  let window: ClosedRange<Int>

  /// `[leaf][output phase][input phase]`, the leaves in the order p0, p1, p2 at each level.
  let runs: [ak_tap_run]
  let coefficients: [Float]
  let leafTapCount: Int
  /// So many cycles that the parts of a split stream stay in the first-level cache.
  let blockCycleCount: Int

  /// - Parameters:
  ///   - ratio: At most ``CAudioKernels/AK_MAXIMUM_POLYPHASE`` outputs and inputs.
  ///   - laneCount: The width of the backend's vectors.
  ///   - maximumSplitDepth: How often the backend may compute three products in place of four.
  init(_ ratio: ResamplingRatio, _ table: FilterTable, laneCount: Int, maximumSplitDepth: Int) {
    let (outputs, inputs) = (ratio.outputs, ratio.inputs)
    precondition(max(outputs, inputs) <= Int(AK_MAXIMUM_POLYPHASE))
    let first = -((table.taps.count - 1 - table.lookAhead) / outputs)
    let last = ((outputs - 1) * inputs + table.lookAhead) / outputs
    let tapsPerInputPhase = (last - first + inputs) / inputs
    // Four input phases are not dealt out to sixteen streams.
    let depth = (0...min(maximumSplitDepth, inputs == 4 ? 1 : 2)).min {
      Self.cost(ofDepth: $0, ratio, tapsPerInputPhase: tapsPerInputPhase, laneCount: laneCount)
        < Self.cost(ofDepth: $1, ratio, tapsPerInputPhase: tapsPerInputPhase, laneCount: laneCount)
    }!
    // Zeros go before the oldest input that is needed, not behind the newest, which is not there yet.
    let padded = ((tapsPerInputPhase + (1 << depth) - 1) >> depth) << depth
    let start = last + 1 - padded * inputs

    var filters: [[Double]] = []
    for output in 0..<outputs {
      for input in 0..<inputs {
        filters.append(
          (0..<padded).map { j in
            let tap = output * inputs + table.lookAhead - (start + j * inputs + input) * outputs
            return table.taps.indices.contains(tap) ? Double(outputs) * Double(table.taps[tap]) : 0
          })
      }
    }

    var runs: [ak_tap_run] = []
    var coefficients: [Float] = []
    var leafTapCount = 0
    func append(_ filters: [[Double]], depth: Int) {
      guard depth > 0 else {
        for filter in filters {
          let first = filter.firstIndex { $0 != 0 } ?? 0
          var count = (filter.lastIndex { $0 != 0 } ?? -1) + 1 - first
          let taps = filter[first..<first + count]
          if count > laneCount { count = (count + laneCount - 1) / laneCount * laneCount }
          let largest = taps.indices.max { abs(taps[$0]) < abs(taps[$1]) } ?? first
          runs.append(
            ak_tap_run(
              first_input: UInt32(first), tap_count: UInt32(count), first_coefficient: UInt32(coefficients.count),
              largest_tap: UInt32(largest - first)))
          coefficients.append(contentsOf: taps.map { Float($0) })
          coefficients.append(contentsOf: repeatElement(0, count: count - taps.count))
          leafTapCount = max(leafTapCount, first + count)
        }
        return
      }
      let even = filters.map { taps in stride(from: 0, to: taps.count, by: 2).map { taps[$0] } }
      let odd = filters.map { taps in stride(from: 1, to: taps.count, by: 2).map { taps[$0] } }
      let sum = zip(even, odd).map { zip($0, $1).map { $0 + $1 } }
      for part in [even, odd, sum] { append(part, depth: depth - 1) }
    }
    append(filters, depth: depth)

    self.ratio = ratio
    splitDepth = depth
    window = start...last
    self.runs = runs
    self.coefficients = coefficients
    self.leafTapCount = leafTapCount
    // One less where products are put together, because each leaf then computes one more.
    let leafCount = max(1, ((512 / outputs) >> depth) / laneCount) * laneCount
    blockCycleCount = depth == 0 ? leafCount : (leafCount - 1) << depth
  }

  /// What a cycle costs, in multiply-adds, padding included: splitting each input phase and putting each output phase
  /// together costs as much as 20 of them once and 30 twice (measured with AVX2 on a Zen 3, and taken for all
  /// backends). With 16 lanes, what is split twice takes 1.6 times as long where a leaf has more than two vectors of taps
  /// or there are several output phases (measured with AVX-512 on a Zen 4).
  private static func cost(
    ofDepth depth: Int, _ ratio: ResamplingRatio, tapsPerInputPhase tapCount: Int, laneCount: Int
  ) -> Double {
    let leafTaps = (tapCount + (1 << depth) - 1) >> depth
    let padded = leafTaps > laneCount ? (leafTaps + laneCount - 1) / laneCount * laneCount : leafTaps
    let isWide = laneCount == 16 && (padded > 2 * laneCount || ratio.outputs > 1)
    let products = [1, 1.5, isWide ? 3.6 : 2.25][depth] * Double(ratio.outputs * ratio.inputs * padded)
    return products + [0, 20, 30][depth] * Double(ratio.outputs + ratio.inputs)
  }

  /// Outputs that are computed from one window: so many cycles that each has its place in the tree of splits.
  var unitOutputCount: Int { ratio.outputs << splitDepth }

  /// How many outputs can be computed when so many inputs are there: those of whole cycles.
  func outputCount(forInputCount inputCount: Int) -> Int {
    -(window.upperBound - inputCount).flooredQuotient(ratio.inputs) * ratio.outputs
  }
}
