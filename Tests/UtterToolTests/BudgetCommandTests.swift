import AudioDSP
import AudioTestSupport
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

  static func computed(_ detector: SpeechDetector.Kind) -> [String] {
    ["downmix", "resampler", "features", "\(detector) detector", "segmenter", "pcm16", "chunker", "base64", "event"]
  }
  static let waited = [
    "chunk fill", "device block", "look-ahead", "overlap", "attack (turn start)", "hangover (turn end)",
  ]

  @Test(arguments: SpeechDetector.Kind.allCases)
  func jsonHasTheStatedKeys(_ detector: SpeechDetector.Kind) throws {
    let outcome = try Self.run("--json", "--budget", "100000", "--detector", detector.rawValue)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.text.hasPrefix(#"{"budget_ms":"#) && outcome.lines.count == 1)
    let report = try BudgetReport(outcome.output)
    let computed = Self.computed(detector)
    #expect(Set(report.stages.map(\.name)) == Set(computed + Self.waited))
    for stage in report.stages {
      #expect(Set(stage.compute.keys) == ["p50", "p99", "p999", "max"])
      let figures = try ["p50", "p99", "p999", "max"].map { try #require(stage.compute[$0]) }
      #expect(figures == figures.sorted() && !stage.owner.isEmpty)
      #expect(stage.name == "overlap" ? stage.algorithmic <= 0 : stage.algorithmic >= 0)
      // No computing stage takes no time at all, and nothing is computed where only waiting is told.
      #expect(computed.contains(stage.name) ? figures[0] > 0 : figures[3] == 0, "\(stage)")
    }
    #expect(report.stages.first { $0.name == "event" }?.owner == "RealtimeVoice")
    #expect(report.stages.first { $0.name == "resampler" }?.owner == "AudioDSP")
    #expect(report.stages.first { $0.name == "device block" }?.owner == "audio device")
    #expect(try report.number("chunks") == 40)
    #expect(try report.number("streams") == 1)
    #expect(try report.number("real_time_factor") > 0)
    #expect(try report.number("clock_read_ns") > 0)
    #expect(report.object["detector"] as? String == detector.rawValue)
    #expect(report.object["keeps_up"] as? Bool == true)
    // As JSON's own, not as a number.
    #expect(outcome.text.contains(#""keeps_up":true,"#))
    #expect(!outcome.text.contains("-0.0,"))
    let backend = try #require(report.object["backend"] as? String)
    #expect(KernelBackend.available.map(\.rawValue).contains(backend))
    for key in ["deadline_misses", "turn_start_ms", "turn_end_ms"] { #expect(try report.number(key) >= 0) }
  }

  @Test("The detector is the neural one unless told otherwise, as in 'utter chunk'")
  func defaultDetector() throws {
    #expect(try Self.report().object["detector"] as? String == "neural")
    #expect(LocalPath().detector == .neural)
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
    var detector = SpeechDetector.Kind.neural

    var testDescription: String {
      "\(rate) Hz, \(chunk) ms, device \(device) ms, \(quality), \(phase), \(detector)"
    }

    var path: LocalPath {
      get throws {
        LocalPath(
          inputRate: try SampleRate(rate), chunkDuration: .milliseconds(chunk), deviceBlock: .milliseconds(device),
          quality: quality, phase: phase, detector: detector,
          segmentation: try SegmenterConfiguration(
            minimumSpeech: .milliseconds(attack), hangover: .milliseconds(hangover)))
      }
    }
  }

  static let cases = [
    Case(rate: 48_000, chunk: 20), Case(rate: 44_100, chunk: 40, device: 10), Case(rate: 16_000, chunk: 25),
    Case(rate: 8_000, chunk: 100, device: 32, attack: 0, hangover: 200), Case(rate: 24_000, chunk: 10),
    Case(rate: 48_000, chunk: 33, device: 7, attack: 95, hangover: 0, quality: .sharp),
    Case(rate: 48_000, chunk: 20, quality: .fast), Case(rate: 48_000, chunk: 20, phase: .minimum),
    Case(rate: 48_000, chunk: 20, detector: .energy), Case(rate: 44_100, chunk: 40, device: 10, detector: .energy),
    Case(rate: 16_000, chunk: 25, detector: .energy), Case(rate: 48_000, chunk: 33, device: 7, detector: .energy),
  ]

  @Test("Delays are what arithmetic says", arguments: cases)
  func delays(_ each: Case) throws {
    let report = try Self.report(
      "--input-rate", "\(each.rate)", "--chunk-ms", "\(each.chunk)", "--device-ms", "\(each.device)",
      "--min-speech-ms", "\(each.attack)", "--hangover-ms", "\(each.hangover)", "--quality", each.quality.rawValue,
      "--phase", each.phase.rawValue, "--detector", each.detector.rawValue)
    let rate = try SampleRate(each.rate)
    let resampler = Resampler(from: rate, to: .hz24000, quality: each.quality, phase: each.phase)
    let latency = resampler.latencyInSamples
    let ahead = SpeechDetector(each.detector, rate).lookAheadInSamples
    // By counting, chunk by chunk: when has the resampler given it, when is it scored, and when is the block full?
    func roundedUp(_ count: Int, to block: Int) -> Int { block > 0 ? (count + block - 1) / block * block : count }
    let device = each.rate * each.device / 1_000
    var (longest, longestInFrame, longestWithoutBlocks) = (0, 0, 0)
    for k in 1...2_000 {
      let end = k * (each.rate * each.chunk / 1_000)
      let frameEnd = roundedUp(end, to: each.rate / 100)
      let ready = max(end + latency, frameEnd + ahead)
      longestInFrame = max(longestInFrame, frameEnd - end)
      longestWithoutBlocks = max(longestWithoutBlocks, ready - end)
      longest = max(longest, roundedUp(ready, to: device) - end)
    }
    func milliseconds(_ sampleCount: Int) -> Double { Double(sampleCount) * 1_000 / Double(each.rate) }
    let expected: [(name: String, milliseconds: Double)] = [
      ("chunk fill", Double(each.chunk)), ("resampler", milliseconds(latency)),
      ("device block", milliseconds(longest - longestWithoutBlocks)), ("features", milliseconds(longestInFrame)),
      ("look-ahead", milliseconds(ahead)), ("overlap", -milliseconds(min(latency, longestInFrame + ahead))),
      // Whole frames of 10 ms, rounded half up, and at least one.
      ("attack (turn start)", Double(max(1, (each.attack + 5) / 10) * 10)),
      ("hangover (turn end)", Double(max(1, (each.hangover + 5) / 10) * 10)),
    ]
    for (name, milliseconds) in expected {
      #expect(abs(try report.delay(name) - milliseconds) < 1e-6, "\(name)")
    }
    let computed = Self.computed(each.detector)
    for name in computed where name != "resampler" && name != "features" {
      #expect(try report.delay(name) == 0, "\(name)")
    }
    // What a chunk waits for in all.
    let path = try #require(report.object["path"] as? [String])
    let sum = try path.reduce(0) { try $0 + report.delay($1) }
    #expect(abs(sum - Double(each.chunk) - milliseconds(longest)) < 1e-5)
    let start = try report.delay("attack (turn start)") + milliseconds(ahead)
    #expect(try report.number("turn_start_ms") > start)
    let end = try report.delay("hangover (turn end)") + milliseconds(max(ahead, latency))
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
      ["--input-rate", "3999"], ["--input-rate", "192001"], ["--detector", "webrtc"], ["--streams", "0"],
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

  @Test func theTableNamesTheDetector() throws {
    for detector in SpeechDetector.Kind.allCases {
      let table = try Self.run("--budget", "100000", "--detector", detector.rawValue)
      #expect(table.lines.first?.contains(" \(detector.rawValue) detector, ") == true)
    }
  }

  @Test("The help says what is reckoned how")
  func help() throws {
    let text = try Tool.run("help", "budget").text
    for word in ["--detector", "neural", "energy", "keeps_up", "DEVICE BLOCK", "overlap"] {
      #expect(text.contains(word), "\(word)")
    }
    // Its example.
    func blocks(_ device: Int, _ chunk: Int) -> Int { (chunk * 20 + 16 + device - 1) / device * device }
    #expect((1...3).map { blocks(10, $0) - 20 * $0 - 16 } == [4, 4, 4])
    #expect(blocks(8, 1) == 40 && blocks(8, 2) == 56)
  }

  @Test func theTableTellsAll() throws {
    let outcome = try Self.run("--budget", "100000", "--streams", "2")
    #expect(outcome.errors.isEmpty)
    for name in Self.computed(.neural) + Self.waited + [
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

  static let cases: [BudgetCommandTests.Case] =
    BudgetCommandTests.cases.filter { $0.chunk <= 40 } + [
      // Chunks that are no whole frames, with blocks and without: what is waited for at the same time counts once.
      .init(rate: 16_000, chunk: 25, device: 10), .init(rate: 16_000, chunk: 25, device: 10, detector: .energy),
      .init(rate: 8_000, chunk: 12, detector: .energy), .init(rate: 48_000, chunk: 12, device: 16),
      // Frames end up to a sample early at rates that are no multiple of 100 Hz. Where a sample is longer than one of
      // the output, a chunk may lack its last one, and wait for another frame.
      .init(rate: 11_025, chunk: 20), .init(rate: 11_025, chunk: 20, detector: .energy),
      .init(rate: 16_001, chunk: 20, detector: .energy), .init(rate: 23_759, chunk: 20, detector: .energy),
      .init(rate: 23_999, chunk: 20, detector: .energy), .init(rate: 23_999, chunk: 20),
      .init(rate: 23_999, chunk: 25, detector: .energy), .init(rate: 47_999, chunk: 20, detector: .energy),
      .init(rate: 22_050, chunk: 20, detector: .energy), .init(rate: 48_001, chunk: 20, detector: .energy),
      .init(rate: 8_001, chunk: 15, detector: .energy), .init(rate: 23_999, chunk: 1_000, detector: .energy),
      .init(rate: 47_999, chunk: 20), .init(rate: 44_101, chunk: 20), .init(rate: 11_025, chunk: 20, device: 7),
    ]

  /// From a chunk's first sample to the moment at which it came, in milliseconds: the longest of all chunks.
  private static func observedDelay(_ each: BudgetCommandTests.Case) throws -> Double {
    let rate = try SampleRate(each.rate)
    // As the path has it: a detector that holds chunks back, and speech all the time.
    let speech = try SegmenterConfiguration(
      enterThreshold: 0, exitThreshold: 0, minimumSpeech: .zero, prefixPadding: .zero)
    var chunker = try SpeechChunker(
      engine: Resampler(from: rate, to: .hz24000, quality: each.quality, phase: each.phase),
      detector: SpeechDetector(each.detector, rate), channelCount: 1, chunkDuration: .milliseconds(each.chunk),
      segmentation: speech)
    var sink = EmissionSink()
    // Without blocks, sample by sample.
    let block = [Float](repeating: 0.1, count: max(1, rate.sampleCount(in: .milliseconds(each.device))))
    // Longer than a second, after which frames lie as they did; where there are blocks, longer than what chunks, frames
    // and blocks divide alike.
    while sink.chunks.count < 4 || sink.chunks.count * each.chunk < (each.device > 0 ? 2_400 : 1_100) {
      sink.fed += block.count
      try chunker.process(block.span, into: &sink)
    }
    return sink.chunks.map { chunk in
      Double(chunk.fed) * 1_000 / Double(each.rate) - Double(chunk.offset) / 24
    }.max()!
  }

  /// How much less than what is stated is seen, in milliseconds. A chunk's last output may be the instant of an input
  /// that is not its last one, and latencies are rounded up: three samples, and one at the detector's own 16 kHz.
  private static func rounding(_ rate: Int) -> Double { 3_000 / Double(rate) + 1_000 / 16_000 }

  @Test("A chunk's delay is what a chunker takes that is fed sample by sample, or block by block", arguments: cases)
  func measuredDelay(_ each: BudgetCommandTests.Case) throws {
    let delays = AlgorithmicDelays(try each.path)
    let longest = try Self.observedDelay(each)
    #expect(longest <= delays.chunk + 1e-9)
    #expect(longest >= delays.chunk - Self.rounding(each.rate), "\(longest) of \(delays.chunk)")
    #expect(delays.overlap == min(delays.resampler, delays.frame + delays.lookAhead))
    // The longest frames have a sample more than 10 ms.
    #expect(delays.deviceBlock >= 0 && delays.frame >= 0 && delays.frame < 10 + 1_000 / Double(each.rate))
  }

  @Test("The detector's look-ahead delays a chunk in truth: all of it but what the resampler waits anyway")
  func lookAheadDelaysChunks() throws {
    for rate in [16_000, 48_000] {
      let neural = try Self.observedDelay(.init(rate: rate, chunk: 20))
      let energy = try Self.observedDelay(.init(rate: rate, chunk: 20, detector: .energy))
      let delays = AlgorithmicDelays(try BudgetCommandTests.Case(rate: rate, chunk: 20).path)
      #expect((15...17).contains(delays.lookAhead))
      #expect(abs(neural - energy - (delays.lookAhead - delays.resampler)) <= Self.rounding(rate))
    }
  }

  /// Says what is told to, when a detector would.
  private struct ScriptedDetector: ~Copyable, VoiceActivityDetector {
    private var detector: SpeechDetector
    private let isSpeech: (Int) -> Bool
    private var frame = 0

    init(_ detector: consuming SpeechDetector, _ isSpeech: @escaping (_ frame: Int) -> Bool) {
      self.detector = detector
      self.isSpeech = isSpeech
    }

    var grid: FrameGrid { detector.grid }
    var lookAheadInSamples: Int { detector.lookAheadInSamples }
    var finalFrameCapacity: Int { detector.finalFrameCapacity }

    func frameCapacity(forInputCount inputCount: Int) -> Int { detector.frameCapacity(forInputCount: inputCount) }

    mutating func process(_ samples: Span<Float>, into scores: inout MutableSpan<FrameScore>) -> Int {
      replace(detector.process(samples, into: &scores), of: &scores)
    }

    mutating func finish(into scores: inout MutableSpan<FrameScore>) -> Int {
      replace(detector.finish(into: &scores), of: &scores)
    }

    mutating func reset() {
      detector.reset()
      frame = 0
    }

    private mutating func replace(_ count: Int, of scores: inout MutableSpan<FrameScore>) -> Int {
      for i in 0..<count {
        scores[i] = FrameScore(isSpeech(frame) ? 1 : 0)
        frame += 1
      }
      return count
    }
  }

  /// Notes how long after a turn's first and last sample its start and its end came, in samples.
  private struct TurnSink: ChunkSink {
    var fed = 0
    var starts: [Int] = []
    var ends: [Int] = []

    mutating func receive(_ chunk: Span<Int16>, at offset: Int) {}

    mutating func receive(_ event: SegmentEvent, at outputOffset: Int) {
      switch event {
      case .started(let place, _, _): starts.append(fed - place)
      case .ended(let place, _, _): ends.append(fed - place)
      case .cut, .misfire: break
      }
    }
  }

  static let turnCases: [BudgetCommandTests.Case] = [
    .init(rate: 16_000, chunk: 20, attack: 30, hangover: 100), .init(rate: 48_000, chunk: 20, attack: 0, hangover: 0),
    .init(rate: 16_000, chunk: 20, attack: 30, hangover: 100, detector: .energy),
    .init(rate: 8_000, chunk: 20, device: 32, attack: 0, hangover: 40),
    .init(rate: 48_000, chunk: 33, device: 7, attack: 95, hangover: 0, quality: .sharp, detector: .energy),
    .init(rate: 48_000, chunk: 33, device: 7, attack: 95, hangover: 0),
    .init(rate: 11_025, chunk: 20, attack: 20, hangover: 50), .init(rate: 44_100, chunk: 20, device: 10, hangover: 60),
  ]

  @Test("A turn's delays are what a chunker takes to tell of it", arguments: turnCases)
  func measuredTurns(_ each: BudgetCommandTests.Case) throws {
    let rate = try SampleRate(each.rate)
    let path = try each.path
    let delays = AlgorithmicDelays(path)
    // 53 and 100 have no common divisor: turns start and end at all places that frames have in a second, and, where
    // there are blocks, at all that they have in those.
    let turnLength = 53
    let detector = ScriptedDetector(SpeechDetector(each.detector, rate)) { $0 % turnLength >= 25 }
    var chunker = try SpeechChunker(
      engine: Resampler(from: rate, to: .hz24000, quality: each.quality, phase: each.phase), detector: detector,
      channelCount: 1, chunkDuration: .milliseconds(each.chunk), segmentation: path.segmentation)
    var sink = TurnSink()
    let block = [Float](repeating: 0.1, count: max(1, rate.sampleCount(in: .milliseconds(each.device))))
    let turnCount = rate.hertz.isMultiple(of: 100) && each.device == 0 ? 2 : 32
    while sink.ends.count < turnCount {
      sink.fed += block.count
      try chunker.process(block.span, into: &sink)
    }
    func milliseconds(_ sampleCount: Int) -> Double { Double(sampleCount) * 1_000 / Double(each.rate) }
    let (start, end) = (milliseconds(try #require(sink.starts.max())), milliseconds(try #require(sink.ends.max())))
    // A frame of a rate that is no multiple of 100 Hz is up to a sample longer than 10 ms.
    let longer = rate.hertz.isMultiple(of: 100) ? 0 : 1
    #expect(start <= delays.turnStart + milliseconds(longer) + 1e-9)
    #expect(end <= delays.turnEnd + milliseconds(longer) + 1e-9)
    #expect(start >= delays.turnStart - Self.rounding(each.rate), "\(start) of \(delays.turnStart)")
    #expect(end >= delays.turnEnd - Self.rounding(each.rate), "\(end) of \(delays.turnEnd)")
  }

  @Test(
    "Both passes make the same events, whatever the blocks", arguments: SpeechDetector.Kind.allCases,
    [(8_000, 100), (16_000, 20), (44_100, 33), (47_999, 10), (48_000, 400)])
  func passes(_ detector: SpeechDetector.Kind, _ form: (rate: Int, chunk: Int)) throws {
    let path = LocalPath(
      inputRate: try SampleRate(form.rate), chunkDuration: .milliseconds(form.chunk), detector: detector)
    var measurement = PathMeasurement(path, roundCount: 3)
    var latencies = ExactLatencies(chunkCount: 3)
    let signal = SpeechLikeSignal.interleaved(path.inputRate, channelCount: path.channelCount)
    // Throws where they do not.
    try measurement.run(signal, into: &latencies)
    for figure in LatencyFigure.stages { #expect(latencies.percentiles(of: figure).p50 > 0) }
  }

  @Test("The neural detector's two steps are the detector", arguments: [8_000, 16_000, 44_100, 47_999])
  func neuralSteps(hertz: Int) throws {
    let rate = try SampleRate(hertz)
    let signal = SpeechLikeSignal.interleaved(rate, channelCount: 1).prefix(2 * hertz)
    var whole = NeuralDetector(rate)
    var scores = [FrameScore](repeating: FrameScore(0), count: 250)
    var target = scores.mutableSpan
    let count = whole.process(signal.span, into: &target)
    var staged = NeuralDetector(rate)
    var random = SeededGenerator(seed: 70)
    var stagedScores = [FrameScore](repeating: FrameScore(0), count: 250)
    var scored = 0
    var taken = 0
    while taken < signal.count {
      let length = min(signal.count - taken, Int.random(in: 1...staged.sliceCount, using: &random))
      staged.measure(signal.span.extracting(taken..<taken + length))
      var target = stagedScores.mutableSpan
      scored += staged.scoreMeasured(into: &target, at: scored)
      taken += length
    }
    #expect(count > 195 && scored == count)
    #expect(stagedScores == scores)
  }

  /// Figures that are not measured.
  private struct FixedLatencies: LatencyRecorder {
    mutating func record(_ nanoseconds: UInt64, as figure: LatencyFigure) {}

    func percentiles(of figure: LatencyFigure) -> LatencyPercentiles {
      let base = Double(figure.rawValue + 1)
      return LatencyPercentiles(p50: base, p99: 10 * base, p999: 100 * base, max: 1_000 * base)
    }
  }

  @Test("Sums, shares and the verdict on them", arguments: SpeechDetector.Kind.allCases)
  func verdict(_ detector: SpeechDetector.Kind) {
    let path = LocalPath(detector: detector)
    func report(streams: Int, computing: UInt64, budget: Double) -> LatencyReport {
      let measurement = PathMeasurement(
        path, streamCount: streams, chunkCount: 1_000, deadlineMisses: 0, computing: computing)
      return LatencyReport(measurement, FixedLatencies(), budgetMilliseconds: budget)
    }
    let delays = AlgorithmicDelays(path)
    // Nine stages with 100 to 900 us.
    let total = delays.chunkFill + max(delays.resampler, delays.lookAhead) + 4.5
    #expect(delays.lookAhead > 0 ? delays.lookAhead > delays.resampler : detector == .energy)
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
    #expect(alone.json().contains(#""keeps_up":true"#) && late.json().contains(#""keeps_up":false"#))
    let end = 500 + max(delays.resampler, delays.lookAhead) + 1.2
    #expect(abs(alone.turnEndMilliseconds - end) < 1e-9)
    #expect(abs(alone.turnStartMilliseconds - (60 + delays.lookAhead + 1.2)) < 1e-9)
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
