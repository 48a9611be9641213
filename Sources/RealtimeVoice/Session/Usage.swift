/// What a service says it has counted, for one answer or for many of them: tokens by modality.
///
/// The cached tokens are some of the input's, not others beside them: input costs its full price without them, and they
/// theirs. To take them for others, or to drop the modality, makes bills wrong by factors.
///
/// It is decoded from its own encoding and from what services send, whichever it is:
/// - OpenAI Realtime, both dialects, and services that speak like it: `response.done`'s `response.usage`; the usage of an
///   input transcription that is counted in tokens.
/// - OpenAI chat completions with audio: `usage`.
/// - Gemini Live: `usageMetadata`, which is of a turn, not of the session so far.
///
/// ElevenLabs counts no tokens.
public struct Usage: Sendable, Hashable {
  /// Counts of tokens.
  public struct Tokens: Sendable, Hashable {
    public var text: Int
    public var audio: Int
    /// Pictures, and those of films.
    public var image: Int
    /// Those of which the service did not say what they are.
    public var unsplit: Int

    public init(text: Int = 0, audio: Int = 0, image: Int = 0, unsplit: Int = 0) {
      self.text = text
      self.audio = audio
      self.image = image
      self.unsplit = unsplit
    }

    public static let zero = Tokens()

    public var total: Int { text + audio + image + unsplit }

    public static func + (one: Tokens, other: Tokens) -> Tokens {
      Tokens(
        text: one.text + other.text, audio: one.audio + other.audio, image: one.image + other.image,
        unsplit: one.unsplit + other.unsplit)
    }

    public static func += (one: inout Tokens, other: Tokens) { one = one + other }
  }

  /// All input, cached or not.
  public var input: Tokens
  /// How much of ``input`` came from the service's cache.
  public var cachedInput: Tokens
  public var output: Tokens

  public init(input: Tokens = .zero, cachedInput: Tokens = .zero, output: Tokens = .zero) {
    self.input = input
    self.cachedInput = cachedInput
    self.output = output
  }

  public static let zero = Usage()

  public static func + (one: Usage, other: Usage) -> Usage {
    Usage(
      input: one.input + other.input, cachedInput: one.cachedInput + other.cachedInput,
      output: one.output + other.output)
  }

  public static func += (one: inout Usage, other: Usage) { one = one + other }
}
