import AudioTestSupport
import Foundation
import LatencyBudget
import Testing

/// What `utter budget --session --json` prints, read as a script would: times in whole microseconds, as they are printed
/// with three decimals.
private struct SessionReport {
  typealias Object = [String: Any]

  struct Clock {
    var object: Object
    var stages: [Object]

    var names: [String] { stages.compactMap { $0["name"] as? String } }

    func stage(_ name: String) throws -> Object {
      try #require(stages.first { $0["name"] as? String == name }, "no stage \(name) in \(names)")
    }
  }

  var object: Object

  init(_ data: Data) throws {
    object = try #require(try JSONSerialization.jsonObject(with: data) as? Object)
  }

  func clock(_ key: String) throws -> Clock {
    let clock = try #require(object[key] as? Object, "no clock \(key)")
    return Clock(object: clock, stages: try #require(clock["stages"] as? [Object]))
  }

  var commit: Clock { get throws { try clock("commit_to_sample") } }
  var speechEnd: Clock { get throws { try clock("speech_end_to_sample") } }

  static let figures = ["mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"]

  static func microseconds(_ object: Object, _ key: String) throws -> Int {
    let value = try #require(object[key] as? Double, "no number \(key)") * 1e3
    #expect(abs(value - value.rounded()) < 1e-4, "\(key) is no whole number of microseconds: \(value)")
    return Int(value.rounded())
  }

  static func all(_ object: Object) throws -> [Int] { try figures.map { try microseconds(object, $0) } }
}

/// The sum of the stages' means is the clock's, to the microsecond.
private func expectExactSum(_ clock: SessionReport.Clock, _ location: SourceLocation = #_sourceLocation) throws {
  let sum = try clock.stages.reduce(0) { try $0 + SessionReport.microseconds($1, "mean_ms") }
  #expect(sum == (try SessionReport.microseconds(clock.object, "mean_ms")), sourceLocation: location)
}

@Suite struct SessionFiguresTests {
  @Test("Percentiles are nearest ranks of turns", arguments: [1, 2, 19, 20, 21, 99, 100, 101, 1000])
  func percentiles(count: Int) {
    // By counting: the least value that is not exceeded in the stated part of all.
    let values = (0..<count).map { ($0 * 7919) % 1009 }
    func expected(_ percent: Int) -> Int {
      values.sorted().first { value in values.count { $0 <= value } * 100 >= percent * count }!
    }
    let figures = TurnFigures(values)
    #expect(figures.p50 == expected(50))
    #expect(figures.p95 == expected(95))
    #expect(figures.p99 == expected(99))
    #expect(figures.max == values.max())
    #expect(abs(Double(figures.mean) - Double(values.reduce(0, +)) / Double(count)) <= 0.5)
  }

  @Test func totalsAreOfWholeTurns() {
    // The slow turn of one stage is not that of the other.
    let a = SessionStage("a", .measured, owner: "x", microseconds: [100, 0, 0])
    let b = SessionStage("b", .measured, owner: "x", microseconds: [0, 100, 1])
    let clock = SessionClock([a, b])
    #expect(clock.total.max == 100)
    #expect(clock.total.p50 == 100)
    // Two thirds in all are one when rounded at the end, and nothing as the sum of two rounded thirds.
    let thirds = (0..<2).map { SessionStage("\($0)", .measured, owner: "x", microseconds: [1, 0, 0]) }
    #expect(SessionClock(thirds).total.mean == 0)
  }

  private static let parameters = SessionParameters(
    endOfTurn: SessionParameter("wait", option: "--w", owner: "o", microseconds: 500_000, source: "s"),
    remote: .init(
      uplink: SessionParameter("up", option: "--n", owner: "o", microseconds: 11_000, source: "s"),
      model: SessionParameter("model", option: "--m", owner: "o", microseconds: 222_000, source: "s"),
      downlink: SessionParameter("down", option: "--n", owner: "o", microseconds: 13_000, source: "s")),
    output: SessionParameter("output", option: "--o", owner: "o", microseconds: 17_000, source: "s"))

  /// Moments at random distances.
  private static func turn(_ random: inout SeededGenerator) -> LiveTurn? {
    var time = Int.random(in: 0..<1_000_000, using: &random)
    func next() -> Int {
      time += Int.random(in: 0..<30_000, using: &random)
      return time
    }
    return LiveTurn(
      deviceWait: Int.random(in: 0..<10_000, using: &random), chunkWait: Int.random(in: 0..<40_000, using: &random),
      resamplerDelay: Int.random(in: 0..<20_000, using: &random), handedOver: next(), prepared: next(), encoded: next(),
      committed: next(), commitSent: next(), arrived: next(), decoded: next(), playable: next(), pulled: next(),
      rendered: next())
  }

  @Test(arguments: [true, false])
  func clocksOfHeldTurnsHaveAllOfTheirTime(isSimulated: Bool) throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let turns = try (0..<57).map { _ in try #require(Self.turn(&random)) }
    var parameters = Self.parameters
    if !isSimulated { parameters.remote = nil }
    let (commit, speechEnd) = LiveTurn.clocks(of: turns, parameters)
    for (i, turn) in turns.enumerated() {
      let own = turn.rendered - turn.committed
      let remote = isSimulated ? 11_000 + 222_000 + 13_000 - (turn.arrived - turn.commitSent) : 0
      let fromCommit = own + remote + 17_000
      #expect(commit.stages.reduce(0) { $0 + $1.microseconds[i] } == fromCommit)
      let before = turn.deviceWait + 500_000 + turn.chunkWait + turn.committed - turn.handedOver
      #expect(speechEnd.stages.reduce(0) { $0 + $1.microseconds[i] } == before + fromCommit)
    }
    for clock in [commit, speechEnd] { #expect(clock.total.mean == clock.stages.reduce(0) { $0 + $1.figures.mean }) }
    // The end of speech's last stages are the commit's.
    #expect(speechEnd.stages.suffix(commit.stages.count).map(\.microseconds) == commit.stages.map(\.microseconds))
    #expect(commit.clientShare != nil && speechEnd.stages.filter(\.isClientShare).count == 4)
  }

  @Test func momentsInDisorderAreNoTurn() {
    func turn(arrived: Int) -> LiveTurn? {
      LiveTurn(
        deviceWait: 0, chunkWait: 0, resamplerDelay: 5, handedOver: 1, prepared: 2, encoded: 3, committed: 4,
        commitSent: 5, arrived: arrived, decoded: 7, playable: 8, pulled: 9, rendered: 10)
    }
    #expect(turn(arrived: 4) == nil && turn(arrived: 8) == nil)
    #expect(turn(arrived: 5)?.resamplerDelay == 0)
  }

  @Test func millisecondsAreExact() {
    #expect(SessionBudget.milliseconds(0) == "0.000")
    #expect(SessionBudget.milliseconds(7) == "0.007")
    #expect(SessionBudget.milliseconds(-1_070) == "-1.070")
    #expect(SessionBudget.milliseconds(123_456) == "123.456")
  }
}

@Suite struct SessionTimelineTests {
  /// A line of a record; times in milliseconds.
  private static func line(
    speechEnded: Int?, committed: Int?, answerStarted: Int?, firstAudio: Int, firstPlayed: Int
  ) -> String {
    let fields: [(String, Int?)] = [
      ("speech_ended_s", speechEnded), ("committed_s", committed), ("answer_started_s", answerStarted),
      ("first_audio_s", firstAudio), ("first_played_s", firstPlayed),
    ]
    return #"{"event":"playout_started","item_id":"i","time_s":\#(Double(firstPlayed) / 1e3)"#
      + fields.compactMap { name, time in time.map { #","\#(name)":\#(Double($0) / 1e3)"# } }.joined() + "}"
  }

  /// 20 turns whose models take 10, 20, ... 200 ms, in another order.
  private static var record: String {
    var lines = [#"{"event":"ready","time_s":0.1}"#, ""]
    for turn in 0..<20 {
      let commit = 5_000 * turn + 1_000
      let model = 10 * ((turn * 7) % 20 + 1)
      let line = line(
        speechEnded: commit - 500, committed: commit, answerStarted: commit + 100, firstAudio: commit + 100 + model,
        firstPlayed: commit + 120 + model)
      // A second item of the same answer.
      lines += [line, line.replacing(#""item_id":"i""#, with: #""item_id":"j""#)]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func run(_ record: String, _ options: String...) throws -> Tool.Outcome {
    try Tool.run(["budget", "--session", "--timeline", "-"] + options, input: Data(record.utf8))
  }

  @Test func figuresAreThoseOfTheRecord() throws {
    let outcome = try Self.run(Self.record, "--json", "--budget", "330")
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.lines.count == 1, "\(outcome.errors)")
    let report = try SessionReport(outcome.output)
    #expect(report.object["origin"] as? String == "timeline")
    #expect(report.object["turns"] as? Int == 20)
    #expect(report.object["client_share"] is NSNull)
    let commit = try report.commit
    #expect(
      commit.names == [
        "network and answer's start", "to the first audio", "decode, jitter buffer, playout", "device output",
      ])
    #expect(try SessionReport.all(commit.stages[0]) == [100_000, 100_000, 100_000, 100_000, 100_000])
    #expect(try SessionReport.all(commit.stages[1]) == [105_000, 100_000, 190_000, 200_000, 200_000])
    #expect(try SessionReport.all(commit.stages[2]) == [20_000, 20_000, 20_000, 20_000, 20_000])
    #expect(try SessionReport.all(commit.object) == [245_000, 240_000, 330_000, 340_000, 340_000])
    let speechEnd = try report.speechEnd
    #expect(speechEnd.names == ["end of turn"] + commit.names)
    #expect(try SessionReport.all(speechEnd.object) == [745_000, 740_000, 830_000, 840_000, 840_000])
    try expectExactSum(commit)
    try expectExactSum(speechEnd)
    #expect(try SessionReport.microseconds(report.object, "remaining_ms") == 0)
  }

  @Test func overTheBudgetIsAFailure() throws {
    for options in [["--budget", "329.999"], ["--budget", "330", "--output-ms", "20.001"]] {
      let outcome = try Tool.run(
        ["budget", "--session", "--timeline", "-"] + options, input: Data(Self.record.utf8))
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("utter: over budget by 0.001 ms"), "\(outcome.errors)")
      #expect(outcome.errorLines.filter { !$0.isEmpty }.count == 1)
      // What was found is shown all the same, with both clocks.
      #expect(outcome.text.contains("commit to first sample") && outcome.text.contains("end of speech to first sample"))
    }
  }

  @Test("The printed means of a table add up to the printed mean")
  func tableAddsUp() throws {
    let outcome = try Self.run(Self.record, "--budget", "400", "--output-ms", "0.333")
    #expect(outcome.status == 0, "\(outcome.errors)")
    var sum = 0
    var sums: [Int] = []
    for line in outcome.lines {
      if line.hasPrefix("FROM ") { sum = 0 }
      let cells = line.split(separator: "  ", omittingEmptySubsequences: true).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard cells.count >= 5, let mean = Double(cells[1]) else { continue }
      let microseconds = Int((mean * 1e3).rounded())
      if cells.contains("sum") {
        #expect(sum == microseconds, "\(line)")
        sums.append(sum)
      } else {
        sum += microseconds
      }
    }
    #expect(sums == [225_333, 725_333])
  }

  @Test func turnsThatTellLess() throws {
    let lines = [
      Self.line(speechEnded: 0, committed: 500, answerStarted: nil, firstAudio: 800, firstPlayed: 820),
      Self.line(speechEnded: nil, committed: 5_500, answerStarted: 5_600, firstAudio: 5_900, firstPlayed: 5_910),
      Self.line(speechEnded: 9_000, committed: nil, answerStarted: 9_600, firstAudio: 9_900, firstPlayed: 9_910),
    ]
    let outcome = try Self.run(lines.joined(separator: "\n"), "--json", "--budget", "1000", "--output-ms", "0")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try SessionReport(outcome.output)
    #expect(report.object["turns"] as? Int == 3)
    #expect(try report.commit.object["turns"] as? Int == 2)
    // One of them does not tell when the answer started.
    #expect(try report.commit.names == ["network and model", "decode, jitter buffer, playout", "device output"])
    #expect(try SessionReport.microseconds(report.commit.stages[0], "mean_ms") == 350_000)
    #expect(try report.speechEnd.object["turns"] as? Int == 1)
    #expect(try SessionReport.microseconds(report.speechEnd.object, "mean_ms") == 820_000)

    // A service that never tells when it holds a turn for ended.
    let untold = try Self.run(lines[2], "--json")
    #expect(untold.status == 1 && untold.errors.contains("no turn tells its commit"))
    let other = try SessionReport(untold.output)
    #expect(other.object["commit_to_sample"] is NSNull)
    #expect(try other.speechEnd.names.first == "end of turn, network and model")
    try expectExactSum(other.speechEnd)
    #expect(try Self.run(lines[2]).text.contains("not known, as no turn tells its commit"))

    // Nobody's speech was heard.
    let silent = try Self.run(lines[1], "--budget", "1000")
    #expect(silent.status == 0 && silent.text.contains("no turn tells its end of speech"))
  }

  @Test func badRecords() throws {
    let good = Self.line(speechEnded: 0, committed: 500, answerStarted: 600, firstAudio: 800, firstPlayed: 820)
    let cases: [(record: String, complaint: String)] = [
      ("", "no line of 0 tells of an answer"),
      (#"{"event":"ready","time_s":0}"# + "\n", "no line of 1 tells of an answer"),
      (good + "\nnonsense\n" + good + "\n", "line 2 is no object of JSON"),
      ("[1]\n", "line 1 is no object of JSON"),
      (#"{"type":"response.done"}"# + "\n", "line 1 names no event"),
      (good.replacing("0.82", with: "0.7") + "\n", "line 1: first_played_s is before first_audio_s"),
      (good.replacing("0.5,", with: #""soon","#) + "\n", "line 1: committed_s is no time in seconds"),
      (good.replacing("0.5,", with: "true,") + "\n", "line 1: committed_s is no time in seconds"),
      (#"{"event":"playout_started"}"# + "\n", "line 1: playout_started lacks first_audio_s or first_played_s"),
    ]
    for (record, complaint) in cases {
      let outcome = try Self.run(record)
      #expect(outcome.status == 1 && outcome.output.isEmpty)
      let lines = outcome.errorLines.filter { !$0.isEmpty }
      #expect(lines.count == 1 && lines[0].contains(complaint), "\(outcome.errors)")
      #expect(lines[0].hasPrefix("utter: standard input: "))
    }
    let cut = try Self.run(good + "\n" + good.dropLast(9), "--budget", "1000")
    #expect(cut.status == 0 && cut.errors.contains("cut off inside of line 2"), "\(cut.errors)")
    let missing = try Tool.run("budget", "--session", "--timeline", "/nowhere/calls.jsonl")
    #expect(missing.status == 1 && missing.errors.contains("there is no such file"))
  }
}

@Suite struct SessionBudgetTests {
  /// Few turns: what is tested here is not how fast they are.
  private static func run(_ options: String...) throws -> Tool.Outcome {
    try Tool.run(["budget", "--session", "--turns", "3"] + options)
  }

  private static let before = [
    "device block", "end-of-turn wait", "chunk fill", "resampler delay", "hand-over and DSP", "encode audio",
    "audio to socket",
  ]
  private static let behind = [
    "commit to socket", "network up", "model to first audio", "network down", "receive and decode", "jitter buffer",
    "playout block", "render", "device output",
  ]

  @Test(arguments: ["openai", "openai-beta", "gemini"])
  func simulatedTurns(dialect: String) throws {
    let outcome = try Self.run(
      "--json", "--dialect", dialect, "--budget", "100000", "--client-budget", "100000", "--network-ms", "7.5")
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.lines.count == 1, "\(outcome.errors)")
    let report = try SessionReport(outcome.output)
    #expect(
      Set(report.object.keys) == [
        "origin", "turns", "budget_ms", "judged", "remaining_ms", "commit_to_sample", "speech_end_to_sample",
        "client_share", "replaced", "parameters", "dialect", "service", "input_rate", "chunk_ms", "device_ms",
        "jitter_ms", "detector",
      ])
    #expect(report.object["origin"] as? String == "simulator")
    #expect(report.object["dialect"] as? String == dialect)
    #expect(report.object["turns"] as? Int == 3)
    let (commit, speechEnd) = (try report.commit, try report.speechEnd)
    #expect(commit.names == Self.behind)
    #expect(speechEnd.names == Self.before + Self.behind)
    for clock in [commit, speechEnd] {
      try expectExactSum(clock)
      for object in clock.stages + [clock.object] {
        let figures = Array(try SessionReport.all(object).dropFirst())
        #expect(figures == figures.sorted() && figures[0] >= 0)
      }
    }
    for stage in speechEnd.stages {
      #expect(Set(stage.keys) == Set(["name", "kind", "owner"] + SessionReport.figures))
      let name = try #require(stage["name"] as? String)
      let kind =
        ["device block", "chunk fill", "resampler delay"].contains(name)
        ? "design"
        : ["end-of-turn wait", "network up", "model to first audio", "network down", "device output"].contains(name)
          ? "parameter" : "measured"
      #expect(stage["kind"] as? String == kind)
      // Computing and the wait for a block take some time.
      if ["hand-over and DSP", "encode audio", "commit to socket", "receive and decode"].contains(name) {
        #expect(try SessionReport.microseconds(stage, "max_ms") > 0, "\(name)")
      }
    }
    #expect(try SessionReport.all(commit.stage("network up")) == [Int](repeating: 7_500, count: 5))
    let model = dialect == "gemini" ? 320_000 : 340_000
    #expect(try SessionReport.microseconds(commit.stage("model to first audio"), "p95_ms") == model)
    #expect(try SessionReport.microseconds(speechEnd.stage("end-of-turn wait"), "mean_ms") == 500_000)
    // 48 kHz in blocks of 10 ms, events of 20 ms: speech ends within a block, and a chunk within two behind the delay.
    #expect(try SessionReport.microseconds(speechEnd.stage("device block"), "max_ms") <= 10_000)
    let delay = try SessionReport.microseconds(speechEnd.stage("resampler delay"), "mean_ms")
    let fill = try SessionReport.microseconds(speechEnd.stage("chunk fill"), "max_ms")
    #expect(delay > 0 && fill + delay <= 20_000 + 10_000 + delay)
    let parameters = try #require(report.object["parameters"] as? [[String: Any]])
    #expect(parameters.count == 5)
    for parameter in parameters {
      let source = try #require(parameter["source"] as? String)
      #expect(!source.isEmpty && (source == "given") == (parameter["option"] as? String == "--network-ms"))
    }
    // The simulator adds no delay of its own, and what it takes is in no sum.
    let replaced = try #require(report.object["replaced"] as? [[String: Any]])
    #expect(replaced.compactMap { $0["name"] as? String } == ["simulator and loopback", "of it the simulator"])
    let share = try #require(report.object["client_share"] as? [String: Any])
    let shareNames = ["commit to socket", "receive and decode", "jitter buffer", "render"]
    #expect(share["stages"] as? [String] == shareNames)
    let sum = try shareNames.reduce(0) { try $0 + SessionReport.microseconds(commit.stage($1), "mean_ms") }
    #expect(try SessionReport.microseconds(share, "mean_ms") == sum)
  }

  @Test("The resampler's delay is that of 'utter budget'")
  func resamplerDelay() throws {
    let report = try SessionReport(
      Self.run("--json", "--budget", "9999", "--client-budget", "9999", "--input-rate", "44100").output)
    let local = try Tool.run("budget", "--json", "--budget", "9999", "--chunks", "20", "--input-rate", "44100")
    let object = try #require(try JSONSerialization.jsonObject(with: local.output) as? [String: Any])
    let stages = try #require(object["stages"] as? [[String: Any]])
    let delay = try #require(stages.first { $0["name"] as? String == "resampler" }?["algorithmic_ms"] as? Double)
    let own = try SessionReport.microseconds(report.speechEnd.stage("resampler delay"), "mean_ms")
    #expect(abs(Double(own) - delay * 1e3) <= 1)
  }

  @Test func verdicts() throws {
    // The jitter buffer waits for a second and a third message of 20 ms, which come at the pace of speech.
    let outcome = try Self.run("--json", "--budget", "1", "--client-budget", "0.001", "--jitter-ms", "60")
    #expect(outcome.status == 1)
    let lines = outcome.errorLines.filter { !$0.isEmpty }
    #expect(lines.count == 1, "\(outcome.errors)")
    #expect(lines[0].contains("over budget by") && lines[0].contains("the client's share is over its budget by"))
    let report = try SessionReport(outcome.output)
    #expect(try SessionReport.microseconds(report.object, "remaining_ms") < 0)
    #expect(try SessionReport.microseconds(report.commit.stage("jitter buffer"), "max_ms") > 20_000)
    // By default the model alone is over 300 ms, and that is said.
    let plain = try Self.run("--client-budget", "9999")
    #expect(plain.status == 1 && plain.errors.hasPrefix("utter: over budget by "))
    for text in [
      "FROM THE COMMIT", "FROM THE END OF SPEECH", "client share from commit", "simulator and loopback",
      "(--model-ms): an estimate", "(--hangover-ms)",
    ] { #expect(plain.text.contains(text), "\(text)") }
  }

  @Test func aRecordingIsSaid() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write(
      "good.wav", Damaged.wav(channels: 2, rate: 24_000, promisedFrames: 6_000, frames: 6_000))
    let outcome = try Self.run("--audio", good, "--json", "--budget", "9999", "--client-budget", "9999")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try SessionReport(outcome.output)
    #expect(report.object["input_rate"] as? Int == 24_000)
    // No rate is changed.
    #expect(try SessionReport.microseconds(report.speechEnd.stage("resampler delay"), "max_ms") == 0)

    let short = try folder.write("short.wav", Damaged.wav(promisedFrames: 800, frames: 800))
    let empty = try folder.write("not.wav", Array("no audio".utf8))
    for (path, complaint) in [(short, "is shorter than 0.1 s"), (empty, "not.wav"), (folder.path("no.wav"), "no.wav")] {
      let outcome = try Self.run("--audio", path)
      #expect(outcome.status == 1 && outcome.output.isEmpty)
      let lines = outcome.errorLines.filter { !$0.isEmpty }
      #expect(lines.count == 1 && lines[0].contains(complaint), "\(outcome.errors)")
    }
  }

  /// A service of its own process.
  private final class Service {
    private let process = Process()
    /// By dialect.
    private(set) var urls: [String: String] = [:]

    init(_ options: String...) throws {
      let pipe = Pipe()
      process.executableURL = Tool.url
      process.arguments = ["simulate"] + options
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      try process.run()
      // Its last line is that of chat completions.
      var text = ""
      while !text.contains("chat-completions"), case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
        text += String(decoding: data, as: UTF8.self)
      }
      for line in text.split(separator: "\n") {
        let halves = line.split(separator: "\t").map(String.init)
        if halves.count == 2 { urls[halves[0]] = halves[1] }
      }
    }

    deinit {
      process.terminate()
      process.waitUntilExit()
    }
  }

  @Test func aServiceIsMeasured() throws {
    let service = try Service("--first-audio-ms", "150", "--answer-ms", "200")
    let url = try #require(service.urls["openai"])
    let outcome = try Self.run("--url", url, "--json", "--budget", "9999")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let report = try SessionReport(outcome.output)
    #expect(report.object["origin"] as? String == "service")
    #expect((report.object["service"] as? String)?.contains("127.0.0.1") == true)
    let commit = try report.commit
    #expect(
      commit.names == [
        "commit to socket", "network and model", "receive and decode", "jitter buffer", "playout block", "render",
        "device output",
      ])
    let model = try commit.stage("network and model")
    #expect(model["kind"] as? String == "measured")
    #expect(try SessionReport.microseconds(model, "p50_ms") >= 149_000)
    try expectExactSum(commit)
    try expectExactSum(report.speechEnd)
    let parameters = try #require(report.object["parameters"] as? [[String: Any]])
    #expect(parameters.compactMap { $0["option"] as? String } == ["--hangover-ms", "--output-ms"])
    // What a network does to the jitter buffer is not ours to be judged by, unless asked for.
    let share = try #require(report.object["client_share"] as? [String: Any])
    #expect(share["budget_ms"] is NSNull)
    #expect(try Self.run("--url", url, "--budget", "9999", "--client-budget", "0.001").status == 1)
  }

  @Test func aTurnWithoutAnAnswerIsAFailure() throws {
    let service = try Service()
    let url = try #require(service.urls["openai"])
    let outcome = try Self.run("--url", url + "&fault=rate-limit")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    let lines = outcome.errorLines.filter { !$0.isEmpty }
    #expect(lines.count == 1, "\(outcome.errors)")
    #expect(
      lines[0].hasPrefix("utter: the turn that is not counted was not answered with audio: ")
        && lines[0].contains("Rate limit"))
  }

  @Test func noServiceIsAFailure() throws {
    // Port 1 is nobody's.
    let outcome = try Self.run("--url", "ws://127.0.0.1:1/v1/realtime")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    let lines = outcome.errorLines.filter { !$0.isEmpty }
    #expect(lines.count == 1 && lines[0].hasPrefix("utter: the session has ended: "), "\(outcome.errors)")
  }

  @Test func misuse() throws {
    let without: [[String]] = [
      ["--turns", "3"], ["--audio", "a.wav"], ["--timeline", "t"], ["--network-ms", "3"], ["--model-ms", "3"],
      ["--output-ms", "3"], ["--jitter-ms", "3"], ["--client-budget", "3"], ["--url", "ws://h/"],
      ["--dialect", "gemini"],
      ["--model", "m"],
    ]
    let with: [[String]] = [
      ["--turns", "0"], ["--turns", "1001"], ["--jitter-ms", "-1"], ["--jitter-ms", "1001"], ["--streams", "2"],
      ["--chunks", "40"], ["--seconds", "1"], ["--quality", "sharp"], ["--phase", "minimum"],
      ["--min-speech-ms", "50"],
      ["--chunk-ms", "1001"], ["--device-ms", "0"], ["--device-ms", "1001"], ["--dialect", "openai-chat"],
      ["--dialect", "elevenlabs"], ["--network-ms", "-1"], ["--model-ms", "soon"], ["--output-ms", "0x10"],
      ["--client-budget", "0"], ["--url", "ws://h/", "--network-ms", "3"], ["--model", "m", "--model-ms", "3"],
      ["--audio", "a.wav", "--input-rate", "16000"], ["--timeline", "t", "--turns", "3"],
      ["--timeline", "t", "--model-ms", "3"], ["--timeline", "t", "--url", "ws://h/"],
      ["--timeline", "t", "--client-budget", "3"], ["--timeline", "t", "--hangover-ms", "3"],
    ]
    for options in without.map({ $0 }) + with.map({ ["--session"] + $0 }) {
      let outcome = try Tool.run(["budget"] + options)
      #expect(outcome.status == 64 && outcome.output.isEmpty, "\(options): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("Error: "), "\(options): \(outcome.errors)")
    }
    // A service is meant, but there is no key.
    let keyless = try Tool.run(
      ["budget", "--session", "--model", "gpt-realtime"], environment: ["OPENAI_API_KEY": ""])
    #expect(keyless.status == 64 && keyless.errors.contains("there is no key"), "\(keyless.errors)")
  }
}
