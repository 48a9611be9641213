import Foundation
import RealtimeVoice
import Testing

@Suite struct PriceTableTests {
  static let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/RealtimeVoice/Cost/prices.json")

  // MARK: The data file

  @Test func theProgramContainsTheFile() throws {
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: Self.file)) as? [String: Any])
    let models = try #require(object["models"] as? [[String: Any]])
    #expect(models.compactMap { $0["id"] as? String } == PriceTable.builtIn.models.map(\.id))
    #expect(models.count >= 20)
    let day = DateFormatter()
    day.locale = Locale(identifier: "en_US_POSIX")
    day.dateFormat = "yyyy-MM-dd"
    day.isLenient = false
    for model in models {
      let id = try #require(model["id"] as? String)
      let source = try #require(model["source"] as? String, "\(id)")
      #expect(!source.isEmpty)
      #expect(day.date(from: try #require(model["as_of"] as? String, "\(id)")) != nil, "\(id)")
      #expect((model["status"] as? String == "shut down") == (model["shutdown"] != nil), "\(id)")
      #expect(try #require(model["fits"] as? String, "\(id)").hasSuffix("."), "\(id)")
      if let latency = model["latency"] as? [String: Any] {
        #expect(latency["estimate"] is Bool && latency["source"] is String, "\(id)")
      }
    }
  }

  @Test func everyNameIsOnesOwn() {
    let names = PriceTable.builtIn.models.flatMap { [$0.id] + $0.aliases }
    #expect(Set(names.map { $0.lowercased() }).count == names.count)
    for model in PriceTable.builtIn.models {
      for name in [model.id] + model.aliases { #expect(PriceTable.builtIn[name]?.id == model.id) }
    }
  }

  @Test(
    "What the sources say, in tenths of a cent: audio in, cached, out, text in, cached, out",
    arguments: [
      ("gpt-4o-realtime-preview", [40_000, 2_500, 80_000, 5_000, 2_500, 20_000]),
      ("gpt-4o-mini-realtime-preview", [10_000, 300, 20_000, 600, 300, 2_400]),
      ("gpt-realtime", [32_000, 400, 64_000, 4_000, 400, 16_000]),
      ("gpt-realtime-1.5", [32_000, 400, 64_000, 4_000, 400, 16_000]),
      ("gpt-realtime-2", [32_000, 400, 64_000, 4_000, 400, 24_000]),
      ("gpt-realtime-2.1", [32_000, 400, 64_000, 4_000, 400, 24_000]),
      ("gpt-realtime-mini", [10_000, 300, 20_000, 600, 60, 2_400]),
      ("gpt-realtime-2.1-mini", [10_000, 300, 20_000, 600, 60, 2_400]),
      ("gpt-audio-1.5", [32_000, -1, 64_000, 2_500, -1, 10_000]),
      ("gpt-audio-mini", [10_000, -1, 20_000, 600, -1, 2_400]),
      ("gemini-3.8-live", [3_000, -1, 12_000, 750, -1, 4_500]),
    ])
  func tokenPrices(_ id: String, _ expected: [Int]) throws {
    let model = try #require(PriceTable.builtIn[id])
    let (audio, text) = (try #require(model.audio), try #require(model.text))
    let prices = [audio.input, audio.cachedInput, audio.output, text.input, text.cachedInput, text.output]
    #expect(prices == expected.map { $0 < 0 ? nil : Money("1")?.multiplied(by: $0, over: 1_000) })
  }

  @Test func ratesOfAMinute() throws {
    let rates: [(String, String?, String?)] = [
      ("gpt-realtime-2.1", "0.0192", "0.0768"), ("gpt-realtime-mini", "0.006", "0.024"),
      ("gemini-3.8-live", "0.0045", "0.018"), ("launch", "0.06", "0.24"), ("launch-mini", "0.01", "0.04"),
      ("gpt-realtime-whisper", "0.017", nil), ("gpt-live-1", nil, nil),
    ]
    for (name, input, output) in rates {
      let model = try #require(PriceTable.builtIn[name])
      #expect(model.inputRate == input.flatMap { Money($0) } && model.outputRate == output.flatMap { Money($0) })
    }
    #expect(try #require(PriceTable.builtIn["launch"]).isShutDown)
    #expect(try #require(PriceTable.builtIn["launch-mini"]).isShutDown)
  }

  // MARK: Names

  @Test func namesInAnyForm() {
    #expect(PriceTable.builtIn["GPT-Realtime"]?.id == "gpt-realtime")
    #expect(PriceTable.builtIn["models/gemini-3.8-live"]?.id == "gemini-3.8-live")
    #expect(PriceTable.builtIn["gpt"] == nil && PriceTable.builtIn[""] == nil)
  }

  @Test func closeNames() {
    #expect(PriceTable.builtIn.names(like: "gpt-realtme").first == "gpt-realtime")
    #expect(PriceTable.builtIn.names(like: "gpt-realtime-2.2").contains("gpt-realtime-2.1"))
    #expect(PriceTable.builtIn.names(like: "whisper") == ["gpt-realtime-whisper"])
    #expect(PriceTable.builtIn.names(like: "zzzzzz") == [] && PriceTable.builtIn.names(like: "") == [])
    #expect(PriceTable.builtIn.names(like: "gpt", limit: 2).count == 2)
  }

  // MARK: A user's file

  static let entry =
    #"{"id":"m","service":"s","unit":"minute","per_minute":{"in":"1"},"as_of":"2026-01-01","source":"x"}"#

  @Test func aFileAddsAndChanges() throws {
    var table = PriceTable.builtIn
    let count = table.models.count
    let json = """
      {"models": [
        {"id": "gpt-realtime-2.1", "audio": {"in": 30.5}, "image": null, "as_of": "2027-01-01"},
        \(Self.entry)
      ]}
      """
    try table.extend(with: json.utf8)
    #expect(table.models.count == count + 1 && table.models.last?.id == "m")
    let (old, new) = (PriceTable.builtIn["realtime"], try #require(table["realtime"]))
    #expect(new.audio?.input == Money("30.5") && new.audio?.output == old?.audio?.output)
    #expect(new.audio?.cachedInput == Money("0.4") && new.text == old?.text && new.image == nil)
    #expect(new.asOf == CalendarDate("2027-01-01") && old?.asOf != new.asOf)
    // And once more, over what was changed.
    try table.extend(with: #"{"models":[{"id":"gpt-realtime-2.1","audio":{"out":"60"}}]}"#.utf8)
    #expect(table["realtime"]?.audio?.input == Money("30.5") && table["realtime"]?.audio?.output == Money("60"))
  }

  /// An entry with one field changed, or added.
  static func changed(_ old: String, _ new: String) -> String {
    let changed = entry.replacing(old, with: new)
    precondition(changed != entry)
    return "{\"models\":[\n\(changed)]}"
  }

  static let complaints: [(String, String)] = [
    ("", "line 1: the JSON ends too early"), ("{\n", "line 2: a name in quotation marks is missing"),
    ("[]", "line 1: the file is an array, not an object"), ("{}", "line 1: models: an array of models is missing"),
    ("{\"models\":\n3}", "line 2: models: an array of models is missing"),
    ("{\"models\":[]} x", "line 1: there is more behind the end of the JSON"),
    ("{\"models\":[],\"models\":[]}", "line 1: the name 'models' comes twice"),
    ("{\"models\":[],\n\"prices\":1}", "line 2: prices: there is no field of that name"),
    ("{\"models\":[],\"currency\":\"EUR\"}", "line 1: currency: is 'EUR', and only USD is reckoned with"),
    ("{\"models\":[7]}", "line 1: models[0]: a model is a number, not an object"),
    ("{\"models\":[{}]}", "line 1: models[0].id: is missing"),
    ("{\"models\":[\(entry),\n\(entry)]}", "line 2: models[1]: the id 'm' comes twice"),
    ("{\"models\":[{\"id\":\"m\"\u{1}", "line 1: a comma or '}' is missing"),
    ("{\"models\":[\"\\ud800\"]}", "line 1: half of a surrogate pair stands alone"),
    ("{\"models\":[\"a", "line 1: a string's end is missing"),
    (String(repeating: "[", count: 100), "line 1: too many values inside of one another"),
    (changed("\"in\":\"1\"", "\"in\":\"1e3\""), amount("per_minute.in", "1e3")),
    (changed("\"in\":\"1\"", "\"in\":-1"), amount("per_minute.in", "-1")),
    (changed("\"in\":\"1\"", "\"in\":1e3"), amount("per_minute.in", "1e3")),
    (changed("\"in\":\"1\"", "\"in\":\"0.0000001\""), amount("per_minute.in", "0.0000001")),
    (
      changed("\"in\":\"1\"", "\"in\":true"),
      "line 2: models[0].per_minute.in: is true or false, not an amount of dollars"
    ),
    (changed("\"in\":\"1\"", "\"inn\":\"1\""), "line 2: models[0].per_minute.inn: there is no field of that name"),
    (changed("\"in\":\"1\"", ""), "line 2: models[0].per_minute: has either 'active', or 'in' and 'out'"),
    (
      changed("\"in\":\"1\"", "\"in\":\"1\",\"active\":\"1\""),
      "line 2: models[0].per_minute: has either 'active', or 'in' and 'out'"
    ),
    (
      changed("2026-01-01", "2026-02-30"), "line 2: models[0].as_of: '2026-02-30' is no date like 2026-11-22 or 2026-11"
    ),
    (changed(",\"source\":\"x\"", ""), "line 2: models[0].source: is missing"),
    (changed("\"source\":\"x\"", "\"source\":\" \""), "line 2: models[0].source: is empty"),
    (changed("\"minute\"", "\"hour\""), "line 2: models[0].unit: 'hour' is none of token, minute, second"),
    (changed("\"minute\"", "\"token\""), "line 2: models[0].audio: is missing, and so is text"),
    (
      changed("\"minute\"", "\"token\",\"audio\":{\"in\":\"1\"}"),
      "line 2: models[0].tokens_per_second: is missing for an audio price"
    ),
    (
      changed("\"minute\"", "\"token\",\"text\":{\"in\":\"1\",\"cached\":\"2\"}"),
      "line 2: models[0].text.cached: 2.00 is more than 'in', 1.00"
    ),
    (
      changed("\"unit\"", "\"status\":\"gone\",\"unit\""),
      "line 2: models[0].status: 'gone' is none of available, preview, shut down"
    ),
    (changed("\"unit\"", "\"status\":\"shut down\",\"unit\""), "line 2: models[0].shutdown: is missing"),
    (
      changed("\"unit\"", "\"shutdown\":\"2026-01\",\"unit\""),
      "line 2: models[0].shutdown: is there, and the status is 'available'"
    ),
    (
      changed("\"unit\"", "\"silence\":\"standby\",\"unit\""),
      "line 2: models[0].silence: is 'standby', and per_minute has no rate of that name"
    ),
    (
      changed("\"unit\"", "\"session_cap_minutes\":1.5,\"unit\""),
      "line 2: models[0].session_cap_minutes: 1.5 is no whole number from 1 to 100000"
    ),
    (
      changed("\"unit\"", "\"latency\":{\"p50_ms\":9,\"p95_ms\":8,\"source\":\"x\"},\"unit\""),
      "line 2: models[0].latency.p95_ms: is less than p50_ms"
    ),
    (
      changed("\"unit\"", "\"aliases\":[\"gemini\"],\"unit\""),
      "line 2: models[0]: 'gemini' is already a name of gemini-3.8-live"
    ),
    (changed("\"unit\"", "\"aliases\":[1],\"unit\""), "line 2: models[0].aliases: holds a number, not strings only"),
    (
      changed("\"unit\"", "\"dialect\":\"klingon\",\"unit\""),
      "line 2: models[0].dialect: 'klingon' is none of openai, openai-beta, gemini, elevenlabs, pcm"
    ),
  ]

  private static func amount(_ field: String, _ text: String) -> String {
    "line 2: models[0].\(field): '\(text)' is no amount of dollars: digits, with up to six decimals, and at most a million"
  }

  @Test(arguments: complaints.indices)
  func whatIsWrongIsToldWithItsPlace(_ index: Int) throws {
    let (json, complaint) = Self.complaints[index]
    var table = PriceTable.builtIn
    let error = #expect(throws: PriceTableError.self) { try table.extend(with: json.utf8) }
    #expect(error.map { "\($0)" } == complaint, "\(json)")
    #expect(table.models == PriceTable.builtIn.models)
  }

  @Test func noCutOfTheFileCrashes() throws {
    let bytes = Array(try Data(contentsOf: Self.file).prefix(3_000))
    for count in bytes.indices {
      #expect(throws: PriceTableError.self) { try PriceTable(json: bytes[..<count]) }
    }
  }

  @Test func textIsRead() throws {
    let json = Self.changed("\"x\"", #""a\n\"\u00e9\uD83D\uDE00\/""#)
    #expect(try PriceTable(json: Array("\u{FEFF}".utf8) + Array(json.utf8)).models.first?.source == "a\n\"é😀/")
  }
}
