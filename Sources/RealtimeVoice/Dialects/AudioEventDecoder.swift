import AudioDSP

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Reads the audio out of the events that a client and a service exchange: one line of a log at a time.
///
/// It knows, with Gemini's names in camel case and in snake case:
///
/// | dialect | sent | received |
/// | --- | --- | --- |
/// | OpenAI | `input_audio_buffer.append` | `response.output_audio.delta`, in beta `response.audio.delta` |
/// | Gemini | `realtimeInput.audio`, `.mediaChunks` | `serverContent.modelTurn.parts[].inlineData` |
/// | ElevenLabs | `user_audio_chunk` | `audio` |
/// | pcm | a line of base64 | |
///
/// and the formats that `session.update`, `session.created`, `session.updated` (OpenAI) and
/// `conversation_initiation_metadata` (ElevenLabs) announce. All other events carry no audio, whatever they hold.
/// The shapes were read from the vendors' own SDK packages of November 2026 (PyPI `openai` 3.54.0, `google-genai` 3.4.0,
/// `elevenlabs` 2.78.0).
///
/// An event may stand inside of another object under `event`, `message` or `data`, as an object or as text, as programs
/// that keep logs write it.
///
/// Allocates in proportion to the line.
public struct AudioEventDecoder: Sendable {
  /// The longest line that is looked at, in bytes. The most that a service takes is OpenAI's 15 MiB.
  public static let maximumByteCount = 64 << 20
  /// How many objects may stand around an event.
  private static let wrapperLimit = 4

  /// The dialects whose events are looked for; those of others carry no audio.
  public let dialects: Set<Dialect>

  /// A decoder of these dialects' events. Lines of bare base64 are taken where there is ``Dialect/pcm``.
  public init(_ dialects: Set<Dialect> = Set(Dialect.allCases)) {
    self.dialects = dialects
  }

  /// What the event in `line` says of audio; `nil` when it says nothing, as for a line of blanks.
  ///
  /// - Parameter line: A line, with or without its end.
  /// - Throws: ``AudioEventDecodingError`` for what is no event, or an event of these dialects with audio that is wrong.
  public func decode(_ line: Span<UInt8>) throws(AudioEventDecodingError) -> AudioEvent? {
    guard line.count <= Self.maximumByteCount else { throw .tooLong }
    let place = Self.withoutBlanks(line)
    guard !place.isEmpty else { return nil }
    let text = line.extracting(place)
    if text[0] == UInt8(ascii: "{") { return try decodeJSON(text, depth: 0) }
    guard dialects.contains(.pcm) else { throw .notJSON }
    do throws(AudioEventDecodingError) {
      return try Self.bareBase64(text, field: "")
    } catch {
      if dialects.count == 1 { throw error }
      guard case .badBase64(_, let error) = error else { throw error }
      switch error {
      case .invalidCharacter(let offset), .truncated(let offset): throw .neitherJSONNorBase64(offset: offset)
      case .outputTooSmall: preconditionFailure("\(error)")
      }
    }
  }

  /// Where a line's text stands: without a mark of byte order, and blanks and line ends around it.
  private static func withoutBlanks(_ line: Span<UInt8>) -> Range<Int> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var (start, end) = (0, line.count)
    if end >= 3, line[0] == 0xEF, line[1] == 0xBB, line[2] == 0xBF { start = 3 }
    while start < end, isBlank(line[start]) { start += 1 }
    while start < end, isBlank(line[end - 1]) { end -= 1 }
    return start..<end
  }

  private static func bareBase64(
    _ text: Span<UInt8>, field: String
  ) throws(AudioEventDecodingError) -> AudioEvent? {
    let bytes = try WireEvent.bytes(text, field: field)
    return AudioEvent(dialect: .pcm, payloads: [AudioEvent.Payload(side: .sent, bytes: bytes)])
  }

  private func decodeJSON(_ text: Span<UInt8>, depth: Int) throws(AudioEventDecodingError) -> AudioEvent? {
    // Two bytes of UTF-16 or four of UTF-32 would be taken for a character; a line of text holds none of these.
    for i in 0..<min(4, text.count) where text[i] == 0 { throw .notJSON }
    let data = unsafe text.withUnsafeBufferPointer { unsafe Data($0) }
    let event: WireEvent
    do {
      event = try JSONDecoder().decode(WireEvent.self, from: data)
    } catch let error as AudioEventDecodingError {
      throw error
    } catch {
      // Fields of wrong types have been told apart: what is left is the parser's own verdict.
      throw .notJSON
    }
    switch event {
    case .audio(let content): return dialects.contains(content.dialect) ? content : nil
    case .other: return nil
    case .wrapped(let inner, let field):
      guard depth < Self.wrapperLimit else { return nil }
      let bytes = Array(inner.utf8)
      let text = bytes.span
      let place = Self.withoutBlanks(text)
      guard !place.isEmpty else { return nil }
      if text[place.lowerBound] == UInt8(ascii: "{") {
        return try decodeJSON(text.extracting(place), depth: depth + 1)
      }
      // A message for people is no event.
      return dialects == [.pcm] ? try Self.bareBase64(text.extracting(place), field: field) : nil
    }
  }
}
