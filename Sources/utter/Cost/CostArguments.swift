import ArgumentParser
import RealtimeVoice

/// Minutes as they are written, in whole milliseconds: binary floating point would not hold 0.1 of a minute.
struct MinutesArgument: ExpressibleByArgument, CustomStringConvertible {
  /// In ten-thousandths of a minute, 6 ms each.
  private let units: Int

  init(wholeMinutes: Int) {
    units = wholeMinutes * 10_000
  }

  /// - Parameter duration: What an argument gave.
  init(_ duration: Duration) {
    units = Int(duration / .milliseconds(6))
  }

  init?(argument: String) {
    guard let units = decimal(argument, places: 4), units <= 1_440 * 10_000 else { return nil }
    self.units = units
  }

  var duration: Duration { .milliseconds(6 * units) }

  /// As on the command line, with as many decimals as it needs.
  var description: String { decimalText(units, places: 4) }

  static let help = "0 to 1440, with up to four decimals"
}

/// A part of a whole, in millionths.
struct ShareArgument: ExpressibleByArgument, CustomStringConvertible {
  let millionths: Int

  init(millionths: Int) {
    self.millionths = millionths
  }

  init?(argument: String) {
    guard let value = decimal(argument, places: 6), value <= 1_000_000 else { return nil }
    millionths = value
  }

  var description: String { decimalText(millionths, places: 6) }
}

extension CostCommand {
  /// Where the figures come from.
  enum Mode: String, CaseIterable, Sendable, ExpressibleByArgument {
    case perMinute = "per-minute"
    case tokens, context, actual

    /// nil for what has happened.
    var estimate: CostMode? { CostMode(rawValue: rawValue) }
  }
}

/// Digits, and a period with up to `places` more, as a whole number of units of the last place; nil for other text.
private func decimal(_ text: String, places: Int) -> Int? {
  let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
  guard (1...9).contains(parts[0].utf8.count), parts.count == 1 || (1...places).contains(parts[1].utf8.count),
    parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
  else { return nil }
  let fraction = parts.count == 2 ? String(parts[1]) : ""
  return Int(parts[0] + fraction + String(repeating: "0", count: places - fraction.utf8.count))
}

private func decimalText(_ units: Int, places: Int) -> String {
  var text = String(units)
  text = String(repeating: "0", count: max(0, places + 1 - text.count)) + text
  let fraction = text.suffix(places).reversed().drop { $0 == "0" }.reversed()
  return text.dropLast(places) + (fraction.isEmpty ? "" : "." + fraction)
}
