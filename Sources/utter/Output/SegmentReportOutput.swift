/// The one output of a report on all recordings.
///
/// Entries come in the order of the inputs, from one thread.
final class SegmentReportOutput {
  private let report: SegmentReport
  private let output: Output
  private var isEmpty = true

  init(_ report: SegmentReport, to output: Output) throws {
    self.report = report
    self.output = output
    try output.write(report.header)
  }

  func write(_ entry: SegmentReport.Entry) throws {
    try output.write(entry.text(isFirst: isEmpty))
    if !entry.isEmpty { isEmpty = false }
    // A long list of recordings gives its results as they are made.
    try output.flush()
  }

  func finish() throws {
    try output.write(report.footer(isEmpty: isEmpty))
    try output.finish()
  }
}
