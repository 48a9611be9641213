/// Levels of powers: 0 dB is the power of a full-scale square wave, as in ``FrameFeatures``.
enum Decibels {
  /// Stands for no power at all; what is below it is told as it.
  static let silence = -200.0

  /// Stands for more than can be counted: squares of samples far beyond full scale, as of floats in the wrong byte
  /// order, become infinite.
  static let greatest = 3_100.0

  static func ofPower(_ power: Double) -> Double {
    // 1e-20 is the power of `silence`.
    power > 1e-20 ? (power < .infinity ? 10 * logarithm10(power) : greatest) : silence
  }

  static func power(_ decibels: Double) -> Double { raised(10, decibels / 10) }
}

/// Counts levels in bins of one width: percentiles and means of an endless stream in bounded memory.
///
/// A percentile is exact to half a bin. Levels outside of the range count in its first or last bin.
struct LevelHistogram: Sendable {
  let lowest: Double
  let binWidth: Double
  private var counts: [Int]
  private(set) var count = 0

  init(_ range: ClosedRange<Double>, binWidth: Double) {
    lowest = range.lowerBound
    self.binWidth = binWidth
    counts = [Int](repeating: 0, count: Int((range.upperBound - range.lowerBound) / binWidth) + 1)
  }

  mutating func add(_ level: Double) {
    let place = (level - lowest) / binWidth
    // What is no number counts as the lowest.
    counts[place > 0 ? Int(min(place, Double(counts.count - 1))) : 0] += 1
    count += 1
  }

  /// The level below which the part `share` of all that were added lies; nil where there are none.
  func percentile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let wanted = share * Double(count)
    var passed = 0
    for i in 0..<counts.count {
      passed += counts[i]
      if Double(passed) >= wanted, counts[i] > 0 { return lowest + (Double(i) + 0.5) * binWidth }
    }
    return lowest + (Double(counts.count) - 0.5) * binWidth
  }

  /// The mean of the powers that are below `limit`, as a level; nil where there are none. Exact to a fiftieth of a bin's
  /// width for bins of 0.25 dB: the mean of a bin's powers is near that of its middle.
  func meanPower(below limit: Double) -> Double? {
    var (sum, counted) = (0.0, 0)
    for i in 0..<counts.count where counts[i] > 0 && lowest + Double(i) * binWidth < limit {
      sum += Double(counts[i]) * Decibels.power(lowest + (Double(i) + 0.5) * binWidth)
      counted += counts[i]
    }
    return counted > 0 ? Decibels.ofPower(sum / Double(counted)) : nil
  }

  mutating func reset() {
    for i in 0..<counts.count { counts[i] = 0 }
    count = 0
  }
}
