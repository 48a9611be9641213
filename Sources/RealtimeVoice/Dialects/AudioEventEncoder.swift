import AudioDSP

/// Writes the events that carry a client's audio, as one line of JSON each, into caller-owned buffers.
///
/// Does not allocate after `init`.
public struct AudioEventEncoder: Sendable {
  /// What the service speaks.
  public let dialect: Dialect
  /// The rate of the audio.
  public let sampleRate: SampleRate

  /// What stands before and behind the base64 text of an audio event.
  private let prefix: [UInt8]
  private let suffix: [UInt8]

  /// An encoder of audio at `sampleRate`, or at the dialect's own rate.
  public init(_ dialect: Dialect, sampleRate: SampleRate? = nil) {
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
    prefix.count + Base64.encodedCount(forByteCount: sampleCount * MemoryLayout<Int16>.size) + suffix.count
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
    Base64.encode(pcm16: chunk, into: &text)
    return place.upperBound + suffix.count
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
