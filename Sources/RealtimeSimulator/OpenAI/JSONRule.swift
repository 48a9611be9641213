/// What a field of a client's event may be. A value that breaks a rule is refused with the path of what is wrong.
indirect enum JSONRule: Sendable {
  case anything
  case string
  case choice([String])
  case bool
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  case array(JSONRule)
  case object([String: JSONRule], required: [String] = [])
  /// An object of any members.
  case dictionary
  case nullable(JSONRule)
  /// An object whose `type` says what else it has.
  case typed([String: [String: JSONRule]])
  /// Strings go by the first rule, all else by the second.
  case stringOr(JSONRule, JSONRule)

  func check(_ value: JSONValue, _ path: String) throws(ServiceError) {
    switch self {
    case .anything: return
    case .string: if value.string == nil { throw Self.wrongType(path, "a string", value) }
    case .bool: if value.bool == nil { throw Self.wrongType(path, "a boolean", value) }
    case .dictionary: if value.object == nil { throw Self.wrongType(path, "an object", value) }
    case .choice(let choices):
      guard let string = value.string else { throw Self.wrongType(path, "one of \(Self.list(choices))", value) }
      if !choices.contains(string) { throw Self.wrongValue(path, string, choices) }
    case .integer(let range):
      guard let integer = value.integer else { throw Self.wrongType(path, "an integer", value) }
      try Self.check(integer, range, path, "integer")
    case .number(let range):
      guard let number = value.double else { throw Self.wrongType(path, "a decimal", value) }
      try Self.check(number, range, path, "decimal")
    case .nullable(let rule): if !value.isNull { try rule.check(value, path) }
    case .stringOr(let rule, let other): try (value.string == nil ? other : rule).check(value, path)
    case .array(let rule):
      guard let values = value.array else { throw Self.wrongType(path, "an array", value) }
      for (index, element) in values.enumerated() { try rule.check(element, "\(path)[\(index)]") }
    case .object(let rules, let required):
      guard let object = value.object else { throw Self.wrongType(path, "an object", value) }
      try Self.check(object, rules, required, path)
    case .typed(let kinds):
      guard let object = value.object else { throw Self.wrongType(path, "an object", value) }
      guard let type = object["type"] else { throw Self.missing(Self.join(path, "type")) }
      try JSONRule.choice(kinds.keys.sorted()).check(type, Self.join(path, "type"))
      var rules = kinds[type.string ?? ""] ?? [:]
      rules["type"] = .string
      try Self.check(object, rules, [], path)
    }
  }

  private static func check(
    _ object: JSONObject, _ rules: [String: JSONRule], _ required: [String], _ path: String
  ) throws(ServiceError) {
    for key in required where object[key] == nil { throw missing(join(path, key)) }
    for (key, value) in object.members {
      guard let rule = rules[key] else {
        let name = join(path, key)
        throw ServiceError(code: "unknown_parameter", message: "Unknown parameter: '\(name)'.", parameter: name)
      }
      try rule.check(value, join(path, key))
    }
  }

  private static func check<Number: Comparable>(
    _ value: Number, _ range: ClosedRange<Number>, _ path: String, _ kind: String
  ) throws(ServiceError) {
    if value < range.lowerBound {
      throw ServiceError(
        code: "\(kind)_below_min_value",
        message: "Invalid '\(path)': \(kind) below minimum value. Expected a value >= \(range.lowerBound), "
          + "but got \(value) instead.", parameter: path)
    }
    if value > range.upperBound {
      throw ServiceError(
        code: "\(kind)_above_max_value",
        message: "Invalid '\(path)': \(kind) above maximum value. Expected a value <= \(range.upperBound), "
          + "but got \(value) instead.", parameter: path)
    }
  }

  static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  static func missing(_ path: String) -> ServiceError {
    ServiceError(
      code: "missing_required_parameter", message: "Missing required parameter: '\(path)'.", parameter: path)
  }

  static func wrongType(_ path: String, _ expected: String, _ value: JSONValue) -> ServiceError {
    ServiceError(
      code: "invalid_type",
      message: "Invalid type for '\(path)': expected \(expected), but got \(value.kind) instead.", parameter: path)
  }

  static func wrongValue(_ path: String, _ value: String, _ choices: [String]) -> ServiceError {
    ServiceError(
      code: "invalid_value", message: "Invalid value: '\(value)'. Supported values are: \(list(choices)).",
      parameter: path)
  }

  static func list(_ choices: [String]) -> String {
    let quoted = choices.map { "'\($0)'" }
    guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
    return quoted.dropLast().joined(separator: ", ") + (quoted.count > 2 ? ", and " : " and ") + last
  }
}
