/// Base64 of RFC 4648. Written for this service alone, so that it can judge another encoder.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let invalid: UInt8 = 0xFF

  /// The value of each character; of `-` and `_`, too, where `isURLSafe`.
  private static func table(isURLSafe: Bool) -> [UInt8] {
    var table = [UInt8](repeating: invalid, count: 256)
    for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
    if isURLSafe {
      table[Int(UInt8(ascii: "-"))] = 62
      table[Int(UInt8(ascii: "_"))] = 63
    }
    return table
  }

  private static let standardTable = table(isURLSafe: false)
  private static let lenientTable = table(isURLSafe: true)

  /// - Parameter isLenient: Whether the URL-safe alphabet, and missing padding, pass, too.
  /// - Returns: nil where it is not base64.
  static func decode(_ text: ArraySlice<UInt8>, isLenient: Bool = false) -> [UInt8]? {
    var characters = text
    var paddingCount = 0
    while paddingCount < 2, characters.last == UInt8(ascii: "=") {
      characters.removeLast()
      paddingCount += 1
    }
    let rest = characters.count & 3
    guard rest != 1, isLenient && paddingCount == 0 || text.count & 3 == 0 else { return nil }
    let table = isLenient ? lenientTable : standardTable
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 4 * 3 + 2)
    var position = characters.startIndex
    let wholeEnd = characters.endIndex - rest
    while position < wholeEnd {
      let a = table[Int(characters[position])]
      let b = table[Int(characters[position + 1])]
      let c = table[Int(characters[position + 2])]
      let d = table[Int(characters[position + 3])]
      guard (a | b | c | d) < 64 else { return nil }
      bytes.append(a << 2 | b >> 4)
      bytes.append(b << 4 | c >> 2)
      bytes.append(c << 6 | d)
      position += 4
    }
    guard rest > 0 else { return bytes }
    let a = table[Int(characters[position])]
    let b = table[Int(characters[position + 1])]
    let c = rest == 3 ? table[Int(characters[position + 2])] : 0
    guard (a | b | c) < 64 else { return nil }
    bytes.append(a << 2 | b >> 4)
    if rest == 3 { bytes.append(b << 4 | c >> 2) }
    return bytes
  }

  static func encode(_ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
    let alphabet = alphabet
    text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
    var position = bytes.startIndex
    while position + 2 < bytes.endIndex {
      let word = Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
      text.append(alphabet[word >> 18])
      text.append(alphabet[word >> 12 & 63])
      text.append(alphabet[word >> 6 & 63])
      text.append(alphabet[word & 63])
      position += 3
    }
    let rest = bytes.endIndex - position
    guard rest > 0 else { return }
    let word = Int(bytes[position]) << 16 | (rest == 2 ? Int(bytes[position + 1]) << 8 : 0)
    text.append(alphabet[word >> 18])
    text.append(alphabet[word >> 12 & 63])
    text.append(rest == 2 ? alphabet[word >> 6 & 63] : UInt8(ascii: "="))
    text.append(UInt8(ascii: "="))
  }

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    encode(bytes[...], to: &text)
    return String(decoding: text, as: UTF8.self)
  }
}
