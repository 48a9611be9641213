/// How often, and after what waits, a lost connection is made anew.
///
/// The wait before attempt `n` is drawn evenly from the upper half of `firstDelay * 2^(n-1)`, capped: exponential
/// backoff with jitter, so that many clients of a service that came back do not come all at once (M. Brooker,
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: "equal jitter").
public struct ReconnectionPolicy: Hashable, Sendable {
  /// Attempts in a row; 0 for none. A connection that held for ``resetAfter`` makes the count start again.
  public var attempts: Int
  public var firstDelay: Duration
  public var longestDelay: Duration
  public var resetAfter: Duration

  /// The defaults are those of OpenAI's own SDK (PyPI `openai` 3.54.0): five attempts, 0.5 s to 8 s.
  public init(
    attempts: Int = 5, firstDelay: Duration = .milliseconds(500), longestDelay: Duration = .seconds(8),
    resetAfter: Duration = .seconds(10)
  ) {
    self.attempts = attempts
    self.firstDelay = firstDelay
    self.longestDelay = longestDelay
    self.resetAfter = resetAfter
  }

  /// No second attempt.
  public static let never = ReconnectionPolicy(attempts: 0)

  /// The wait before an attempt, counted from 1.
  ///
  /// - Parameter random: 0..<1.
  func delay(before attempt: Int, random: Double) -> Duration {
    var whole = firstDelay
    for _ in 1..<max(1, min(attempt, 32)) where whole < longestDelay { whole *= 2 }
    whole = min(whole, longestDelay)
    return whole / 2 + whole / 2 * random
  }
}
