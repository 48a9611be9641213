/// A JSON value that keeps apart what a service must tell apart (`true` from 1, 1 from 1.5) and the order of keys.
enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// What the service's error texts call it.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a decimal"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  var string: String? { if case .string(let value) = self { value } else { nil } }
  var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  var isNull: Bool { self == .null }

  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The member of an object; nil for anything else.
  subscript(key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  init(stringLiteral value: String) { self = .string(value) }
  init(integerLiteral value: Int) { self = .integer(value) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
  init(floatLiteral value: Double) { self = .number(value) }
  init(nilLiteral: ()) { self = .null }
  init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(members: elements)) }

  /// The string, or null.
  init(_ value: String?) { self = value.map(JSONValue.string) ?? .null }
}

/// An object's members in their order. Of members of one name the last counts, as in other parsers.
struct JSONObject: Equatable, Sendable {
  private(set) var members: [(key: String, value: JSONValue)]

  init(members: [(String, JSONValue)] = []) {
    self.members = []
    self.members.reserveCapacity(members.count)
    for (key, value) in members { self.members.append((key, value)) }
  }

  init(parsed members: [(String, JSONValue)]) {
    self.init()
    var places: [String: Int] = [:]
    for (key, value) in members {
      if let place = places[key] {
        self.members[place].value = value
      } else {
        places[key] = self.members.count
        self.members.append((key, value))
      }
    }
  }

  var keys: [String] { members.map(\.key) }

  subscript(key: String) -> JSONValue? {
    get { members.first { $0.key == key }?.value }
    set {
      let place = members.firstIndex { $0.key == key }
      switch (place, newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil): members.remove(at: place)
      case (nil, let value?): members.append((key, value))
      case (nil, nil): break
      }
    }
  }

  static func == (one: Self, other: Self) -> Bool {
    one.members.count == other.members.count && one.members.allSatisfy { other[$0.key] == $0.value }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(members: elements) }
}
