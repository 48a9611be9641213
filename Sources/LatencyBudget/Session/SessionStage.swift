/// A part of the time between a user's last word and the first sample of the answer, of each turn.
///
/// All times are whole microseconds, so that sums are exact.
public struct SessionStage: Sendable {
  /// Where the times come from.
  public enum Kind: String, Sendable {
    /// Two reads of one clock.
    case measured
    /// Counted in samples: what is waited for however fast the machine, as it was in these turns.
    case design
    /// Given, the same for every turn.
    case parameter
  }

  public let name: String
  public let kind: Kind
  /// Who can change it.
  public let owner: String
  /// Whether it is the client's own work behind the commit.
  public let isClientShare: Bool
  /// What each turn took, in microseconds.
  public let microseconds: [Int]
  public let figures: TurnFigures

  public init(_ name: String, _ kind: Kind, owner: String, isClientShare: Bool = false, microseconds: [Int]) {
    self.name = name
    self.kind = kind
    self.owner = owner
    self.isClientShare = isClientShare
    self.microseconds = microseconds
    figures = TurnFigures(microseconds)
  }

  /// A stage whose time is given.
  init(_ parameter: SessionParameter, turnCount: Int) {
    self.init(
      parameter.name, .parameter, owner: parameter.owner,
      microseconds: [Int](repeating: parameter.microseconds, count: turnCount))
  }
}

/// What turns took, in whole microseconds.
public struct TurnFigures: Hashable, Sendable {
  /// Rounded to the nearest. Means of stages add up to the mean of the whole; percentiles do not.
  public var mean: Int
  public var p50: Int
  public var p95: Int
  public var p99: Int
  public var max: Int

  /// Percentiles by nearest rank: the least value that is not exceeded in the stated part of all. Zeros without values.
  public init(_ values: [Int]) {
    let sorted = values.sorted()
    guard let last = sorted.last else {
      (mean, p50, p95, p99, max) = (0, 0, 0, 0, 0)
      return
    }
    func value(percent: Int) -> Int { sorted[(sorted.count * percent + 99) / 100 - 1] }
    let sum = sorted.reduce(0, +)
    mean = Int((Double(sum) / Double(sorted.count)).rounded())
    (p50, p95, p99, max) = (value(percent: 50), value(percent: 95), value(percent: 99), last)
  }

  /// Of turns whose times are the sums over `stages`: percentiles of the sums, and the sum of the stages' rounded means.
  public init(sumsOf stages: [SessionStage]) {
    let turnCount = stages.first?.microseconds.count ?? 0
    self.init((0..<turnCount).map { turn in stages.reduce(0) { $0 + $1.microseconds[turn] } })
    mean = stages.reduce(0) { $0 + $1.figures.mean }
  }
}
