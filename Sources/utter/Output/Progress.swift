import AudioFiles
import Foundation

/// A bar on standard error, when that is a terminal and the work is long.
struct Progress {
  /// Work shorter than this shows nothing, in seconds.
  private static let patience = 0.5
  private static let interval = 0.1
  private static let barWidth = 24

  // One bar at a time, drawn by the main thread alone.
  nonisolated(unsafe) private static var isShown = false

  private let name: String
  /// Seconds of audio, where they are known.
  private let total: Double?
  private let isEnabled: Bool
  private let start = ContinuousClock.now
  private var last = ContinuousClock.now

  init(_ name: String, totalSeconds: Double?) {
    self.name = name.onOneLine
    total = totalSeconds
    isEnabled = isatty(STDERR_FILENO) == 1
  }

  /// Draws the bar, if it is time to.
  mutating func update(seconds: Double) {
    guard isEnabled else { return }
    let now = ContinuousClock.now
    guard Self.seconds(now - start) > Self.patience, Self.seconds(now - last) > Self.interval else { return }
    last = now
    let elapsed = Self.seconds(now - start)
    let speed = seconds / elapsed
    var line = "\r\u{1B}[K\(name) "
    if let total, total > 0 {
      let part = min(1, seconds / total)
      let filled = Int(part * Double(Self.barWidth))
      line += "[" + String(repeating: "#", count: filled)
      line += String(repeating: " ", count: Self.barWidth - filled) + "] "
      line += "\(Int(part * 100)) %, \(Int(speed))x real time, \(Int((total - seconds) / max(speed, 1e-9))) s left"
    } else {
      line += "\(Int(seconds)) s, \(Int(speed))x real time"
    }
    unsafe Self.isShown = true
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
  }

  /// Takes the bar away, so that a line can be written.
  static func erase() {
    guard unsafe isShown else { return }
    unsafe isShown = false
    try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8))
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}
