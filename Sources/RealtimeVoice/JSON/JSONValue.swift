/// A value of JSON (RFC 8259), as it stands in what services and clients say.
///
/// Members keep their order, and numbers their text, so that what a user gives (a tool's schema) reaches the service as
/// it was given: the order of a schema's properties is the order in which a model fills them in.
enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number's text, in JSON's grammar.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of an object in their order.
struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  struct Member: Hashable, Sendable {
    var key: String
    var value: JSONValue
  }

  private(set) var members: [Member] = []

  init() {}

  /// A `nil` value leaves its member out.
  init(dictionaryLiteral members: (String, JSONValue?)...) {
    self.members = members.compactMap { key, value in value.map { Member(key: key, value: $0) } }
  }

  /// The value of a key, the last one where it stands several times; setting one keeps its place, or puts it last.
  subscript(key: String) -> JSONValue? {
    get { members.last { $0.key == key }?.value }
    set {
      let place = members.lastIndex { $0.key == key }
      switch (newValue, place) {
      case (let value?, let place?): members[place].value = value
      case (let value?, nil): members.append(Member(key: key, value: value))
      case (nil, _): members.removeAll { $0.key == key }
      }
    }
  }

  /// Puts a member last, whether or not its key is there already.
  mutating func append(_ key: String, _ value: JSONValue) {
    members.append(Member(key: key, value: value))
  }

  /// Takes the members of `other`, which win; objects in both are merged in turn.
  mutating func merge(_ other: JSONObject) {
    for member in other.members {
      guard case .object(let theirs) = member.value, case .object(var ours) = self[member.key] else {
        self[member.key] = member.value
        continue
      }
      ours.merge(theirs)
      self[member.key] = .object(ours)
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  init(stringLiteral text: String) { self = .string(text) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
  init(integerLiteral value: Int) { self = .integer(value) }
  init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  init(dictionaryLiteral members: (String, JSONValue?)...) {
    var object = JSONObject()
    for (key, value) in members { if let value { object.append(key, value) } }
    self = .object(object)
  }

  static func integer(_ value: Int) -> JSONValue { .number("\(value)") }

  /// - Precondition: `value` is finite: JSON has no other numbers.
  static func real(_ value: Double) -> JSONValue {
    precondition(value.isFinite, "JSON has no number \(value)")
    // Swift's shortest text has no locale, and is in JSON's grammar: "0.5", "5e-324", "1e+20".
    return .number("\(value)")
  }
}
