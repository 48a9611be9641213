import AudioDSP
import AudioTestSupport
import Foundation
import RealtimeVoice
import Testing

@Suite struct AudioEventEncoderTests {
  /// 0x0100, 0x0302, 0xFFFE, little-endian: the bytes 00 01 02 03 FE FF.
  private static let samples: [Int16] = [0x0100, 0x0302, -2]

  private static func event(_ chunk: [Int16], _ encoder: AudioEventEncoder, spareRoom: Int = 0) throws -> String {
    var output = [UInt8](repeating: 0x2A, count: encoder.encodedCount(forSampleCount: chunk.count) + spareRoom)
    var span = output.mutableSpan
    let count = try encoder.encode(chunk.span, into: &span)
    #expect(count == output.count - spareRoom)
    #expect(output[count...].allSatisfy { $0 == 0x2A })
    return String(decoding: output[..<count], as: UTF8.self)
  }

  // MARK: Bytes

  @Test(
    "The bytes of each event",
    arguments: [
      (.openAI, nil, #"{"type":"input_audio_buffer.append","audio":"AAECA/7/"}"#),
      (.openAIBeta, nil, #"{"type":"input_audio_buffer.append","audio":"AAECA/7/"}"#),
      (.gemini, nil, #"{"realtimeInput":{"audio":{"data":"AAECA/7/","mimeType":"audio/pcm;rate=16000"}}}"#),
      (.gemini, .hz24000, #"{"realtimeInput":{"audio":{"data":"AAECA/7/","mimeType":"audio/pcm;rate=24000"}}}"#),
      (.elevenLabs, nil, #"{"user_audio_chunk":"AAECA/7/"}"#),
      (.pcm, nil, "AAECA/7/"),
    ] as [(Dialect, SampleRate?, String)])
  func bytes(dialect: Dialect, rate: SampleRate?, expected: String) throws {
    let encoder = AudioEventEncoder(dialect, sampleRate: rate)
    #expect(try Self.event(Self.samples, encoder) == expected)
    #expect(encoder.encodedCount(forSampleCount: 3) == expected.utf8.count)
    // Room to spare is left alone.
    #expect(try Self.event(Self.samples, encoder, spareRoom: 7) == expected)
  }

  @Test(
    "What marks a turn",
    arguments: [
      (.openAI, nil, #"{"type":"input_audio_buffer.commit"}"#),
      (.openAIBeta, nil, #"{"type":"input_audio_buffer.commit"}"#),
      (.gemini, #"{"realtimeInput":{"activityStart":{}}}"#, #"{"realtimeInput":{"activityEnd":{}}}"#),
      (.elevenLabs, nil, nil),
      (.pcm, nil, nil),
    ] as [(Dialect, String?, String?)])
  func turns(dialect: Dialect, start: String?, end: String?) throws {
    let encoder = AudioEventEncoder(dialect)
    #expect(encoder.turnStart == start)
    #expect(encoder.turnEnd == end)
    for text in [encoder.turnStart, encoder.turnEnd].compactMap(\.self) {
      #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) is [String: Any])
    }
  }

  @Test("OpenAI's append has 47 bytes beside the audio", arguments: [(20, 1_327), (40, 2_607), (100, 6_447)])
  func appendSizes(milliseconds: Int, byteCount: Int) throws {
    for dialect in [Dialect.openAI, .openAIBeta] {
      let encoder = AudioEventEncoder(dialect)
      let chunk = [Int16](repeating: 1, count: 24 * milliseconds)
      #expect(encoder.encodedCount(forSampleCount: chunk.count) == byteCount)
      let text = try Self.event(chunk, encoder)
      #expect(text.utf8.count == byteCount)
      #expect(text.utf8.count - 47 == chunk.count * 2 / 3 * 4)
      // Any multiple of 10 ms at 24 kHz is one of three bytes.
      #expect(!text.contains("="))
    }
  }

  // MARK: Against Foundation

  @Test("Each event is one line of JSON that holds the samples", arguments: Dialect.allCases)
  func json(dialect: Dialect) throws {
    var random = SeededGenerator(seed: 70)
    let encoder = AudioEventEncoder(dialect)
    for count in [1, 2, 3, 4, 5, 159, 160, 161, 480, 24_001] {
      let chunk = (0..<count).map { _ in Int16(truncatingIfNeeded: random.next()) }
      let text = try Self.event(chunk, encoder)
      #expect(!text.contains { $0.isNewline })
      let bytes = try #require(try Self.audio(text, dialect))
      let found = (0..<bytes.count / 2).map {
        Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8)
      }
      #expect(bytes.count == 2 * count)
      #expect(found == chunk)
    }
  }

  @Test("In G.711 each sample is one byte, that of the law's tables", arguments: [AudioEvent.Encoding.muLaw, .aLaw])
  func companded(_ encoding: AudioEvent.Encoding) throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededGenerator(seed: seed)
    let law = encoding == .muLaw ? ReferenceG711.muLaw : .aLaw
    for dialect in [Dialect.openAI, .openAIBeta, .elevenLabs, .pcm] {
      let encoder = AudioEventEncoder(dialect, sampleRate: .hz8000, encoding: encoding)
      // Around the ends of steps, if there are any, and anywhere.
      for count in [1, 2, 3, 160, 767, 768, 769, 1_536, 1_537, Int.random(in: 1...5_000, using: &random)] {
        let chunk = (0..<count).map { _ in Int16(truncatingIfNeeded: random.next()) }
        let bytes = try #require(try Self.audio(try Self.event(chunk, encoder), dialect))
        let isSame = Array(bytes) == chunk.map { law.encoded($0) }
        #expect(isSame, "\(dialect), \(count) samples, seed \(seed)")
      }
    }
  }

  /// The bytes of the audio, read by Foundation; every other key and value is checked.
  private static func audio(_ text: String, _ dialect: Dialect) throws -> Data? {
    guard dialect != .pcm else { return Data(base64Encoded: text) }
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    switch dialect {
    case .openAI, .openAIBeta:
      #expect(object?.count == 2)
      #expect(object?["type"] as? String == "input_audio_buffer.append")
      return (object?["audio"] as? String).flatMap { Data(base64Encoded: $0) }
    case .gemini:
      let input = object?["realtimeInput"] as? [String: Any]
      let blob = input?["audio"] as? [String: Any]
      #expect(object?.count == 1 && input?.count == 1 && blob?.count == 2)
      #expect(blob?["mimeType"] as? String == "audio/pcm;rate=16000")
      return (blob?["data"] as? String).flatMap { Data(base64Encoded: $0) }
    case .elevenLabs:
      #expect(object?.count == 1)
      return (object?["user_audio_chunk"] as? String).flatMap { Data(base64Encoded: $0) }
    case .pcm: return nil
    }
  }

  // MARK: Errors

  @Test("An empty chunk is refused", arguments: Dialect.allCases)
  func emptyChunk(dialect: Dialect) {
    let encoder = AudioEventEncoder(dialect)
    var output = [UInt8](repeating: 0x2A, count: 100)
    let error = #expect(throws: AudioEventError.emptyAudio) {
      var span = output.mutableSpan
      _ = try encoder.encode([Int16]().span, into: &span)
    }
    #expect(error?.description == "an event needs audio")
    #expect(output.allSatisfy { $0 == 0x2A })
  }

  @Test("An output that is too small is left alone", arguments: Dialect.allCases)
  func tooSmall(dialect: Dialect) {
    let encoder = AudioEventEncoder(dialect)
    let required = encoder.encodedCount(forSampleCount: 3)
    for capacity in [0, 1, required - 1] {
      var output = [UInt8](repeating: 0x2A, count: capacity)
      let error = #expect(throws: AudioEventError.outputTooSmall(required: required, capacity: capacity)) {
        var span = output.mutableSpan
        _ = try encoder.encode(Self.samples.span, into: &span)
      }
      #expect(error?.description == "the output has room for \(capacity) bytes where \(required) are due")
      #expect(output.allSatisfy { $0 == 0x2A })
    }
  }

  // MARK: Dialects

  @Test(
    "Rates and least turns",
    arguments: [
      (.openAI, 24_000, [24_000], .milliseconds(100)), (.openAIBeta, 24_000, [24_000], .milliseconds(100)),
      (.gemini, 16_000, nil, .zero), (.pcm, 24_000, nil, .zero),
      (.elevenLabs, 16_000, [8_000, 16_000, 22_050, 24_000, 44_100, 48_000], .zero),
    ] as [(Dialect, Int, [Int]?, Duration)])
  func facts(dialect: Dialect, rate: Int, legal: [Int]?, leastTurn: Duration) {
    #expect(dialect.defaultRate.hertz == rate)
    #expect(AudioEventEncoder(dialect).sampleRate.hertz == rate)
    #expect(AudioEventEncoder(dialect, sampleRate: .hz8000).sampleRate == .hz8000)
    #expect(AudioEventEncoder(dialect).dialect == dialect)
    #expect(dialect.legalRates == legal)
    #expect(dialect.leastTurn == leastTurn)
  }

  @Test("Names, as a command line has them")
  func names() {
    #expect(Dialect.allCases.map(\.rawValue) == ["openai", "openai-beta", "gemini", "elevenlabs", "pcm"])
  }

  @Test("Nothing allocates after init", arguments: Dialect.allCases)
  func allocations(dialect: Dialect) throws {
    try #require(AllocationCounter.isAvailable)
    let encoder = AudioEventEncoder(dialect)
    let chunk = [Int16](repeating: -7, count: 480)
    var output = [UInt8](repeating: 0, count: 2_000)
    let count = try AllocationCounter.count { () throws(AudioEventError) in
      var span = output.mutableSpan
      for length in 1...480 { _ = try encoder.encode(chunk.span.extracting(..<length), into: &span) }
    }
    #expect(count == 0)
    #expect(AllocationCounter.countOnce { AllocationCounter.probe(.malloc) } == 1)
  }
}
