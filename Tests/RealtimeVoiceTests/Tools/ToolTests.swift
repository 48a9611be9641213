import Foundation
import RealtimeVoice
import Testing

@Suite struct ToolTests {
  struct Place: Decodable {
    struct Point: Decodable { var x: Double }
    enum Unit: String, Decodable { case celsius, kelvin }
    var city: String
    var points: [Point]?
    var unit: Unit?
  }
  struct Weather: Encodable, Sendable {
    var degrees: Int
    var url: String
  }
  struct NoService: Error, CustomStringConvertible { var description: String { "the service is closed" } }

  static func tool<Output: Encodable & Sendable>(
    _ body: @escaping @Sendable (Place) async throws -> Output
  ) throws -> Tool {
    try Tool("weather", description: "Weather", parameters: .object([.init("city", .string())]), body)
  }

  @Test func aTextIsHandedOnAndAValueIsJSON() async throws {
    let text = try Self.tool { "in \($0.city) \"it\" rains" }
    #expect(await text.call(arguments: #"{"city":"Köln"}"#) == ToolResult(output: #"in Köln "it" rains"#))
    let value = try Self.tool { Weather(degrees: $0.city.count, url: "a/b") }
    #expect(await value.call(arguments: #"{"city":"Rom"}"#) == ToolResult(output: #"{"degrees":3,"url":"a/b"}"#))
    #expect(value.timeLimit == .seconds(10))
    #expect(value.description.name == "weather")
  }

  @Test(arguments: [
    (#"{}"#, "city is missing."), (#"{"city":1}"#, "city is of a wrong type."), (#"{"city":null}"#, "city is null."),
    (#"{"city":"a","points":[{"x":1},{}]}"#, "points[1].x is missing."),
    (#"{"city":"a","unit":"foot"}"#, "unit is not a value that weather takes."),
    ("[]", "The arguments of weather are of a wrong type."), (#"{"city""#, "The arguments of weather are not JSON."),
    ("", "city is missing."),
  ])
  func wrongArgumentsNameTheirPlace(arguments: String, sentence: String) async throws {
    let tool = try Self.tool { _ -> String in
      Issue.record("called")
      return ""
    }
    #expect(await tool.call(arguments: arguments) == ToolResult(output: sentence, isError: true))
  }

  @Test func itsOwnErrorIsTold() async throws {
    let tool = try Self.tool { _ -> String in throw NoService() }
    #expect(
      await tool.call(arguments: #"{"city":"a"}"#) == ToolResult(output: "the service is closed", isError: true))
    let number = try Self.tool { _ in Double.infinity }
    #expect(await number.call(arguments: #"{"city":"a"}"#).isError)
  }

  @Test(arguments: ["", "a b", "ä", "a.b", String(repeating: "a", count: 65), "a\n"])
  func wrongNamesAreRefused(name: String) {
    #expect(throws: ToolError.invalidName(name)) {
      try Tool(name, description: "", parameters: .object()) { (_: Place) in "" }
    }
  }

  @Test(arguments: ["[]", "1", "{", "", "\"a\""])
  func parametersAreAnObject(json: String) {
    #expect(throws: ToolError.invalidParameters(tool: "a")) {
      try Tool("a", description: "", parameters: .raw(json)) { (_: Place) in "" }
    }
  }

  @Test func aSetHasEachNameOnce() throws {
    func tool(_ name: String) throws -> Tool {
      try Tool(name, description: "d", parameters: .object()) { (_: Place) in "" }
    }
    let set = try ToolSet([tool("b"), tool("a-_Z9")])
    #expect(set.descriptions.map(\.name) == ["b", "a-_Z9"])
    #expect(set["b"]?.description.name == "b")
    #expect(set["c"] == nil)
    #expect(throws: ToolError.duplicateName("b")) { try ToolSet([tool("b"), tool("a"), tool("b")]) }
  }

  @Test func aSchemaIsWhatAParserReads() throws {
    let words = "a \"b\" \\ \n\t\u{1} ü 🎧"
    let schema = JSONSchema.object(
      [
        .init("s", .string(description: words)), .init("n", .number(), isRequired: false), .init("i", .integer()),
        .init("b", .boolean()), .init("e", .oneOf(["x", "y"])), .init("a", .array(of: .integer(description: "d"))),
        .init("r", .raw(#"{"type":"null"}"#), isRequired: false), .init("o", .object(description: "inner")),
      ], description: "outer")
    let parsed = try JSONSerialization.jsonObject(with: Data(schema.json.utf8)) as? NSDictionary
    let expected: NSDictionary = [
      "type": "object", "description": "outer", "required": ["s", "i", "b", "e", "a", "o"],
      "properties": [
        "s": ["type": "string", "description": words], "n": ["type": "number"], "i": ["type": "integer"],
        "b": ["type": "boolean"], "e": ["type": "string", "enum": ["x", "y"]],
        "a": ["type": "array", "items": ["type": "integer", "description": "d"]], "r": ["type": "null"],
        "o": ["type": "object", "description": "inner", "properties": [String: String](), "required": [String]()],
      ],
    ]
    #expect(parsed == expected)
  }
}
