/// What a service counted, in tokens by modality.
///
/// Cached tokens are a part of the input tokens, not beside them.
public struct Usage: Hashable, Sendable, Codable {
  /// Tokens of each kind.
  public struct Tokens: Hashable, Sendable, Codable {
    public var text: Int
    public var audio: Int
    public var image: Int

    public init(text: Int = 0, audio: Int = 0, image: Int = 0) {
      self.text = text
      self.audio = audio
      self.image = image
    }

    public var total: Int { text + audio + image }

    public static func + (a: Tokens, b: Tokens) -> Tokens {
      Tokens(text: a.text + b.text, audio: a.audio + b.audio, image: a.image + b.image)
    }
  }

  /// What the model was given, the cached part included.
  public var input: Tokens
  /// The part of ``input`` that the service had seen before.
  public var cached: Tokens
  /// What the model made.
  public var output: Tokens

  public init(input: Tokens = Tokens(), cached: Tokens = Tokens(), output: Tokens = Tokens()) {
    self.input = input
    self.cached = cached
    self.output = output
  }

  public static func + (a: Usage, b: Usage) -> Usage {
    Usage(input: a.input + b.input, cached: a.cached + b.cached, output: a.output + b.output)
  }

  public static func += (a: inout Usage, b: Usage) { a = a + b }
}
