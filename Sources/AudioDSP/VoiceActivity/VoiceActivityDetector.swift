/// Says of every 10 ms frame of a stream how surely it is speech.
///
/// A detector is causal but for ``lookAheadInSamples``, its state is bounded, and however the stream is cut into calls,
/// its scores are the same, bit for bit. ``Segmenter`` makes speech segments of the scores; a service's own detector or
/// an outside model can stand in.
public protocol VoiceActivityDetector: ~Copyable {
  /// Where the frames lie, and the rate of the samples.
  var grid: FrameGrid { get }

  /// How many samples behind the end of a frame must have come before the frame is scored.
  var lookAheadInSamples: Int { get }

  /// How many frames ``process(_:into:)`` scores with `inputCount` more samples.
  func frameCapacity(forInputCount inputCount: Int) -> Int

  /// Takes all of `samples`, of one channel, and writes the scores of the frames that they complete to the start of
  /// `scores`. Does not allocate.
  ///
  /// - Returns: How many frames were scored.
  /// - Precondition: `scores` has room for ``frameCapacity(forInputCount:)`` frames.
  mutating func process(_ samples: Span<Float>, into scores: inout MutableSpan<FrameScore>) -> Int

  /// The most frames that ``finish(into:)`` scores.
  var finalFrameCapacity: Int { get }

  /// Scores what is left, a last shorter frame included, and starts a new stream.
  ///
  /// - Returns: How many frames were scored.
  /// - Precondition: `scores` has room for ``finalFrameCapacity`` frames.
  mutating func finish(into scores: inout MutableSpan<FrameScore>) -> Int

  /// Makes the detector as it was after `init`.
  mutating func reset()
}

/// A detector's word on one frame.
public struct FrameScore: Hashable, Sendable {
  /// How surely the frame is speech, 0...1.
  public var score: Float
  /// What was measured of the frame.
  public var features: FrameFeatures

  /// A score from 0 to 1. Features matter to a ``Segmenter`` only where it must cut a segment that grew too long.
  public init(_ score: Float, features: FrameFeatures = FrameFeatures()) {
    self.score = score
    self.features = features
  }
}
