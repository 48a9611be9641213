import AudioDSP
import AudioFiles
import Foundation
import Testing

/// `utter stream` and `utter simulate`, run as users run them. No network beyond this machine.
@Suite(.serialized) struct StreamCommandTests {
  /// Nothing of the machine's own keys.
  private static let noKeys = [
    "OPENAI_API_KEY": "", "GEMINI_API_KEY": "", "GOOGLE_API_KEY": "", "ELEVENLABS_API_KEY": "",
    "AZURE_OPENAI_API_KEY": "",
  ]

  private static func stream(_ arguments: String..., environment: [String: String] = [:]) throws -> Tool.Outcome {
    try Tool.run(["stream"] + arguments, environment: noKeys.merging(environment) { $1 })
  }

  private static func events(_ path: String) throws -> [[String: Any]] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  private static func sampleCount(_ path: String) throws -> (Int, SampleRate) {
    var reader = try AudioFileReader(path: path)
    var count = 0
    try reader.forEachBlock { count += $0.count }
    return (count, reader.sampleRate)
  }

  @Test("Each turn is answered by the simulator, which is said", arguments: ["openai", "openai-beta", "gemini"])
  func everyTurnIsAnswered(_ dialect: String) throws {
    let folder = try TemporaryFolder()
    let (answers, timeline) = (folder.path("answers.wav"), folder.path("timeline.jsonl"))
    let outcome = try Self.stream(
      Tool.speech, "--dialect", dialect, "--answers", answers, "--timeline", timeline)
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("simulator"))
    // The recording has four turns.
    #expect(outcome.lines.count == 8)
    #expect(outcome.lines.count { $0.hasPrefix("user: (") && $0.hasSuffix("s of speech)") } == 4)
    #expect(outcome.lines.count { $0.hasPrefix("answer: I heard ") } == 4)
    #expect(outcome.errorLines.count { $0.hasPrefix("turn ") && $0.contains("after the commit") } == 4)
    #expect(outcome.errorLines.count { $0.contains("after the end of speech") } == 4)
    let (count, rate) = try Self.sampleCount(answers)
    #expect(count == 4 * 2 * 24_000)
    #expect(rate == .hz24000)
    let events = try Self.events(timeline)
    #expect(events.first?["event"] as? String == "ready")
    #expect(events.last?["event"] as? String == "closed")
    let times = events.compactMap { $0["time_s"] as? Double }
    #expect(times.count == events.count)
    #expect(times == times.sorted())
    for event in events where event["event"] as? String == "playout_started" {
      let committed = try #require(event["committed_s"] as? Double)
      let played = try #require(event["first_played_s"] as? Double)
      #expect(committed <= played)
    }
    #expect(try folder.contents == ["answers.wav", "timeline.jsonl"])
  }

  @Test("ElevenLabs finds turns itself, at the pace of speech")
  func elevenLabs() throws {
    let outcome = try Self.stream(Tool.speech, "--dialect", "elevenlabs", "-q")
    #expect(outcome.status == 0)
    #expect(outcome.lines.count { $0.hasPrefix("user: ") } == 4)
    #expect(outcome.errorLines.filter { !$0.isEmpty }.allSatisfy { $0.contains("simulator") })
  }

  @Test("One question by chat completions")
  func chat() throws {
    let folder = try TemporaryFolder()
    let outcome = try Self.stream(Tool.speech, "--dialect", "openai-chat", "--answers", folder.path("answer.wav"))
    #expect(outcome.status == 0)
    #expect(outcome.lines.count == 1)
    #expect(try Self.sampleCount(folder.path("answer.wav")).0 > 0)
  }

  @Test("What is said over an answer interrupts it, at the pace of speech")
  func interruption() throws {
    let folder = try TemporaryFolder()
    let timeline = folder.path("timeline.jsonl")
    let outcome = try Self.stream(Tool.speech, "--realtime", "--timeline", timeline)
    #expect(outcome.status == 0)
    let interruptions = try Self.events(timeline).filter { $0["event"] as? String == "interrupted" }
    #expect(!interruptions.isEmpty)
    for event in interruptions {
      let items = try #require(event["items"] as? [[String: Any]])
      for item in items {
        let (heard, received) = (item["heard_ms"] as? Int ?? -1, item["received_ms"] as? Int ?? -1)
        #expect((0...received).contains(heard))
      }
    }
  }

  @Test("The model's tool is called")
  func tools() throws {
    let service = try SimulatorProcess("--call-tool", "get_time")
    defer { service.stop() }
    let outcome = try Self.stream(Tool.speech, "--turns", "manual", "--tool-demo", "--url", service.url("openai"))
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("the model calls get_time"))
    #expect(outcome.lines.contains { $0.hasPrefix("answer: ") && $0.contains("20") })
  }

  @Test("A recording without speech is not answered, and that is said")
  func silence() throws {
    let outcome = try Self.stream(Tool.audio("silence-48k.flac"))
    #expect(outcome.status == 0)
    #expect(outcome.lines == [])
    #expect(outcome.errors.contains("no turn was found"))
  }

  @Test("A connection that is lost in the middle of an answer is told, and the rest of the recording answered")
  func drop() throws {
    let service = try SimulatorProcess()
    defer { service.stop() }
    let outcome = try Self.stream(Tool.speech, "--url", service.url("openai") + "&fault=drop")
    #expect(outcome.errors.contains("connection lost"))
    #expect(outcome.lines.count { $0.hasPrefix("answer: ") } >= 3)
    #expect(outcome.status == 0 || outcome.errors.contains("did not come whole"))
  }

  @Test("Keys are used, and not shown")
  func keys() throws {
    let key = "sk-not-to-be-shown-12345"
    let folder = try TemporaryFolder()
    let service = try SimulatorProcess("--require-key-env", "WANTED", environment: ["WANTED": key])
    defer { service.stop() }
    let file = try folder.write("key", Array("\(key)\n".utf8))
    for arguments in [["--key-file", file], ["--key-env", "MINE"], []] {
      let outcome = try Tool.run(
        ["stream", Tool.speech, "--turns", "manual", "--url", service.url("openai")] + arguments,
        environment: Self.noKeys.merging(["MINE": key]) { $1 })
      #expect(outcome.status == (arguments.isEmpty ? 1 : 0))
      #expect(!outcome.errors.contains(key) && !outcome.text.contains(key))
      if arguments.isEmpty { #expect(outcome.errors.contains("401")) }
    }
    let refused = try Self.stream(
      Tool.speech, "--url", "ws://127.0.0.1:1/v1/realtime", environment: ["OPENAI_API_KEY": key])
    #expect(refused.status == 1)
    #expect(!refused.errors.contains(key))
    #expect(refused.errorLines.last { !$0.isEmpty }?.contains("refused") == true)
  }

  @Test(
    "Misuse is told with the usage",
    arguments: [
      ["--url", "ws://a/", "--base-url", "b"], ["--dialect", "elevenlabs", "--turns", "local"], ["--chunk-ms", "5"],
      ["--interrupt-ms", "20"], ["--query", "novalue"], ["--key-env", "A", "--key-file", "b"],
      ["--url", "ftp://host/"], ["--url", "ws://user:hunter2@host/"], ["--dialect", "openai-chat", "--realtime"],
      ["--clean", "loudness"],
    ])
  func misuse(_ arguments: [String]) throws {
    let outcome = try Tool.run(["stream", Tool.speech] + arguments, environment: Self.noKeys)
    #expect(outcome.status == 64)
    #expect(outcome.text == "")
    #expect(outcome.errors.contains("Usage:"))
    #expect(!outcome.errors.contains("hunter2"))
  }

  @Test("What cannot be heard is one line")
  func badInput() throws {
    let folder = try TemporaryFolder()
    let broken = try folder.write("broken.wav", Array("RIFF....".utf8))
    for path in [broken, folder.path("missing.wav")] {
      let outcome = try Self.stream(path)
      #expect(outcome.status == 1)
      #expect(outcome.errorLines.filter { !$0.isEmpty }.count == 1)
      #expect(outcome.errors.contains(path))
    }
    #expect(try Self.stream(folder.url.path).status == 64)
  }

  @Test("Ctrl-C ends a session in order: what has come is written")
  func interrupt() async throws {
    let folder = try TemporaryFolder()
    let (answers, timeline) = (folder.path("answers.wav"), folder.path("timeline.jsonl"))
    // An answer that is not played to its end before the signal comes, however slow this process is.
    let answerSeconds = 60
    let service = try SimulatorProcess("--answer-ms", "\(answerSeconds * 1000)")
    defer { service.stop() }
    let process = Process()
    process.executableURL = Tool.url
    process.arguments = [
      "stream", Tool.speech, "--realtime", "--url", service.url("openai"), "--answers", answers, "--timeline", timeline,
    ]
    process.environment = ProcessInfo.processInfo.environment.merging(Self.noKeys) { $1 }
    let errors = Pipe()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // An answer's words may come before any of it is played; this is told when its first samples are.
    var text = ""
    while !text.contains("first sample of the answer") {
      let data = errors.fileHandleForReading.availableData
      if data.isEmpty { break }
      text += String(decoding: data, as: UTF8.self)
    }
    #expect(text.contains("first sample of the answer"))
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(process.terminationStatus == SIGINT)
    #expect(try Self.events(timeline).last?["event"] as? String == "closed")
    #expect(try folder.contents == ["answers.wav", "timeline.jsonl"])
    let (count, rate) = try Self.sampleCount(answers)
    #expect(rate == .hz24000)
    // Some of the answer, which nobody heard to its end.
    #expect(count > 0 && count < answerSeconds * 24_000)
  }

  @Test("A full disk is one error, and the exit status")
  func fullDisk() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else {
      print("left out: there is no /dev/full")
      return
    }
    let outcome = try Self.stream(Tool.speech, "--timeline", "/dev/full", "-q")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("/dev/full"))
  }
}

/// `utter simulate` as a process of its own.
private final class SimulatorProcess {
  private let process = Process()
  private var urls: [String: String] = [:]

  init(_ arguments: String..., environment: [String: String] = [:]) throws {
    let output = Pipe()
    process.executableURL = Tool.url
    process.arguments = ["simulate"] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    var text = ""
    while urls["elevenlabs"] == nil {
      let data = output.fileHandleForReading.availableData
      if data.isEmpty { break }
      text += String(decoding: data, as: UTF8.self)
      for line in text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1) {
        let parts = line.split(separator: "\t")
        if parts.count == 2 { urls[String(parts[0])] = String(parts[1]) }
      }
    }
  }

  func url(_ dialect: String) -> String { urls[dialect] ?? "" }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }
}
