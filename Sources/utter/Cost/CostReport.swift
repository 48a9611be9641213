import RealtimeVoice

/// A model's bill, for people or as JSON.
struct CostReport {
  /// What a bill is of.
  enum Subject {
    /// With what the call would cost if all of the history came from the cache, and if none did; nil where there is no
    /// such choice.
    case scenario(CallScenario, CostMode, range: (least: Bill, most: Bill)?)
    case log(UsageLog)
  }

  /// nil where the log's several models share the bill.
  var model: ModelPrices?
  var bill: Bill
  var subject: Subject

  var lines: [String] {
    var lines = [title, what, ""]
    var table = TextTable([.left, .right, .left, .right, .left, .right, .right])
    let (calls, amounts, totals) = columns
    table.add("item", "quantity", "", "price $", "", "a call $", "\(calls) $")
    for (index, line) in bill.lines.enumerated() {
      let quantity = line.unit == .token ? "\(line.quantity)" : CostReport.seconds(line.quantity)
      table.add(
        line.item, quantity, line.unit == .token ? "tokens" : "s", "\(line.price)",
        line.unit == .token ? "per 1M" : "a minute", amounts[index], totals[index])
    }
    table.add("sum", "", "", "", "", CostReport.short(bill.callTotal), bill.total.text(decimals: 2))
    lines += table.lines
    if case .scenario(_, _, let range?) = subject {
      lines += [
        "",
        "a call is between $\(range.least.callTotal.text(decimals: 2)) with all history from the cache and "
          + "$\(range.most.callTotal.text(decimals: 2)) with none",
      ]
    }
    let notes = bill.notes + (model?.notes ?? [])
    if !notes.isEmpty { lines += [""] + notes.map { "note: \($0)" } }
    return lines
  }

  private var title: String {
    guard let model else { return "several models" }
    return "\(model.id) (\(model.service))\(Self.status(model)), prices of \(model.asOf) by \(model.source)"
  }

  private var what: String {
    switch subject {
    case .scenario(let scenario, let mode, _):
      return "\(counted(scenario.calls, "call")) of \(Self.description(of: scenario)), mode \(mode.rawValue)"
    case .log(let log):
      let answers = log.recorded.answers.reduce(0) { $0 + $1.count }
      return "\(log.name): \(counted(answers, "answer")) in \(counted(log.lineCount, "line")), mode actual"
    }
  }

  /// The cells of the two columns of money, and the last one's heading.
  private var columns: (calls: String, amounts: [String], totals: [String]) {
    let amounts = bill.lines.map(\.amount)
    // As many decimals as the exact sum needs, as long as that is readable.
    return (
      counted(bill.calls, "call"), amounts.texts(decimals: Self.decimals(of: amounts)),
      amounts.map { $0 * bill.calls }.texts(decimals: 2)
    )
  }

  private static func decimals(of amounts: [Money]) -> Int {
    min(6, amounts.map(\.neededDecimals).max() ?? 2)
  }

  /// With as many decimals as it needs, up to six.
  static func short(_ amount: Money) -> String { amount.text(decimals: min(6, amount.neededDecimals)) }

  static func description(of scenario: CallScenario) -> String {
    var parts = ["\(minutes(scenario.userSpeech)) min user", "\(minutes(scenario.agentSpeech)) min agent"]
    if scenario.silence > .zero { parts.append("\(minutes(scenario.silence)) min silence") }
    return parts.joined(separator: " + ") + " in \(counted(scenario.turns, "turn"))"
  }

  private static func minutes(_ duration: Duration) -> String { MinutesArgument(duration).description }

  private static func padded3(_ number: Int) -> String { String("00\(number)".suffix(3)) }

  static func seconds(_ milliseconds: Int) -> String {
    "\(milliseconds / 1_000).\(padded3(milliseconds % 1_000))"
  }

  static func status(_ model: ModelPrices) -> String {
    switch model.status {
    case .available: ""
    case .preview: ", a preview"
    case .shutDown(let date): ", shut down \(date)"
    }
  }

  // MARK: JSON

  var members: [(String, JSONValue)] {
    var members: [(String, JSONValue)] = []
    switch subject {
    case .scenario(let scenario, let mode, _):
      members.append(("mode", .string(mode.rawValue)))
      members.append(("scenario", .scenario(scenario)))
    case .log(let log):
      members.append(("mode", .string("actual")))
      members.append(("log", .log(log)))
    }
    members.append(("model", model.map { .string($0.id) } ?? .null))
    members.append(("service", model.map { .string($0.service) } ?? .null))
    members.append(("status", model.map { .string($0.statusWord) } ?? .null))
    members.append(("as_of", model.map { .string("\($0.asOf)") } ?? .null))
    members.append(("source", model.map { .string($0.source) } ?? .null))
    members.append(("currency", .string("USD")))
    members.append(("items", .array(bill.lines.map(JSONValue.line))))
    members.append(("call_total", .money(bill.callTotal)))
    members.append(("calls", .text("\(bill.calls)")))
    members.append(("total", .money(bill.total)))
    if case .scenario(_, _, let range) = subject {
      members.append(("call_all_cached", range.map { .money($0.least.callTotal) } ?? .null))
      members.append(("call_none_cached", range.map { .money($0.most.callTotal) } ?? .null))
    }
    members.append(("notes", .array((bill.notes + (model?.notes ?? [])).map { .string($0) })))
    return members
  }
}

extension ModelPrices {
  var statusWord: String {
    switch status {
    case .available: "available"
    case .preview: "preview"
    case .shutDown: "shut down"
    }
  }
}

extension JSONValue {
  /// Digits, exact however many there are.
  static func money(_ amount: Money) -> JSONValue { .text("\(amount)") }

  static func integer(_ value: Int?) -> JSONValue { value.map { .text("\($0)") } ?? .null }

  static func seconds(_ milliseconds: Int) -> JSONValue { .text(CostReport.seconds(milliseconds)) }

  fileprivate static func seconds(_ duration: Duration) -> JSONValue { .seconds(Int(duration / .milliseconds(1))) }

  static func scenario(_ scenario: CallScenario) -> JSONValue {
    .object([
      ("user_s", .seconds(scenario.userSpeech)), ("agent_s", .seconds(scenario.agentSpeech)),
      ("silence_s", .seconds(scenario.silence)), ("turns", .integer(scenario.turns)),
      ("instruction_tokens", .integer(scenario.instructionTokens)),
      ("cache_share", .text("\(ShareArgument(millionths: scenario.cacheShareInMillionths))")),
      ("transcript_tokens_per_minute", .integer(scenario.transcriptTokensPerMinute)),
    ])
  }

  fileprivate static func log(_ log: UsageLog) -> JSONValue {
    let answers = log.recorded.answers.reduce(0) { $0 + $1.count }
    let transcriptions = log.recorded.transcriptions.reduce(0) { $0 + $1.count }
    let usage = log.recorded.answers.reduce(Usage.zero) { $0 + $1.usage }
    return .object([
      ("file", .string(log.name)), ("lines", .integer(log.lineCount)), ("malformed", .integer(log.malformedCount)),
      ("repeated", .integer(log.recorded.repeatedCount)), ("sessions", .integer(log.recorded.sessionCount)),
      ("answers", .integer(answers)), ("transcriptions", .integer(transcriptions)),
      ("tokens_in", .tokens(usage.input)), ("tokens_cached", .tokens(usage.cachedInput)),
      ("tokens_out", .tokens(usage.output)),
    ])
  }

  private static func tokens(_ tokens: Usage.Tokens) -> JSONValue {
    .object([
      ("text", .integer(tokens.text)), ("audio", .integer(tokens.audio)), ("image", .integer(tokens.image)),
      ("unsplit", .integer(tokens.unsplit)),
    ])
  }

  fileprivate static func line(_ line: Bill.Line) -> JSONValue {
    let isToken = line.unit == .token
    return .object([
      ("item", .string(line.item)), ("quantity", isToken ? .integer(line.quantity) : .seconds(line.quantity)),
      ("unit", .string(isToken ? "token" : "second")), ("price", .money(line.price)),
      ("price_per", .string(isToken ? "1M tokens" : "minute")), ("amount", .money(line.amount)),
    ])
  }
}
