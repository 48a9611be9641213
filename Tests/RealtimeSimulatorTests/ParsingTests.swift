import Foundation
import Testing

@testable import RealtimeSimulator

extension SimulatorSuites {
  @Suite("JSON, base64 and G.711 of the simulator's own")
  struct ParsingTests {
    @Test("JSON that Foundation writes is read as it was meant, and what is written Foundation reads")
    func json() throws {
      let text = #"{"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00\n\"\\\/"],"b":{},"c":[],"a2":9007199254740993}"#
      let value = try JSONParser.parse(Array(text.utf8))
      #expect(value["a"] == [1, -2500.0, true, false, nil, "é😀\n\"\\/"])
      #expect(value["a2"] == 9_007_199_254_740_993)
      #expect(try JSONParser.parse(value.utf8) == value)
      let read = try JSONSerialization.jsonObject(with: Data(value.utf8)) as? NSDictionary
      #expect(read == (try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary))
    }

    @Test(
      "What is not JSON is refused",
      arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "-", "tru", "\"\\x\"", "\"\\ud800\"", "\"a\nb\"", "1 2", "nul",
        "{1:2}",
        String(repeating: "[", count: 100_000), "1e999", "+1", ".5", "\"abc",
      ])
    func notJSON(_ text: String) {
      #expect(throws: JSONParsingError.self) { try JSONParser.parse(Array(text.utf8)) }
    }

    @Test("Base64 is what Foundation's is, and nothing else passes")
    func base64() {
      let seed = UInt64.random(in: 0...UInt64.max)
      print("base64 seed \(seed)")
      var state = seed
      for count in 0..<200 {
        let bytes = (0..<count).map { _ in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return UInt8(truncatingIfNeeded: state >> 33)
        }
        let text = Data(bytes).base64EncodedString()
        #expect(Base64.encode(bytes) == text)
        #expect(Base64.decode(Array(text.utf8)[...]) == bytes)
        let urlSafe = text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
          .replacingOccurrences(of: "=", with: "")
        #expect(Base64.decode(Array(urlSafe.utf8)[...], isLenient: true) == bytes)
      }
      for text in ["A", "AA", "AAA", "AA==A", "A===", "AA=A", "AAA-", "AA A", "====", "AAAA="] {
        #expect(Base64.decode(Array(text.utf8)[...]) == nil, "\(text)")
      }
    }

    @Test("G.711: every code comes back, and known values are met")
    func g711() {
      for format in [WireFormat(coding: .muLaw, rate: 8000), WireFormat(coding: .aLaw, rate: 8000)] {
        let codes = (0...255).map { UInt8($0) }
        let samples = format.samples(codes[...])
        // Mu-law has two zeros.
        #expect(format.samples(format.bytes(samples)[...]) == samples)
      }
      #expect(G711.muLawSamples[0] == -32_124)
      #expect(G711.muLawSamples[0x80] == 32_124)
      #expect(G711.aLawSamples[0xD5] == 8)
      #expect(G711.aLawSamples[0xAA] == 32_256)
    }
  }
}
