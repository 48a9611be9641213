import AudioTestSupport
import RealtimeVoice
import Testing

@Suite struct MalformedServerEventTests {
  static let samples: [(Dialect, ServerSample)] =
    OpenAIServerEventTests.samples.map { (.openAI, $0) } + GeminiServerEventTests.samples.map { (.gemini, $0) }
    + ElevenLabsServerEventTests.samples.map { (.elevenLabs, $0) }

  @Test("A message that ends early is not JSON, wherever it ends")
  func truncations() {
    for (dialect, sample) in Self.samples {
      let bytes = Array(sample.text.utf8)
      for count in 0..<bytes.count {
        let start = bytes.span.extracting(0..<count)
        do {
          _ = try ServerEventDecoder(dialect).decode(start)
          Issue.record("\(count) bytes of \(sample.text) are taken")
        } catch {
          guard case .notJSON(let offset) = error else {
            Issue.record("\(error) for \(count) bytes of \(sample.text)")
            continue
          }
          #expect(offset <= count)
        }
      }
    }
  }

  @Test("Whatever is changed in a message, it is read or refused in one line")
  func mutations() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let words = [
      "null", "{}", "[]", "\"\"", "-1", "1e999", "true", "\"\\ud800\"", "9223372036854775808", "\"-\"", "[[[[", "}}",
      "\\", "\0",
      "\u{2028}", "é",
    ].map { Array($0.utf8) }
    var readCount = 0
    for _ in 0..<20_000 {
      let (dialect, sample) = Self.samples.randomElement(using: &random)!
      var bytes = Array(sample.text.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1 where !bytes.isEmpty: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: words.randomElement(using: &random)!, at: min(place, bytes.count))
        default:
          // A value in the place of another.
          guard let colon = bytes.indices.filter({ bytes[$0] == UInt8(ascii: ":") }).randomElement(using: &random)
          else {
            continue
          }
          let end = bytes[(colon + 1)...].firstIndex { ",}]".utf8.contains($0) } ?? bytes.count
          bytes.replaceSubrange(colon + 1..<end, with: words.randomElement(using: &random)!)
        }
      }
      do {
        _ = try ServerEventDecoder(dialect).decode(bytes.span)
        readCount += 1
      } catch {
        #expect(!"\(error)".contains { $0.isNewline } && "\(error)".count < 400, "seed \(seed)")
      }
    }
    #expect(readCount > 1_000, "seed \(seed)")
  }

  /// The reader of logs is Foundation's, with code of its own for each dialect.
  @Test("Audio is what the decoder of logs makes of it")
  func audioAsInLogs() throws {
    var count = 0
    for (dialect, sample) in Self.samples {
      let bytes = Array(sample.text.utf8)
      let expected = sample.events.compactMap { event -> [UInt8]? in
        guard case .audio(let audio) = event, !audio.bytes.isEmpty else { return nil }
        return audio.bytes
      }
      guard !expected.isEmpty else { continue }
      let dialects: Set<Dialect> = dialect == .openAI ? [.openAI, .openAIBeta] : [dialect]
      // Without padding, which the decoder of logs wants.
      guard !sample.text.contains("_-8\"") else { continue }
      let event = try #require(try AudioEventDecoder(dialects).decode(bytes.span))
      #expect(event.payloads.map(\.bytes) == expected)
      count += 1
    }
    #expect(count >= 5)
  }

  @Test("Objects deep in each other are read to a bound, and refused beyond")
  func depth() throws {
    func nested(_ depth: Int) -> String {
      #"{"type":"new","a":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    }
    #expect(try decode(nested(100), .openAI) == [.unknown(type: "new")])
    for depth in [1_000, 1_000_000] {
      guard case .notJSON = decodingError(nested(depth), .openAI) else {
        Issue.record("\(depth) levels")
        continue
      }
    }
  }

  @Test("Halves of characters become replacements, and the event is not lost")
  func halfCharacters() throws {
    let expected = ServerEvent.text(
      TextDelta(speaker: .assistant, text: "a\u{FFFD}b", isWhole: false, isTranscript: false))
    for half in [#"\ud83d"#, #"\ude00"#] {
      #expect(try decode(#"{"type":"response.text.delta","delta":"a\#(half)b"}"#, .openAI) == [expected])
    }
    var bytes = Array(#"{"type":"response.text.delta","delta":"a*b"}"#.utf8)
    bytes[bytes.firstIndex(of: UInt8(ascii: "*"))!] = 0xF0
    #expect(try ServerEventDecoder(.openAI).decode(bytes.span).events == [expected])
    #expect(
      try decode(#"{"type":"response.text.delta","delta":"\ud83d\ud83d\ude00"}"#, .openAI) == [
        .text(TextDelta(speaker: .assistant, text: "\u{FFFD}😀", isWhole: false, isTranscript: false))
      ])
  }
}
