/// What a tool takes, as JSON schema says it: the part of it that services understand.
public indirect enum JSONSchema: Hashable, Sendable {
  case string(description: String? = nil)
  case number(description: String? = nil)
  case integer(description: String? = nil)
  case boolean(description: String? = nil)
  /// One of these words.
  case oneOf([String], description: String? = nil)
  case array(of: JSONSchema, description: String? = nil)
  /// An object, with its properties in this order.
  case object([Property] = [], description: String? = nil)
  /// JSON text, for what the other cases do not say.
  case raw(String)

  /// A named part of an object.
  public struct Property: Hashable, Sendable {
    public var name: String
    public var schema: JSONSchema
    public var isRequired: Bool

    public init(_ name: String, _ schema: JSONSchema, isRequired: Bool = true) {
      self.name = name
      self.schema = schema
      self.isRequired = isRequired
    }
  }

  /// The schema as JSON text, without blanks. Allocates.
  public var json: String {
    switch self {
    case .string(let description): return Self.typed("string", "", description)
    case .number(let description): return Self.typed("number", "", description)
    case .integer(let description): return Self.typed("integer", "", description)
    case .boolean(let description): return Self.typed("boolean", "", description)
    case .oneOf(let words, let description): return Self.typed("string", #","enum":\#(Self.list(words))"#, description)
    case .array(let element, let description): return Self.typed("array", #","items":\#(element.json)"#, description)
    case .object(let properties, let description):
      let parts = properties.map { "\(JSONValue.quoted($0.name)):\($0.schema.json)" }.joined(separator: ",")
      let required = Self.list(properties.filter(\.isRequired).map(\.name))
      return Self.typed("object", #","properties":{\#(parts)},"required":\#(required)"#, description)
    case .raw(let text): return text
    }
  }

  private static func typed(_ type: String, _ rest: String, _ description: String?) -> String {
    let words = description.map { #","description":\#(JSONValue.quoted($0))"# } ?? ""
    return #"{"type":"\#(type)"\#(words)\#(rest)}"#
  }

  private static func list(_ words: [String]) -> String {
    "[\(words.map(JSONValue.quoted).joined(separator: ","))]"
  }
}
