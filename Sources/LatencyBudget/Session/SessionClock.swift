/// One of the two clocks of a turn: from the end of the user's speech, or from the commit, to the first audible sample.
public struct SessionClock: Sendable {
  /// In the order in which they pass, each of the same turns.
  public let stages: [SessionStage]
  public let turnCount: Int
  /// The mean is the sum of the stages' means; percentiles are of whole turns, and are not sums.
  public let total: TurnFigures

  /// - Precondition: There is a stage, and all have the same number of turns, at least one.
  public init(_ stages: [SessionStage]) {
    let turnCount = stages[0].microseconds.count
    precondition(turnCount > 0 && stages.allSatisfy { $0.microseconds.count == turnCount })
    self.stages = stages
    self.turnCount = turnCount
    total = TurnFigures(sumsOf: stages)
  }

  /// What of it is the client's own: nil where no stage is told apart as such.
  public var clientShare: TurnFigures? {
    let share = stages.filter(\.isClientShare)
    return share.isEmpty ? nil : TurnFigures(sumsOf: share)
  }
}
