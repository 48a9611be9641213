/// Makes speech segments of a stream of frame scores.
///
/// A state machine over one frame at a time:
///
/// - **quiet**: no speech. A score of at least `enterThreshold` starts a run.
/// - **starting**: a run that is not confirmed. It lasts while scores stay at or above `exitThreshold`; when it has
///   lasted for `minimumSpeech` it becomes a segment, and when a score falls below before that it was a **misfire**.
/// - **speaking**: inside of a segment.
/// - **stopping**: a score fell below `exitThreshold`. When no score reaches it for `hangover`, the segment has ended
///   where the last frame did that reached it; a score that reaches it sooner goes on with the segment.
///
/// A value: copying one copies its state, and it allocates nothing. Drive it with the scores of any detector.
public struct Segmenter: Sendable {
  private enum State {
    case quiet
    case starting(from: Int)
    case speaking
    case stopping(from: Int)
  }

  /// Where the frames lie.
  public let grid: FrameGrid
  /// The parameters.
  public let configuration: SegmenterConfiguration
  /// How many samples behind a frame's end its score is known.
  public let lookAheadInSamples: Int

  private let minimumSpeechFrames: Int
  private let hangoverFrames: Int
  private let maximumSegmentFrames: Int?
  private let prefixPaddingInSamples: Int

  private var state = State.quiet
  private var frameCount = 0
  /// Known when the last scores come.
  private var streamEnd: Int?
  private var segmentStart = 0
  /// One past the last sample that belongs to an earlier segment, hangover included.
  private var claimedEnd = 0
  /// In the second half of a longest segment: the frame with the least energy so far.
  private var quietest: (frame: Int, energy: Float)?

  /// A segmenter at the start of a stream.
  ///
  /// - Parameter lookAheadInSamples: The detector's, which counts into the instant at which something was decided.
  public init(grid: FrameGrid, configuration: SegmenterConfiguration, lookAheadInSamples: Int = 0) {
    self.grid = grid
    self.configuration = configuration
    self.lookAheadInSamples = lookAheadInSamples
    minimumSpeechFrames = max(1, grid.frameCount(in: configuration.minimumSpeech))
    hangoverFrames = max(1, grid.frameCount(in: configuration.hangover))
    maximumSegmentFrames = configuration.maximumSegment.map { max(2, grid.frameCount(in: $0)) }
    prefixPaddingInSamples = grid.sampleRate.sampleCount(in: configuration.prefixPadding)
  }

  /// Takes the score of the next frame; returns what it decided, if anything. A score that is not a number is none that
  /// reaches a threshold.
  ///
  /// - Parameter streamEnd: The number of samples in all, for the scores that a detector gives only when the stream has
  ///   ended: the last frame may be short, and no look-ahead comes any more.
  public mutating func process(_ score: FrameScore, streamEnd: Int? = nil) -> SegmentEvent? {
    let frame = frameCount
    frameCount += 1
    self.streamEnd = streamEnd
    switch state {
    case .quiet:
      guard score.score >= configuration.enterThreshold else { return nil }
      state = .starting(from: frame)
      return confirmed(from: frame)
    case .starting(let first):
      guard score.score >= configuration.exitThreshold else {
        state = .quiet
        return .misfire(
          start: grid.start(ofFrame: first), end: grid.start(ofFrame: frame), decidedAt: decisionTime)
      }
      return confirmed(from: first)
    case .speaking:
      if !(score.score >= configuration.exitThreshold) { state = .stopping(from: frame) }
      return endIfQuiet() ?? cutIfTooLong(frame, score)
    case .stopping:
      if score.score >= configuration.exitThreshold { state = .speaking }
      return endIfQuiet() ?? cutIfTooLong(frame, score)
    }
  }

  /// Ends the stream after `sampleCount` samples in all, and starts a new one.
  ///
  /// - Returns: The end of a segment that is open, or a misfire.
  public mutating func finish(sampleCount: Int) -> SegmentEvent? {
    defer { reset() }
    switch state {
    case .quiet: return nil
    case .starting(let first):
      return .misfire(start: grid.start(ofFrame: first), end: sampleCount, decidedAt: sampleCount)
    case .speaking:
      return .ended(at: sampleCount, claimedEnd: sampleCount, decidedAt: sampleCount)
    case .stopping(let first):
      return .ended(at: grid.start(ofFrame: first), claimedEnd: sampleCount, decidedAt: sampleCount)
    }
  }

  /// Makes the segmenter as it was after `init`.
  public mutating func reset() {
    state = .quiet
    frameCount = 0
    streamEnd = nil
    segmentStart = 0
    claimedEnd = 0
    quietest = nil
  }

  /// Whether a segment is open.
  public var isSpeaking: Bool {
    switch state {
    case .quiet, .starting: false
    case .speaking, .stopping: true
    }
  }

  /// One past the last sample of which is settled whether it belongs to a segment, prefix padding and hangover
  /// included.
  ///
  /// While a segment is open, that is everything scored; else an onset to come may still claim its prefix padding.
  public var settledEnd: Int {
    switch state {
    case .quiet: paddedStart(ofFrame: frameCount)
    case .starting(let first): paddedStart(ofFrame: first)
    case .speaking, .stopping: scoredEnd
    }
  }

  /// One past the last sample of the last frame.
  private var scoredEnd: Int { min(grid.start(ofFrame: frameCount), streamEnd ?? .max) }

  /// The stream time at which the last frame's score was known.
  private var decisionTime: Int { min(grid.start(ofFrame: frameCount) + lookAheadInSamples, streamEnd ?? .max) }

  private func paddedStart(ofFrame frame: Int) -> Int {
    max(claimedEnd, grid.start(ofFrame: frame) - prefixPaddingInSamples)
  }

  private mutating func confirmed(from first: Int) -> SegmentEvent? {
    guard frameCount - first >= minimumSpeechFrames else { return nil }
    state = .speaking
    segmentStart = first
    quietest = nil
    return .started(
      at: grid.start(ofFrame: first), paddedStart: paddedStart(ofFrame: first), decidedAt: decisionTime)
  }

  private mutating func endIfQuiet() -> SegmentEvent? {
    guard case .stopping(let first) = state, frameCount - first >= hangoverFrames else { return nil }
    return end(from: first)
  }

  private mutating func end(from first: Int) -> SegmentEvent {
    state = .quiet
    claimedEnd = scoredEnd
    return .ended(at: grid.start(ofFrame: first), claimedEnd: claimedEnd, decidedAt: decisionTime)
  }

  /// Cuts a segment that has reached its greatest length at the quietest frame of its second half, or ends it with the
  /// pause in which that frame lies and which has not ended: what would follow the cut might be no speech at all.
  private mutating func cutIfTooLong(_ frame: Int, _ score: FrameScore) -> SegmentEvent? {
    guard let maximumSegmentFrames else { return nil }
    let length = frame + 1 - segmentStart
    let energy = score.features.energyInDecibels
    if length > (maximumSegmentFrames + 1) / 2, quietest.map({ energy < $0.energy }) ?? true {
      quietest = (frame, energy)
    }
    guard length >= maximumSegmentFrames, let cut = quietest?.frame else { return nil }
    if case .stopping(let first) = state, cut >= first { return end(from: first) }
    // The next segment's second half starts behind this frame, because the cut lies in this one's second half, which is
    // the shorter one of an odd number of frames.
    segmentStart = cut
    quietest = nil
    return .cut(at: grid.start(ofFrame: cut), decidedAt: decisionTime)
  }
}

/// How a ``Segmenter`` decides.
public struct SegmenterConfiguration: Hashable, Sendable {
  /// The score from which a frame can start a segment: 0...1.
  public private(set) var enterThreshold: Float
  /// The score from which a frame can go on with one: 0...1, at most ``enterThreshold``. The difference is the
  /// hysteresis.
  public private(set) var exitThreshold: Float
  /// The attack: how much speech confirms a segment, at least one frame. What is shorter is a misfire.
  public private(set) var minimumSpeech: Duration
  /// How much silence ends a segment, at least one frame.
  public private(set) var hangover: Duration
  /// How much of what came before a segment is kept with it, so that its first sound is not lost. Never reaches into
  /// the segment before.
  public private(set) var prefixPadding: Duration
  /// The longest segment; a longer one is cut at the quietest frame of its second half, or ends there when that frame
  /// lies in a pause that goes on. At least twice ``minimumSpeech``; `nil` for no limit.
  public private(set) var maximumSegment: Duration?

  /// - Throws: ``SegmenterConfigurationError`` when a parameter lies outside of its range.
  public init(
    enterThreshold: Float = 0.5, exitThreshold: Float = 0.35, minimumSpeech: Duration = .milliseconds(60),
    hangover: Duration = .milliseconds(300), prefixPadding: Duration = .milliseconds(300),
    maximumSegment: Duration? = nil
  ) throws(SegmenterConfigurationError) {
    guard (0...1).contains(enterThreshold) else { throw .thresholdOutOfRange(enterThreshold) }
    guard (0...1).contains(exitThreshold) else { throw .thresholdOutOfRange(exitThreshold) }
    guard exitThreshold <= enterThreshold else {
      throw .exitAboveEnter(exit: exitThreshold, enter: enterThreshold)
    }
    for duration in [minimumSpeech, hangover, prefixPadding] {
      guard (.zero...Self.longest).contains(duration) else { throw .durationOutOfRange(duration) }
    }
    if let maximumSegment {
      let least = max(Self.maximumSegments.lowerBound, minimumSpeech * 2)
      let legal = least...Self.maximumSegments.upperBound
      guard legal.contains(maximumSegment) else { throw .maximumSegmentOutOfRange(maximumSegment, legal: legal) }
    }
    self.enterThreshold = enterThreshold
    self.exitThreshold = exitThreshold
    self.minimumSpeech = minimumSpeech
    self.hangover = hangover
    self.prefixPadding = prefixPadding
    self.maximumSegment = maximumSegment
  }

  private init(
    minimumSpeech: Duration, hangover: Duration, prefixPadding: Duration
  ) {
    enterThreshold = Sensitivity.normal.enterThreshold
    exitThreshold = Sensitivity.normal.exitThreshold
    self.minimumSpeech = minimumSpeech
    self.hangover = hangover
    self.prefixPadding = prefixPadding
    maximumSegment = nil
  }

  /// Edges of speech as a listener would label them: short hangover.
  public static let speech = SegmenterConfiguration(
    minimumSpeech: .milliseconds(60), hangover: .milliseconds(200), prefixPadding: .milliseconds(300))

  /// Turns of a conversation: a pause inside of a sentence does not end one. The hangover and the prefix padding are
  /// those that OpenAI's documentation gives for its server VAD.
  public static let turns = SegmenterConfiguration(
    minimumSpeech: .milliseconds(60), hangover: .milliseconds(500), prefixPadding: .milliseconds(300))

  /// The same with the thresholds of a sensitivity.
  public func withThresholds(of sensitivity: Sensitivity) -> SegmenterConfiguration {
    var other = self
    other.enterThreshold = sensitivity.enterThreshold
    other.exitThreshold = sensitivity.exitThreshold
    return other
  }

  /// The most of ``minimumSpeech``, ``hangover`` and ``prefixPadding``, which bound what must be held back.
  public static let longest = Duration.seconds(10)
  /// The legal values of ``maximumSegment``: from 100 ms to a day.
  public static let maximumSegments = Duration.milliseconds(100)...Duration.seconds(86_400)

  /// The same for a stream of which nothing can be cut afterwards.
  var withoutMaximumSegment: SegmenterConfiguration {
    var other = self
    other.maximumSegment = nil
    return other
  }
}

/// Why a ``SegmenterConfiguration`` was refused.
public enum SegmenterConfigurationError: Error, Equatable, CustomStringConvertible {
  /// A threshold outside of 0...1.
  case thresholdOutOfRange(Float)
  /// The exit threshold is above the enter threshold.
  case exitAboveEnter(exit: Float, enter: Float)
  /// A duration outside of zero to ``SegmenterConfiguration/longest``.
  case durationOutOfRange(Duration)
  /// A longest segment outside of ``SegmenterConfiguration/maximumSegments``, or shorter than twice the minimum speech.
  case maximumSegmentOutOfRange(Duration, legal: ClosedRange<Duration>)

  public var description: String {
    switch self {
    case .thresholdOutOfRange(let value): "threshold \(value) is outside of 0 to 1"
    case .exitAboveEnter(let exit, let enter): "exit threshold \(exit) is above enter threshold \(enter)"
    case .durationOutOfRange(let value): "\(value) is outside of 0 to \(SegmenterConfiguration.longest)"
    case .maximumSegmentOutOfRange(let value, let legal):
      "a longest segment of \(value) is outside of \(legal.lowerBound) to \(legal.upperBound)"
    }
  }
}

/// What a ``Segmenter`` decided. All places are sample offsets from the start of the stream; `decidedAt` is the stream
/// time at which a live listener knew.
public enum SegmentEvent: Hashable, Sendable {
  /// A segment started; with its prefix padding, it claims the samples from `paddedStart`.
  case started(at: Int, paddedStart: Int, decidedAt: Int)
  /// The segment's speech ended; with its hangover, it claims the samples up to `claimedEnd`.
  case ended(at: Int, claimedEnd: Int, decidedAt: Int)
  /// The segment grew too long: it ends here, and the next one starts here.
  case cut(at: Int, decidedAt: Int)
  /// Something too short to be speech.
  case misfire(start: Int, end: Int, decidedAt: Int)
}
