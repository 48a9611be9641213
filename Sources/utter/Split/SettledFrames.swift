import AudioDSP

/// A 10 ms frame of which is known whether it belongs to a segment of speech.
struct SettledFrame {
  /// One past its last sample, in samples of the detector's input.
  var end: Int
  var energyInDecibels: Float
  /// Whether it lies between the start and the end of a segment, pauses that did not end one included.
  var isSpeech: Bool
}

/// Makes frames that are settled of a tracker's scores and decisions: each waits until a run of speech is confirmed or
/// was a misfire, or a pause has ended or has ended the segment.
///
/// What waits is at most the attack and the hangover.
struct SettledFrames {
  private let grid: FrameGrid
  private let configuration: SegmenterConfiguration
  private var frameCount = 0
  private var isSpeaking = false
  /// The frames of a run that is not confirmed, or of a pause inside of a segment.
  private var waiting: [SettledFrame] = []

  /// - Parameter configuration: The tracker's, without a longest segment.
  init(_ grid: FrameGrid, _ configuration: SegmenterConfiguration) {
    self.grid = grid
    self.configuration = configuration
  }

  /// Takes a frame's score, before the decision that falls on it.
  ///
  /// - Parameter settle: Is called for each frame that is settled now, in order.
  mutating func note(_ score: FrameScore, _ settle: (SettledFrame) -> Void) {
    frameCount += 1
    let energy = score.features.energyInDecibels
    waiting.append(
      SettledFrame(end: grid.start(ofFrame: frameCount), energyInDecibels: energy, isSpeech: isSpeaking))
    if isSpeaking {
      if score.score >= configuration.exitThreshold { settleAll(isSpeech: true, settle) }
    } else if waiting.count == 1, !(score.score >= configuration.enterThreshold) {
      settleAll(isSpeech: false, settle)
    }
  }

  /// Takes a decision, which falls on the last frame or on the end of the stream.
  mutating func note(_ event: SegmentEvent, _ settle: (SettledFrame) -> Void) {
    switch event {
    case .started:
      isSpeaking = true
      settleAll(isSpeech: true, settle)
    case .ended:
      isSpeaking = false
      settleAll(isSpeech: false, settle)
    case .misfire: settleAll(isSpeech: false, settle)
    // Without a longest segment there is none.
    case .cut: break
    }
  }

  private mutating func settleAll(isSpeech: Bool, _ settle: (SettledFrame) -> Void) {
    for var frame in waiting {
      frame.isSpeech = isSpeech
      settle(frame)
    }
    waiting.removeAll(keepingCapacity: true)
  }
}
