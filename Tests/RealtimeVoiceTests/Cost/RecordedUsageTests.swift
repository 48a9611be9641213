import RealtimeVoice
import Testing

/// Bills of what services counted.
@Suite struct RecordedUsageTests {
  static func recorded(_ lines: String...) throws -> RecordedUsage {
    var recorded = RecordedUsage()
    for line in lines { try recorded.add(line: Array(line.utf8)) }
    return recorded
  }

  static let session = #"{"type":"session.created","session":{"type":"realtime","model":"gpt-realtime-2.1"}}"#

  static func done(_ id: String, _ usage: String) -> String {
    #"{"type":"response.done","response":{"id":"\#(id)","status":"completed","usage":\#(usage)}}"#
  }

  /// 1,000 in, of which 600 are cached.
  static let split = #"""
    {"total_tokens":1300,"input_tokens":1000,"output_tokens":300,"input_token_details":{"text_tokens":300,"audio_tokens":700,"image_tokens":0,"cached_tokens":600,"cached_tokens_details":{"text_tokens":200,"audio_tokens":400,"image_tokens":0}},"output_token_details":{"text_tokens":100,"audio_tokens":200}}
    """#

  @Test func cachedTokensAreSomeOfTheInput() throws {
    let bill = try PriceTable.builtIn.bill(for: Self.recorded(Self.session, Self.done("r1", Self.split)))
    // In millionths of a dollar, ten of them: audio 300 * 32 + 400 * 0.4, text 100 * 4 + 200 * 0.4, out 200 * 64 + 100 * 24.
    let expected = 300 * 320 + 400 * 4 + 100 * 40 + 200 * 4 + 200 * 640 + 100 * 240
    #expect(bill.callTotal == Money("0.0000001")! * expected)
    // The trap: as if they came on top, or at the full price, or all as audio.
    let onTop = 700 * 320 + 400 * 4 + 300 * 40 + 200 * 4 + 200 * 640 + 100 * 240
    #expect(bill.callTotal < Money("0.0000001")! * onTop)
    #expect(
      bill.lines.map { "\($0.item) \($0.quantity)" } == [
        "audio in 300", "audio in, cached 400", "text in 100", "text in, cached 200", "audio out 200", "text out 100",
      ])
    #expect(bill.notes.isEmpty)
  }

  @Test func modalitiesHaveTheirPrices() throws {
    let model = try #require(PriceTable.builtIn["gpt-realtime-2.1"])
    let prices: [(WritableKeyPath<Usage.Tokens, Int>, input: String, cached: String, output: String)] = [
      (\.audio, "32", "0.4", "64"), (\.text, "4", "0.4", "24"), (\.image, "5", "0.5", "24"),
      (\.unsplit, "32", "0.4", "64"),
    ]
    for (modality, input, cached, output) in prices {
      var tokens = Usage.Tokens()
      tokens[keyPath: modality] = 1_000_000
      #expect(model.bill(for: Usage(input: tokens)).total == Money(input))
      #expect(model.bill(for: Usage(input: tokens, cachedInput: tokens)).total == Money(cached))
      #expect(model.bill(for: Usage(output: tokens)).total == Money(output))
    }
  }

  @Test func aLogWithoutModalitiesIsTheMostThatItCanBe() throws {
    let plain = #"{"input_tokens":1000,"output_tokens":300,"input_token_details":{"cached_tokens":600}}"#
    let bill = try PriceTable.builtIn.bill(for: Self.recorded(Self.session, Self.done("r1", plain)))
    #expect(bill.callTotal == Money("0.0000001")! * (400 * 320 + 600 * 4 + 300 * 640))
    #expect(bill.notes.count == 1 && bill.notes[0].contains("the most that it can be"))

    // The input is split, the cached part is not: it is taken for text as far as that goes.
    let half =
      #"{"input_tokens":1000,"output_tokens":0,"input_token_details":{"text_tokens":300,"audio_tokens":700,"cached_tokens":600}}"#
    let other = try PriceTable.builtIn.bill(for: Self.recorded(Self.session, Self.done("r1", half)))
    #expect(other.callTotal == Money("0.0000001")! * (300 * 4 + 300 * 4 + 400 * 320))
    #expect(other.notes.count == 1 && other.notes[0].contains("where they save least"))
  }

  @Test func moreCachedThanInputIsNotBilledBelowZero() throws {
    let model = try #require(PriceTable.builtIn["realtime"])
    let bill = model.bill(for: Usage(input: .init(text: 10), cachedInput: .init(text: 25, audio: 5)))
    #expect(bill.total == Money("0.000004"))
    #expect(bill.notes.count == 1 && bill.notes[0].contains("more cached tokens than input"))
  }

  @Test func aModelWithoutACachedPriceCostsInFull() throws {
    let model = try #require(PriceTable.builtIn["gemini"])
    let bill = model.bill(for: Usage(input: .init(audio: 1_000_000), cachedInput: .init(audio: 400_000)))
    #expect(bill.total == Money("3") && bill.notes.count == 1)
  }

  @Test func answersAddUpAndRepeatedOnesCountOnce() throws {
    let recorded = try Self.recorded(
      Self.session, Self.done("r1", Self.split), Self.done("r2", Self.split), Self.done("r1", Self.split),
      #"{"type":"response.done","response":{"id":"r3","status":"failed","usage":null}}"#,
      #"{"type":"response.done","response":{"id":"r4","status":"cancelled"}}"#,
      #"{"type":"response.output_audio.delta","delta":"AAAA"}"#, #"{"type":"unheard.of","usage":3}"#, "{}")
    #expect(recorded.answers.count == 1 && recorded.answers[0].count == 2 && recorded.repeatedCount == 1)
    #expect(recorded.sessionCount == 1)
    let once = try PriceTable.builtIn.bill(for: Self.recorded(Self.session, Self.done("r1", Self.split)))
    let bill = try PriceTable.builtIn.bill(for: recorded, calls: 10)
    #expect(bill.callTotal == once.callTotal * 2 && bill.total == once.callTotal * 20)
    #expect(bill.notes.contains { $0.contains("counted once") })
  }

  @Test func gemini() throws {
    let usage = #"""
      {"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":143,"responseTokenCount":60,"totalTokenCount":213,"thoughtsTokenCount":10,"promptTokensDetails":[{"modality":"TEXT","tokenCount":43},{"modality":"AUDIO","tokenCount":100}],"responseTokensDetails":[{"modality":"AUDIO","tokenCount":60}]}}
      """#
    // In units of 10^-8 $: text in 0.75, audio in 3, audio out 12, thoughts as text out 4.5.
    let expected = Money("0.00000001")! * (43 * 75 + 100 * 300 + 60 * 1_200 + 10 * 450)
    let bill = try PriceTable.builtIn.bill(for: Self.recorded(usage))
    #expect(bill.callTotal == expected && bill.notes.contains { $0.contains("taken for gemini-3.8-live") })
    // Each is of a turn.
    let named = try Self.recorded(#"{"setup":{"model":"models/gemini-3.1-flash-live-preview"}}"#, usage, usage)
    #expect(named.answers.map(\.model) == ["models/gemini-3.1-flash-live-preview"])
    #expect(try PriceTable.builtIn.bill(for: named).callTotal == expected * 2)
  }

  @Test func timelinesAndWrappedEvents() throws {
    let recorded = try Self.recorded(
      #"{"t_ms":12,"event":"session","model":"x"}"#,
      #"{"t_ms":99,"event":"usage","model":"gpt-realtime-mini","usage":\#(Self.split)}"#,
      #"{"at":1.5,"message":\#(Self.session)}"#, #"{"at":2,"event":\#(Self.done("r1", Self.split))}"#)
    #expect(recorded.answers.map(\.model) == ["gpt-realtime-mini", "gpt-realtime-2.1"])
    let bill = try PriceTable.builtIn.bill(for: recorded)
    #expect(bill.lines.count == 12)
    #expect(bill.lines.allSatisfy { $0.item.hasPrefix("gpt-realtime-") })
    #expect(try PriceTable.builtIn.bill(for: recorded, model: "gpt-realtime-mini").callTotal < bill.callTotal)
  }

  @Test func eventsAsText() throws {
    let text = Self.done("r1", Self.split).replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    let recorded = try Self.recorded(Self.session, #"{"level":"info","message":"\#(text)"}"#, #"{"message":"{oops"}"#)
    #expect(recorded.answers.map(\.count) == [1] && recorded.answers[0].usage.input.audio == 700)
    var other = RecordedUsage()
    let bad = #"{"message":"{\"type\":\"response.done\",\"response\":{\"usage\":{}}}"}"#
    let error = #expect(throws: UsageLogError.self) { try other.add(line: Array(bad.utf8)) }
    #expect(error.map { "\($0)" }?.hasPrefix("usage that cannot be read: response.usage") == true)
  }

  // MARK: Transcriptions

  static func transcribed(_ usage: String) -> String {
    #"{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","transcript":"hi","usage":\#(usage)}"#
  }

  static let transcribing = #"""
    {"type":"session.updated","session":{"type":"realtime","model":"gpt-realtime-2.1","audio":{"input":{"transcription":{"model":"gpt-live-transcribe"}}}}}
    """#

  @Test func transcriptionsCostApart() throws {
    let bill = try PriceTable.builtIn.bill(
      for: Self.recorded(
        Self.transcribing, Self.transcribed(#"{"type":"duration","seconds":6}"#),
        Self.transcribed(#"{"type":"duration","seconds":5.058}"#)))
    // Twice 6 s at 1.7 cents a minute.
    #expect(bill.callTotal == Money("0.0034"))
    #expect(bill.lines.map(\.item) == ["transcription: audio in"])

    let tokens =
      #"{"type":"tokens","total_tokens":70,"input_tokens":60,"input_token_details":{"text_tokens":10,"audio_tokens":50},"output_tokens":10}"#
    let counted = try PriceTable.builtIn.bill(
      for: Self.recorded(Self.session, Self.transcribed(tokens), Self.done("r", Self.split)),
      transcriptionModel: "gpt-4o-transcribe")
    let answer = try PriceTable.builtIn.bill(for: Self.recorded(Self.session, Self.done("r", Self.split)))
    // 50 audio at 6, 10 text at 2.5 and 10 out at 10 dollars per million.
    #expect(counted.callTotal - answer.callTotal == Money("0.000425"))
  }

  @Test func aTranscriptionWithoutPriceIsLeftOutAndTold() throws {
    let bill = try PriceTable.builtIn.bill(
      for: Self.recorded(
        Self.transcribing.replacing("gpt-live-transcribe", with: "gpt-transcribe"),
        Self.transcribed(#"{"type":"duration","seconds":6}"#)))
    #expect(
      bill.lines.isEmpty
        && bill.notes == ["The transcription of 6 s is not in the sum: 'gpt-transcribe' has no price here."])
  }

  @Test func anOpenSessionCostsByItsSeconds() throws {
    let recorded = try Self.recorded(
      #"{"type":"session.started","session":{"model":"gpt-live-1"}}"#,
      #"{"type":"session.usage.updated","seconds":10}"#,
      #"{"type":"session.usage.updated","seconds":30}"#, #"{"type":"session.usage.updated","seconds":30}"#,
      #"{"type":"session.started","session":{"model":"gpt-live-1"}}"#, #"{"type":"session.usage.updated","seconds":15}"#
    )
    #expect(recorded.answers.map(\.seconds) == [45] && recorded.sessionCount == 2)
    #expect(try PriceTable.builtIn.bill(for: recorded).callTotal == Money("0.0375"))
    #expect(throws: PriceTable.RecordError.otherUnit(model: "gpt-realtime-2.1")) {
      try PriceTable.builtIn.bill(for: recorded, model: "realtime")
    }
  }

  // MARK: What is wrong

  @Test(arguments: ["", "x", "[1]", "3", #""a""#, #"{"type":"response.done""#, "{\"a\":\u{0}}"])
  func noJSON(_ line: String) {
    var recorded = RecordedUsage()
    #expect(throws: UsageLogError.notJSON) { try recorded.add(line: Array(line.utf8)) }
    #expect(recorded == RecordedUsage())
  }

  @Test(arguments: [
    #"{"input_tokens":-1,"output_tokens":0}"#, #"{"input_tokens":"7"}"#, #"{"input_tokens":1.5}"#, "{}", "[]", "7",
    #"{"input_tokens":9999999999999}"#, #"{"input_tokens":1,"input_token_details":{"audio_tokens":-3}}"#,
  ])
  func usageThatIsNone(_ usage: String) throws {
    var recorded = try Self.recorded(Self.session)
    let before = recorded
    let error = #expect(throws: UsageLogError.self) { try recorded.add(line: Array(Self.done("r", usage).utf8)) }
    guard case .badUsage(let words)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    // The decoder does not say where a number is that does not fit.
    #expect(words.hasPrefix("response.usage") || words == "a number is not whole, or too large", "\(words)")
    #expect(recorded == before)
    // It was not counted, so that the right one may follow.
    #expect(try recorded.add(line: Array(Self.done("r", Self.split).utf8)))
  }

  @Test func modelsThatAreNotThere() throws {
    let unnamed = try Self.recorded(Self.done("r", Self.split))
    #expect(throws: PriceTable.RecordError.unnamedModel) { try PriceTable.builtIn.bill(for: unnamed) }
    #expect(throws: PriceTable.RecordError.unknownModel("x")) { try PriceTable.builtIn.bill(for: unnamed, model: "x") }
    #expect(throws: PriceTable.RecordError.otherUnit(model: "gpt-live-1")) {
      try PriceTable.builtIn.bill(for: unnamed, model: "gpt-live-1")
    }
  }
}
