/// Computes what lies between the samples: a windowed sinc for each of several instants behind every sample.
struct PeakInterpolator: Sendable {
  /// For each instant; the 16th of them is the sample that the instant follows.
  static let tapCount = 32
  /// Of the Kaiser window: what passes beyond the Nyquist frequency is 70 dB down and more.
  fileprivate static let kaiserShape = 7.0

  /// A row for each instant of each sample of a group, one sample after the other. Its columns are the group's first
  /// sample with 15 before it, and those behind up to 16 behind its last one.
  let layer: DenseLayer
  /// No instant is greater than this times the greatest of the samples.
  let greatestGain: Float

  /// A sinc under a window.
  enum Filter {
    /// All taps, under a Kaiser window: exact to 0.05 dB up to 0.9 of the Nyquist frequency.
    case long
    /// 12 taps under a Hann window, as the filter in ITU-R BS.1770-5, Annex 2, and those of most meters: near the
    /// Nyquist frequency it lets images pass, which add to a peak.
    case short

    /// `distance` is in samples.
    func weight(_ distance: Double) -> Double {
      let sinc = distance == 0 ? 1 : sine(.pi * distance) / (.pi * distance)
      switch self {
      case .long:
        let place = distance / Double(PeakInterpolator.tapCount / 2)
        guard place * place < 1 else { return 0 }
        return sinc * PeakInterpolator.bessel(PeakInterpolator.kaiserShape * (1 - place * place).squareRoot())
          / PeakInterpolator.bessel(PeakInterpolator.kaiserShape)
      case .short:
        guard distance * distance < 36 else { return 0 }
        return sinc * (1 + cosine(.pi * distance / 6)) / 2
      }
    }
  }

  /// An interpolator of `phaseCount` instants a sample by each of the filters, evenly apart, the first of which is the
  /// sample itself.
  init(phaseCount: Int, groupCount: Int, filters: [Filter] = [.long]) {
    let columnCount = Self.tapCount + groupCount - 1
    var rows: [Float] = []
    var greatest = 0.0
    for sample in 0..<groupCount {
      for filter in filters {
        for phase in 0..<phaseCount {
          var row = [Float](repeating: 0, count: columnCount)
          var gain = 0.0
          for tap in 0..<Self.tapCount {
            // From the instant to the tap's sample, in samples.
            let distance = Double(tap - Self.tapCount / 2) + 1 - Double(phase) / Double(phaseCount)
            let weight = filter.weight(distance)
            row[sample + tap] = Float(weight)
            gain += abs(weight)
          }
          greatest = max(greatest, gain)
          rows += row
        }
      }
    }
    layer = DenseLayer(
      rows: rows, bias: [Float](repeating: 0, count: groupCount * filters.count * phaseCount), columnCount: columnCount)
    // With room for rounding.
    greatestGain = Float(greatest * 1.001)
  }

  /// The modified Bessel function of the first kind and order 0, by its series.
  fileprivate static func bessel(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > 1e-12 * sum {
      term *= (x / (2 * k)) * (x / (2 * k))
      sum += term
      k += 1
    }
    return sum
  }
}
