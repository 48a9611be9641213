import AudioDSP

/// What a picture shows of a recording: waveform and score, collected while it goes by, in bounded memory.
struct SpeechPlot: Sendable {
  /// One to two columns for each unit of the picture's width.
  private static let columnCapacity = 2_400

  let grid: FrameGrid
  private(set) var waveform = EnvelopeReducer(capacity: columnCapacity)
  private(set) var scores = EnvelopeReducer(capacity: columnCapacity)

  init(_ grid: FrameGrid) {
    self.grid = grid
  }

  /// Takes the next samples of the channel in which speech is looked for.
  mutating func add(_ samples: Span<Float>) { waveform.add(samples) }

  /// Takes the next frame's score.
  mutating func add(_ score: Float) {
    // What is no number counts as no speech, as it does in a segmenter.
    scores.add(score >= 0 ? min(score, 1) : 0)
  }

  /// In samples.
  var sampleCount: Int { waveform.count }

  /// The greatest magnitude.
  var peak: Float { waveform.columns.reduce(0) { max($0, -$1.minimum, $1.maximum) } }
}
