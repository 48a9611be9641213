import Foundation

/// What the simulator can honestly say about what it got: it knows no words.
struct Hearing: Equatable {
  /// Seconds.
  var speech: Double
  var audio: Double

  init(_ audio: [UInt8], _ format: WireFormat) {
    speech = SpeechDetector.speechDuration(in: audio, format)
    self.audio = format.milliseconds(ofBytes: audio.count) / 1000
  }

  /// In place of the user's words.
  var transcript: String {
    speech > 0 ? String(format: "(%.2f s of speech)", speech) : String(format: "(%.2f s without speech)", audio)
  }

  /// What the model says to it.
  var answer: String {
    speech > 0
      ? String(format: "I heard %.2f seconds of speech.", speech)
      : String(format: "I heard no speech in %.2f seconds of audio.", audio)
  }

  /// What the model says to something written.
  static func answer(to text: String) -> String { "I read \(text.count) characters." }

  /// What the model says when a tool has given its result.
  static func answer(toOutput output: String, of tool: String) -> String { "The tool \(tool) says: \(output)" }

  /// A text in the pieces that a model would say it in: words with the space before them.
  static func pieces(_ text: String) -> [String] {
    var pieces: [String] = []
    for character in text {
      if character == " " || pieces.isEmpty {
        pieces.append(String(character))
      } else {
        pieces[pieces.count - 1].append(character)
      }
    }
    return pieces
  }
}
