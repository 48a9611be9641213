/// A bar on standard error, when that is a terminal and the work is long.
struct Progress {
  /// Work shorter than this shows nothing.
  private static let patience = Duration.milliseconds(500)
  private static let interval = Duration.milliseconds(100)
  private static let barWidth = 24

  private let isEnabled = Diagnostics.isTerminal
  private let start = ContinuousClock.now
  private var last = ContinuousClock.now

  /// How long the work has taken, in seconds.
  var elapsedSeconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// Draws the bar, if it is time to.
  ///
  /// - Parameters:
  ///   - name: What is done.
  ///   - part: How much of it is done, 0 to 1; nil where that cannot be known.
  ///   - seconds: Seconds of audio that are done.
  ///   - details: What else to say, if anything.
  mutating func update(_ name: String, part: Double?, seconds: Double, details: String? = nil) {
    guard isEnabled else { return }
    let now = ContinuousClock.now
    guard now - start > Self.patience, now - last > Self.interval else { return }
    last = now
    let elapsed = elapsedSeconds
    var figures = details.map { [$0] } ?? []
    figures.append("\(Int(seconds / elapsed))x real time")
    if let part {
      let clamped = min(1, max(0, part))
      let filled = Int(clamped * Double(Self.barWidth))
      let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: Self.barWidth - filled)
      figures.insert("\(Int(clamped * 100)) %", at: 0)
      if clamped > 0 { figures.append("\(Int((elapsed * (1 - clamped) / clamped).rounded(.up))) s left") }
      Diagnostics.showBar("\(name) [\(bar)] \(figures.joined(separator: ", "))")
    } else {
      Diagnostics.showBar("\(name) \(Int(seconds)) s, \(figures.joined(separator: ", "))")
    }
  }
}
