import AudioDSP

/// An object inside of a service's event, and where it stands. `null` counts as not there.
struct ServerEventFields {
  /// The event's type, of those that are known.
  let type: String
  /// The way to the object; empty for the message itself.
  private let path: String
  private let object: JSONObject

  init(_ object: JSONObject, type: String, path: String = "") {
    self.object = object
    self.type = type
    self.path = path
  }

  func field(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The keys in their order.
  var keys: [String] { object.members.map(\.key) }

  /// The value under the first of the keys that is there, and its key.
  func value(_ keys: [String]) -> (key: String, value: JSONValue)? {
    for key in keys {
      if let value = object[key], value != .null { return (key, value) }
    }
    return nil
  }

  func contains(_ keys: String...) -> Bool { value(keys) != nil }

  func missing(_ key: String) -> ServerEventDecodingError { .missing(type: type, field: field(key)) }

  func wrong(_ key: String, _ expected: String) -> ServerEventDecodingError {
    .wrongType(type: type, field: field(key), expected: expected)
  }

  func required<T>(
    _ value: T?, _ key: String
  ) throws(ServerEventDecodingError) -> T {
    guard let value else { throw missing(key) }
    return value
  }

  func string(_ keys: String...) throws(ServerEventDecodingError) -> String? {
    guard let (key, value) = value(keys) else { return nil }
    guard case .string(let text) = value else { throw wrong(key, "a string") }
    return text
  }

  func bool(_ keys: String...) throws(ServerEventDecodingError) -> Bool {
    guard let (key, value) = value(keys) else { return false }
    guard case .bool(let truth) = value else { throw wrong(key, "true or false") }
    return truth
  }

  func object(_ keys: String...) throws(ServerEventDecodingError) -> ServerEventFields? {
    guard let (key, value) = value(keys) else { return nil }
    guard case .object(let inner) = value else { throw wrong(key, "an object") }
    return ServerEventFields(inner, type: type, path: field(key))
  }

  /// The objects of an array; none where it is not there.
  func objects(_ keys: String...) throws(ServerEventDecodingError) -> [ServerEventFields] {
    guard let (key, value) = value(keys) else { return [] }
    guard case .array(let elements) = value else { throw wrong(key, "an array") }
    var objects: [ServerEventFields] = []
    for (i, element) in elements.enumerated() {
      guard case .object(let inner) = element else { throw wrong("\(key)[\(i)]", "an object") }
      objects.append(ServerEventFields(inner, type: type, path: "\(field(key))[\(i)]"))
    }
    return objects
  }

  func strings(_ keys: String...) throws(ServerEventDecodingError) -> [String] {
    guard let (key, value) = value(keys) else { return [] }
    guard case .array(let elements) = value else { throw wrong(key, "an array") }
    var strings: [String] = []
    for (i, element) in elements.enumerated() {
      guard case .string(let text) = element else { throw wrong("\(key)[\(i)]", "a string") }
      strings.append(text)
    }
    return strings
  }

  func integer(_ keys: String...) throws(ServerEventDecodingError) -> Int? {
    guard let (key, value) = value(keys) else { return nil }
    guard case .number(let text) = value, let number = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) })
    else { throw wrong(key, "an integer") }
    return number
  }

  /// A number of tokens. No service counts to 10^12, and sums of what is below do not overflow.
  func count(_ keys: String...) throws(ServerEventDecodingError) -> Int? {
    guard let (key, value) = value(keys) else { return nil }
    guard case .number(let text) = value, let number = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) }),
      (0...1_000_000_000_000).contains(number)
    else { throw wrong(key, "a number of tokens") }
    return number
  }

  /// A time, whose unit is `unit`. No session is 10^9 s long.
  func duration(_ key: String, unit: Duration) throws(ServerEventDecodingError) -> Duration? {
    guard let (key, value) = value([key]) else { return nil }
    guard case .number(let text) = value, let number = Double(text), number.magnitude <= 1e12 else {
      throw wrong(key, "a time")
    }
    // In whole microseconds, since a product in binary fractions has a rest that the text has not.
    let microseconds = (number * (unit / .microseconds(1))).rounded()
    guard microseconds.magnitude <= 1e15 else { throw wrong(key, "a time") }
    return .microseconds(Int(microseconds))
  }

  /// A string, or a number's text: codes of errors are either.
  func text(_ key: String) throws(ServerEventDecodingError) -> String? {
    if let (_, value) = value([key]), case .number(let text) = value { return text }
    return try string(key)
  }

  /// A JSON object as text, which may stand as an object or as its text.
  func json(_ key: String) throws(ServerEventDecodingError) -> String? {
    switch object[key] {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case .object(let inner)?: return JSONValue.object(inner).text
    default: throw wrong(key, "an object or its text")
    }
  }

  /// The bytes of a field of base64.
  ///
  /// - Parameter isURLSafe: Whether the alphabet for URLs (RFC 4648 section 5) is taken too, padded or not.
  func base64(_ key: String, isURLSafe: Bool = false) throws(ServerEventDecodingError) -> [UInt8] {
    guard let text = try string(key) else { throw missing(key) }
    do throws(Base64Error) {
      guard isURLSafe else { return try Base64.decode(text) }
      var characters = Array(text.utf8)
      for i in characters.indices {
        if characters[i] == UInt8(ascii: "-") { characters[i] = UInt8(ascii: "+") }
        if characters[i] == UInt8(ascii: "_") { characters[i] = UInt8(ascii: "/") }
      }
      while !characters.count.isMultiple(of: 4), characters.count % 4 > 1 { characters.append(UInt8(ascii: "=")) }
      var bytes = [UInt8](repeating: 0, count: Base64.decodedCapacity(forCharacterCount: characters.count))
      var output = bytes.mutableSpan
      let count = try Base64.decode(characters.span, into: &output)
      bytes.removeLast(bytes.count - count)
      return bytes
    } catch {
      throw .badBase64(type: type, field: field(key), error)
    }
  }
}
