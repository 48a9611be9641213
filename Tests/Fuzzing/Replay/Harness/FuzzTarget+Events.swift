import AudioDSP
import RealtimeVoice

extension FuzzTarget {
  /// A line is refused in one line, or read as the same event whatever blanks stand around it; what the encoder writes is
  /// read back, also inside of the objects that logs put around it.
  static func checkEvents(_ input: [UInt8]) throws {
    var input = FuzzInput(input)
    let mode = input.byte()
    let rest = Array(input.rest)
    try checkLine(rest, alone: Dialect.allCases[mode % Dialect.allCases.count])
    if mode > 0 { try checkEncoded(rest, Dialect.allCases[mode % Dialect.allCases.count], seed: mode) }
  }

  private static func checkLine(_ line: [UInt8], alone dialect: Dialect) throws {
    let all = try event(line, AudioEventDecoder())
    let isMarked = line.starts(with: [0xEF, 0xBB, 0xBF])
    let padded = (isMarked ? [] : Array("\t ".utf8)) + line + Array(" \r\n".utf8)
    try require(event(padded, AudioEventDecoder()) == all, "blanks change an event: \(line)")
    let one = try event(line, AudioEventDecoder([dialect]))
    // A text that other dialects have for a message is base64 where nothing else is looked for.
    if dialect != .pcm, case .success(let found?) = all, found.dialect != .pcm {
      try require(one == .success(found.dialect == dialect ? found : nil), "\(one) with \(dialect) alone, not \(all)")
    }
    guard case .success(let event?) = all else { return }
    var decoder = PayloadDecoder()
    for payload in event.payloads {
      try require(!payload.bytes.isEmpty, "a payload without bytes")
      for encoding in AudioEvent.Encoding.allCases {
        let samples = decoder.decode(payload, as: encoding)
        let most = (payload.bytes.count + 1) / encoding.sampleSize
        try require(samples.count <= most, "\(samples.count) samples of \(payload.bytes.count) bytes")
      }
    }
    try require(decoder.halfSampleCount <= event.payloads.count, "\(decoder.halfSampleCount) half samples")
  }

  private static func event(
    _ line: [UInt8], _ decoder: AudioEventDecoder
  ) throws -> Result<AudioEvent?, AudioEventDecodingError> {
    do throws(AudioEventDecodingError) {
      let event = try decoder.decode(line.span)
      if let event { precondition(decoder.dialects.contains(event.dialect), "a dialect that was not asked for") }
      return .success(event)
    } catch {
      try requireOneLine(error)
      return .failure(error)
    }
  }

  private static func checkEncoded(_ bytes: [UInt8], _ dialect: Dialect, seed: Int) throws {
    let samples = (0..<min(1_024, bytes.count / 2)).map { i in
      Int16(bitPattern: UInt16(bytes[2 * i]) | UInt16(bytes[2 * i + 1]) << 8)
    }
    guard !samples.isEmpty else { return }
    let rate = try SampleRate(8_000 + 125 * seed)
    let encoder = AudioEventEncoder(dialect, sampleRate: rate)
    var line = [UInt8](repeating: 0, count: encoder.encodedCount(forSampleCount: samples.count))
    var output = line.mutableSpan
    let count = try encoder.encode(samples.span, into: &output)
    try require(count == line.count, "\(count) bytes written, \(line.count) promised")

    let expected = AudioEvent(
      dialect: dialect == .openAIBeta ? .openAI : dialect,
      payloads: [
        AudioEvent.Payload(
          side: .sent, bytes: samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] },
          format: dialect == .gemini
            ? AudioEvent.Format(encoding: .pcm16, sampleRate: rate) : AudioEvent.Format())
      ])
    try require(event(line, AudioEventDecoder()) == .success(expected), "\(dialect) is not read back")
    if dialect != .pcm {
      let object = Array(#"{"time":1.5,"event":"#.utf8) + line + Array("}".utf8)
      try require(event(object, AudioEventDecoder()) == .success(expected), "\(dialect) inside of an object")
      let quoted = line.flatMap { $0 == UInt8(ascii: "\"") ? [UInt8(ascii: "\\"), $0] : [$0] }
      let text = Array(#"{"data":""#.utf8) + quoted + Array(#""}"#.utf8)
      try require(event(text, AudioEventDecoder()) == .success(expected), "\(dialect) as the text of an object")
    }
    // Two payloads of one item, cut anywhere, are the samples of one.
    let payload = expected.payloads[0]
    let place = seed * payload.bytes.count / 256
    var decoder = PayloadDecoder()
    var decoded: [Int16] = []
    for part in [payload.bytes[..<place], payload.bytes[place...]] where !part.isEmpty {
      decoded += decoder.decode(AudioEvent.Payload(side: .sent, bytes: Array(part)), as: .pcm16)
    }
    try require(decoded == samples && decoder.halfSampleCount == 0, "\(dialect), cut at byte \(place)")
  }
}
