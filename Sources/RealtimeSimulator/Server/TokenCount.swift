/// Tokens by the rules that OpenAI gives: 10 a second of the user's audio, 20 a second of the model's. Of text it is a
/// guess that holds for English prose: four bytes each.
struct TokenCount: Equatable {
  var text = 0
  var audio = 0

  var sum: Int { text + audio }

  static func + (one: Self, other: Self) -> Self {
    TokenCount(text: one.text + other.text, audio: one.audio + other.audio)
  }

  static func of(text: String) -> Int { (text.utf8.count + 3) / 4 }

  /// One for every 100 ms begun.
  static func of(userAudioMilliseconds milliseconds: Double) -> Int { Int((milliseconds / 100).rounded(.up)) }

  /// One for every 50 ms begun.
  static func of(modelAudioMilliseconds milliseconds: Double) -> Int { Int((milliseconds / 50).rounded(.up)) }
}
