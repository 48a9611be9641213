import AudioFiles
import Foundation
import Testing

@Suite struct UnchunkCommandTests {
  static let dialects = [
    ("openai", 24_000), ("openai-beta", 24_000), ("gemini", 16_000), ("elevenlabs", 16_000), ("pcm", 24_000),
  ]

  static func wav(_ rate: Int) throws -> Data {
    let folder = try TemporaryFolder()
    let path = folder.path("a.wav")
    try #require(
      try Tool.run("convert", Tool.speech, path, "--rate", "\(rate)", "--encoding", "pcm16").status == 0)
    return try Data(contentsOf: URL(filePath: path))
  }

  /// Runs `unchunk` on lines, and gives what it wrote as bare samples.
  static func samples(_ lines: [String], _ options: String..., end: String = "\n") throws -> (Tool.Outcome, Data?) {
    let folder = try TemporaryFolder()
    let input = Data((lines.joined(separator: "\n") + end).utf8)
    let outcome = try Tool.run(["unchunk", "-", folder.path("a.raw")] + options, input: input)
    let samples = try? Data(contentsOf: URL(filePath: folder.path("a.raw")))
    #expect(try folder.contents == (samples == nil ? [] : ["a.raw"]))
    #expect((samples != nil) == (outcome.status == 0))
    #expect(outcome.output.isEmpty)
    return (outcome, samples)
  }

  static func append(_ bytes: [UInt8]) -> String {
    #"{"type":"input_audio_buffer.append","audio":"\#(Data(bytes).base64EncodedString())"}"#
  }

  static func delta(_ bytes: [UInt8], item: String, type: String = "response.output_audio.delta") -> String {
    #"{"type":"\#(type)","response_id":"resp_1","item_id":"\#(item)","delta":"\#(Data(bytes).base64EncodedString())"}"#
  }

  static func answer(_ bytes: [UInt8], rate: Int) -> String {
    let data = Data(bytes).base64EncodedString()
    return
      #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=\#(rate)","data":"\#(data)"}}]}}}"#
  }

  // MARK: There and back

  @Test(arguments: dialects)
  func whatChunkWritesComesBack(dialect: String, rate: Int) throws {
    let folder = try TemporaryFolder()
    let (log, audio) = (folder.path("e.jsonl"), folder.path("a.wav"))
    #expect(try Tool.run("chunk", Tool.speech, "--dialect", dialect, "--out", log, "-q").status == 0)
    let outcome = try Tool.run("unchunk", log, audio)
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    let family = dialect == "openai-beta" ? "openai" : dialect
    #expect(outcome.errors == "\(log): 288 events sent (\(family), pcm16) -> 11.500 s at \(rate) Hz\n")
    let expected = try Self.wav(rate)
    #expect(try Data(contentsOf: URL(filePath: audio)) == expected)

    // Through pipes, in chunks of another length, and told what it would find out.
    let piped = try Tool.shell(
      "\"$UTTER\" chunk '\(Tool.speech)' --dialect \(dialect) --chunk-ms 130 -q"
        + " | \"$UTTER\" unchunk - - --dialect \(dialect) --side sent --strict -q | cat")
    #expect(piped.status == 0 && piped.errors.isEmpty)
    #expect(piped.output == expected)
  }

  @Test func turnsAreNoTrouble() throws {
    for dialect in ["openai", "gemini"] {
      let piped = try Tool.shell(
        "\"$UTTER\" chunk '\(Tool.speech)' --dialect \(dialect) --vad turns -q | tee /dev/stderr | \"$UTTER\" unchunk - - -q"
      )
      let lines = piped.errors.split(separator: "\n").map(String.init)
      #expect(try piped.output.dropFirst(44) == ChunkCommandTests.audio(lines))
    }
  }

  @Test(arguments: ["flac", "aiff", "caf", "w64", "raw"])
  func theNameChoosesTheContainer(container: String) throws {
    let folder = try TemporaryFolder()
    let (log, audio) = (folder.path("e.jsonl"), folder.path("a.\(container)"))
    #expect(try Tool.run("chunk", Tool.speech, "--out", log, "-q").status == 0)
    #expect(try Tool.run("unchunk", log, audio, "-q").errors.isEmpty)
    let converted = folder.path("b.\(container)")
    #expect(try Tool.run("convert", Tool.speech, converted).status == 0)
    #expect(try Data(contentsOf: URL(filePath: audio)) == Data(contentsOf: URL(filePath: converted)))
  }

  @Test(.timeLimit(.minutes(10))) func eventsAreReadAsTheyCome() throws {
    // The end of the log is written only when the first event has been complained about.
    let folder = try TemporaryFolder()
    try #require(mkfifo(folder.path("log"), 0o600) == 0)
    let process = Process()
    let errors = Pipe()
    process.executableURL = Tool.url
    process.arguments = ["unchunk", folder.path("log"), folder.path("a.raw")]
    process.standardError = errors
    try process.run()
    let log = try FileHandle(forWritingTo: folder.url.appending(path: "log"))
    try log.write(contentsOf: Data((Self.append([1, 2]) + "\nnothing\n").utf8))
    let warning = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
    #expect(warning.contains("line 2: not JSON"))
    try log.write(contentsOf: Data((Self.append([3, 4]) + "\n").utf8))
    try log.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try Data(contentsOf: URL(filePath: folder.path("a.raw"))) == Data([1, 2, 3, 4]))
  }

  // MARK: What services send

  @Test(arguments: ["response.output_audio.delta", "response.audio.delta"])
  func answersOfOpenAI(type: String) throws {
    let lines = [
      #"{"type":"response.created","response":{}}"#, Self.delta([1, 2], item: "item_a", type: type),
      #"{"type":"response.output_audio_transcript.delta","delta":"hm"}"#,
      Self.delta([3, 4], item: "item_b", type: type), Self.delta([5, 6], item: "item_a", type: type),
      #"{"type":"response.done","response":{"status":"completed"}}"#,
    ]
    let (outcome, samples) = try Self.samples(lines)
    #expect(samples == Data([1, 2, 3, 4, 5, 6]))
    #expect(outcome.errors.contains("3 events received (openai, pcm16) -> 0.000125 s at 24000 Hz"))
    #expect(try Self.samples(lines, "--item", "item_a").1 == Data([1, 2, 5, 6]))
    let missing = try Self.samples(lines, "--item", "item_c").0
    #expect(missing.errors == "utter: standard input: no audio of item item_c: there are item_a, item_b\n")
  }

  @Test func theRateIsThatOfTheEvents() throws {
    #expect(try Self.samples([Self.answer([1, 2], rate: 22_050)]).0.errors.contains("at 22050 Hz"))
    #expect(try Self.samples([Self.answer([1, 2], rate: 22_050)], "--rate", "8000").0.errors.contains("at 8000 Hz"))
    // ElevenLabs announces it.
    let started =
      #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"agent_output_audio_format":"pcm_44100","user_input_audio_format":"ulaw_8000"}}"#
    let heard = #"{"type":"audio","audio_event":{"audio_base_64":"AQI=","event_id":1}}"#
    #expect(try Self.samples([started, heard]).0.errors.contains("(elevenlabs, pcm16) -> 0.000023 s at 44100 Hz"))
    #expect(try Self.samples([heard]).0.errors.contains("at 16000 Hz"))
    let (spoken, samples) = try Self.samples([started, #"{"user_audio_chunk":"/wD/"}"#])
    #expect(spoken.errors.contains("1 event sent (elevenlabs, ulaw) -> 0.000375 s at 8000 Hz"))
    #expect(samples == Data([0, 0, 0x84, 0x82, 0, 0]))
    // Gemini's answers say theirs, and where they do not, it is 24 kHz.
    let bare = Self.answer([1, 2], rate: 1).replacingOccurrences(of: ";rate=1", with: "")
    #expect(try Self.samples([bare]).0.errors.contains("at 24000 Hz"))
    let (changed, nothing) = try Self.samples([Self.answer([1, 2], rate: 24_000), Self.answer([1, 2], rate: 16_000)])
    #expect(nothing == nil)
    #expect(
      changed.errors
        == "utter: standard input: line 2: audio at 16000 Hz behind audio at 24000 Hz; --rate HZ takes all as one\n")
  }

  @Test func telephoneAudio() throws {
    // G.711 codes of 0, and the largest negative and positive ones, at 8 kHz.
    for (option, session, codes, values) in [
      ("ulaw", "audio/pcmu", [0xFF, 0x00, 0x80], [0, -32_124, 32_124]),
      ("alaw", "audio/pcma", [0xD5, 0x2A, 0xAA], [8, -32_256, 32_256]),
    ] as [(String, String, [UInt8], [Int16])] {
      let expected = values.reduce(into: Data()) { $0 += withUnsafeBytes(of: $1.littleEndian) { Data($0) } }
      let (told, samples) = try Self.samples([Self.append(codes)], "--audio-format", option)
      #expect(samples == expected)
      #expect(told.errors.contains("(openai, \(option)) -> 0.000375 s at 8000 Hz"))
      let update =
        #"{"type":"session.update","session":{"audio":{"input":{"format":{"type":"\#(session)"}}}}}"#
      #expect(try Self.samples([update, Self.append(codes)]).1 == expected)
    }
  }

  @Test func wrappedEvents() throws {
    let event = Self.append([1, 2])
    let quoted = String(decoding: try JSONEncoder().encode(event), as: UTF8.self)
    let (_, samples) = try Self.samples([
      #"{"t":1,"event":\#(event)}"#, #"{"t":2,"message":\#(quoted)}"#, #"{"level":"info","message":"hello"}"#,
      #"{"data":\#(event),"dir":"out"}"#,
    ])
    #expect(samples == Data([1, 2, 1, 2, 1, 2]))
  }

  // MARK: Which audio

  @Test func bothSidesNeedAChoice() throws {
    let lines = [Self.append([1, 2]), Self.delta([3, 4], item: "i"), Self.append([5, 6])]
    let (outcome, nothing) = try Self.samples(lines)
    #expect(outcome.status == 1 && nothing == nil)
    #expect(
      outcome.errors
        == "utter: standard input: audio of 1 event received and 2 events sent; choose with --side sent or --side received\n"
    )
    #expect(try Self.samples(lines, "--side", "sent").1 == Data([1, 2, 5, 6]))
    #expect(try Self.samples(lines, "--side", "received").1 == Data([3, 4]))
    #expect(try Self.samples(lines, "--item", "i").1 == Data([3, 4]))
    let other = try Self.samples([lines[0]], "--side", "received").0
    #expect(other.errors == "utter: standard input: no audio that was received, but 1 event sent\n")
    #expect(try Tool.run("unchunk", "-", "x.wav", "--side", "left").status == 64)
  }

  @Test func severalServicesNeedAChoice() throws {
    let lines = [Self.append([1, 2]), #"{"user_audio_chunk":"AwQ="}"#]
    let (outcome, _) = try Self.samples(lines)
    #expect(
      outcome.errors
        == "utter: standard input: audio of 1 event sent (elevenlabs) and 1 event sent (openai); "
        + "choose with --dialect elevenlabs or --dialect openai\n")
    #expect(try Self.samples(lines, "--dialect", "openai-beta").1 == Data([1, 2]))
    #expect(try Self.samples(lines, "--dialect", "elevenlabs").1 == Data([3, 4]))
  }

  @Test func aWordIsNoAudioInALogOfJSON() throws {
    // "Done" is base64 of three bytes.
    let (outcome, samples) = try Self.samples([Self.append([1, 2]), "Done"])
    #expect(samples == Data([1, 2]))
    #expect(outcome.errorLines.first == "utter: warning: standard input: line 2: not JSON")
    #expect(try Self.samples(["Done"], "--dialect", "openai").0.status == 1)
  }

  // MARK: Damage

  @Test func halfSamplesAreCarriedOver() throws {
    let cut = [[1], [2, 3, 4], [5, 6], [7], [8]] as [[UInt8]]
    #expect(try Self.samples(cut.map { Self.append($0) }, "--strict").1 == Data([1, 2, 3, 4, 5, 6, 7, 8]))
    let interleaved = [
      Self.delta([1], item: "a"), Self.delta([5], item: "b"), Self.delta([2], item: "a"),
      Self.delta([6, 7], item: "b"),
    ]
    let (outcome, samples) = try Self.samples(interleaved)
    #expect(samples == Data([1, 2, 5, 6]))
    #expect(
      outcome.errorLines.first
        == "utter: warning: standard input: the audio ends with half a sample, which is left out")
    #expect(try Self.samples(interleaved, "--strict").0.status == 1)
    let lone = try Self.samples([Self.append([1])]).0
    #expect(lone.status == 1 && lone.errors.contains("no whole sample of audio"))
  }

  @Test func malformedLinesAreToldAndLeftOut() throws {
    let bad = [
      "no json", #"{"type":"#, #"{"type":"input_audio_buffer.append","audio":"AA*A"}"#,
      #"{"type":"input_audio_buffer.append","audio":5}"#, #"{"type":"input_audio_buffer.append"}"#, "[]", "\u{0}",
    ]
    let (outcome, samples) = try Self.samples([Self.append([1, 2])] + bad + [Self.append([3, 4])])
    #expect(samples == Data([1, 2, 3, 4]))
    let said = [
      "line 2: not JSON", "line 3: not JSON", "line 4: 'audio': no base64 at offset 2",
      "line 5: 'audio' is not a string", "line 6: 'audio' is missing", "7 malformed lines in all, of 9",
    ]
    #expect(outcome.errorLines.dropLast(2) == said.map { "utter: warning: standard input: \($0)" }[...])
    let strict = try Self.samples([Self.append([1, 2])] + bad, "--strict").0
    #expect(strict.status == 1 && strict.errors == "utter: standard input: line 2: not JSON\n")
    // A line before the first event counts too.
    let early = try Self.samples(["# a log", Self.append([1, 2])])
    #expect(early.1 == Data([1, 2]))
    #expect(early.0.errorLines.first?.contains("line 1: neither a JSON object nor base64") == true)
  }

  @Test func lineEndsAndBlankLines() throws {
    let text = "\u{FEFF}" + Self.append([1, 2]) + "\r\n\r\n  \n" + Self.append([3, 4]) + "\r\n"
    let (outcome, samples) = try Self.samples([text], "--strict")
    #expect(samples == Data([1, 2, 3, 4]) && outcome.status == 0)
    // The last line needs no end.
    #expect(
      try Self.samples([Self.append([1, 2]), Self.append([3, 4])], "--strict", end: "").1 == Data([1, 2, 3, 4]))
  }

  @Test(arguments: ["openai", "pcm"])
  func aCutLogIsToldAsOne(dialect: String) throws {
    let lines = try Tool.run("chunk", Tool.speech, "--dialect", dialect, "-q").lines
    let cut = Array(lines.prefix(3)) + [String(lines[3].prefix(1_001))]
    let (outcome, samples) = try Self.samples(cut, end: "")
    #expect(samples?.count == 3 * 1_920)
    #expect(
      outcome.errorLines.first
        == "utter: warning: standard input: the log is cut off inside of line 4, which is left out")
    let strict = try Self.samples(cut, "--strict", end: "").0
    #expect(strict.status == 1 && strict.errorLines.count == 2 && strict.errors.contains("cut off"))
  }

  @Test func whatIsNoLogIsOneLine() throws {
    let folder = try TemporaryFolder()
    let notes = try folder.write("notes.txt", Array("It was a dark\nand stormy\nnight.\n".utf8))
    let silent = try folder.write("silent.jsonl", Array("{\"type\":\"input_audio_buffer.commit\"}\n".utf8))
    let empty = try folder.write("empty.jsonl", [])
    for (path, message) in [
      (Tool.speech, "no line of"), (notes, "line 1: neither a JSON object nor base64, from offset 2 on; no line of 3"),
      (silent, "no audio in 1 line"), (empty, "there are no events"), (folder.url.path, "is a folder"),
      (folder.path("missing"), "there is no such file"),
    ] {
      let outcome = try Tool.run("unchunk", path, folder.path("out.wav"))
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("utter: \(path): ") && outcome.errors.contains(message), "\(outcome.errors)")
      #expect(outcome.errorLines.count == 2)
    }
    #expect(try folder.contents == ["empty.jsonl", "notes.txt", "silent.jsonl"])
  }

  @Test func aLineWithoutEndIsBounded() throws {
    // 80 MB without a line feed are more than is kept; what comes behind them is read.
    let folder = try TemporaryFolder()
    let outcome = try Tool.shell(
      "{ echo '\(Self.append([1, 2]))'; head -c 80000000 /dev/zero | tr '\\0' A; echo; echo '\(Self.append([3, 4]))'; }"
        + " | \"$UTTER\" unchunk - '\(folder.path("a.raw"))'")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("line 2: longer than 64 MiB"))
    #expect(try Data(contentsOf: URL(filePath: folder.path("a.raw"))) == Data([1, 2, 3, 4]))
  }

  @Test func outputsAreNotInputs() throws {
    let folder = try TemporaryFolder()
    let log = try folder.write("log.raw", Array((Self.append([1, 2]) + "\n").utf8))
    #expect(try Tool.run("unchunk", log, log).status == 64)
    #expect(try String(contentsOfFile: log, encoding: .utf8) == Self.append([1, 2]) + "\n")
    let unknown = try Tool.run("unchunk", log, folder.path("out.txt"))
    #expect(unknown.status == 64 && unknown.errors.contains("extension .txt"))
    let full = try Tool.run("unchunk", log, "/dev/full")
    #expect(full.status == 1 && full.errorLines.count == 2)
    #expect(try folder.contents == ["log.raw"])
  }
}
