import AudioTestSupport
import Foundation
import Testing

@testable import RealtimeVoice

/// Against Foundation's reader, which shares no code with ours.
@Suite struct JSONReaderTests {
  static func read(_ text: String) -> JSONValue? {
    let bytes = Array(text.utf8)
    return try? JSONReader.read(bytes.span)
  }

  static let texts = [
    #"{"a":[1,-2.5e3,0.0,1E+2,-0],"b":{"c":null,"d":[true,false,{}]},"":"é\u00e9\"\\\/\b\f\n\r\t"}"#,
    #" [ ] "#, #"{ }"#, #""""#, "0", "-0.5", "true", "null", #"["\ud83d\ude00","😀"]"#, "[[[[1]]],{}]",
    #"{"a":1 , "b" : 2}"#,
  ]

  @Test("What is read is what Foundation reads", arguments: texts)
  func values(text: String) throws {
    let value = try #require(Self.read(text))
    #expect(try parsed(value.text) == parsed(text))
  }

  @Test(
    "What JSON does not have is refused",
    arguments: [
      "", " ", "01", "1.", ".5", "+1", "1e", "--1", "0x10", "NaN", "Infinity", "tru", "truex", "nul", "[1,]", "[,1]",
      "[1 2]",
      "{", "[", "{]", #"{"a"}"#, #"{"a":}"#, #"{a:1}"#, #"{"a":1,}"#, #"{'a':1}"#, #""a"#, #""\x""#, #""\u12""#,
      #""\u12g4""#,
      "\"\n\"", "\"\0\"", "1 1", "[1]]", "// a\n1", "\u{FEFF}1", "\u{A0}1",
    ])
  func refused(text: String) {
    #expect(Self.read(text) == nil)
  }

  @Test("Changed texts are taken and refused as Foundation does")
  func mutations() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let characters = Array(#"{}[],:"\0123456789eE+-.truefalsnu bxé \#n\#t"#.unicodeScalars)
    var (takenCount, refusedCount) = (0, 0)
    for _ in 0..<4_000 {
      var scalars = Array(Self.texts.randomElement(using: &random)!.unicodeScalars)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<scalars.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: scalars[place] = characters.randomElement(using: &random)!
        case 1: scalars.insert(characters.randomElement(using: &random)!, at: place)
        default: if scalars.count > 1 { scalars.remove(at: place) }
        }
      }
      let text = String(String.UnicodeScalarView(scalars))
      // Halves of pairs are replaced here, and numbers without end kept as text: what Foundation refuses. It takes
      // commas before an end, which are no JSON.
      if text.contains(#"\u"#) || text.contains(/[0-9]{4}|[eE][+-]?[0-9]{3}|,\s*[\]}]/) { continue }
      let theirs = try? parsed(text)
      let ours = Self.read(text)
      #expect((ours == nil) == (theirs == nil), "seed \(seed): \(text)")
      guard let theirs, let ours else {
        refusedCount += 1
        continue
      }
      takenCount += 1
      #expect(try Self.isSame(ours, theirs), "seed \(seed): \(text)")
    }
    #expect(takenCount > 100 && refusedCount > 100, "seed \(seed)")
  }

  /// Of a key that stands twice the last counts here; Foundation may take another.
  static func isSame(_ ours: JSONValue, _ theirs: NSObject) throws -> Bool {
    if case .object(let object) = ours, Set(object.members.map(\.key)).count < object.members.count { return true }
    if case .object(let object) = ours, let theirs = theirs as? [String: NSObject] {
      return try object.members.count == theirs.count
        && object.members.allSatisfy { member in
          guard let value = theirs[member.key] else { return false }
          return try isSame(member.value, value)
        }
    }
    if case .array(let elements) = ours, let theirs = theirs as? [NSObject] {
      return try elements.count == theirs.count && zip(elements, theirs).allSatisfy { try isSame($0, $1) }
    }
    return try parsed(ours.text) == theirs
  }

  @Test("Of a key that stands twice, the last counts")
  func repeatedKeys() {
    guard case .object(let object) = Self.read(#"{"a":1,"b":2,"a":3}"#) else {
      Issue.record("no object")
      return
    }
    #expect(object["a"] == 3 && object["b"] == 2 && object["c"] == nil)
  }

  @Test("Objects are merged in depth, in their order, and the other one wins")
  func merging() throws {
    var object = try #require(JSONReader.object(#"{"a":{"x":1,"y":{"z":[1]}},"b":[1,2],"c":3}"#))
    object.merge(try #require(JSONReader.object(#"{"d":4,"b":[3],"a":{"y":{"w":null,"z":2}},"c":{"e":5}}"#)))
    #expect(JSONValue.object(object).text == #"{"a":{"x":1,"y":{"z":2,"w":null}},"b":[3],"c":{"e":5},"d":4}"#)
  }

  @Test("Numbers keep their text")
  func numbers() {
    for text in ["[1.50,1E+2,-0,123456789012345678901234567890,0.1]"] { #expect(Self.read(text)?.text == text) }
    #expect(
      JSONValue.real(0.1).text == "0.1" && JSONValue.real(1e20).text == "1e+20" && JSONValue.real(2).text == "2.0")
  }
}
