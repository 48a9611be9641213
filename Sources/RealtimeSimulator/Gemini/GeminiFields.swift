import Foundation

/// The members of a message's object, in either of the spellings that the service takes.
struct GeminiFields {
  private let json: JSONValue
  private let place: String

  /// - Throws: `ServiceError` for what is no object, or has a member that is none of `names`.
  init(_ json: JSONValue, _ place: String, _ names: [String]) throws(ServiceError) {
    guard let object = json.object else { throw Self.refusal("Invalid value at '\(place)': not an object.") }
    if let other = object.keys.first(where: { !names.contains(Self.camelCase($0)) }) {
      throw Self.refusal(#"Invalid JSON payload received. Unknown name "\#(other)" at '\#(place)': Cannot find field."#)
    }
    self.json = json
    self.place = place
  }

  subscript(name: String) -> JSONValue? { Self.field(name, of: json) }

  func choice(_ name: String, _ choices: [String]) throws(ServiceError) -> String? {
    guard let value = self[name], !value.isNull else { return nil }
    guard let string = value.string, choices.contains(string) else { throw wrong(name, value) }
    return string
  }

  func bool(_ name: String) throws(ServiceError) -> Bool? {
    guard let value = self[name], !value.isNull else { return nil }
    guard let bool = value.bool else { throw wrong(name, value) }
    return bool
  }

  /// 0 or more, of 32 bits.
  func milliseconds(_ name: String) throws(ServiceError) -> Int? {
    guard let value = self[name], !value.isNull else { return nil }
    guard let integer = value.integer, (0...Int(Int32.max)).contains(integer) else { throw wrong(name, value) }
    return integer
  }

  private func wrong(_ name: String, _ value: JSONValue) -> ServiceError {
    Self.refusal("Invalid value at '\(place).\(Self.snakeCase(name))', \(value.text)")
  }

  private static func refusal(_ message: String) -> ServiceError {
    ServiceError(code: "INVALID_ARGUMENT", message: message)
  }

  static func field(_ name: String, of json: JSONValue?) -> JSONValue? {
    json?.object?.members.last { camelCase($0.key) == name }?.value
  }

  static func camelCase(_ name: String) -> String {
    let words = name.split(separator: "_")
    guard let first = words.first, words.count > 1 else { return name }
    return String(first) + words.dropFirst().map(\.capitalized).joined()
  }

  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
  }
}
