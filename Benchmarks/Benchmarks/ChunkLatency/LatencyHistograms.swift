import Histogram
import LatencyBudget

/// Keeps a histogram of each figure, with three significant digits, however many chunks there are.
struct LatencyHistograms: LatencyRecorder {
  private var histograms = LatencyFigure.allCases.map { _ in
    // A nanosecond to ten seconds; what is longer still counts as that.
    Histogram<UInt32>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
  }

  private static let longest: UInt64 = 10_000_000_000

  mutating func record(_ nanoseconds: UInt64, as figure: LatencyFigure) {
    histograms[figure.rawValue].record(min(nanoseconds, Self.longest))
  }

  func percentiles(of figure: LatencyFigure) -> LatencyPercentiles {
    let histogram = histograms[figure.rawValue]
    func value(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) * 1e-3 }
    return LatencyPercentiles(p50: value(50), p99: value(99), p999: value(99.9), max: Double(histogram.max) * 1e-3)
  }
}
