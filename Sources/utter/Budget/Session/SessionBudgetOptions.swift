import ArgumentParser
import LatencyBudget

/// What 'utter budget --session' takes beyond the rest.
struct SessionBudgetOptions: ParsableArguments {
  @Flag(
    name: .customLong("session"),
    help: "The whole turn: from the user's last word, and from the commit, to the answer's first audible sample.")
  var isOn = false

  @Option(
    name: .customLong("turns"),
    help: "With --session: how many turns to time, 1 to 1000; default: as many as some 15 s have, at most 20.")
  var turnCount: Int?

  @Option(
    help:
      "With --session: a recording that is said in every turn, .1 to 60 s, and ends with speech; default: .4 s of voice-like sound."
  )
  var audio: String?

  @Option(
    help: "With --session: the record of 'utter stream --timeline', '-' for standard input, in place of a session.")
  var timeline: String?

  @Option(
    name: .customLong("network-ms"), help: "With --session and the simulator: the network, one way; default: 20.")
  var network: WaitArgument?

  @Option(
    name: .customLong("model-ms"),
    help: "With --session and the simulator: from the commit's arrival to the first audio; default: 340, Gemini 320.")
  var model: WaitArgument?

  @Option(name: .customLong("output-ms"), help: "With --session: the output device behind its blocks; default: 20.")
  var output: WaitArgument?

  @Option(name: .customLong("jitter-ms"), help: "With --session: the jitter buffer, 0 to 1000 ms; default: 20.")
  var jitterMilliseconds: Int?

  @Option(
    help: "With --session: what the client may take of the budget; default with the simulator: 25 ms, else nothing.")
  var clientBudget: MillisecondsArgument?

  func validate() throws {
    guard isOn else {
      let given: [(String, Any?)] = [
        ("--turns", turnCount), ("--audio", audio), ("--timeline", timeline), ("--network-ms", network),
        ("--model-ms", model), ("--output-ms", output), ("--jitter-ms", jitterMilliseconds),
        ("--client-budget", clientBudget),
      ]
      for (name, value) in given where value != nil { throw Misuse("\(name) needs --session") }
      return
    }
    if let turnCount, !(1...1_000).contains(turnCount) {
      throw Misuse("--turns \(turnCount) is outside of 1 to 1000")
    }
    if let jitterMilliseconds, !(0...1_000).contains(jitterMilliseconds) {
      throw Misuse("--jitter-ms \(jitterMilliseconds) is outside of 0 to 1000")
    }
    guard timeline != nil else { return }
    let given: [(String, Any?)] = [
      ("--turns", turnCount), ("--audio", audio), ("--network-ms", network), ("--model-ms", model),
      ("--jitter-ms", jitterMilliseconds), ("--client-budget", clientBudget),
    ]
    for (name, value) in given where value != nil {
      throw Misuse("\(name) has no meaning with --timeline, which tells what was")
    }
  }
}

/// Milliseconds, with or without their unit; none at all, too.
struct WaitArgument: ExpressibleByArgument {
  var microseconds: Int

  init?(argument: String) {
    let digits = argument.hasSuffix("ms") ? String(argument.dropLast(2)) : argument
    if Double(digits) == 0, digits.allSatisfy({ "0.".contains($0) }) {
      microseconds = 0
    } else if let argument = MillisecondsArgument(argument: argument) {
      microseconds = argument.microseconds
    } else {
      return nil
    }
  }
}

extension MillisecondsArgument {
  var microseconds: Int { Int((milliseconds * 1e3).rounded()) }
}

extension ServiceChoice {
  /// Whether anything says that a service is meant, and not a simulator that speaks as it does.
  var namesService: Bool {
    namesPlace || path != nil || !query.isEmpty || !header.isEmpty || model != nil || keyEnv != nil || keyFile != nil
  }
}
