import AudioTestSupport

/// Speech of the test recordings, at 16 kHz.
enum Recordings {
  static let rate = 16_000
  static let clean: (samples: [Float], speech: [TestRecording.Segment]) = read()

  private static func read() -> ([Float], [TestRecording.Segment]) {
    guard let recording = try? TestRecording.named("clean-mono-16k.wav"), let samples = try? recording.waveSamples()
    else { preconditionFailure("no recording") }
    return (samples, recording.speech)
  }

  /// White noise whose level is `decibels` over full scale.
  static func noise(_ count: Int, decibels: Double, _ random: inout SeededGenerator) -> [Float] {
    // The root mean square of an even distribution over -a...a is a / sqrt 3.
    let most = Float(1.732 * exponential(decibels / 20))
    return (0..<count).map { _ in Float.random(in: -most...most, using: &random) }
  }

  private static func exponential(_ tenths: Double) -> Double {
    var value = 1.0
    for _ in 0..<1_000 { value *= 1 + 2.302_585_093 * tenths / 1_000 }
    return value
  }
}
