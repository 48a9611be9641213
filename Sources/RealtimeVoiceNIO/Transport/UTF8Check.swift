/// Whether bytes are UTF-8 as RFC 3629 and table 3-7 of the Unicode standard have it: no overlong form, no surrogate,
/// nothing above U+10FFFF. Allocates nothing.
enum UTF8Check {
  static func isValid(_ bytes: RawSpan) -> Bool {
    let count = bytes.byteCount
    var index = 0
    while index < count {
      // Events are ASCII almost throughout (JSON and base64): eight bytes at a time.
      while index &+ 8 <= count,
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        index &+= 8
      }
      guard index < count else { break }
      let lead = byte(bytes, index)
      if lead < 0x80 {
        index &+= 1
        continue
      }
      let length: Int
      let second: ClosedRange<UInt8>
      switch lead {
      case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
      case 0xE0: (length, second) = (3, 0xA0...0xBF)
      case 0xE1...0xEC, 0xEE...0xEF: (length, second) = (3, 0x80...0xBF)
      case 0xED: (length, second) = (3, 0x80...0x9F)
      case 0xF0: (length, second) = (4, 0x90...0xBF)
      case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
      case 0xF4: (length, second) = (4, 0x80...0x8F)
      default: return false
      }
      guard index &+ length <= count, second.contains(byte(bytes, index &+ 1)) else { return false }
      for offset in stride(from: 2, to: length, by: 1) where byte(bytes, index &+ offset) & 0xC0 != 0x80 {
        return false
      }
      index &+= length
    }
    return true
  }

  private static func byte(_ bytes: RawSpan, _ index: Int) -> UInt8 {
    unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }
}
