import CAudioKernels

/// The filters of every phase of a ratio, tabulated, in groups of neighbouring outputs.
///
/// A group's outputs share the window from the first input that its first output needs to the last that its last one
/// needs; where an output does not need an input, its coefficient is 0. So that a kernel's lanes are outputs, each summed
/// in tap order, and no lane gathers.
struct GroupedFilterBank {
  static let groupSize = Int(AK_RESAMPLING_GROUP)

  let ratio: ResamplingRatio
  let halfWidth: Int
  /// The width of a group's window.
  let tapCount: Int
  /// `[cycle][tap][groupSize]`
  let coefficients: [Float]
  /// For each group of the cycle, the start of its window after the start of the cycle's first window.
  let groupOffsets: [UInt32]
  /// How many inputs a cycle advances.
  let cycleInputCount: Int

  /// How many coefficients the bank of a ratio has.
  static func coefficientCount(_ ratio: ResamplingRatio, halfWidth: Int) -> Int {
    let cycle = leastCommonMultiple(ratio.outputs, groupSize) / groupSize
    return cycle * (2 * halfWidth + (groupSize - 1) * ratio.inputs / ratio.outputs + 1) * groupSize
  }

  init(_ ratio: ResamplingRatio, prototype: LowpassPrototype) {
    let cycleOutputCount = Self.leastCommonMultiple(ratio.outputs, Self.groupSize)
    let groupCount = cycleOutputCount / Self.groupSize
    let ownTapCount = 2 * prototype.halfWidth
    let bases = (0..<cycleOutputCount).map(ratio.inputBase(ofOutput:))
    let reach = (0..<groupCount).map { bases[$0 * Self.groupSize + Self.groupSize - 1] - bases[$0 * Self.groupSize] }
    let tapCount = ownTapCount + reach.max()!

    // Phases repeat within a cycle when the ratio's outputs are no multiple of the group size.
    var phases = [[Float]?](repeating: nil, count: ratio.outputs)
    var coefficients = [Float](repeating: 0, count: groupCount * tapCount * Self.groupSize)
    for output in 0..<cycleOutputCount {
      let phase = ratio.phase(ofOutput: output)
      let filter =
        phases[phase]
        ?? (0..<ownTapCount).map { tap in
          Float(
            prototype.value(at: Double(phase) / Double(ratio.outputs) + Double(prototype.halfWidth - 1 - tap)))
        }
      phases[phase] = filter
      let (group, lane) = output.quotientAndRemainder(dividingBy: Self.groupSize)
      let start = bases[output] - bases[group * Self.groupSize]
      for tap in 0..<ownTapCount {
        coefficients[(group * tapCount + start + tap) * Self.groupSize + lane] = filter[tap]
      }
    }
    self.ratio = ratio
    self.halfWidth = prototype.halfWidth
    self.tapCount = tapCount
    self.coefficients = coefficients
    groupOffsets = (0..<groupCount).map { UInt32(bases[$0 * Self.groupSize]) }
    cycleInputCount = cycleOutputCount / ratio.outputs * ratio.inputs
  }

  /// One past the last input that a group reads, from the start of the cycle in which the group count starts.
  func inputEnd(ofGroup group: Int) -> Int {
    let (cycle, inCycle) = group.quotientAndRemainder(dividingBy: groupOffsets.count)
    return cycle * cycleInputCount + Int(groupOffsets[inCycle]) + tapCount
  }

  private static func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
    // b is a power of two, so the greatest common divisor is the lesser of b and a's lowest bit.
    a / min(b, a & -a) * b
  }
}

/// Rows of cubic polynomials between which the phases of any ratio lie, for ratios with too many to tabulate.
///
/// The interpolation error of a cubic through Chebyshev nodes is at most `(w / rowCount)^4 / 3072` for a tone of `w`
/// radians per input sample: 174 dB below it at `w` = pi and 64 rows. The filter passes no more than the lower Nyquist
/// frequency, so that fewer rows do where the rate falls.
struct CubicFilterBank {
  let ratio: ResamplingRatio
  let halfWidth: Int
  let rowCount: Int
  /// `[rowCount][tapCount][4]`, the constant term first.
  let coefficients: [Float]

  var tapCount: Int { 2 * halfWidth }

  init(_ ratio: ResamplingRatio, prototype: LowpassPrototype) {
    let rowCount = (64 * min(ratio.inputs, ratio.outputs) + ratio.inputs - 1) / ratio.inputs
    let taps = 2 * prototype.halfWidth
    var coefficients: [Float] = []
    coefficients.reserveCapacity(rowCount * taps * 4)
    // Chebyshev nodes of order 4 on 0 ... 1: (1 - cos((2k + 1) pi / 8)) / 2, by the sine of the complement.
    let nodes = (0..<4).map { 0.5 - 0.5 * sine(Double.pi / 2 - Double(2 * $0 + 1) * Double.pi / 8) }
    for row in 0..<rowCount {
      for tap in 0..<taps {
        let offset = Double(prototype.halfWidth - 1 - tap)
        let values = nodes.map { prototype.value(at: (Double(row) + $0) / Double(rowCount) + offset) }
        coefficients.append(contentsOf: Self.cubic(through: values, at: nodes).map { Float($0) })
      }
    }
    self.ratio = ratio
    self.halfWidth = prototype.halfWidth
    self.rowCount = rowCount
    self.coefficients = coefficients
  }

  /// One past the last input that output `count` after the one at `phase` reads, from the start of the first's window.
  func inputEnd(ofOutput count: Int, fromPhase phase: Int) -> Int {
    (phase + count * ratio.inputs) / ratio.outputs + tapCount
  }

  /// The coefficients of the cubic with the given values at four nodes, constant term first, by Newton's divided
  /// differences.
  private static func cubic(through values: [Double], at nodes: [Double]) -> [Double] {
    var differences = values
    for order in 1..<4 {
      for i in stride(from: 3, through: order, by: -1) {
        differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order])
      }
    }
    // Horner's scheme over (x - node), expanded into powers of x.
    var polynomial = [0.0, 0, 0, 0]
    for i in stride(from: 3, through: 0, by: -1) {
      for power in stride(from: 3, through: 1, by: -1) {
        polynomial[power] = polynomial[power - 1] - nodes[i] * polynomial[power]
      }
      polynomial[0] = differences[i] - nodes[i] * polynomial[0]
    }
    return polynomial
  }
}
