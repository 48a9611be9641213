import AudioDSP
import AudioTestSupport
import Foundation
import RealtimeVoice
import Testing

@Suite struct AudioEventDecoderTests {
  typealias Payload = AudioEvent.Payload

  static func decode(_ text: String, _ decoder: AudioEventDecoder = AudioEventDecoder()) throws -> AudioEvent? {
    try decode(Array(text.utf8), decoder)
  }

  static func decode(_ bytes: [UInt8], _ decoder: AudioEventDecoder = AudioEventDecoder()) throws -> AudioEvent? {
    try decoder.decode(bytes.span)
  }

  static func error(_ text: String, _ decoder: AudioEventDecoder = AudioEventDecoder()) -> AudioEventDecodingError? {
    do {
      _ = try decode(text, decoder)
      return nil
    } catch {
      return error as? AudioEventDecodingError
    }
  }

  /// "AQID" is 1, 2, 3 and "BAUG" 4, 5, 6.
  static let bytes: [UInt8] = [1, 2, 3]

  struct Shape: CustomTestStringConvertible, Sendable {
    var text: String
    var event: AudioEvent
    var testDescription: String { text }
  }

  static let shapes: [Shape] = [
    Shape(
      text: #"{"type":"input_audio_buffer.append","audio":"AQID"}"#,
      event: AudioEvent(dialect: .openAI, payloads: [Payload(side: .sent, bytes: bytes)])),
    Shape(
      text: #" { "audio" : "AQID", "event_id":"e1", "type":"input_audio_buffer.append" } "#,
      event: AudioEvent(dialect: .openAI, payloads: [Payload(side: .sent, bytes: bytes)])),
    Shape(
      text:
        #"{"type":"response.output_audio.delta","event_id":"e","response_id":"r1","item_id":"i1","output_index":0,"content_index":0,"delta":"AQID"}"#,
      event: AudioEvent(
        dialect: .openAI, payloads: [Payload(side: .received, bytes: bytes, itemID: "i1", responseID: "r1")])),
    Shape(
      text: #"{"type":"response.audio.delta","response_id":"r1","item_id":"i1","delta":"AQID"}"#,
      event: AudioEvent(
        dialect: .openAIBeta, payloads: [Payload(side: .received, bytes: bytes, itemID: "i1", responseID: "r1")])),
    Shape(
      text: #"{"realtimeInput":{"audio":{"data":"AQID","mimeType":"audio/pcm;rate=16000"}}}"#,
      event: AudioEvent(
        dialect: .gemini,
        payloads: [
          Payload(side: .sent, bytes: bytes, format: .init(encoding: .pcm16, sampleRate: .hz16000))
        ])),
    Shape(
      text: #"{"realtime_input":{"audio":{"data":"AQID","mime_type":"audio/pcm"}}}"#,
      event: AudioEvent(
        dialect: .gemini, payloads: [Payload(side: .sent, bytes: bytes, format: .init(encoding: .pcm16))])),
    Shape(
      text:
        #"{"realtime_input":{"media_chunks":[{"data":"AQID","mime_type":"audio/pcm; rate=16000"},{"data":"/9j/","mime_type":"image/jpeg"},{"data":"BAUG","mime_type":"audio/pcm;rate=16000"}]}}"#,
      event: AudioEvent(
        dialect: .gemini,
        payloads: [[1, 2, 3], [4, 5, 6]].map {
          Payload(side: .sent, bytes: $0, format: .init(encoding: .pcm16, sampleRate: .hz16000))
        })),
    Shape(
      text:
        #"{"serverContent":{"modelTurn":{"parts":[{"text":"hm"},{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AQID"}},{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"BAUG"}}]}},"usageMetadata":{}}"#,
      event: AudioEvent(
        dialect: .gemini,
        payloads: [[1, 2, 3], [4, 5, 6]].map {
          Payload(side: .received, bytes: $0, format: .init(encoding: .pcm16, sampleRate: .hz24000))
        })),
    Shape(
      text:
        #"{"server_content":{"model_turn":{"parts":[{"inline_data":{"mime_type":"audio/L16;codec=pcm;rate=24000","data":"-_-_"}}]}}}"#,
      event: AudioEvent(
        dialect: .gemini,
        payloads: [
          Payload(
            side: .received, bytes: [0xFB, 0xFF, 0xBF], format: .init(encoding: .pcm16, sampleRate: .hz24000))
        ])),
    Shape(
      text: #"{"user_audio_chunk":"AQID"}"#,
      event: AudioEvent(dialect: .elevenLabs, payloads: [Payload(side: .sent, bytes: bytes)])),
    Shape(
      text: #"{"type":"audio","audio_event":{"audio_base_64":"AQID","event_id":7,"alignment":{"chars":[]}}}"#,
      event: AudioEvent(dialect: .elevenLabs, payloads: [Payload(side: .received, bytes: bytes, itemID: "7")])),
    Shape(text: "AQID", event: AudioEvent(dialect: .pcm, payloads: [Payload(side: .sent, bytes: bytes)])),
  ]

  static let announcements: [Shape] = [
    Shape(
      text:
        #"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu"}},"output":{"format":{"type":"audio/pcm","rate":24000}}}}}"#,
      event: AudioEvent(
        dialect: .openAI,
        announcedFormats: [
          .sent: .init(encoding: .muLaw, sampleRate: .hz8000), .received: .init(encoding: .pcm16, sampleRate: .hz24000),
        ])),
    Shape(
      text: #"{"type":"session.updated","session":{"audio":{"output":{"format":{"type":"audio/pcma"}}}}}"#,
      event: AudioEvent(
        dialect: .openAI, announcedFormats: [.received: .init(encoding: .aLaw, sampleRate: .hz8000)])),
    Shape(
      text:
        #"{"type":"session.created","session":{"input_audio_format":"g711_ulaw","output_audio_format":"pcm16"}}"#,
      event: AudioEvent(
        dialect: .openAIBeta,
        announcedFormats: [.sent: .init(encoding: .muLaw, sampleRate: .hz8000), .received: .init(encoding: .pcm16)])),
    Shape(
      text:
        #"{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c","agent_output_audio_format":"pcm_44100","user_input_audio_format":"ulaw_8000"}}"#,
      event: AudioEvent(
        dialect: .elevenLabs,
        announcedFormats: [
          .sent: .init(encoding: .muLaw, sampleRate: .hz8000), .received: .init(encoding: .pcm16, sampleRate: .hz44100),
        ])),
  ]

  @Test(arguments: shapes + announcements)
  func eachShapeIsRead(shape: Shape) throws {
    #expect(try Self.decode(shape.text) == shape.event)
    // Line ends of either kind, a mark of byte order, blanks.
    for text in [shape.text + "\n", shape.text + "\r\n", "\u{FEFF}" + shape.text, "\t " + shape.text + " \r"] {
      #expect(try Self.decode(text) == shape.event)
    }
    // Only what is asked for.
    #expect(try Self.decode(shape.text, AudioEventDecoder([shape.event.dialect])) == shape.event)
    let others = AudioEventDecoder(Set(Dialect.allCases).subtracting([shape.event.dialect]))
    if shape.event.dialect == .pcm {
      #expect(Self.error(shape.text, others) == .notJSON)
    } else {
      #expect(try Self.decode(shape.text, others) == nil)
    }
  }

  @Test(arguments: shapes.dropLast() + announcements, ["event", "message", "data"])
  func anEventMayBeWrapped(shape: Shape, key: String) throws {
    let quoted = String(decoding: try JSONEncoder().encode(shape.text), as: UTF8.self)
    for text in [
      #"{"time":1.5,"type":"in","\#(key)":\#(shape.text)}"#, #"{"level":"debug","\#(key)":\#(quoted)}"#,
      #"{"data":{"message":\#(quoted)}}"#, #"{"event":"audio sent","data":\#(shape.text)}"#,
      #"{"event":{"name":"sent"},"message":7,"data":\#(quoted)}"#,
    ] {
      #expect(try Self.decode(text) == shape.event, "\(text)")
    }
  }

  @Test func bareAudioMayBeWrappedWhereItIsAskedFor() throws {
    let event = AudioEvent(dialect: .pcm, payloads: [Payload(side: .sent, bytes: Self.bytes)])
    #expect(try Self.decode(#"{"data":"AQID"}"#, AudioEventDecoder([.pcm])) == event)
    #expect(try Self.decode(#"{"data":"AQID"}"#) == nil)
  }

  @Test(arguments: [
    "", "  \r\n", "{}", #"{"type":"response.done","response":{"output":[{"audio":5}]}}"#,
    #"{"type":"input_audio_buffer.commit"}"#, #"{"type":"new.event","audio":{"a":[]},"delta":7}"#,
    #"{"type":5}"#, #"{"message":"hello"}"#, #"{"data":[1,2]}"#, #"{"event":null}"#, #"{"setupComplete":{}}"#,
    #"{"type":"response.output_audio_transcript.delta","delta":"AQID"}"#, #"{"type":"audio"}"#,
    #"{"type":"session.created","session":{"type":"realtime","audio":{"input":{"turn_detection":null}}}}"#,
    #"{"type":"session.updated","session":7}"#, #"{"type":"ping","ping_event":{"event_id":1}}"#,
  ])
  func whatCarriesNoAudioIsNothing(text: String) throws {
    #expect(try Self.decode(text) == nil)
  }

  @Test func emptyAudioIsNoPayload() throws {
    #expect(
      try Self.decode(#"{"type":"input_audio_buffer.append","audio":""}"#) == AudioEvent(dialect: .openAI))
    #expect(try Self.decode(#"{"serverContent":{"turnComplete":true}}"#) == AudioEvent(dialect: .gemini))
    #expect(
      try Self.decode(#"{"serverContent":{"modelTurn":null}}"#) == AudioEvent(dialect: .gemini))
    #expect(
      try Self.decode(
        #"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"AQID","mimeType":"image/png"}}]}}}"#)
        == AudioEvent(dialect: .gemini))
  }

  @Test(
    arguments: [
      (#"{"type":"#, .notJSON), (#"{"type":"a"}}"#, .notJSON), ("{'a':1}", .notJSON), ("{\"type\" \"a\"}", .notJSON),
      ("[1]", .neitherJSONNorBase64(offset: 0)), ("AQI", .neitherJSONNorBase64(offset: 3)),
      ("hello there", .neitherJSONNorBase64(offset: 5)), ("A\u{0}ID", .neitherJSONNorBase64(offset: 1)),
      (#"{"type":"input_audio_buffer.append"}"#, .missing(field: "audio")),
      (#"{"type":"input_audio_buffer.append","audio":null}"#, .wrongType(field: "audio", expected: "a string")),
      (#"{"type":"input_audio_buffer.append","audio":[1]}"#, .wrongType(field: "audio", expected: "a string")),
      (
        #"{"type":"input_audio_buffer.append","audio":"AQID*QID"}"#,
        .badBase64(field: "audio", .invalidCharacter(offset: 4))
      ),
      (#"{"type":"input_audio_buffer.append","audio":"AQI"}"#, .badBase64(field: "audio", .truncated(offset: 3))),
      // OpenAI takes the standard alphabet only.
      (
        #"{"type":"input_audio_buffer.append","audio":"-_-_"}"#,
        .badBase64(field: "audio", .invalidCharacter(offset: 0))
      ),
      (#"{"type":"response.audio.delta","item_id":"a"}"#, .missing(field: "delta")),
      (#"{"realtimeInput":7}"#, .wrongType(field: "realtimeInput", expected: "an object")),
      (
        #"{"realtimeInput":{"mediaChunks":{}}}"#,
        .wrongType(field: "realtimeInput.mediaChunks", expected: "an array")
      ),
      (
        #"{"serverContent":{"modelTurn":{"parts":["x"]}}}"#,
        .wrongType(field: "serverContent.modelTurn.parts", expected: "an array of objects")
      ),
      (#"{"realtimeInput":{"audio":{"mimeType":"audio/pcm"}}}"#, .missing(field: "realtimeInput.audio.data")),
      (
        #"{"realtimeInput":{"audio":{"data":"AQID","mimeType":"audio/ogg"}}}"#, .unsupportedFormat("audio/ogg")
      ),
      (
        #"{"realtimeInput":{"audio":{"data":"AQID","mimeType":"audio/pcm;rate=1"}}}"#, .badSampleRate("1")
      ),
      (
        #"{"realtimeInput":{"audio":{"data":"AQID","mimeType":"audio/pcm;rate=fast"}}}"#, .badSampleRate("fast")
      ),
      (
        #"{"serverContent":{"modelTurn":{"parts":[{},{"inlineData":{"data":5,"mimeType":"audio/pcm"}}]}}}"#,
        .wrongType(field: "serverContent.modelTurn.parts[1].inlineData.data", expected: "a string")
      ),
      (
        #"{"type":"audio","audio_event":{"audio_base_64":5}}"#,
        .wrongType(field: "audio_event.audio_base_64", expected: "a string")
      ),
      (#"{"event":{"user_audio_chunk":{}}}"#, .wrongType(field: "event.user_audio_chunk", expected: "a string")),
      (#"{"message":"{\"user_audio_chunk\":"}"#, .notJSON),
    ] as [(String, AudioEventDecodingError)])
  func whatIsMalformedIsToldApart(text: String, expected: AudioEventDecodingError) {
    #expect(Self.error(text) == expected)
    #expect(!expected.description.contains("\n"))
  }

  @Test func descriptions() {
    #expect(
      Self.error(#"{"type":"input_audio_buffer.append","audio":"AQID*QID"}"#)?.description
        == "'audio': no base64 at offset 4")
    #expect(AudioEventDecodingError.tooLong.description == "longer than 64 MiB")
    #expect(Self.error("hello there")?.description == "neither a JSON object nor base64, from offset 5 on")
    #expect(Self.error("AQI", AudioEventDecoder([.pcm])) == .badBase64(field: "", .truncated(offset: 3)))
  }

  // MARK: Hostile lines

  @Test func escapesAreTexts() throws {
    // Encoders of some languages escape every slash.
    let event = try Self.decode(#"{"type":"input_audio_buffer.append","audio":"\/\/\/\u002f"}"#)
    #expect(event?.payloads.map(\.bytes) == [[255, 255, 255]])
  }

  @Test(arguments: [10, 500, 600, 100_000, 1_000_000])
  func deepNesting(depth: Int) throws {
    for (open, close) in [("[", "]"), (#"{"event":"#, "}"), (#"{"a":"#, "}")] {
      let inner = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
      for text in [
        #"{"type":"input_audio_buffer.append","audio":"AQID","x":\#(inner)}"#, #"{"event":\#(inner)}"#,
        #"{"audio":\#(inner),"type":"input_audio_buffer.append"}"#,
      ] {
        // Whether the parser takes it is its own affair, as long as it says so.
        let error = Self.error(text)
        #expect(error == nil || error == .notJSON || error == .wrongType(field: "audio", expected: "a string"))
      }
    }
  }

  @Test func wrappersWithinWrappersEnd() throws {
    var text = #"{"user_audio_chunk":"AQID"}"#
    for depth in 1...12 {
      text = #"{"message":\#(String(decoding: try JSONEncoder().encode(text), as: UTF8.self))}"#
      #expect(try (Self.decode(text) != nil) == (depth <= 4), "\(depth)")
    }
  }

  @Test func duplicateKeysAndInvalidText() throws {
    let event = try Self.decode(
      #"{"type":"input_audio_buffer.append","audio":"AQID","audio":"BAUG","type":"input_audio_buffer.append"}"#)
    #expect([[1, 2, 3], [4, 5, 6]].contains(event?.payloads.first?.bytes))
    for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF8], [0]] {
      for line in [
        Array(#"{"type":"input_audio_buffer.append","audio":""#.utf8) + bytes + Array(#""}"#.utf8),
        Array(#"{""#.utf8) + bytes + Array(#"":1}"#.utf8), Array("{".utf8) + bytes, bytes + Array("{}".utf8),
      ] {
        let decoded = Result { try Self.decode(line) }
        if case .success(let event) = decoded { #expect(event?.payloads.isEmpty != false, "\(line)") }
      }
    }
    // JSON in UTF-16 is no line of text.
    for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian, .utf32LittleEndian, .utf32BigEndian] {
      let bytes = Array(try #require(#"{"user_audio_chunk":"AQID"}"#.data(using: encoding)))
      #expect(throws: AudioEventDecodingError.self) { try Self.decode(bytes) }
    }
  }

  @Test func largeEvents() throws {
    // OpenAI takes up to 15 MiB.
    let audio = [UInt8](repeating: 0x41, count: 15 << 20)
    let line = Array(#"{"type":"input_audio_buffer.append","audio":""#.utf8) + audio + Array(#""}"#.utf8)
    #expect(try Self.decode(line)?.payloads.first?.bytes.count == (15 << 20) / 4 * 3)
    let tooLong = [UInt8](repeating: 0x41, count: AudioEventDecoder.maximumByteCount + 1)
    #expect(throws: AudioEventDecodingError.tooLong) { try Self.decode(tooLong) }
    #expect(AudioEventDecoder.maximumByteCount == 64 << 20)
  }

  @Test func damageNeverCrashes() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<3_000 {
      var line = Array((Self.shapes + Self.announcements).randomElement(using: &random)!.text.utf8)
      for _ in 0...Int.random(in: 0...3, using: &random) where !line.isEmpty {
        let place = Int.random(in: 0..<line.count, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: line[place] = UInt8.random(in: 0...255, using: &random)
        case 1: line.remove(at: place)
        case 2: line.removeSubrange(place...)
        default: line.insert(contentsOf: line.suffix(Int.random(in: 0...20, using: &random)), at: place)
        }
      }
      do {
        _ = try Self.decode(line)
      } catch {
        #expect(error is AudioEventDecodingError, "seed \(seed)")
      }
    }
  }

  // MARK: There and back

  @Test(arguments: Dialect.allCases)
  func whatIsEncodedComesBack(dialect: Dialect) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let encoder = AudioEventEncoder(dialect)
    for count in [1, 2, 3, 480, 961] {
      let chunk = (0..<count).map { _ in Int16.random(in: .min ... .max, using: &random) }
      var line = [UInt8](repeating: 0, count: encoder.encodedCount(forSampleCount: count))
      var output = line.mutableSpan
      _ = try encoder.encode(chunk.span, into: &output)
      let event = try #require(try Self.decode(line))
      #expect(event.payloads.count == 1)
      let payload = try #require(event.payloads.first)
      #expect(payload.side == .sent)
      #expect(event.dialect == (dialect == .openAIBeta ? .openAI : dialect))
      #expect(payload.format.sampleRate == (dialect == .gemini ? .hz16000 : nil))
      var decoder = PayloadDecoder()
      #expect(decoder.decode(payload, as: .pcm16) == chunk, "seed \(seed)")
    }
  }

  @Test func rates() {
    #expect(Dialect.allCases.map { $0.defaultRate(of: .sent) } == Dialect.allCases.map(\.defaultRate))
    #expect(Dialect.allCases.map { $0.defaultRate(of: .received).hertz } == [24_000, 24_000, 24_000, 16_000, 24_000])
  }
}
