/// The filters of every phase of a ratio, tabulated, in groups of neighbouring outputs.
///
/// A group's outputs share the window from the first input that its first output needs to the last that its last one
/// needs; where an output does not need an input, its coefficient is 0. So that a kernel's lanes are outputs, each
/// summed in tap order, and no lane gathers.
package struct GroupedFilterBank {
  let ratio: ResamplingRatio
  let halfWidth: Int
  /// How many outputs a group has: the lanes of the backend's vectors.
  let groupSize: Int
  /// The width of a group's window.
  let tapCount: Int
  /// `[cycle][tap][groupSize]`
  let coefficients: [Float]
  /// For each group of the cycle, the start of its window after the start of the cycle's first window.
  let groupOffsets: [UInt32]
  /// How many inputs a cycle advances.
  let cycleInputCount: Int

  /// How many coefficients the bank of a ratio has, or a few more.
  static func coefficientCount(_ ratio: ResamplingRatio, _ response: ImpulseResponse, groupSize: Int) -> Int {
    leastCommonMultiple(ratio.outputs, groupSize)
      * (2 * response.halfWidth + (groupSize - 1) * ratio.inputs / ratio.outputs + 1)
  }

  init(_ ratio: ResamplingRatio, _ response: ImpulseResponse, groupSize: Int) {
    let cycleOutputCount = Self.leastCommonMultiple(ratio.outputs, groupSize)
    let groupCount = cycleOutputCount / groupSize
    let ownTapCount = 2 * response.halfWidth
    let bases = (0..<cycleOutputCount).map(ratio.inputBase(ofOutput:))
    let reach = (0..<groupCount).map { bases[$0 * groupSize + groupSize - 1] - bases[$0 * groupSize] }
    let tapCount = ownTapCount + reach.max()!

    // Phases repeat within a cycle when the ratio's outputs are no multiple of the group size.
    var phases = [[Float]?](repeating: nil, count: ratio.outputs)
    var coefficients = [Float](repeating: 0, count: groupCount * tapCount * groupSize)
    for output in 0..<cycleOutputCount {
      let phase = ratio.phase(ofOutput: output)
      let filter = phases[phase] ?? response.taps(atPhase: Double(phase) / Double(ratio.outputs))
      phases[phase] = filter
      let (group, lane) = output.quotientAndRemainder(dividingBy: groupSize)
      let start = bases[output] - bases[group * groupSize]
      for tap in 0..<ownTapCount {
        coefficients[(group * tapCount + start + tap) * groupSize + lane] = filter[tap]
      }
    }
    self.ratio = ratio
    self.groupSize = groupSize
    halfWidth = response.halfWidth
    self.tapCount = tapCount
    self.coefficients = coefficients
    groupOffsets = (0..<groupCount).map { UInt32(bases[$0 * groupSize]) }
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

/// Rows of taps between which the phases of any ratio lie on straight lines, for ratios with too many to tabulate.
package struct InterpolatedFilterBank {
  /// Enough that the straight lines between the rows stay within every mask. Their error falls with the square of the
  /// count, and is greatest from hardly more than the lower rate, where what passes of the images around the input rate
  /// is interpolated too: half as many leave -122 dB from 24,211 to 24,000 Hz.
  package static let rowCount = 2048

  let ratio: ResamplingRatio
  let halfWidth: Int
  /// `[rowCount + 1][tapCount]`
  let coefficients: [Float]
  /// Twice the half width, with zeros added up to whole vectors.
  let tapCount: Int

  init(_ ratio: ResamplingRatio, _ response: ImpulseResponse, laneCount: Int) {
    let ownTapCount = 2 * response.halfWidth
    let tapCount = (ownTapCount + laneCount - 1) / laneCount * laneCount
    var coefficients: [Float] = []
    coefficients.reserveCapacity((Self.rowCount + 1) * tapCount)
    for row in 0...Self.rowCount {
      coefficients.append(contentsOf: response.taps(atPhase: Double(row) / Double(Self.rowCount)))
      coefficients.append(contentsOf: repeatElement(0, count: tapCount - ownTapCount))
    }
    self.ratio = ratio
    halfWidth = response.halfWidth
    self.coefficients = coefficients
    self.tapCount = tapCount
  }

  /// One past the last input that output `count` after the one at `phase` reads, from the start of the first's window.
  func inputEnd(ofOutput count: Int, fromPhase phase: Int) -> Int {
    (phase + count * ratio.inputs) / ratio.outputs + tapCount
  }
}

/// A continuous impulse response, from which the taps of every phase are read.
///
/// It is `sum of a[k] cos(2 pi k t / support)` for `|t| <= support / 2` and 0 outside, with `t` in units of 1/fN: a
/// filter that passes what is below fN and stops the surroundings of every multiple of 4 fN.
struct ImpulseResponse {
  /// The response is 0 outside of `-halfWidth ... halfWidth` input samples.
  let halfWidth: Int
  private let kernel: ShortKernel
  private let inputsPerUnit: Double

  /// - Parameter inputsPerUnit: The input rate divided by fN, the lower Nyquist frequency.
  init(_ kernel: ShortKernel, inputsPerUnit: Double) {
    self.kernel = kernel
    self.inputsPerUnit = inputsPerUnit
    halfWidth = Int((kernel.support / 2 * inputsPerUnit).rounded(.up))
  }

  /// The taps of an output that lies `phase` (0 ... 1) input samples behind the input with which the later half of its
  /// `2 * halfWidth` inputs begins, less one: input `j` of them stands at `j - halfWidth + 1`.
  func taps(atPhase phase: Double) -> [Float] {
    (0..<2 * halfWidth).map { Float(value(at: phase + Double(halfWidth - 1 - $0))) }
  }

  /// By Clenshaw's recurrence for a sum of cosines.
  private func value(at time: Double) -> Double {
    let t = time / inputsPerUnit
    guard abs(t) <= kernel.support / 2 else { return 0 }
    let twiceCosine = 2 * cosine(2 * Double.pi * t / kernel.support)
    var (b1, b2) = (0.0, 0.0)
    for a in kernel.cosines.dropFirst().reversed() { (b1, b2) = (a + twiceCosine * b1 - b2, b1) }
    return (kernel.cosines[0] + twiceCosine / 2 * b1 - b2) / inputsPerUnit
  }
}
