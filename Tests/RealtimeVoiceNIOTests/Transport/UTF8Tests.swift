import Testing

@testable import RealtimeVoiceNIO

@Suite struct UTF8Tests {
  /// Judged by the standard library, which repairs what is not valid.
  private static func isValid(_ bytes: [UInt8]) -> Bool { Array(String(decoding: bytes, as: UTF8.self).utf8) == bytes }

  private static func check(_ bytes: [UInt8]) -> Bool { UTF8Check.isValid(bytes.span.bytes) }

  @Test func allSequencesOfTwoBytesAndAllBoundsOfLongerOnes() {
    for first in UInt8.min ... .max {
      for second in UInt8.min ... .max {
        let bytes = [first, second]
        if Self.check(bytes) != Self.isValid(bytes) { Issue.record("\(bytes)") }
      }
    }
    let bounds: [UInt8] = [0, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    for first in UInt8(0xC0) ... .max {
      for second in bounds {
        for third in bounds {
          for fourth in bounds {
            let bytes = [first, second, third, fourth]
            if Self.check(bytes) != Self.isValid(bytes) { Issue.record("\(bytes)") }
            if Self.check([first, second, third]) != Self.isValid([first, second, third]) { Issue.record("\(bytes)") }
          }
        }
      }
    }
  }

  @Test func faultsAreFoundAtEveryOffset() {
    let text = Array("0123456789abcdefé漢😀0123456789".utf8)
    #expect(Self.check(text) && Self.check([]))
    for index in text.indices {
      #expect(Self.check(Array(text[..<index])) == Self.isValid(Array(text[..<index])))
      var broken = text
      broken[index] = 0xFF
      #expect(!Self.check(broken))
    }
  }
}
