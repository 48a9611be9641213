import LatencyBudget

/// Both clocks for people.
struct SessionBudgetTable {
  private let budget: SessionBudget
  private let title: [String]
  private let chunkMilliseconds: Int?

  /// - Parameter chunkMilliseconds: Nil where that is not known.
  init(_ budget: SessionBudget, _ title: [String], chunkMilliseconds: Int?) {
    self.budget = budget
    self.title = title
    self.chunkMilliseconds = chunkMilliseconds
  }

  var text: String {
    var table = TextTable([.left, .right, .right, .right, .right, .left, .left])
    if let commit = budget.commit {
      table.add("FROM THE COMMIT", "mean", "p50", "p95", "p99 ms", "", "owner")
      for stage in commit.stages { add(stage, to: &table) }
      add("commit to first sample", commit.total, "sum", "", to: &table)
      table.add("", "", "", "", "", "", "")
    }
    if let speechEnd = budget.speechEnd {
      table.add("FROM THE END OF SPEECH", "mean", "p50", "p95", "p99 ms", "", "owner")
      let behindCount = budget.commit?.stages.count ?? 0
      for stage in speechEnd.stages.dropLast(behindCount) { add(stage, to: &table) }
      if behindCount > 0 {
        add("commit to first sample", TurnFigures(sumsOf: speechEnd.stages.suffix(behindCount)), "", "", to: &table)
      }
      add("end of speech to first sample", speechEnd.total, "sum", "", to: &table)
      table.add("", "", "", "", "", "", "")
    }
    let share = budget.commit?.clientShare
    if let share { add("client share from commit", share, "", "", to: &table) }
    for stage in budget.replaced { add(stage.name, stage.figures, "not in sums", stage.owner, to: &table) }
    let lines = title + [""] + table.lines + notes
    return lines.map { $0 + "\n" }.joined()
  }

  private var notes: [String] {
    var lines: [String] = []
    if let commit = budget.commit, let remaining = budget.remaining {
      let verdict = remaining < 0 ? "over by \(text(-remaining))" : "\(text(remaining)) left"
      lines.append("budget from the commit: \(text(commit.total.p95)) of \(text(budget.budget)) ms at p95, \(verdict)")
    } else {
      lines.append("commit to first sample: not known, as no turn tells its commit")
    }
    if let share = budget.commit?.clientShare, let clientBudget = budget.clientBudget,
      let remaining = budget.clientRemaining
    {
      let verdict = remaining < 0 ? "over by \(text(-remaining))" : "\(text(remaining)) left"
      lines.append("client share: \(text(share.p95)) of \(text(clientBudget)) ms at p95, \(verdict)")
    }
    if let speechEnd = budget.speechEnd {
      if let wait = speechEnd.stages.first(where: { $0.name.hasPrefix("end-of-turn") || $0.name == "end of turn" }),
        wait.figures.mean > 0, speechEnd.total.mean > 0
      {
        let part = 100 * wait.figures.mean / speechEnd.total.mean
        lines.append(
          "\(wait.name): \(part) % of the mean from the end of speech; what ends turns by silence alone spends that before "
            + "anything else begins")
      }
      let left = (budget.commit?.turnCount ?? budget.turnCount) - speechEnd.turnCount
      if left > 0 { lines.append("\(counted(left, "turn")) without an end of speech: not in the second clock") }
    } else {
      lines.append("end of speech to first sample: not known, as no turn tells its end of speech")
    }
    if let commit = budget.commit, commit.turnCount < budget.turnCount {
      lines.append("\(counted(budget.turnCount - commit.turnCount, "turn")) without a commit: in neither clock")
    }
    if let fill = budget.speechEnd?.stages.first(where: { $0.name == "chunk fill" }), let chunk = chunkMilliseconds {
      lines.append(
        "chunk fill: by design half of \(chunk) ms in the mean and all of it at worst, beyond that up to a block of the "
          + "device's; here up to \(text(fill.figures.max))")
    }
    lines.append("means add up; percentiles are of whole turns, by nearest rank, and do not")
    if !budget.parameters.isEmpty {
      lines += ["", "parameters"]
      for parameter in budget.parameters {
        lines.append(
          "  \(parameter.name) \(text(parameter.microseconds)) ms (\(parameter.option)): \(parameter.source)")
      }
    }
    return lines
  }

  private func add(_ stage: SessionStage, to table: inout TextTable) {
    let kind =
      switch stage.kind {
      case .measured: ""
      case .design: "by design"
      case .parameter: "parameter"
      }
    add("  " + stage.name, stage.figures, kind, stage.owner, to: &table)
  }

  private func add(_ name: String, _ figures: TurnFigures, _ kind: String, _ owner: String, to table: inout TextTable) {
    table.add(name, text(figures.mean), text(figures.p50), text(figures.p95), text(figures.p99), kind, owner)
  }

  private func text(_ microseconds: Int) -> String { SessionBudget.milliseconds(microseconds) }
}
