import Foundation
import LatencyBudget

/// What a case of detector, rate and chunk length came to.
struct CaseResult {
  var report: LatencyReport
  var allocations: Int

  var isWithinBudget: Bool {
    let measurement = report.measurement
    return report.isWithinBudget && allocations == 0
      && report.chunk.p99 * 1e-3 < report.budgetMilliseconds * 0.01
      && measurement.deadlineMisses * 1_000 <= measurement.chunkCount
  }

  static let header = """
    | detector | from Hz | chunk ms | delay ms | p50 us | p99 us | p99.9 us | max us | x real time | misses \
    | allocations | left ms |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    """

  var row: String {
    let delays = report.delays
    let path = report.measurement.path
    let columns = [
      path.detector.rawValue, "\(path.inputRate.hertz)", format(delays.chunkFill, 0), format(delays.chunk, 1),
    ]
    let rest = [
      "\(Int(report.measurement.realTimeFactor))", "\(report.measurement.deadlineMisses)", "\(allocations)",
      format(report.remainingMilliseconds, 1),
    ]
    return "| " + (columns + figures(report.chunk) + rest).joined(separator: " | ") + " |"
  }

  /// A line for each stage, in a table's form of its own.
  var stageRows: String {
    var lines = ["", "| stage | delay ms | p50 us | p99 us | p99.9 us | max us | owner |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for stage in report.stages {
      let columns = [stage.name, format(stage.algorithmicMilliseconds, 3)] + figures(stage.compute) + [stage.owner]
      lines.append("| " + columns.joined(separator: " | ") + " |")
    }
    lines.append("")
    return lines.map { $0 + "\n" }.joined()
  }

  var json: String { report.json([("allocations", "\(allocations)")]) }

  private func figures(_ figures: LatencyPercentiles) -> [String] {
    [figures.p50, figures.p99, figures.p999, figures.max].map { format($0, 2) }
  }

  private func format(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
}
