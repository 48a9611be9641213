import Foundation
import Testing

/// `utter cost`, as it is run.
@Suite struct CostCommandTests {
  static func object(_ arguments: String..., input: String? = nil) throws -> [String: Any] {
    let outcome = try Tool.run(["cost", "--json"] + arguments, input: input.map { Data($0.utf8) })
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.text.hasSuffix("}\n") && outcome.lines.count == 1)
    return try #require(try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any])
  }

  /// An amount as it stands in JSON, in millionths of a dollar.
  static func micros(_ value: Any?) throws -> Int {
    let number = try #require(value as? NSNumber).doubleValue * 1e6
    #expect(abs(number - number.rounded()) < 1e-3)
    return Int(number.rounded())
  }

  // MARK: Estimates

  @Test(
    "The launch arithmetic",
    arguments: [
      ("launch", 1_000, "840.00"), ("launch", 10_000, "8400.00"), ("launch", 100_000, "84000.00"),
      ("launch-mini", 1_000, "140.00"), ("launch-mini", 10_000, "1400.00"), ("launch-mini", 100_000, "14000.00"),
    ])
  func launch(_ model: String, _ calls: Int, _ total: String) throws {
    let arguments = ["cost", "--model", model, "--mode", "per-minute", "--calls", "\(calls)"]
    let outcome = try Tool.run(arguments + ["--user-minutes", "2", "--agent-minutes", "3"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let sum = try #require(outcome.lines.first { $0.hasPrefix("sum ") })
    #expect(sum.split(separator: " ").last.map(String.init) == total)
    #expect(outcome.lines[0].contains("shut down 2026-05"))
    // Five minutes and these numbers are what it takes unless told.
    #expect(try Tool.run(arguments).text == outcome.text)
  }

  @Test func withoutOptions() throws {
    let object = try Self.object()
    #expect(object["mode"] as? String == "context" && object["model"] as? String == "gpt-realtime-2.1")
    #expect(object["calls"] as? Int == 1_000 && object["currency"] as? String == "USD")
    let total = try #require(object["call_total"] as? Double)
    #expect(total > 0.31 && total < 1.77)
    let range = [
      try #require(object["call_all_cached"] as? Double), try #require(object["call_none_cached"] as? Double),
    ]
    #expect(range[0] < total && total < range[1])
    #expect(
      Set(object.keys) == [
        "mode", "scenario", "model", "service", "status", "as_of", "source", "currency", "items", "call_total", "calls",
        "total", "call_all_cached", "call_none_cached", "notes",
      ])
    let scenario = try #require(object["scenario"] as? [String: Any])
    #expect(
      Set(scenario.keys) == [
        "user_s", "agent_s", "silence_s", "turns", "instruction_tokens", "cache_share", "transcript_tokens_per_minute",
      ])
    let items = try #require(object["items"] as? [[String: Any]])
    for item in items {
      #expect(Set(item.keys) == ["item", "quantity", "unit", "price", "price_per", "amount"])
    }
    // All of this bill's amounts are whole tenths of a microdollar.
    let tenths = try items.map { Int((try #require($0["amount"] as? NSNumber).doubleValue * 1e7).rounded()) }
    #expect(tenths.reduce(0, +) == Int((try #require(object["call_total"] as? NSNumber).doubleValue * 1e7).rounded()))
  }

  @Test func whatIsWrittenAddsUp() throws {
    for model in ["realtime", "mini", "gemini", "gpt-audio-1.5", "elevenlabs", "gpt-live-1"] {
      let outcome = try Tool.run(
        "cost", "--model", model, "--calls", "37", "--user-minutes", "1.2345", "--agent-minutes", "0.0007", "--turns",
        "7",
        "--silence-minutes", "1.1")
      let rows = outcome.lines.prefix { !$0.hasPrefix("note") }.filter {
        $0.contains(" per 1M ") || $0.contains(" a minute ") || $0.hasPrefix("sum ")
      }
      func cents(_ row: String, _ decimals: Int, fromEnd: Int) throws -> Int {
        let cell = try #require(row.split(separator: " ").suffix(fromEnd).first).split(separator: ".")
        let fraction = cell.count > 1 ? String(cell[1]) : ""
        let digits = String(cell[0]) + fraction + String(repeating: "0", count: decimals - fraction.count)
        return try #require(Int(digits))
      }
      #expect(rows.count >= 2)
      for (decimals, column) in [(6, 2), (2, 1)] {
        let values = try rows.map { try cents($0, decimals, fromEnd: column) }
        #expect(values.dropLast().reduce(0, +) == values.last, "\(outcome.text)")
      }
    }
  }

  @Test func minutesAreExact() throws {
    let scenario = try #require(
      try Self.object("--user-minutes", "0.1", "--agent-minutes", "1440")["scenario"] as? [String: Any])
    #expect(scenario["user_s"] as? Double == 6 && scenario["agent_s"] as? Double == 86_400)
    #expect(try Tool.run("cost", "--user-minutes", "0.1").text.contains("0.1 min user"))
  }

  // MARK: Side by side

  @Test func servicesAreSortedByPrice() throws {
    let object = try Self.object("--compare", "--calls", "10")
    let services = try #require(object["services"] as? [[String: Any]])
    let totals = try services.map { try Self.micros($0["total"]) }
    #expect(totals == totals.sorted() && services.count >= 10)
    let names = services.compactMap { $0["model"] as? String }
    #expect(
      names.contains("gemini-3.8-live") && names.contains("elevenlabs-agents") && names.contains("gpt-realtime-2.1"))
    #expect(!names.contains("gpt-4o-realtime-preview") && !names.contains("gpt-realtime-whisper"))
    for service in services {
      #expect(
        Set(service.keys) == [
          "model", "service", "status", "call_total", "total", "latency", "session_cap_minutes", "session_cap_note",
          "fits",
          "as_of", "source", "notes",
        ])
      #expect(try #require(service["fits"] as? String).hasSuffix("."))
      if let latency = service["latency"] as? [String: Any] {
        #expect(latency["estimate"] as? Bool == true && (latency["source"] as? String)?.isEmpty == false)
      }
      let alone = try Self.object("--calls", "10", "--model", try #require(service["model"] as? String))
      #expect(try Self.micros(alone["total"]) == Self.micros(service["total"]))
    }
  }

  @Test func theComparisonSaysWhatItsFiguresAre() throws {
    let text = try Tool.run("cost", "--compare").text
    for part in [
      "320/660 est.", "60 min", "15 min", "when each fits", "est. is an estimate, not measured", "voice-latency 0.1",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(!text.contains("launch"))
    // A model that is named is there, whatever it is.
    #expect(
      try Tool.run("cost", "--compare", "--model", "launch").text.contains("gpt-4o-realtime-preview-launch (shut down)")
    )
  }

  // MARK: What was used

  static let log = """
    {"type":"session.created","session":{"model":"gpt-realtime-2.1"}}
    {"type":"response.done","response":{"id":"r1","usage":{"input_tokens":1000,"output_tokens":300,"input_token_details":{"text_tokens":300,"audio_tokens":700,"cached_tokens":600,"cached_tokens_details":{"text_tokens":200,"audio_tokens":400}},"output_token_details":{"text_tokens":100,"audio_tokens":200}}}}

    """

  /// In tenths of microdollars: audio, text, and what comes out.
  static let used = 300 * 320 + 400 * 4 + 100 * 40 + 200 * 4 + 200 * 640 + 100 * 240

  @Test func aLog() throws {
    let object = try Self.object("--usage", "-", "--calls", "1000", input: Self.log)
    #expect(object["mode"] as? String == "actual" && object["model"] as? String == "gpt-realtime-2.1")
    #expect(try Self.micros(object["call_total"]) * 10 == Self.used)
    #expect(try Self.micros(object["total"]) == Self.used * 100)
    let log = try #require(object["log"] as? [String: Any])
    #expect(log["answers"] as? Int == 1 && log["malformed"] as? Int == 0 && log["lines"] as? Int == 2)
    #expect((log["tokens_cached"] as? [String: Any])?["audio"] as? Int == 400)
    // Once, unless told.
    #expect(try Self.object("--usage", "-", input: Self.log)["calls"] as? Int == 1)
    // Billed as another.
    let mini = try Self.object("--usage", "-", "--model", "mini", input: Self.log)
    #expect(mini["model"] as? String == "gpt-realtime-2.1-mini")
    #expect(try Self.micros(mini["call_total"]) * 10 < Self.used)
  }

  @Test func malformedLinesAreToldAndCounted() throws {
    let folder = try TemporaryFolder()
    let bad = (1...7).map { "bad \($0)\n" }.joined()
    let path = try folder.write("log.jsonl", Array((bad + Self.log + #"{"type":"respon"#).utf8))
    let outcome = try Tool.run("cost", "--usage", path, "--json")
    #expect(outcome.status == 0)
    #expect(
      outcome.errorLines.dropLast()
        == (1...5).map { "utter: warning: \(path): line \($0): not a JSON object" } + [
          "utter: warning: \(path): 8 malformed lines in all, of 10"
        ])
    let object = try #require(try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any])
    #expect((object["log"] as? [String: Any])?["malformed"] as? Int == 8)
    #expect(try Self.micros(object["call_total"]) * 10 == Self.used)

    let strict = try Tool.run("cost", "--usage", path, "--strict")
    #expect(strict.status == 1 && strict.output.isEmpty)
    #expect(strict.errors == "utter: \(path): line 1: not a JSON object\n")

    let cut = try folder.write("cut.jsonl", Array((Self.log + #"{"type":"respon"#).utf8))
    #expect(
      try Tool.run("cost", "--usage", cut).errors
        == "utter: warning: \(cut): the log is cut off inside of line 3, which is left out\n")
  }

  @Test func logsThatSayNothing() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write("empty.jsonl", [])
    let silent = try folder.write("silent.jsonl", Array("{\"type\":\"session.created\"}\n".utf8))
    for (path, count) in [(empty, 0), (silent, 1)] {
      let outcome = try Tool.run("cost", "--usage", path)
      #expect(outcome.status == 1)
      #expect(
        outcome.errors
          == "utter: \(path): no line of \(count) tells of usage, as OpenAI's response.done or Gemini's usageMetadata\n"
      )
    }
    #expect(try Tool.run("cost", "--usage", folder.path("none")).errors.hasSuffix("there is no such file\n"))
    let unnamed = Self.log.split(separator: "\n")[1] + "\n"
    let outcome = try Tool.run("cost", "--usage", "-", input: Data(unnamed.utf8))
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == "utter: standard input: no line names the model; name it with --model (--models lists them)\n")
    let unknown = try Tool.run("cost", "--usage", "-", input: Data(Self.log.replacing("2.1", with: "9").utf8))
    #expect(unknown.status == 1 && unknown.errors.contains("'gpt-realtime-9': did you mean gpt-realtime"))
  }

  // MARK: Recordings

  @Test func sendingSpeechOnly() throws {
    let object = try Self.object("--model", "gemini", "--calls", "10000", "--audio", Tool.speech)
    let audio = try #require(object["audio"] as? [String: Any])
    #expect(
      Set(audio.keys) == ["prefix_padding_ms", "hangover_ms", "length_s", "speech_s", "sent_s", "files", "savings"])
    let (length, speech, sent) = (
      try #require(audio["length_s"] as? Double), try #require(audio["speech_s"] as? Double),
      try #require(audio["sent_s"] as? Double)
    )
    #expect(length == 11.5 && speech < sent && sent < length)

    // The same as the commands that it stands for.
    let vad = try Tool.run("vad", Tool.speech, "--hangover-ms", "500", "--format", "csv").lines.dropFirst()
    let segments = vad.map { $0.split(separator: ",").compactMap { Double($0) } }
    #expect(abs(segments.reduce(0) { $0 + $1[1] - $1[0] } - speech) < 0.001)
    #expect((audio["files"] as? [[String: Any]])?.first?["segments"] as? Int == segments.count)
    let chunk = try Tool.run("chunk", Tool.speech, "--vad", "gate", "--dialect", "pcm")
    let bytes = chunk.lines.reduce(0) { $0 + (Data(base64Encoded: $1)?.count ?? 0) }
    #expect(abs(Double(bytes) / 48_000 - sent) < 0.001)

    let savings = try #require(audio["savings"] as? [[String: Any]])
    let saving = try #require(savings.first { $0["model"] as? String == "gemini-3.8-live" })
    // 0.45 cents a minute, 10,000 times.
    let expected = (length - sent) / 60 * 0.0045 * 10_000
    #expect(abs(try #require(saving["total"] as? Double) - expected) < 1e-6)
    #expect(saving["bills_what_is_sent"] as? Bool == true)
  }

  @Test func severalRecordingsAreSeveralCalls() throws {
    let files = [Tool.speech, Tool.audio("silence-48k.flac")]
    let object = try Self.object("--model", "gemini", "--audio", files[0], files[1])
    let audio = try #require(object["audio"] as? [String: Any])
    let listed = try #require(audio["files"] as? [[String: Any]])
    #expect(listed.compactMap { $0["file"] as? String } == files)
    #expect(listed[1]["sent_s"] as? Double == 0 && listed[1]["speech_s"] as? Double == 0)
    let unsent = try listed.map { try #require($0["length_s"] as? Double) - (try #require($0["sent_s"] as? Double)) }
    let saving = try #require((audio["savings"] as? [[String: Any]])?.first)
    #expect(abs(try #require(saving["call"] as? Double) - (unsent[0] + unsent[1]) / 2 / 60 * 0.0045) < 1e-9)
  }

  @Test func whoDoesNotBillSilenceSavesNothing() throws {
    let text = try Tool.run("cost", "--audio", Tool.speech).text
    #expect(text.contains("note: gpt-realtime-2.1 does not bill silence while its own detector cuts the turns"))
    let live = try Tool.run("cost", "--model", "gpt-live-1", "--audio", Tool.speech).text
    #expect(live.contains("note: gpt-live-1 bills the open session, whatever is sent"))
    // Options of detecting count.
    let longer = try #require(
      try Self.object("--audio", Tool.speech, "--hangover-ms", "2000")["audio"] as? [String: Any])
    let usual = try #require(try Self.object("--audio", Tool.speech)["audio"] as? [String: Any])
    #expect(longer["hangover_ms"] as? Int == 2_000)
    #expect(try #require(longer["sent_s"] as? Double) > (try #require(usual["sent_s"] as? Double)))
  }

  @Test func aRecordingThatIsNone() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a.wav", Array("no audio".utf8))
    let outcome = try Tool.run("cost", "--audio", path)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("utter: \(path): ") && outcome.errorLines.count == 2)
  }

  // MARK: Prices

  @Test func aFileOfPrices() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "prices.json",
      Array(
        """
        {"models": [
          {"id": "launch-2", "service": "ours", "unit": "minute", "per_minute": {"in": "0.1", "out": "0.2"}, "as_of": "2026-11-26", "source": "contract"},
          {"id": "gpt-realtime-2.1", "audio": {"in": 16}}
        ]}
        """.utf8))
    let ours = try Self.object("--prices", path, "--model", "launch-2")
    #expect(ours["call_total"] as? Double == 0.8)
    let changed = try Self.object("--prices", path, "--mode", "tokens")
    #expect(try Self.micros(changed["call_total"]) == 249_600)
    #expect(try Tool.run("cost", "--models", "--prices", path).text.contains("launch-2"))

    let bad = try folder.write(
      "bad.json", Array("{\"models\": [\n{\"id\": \"gemini-3.8-live\",\n\"audio\": {\"in\": \"cheap\"}}]}".utf8))
    let outcome = try Tool.run("cost", "--prices", bad)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors
        == "utter: \(bad): line 3: models[0].audio.in: 'cheap' is no amount of dollars: digits, with up to six decimals, and at "
        + "most a million\n")
    #expect(try Tool.run("cost", "--prices", folder.path("none")).errors.hasSuffix("there is no such file\n"))
  }

  @Test func theListOfModels() throws {
    let outcome = try Tool.run("cost", "--models")
    #expect(outcome.status == 0)
    for name in ["gpt-realtime-2.1", "gemini-3.8-live", "elevenlabs-agents", "shut down 2026-05", "2026-11-22"] {
      #expect(outcome.text.contains(name))
    }
    let models = try #require(try Self.object("--models")["models"] as? [[String: Any]])
    #expect(models.count == outcome.lines.count { $0.contains("-") && $0.contains("20") } && models.count >= 20)
    // What is listed can be read again.
    let folder = try TemporaryFolder()
    let kept = Set([
      "id", "aliases", "service", "purpose", "status", "unit", "silence", "as_of", "source", "fits", "notes",
    ])
    let entry = try #require(models.first { $0["id"] as? String == "gpt-audio-mini" })
    let fields = entry.filter { kept.contains($0.key) || ["audio", "text", "tokens_per_second"].contains($0.key) }
    let data = try JSONSerialization.data(withJSONObject: ["models": [fields]])
    let path = try folder.write("again.json", Array(data))
    #expect(try Tool.run("cost", "--models", "--prices", path).text == outcome.text)
  }

  // MARK: Misuse and help

  @Test(arguments: [
    (["--calls", "-1"], "--calls -1 is outside of 0 to 1000000000"),
    (["--turns", "0"], "--turns 0 is outside of 1 to 10000"),
    (["--user-minutes", "1441"], "The value '1441' is invalid for '--user-minutes <user-minutes>'"),
    (["--user-minutes", "-1"], "The value '-1' is invalid for '--user-minutes <user-minutes>'"),
    (["--user-minutes", "1e3"], "The value '1e3' is invalid"),
    (["--user-minutes", "nan"], "The value 'nan' is invalid"),
    (["--cache-share", "1.1"], "The value '1.1' is invalid"), (["--mode", "flat"], "The value 'flat' is invalid"),
    (["--mode", "actual"], "--mode actual needs --usage FILE"),
    (["--usage", "x", "--mode", "tokens"], "--usage tells what was used"),
    (["--usage", "x", "--turns", "3"], "--turns is for calls that are estimated"),
    (["--usage", "x", "--compare"], "--compare is for calls that are estimated"),
    (["--transcription-model", "x"], "--transcription-model is for the logs of --usage"),
    (["--threshold", "0.7"], "the options of detecting speech, and --raw, are for --audio FILE"),
    (["--models", "--compare"], "--models lists the models, and nothing else"),
    (["--model", "gpt-realtme"], "there are no prices of a model 'gpt-realtme': did you mean gpt-realtime, "),
    (["--model", "zzzzz"], "there are no prices of a model 'zzzzz': --models lists all"),
    (["--usage", "-", "--prices", "-"], "standard input can be read once only"),
    (["surplus"], "Unexpected argument 'surplus'"),
  ])
  func misuse(_ arguments: [String], _ complaint: String) throws {
    let outcome = try Tool.run(["cost"] + arguments)
    #expect(outcome.status == 64 && outcome.output.isEmpty, "\(arguments)")
    #expect(outcome.errors.hasPrefix("Error: \(complaint)"), "\(outcome.errors)")
  }

  @Test func help() throws {
    let text = try Tool.run("cost", "--help").text
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for part in [
      "MODES", "per-minute A flat rate", "USAGE LOGS", "COMPARING", "SENDING SPEECH ONLY", "PRICES", "JSON",
      "EXIT STATUS",
      "EXAMPLES", "--cache-share <cache-share>", "--audio <file>", "--strict", "Cached tokens are some of the input's",
    ] { #expect(words.contains(part), "\(part)") }
    // Every key of the file is named.
    for key in ["rebills_context", "tokens_per_second", "session_cap_minutes", "per_minute", "as_of"] {
      #expect(text.contains(key))
    }
  }

  @Test func aFullDiskAndAClosedPipe() throws {
    for arguments in ["", "--json", "--compare", "--models"] {
      #expect(try Tool.shell("\"$UTTER\" cost \(arguments) > /dev/full 2>/dev/null; echo $?").lines == ["1"])
      #expect(try Tool.shell("\"$UTTER\" cost \(arguments) | true; echo ${PIPESTATUS[0]}").lines == ["0"])
    }
  }
}
