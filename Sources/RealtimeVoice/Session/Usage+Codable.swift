extension Usage: Codable {
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: UsageKey.self)
    try fields.encode(input, forKey: "input")
    try fields.encode(cachedInput, forKey: "cached_input")
    try fields.encode(output, forKey: "output")
  }

  /// - Throws: `DecodingError` where no count that is known is there, and for one that is negative, no whole number, or
  ///   above ``largestCount``.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: UsageKey.self)
    if fields.contains("input") || fields.contains("output") {
      input = try fields.decodeIfPresent(Tokens.self, forKey: "input") ?? .zero
      cachedInput = try fields.decodeIfPresent(Tokens.self, forKey: "cached_input") ?? .zero
      output = try fields.decodeIfPresent(Tokens.self, forKey: "output") ?? .zero
    } else if ["input_tokens", "output_tokens", "input_token_details"].contains(where: { fields.contains($0) }) {
      (input, cachedInput) = try Self.input(
        fields, "input_tokens", details: ["input_token_details", "input_tokens_details"])
      output = try Self.output(fields, "output_tokens", details: ["output_token_details", "output_tokens_details"])
    } else if ["prompt_tokens", "completion_tokens"].contains(where: { fields.contains($0) }) {
      (input, cachedInput) = try Self.input(
        fields, "prompt_tokens", details: ["prompt_tokens_details"], restIsText: true)
      output = try Self.output(fields, "completion_tokens", details: ["completion_tokens_details"], restIsText: true)
    } else if ["promptTokenCount", "responseTokenCount", "totalTokenCount"].contains(where: { fields.contains($0) }) {
      self = try Self.gemini(fields)
    } else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no count of tokens that is known"))
    }
  }

  /// What a count may be at most: sums of many stay far from overflow.
  public static let largestCount = 1_000_000_000_000

  // MARK: OpenAI

  private static func input(
    _ fields: KeyedDecodingContainer<UsageKey>, _ total: UsageKey, details names: [UsageKey], restIsText: Bool = false
  ) throws -> (Tokens, cached: Tokens) {
    let details = try fields.object(names)
    let split = try details?.modalities() ?? .zero
    let cachedTotal = try details?.count("cached_tokens") ?? fields.count("cached_tokens")
    let cached = try details?.object(["cached_tokens_details"])?.modalities() ?? .zero
    return (
      split.filled(to: try fields.count(total), restIsText: restIsText && details != nil),
      cached.filled(to: cachedTotal, restIsText: false)
    )
  }

  private static func output(
    _ fields: KeyedDecodingContainer<UsageKey>, _ total: UsageKey, details names: [UsageKey], restIsText: Bool = false
  ) throws -> Tokens {
    let details = try fields.object(names)
    var split = try details?.modalities() ?? .zero
    let count = try fields.count(total)
    // Reasoning is text, and may or may not be counted as such.
    if let count, let reasoning = try details?.count("reasoning_tokens") {
      split.text += min(reasoning, max(0, count - split.total))
    }
    return split.filled(to: count, restIsText: restIsText && details != nil)
  }

  // MARK: Gemini

  private static func gemini(_ fields: KeyedDecodingContainer<UsageKey>) throws -> Usage {
    var usage = Usage()
    usage.input = try fields.modalityList("promptTokensDetails").filled(to: fields.count("promptTokenCount"))
    usage.input += try fields.modalityList("toolUsePromptTokensDetails").filled(
      to: fields.count("toolUsePromptTokenCount"))
    usage.cachedInput = try fields.modalityList("cacheTokensDetails").filled(
      to: fields.count("cachedContentTokenCount"))
    // The Live API has "response", others of Gemini's "candidates".
    let response: (UsageKey, UsageKey) =
      fields.contains("responseTokenCount") || fields.contains("responseTokensDetails")
      ? ("responseTokensDetails", "responseTokenCount") : ("candidatesTokensDetails", "candidatesTokenCount")
    usage.output = try fields.modalityList(response.0).filled(to: fields.count(response.1))
    usage.output.text += try fields.count("thoughtsTokenCount") ?? 0
    return usage
  }
}

extension Usage.Tokens: Codable {
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: UsageKey.self)
    try fields.encode(text, forKey: "text")
    try fields.encode(audio, forKey: "audio")
    try fields.encode(image, forKey: "image")
    try fields.encode(unsplit, forKey: "unsplit")
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: UsageKey.self)
    self.init(
      text: try fields.count("text") ?? 0, audio: try fields.count("audio") ?? 0, image: try fields.count("image") ?? 0,
      unsplit: try fields.count("unsplit") ?? 0)
  }

  /// With what a total has beyond the parts.
  fileprivate func filled(to total: Int?, restIsText: Bool = false) -> Self {
    var tokens = self
    let rest = max(0, (total ?? 0) - self.total)
    if restIsText { tokens.text += rest } else { tokens.unsplit += rest }
    return tokens
  }
}

private struct UsageKey: CodingKey, ExpressibleByStringLiteral {
  var stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral: String) { stringValue = stringLiteral }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<UsageKey> {
  /// A count of tokens; nil where there is none, or null.
  fileprivate func count(_ key: UsageKey) throws -> Int? {
    guard let count = try decodeIfPresent(Int.self, forKey: key) else { return nil }
    guard (0...Usage.largestCount).contains(count) else {
      throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "\(count) is no count of tokens")
    }
    return count
  }

  /// The first of the objects that is there.
  fileprivate func object(_ keys: [UsageKey]) throws -> Self? {
    for key in keys where contains(key) {
      if try decodeNil(forKey: key) { continue }
      return try nestedContainer(keyedBy: UsageKey.self, forKey: key)
    }
    return nil
  }

  /// OpenAI's parts of a count.
  fileprivate func modalities() throws -> Usage.Tokens {
    Usage.Tokens(
      text: try count("text_tokens") ?? 0, audio: try count("audio_tokens") ?? 0, image: try count("image_tokens") ?? 0)
  }

  /// Gemini's: `[{"modality": "AUDIO", "tokenCount": 25}]`.
  fileprivate func modalityList(_ key: UsageKey) throws -> Usage.Tokens {
    var tokens = Usage.Tokens()
    guard contains(key), try !decodeNil(forKey: key) else { return tokens }
    var list = try nestedUnkeyedContainer(forKey: key)
    while !list.isAtEnd {
      let entry = try list.nestedContainer(keyedBy: UsageKey.self)
      // protoJSON leaves out what is 0.
      let count = try entry.count("tokenCount") ?? 0
      switch try entry.decodeIfPresent(String.self, forKey: "modality") {
      case "TEXT", "DOCUMENT": tokens.text += count
      case "AUDIO": tokens.audio += count
      case "IMAGE", "VIDEO": tokens.image += count
      default: tokens.unsplit += count
      }
    }
    return tokens
  }
}
