/// The bands that a ``NoiseSuppressor`` judges by, and how they lie in the bins of its spectra.
///
/// Each band is a triangle that reaches from the centre before its own to the one behind it, so that all together weigh
/// every bin by 1. Centres lie 62.5 to 125 Hz apart below 1 kHz and at even ratios from there to 8 kHz, on bins of 31.25
/// Hz: about what the ear tells apart (B. Moore, B. Glasberg, "Suggested formulae for calculating auditory-filter
/// bandwidths and excitation patterns", 1983), and what a window of 32 ms does.
struct SuppressionBands: Sendable {
  /// In Hz.
  static let centers: [Double] =
    [0, 62.5, 125, 187.5, 250, 312.5, 375, 468.75, 562.5, 656.25, 750, 875, 1_000]
    + (1...21).map { (1_000 * raised(8, Double($0) / 21) / 31.25).rounded(.toNearestOrEven) * 31.25 }
  static var count: Int { centers.count }

  /// From the powers of bins to those of the bands, for bins up to the last centre.
  let measure: DenseLayer
  /// From the gains of bands to those of bins; above the last centre they are that of the last band.
  let spread: DenseLayer

  init(_ sampleRate: SampleRate, transformLength: Int) {
    let spacing = Double(sampleRate.hertz) / Double(transformLength)
    let binCount = transformLength / 2 + 1
    let bands = Self.count
    var measure = [Float](repeating: 0, count: bands * binCount)
    var spread = [Float](repeating: 0, count: binCount * bands)
    for bin in 0..<binCount {
      let hertz = Double(bin) * spacing
      for (band, weight) in Self.weights(at: hertz) {
        // As for bins that are 31.25 Hz apart.
        if hertz <= Self.centers[bands - 1] { measure[band * binCount + bin] = Float(weight * spacing / 31.25) }
        spread[bin * bands + band] = Float(weight)
      }
    }
    self.measure = DenseLayer(bands: measure, columnCount: binCount)
    self.spread = DenseLayer(bands: spread, columnCount: bands)
  }

  /// The one or two bands that weigh a frequency, of a total of 1.
  private static func weights(at hertz: Double) -> [(band: Int, weight: Double)] {
    guard let next = centers.firstIndex(where: { $0 > hertz }) else { return [(count - 1, 1)] }
    // The first centre is 0.
    let part = (hertz - centers[next - 1]) / (centers[next] - centers[next - 1])
    return [(next - 1, 1 - part), (next, part)]
  }
}
