/// Where the marks of a time axis stand, and what is written there.
struct TimeAxis {
  struct Tick: Equatable {
    /// In seconds.
    var time: Double
    var label: String
  }

  /// The most intervals between marks, so that labels do not run into each other.
  private static let longestCount = 12.0
  /// Steps that people count in, in milliseconds; beyond them come days.
  private static let steps =
    [1, 2, 5, 10, 20, 50, 100, 200, 500]
    + [1, 2, 5, 10, 15, 30].map { $0 * 1_000 } + [1, 2, 5, 10, 15, 30].map { $0 * 60_000 }
    + [1, 2, 3, 6, 12].map { $0 * 3_600_000 }
  private static let day = 86_400_000

  /// What the axis shows, in seconds.
  let duration: Double
  let ticks: [Tick]
  /// What the labels are written in.
  let unit: String

  /// - Parameter duration: In seconds, more than 0.
  init(duration: Double) {
    self.duration = duration
    let milliseconds = duration * 1_000
    let step = Self.step(for: milliseconds)
    let text: (Int) -> String
    switch milliseconds {
    case ..<60_000: (unit, text) = ("s", { Self.seconds($0, step: step) })
    case ..<3_600_000: (unit, text) = ("min:s", { "\($0 / 60_000):\(Self.twoDigits($0 / 1_000 % 60))" })
    default: (unit, text) = ("h:min", { "\($0 / 3_600_000):\(Self.twoDigits($0 / 60_000 % 60))" })
    }
    // A mark at the very end must not fall to a rounding error.
    let last = Int((milliseconds / Double(step) + 1e-9).rounded(.down))
    ticks = (0...last).map { Tick(time: Double($0 * step) / 1_000, label: text($0 * step)) }
  }

  private static func step(for milliseconds: Double) -> Int {
    let least = milliseconds / longestCount
    if let step = steps.first(where: { Double($0) >= least }) { return step }
    var days = day
    while true {
      for factor in [1, 2, 5] where Double(days * factor) >= least { return days * factor }
      days *= 10
    }
  }

  /// Milliseconds as seconds, with the decimals that the step needs.
  private static func seconds(_ milliseconds: Int, step: Int) -> String {
    let whole = "\(milliseconds / 1_000)"
    if step.isMultiple(of: 1_000) { return whole }
    let decimals = "\(1_000 + milliseconds % 1_000)".dropFirst()
    return whole + "." + decimals.prefix(step.isMultiple(of: 100) ? 1 : step.isMultiple(of: 10) ? 2 : 3)
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
