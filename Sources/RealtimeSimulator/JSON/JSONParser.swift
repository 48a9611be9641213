/// Why a text is not JSON, and where.
struct JSONParsingError: Error, Equatable, CustomStringConvertible {
  var problem: String
  /// Offset in bytes.
  var offset: Int
  var description: String { "\(problem) at byte \(offset)" }
}

/// A strict parser of RFC 8259 texts in UTF-8.
struct JSONParser {
  /// Depth beyond which a text is refused, so that a hostile one cannot use up the stack.
  static let depthLimit = 64

  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func parse(_ bytes: [UInt8]) throws(JSONParsingError) -> JSONValue {
    var parser = JSONParser(bytes)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else { throw parser.error("something behind the value") }
    return value
  }

  private func error(_ problem: String) -> JSONParsingError { JSONParsingError(problem: problem, offset: position) }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func expect(_ byte: UInt8) throws(JSONParsingError) {
    guard next == byte else { throw error("no '\(Character(Unicode.Scalar(byte)))'") }
    position += 1
  }

  private mutating func value(depth: Int) throws(JSONParsingError) -> JSONValue {
    guard depth < Self.depthLimit else { throw error("nested too deep") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw error("the text ends")
    default: return try number()
    }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONParsingError) -> JSONValue {
    for byte in word.utf8 { try expect(byte) }
    return value
  }

  private mutating func object(depth: Int) throws(JSONParsingError) -> JSONValue {
    position += 1
    var members: [(String, JSONValue)] = []
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return .object(JSONObject())
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("no name") }
      let key = try string()
      skipSpace()
      try expect(UInt8(ascii: ":"))
      members.append((key, try value(depth: depth + 1)))
      skipSpace()
      if next == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try expect(UInt8(ascii: "}"))
      return .object(JSONObject(parsed: members))
    }
  }

  private mutating func array(depth: Int) throws(JSONParsingError) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return .array([])
    }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      if next == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try expect(UInt8(ascii: "]"))
      return .array(values)
    }
  }

  private mutating func string() throws(JSONParsingError) -> String {
    position += 1
    var text: [UInt8] = []
    while true {
      var run = position
      while run < bytes.count, bytes[run] != UInt8(ascii: "\""), bytes[run] != UInt8(ascii: "\\"), bytes[run] >= 0x20 {
        run += 1
      }
      text.append(contentsOf: bytes[position..<run])
      position = run
      guard let byte = next else { throw error("a string without end") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw error("not UTF-8") }
        return string
      case UInt8(ascii: "\\"): text.append(contentsOf: try escaped())
      default: throw error("a control character in a string")
      }
    }
  }

  private mutating func escaped() throws(JSONParsingError) -> [UInt8] {
    guard let byte = next else { throw error("a string without end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var code = try unit()
      if (0xD800..<0xDC00).contains(code) {
        try expect(UInt8(ascii: "\\"))
        try expect(UInt8(ascii: "u"))
        let low = try unit()
        guard (0xDC00..<0xE000).contains(low) else { throw error("half a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default: throw error("an unknown escape")
    }
  }

  private mutating func unit() throws(JSONParsingError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw error("a string without end") }
    var code: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw error("not a hexadecimal digit") }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }

  private mutating func number() throws(JSONParsingError) -> JSONValue {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let first = next
    guard try digits() > 0 else { throw error("no value") }
    if first == UInt8(ascii: "0"), position > start + (bytes[start] == UInt8(ascii: "-") ? 2 : 1) {
      throw error("a leading zero")
    }
    var isInteger = true
    if next == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard try digits() > 0 else { throw error("no digit") }
    }
    if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      guard try digits() > 0 else { throw error("no digit") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw error("a number out of range") }
    return .number(value)
  }

  private mutating func digits() throws(JSONParsingError) -> Int {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }
}
