import AudioDSP

/// Writes the events that carry a client's audio, as one line of JSON each, into caller-owned buffers.
///
/// Does not allocate after `init`.
public struct AudioEventEncoder: Sendable {
  /// What the service speaks.
  public let dialect: Dialect
  /// The rate of the audio.
  public let sampleRate: SampleRate
  /// How the samples are stored in an event.
  public let encoding: AudioEvent.Encoding

  /// What stands before and behind the base64 text of an audio event.
  private let prefix: [UInt8]
  private let suffix: [UInt8]

  /// An encoder of audio at `sampleRate`, or at the dialect's own rate.
  ///
  /// - Precondition: `encoding` is `pcm16` with ``Dialect/gemini``, which takes nothing else. With the other services it is
  ///   what the session has agreed upon.
  public init(_ dialect: Dialect, sampleRate: SampleRate? = nil, encoding: AudioEvent.Encoding = .pcm16) {
    precondition(dialect != .gemini || encoding == .pcm16, "Gemini takes 16-bit PCM only")
    let sampleRate = sampleRate ?? dialect.defaultRate
    let (prefix, suffix) =
      switch dialect {
      case .openAI, .openAIBeta: (#"{"type":"input_audio_buffer.append","audio":""#, #""}"#)
      case .gemini:
        (#"{"realtimeInput":{"audio":{"data":""#, #"","mimeType":"audio/pcm;rate=\#(sampleRate.hertz)"}}}"#)
      case .elevenLabs: (#"{"user_audio_chunk":""#, #""}"#)
      case .pcm: ("", "")
      }
    self.dialect = dialect
    self.sampleRate = sampleRate
    self.encoding = encoding
    self.prefix = Array(prefix.utf8)
    self.suffix = Array(suffix.utf8)
  }

  /// The event that tells the service that a turn starts, before its first audio; `nil` where there is none.
  public var turnStart: String? {
    switch dialect {
    case .gemini: #"{"realtimeInput":{"activityStart":{}}}"#
    case .openAI, .openAIBeta, .elevenLabs, .pcm: nil
    }
  }

  /// The event that tells the service that a turn has ended, behind its last audio; `nil` where there is none.
  ///
  /// OpenAI's does not ask for a response; `response.create` does.
  public var turnEnd: String? {
    switch dialect {
    case .openAI, .openAIBeta: #"{"type":"input_audio_buffer.commit"}"#
    case .gemini: #"{"realtimeInput":{"activityEnd":{}}}"#
    case .elevenLabs, .pcm: nil
    }
  }

  /// How many bytes the event for `sampleCount` samples has.
  public func encodedCount(forSampleCount sampleCount: Int) -> Int {
    prefix.count + Base64.encodedCount(forByteCount: sampleCount * encoding.sampleSize) + suffix.count
  }

  /// Writes the event for `chunk` to the start of `output`, without a line's end.
  ///
  /// - Returns: How many bytes were written.
  /// - Throws: ``AudioEventError``, having written nothing.
  public func encode(
    _ chunk: Span<Int16>, into output: inout MutableSpan<UInt8>
  ) throws(AudioEventError) -> Int {
    let place = try writeFrame(forSampleCount: chunk.count, into: &output)
    var text = output._mutatingExtracting(place)
    switch encoding {
    case .pcm16: Base64.encode(pcm16: chunk, into: &text)
    case .muLaw: Self.encode(chunk, .muLaw, into: &text)
    case .aLaw: Self.encode(chunk, .aLaw, into: &text)
    }
    return place.upperBound + suffix.count
  }

  /// The samples of one step through ``encode(_:_:into:)``: whole groups of base64, which need no padding between them.
  private static var stepCount: Int { 768 }

  private static func encode(_ chunk: Span<Int16>, _ law: G711, into text: inout MutableSpan<UInt8>) {
    var codes = InlineArray<768, UInt8>(repeating: 0)
    var start = 0
    while start < chunk.count {
      let end = min(start + stepCount, chunk.count)
      var places = codes.mutableSpan
      law.encode(chunk.extracting(start..<end), into: &places)
      var part = text._mutatingExtracting(start / 3 * 4..<Base64.encodedCount(forByteCount: end))
      do throws(Base64Error) {
        // Bytes have no padding between them, and every value of one is a byte.
        _ = try unsafe Base64.encode(codes.span.bytes.extracting(..<(end - start)), into: &part)
      } catch {
        preconditionFailure("\(error)")
      }
      start = end
    }
  }

  /// Writes what stands around the base64 text of an event for `sampleCount` samples.
  ///
  /// - Returns: Where in `output` the text belongs.
  /// - Throws: ``AudioEventError``, having written nothing.
  package func writeFrame(
    forSampleCount sampleCount: Int, into output: inout MutableSpan<UInt8>
  ) throws(AudioEventError) -> Range<Int> {
    guard sampleCount > 0 else { throw .emptyAudio }
    let required = encodedCount(forSampleCount: sampleCount)
    guard output.count >= required else { throw .outputTooSmall(required: required, capacity: output.count) }
    for i in prefix.indices { output[i] = prefix[i] }
    for i in suffix.indices { output[required - suffix.count + i] = suffix[i] }
    return prefix.count..<required - suffix.count
  }
}

/// Why an event was not written.
public enum AudioEventError: Error, Equatable, CustomStringConvertible {
  /// There is no audio; services answer an empty event with an error.
  case emptyAudio
  /// The output has room for `capacity` bytes where `required` are due.
  case outputTooSmall(required: Int, capacity: Int)

  public var description: String {
    switch self {
    case .emptyAudio: "an event needs audio"
    case .outputTooSmall(let required, let capacity):
      "the output has room for \(capacity) bytes where \(required) are due"
    }
  }
}
