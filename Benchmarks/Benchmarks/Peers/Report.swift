import Foundation

/// Ours against one peer.
struct CaseResult {
  var stage: Stage
  var quality: String?
  var inputRate: Int?
  var mode: Mode
  var unit: Unit
  var sizeInBytes: Int?
  var ours: Double
  var peerName: String
  var peer: Double
  var ourWorstDelay: Double?
  var peerWorstDelay: Double?

  enum Mode: String { case oneshot, stream20 }

  enum Unit: String {
    /// Seconds of audio per second of one core.
    case timesRealTime = "x"
    case gigabytesPerSecond = "GB/s"
  }

  var json: String {
    let fields: [(String, String)] = [
      ("stage", quoted(stage.rawValue)), ("quality", quality.map(quoted) ?? "null"),
      ("in_rate", inputRate.map { "\($0)" } ?? "null"), ("mode", quoted(mode.rawValue)),
      ("unit", quoted(unit.rawValue)),
      ("size_bytes", sizeInBytes.map { "\($0)" } ?? "null"), ("ours", number(ours)), ("peer_name", quoted(peerName)),
      ("peer", number(peer)), ("ratio", number(ours / peer)),
      ("ours_worst_delay_ms", ourWorstDelay.map(number) ?? "null"),
      ("peer_worst_delay_ms", peerWorstDelay.map(number) ?? "null"),
    ]
    return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
  }

  /// Names here need no escaping.
  private func quoted(_ text: String) -> String { "\"\(text)\"" }

  private func number(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}

/// Standard output and standard error.
enum Report {
  /// One line of a result. Fails when it cannot be written.
  static func result(_ line: String) throws {
    try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Progress, for whoever waits.
  static func progress(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("peers: \(line)\n".utf8))
  }

  /// A table in Markdown: the first column left, the others right.
  static func table(title: String, header: [String], rows: [[String]]) throws {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max()! }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { i in
        let padding = String(repeating: " ", count: widths[i] - cells[i].count)
        return i == 0 ? cells[i] + padding : padding + cells[i]
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
    let rule = widths.indices.map { i in
      String(repeating: "-", count: i == 0 ? widths[i] : widths[i] - 1) + (i == 0 ? "" : ":")
    }
    try result(title)
    try result("")
    for cells in [header, rule] + rows { try result(line(cells)) }
    try result("")
  }

  /// Three significant digits or more: figures here do not repeat to the fourth.
  static func figure(_ value: Double) -> String {
    String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value)
  }
}
