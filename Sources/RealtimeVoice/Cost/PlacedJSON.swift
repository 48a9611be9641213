/// JSON (RFC 8259) whose values know their lines, and whose numbers keep their digits: a price is exact, and a complaint
/// names its place.
struct PlacedJSON: Sendable {
  enum Content: Sendable {
    case object([Member])
    case array([PlacedJSON])
    case string(String)
    /// As it is written.
    case number(String)
    case bool(Bool)
    case null
  }

  struct Member: Sendable {
    var name: String
    var value: PlacedJSON
  }

  struct SyntaxError: Error {
    /// Counted from 1.
    var line: Int
    var problem: String
  }

  var content: Content
  /// Where the value starts, counted from 1.
  var line: Int

  var kind: String {
    switch content {
    case .object: "an object"
    case .array: "an array"
    case .string: "a string"
    case .number: "a number"
    case .bool: "true or false"
    case .null: "null"
    }
  }
}

extension PlacedJSON {
  init(parsing bytes: some Collection<UInt8>) throws(SyntaxError) {
    var parser = Parser(bytes: Array(bytes))
    self = try parser.document()
  }

  private struct Parser {
    /// Nothing that is meant is nested deeper; it bounds the stack.
    static let depthLimit = 64

    let bytes: [UInt8]
    var position = 0
    var line = 1

    mutating func document() throws(SyntaxError) -> PlacedJSON {
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
      let value = try value(depth: 0)
      skipSpace()
      guard position == bytes.count else { throw error("there is more behind the end of the JSON") }
      return value
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ problem: String) -> SyntaxError { SyntaxError(line: line, problem: problem) }

    private mutating func skipSpace() {
      while let byte = next, byte == 0x20 || (0x09...0x0D).contains(byte) && byte != 0x0B && byte != 0x0C {
        if byte == 0x0A { line += 1 }
        position += 1
      }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard next == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    private mutating func take(word: StaticString) -> Bool {
      let text = Array(word.description.utf8)
      guard bytes[position...].starts(with: text) else { return false }
      position += text.count
      return true
    }

    private mutating func value(depth: Int) throws(SyntaxError) -> PlacedJSON {
      guard depth < Self.depthLimit else { throw error("too many values inside of one another") }
      skipSpace()
      let start = line
      guard let byte = next else { throw error("the JSON ends too early") }
      let content: Content
      switch byte {
      case UInt8(ascii: "{"): content = try object(depth)
      case UInt8(ascii: "["): content = try array(depth)
      case UInt8(ascii: "\""): content = .string(try string())
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): content = .number(try number())
      case _ where take(word: "true"): content = .bool(true)
      case _ where take(word: "false"): content = .bool(false)
      case _ where take(word: "null"): content = .null
      default: throw error("this is no JSON value")
      }
      return PlacedJSON(content: content, line: start)
    }

    private mutating func object(_ depth: Int) throws(SyntaxError) -> Content {
      position += 1
      var members: [Member] = []
      skipSpace()
      if take("}") { return .object(members) }
      repeat {
        skipSpace()
        guard next == UInt8(ascii: "\"") else { throw error("a name in quotation marks is missing") }
        let name = try string()
        guard !members.contains(where: { $0.name == name }) else { throw error("the name '\(name)' comes twice") }
        skipSpace()
        guard take(":") else { throw error("the colon behind '\(name)' is missing") }
        members.append(Member(name: name, value: try value(depth: depth + 1)))
        skipSpace()
      } while take(",")
      guard take("}") else { throw error("a comma or '}' is missing") }
      return .object(members)
    }

    private mutating func array(_ depth: Int) throws(SyntaxError) -> Content {
      position += 1
      var values: [PlacedJSON] = []
      skipSpace()
      if take("]") { return .array(values) }
      repeat {
        values.append(try value(depth: depth + 1))
        skipSpace()
      } while take(",")
      guard take("]") else { throw error("a comma or ']' is missing") }
      return .array(values)
    }

    private mutating func number() throws(SyntaxError) -> String {
      let start = position
      while let byte = next, byte < 0x80, "+-.0123456789Ee".unicodeScalars.contains(Unicode.Scalar(byte)) {
        position += 1
      }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func string() throws(SyntaxError) -> String {
      position += 1
      var text: [UInt8] = []
      while let byte = next {
        position += 1
        switch byte {
        case UInt8(ascii: "\""):
          guard let string = String(validating: text, as: UTF8.self) else { throw error("a string is not UTF-8") }
          return string
        case UInt8(ascii: "\\"): text += String(try escaped()).utf8
        case ..<0x20: throw error("a string holds a control character, or its end is missing")
        default: text.append(byte)
        }
      }
      throw error("a string's end is missing")
    }

    private mutating func escaped() throws(SyntaxError) -> Character {
      guard let byte = next else { throw error("a string's end is missing") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{C}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "u"):
        let first = try codeUnit()
        guard UTF16.isLeadSurrogate(first) else {
          guard let scalar = Unicode.Scalar(first) else { throw error("half of a surrogate pair stands alone") }
          return Character(scalar)
        }
        guard take("\\"), take("u") else { throw error("half of a surrogate pair stands alone") }
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw error("half of a surrogate pair stands alone") }
        return Character(String(decoding: [first, second], as: UTF16.self))
      default: throw error("a string holds an unknown escape")
      }
    }

    private mutating func codeUnit() throws(SyntaxError) -> UInt16 {
      let digits = bytes[position...].prefix(4)
      guard digits.count == 4, digits.first != UInt8(ascii: "+"),
        let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
      else {
        throw error("four hexadecimal digits are missing behind '\\u'")
      }
      position += 4
      return unit
    }
  }
}
