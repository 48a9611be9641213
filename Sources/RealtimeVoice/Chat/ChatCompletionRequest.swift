import AudioDSP

/// A question to OpenAI's `/v1/chat/completions` with a recording in it.
public struct ChatCompletionRequest: Hashable, Sendable {
  /// The most bytes of a body that are made: 64 MiB, a quarter of an hour of PCM16 at 24 kHz in base64.
  public static let maximumByteCount = 64 << 20

  /// What the service can make of its voice.
  public enum OutputFormat: String, Hashable, Sendable, CaseIterable {
    case wav, aac, mp3, flac, opus, pcm16
  }

  /// What the service takes of recordings.
  public enum InputFormat: String, Hashable, Sendable, CaseIterable {
    case wav, mp3
  }

  /// A part of what a user says.
  public enum Content: Hashable, Sendable {
    case text(String)
    /// One channel of samples, which is sent as WAV.
    case samples([Int16], rate: SampleRate)
    /// A file as it is.
    case file([UInt8], format: InputFormat)
  }

  public enum Message: Hashable, Sendable {
    case system(String)
    case user([Content])
    case assistant(String)
    /// A spoken answer that the service still knows, by ``ChatCompletionResponse/Audio/id``.
    case assistantAudio(id: String)
  }

  public var model: String
  public var messages: [Message]
  /// The voice of the answer; `nil` asks for text only.
  public var voice: String?
  public var outputFormat: OutputFormat
  public var tools: [ToolDescription]
  public var temperature: Double?
  public var maximumOutputTokens: Int?

  public init(
    model: String, messages: [Message], voice: String? = nil, outputFormat: OutputFormat = .wav,
    tools: [ToolDescription] = [], temperature: Double? = nil, maximumOutputTokens: Int? = nil
  ) {
    self.model = model
    self.messages = messages
    self.voice = voice
    self.outputFormat = outputFormat
    self.tools = tools
    self.temperature = temperature
    self.maximumOutputTokens = maximumOutputTokens
  }

  /// The body of the request: JSON in UTF-8, without blanks. Allocates.
  ///
  /// - Throws: ``ChatCompletionError``: `noMessages`, `emptyAudio` or `tooLong`.
  public func body() throws(ChatCompletionError) -> [UInt8] {
    guard !messages.isEmpty else { throw .noMessages }
    // Before anything long is made of it.
    try Self.check(byteCount: leastByteCount)
    var text = #"{"model":\#(JSONValue.quoted(model)),"modalities":"#
    if let voice {
      text += #"["text","audio"],"audio":{"voice":\#(JSONValue.quoted(voice)),"format":"\#(outputFormat.rawValue)"}"#
    } else {
      text += #"["text"]"#
    }
    text += #","messages":["#
    for (i, message) in messages.enumerated() {
      if i > 0 { text += "," }
      text += try Self.json(message)
    }
    text += "]"
    if !tools.isEmpty {
      let parts = tools.map { tool in
        let words = #""name":\#(JSONValue.quoted(tool.name)),"description":\#(JSONValue.quoted(tool.description))"#
        return #"{"type":"function","function":{\#(words),"parameters":\#(tool.parameters)}}"#
      }
      text += #","tools":[\#(parts.joined(separator: ","))]"#
    }
    if let temperature { text += #","temperature":\#(temperature)"# }
    if let maximumOutputTokens { text += #","max_completion_tokens":\#(maximumOutputTokens)"# }
    text += "}"
    try Self.check(byteCount: text.utf8.count)
    return Array(text.utf8)
  }

  /// What the recordings alone come to.
  private var leastByteCount: Int {
    var count = 0
    for case .user(let contents) in messages {
      for content in contents {
        switch content {
        case .text(let text): count += text.utf8.count
        case .samples(let samples, _):
          count += Base64.encodedCount(forByteCount: WAVHeader.byteCount + 2 * samples.count)
        case .file(let bytes, _): count += Base64.encodedCount(forByteCount: bytes.count)
        }
      }
    }
    return count
  }

  private static func check(byteCount: Int) throws(ChatCompletionError) {
    guard byteCount <= maximumByteCount else { throw .tooLong(byteCount: byteCount) }
  }

  private static func json(_ message: Message) throws(ChatCompletionError) -> String {
    switch message {
    case .system(let text): return #"{"role":"system","content":\#(JSONValue.quoted(text))}"#
    case .assistant(let text): return #"{"role":"assistant","content":\#(JSONValue.quoted(text))}"#
    case .assistantAudio(let id): return #"{"role":"assistant","audio":{"id":\#(JSONValue.quoted(id))}}"#
    case .user(let contents):
      var parts: [String] = []
      for content in contents { parts.append(try json(content)) }
      return #"{"role":"user","content":[\#(parts.joined(separator: ","))]}"#
    }
  }

  private static func json(_ content: Content) throws(ChatCompletionError) -> String {
    switch content {
    case .text(let text): return #"{"type":"text","text":\#(JSONValue.quoted(text))}"#
    case .samples(let samples, let rate):
      guard !samples.isEmpty else { throw .emptyAudio }
      var bytes = WAVHeader.bytes(sampleCount: samples.count, rate: rate)
      bytes.reserveCapacity(bytes.count + 2 * samples.count)
      for sample in samples {
        bytes.append(UInt8(truncatingIfNeeded: sample))
        bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
      }
      return json(bytes, .wav)
    case .file(let bytes, let format):
      guard !bytes.isEmpty else { throw .emptyAudio }
      return json(bytes, format)
    }
  }

  private static func json(_ bytes: [UInt8], _ format: InputFormat) -> String {
    #"{"type":"input_audio","input_audio":{"data":"\#(Base64.encode(bytes))","format":"\#(format.rawValue)"}}"#
  }
}
