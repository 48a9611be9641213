/// Reads a text of JSON.
///
/// By hand and not by Foundation, because what comes a hundred times a second is one long string, which here costs a
/// look at each byte, and because a service may cut a character in two: half of a surrogate pair, or bytes that are no
/// UTF-8, become U+FFFD instead of the loss of the event. All else is as strict as RFC 8259.
struct JSONReader {
  /// How deep objects and arrays may stand in each other: services need 10 or so, and each level takes stack.
  static let maximumDepth = 128

  /// Where a text stops to be JSON, counted in bytes from 0.
  struct Failure: Error, Equatable {
    var offset: Int
  }

  private var offset = 0

  /// The value that is the whole of `text`, blanks around it apart.
  static func read(_ text: Span<UInt8>) throws(Failure) -> JSONValue {
    var reader = JSONReader()
    let value = try reader.value(text, depth: 0)
    reader.skipBlanks(text)
    guard reader.offset == text.count else { throw reader.failure }
    return value
  }

  /// The object that is the whole of `text`; `nil` where there is something else.
  static func object(_ text: String) -> JSONObject? {
    let bytes = Array(text.utf8)
    guard case .object(let object) = try? read(bytes.span) else { return nil }
    return object
  }

  private var failure: Failure { Failure(offset: offset) }

  private func byte(_ text: Span<UInt8>) -> UInt8? { offset < text.count ? text[offset] : nil }

  private mutating func skipBlanks(_ text: Span<UInt8>) {
    while offset < text.count {
      switch text[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  private mutating func take(_ character: UInt8, _ text: Span<UInt8>) -> Bool {
    guard byte(text) == character else { return false }
    offset += 1
    return true
  }

  private mutating func value(_ text: Span<UInt8>, depth: Int) throws(Failure) -> JSONValue {
    skipBlanks(text)
    switch byte(text) {
    case UInt8(ascii: "{"): return .object(try object(text, depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(text, depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string(text))
    case UInt8(ascii: "t"): return try word("true", .bool(true), text)
    case UInt8(ascii: "f"): return try word("false", .bool(false), text)
    case UInt8(ascii: "n"): return try word("null", .null, text)
    default: return .number(try number(text))
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue, _ text: Span<UInt8>) throws(Failure) -> JSONValue
  {
    for character in word.description.utf8 { guard take(character, text) else { throw failure } }
    return value
  }

  private mutating func object(_ text: Span<UInt8>, depth: Int) throws(Failure) -> JSONObject {
    guard depth <= Self.maximumDepth else { throw failure }
    offset += 1
    var object = JSONObject()
    skipBlanks(text)
    if take(UInt8(ascii: "}"), text) { return object }
    repeat {
      skipBlanks(text)
      guard byte(text) == UInt8(ascii: "\"") else { throw failure }
      let key = try string(text)
      skipBlanks(text)
      guard take(UInt8(ascii: ":"), text) else { throw failure }
      object.append(key, try value(text, depth: depth))
      skipBlanks(text)
    } while take(UInt8(ascii: ","), text)
    guard take(UInt8(ascii: "}"), text) else { throw failure }
    return object
  }

  private mutating func array(_ text: Span<UInt8>, depth: Int) throws(Failure) -> [JSONValue] {
    guard depth <= Self.maximumDepth else { throw failure }
    offset += 1
    var array: [JSONValue] = []
    skipBlanks(text)
    if take(UInt8(ascii: "]"), text) { return array }
    repeat {
      array.append(try value(text, depth: depth))
      skipBlanks(text)
    } while take(UInt8(ascii: ","), text)
    guard take(UInt8(ascii: "]"), text) else { throw failure }
    return array
  }

  private mutating func number(_ text: Span<UInt8>) throws(Failure) -> String {
    let start = offset
    _ = take(UInt8(ascii: "-"), text)
    if !take(UInt8(ascii: "0"), text) { try digits(text) }
    if take(UInt8(ascii: "."), text) { try digits(text) }
    if take(UInt8(ascii: "e"), text) || take(UInt8(ascii: "E"), text) {
      if !take(UInt8(ascii: "-"), text) { _ = take(UInt8(ascii: "+"), text) }
      try digits(text)
    }
    return Self.string(text.extracting(start..<offset))
  }

  private mutating func digits(_ text: Span<UInt8>) throws(Failure) {
    let start = offset
    while let byte = byte(text), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
    guard offset > start else { throw failure }
  }

  private mutating func string(_ text: Span<UInt8>) throws(Failure) -> String {
    offset += 1
    let start = offset
    // Nearly all strings have no escape, and are taken as they stand.
    while offset < text.count {
      let byte = text[offset]
      if byte == UInt8(ascii: "\"") {
        defer { offset += 1 }
        return Self.string(text.extracting(start..<offset))
      }
      if byte == UInt8(ascii: "\\") { break }
      guard byte >= 0x20 else { throw failure }
      offset += 1
    }
    return try escapedString(text, from: start)
  }

  /// The string that started at `start`, from the first escape on.
  private mutating func escapedString(_ text: Span<UInt8>, from start: Int) throws(Failure) -> String {
    var bytes: [UInt8] = []
    for i in start..<offset { bytes.append(text[i]) }
    while let byte = byte(text) {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        offset += 1
        try escape(text, onto: &bytes)
      case 0x20...:
        bytes.append(byte)
        offset += 1
      default: throw failure
      }
    }
    throw failure
  }

  private mutating func escape(_ text: Span<UInt8>, onto bytes: inout [UInt8]) throws(Failure) {
    guard let character = byte(text) else { throw failure }
    switch character {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(character)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      offset += 1
      bytes.append(contentsOf: String(try escapedScalar(text)).utf8)
      return
    default: throw failure
    }
    offset += 1
  }

  /// What stands behind `\u`, and behind the next one where they are a pair.
  private mutating func escapedScalar(_ text: Span<UInt8>) throws(Failure) -> Unicode.Scalar {
    let first = try hexadecimal(text)
    if let scalar = Unicode.Scalar(first) { return scalar }
    let place = offset
    guard first < 0xDC00, take(UInt8(ascii: "\\"), text), take(UInt8(ascii: "u"), text) else {
      offset = place
      return "\u{FFFD}"
    }
    let second = try hexadecimal(text)
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else {
      // What follows is no second half: it is read for itself.
      offset = place
      return "\u{FFFD}"
    }
    return scalar
  }

  private mutating func hexadecimal(_ text: Span<UInt8>) throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = byte(text), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw failure }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }

  private static func string(_ bytes: Span<UInt8>) -> String {
    unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
