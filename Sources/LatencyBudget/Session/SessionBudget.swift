/// Both clocks of a session's turns, against a budget.
public struct SessionBudget: Sendable {
  /// Where the turns come from.
  public enum Origin: String, Sendable {
    /// A session with a simulator in the same process.
    case simulator
    /// One with a service.
    case service
    /// The record of one.
    case timeline
  }

  public let origin: Origin
  /// From the commit to the first audible sample; nil where no turn tells its commit.
  public let commit: SessionClock?
  /// From the end of speech to the first audible sample; nil where no turn tells that.
  public let speechEnd: SessionClock?
  /// How many turns there were, whatever they tell.
  public let turnCount: Int
  public let parameters: [SessionParameter]
  /// What was measured of a simulator, and is in neither clock.
  public let replaced: [SessionStage]
  /// What there is to spend from the commit on, in microseconds.
  public let budget: Int
  /// What of that the client may take; nil where it is not judged.
  public let clientBudget: Int?

  public init(
    _ origin: Origin, commit: SessionClock?, speechEnd: SessionClock?, turnCount: Int, parameters: [SessionParameter],
    replaced: [SessionStage] = [], budget: Int, clientBudget: Int?
  ) {
    self.origin = origin
    self.commit = commit
    self.speechEnd = speechEnd
    self.turnCount = turnCount
    self.parameters = parameters
    self.replaced = replaced
    self.budget = budget
    self.clientBudget = clientBudget
  }

  /// By how much 95 % of the turns stay below the budget, in microseconds; negative where they do not. Nil without a
  /// clock to hold against it.
  public var remaining: Int? { commit.map { budget - $0.total.p95 } }

  /// The same of the client's share; nil where it is not judged.
  public var clientRemaining: Int? {
    guard let clientBudget, let share = commit?.clientShare else { return nil }
    return clientBudget - share.p95
  }

  public var isWithinBudget: Bool { (remaining ?? -1) >= 0 }
  public var isWithinClientBudget: Bool { (clientRemaining ?? 0) >= 0 }

  /// One JSON object on one line; times in milliseconds, to the microsecond.
  ///
  /// - Parameter more: Further keys, with their values as JSON.
  public func json(_ more: [(key: String, value: String)] = []) -> String {
    let fields: [(String, String)] =
      [
        ("origin", Self.string(origin.rawValue)), ("turns", "\(turnCount)"),
        ("budget_ms", Self.milliseconds(budget)), ("judged", Self.string("p95")),
        ("remaining_ms", remaining.map(Self.milliseconds) ?? "null"),
        ("commit_to_sample", commit.map(Self.json) ?? "null"),
        ("speech_end_to_sample", speechEnd.map(Self.json) ?? "null"),
        ("client_share", json(commit?.clientShare)),
        ("replaced", Self.array(replaced.map(Self.json))), ("parameters", Self.array(parameters.map(Self.json))),
      ] + more.map { ($0.key, $0.value) }
    return Self.object(fields)
  }

  private func json(_ share: TurnFigures?) -> String {
    guard let share, let commit else { return "null" }
    let names = commit.stages.filter(\.isClientShare).map { Self.string($0.name) }
    return Self.object(
      [
        ("stages", Self.array(names)), ("budget_ms", clientBudget.map(Self.milliseconds) ?? "null"),
        ("remaining_ms", clientRemaining.map(Self.milliseconds) ?? "null"),
      ] + Self.fields(share))
  }

  private static func json(_ clock: SessionClock) -> String {
    object(
      [("turns", "\(clock.turnCount)"), ("stages", array(clock.stages.map(json)))] + fields(clock.total))
  }

  private static func json(_ stage: SessionStage) -> String {
    object(
      [("name", string(stage.name)), ("kind", string(stage.kind.rawValue)), ("owner", string(stage.owner))]
        + fields(stage.figures))
  }

  private static func json(_ parameter: SessionParameter) -> String {
    object([
      ("name", string(parameter.name)), ("option", string(parameter.option)),
      ("ms", milliseconds(parameter.microseconds)), ("source", string(parameter.source)),
    ])
  }

  private static func fields(_ figures: TurnFigures) -> [(String, String)] {
    [
      ("mean_ms", milliseconds(figures.mean)), ("p50_ms", milliseconds(figures.p50)),
      ("p95_ms", milliseconds(figures.p95)), ("p99_ms", milliseconds(figures.p99)),
      ("max_ms", milliseconds(figures.max)),
    ]
  }

  /// Three decimals, exactly.
  public static func milliseconds(_ microseconds: Int) -> String {
    let digits = String(microseconds.magnitude % 1_000)
    return (microseconds < 0 ? "-" : "") + "\(microseconds.magnitude / 1_000)."
      + String(repeating: "0", count: 3 - digits.count) + digits
  }

  private static func object(_ fields: [(String, String)]) -> String {
    "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
  }

  private static func array(_ values: [String]) -> String { "[" + values.joined(separator: ",") + "]" }

  /// Of names and sources that stand in this package: without quotes, backslashes and control characters.
  private static func string(_ text: String) -> String { "\"\(text)\"" }
}
