import Foundation
import Testing

@Suite struct ChunkCommandTests {
  /// The audio of a log of events, whatever the dialect.
  static func audio(_ lines: [String]) throws -> Data {
    var audio = Data()
    for line in lines {
      let chunk: String?
      if line.hasPrefix("{") {
        let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        let input = (event["realtimeInput"] as? [String: Any])?["audio"] as? [String: Any]
        chunk = event["audio"] as? String ?? event["user_audio_chunk"] as? String ?? input?["data"] as? String
      } else {
        chunk = line
      }
      guard let chunk else { continue }
      let bytes = try #require(Data(base64Encoded: chunk))
      #expect(!bytes.isEmpty)
      audio += bytes
    }
    return audio
  }

  /// What `convert` makes of a file, as bare 16-bit samples.
  static func converted(_ file: String, rate: Int, _ options: String...) throws -> Data {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(["convert", file, folder.path("a.raw"), "--rate", "\(rate)"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try Data(contentsOf: URL(filePath: folder.path("a.raw")))
  }

  @Test func theExampleIsTheSameAsConvert() throws {
    let outcome = try Tool.run("chunk", Tool.speech)
    #expect(outcome.status == 0)
    #expect(outcome.lines.count == 288)
    for line in outcome.lines {
      #expect(line.hasPrefix(#"{"type":"input_audio_buffer.append","audio":""#))
      #expect(line.hasSuffix(#""}"#))
    }
    // 11.5 s at 24 kHz.
    let audio = try Self.audio(outcome.lines)
    #expect(audio.count == 276_000 * 2)
    #expect(try audio == Self.converted(Tool.speech, rate: 24_000))
    // 40 ms: 960 samples in 2,560 characters, and the last chunk is what is left of 287 whole ones.
    #expect(outcome.lines[0].utf8.count == 2_560 + 47)
    #expect(try Self.audio([outcome.lines[287]]).count == (276_000 - 287 * 960) * 2)
  }

  @Test(arguments: [
    ("openai", 24_000), ("openai-beta", 24_000), ("gemini", 16_000), ("elevenlabs", 16_000), ("pcm", 24_000),
  ])
  func everyDialectCarriesTheSameAudio(dialect: String, rate: Int) throws {
    let file = Tool.audio("dead-right-channel-44k1.flac")
    let outcome = try Tool.run("chunk", file, "--dialect", dialect, "--chunk-ms", "100", "--quiet")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(try Self.audio(outcome.lines) == Self.converted(file, rate: rate))
    let first = try #require(outcome.lines.first)
    switch dialect {
    case "gemini":
      #expect(first.hasPrefix(#"{"realtimeInput":{"audio":{"data":""#))
      #expect(first.hasSuffix(#"","mimeType":"audio/pcm;rate=16000"}}}"#))
    case "elevenlabs": #expect(first.hasPrefix(#"{"user_audio_chunk":""#))
    case "pcm": #expect(Data(base64Encoded: first)?.count == rate / 10 * 2)
    default: #expect(first.hasPrefix(#"{"type":"input_audio_buffer.append","audio":""#))
    }
  }

  @Test(arguments: [
    ["--engine", "libsamplerate-best"], ["--engine", "libsamplerate-medium"], ["--engine", "libsamplerate-fastest"],
    ["--dither"], ["--channel", "1"],
  ])
  func optionsMeanTheSameToBothCommands(options: [String]) throws {
    let file = Tool.audio("two-callers-8k.flac")
    let outcome = try Tool.run(["chunk", file] + options)
    #expect(outcome.status == 0)
    let folder = try TemporaryFolder()
    #expect(try Tool.run(["convert", file, folder.path("a.raw")] + options).status == 0)
    let converted = try Data(contentsOf: URL(filePath: folder.path("a.raw")))
    #expect(try Self.audio(outcome.lines) == converted)
    // The option does something.
    #expect(try converted != Self.converted(file, rate: 24_000))
  }

  @Test(arguments: ["gate", "turns"])
  func nothingDisappearsSilently(mode: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      "chunk", Tool.speech, "--vad", mode, "--manifest", folder.path("kept.jsonl"), "--hangover-ms", "300")
    #expect(outcome.status == 0)
    let everything = try Self.converted(Tool.speech, rate: 24_000)
    let manifest = try Data(contentsOf: URL(filePath: folder.path("kept.jsonl")))
    let entry = try #require(try JSONSerialization.jsonObject(with: manifest) as? [String: Any])
    let segments = try #require(entry["segments"] as? [[String: Any]])
    let dropped = try #require(entry["dropped"] as? [[String: Any]])
    #expect(segments.count >= 3)
    #expect(dropped.count >= 2)

    func stretch(_ value: Any?) throws -> Range<Int> {
      let value = try #require(value as? [String: Any])
      return try #require(value["start"] as? Int)..<#require(value["end"] as? Int)
    }
    // Kept and dropped stretches cover the whole, once.
    let kept = try segments.map { try stretch($0["sent"]) }
    let all = try (kept + dropped.map { try stretch($0) }).sorted { $0.lowerBound < $1.lowerBound }
    #expect(all.first?.lowerBound == 0)
    #expect(all.last?.upperBound == everything.count / 2)
    for (a, b) in zip(all, all.dropFirst()) { #expect(a.upperBound == b.lowerBound) }

    // What was sent is what the manifest says.
    let expected = kept.reduce(into: Data()) { $0 += everything[($1.lowerBound * 2)..<($1.upperBound * 2)] }
    #expect(try Self.audio(outcome.lines) == expected)

    let commits = outcome.lines.filter { $0 == #"{"type":"input_audio_buffer.commit"}"# }
    #expect(commits.count == (mode == "turns" ? segments.count : 0))
    #expect(segments.allSatisfy { $0["committed"] as? Bool == (mode == "turns") })
    #expect(segments.reduce(0) { $0 + ($1["events"] as? Int ?? 0) } == outcome.lines.count - commits.count)

    // The summary names each kept stretch.
    #expect(outcome.errors.contains("dropped"))
    #expect(outcome.errorLines.filter { $0.contains("kept ") && $0.contains("speech ") }.count == segments.count)
  }

  @Test func geminiMarksBothEndsOfATurn() throws {
    let outcome = try Tool.run("chunk", Tool.speech, "--dialect", "gemini", "--vad", "turns")
    let marks = outcome.lines.filter { $0.contains("activity") }
    #expect(marks.count >= 4)
    for (i, mark) in marks.enumerated() {
      let name = i.isMultiple(of: 2) ? "activityStart" : "activityEnd"
      #expect(mark == #"{"realtimeInput":{"\#(name)":{}}}"#)
    }
    #expect(outcome.lines.first == marks.first)
    #expect(outcome.lines.last == marks.last)
  }

  @Test func aDialectWithoutAnEndOfTurnSaysSo() throws {
    let outcome = try Tool.run("chunk", Tool.speech, "--dialect", "elevenlabs", "--vad", "turns", "--quiet")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("no event for the end of a turn"))
    #expect(outcome.lines.allSatisfy { $0.hasPrefix(#"{"user_audio_chunk":""#) })
  }

  @Test func theLastChunkIsPaddedWhenAsked() throws {
    let file = Tool.audio("mono-22k05.caf")
    let outcome = try Tool.run("chunk", file, "--pad-last", "--chunk-ms", "500")
    let audio = try Self.audio(outcome.lines)
    let plain = try Self.converted(file, rate: 24_000)
    #expect(audio.count.isMultiple(of: 12_000 * 2))
    #expect(audio.prefix(plain.count) == plain)
    #expect(audio.dropFirst(plain.count).allSatisfy { $0 == 0 })
    #expect(audio.count > plain.count)
  }

  @Test func severalInputsGoToAFolder() throws {
    let folder = try TemporaryFolder()
    let files = [Tool.audio("mono-22k05.caf"), Tool.audio("telephone-mulaw-8k.wav")]
    let outcome = try Tool.run("chunk", files[0], files[1], "--out", folder.path("events"))
    #expect(outcome.status == 0)
    #expect(outcome.output.isEmpty)
    for file in files {
      let name = URL(filePath: file).lastPathComponent
      let log = try String(contentsOfFile: folder.path("events/\(name).jsonl"), encoding: .utf8)
      let lines = log.split(separator: "\n").map(String.init)
      #expect(try Self.audio(lines) == Self.converted(file, rate: 24_000))
    }
    #expect(try Tool.run("chunk", files[0], files[1]).status == 64)
    #expect(try Tool.run("chunk", files[0], files[0], "--out", folder.path("twice")).status == 64)
  }

  @Test func standardInputIsARecordingToo() throws {
    let bytes = try Data(contentsOf: URL(filePath: Tool.audio("clean-mono-16k.wav")))
    let outcome = try Tool.run(["chunk", "-"], input: bytes)
    #expect(outcome.status == 0)
    #expect(try Self.audio(outcome.lines) == Self.converted(Tool.audio("clean-mono-16k.wav"), rate: 24_000))
    let piped = try Tool.shell("cat '\(Tool.audio("clean-mono-16k.wav"))' | \"$UTTER\" chunk - --quiet")
    #expect(piped.output == outcome.output)
    #expect(piped.errors.isEmpty)
  }
}
