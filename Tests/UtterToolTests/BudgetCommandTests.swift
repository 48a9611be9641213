import AudioDSP
import Foundation
import LatencyBudget
import RealtimeVoice
import Testing

/// What `utter budget --json` prints, read as a script would.
private struct BudgetReport {
  struct Stage {
    var name: String
    var algorithmic: Double
    var compute: [String: Double]
    var owner: String
  }

  var object: [String: Any]
  var stages: [Stage]

  init(_ data: Data) throws {
    object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    stages = try #require(object["stages"] as? [[String: Any]]).map { stage in
      #expect(Set(stage.keys) == ["name", "algorithmic_ms", "compute_us", "owner"])
      return Stage(
        name: try #require(stage["name"] as? String), algorithmic: try #require(stage["algorithmic_ms"] as? Double),
        compute: try #require(stage["compute_us"] as? [String: Double]), owner: try #require(stage["owner"] as? String))
    }
  }

  func number(_ key: String) throws -> Double { try #require(object[key] as? Double, "no number \(key)") }

  func delay(_ name: String) throws -> Double {
    try #require(stages.first { $0.name == name }, "no stage \(name)").algorithmic
  }
}

@Suite struct BudgetCommandTests {
  /// Few chunks: what is tested here is not how fast they are.
  private static func run(_ options: String...) throws -> Tool.Outcome {
    try Tool.run(["budget", "--chunks", "40"] + options)
  }

  private static func report(_ options: String...) throws -> BudgetReport {
    let outcome = try Tool.run(["budget", "--json", "--budget", "100000", "--chunks", "40"] + options)
    // A debug build on a busy machine may be too slow for several streams, which is told and changes no figure.
    #expect(outcome.status == 0 || outcome.errors.contains("does not keep up"), "\(outcome.errors)")
    return try BudgetReport(outcome.output)
  }

  static let computed = [
    "downmix", "resampler", "features", "energy detector", "segmenter", "pcm16", "chunker", "base64", "event",
  ]
  static let waited = ["chunk fill", "device block", "look-ahead", "attack (turn start)", "hangover (turn end)"]

  @Test func jsonHasTheStatedKeys() throws {
    let outcome = try Self.run("--json", "--budget", "100000")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.text.hasPrefix(#"{"budget_ms":"#) && outcome.lines.count == 1)
    let report = try BudgetReport(outcome.output)
    #expect(Set(report.stages.map(\.name)) == Set(Self.computed + Self.waited))
    for stage in report.stages {
      #expect(Set(stage.compute.keys) == ["p50", "p99", "p999", "max"])
      let figures = try ["p50", "p99", "p999", "max"].map { try #require(stage.compute[$0]) }
      #expect(figures == figures.sorted() && stage.algorithmic >= 0 && !stage.owner.isEmpty)
      // No computing stage takes no time at all, and nothing is computed where only waiting is told.
      #expect(Self.computed.contains(stage.name) ? figures[0] > 0 : figures[3] == 0, "\(stage)")
    }
    #expect(report.stages.first { $0.name == "event" }?.owner == "RealtimeVoice")
    #expect(report.stages.first { $0.name == "resampler" }?.owner == "AudioDSP")
    #expect(report.stages.first { $0.name == "device block" }?.owner == "audio device")
    #expect(try report.number("chunks") == 40)
    #expect(try report.number("streams") == 1)
    #expect(try report.number("real_time_factor") > 0)
    #expect(try report.number("clock_read_ns") > 0)
    let backend = try #require(report.object["backend"] as? String)
    #expect(KernelBackend.available.map(\.rawValue).contains(backend))
    for key in ["deadline_misses", "turn_start_ms", "turn_end_ms"] { #expect(try report.number(key) >= 0) }
  }

  @Test("The total is the sum of the path's stages", arguments: ["1", "3"])
  func sum(streams: String) throws {
    let report = try Self.report("--streams", streams, "--device-ms", "10")
    let path = try #require(report.object["path"] as? [String])
    #expect(Set(report.stages.map(\.name)).subtracting(path) == ["attack (turn start)", "hangover (turn end)"])
    var sum = 0.0
    for stage in report.stages where path.contains(stage.name) {
      sum += stage.algorithmic + (try #require(stage.compute["p999"])) / 1_000
    }
    let total = try report.number("total_ms")
    // Figures are rounded to a millionth, of which there are two for each of a dozen stages.
    #expect(abs(total - sum) < 2e-5)
    #expect(abs(try report.number("remaining_ms") - (100_000 - total)) < 2e-6)
  }

  struct Case: CustomTestStringConvertible {
    var rate: Int
    var chunk: Int
    var device = 0
    var attack = 60
    var hangover = 500
    var quality = ResamplingQuality.voice
    var phase = ResamplingPhase.linear

    var testDescription: String { "\(rate) Hz, \(chunk) ms, device \(device) ms, \(quality), \(phase)" }
  }

  static let cases = [
    Case(rate: 48_000, chunk: 20), Case(rate: 44_100, chunk: 40, device: 10), Case(rate: 16_000, chunk: 25),
    Case(rate: 8_000, chunk: 100, device: 32, attack: 0, hangover: 200), Case(rate: 24_000, chunk: 10),
    Case(rate: 48_000, chunk: 33, device: 7, attack: 95, hangover: 0, quality: .sharp),
    Case(rate: 48_000, chunk: 20, quality: .fast), Case(rate: 48_000, chunk: 20, phase: .minimum),
  ]

  @Test("Delays are what arithmetic says", arguments: cases)
  func delays(_ each: Case) throws {
    let report = try Self.report(
      "--input-rate", "\(each.rate)", "--chunk-ms", "\(each.chunk)", "--device-ms", "\(each.device)",
      "--min-speech-ms", "\(each.attack)", "--hangover-ms", "\(each.hangover)", "--quality", each.quality.rawValue,
      "--phase", each.phase.rawValue)
    let rate = try SampleRate(each.rate)
    let resampler = Resampler(from: rate, to: .hz24000, quality: each.quality, phase: each.phase)
    let latency = resampler.latencyInSamples
    // By counting: when is what the k-th chunk needs there, and when is the block or the frame full that holds it?
    func longestWait(_ offset: Int, block: Int) -> Double {
      guard block > 0 else { return 0 }
      var longest = 0
      for k in 1...2_000 {
        let needed = k * (each.rate * each.chunk / 1_000) + offset
        longest = max(longest, (needed + block - 1) / block * block - needed)
      }
      return Double(longest) * 1_000 / Double(each.rate)
    }
    let expected: [(name: String, milliseconds: Double)] = [
      ("chunk fill", Double(each.chunk)), ("resampler", Double(latency) / Double(each.rate) * 1_000),
      ("device block", longestWait(latency, block: each.rate * each.device / 1_000)),
      ("features", longestWait(0, block: each.rate / 100)), ("look-ahead", 0),
      // Whole frames of 10 ms, rounded half up, and at least one.
      ("attack (turn start)", Double(max(1, (each.attack + 5) / 10) * 10)),
      ("hangover (turn end)", Double(max(1, (each.hangover + 5) / 10) * 10)),
    ]
    for (name, milliseconds) in expected {
      #expect(abs(try report.delay(name) - milliseconds) < 1e-6, "\(name)")
    }
    for name in Self.computed where name != "resampler" && name != "features" {
      #expect(try report.delay(name) == 0, "\(name)")
    }
    #expect(try report.number("turn_start_ms") > report.delay("attack (turn start)"))
    let end = try report.delay("hangover (turn end)") + report.delay("resampler")
    #expect(try report.number("turn_end_ms") > end)
  }

  @Test("It fails over the budget and says by how much")
  func overBudget() throws {
    let outcome = try Self.run("--budget", "1ms", "--json")
    #expect(outcome.status == 1)
    let report = try BudgetReport(outcome.output)
    #expect(try report.number("budget_ms") == 1)
    let over = -(try report.number("remaining_ms"))
    #expect(over > 19)
    #expect(outcome.errors.hasPrefix("utter: over budget by \(String(format: "%.3f", over)) ms: "))
    #expect(outcome.errors.hasSuffix(", 1ms to spend\n") && outcome.errorLines.count == 2)
    // The budget is the limit, not the rule: the same path is within a larger one.
    #expect(try Self.run("--budget", "100000ms").status == 0)
    #expect(try BudgetReport(try Self.run("--budget", "50000.5", "--json").output).number("budget_ms") == 50_000.5)
  }

  @Test(
    "Misuse is told as such",
    arguments: [
      ["--budget", "0"], ["--budget", "-5"], ["--budget", "300s"], ["--budget", "nan"], ["--budget", "0x10"],
      ["--budget", ""], ["--budget", "1e9"], ["--chunk-ms", "9"], ["--chunk-ms", "10001"], ["--chunk-ms", "20.5"],
      ["--input-rate", "3999"], ["--input-rate", "192001"], ["--detector", "neural"], ["--streams", "0"],
      ["--streams", "10001"], ["--quality", "best"], ["--phase", "maximum"], ["--chunks", "0"],
      ["--chunks", "1000001"], ["--seconds", "0"], ["--seconds", "nan"], ["--chunks", "10", "--seconds", "1"],
      ["--device-ms", "-1"], ["--device-ms", "1001"], ["--min-speech-ms", "-1"], ["--hangover-ms", "10001"],
      ["speech.wav"],
    ])
  func misuse(_ options: [String]) throws {
    let outcome = try Tool.run(["budget"] + options)
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
  }

  @Test("Streams wait for each other")
  func streams() throws {
    let report = try Self.report("--streams", "4", "--detector", "energy")
    #expect(try report.number("streams") == 4)
    #expect(try report.number("chunks") == 40)
    let wait = try #require(report.stages.first { $0.name == "wait for other streams" })
    #expect(wait.owner == "caller" && wait.algorithmic == 0)
    let compute = try #require(report.object["chunk_compute_us"] as? [String: Double])
    let latency = try #require(report.object["chunk_latency_us"] as? [String: Double])
    // Half of the chunks take that long, and in some round one of them is not the last.
    #expect(try #require(wait.compute["max"]) >= #require(compute["p50"]))
    for figure in ["p50", "p99", "p999", "max"] {
      #expect(try #require(latency[figure]) >= #require(compute[figure]), "\(figure)")
    }
    // Chunks are rounded up to one for each stream.
    #expect(try Self.report("--streams", "7").number("chunks") == 42)
  }

  @Test func secondsAreChunks() throws {
    let outcome = try Tool.run("budget", "--json", "--budget", "100000", "--seconds", "1.01", "--chunk-ms", "50")
    #expect(try BudgetReport(outcome.output).number("chunks") == 21)
  }

  @Test func theTableTellsAll() throws {
    let outcome = try Self.run("--budget", "100000", "--streams", "2")
    #expect(outcome.errors.isEmpty)
    for name in Self.computed + Self.waited + [
      "wait for other streams", "whole chunk", "total", "start known", "end sent",
    ] {
      #expect(outcome.lines.contains { $0.hasPrefix(name) }, "\(name)")
    }
    #expect(outcome.text.contains("left for network and model") && outcome.text.contains("x real time"))
    #expect(!outcome.text.contains("\u{1B}"))
    let over = try Self.run("--budget", "2")
    #expect(over.text.contains("over budget by") && over.status == 1)
  }

  @Test func aFullDiskIsAFailure() throws {
    let outcome = try Tool.shell("\"$UTTER\" budget --chunks 40 --budget 100000 > /dev/full")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("cannot write"))
  }

  @Test("A backend can be forced", arguments: KernelBackend.available)
  func backend(_ backend: KernelBackend) throws {
    let outcome = try Tool.run(
      ["budget", "--json", "--chunks", "5", "--budget", "100000"], environment: ["UTTER_BACKEND": backend.rawValue])
    #expect(try BudgetReport(outcome.output).object["backend"] as? String == backend.rawValue)
  }
}

/// The library behind the command.
@Suite struct LatencyBudgetTests {
  /// Counts how many sample frames had gone in when a chunk came out.
  private struct EmissionSink: ChunkSink {
    var fed = 0
    var chunks: [(offset: Int, fed: Int)] = []

    mutating func receive(_ chunk: Span<Int16>, at offset: Int) { chunks.append((offset, fed)) }
  }

  static let cases = BudgetCommandTests.cases.filter { $0.chunk <= 40 }

  @Test("The delays are those of the path, block by block", arguments: cases)
  func measuredDelay(_ each: BudgetCommandTests.Case) throws {
    let rate = try SampleRate(each.rate)
    let delays = AlgorithmicDelays(
      LocalPath(
        inputRate: rate, chunkDuration: .milliseconds(each.chunk), deviceBlock: .milliseconds(each.device),
        quality: each.quality, phase: each.phase))
    // As the path has it: a detector that holds chunks back, and speech all the time.
    let speech = try SegmenterConfiguration(
      enterThreshold: 0, exitThreshold: 0, minimumSpeech: .zero, prefixPadding: .zero)
    var chunker = try SpeechChunker(
      engine: Resampler(from: rate, to: .hz24000, quality: each.quality, phase: each.phase),
      detector: EnergyDetector(rate), channelCount: 1, chunkDuration: .milliseconds(each.chunk), segmentation: speech)
    var sink = EmissionSink()
    let block = [Float](repeating: 0.1, count: max(1, each.rate * each.device / 1_000))
    while sink.chunks.count < 24 {
      sink.fed += block.count
      try chunker.process(block.span, into: &sink)
    }
    // From a chunk's first sample to the moment at which it came.
    let longest = sink.chunks.map { chunk in
      Double(chunk.fed) * 1_000 / Double(each.rate) - Double(chunk.offset) / 24
    }.max()!
    let latest = delays.chunkFill + delays.resampler + delays.deviceBlock + delays.frame + delays.lookAhead
    #expect(longest <= latest + 1e-9)
    // What is waited for at the same time counts once in truth and twice in the sum. A chunk's last output may be the
    // instant of an input that is not its last one, and a resampler's latency is rounded up: two samples.
    let overlap = delays.frame > 0 ? min(delays.frame, delays.resampler) + delays.deviceBlock : 0
    #expect(longest >= latest - overlap - 2_000 / Double(each.rate), "\(longest) of \(latest)")
    #expect(longest >= delays.chunkFill)
  }

  /// Figures that are not measured.
  private struct FixedLatencies: LatencyRecorder {
    mutating func record(_ nanoseconds: UInt64, as figure: LatencyFigure) {}

    func percentiles(of figure: LatencyFigure) -> LatencyPercentiles {
      let base = Double(figure.rawValue + 1)
      return LatencyPercentiles(p50: base, p99: 10 * base, p999: 100 * base, max: 1_000 * base)
    }
  }

  @Test("Sums, shares and the verdict on them")
  func verdict() {
    let path = LocalPath()
    func report(streams: Int, computing: UInt64, budget: Double) -> LatencyReport {
      let measurement = PathMeasurement(
        path, streamCount: streams, chunkCount: 1_000, deadlineMisses: 0, computing: computing)
      return LatencyReport(measurement, FixedLatencies(), budgetMilliseconds: budget)
    }
    let delays = AlgorithmicDelays(path)
    // Nine stages with 100 to 900 us.
    let total = delays.chunkFill + delays.resampler + 4.5
    let alone = report(streams: 1, computing: 20_000_000, budget: total + 0.001)
    #expect(abs(alone.totalMilliseconds - total) < 1e-9)
    #expect(alone.isWithinBudget && alone.keepsUp)
    #expect(abs(alone.measurement.realTimeFactor - 1_000) < 1e-9)
    #expect(abs(alone.measurement.meanRealTimeFactor - 1_000) < 1e-9)
    #expect(!report(streams: 1, computing: 20_000_000, budget: total - 0.001).isWithinBudget)
    // The wait, the tenth figure, counts where there are others to wait for.
    let shared = report(streams: 10, computing: 20_000_000, budget: 300)
    #expect(abs(shared.totalMilliseconds - total - 1) < 1e-9)
    #expect(shared.isWithinBudget)
    // 20 s of audio in 0.02 s: just enough for a thousand streams, and not for more.
    #expect(report(streams: 1_000, computing: 20_000_000, budget: 300).keepsUp)
    let late = report(streams: 1_000, computing: 20_000_001, budget: 300)
    #expect(!late.keepsUp && !late.isWithinBudget && late.totalMilliseconds < 300)
    #expect(abs(alone.turnEndMilliseconds - (500 + delays.resampler + 1.2)) < 1e-9)
    #expect(abs(alone.turnStartMilliseconds - (60 + 1.2)) < 1e-9)
  }

  @Test("Percentiles by nearest rank", arguments: [1, 2, 99, 100, 999, 1_000, 1_001, 2_345])
  func percentiles(count: Int) {
    var latencies = ExactLatencies(chunkCount: count)
    // 1, 2, ... in another order: 7,919 is a prime that divides none of the counts.
    for i in 0..<count { latencies.record(UInt64(i * 7_919 % count + 1) * 1_000, as: .chunk) }
    let found = latencies.percentiles(of: .chunk)
    // The least value that at least so many of all do not exceed.
    func least(_ part: Double) -> Double { Double((1...count).first { Double($0) >= part * Double(count) - 1e-9 }!) }
    let expected = LatencyPercentiles(p50: least(0.5), p99: least(0.99), p999: least(0.999), max: Double(count))
    for (a, b) in [
      (found.p50, expected.p50), (found.p99, expected.p99), (found.p999, expected.p999), (found.max, expected.max),
    ] {
      #expect(abs(a - b) < 1e-6)
    }
    #expect(latencies.percentiles(of: .event) == .none)
  }

  @Test("The sound to measure with is the same every time, and is speech to the detector", arguments: [8_000, 48_000])
  func signal(hertz: Int) throws {
    let rate = try SampleRate(hertz)
    let signal = SpeechLikeSignal.interleaved(rate, channelCount: 2)
    #expect(signal == SpeechLikeSignal.interleaved(rate, channelCount: 2))
    #expect(signal.count == hertz * 4 * 2)
    #expect(signal.allSatisfy { abs($0) < 1 })
    var segments: [Int] = []
    var tracker = SpeechTracker(EnergyDetector(rate), configuration: .turns)
    let mono = stride(from: 0, to: signal.count, by: 2).map { 0.5 * (signal[$0] + signal[$0 + 1]) }
    // Twice: the first time, the noise floor is a guess.
    for _ in 0..<2 {
      tracker.process(mono.span, onFrame: { _ in }) { event in
        if case .ended(let place, _, _) = event { segments.append(place) }
      }
    }
    let ends = segments.map { rate.seconds(of: $0) }
    #expect(ends.count == 2 && abs(ends[0] - 3) < 0.3 && abs(ends[1] - 7) < 0.3, "\(ends)")
    // The channels differ, by noise at -60 dBFS.
    #expect(stride(from: 0, to: 2_000, by: 2).contains { signal[$0] != signal[$0 + 1] })
  }
}
