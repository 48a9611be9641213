import Foundation

/// The range of a waveform's axis, zero in its middle.
struct AmplitudeScale {
  struct Tick: Equatable {
    var value: Double
    /// Of full scale.
    var amplitude: String
    /// Nothing at zero.
    var decibels: String?
  }

  /// What is quieter, -40 dBFS, stays small, so that the noise of a silent recording is not taken for a signal.
  private static let least = 0.01

  /// The axis goes from `-limit` to `limit`.
  let limit: Double

  /// The least of 1, 2 and 5 times a power of ten that holds `peak`. Digital silence is shown at full scale.
  init(peak: Float) {
    guard peak > 0 else {
      limit = 1
      return
    }
    let peak = max(Double(peak), Self.least)
    let decade = pow(10, log10(peak).rounded(.down))
    // A part in a million is less than can be seen, and more than the power's rounding.
    limit = [1, 2, 5, 10].map { $0 * decade }.first { $0 * (1 + 1e-6) >= peak } ?? 10 * decade
  }

  /// From the top downwards.
  var ticks: [Tick] {
    [1, 0.5, 0, -0.5, -1].map { part in
      let value = part * limit
      guard value != 0 else { return Tick(value: 0, amplitude: "0", decibels: nil) }
      // An integer, so that rounding gives no "-0".
      let decibels = Int((20 * log10(abs(value))).rounded())
      return Tick(value: value, amplitude: Self.text(value), decibels: "\(decibels)")
    }
  }

  /// As short as it can be: floats on an integer's scale reach 32768, broken ones anything.
  private static func text(_ value: Double) -> String {
    if (1_000..<100_000).contains(abs(value)) { return "\(Int(value.rounded()))" }
    return String(format: "%.3g", value).replacingOccurrences(of: "e+", with: "e")
  }
}
