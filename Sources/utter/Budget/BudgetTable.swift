import Foundation
import LatencyBudget

/// A report for people.
struct BudgetTable {
  private let report: LatencyReport

  init(_ report: LatencyReport) {
    self.report = report
  }

  var text: String {
    let measurement = report.measurement
    let path = measurement.path
    var lines = [
      "\(path.inputRate) stereo -> \(path.outputRate) in events of \(Self.decimals(report.delays.chunkFill, 0)) ms, "
        + "\(path.detector.rawValue) detector, \(path.quality.rawValue) filter (\(path.phase.rawValue) phase)",
      "\(counted(measurement.chunkCount, "chunk")) of \(counted(measurement.streamCount, "stream")) on one core, "
        + "\(report.backend) kernels",
      "",
      Self.row("stage", "delay ms", ["p50 us", "p99 us", "p99.9 us", "max us"], "owner"),
    ]
    lines += report.stages.filter { $0.role == .chunk }.map(Self.row)
    let total = Self.decimals(report.totalMilliseconds, 3)
    let budget = Self.decimals(report.budgetMilliseconds, 3)
    let part = 100 * report.totalMilliseconds / report.budgetMilliseconds
    lines += [
      Self.row("whole chunk", "", Self.figures(report.chunk), "")
    ]
    if measurement.streamCount > 1 {
      lines.append(Self.row("whole chunk, waited for", "", Self.figures(report.latency), ""))
    }
    lines += [
      "",
      Self.line("total: microphone to event", total, "(\(Self.decimals(part, 1)) % of \(budget) ms)"),
    ]
    let left = report.remainingMilliseconds
    lines.append(
      left < 0
        ? Self.line("over budget by", Self.decimals(-left, 3))
        : Self.line("left for network and model", Self.decimals(left, 3)))
    lines += ["", "turns"]
    lines += report.stages.filter { $0.role != .chunk }.map { stage in
      Self.line(stage.name, Self.decimals(stage.algorithmicMilliseconds, 3), stage.owner)
    }
    lines += [
      Self.line("start known", Self.decimals(report.turnStartMilliseconds, 3), "after a turn's first sample"),
      Self.line("end sent", Self.decimals(report.turnEndMilliseconds, 3), "after a turn's last sample"),
      "",
      "\(Int(measurement.realTimeFactor)) x real time on one core, \(Int(measurement.meanRealTimeFactor)) x with "
        + "interruptions; \(counted(measurement.deadlineMisses, "missed deadline"))",
      "a clock read takes \(Self.decimals(report.clockReadNanoseconds, 0)) ns, which every figure includes",
    ]
    return lines.map { $0 + "\n" }.joined()
  }

  static func decimals(_ value: Double, _ count: Int) -> String { String(format: "%.\(count)f", value) }

  private static func figures(_ figures: LatencyPercentiles) -> [String] {
    [figures.p50, figures.p99, figures.p999, figures.max].map { decimals($0, 3) }
  }

  private static func row(_ stage: LatencyReport.Stage) -> String {
    let isComputed = stage.compute != .none
    return row(
      stage.name, decimals(stage.algorithmicMilliseconds, 3),
      isComputed ? figures(stage.compute) : ["", "", "", ""], stage.owner)
  }

  private static func row(_ name: String, _ delay: String, _ figures: [String], _ owner: String) -> String {
    let row =
      leading(name) + padded(delay, 10) + figures.map { " " + padded($0, 10) }.joined() + "  " + owner
    return trimmed(row)
  }

  private static func line(_ name: String, _ milliseconds: String, _ remark: String = "") -> String {
    trimmed(leading(name) + padded(milliseconds, 10) + " ms  " + remark)
  }

  private static func leading(_ name: String) -> String {
    let width = 28
    return name + String(repeating: " ", count: max(1, width - name.count))
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
