/// How a call that has not happened is reckoned.
public enum CostMode: String, CaseIterable, Sendable {
  /// A flat rate for each minute of the user and of the agent, as services advertise. For models that count tokens it is
  /// that of so many tokens a second.
  case perMinute = "per-minute"
  /// Each second of audio once, on its way in or out: the least that a call can cost.
  case tokens
  /// Each turn's input with all that was said before.
  case context
}

/// Why a call cannot be reckoned.
public enum CostError: Error, Hashable, Sendable {
  /// A value is outside of the ranges that ``CallScenario`` names.
  case scenarioOutOfRange
  /// The model has no price for audio.
  case noAudioPrice(model: String)
}

extension CostError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .scenarioOutOfRange: "a value of the scenario is out of range"
    case .noAudioPrice(let model): "there is no price for audio of \(model)"
    }
  }
}
