import AudioDSP

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What `/v1/chat/completions` answers.
public struct ChatCompletionResponse: Hashable, Sendable {
  /// A spoken answer.
  public struct Audio: Hashable, Sendable {
    /// By which the next request names it.
    public var id: String?
    /// The file, or the bare samples, as the service made it.
    public var bytes: [UInt8]
    /// The samples of one channel, of `wav` and `pcm16`; `nil` of the other formats, which need a decoder.
    public var samples: [Int16]?
    /// The rate of ``samples``.
    public var sampleRate: SampleRate?
    public var transcript: String
    /// Until when the service knows it, in seconds since 1970.
    public var expiresAt: Int?
  }

  public var id: String?
  public var model: String?
  public var text: String?
  public var audio: Audio?
  public var refusal: String?
  public var finishReason: String?
  public var functionCalls: [FunctionCall]
  /// The tokens by modality. Of cached tokens only the sum is told: they count as text, as far as there is so much text.
  public var usage: Usage?

  /// Reads an answer, or a complaint. Allocates.
  ///
  /// - Parameter format: The format that was asked for.
  /// - Throws: ``ChatCompletionError``: `service` for the service's complaints, `malformed` or `badAudio`.
  public static func decode(
    _ body: [UInt8], format: ChatCompletionRequest.OutputFormat = .wav
  ) throws(ChatCompletionError) -> ChatCompletionResponse {
    let wire: Wire
    do {
      wire = try JSONDecoder().decode(Wire.self, from: Data(body))
    } catch {
      throw .malformed(Self.place(of: error))
    }
    if let error = wire.error {
      throw .service(
        ServiceError(type: error.type, code: error.code?.text, message: error.message ?? "", parameter: error.param))
    }
    guard let choice = wire.choices?.first else { throw .malformed("choices is missing or empty") }
    let message = choice.message
    var audio: Audio?
    if let wire = message.audio { audio = try Self.audio(wire, format) }
    return ChatCompletionResponse(
      id: wire.id, model: wire.model, text: message.content,
      audio: audio,
      refusal: message.refusal, finishReason: choice.finish_reason,
      functionCalls: (message.tool_calls ?? []).compactMap { call in
        call.function.map { FunctionCall(callID: call.id, name: $0.name, arguments: $0.arguments) }
      },
      usage: wire.usage.map(Self.usage))
  }

  private static func audio(
    _ audio: Wire.Audio, _ format: ChatCompletionRequest.OutputFormat
  ) throws(ChatCompletionError) -> Audio {
    let bytes: [UInt8]
    do {
      bytes = try Base64.decode(audio.data)
    } catch {
      throw .badAudio("\(error)")
    }
    var result = Audio(id: audio.id, bytes: bytes, transcript: audio.transcript ?? "", expiresAt: audio.expires_at)
    switch format {
    case .wav:
      guard let file = WAVHeader.samples(of: bytes) else { throw .badAudio("it is no WAV of one channel of PCM16") }
      result.samples = file.samples
      result.sampleRate = file.rate
    case .pcm16:
      guard bytes.count.isMultiple(of: 2) else { throw .badAudio("half a sample at its end") }
      result.samples = (0..<bytes.count / 2).map {
        Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8)
      }
      // The only rate of the service's bare samples.
      result.sampleRate = .hz24000
    case .aac, .mp3, .flac, .opus: break
    }
    return result
  }

  private static func usage(_ usage: Wire.Usage) -> Usage {
    func tokens(_ total: Int?, audio: Int?) -> Usage.Tokens {
      let audio = max(0, audio ?? 0)
      let (text, isOverflow) = (total ?? 0).subtractingReportingOverflow(audio)
      return Usage.Tokens(text: isOverflow ? 0 : max(0, text), audio: audio)
    }
    let input = tokens(usage.prompt_tokens, audio: usage.prompt_tokens_details?.audio_tokens)
    let cached = max(0, usage.prompt_tokens_details?.cached_tokens ?? 0)
    let cachedText = min(cached, input.text)
    return Usage(
      input: input,
      cachedInput: Usage.Tokens(text: cachedText, audio: min(cached - cachedText, input.audio)),
      output: tokens(usage.completion_tokens, audio: usage.completion_tokens_details?.audio_tokens))
  }

  private static func place(of error: any Error) -> String {
    func path(_ keys: [any CodingKey]) -> String {
      keys.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context) where !context.codingPath.isEmpty,
      .valueNotFound(_, let context) where !context.codingPath.isEmpty:
      return "\(path(context.codingPath)) is of a wrong type"
    case .typeMismatch, .valueNotFound: return "no JSON object"
    default: return "not JSON"
    }
  }

  /// The fields as the service names them.
  private struct Wire: Decodable {
    struct Audio: Decodable {
      var id: String?
      var data: String
      var transcript: String?
      var expires_at: Int?
    }
    struct Function: Decodable {
      var name: String
      var arguments: String
    }
    struct Call: Decodable {
      var id: String
      var function: Function?
    }
    struct Message: Decodable {
      var content: String?
      var refusal: String?
      var audio: Audio?
      var tool_calls: [Call]?
    }
    struct Choice: Decodable {
      var message: Message
      var finish_reason: String?
    }
    struct Details: Decodable {
      var audio_tokens: Int?
      var cached_tokens: Int?
    }
    struct Usage: Decodable {
      var prompt_tokens: Int?
      var completion_tokens: Int?
      var prompt_tokens_details: Details?
      var completion_tokens_details: Details?
    }
    /// A word; some proxies give a number.
    struct Code: Decodable {
      var text: String
      init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Int.self) { text = "\(number)" } else { text = try value.decode(String.self) }
      }
    }
    struct Failure: Decodable {
      var type: String?
      var code: Code?
      var message: String?
      var param: String?
    }
    var id: String?
    var model: String?
    var choices: [Choice]?
    var usage: Usage?
    var error: Failure?
  }
}
