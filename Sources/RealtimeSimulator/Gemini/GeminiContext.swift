/// What of a conversation a new connection takes up again.
struct GeminiContext: Sendable {
  /// Tokens of all turns so far, which are input again at every one.
  var audioTokens = 0
  var textTokens = 0

  /// 25 tokens a second, in and out.
  static func tokens(milliseconds: Double) -> Int { Int((milliseconds / 40).rounded(.up)) }
}
