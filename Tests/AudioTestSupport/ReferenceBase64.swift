/// A strict reader of RFC 4648 section 4, character by character.
public enum ReferenceBase64 {
  public enum Outcome: Equatable, Sendable {
    case bytes([UInt8])
    case invalidCharacter(offset: Int)
    case truncated(offset: Int)
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")
  /// The value of each byte, or nil.
  private static let values: [Int?] = (0...255).map { alphabet.firstIndex(of: UInt8($0)) }

  public static func decode(_ text: [UInt8]) -> Outcome {
    for offset in text.indices where isBad(text, offset) { return .invalidCharacter(offset: offset) }
    if text.count % 4 != 0 { return .truncated(offset: text.count) }
    var bytes: [UInt8] = []
    var bits = 0
    var bitCount = 0
    for character in text {
      guard let value = values[Int(character)] else { break }
      bits = bits << 6 | value
      bitCount += 6
      guard bitCount >= 8 else { continue }
      bitCount -= 8
      bytes.append(UInt8(bits >> bitCount))
      bits %= 1 << bitCount
    }
    return .bytes(bytes)
  }

  private static func isBad(_ text: [UInt8], _ offset: Int) -> Bool {
    let place = offset % 4
    let group = offset - place
    // Behind a group that ends in padding nothing may stand.
    if group > 0, text[group - 1] == padding { return true }
    if text[offset] == padding {
      // Two characters at least hold a byte, and padding runs to the end of the group.
      if place < 2 { return true }
      return place == 2 && offset + 1 < text.count && text[offset + 1] != padding
    }
    guard let value = values[Int(text[offset])] else { return true }
    // The last character before padding carries bits that no byte takes: four before "==", two before "=".
    guard group + 4 <= text.count else { return false }
    let isBeforeTwo = place == 1 && text[group + 2] == padding && text[group + 3] == padding
    let isBeforeOne = place == 2 && text[group + 3] == padding
    return isBeforeTwo && value % 16 != 0 || isBeforeOne && value % 4 != 0
  }
}
