import ArgumentParser
import AudioDSP
import Foundation
import RealtimeVoice

struct CostCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cost",
    abstract: "Says what a call, a month of calls or a recorded session costs.",
    discussion: """
      A call is so many minutes of the user and of the agent. Without options it is 1000 calls of 2 and 3 minutes in 10 turns \
      with gpt-realtime-2.1. Amounts are US dollars and exact; the lines add up to the sum as they are written.

      MODES
        per-minute  A flat rate for each minute of the user and of the agent, as
                    services advertise; of models that count tokens, that of so
                    many tokens a second.
        tokens      Each second of audio once, on its way in or out: the least
                    that a call can cost.
        context     (default) Each turn's input is the instructions and all that
                    was said before, as audio, and as transcript of what the
                    agent said. What an earlier turn had as input costs less by
                    --cache-share, which is an assumption: the range that is
                    told besides goes from all of it in the cache to none.
        actual      What was counted: --usage.

      USAGE LOGS
        --usage takes a log of events, one JSON object a line: what a server sent (OpenAI's response.done, Gemini's \
      usageMetadata, the usage of input transcriptions), or the timeline of 'utter stream'. Cached tokens are some of the \
      input's: the rest of the input costs its full price, and they theirs, audio and text apart. The model is the log's unless \
      --model names one, as it must where a simulator answered. A malformed line is told, counted and passed over. Where a log does not say what tokens are, the sum is \
      the most that it can be, and a note says so. An answer that stands in the log twice (by its id) counts once.

      COMPARING
        --compare shows all services that can be had for conversations, the cheapest first, with their latency to the first \
      audio and what that figure is, how long a session may last, and when each fits.

      SENDING SPEECH ONLY
        --audio takes recordings of the user's side of calls, looks for speech as 'utter vad' does, and says how many seconds \
      'utter chunk --vad gate' would send, and what that saves with the models that bill what is sent.

      PRICES
        They were gathered on the day that --models shows, and change. --prices FILE adds models or changes fields of those that \
      are known, by id: {"models": [{"id": "gpt-realtime-2.1", "audio": {"in": "30"}}]}. Fields: id, aliases, service, purpose, \
      status (available, preview, shut down with a date 'shutdown'), unit (token, minute, second), audio, text, image (in, cached, \
      out per 1M tokens), per_minute (in and out, or active and standby), tokens_per_second (in, out), silence (free, input, \
      session, standby), rebills_context, latency (p50_ms, p95_ms, estimate, source, note), session_cap_minutes, \
      session_cap_note, dialect, fits, as_of, source, notes.

      JSON
        One object: mode, scenario or log, model, service, status, as_of, source, currency, items (item, quantity, unit, price, \
      price_per, amount), call_total, calls, total, call_all_cached, call_none_cached, notes. With --compare, services (model, \
      call_total, total, latency, session_cap_minutes, fits and others) in place of the model's members; with --audio, also \
      audio (length_s, speech_s, sent_s, files, savings). Amounts are exact decimals.

      EXIT STATUS
        0 done, 1 failed, also where --strict meets a malformed line, 64 misuse.

      EXAMPLES
        utter cost --calls 10000 --user-minutes 2 --agent-minutes 3
        utter cost --model launch --mode per-minute
        utter cost --compare --turns 20
        utter cost --usage session.jsonl --calls 1000
        gunzip -c session.jsonl.gz | utter cost --usage - --json
        utter cost --model gemini --audio callers/*.wav
        utter cost --models
      """)

  @Option(help: "How many calls a month has, 0 to 1000000000; default: 1000, with --usage 1.")
  var calls: Int?

  @Option(help: "How long the user speaks in a call: minutes, \(MinutesArgument.help); default: 2.")
  var userMinutes: MinutesArgument?

  @Option(help: "How long the agent speaks; default: 3.")
  var agentMinutes: MinutesArgument?

  @Option(help: "How long nobody speaks while the microphone's audio is sent, for models that bill it; default: 0.")
  var silenceMinutes: MinutesArgument?

  @Option(help: "The model, by name or alias: --models lists them; default: gpt-realtime-2.1, with --usage the log's.")
  var model: String?

  @Option(help: "How to reckon; default: context, with --usage actual.")
  var mode: Mode?

  @Option(help: "How often the agent answers in a call, 1 to 10000; default: 10.")
  var turns: Int?

  @Option(help: "Instructions and tools, which are input at each turn, 0 to 1000000; default: 500.")
  var instructionTokens: Int?

  @Option(help: "The part of earlier input that comes from the cache, 0 to 1; default: 0.5.")
  var cacheShare: ShareArgument?

  @Option(help: "Text tokens beside a minute of the agent's audio, 0 to 1000000; default: 396.")
  var transcriptTokens: Int?

  @Option(help: ArgumentHelp("A log of events: what a session used.", valueName: "file"))
  var usage: String?

  @Option(help: "The model of a log's input transcriptions, which cost apart; default: the log's.")
  var transcriptionModel: String?

  @Option(help: ArgumentHelp("Prices that add to those that are known, or change them.", valueName: "file"))
  var prices: String?

  @Flag(help: "All services side by side.")
  var compare = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Recordings of users, folders of them, or '-' for standard input.", valueName: "file"))
  var audio: [String] = []

  @Flag(help: "List the models with their prices.")
  var models = false

  @Flag(help: "One JSON object instead of the table.")
  var json = false

  @OptionGroup var segmentation: SegmentationOptions
  @OptionGroup var input: InputOptions

  private static let defaultModel = "gpt-realtime-2.1"

  func validate() throws {
    try Self.check(calls, "--calls", CallScenario.callCounts)
    try Self.check(turns, "--turns", CallScenario.turnCounts)
    try Self.check(instructionTokens, "--instruction-tokens", CallScenario.tokenCounts)
    try Self.check(transcriptTokens, "--transcript-tokens", CallScenario.tokenCounts)
    if usage == nil {
      if mode == .actual { throw Misuse("--mode actual needs --usage FILE: the record of what was used") }
      if transcriptionModel != nil { throw Misuse("--transcription-model is for the logs of --usage") }
    } else {
      if let mode, mode != .actual { throw Misuse("--usage tells what was used; --mode \(mode.rawValue) estimates it") }
      let scenario: [(String, Bool)] = [
        ("--user-minutes", userMinutes != nil), ("--agent-minutes", agentMinutes != nil),
        ("--silence-minutes", silenceMinutes != nil), ("--turns", turns != nil),
        ("--instruction-tokens", instructionTokens != nil), ("--cache-share", cacheShare != nil),
        ("--transcript-tokens", transcriptTokens != nil), ("--compare", compare), ("--audio", !audio.isEmpty),
      ]
      if let option = scenario.first(where: \.1)?.0 {
        throw Misuse("\(option) is for calls that are estimated, and --usage tells what was used")
      }
    }
    if audio.isEmpty, !segmentation.isEmpty || input.raw != nil {
      throw Misuse("the options of detecting speech, and --raw, are for --audio FILE")
    }
    if models, usage != nil || compare || !audio.isEmpty {
      throw Misuse("--models lists the models, and nothing else")
    }
  }

  private static func check(_ value: Int?, _ option: String, _ range: ClosedRange<Int>) throws {
    if let value, !range.contains(value) {
      throw Misuse("\(option) \(value) is outside of \(range.lowerBound) to \(range.upperBound)")
    }
  }

  private var scenario: CallScenario {
    var scenario = CallScenario()
    if let calls { scenario.calls = calls }
    if let userMinutes { scenario.userSpeech = userMinutes.duration }
    if let agentMinutes { scenario.agentSpeech = agentMinutes.duration }
    if let silenceMinutes { scenario.silence = silenceMinutes.duration }
    if let turns { scenario.turns = turns }
    if let instructionTokens { scenario.instructionTokens = instructionTokens }
    if let cacheShare { scenario.cacheShareInMillionths = cacheShare.millionths }
    if let transcriptTokens { scenario.transcriptTokensPerMinute = transcriptTokens }
    return scenario
  }

  func run() throws {
    let table = try priceTable()
    if models { return try write(json ? ModelList(table).members : nil, ModelList(table).lines) }
    if let usage { return try runActual(usage, table) }

    let chosen = try prices(of: model ?? Self.defaultModel, in: table)
    let scenario = scenario
    let mode = mode?.estimate ?? .context
    var lines: [String]
    var members: [(String, JSONValue)]
    do throws(CostError) {
      if compare {
        let comparison = try CostComparison(table, chosen: model == nil ? nil : chosen, scenario, mode)
        (lines, members) = (comparison.lines, comparison.members)
      } else {
        let report = CostReport(
          model: chosen, bill: try chosen.bill(for: scenario, mode: mode),
          subject: .scenario(scenario, mode, range: try Self.range(of: chosen, scenario, mode)))
        (lines, members) = (report.lines, report.members)
      }
    } catch {
      throw Failure("\(error)")
    }
    guard !audio.isEmpty else { return try write(json ? members : nil, lines) }
    try measureGating { measurement in
      let report = GatingReport(measurement, chosen, of: table, calls: scenario.calls)
      members.append(("audio", report.json))
      lines += [""] + report.lines
      try write(json ? members : nil, lines)
    }
  }

  /// What the cache decides about, if anything.
  private static func range(
    of model: ModelPrices, _ scenario: CallScenario, _ mode: CostMode
  ) throws(CostError) -> (least: Bill, most: Bill)? {
    guard mode == .context, model.rebillsContext, model.audio?.cachedInput ?? model.text?.cachedInput != nil else {
      return nil
    }
    var (least, most) = (scenario, scenario)
    least.cacheShareInMillionths = CallScenario.shares.upperBound
    most.cacheShareInMillionths = CallScenario.shares.lowerBound
    return (try model.bill(for: least, mode: mode), try model.bill(for: most, mode: mode))
  }

  private func runActual(_ path: String, _ table: PriceTable) throws {
    let chosen = try model.map { try prices(of: $0, in: table) }
    if let transcriptionModel { _ = try prices(of: transcriptionModel, in: table) }
    let log = try UsageLog(path, isStrict: input.strict)
    let bill: Bill
    do throws(PriceTable.RecordError) {
      bill = try table.bill(
        for: log.recorded, model: chosen?.id, transcriptionModel: transcriptionModel, calls: calls ?? 1)
    } catch {
      switch error {
      case .unknownModel(let name):
        throw Failure("\(log.name): \(Self.unknown(name, in: table)), or bill it as another with --model")
      case .unnamedModel: throw Failure("\(log.name): \(error); name it with --model (--models lists them)")
      case .otherUnit: throw Failure("\(log.name): \(error)")
      }
    }
    let parts = log.recorded.answers.isEmpty ? log.recorded.transcriptions : log.recorded.answers
    let single = parts.count == 1 ? parts[0].model.flatMap { table[$0] } : nil
    let report = CostReport(model: chosen ?? single, bill: bill, subject: .log(log))
    try write(json ? report.members : nil, report.lines)
  }

  // MARK: Prices

  private func priceTable() throws -> PriceTable {
    var table = PriceTable.builtIn
    guard let prices else { return table }
    let name = prices == "-" ? "standard input" : prices
    if prices == "-", usage == "-" || audio.contains("-") { throw Misuse("standard input can be read once only") }
    let contents = try Self.contents(of: prices, name)
    do throws(PriceTableError) {
      try table.extend(with: contents)
    } catch {
      throw Failure("\(name): \(error)")
    }
    return table
  }

  /// - Throws: ``Failure``
  private static func contents(of path: String, _ name: String) throws -> [UInt8] {
    var reader = try LineReader(path, limit: 1 << 20)
    var bytes: [UInt8] = []
    while let line = try reader.next() {
      bytes += line.bytes
      bytes.append(UInt8(ascii: "\n"))
      guard !line.isTooLong, bytes.count <= 16 << 20 else { throw Failure("\(name): is too long for a file of prices") }
    }
    return bytes
  }

  private func prices(of name: String, in table: PriceTable) throws -> ModelPrices {
    guard let prices = table[name] else { throw Misuse(Self.unknown(name, in: table)) }
    return prices
  }

  private static func unknown(_ name: String, in table: PriceTable) -> String {
    let close = table.names(like: name)
    let hint = close.isEmpty ? "" : "did you mean \(close.joined(separator: ", "))? "
    return "there are no prices of a model '\(name)': \(hint)--models lists all"
  }

  // MARK: Recordings

  private func measureGating(_ body: (GatingMeasurement) throws -> Void) throws {
    let configuration = try segmentation.configuration(default: .turns)
    let inputs = try InputFiles(audio, takesAll: input.raw != nil)
    var measurement = GatingMeasurement(
      prefixPadding: configuration.prefixPadding, hangover: configuration.hangover)
    let run = ArchiveRun(inputs, try ArchiveOptions.parse([]))
    let (input, segmentation) = (input, segmentation)
    try run { task in
      try GatingMeasurement.measure(task, input, segmentation, configuration)
    } deliver: { _, file in
      measurement.files.append(file)
    } finish: {
      // Where all have failed there is nothing to say.
      if !measurement.files.isEmpty { try body(measurement) }
    }
  }

  // MARK: Output

  /// - Parameter members: Of the JSON object, where there is to be one.
  private func write(_ members: [(String, JSONValue)]?, _ lines: [String]) throws {
    let output = try Output("-")
    if let members {
      try output.write(JSONValue.object(members).description + "\n")
    } else {
      try output.write(lines.map { $0 + "\n" }.joined())
    }
    try output.finish()
  }
}
