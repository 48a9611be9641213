/// Computes what lies between the samples: a windowed sinc for each of several instants behind every sample.
struct PeakInterpolator: Sendable {
  /// For each instant; the 16th of them is the sample that the instant follows.
  static let tapCount = 32
  /// Of the Kaiser window: what passes beyond the Nyquist frequency is 70 dB down and more.
  private static let kaiserShape = 7.0

  /// A row for each instant of each sample of a group, one sample after the other. Its columns are the group's first
  /// sample with 15 before it, and those behind up to 16 behind its last one.
  let layer: DenseLayer
  /// No instant is greater than this times the greatest of the samples.
  let greatestGain: Float

  /// An interpolator of `phaseCount` instants a sample, evenly apart, the first of which is the sample itself.
  init(phaseCount: Int, groupCount: Int) {
    let columnCount = Self.tapCount + groupCount - 1
    var rows: [Float] = []
    var greatest = 0.0
    for sample in 0..<groupCount {
      for phase in 0..<phaseCount {
        var row = [Float](repeating: 0, count: columnCount)
        var gain = 0.0
        for tap in 0..<Self.tapCount {
          // From the instant to the tap's sample, in samples.
          let distance = Double(tap - Self.tapCount / 2) + 1 - Double(phase) / Double(phaseCount)
          let place = distance / Double(Self.tapCount / 2)
          let window =
            place * place < 1
            ? Self.bessel(Self.kaiserShape * (1 - place * place).squareRoot()) / Self.bessel(Self.kaiserShape) : 0
          let weight = (distance == 0 ? 1 : sine(.pi * distance) / (.pi * distance)) * window
          row[sample + tap] = Float(weight)
          gain += abs(weight)
        }
        greatest = max(greatest, gain)
        rows += row
      }
    }
    layer = DenseLayer(
      rows: rows, bias: [Float](repeating: 0, count: groupCount * phaseCount), columnCount: columnCount)
    // With room for rounding.
    greatestGain = Float(greatest * 1.001)
  }

  /// The modified Bessel function of the first kind and order 0, by its series.
  private static func bessel(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > 1e-12 * sum {
      term *= (x / (2 * k)) * (x / (2 * k))
      sum += term
      k += 1
    }
    return sum
  }
}
