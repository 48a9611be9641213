import AudioDSP

/// Takes what the chunker of the microphone gives and makes of it what is to be sent, and what the session must know.
struct MicrophoneFeed: ChunkSink {
  typealias Failure = Never

  /// What a frame's score, or a decision, meant.
  enum Notice: Hashable, Sendable {
    case verdict(InterruptionDetector.Verdict)
    case turnStarted
    /// How many samples were sent of it.
    case turnEnded(sampleCount: Int)
  }

  var queue: SendQueue
  /// What happened in the last call, in order; the session empties it.
  var notices: [Notice] = []
  var interruption: InterruptionDetector
  /// When the block came that is being processed.
  var now = Duration.zero

  /// One past the last sample of the last frame of speech, in samples of the input; nil before there was one.
  private(set) var speechEnd: Int?

  private let grid: FrameGrid
  private let turnTaking: TurnTaking
  private let speechThreshold: Float
  private let maximumWaitFrames: Int
  private let longestTurnSamples: Int

  private var frameCount = 0
  /// In a turn of ours: frames since the last one that is surely speech, and samples that were queued.
  private var unsureFrames = 0
  private var turnSampleCount = 0
  private var isTurnOpen = false
  /// The segmenter's segment goes on, but the turn has been ended for want of sure speech.
  private var isTurnExpired = false

  /// Push to talk: what was heard lately, for the next turn's start.
  private var held: SendQueue
  /// Where in the output the button was let go: the turn ends with the chunk that holds that place.
  private var releasedAt: Int?
  /// One past the last sample of the output that has come in a chunk.
  private var deliveredEnd = 0

  init(
    _ configuration: SessionConfiguration, outputRate: SampleRate, inputRate: SampleRate
  ) {
    let chunk = outputRate.sampleCount(in: configuration.chunkDuration)
    queue = SendQueue(
      sampleCapacity: max(chunk, outputRate.sampleCount(in: configuration.sendCapacity)), leastChunk: chunk)
    interruption = InterruptionDetector(configuration.interruption)
    grid = FrameGrid(inputRate)
    turnTaking = configuration.turnTaking
    var padding = Duration.zero
    switch configuration.turnTaking {
    case .service:
      speechThreshold = SegmenterConfiguration.turns.enterThreshold
      (maximumWaitFrames, longestTurnSamples) = (.max, .max)
    case .local(let turns):
      speechThreshold = turns.segmentation.enterThreshold
      maximumWaitFrames = max(1, grid.frameCount(in: turns.maximumWait))
      longestTurnSamples = max(chunk, outputRate.sampleCount(in: turns.longestTurn))
    case .pushToTalk(let prefixPadding):
      speechThreshold = SegmenterConfiguration.turns.enterThreshold
      (maximumWaitFrames, longestTurnSamples) = (.max, .max)
      padding = prefixPadding
    }
    // Whole chunks are held, so that the padding is at least what was asked for.
    held = SendQueue(sampleCapacity: outputRate.sampleCount(in: padding) + 2 * chunk, leastChunk: chunk)
    notices.reserveCapacity(64)
  }

  mutating func receive(_ score: FrameScore) {
    let frame = frameCount
    frameCount += 1
    let isSure = score.score >= speechThreshold
    if isSure { speechEnd = grid.start(ofFrame: frame + 1) }
    if let verdict = interruption.process(score) { notices.append(.verdict(verdict)) }
    guard isTurnOpen else { return }
    unsureFrames = isSure ? 0 : unsureFrames + 1
    if isTurnExpired {
      guard isSure else { return }
      isTurnExpired = false
      startTurn()
    } else if unsureFrames >= maximumWaitFrames {
      endTurn(asks: true)
      isTurnExpired = true
    }
  }

  mutating func receive(_ chunk: Span<Int16>, at offset: Int) {
    deliveredEnd = offset + chunk.count
    switch turnTaking {
    case .service: queue.append(chunk, heardAt: now)
    case .local:
      guard !isTurnExpired else { return }
      queue.append(chunk, heardAt: now)
      turnSampleCount += chunk.count
      if turnSampleCount >= longestTurnSamples {
        queue.append(.turnEnd(asks: false))
        queue.append(.turnStart)
        turnSampleCount = 0
      }
    case .pushToTalk:
      guard isTurnOpen else {
        held.append(chunk, heardAt: now)
        return
      }
      queue.append(chunk, heardAt: now)
      turnSampleCount += chunk.count
      if let releasedAt, deliveredEnd >= releasedAt { release() }
    }
  }

  mutating func receive(_ event: SegmentEvent, at outputOffset: Int) {
    switch event {
    case .started:
      isTurnOpen = true
      isTurnExpired = false
      unsureFrames = 0
      startTurn()
    case .ended:
      if !isTurnExpired { endTurn(asks: true) }
      isTurnOpen = false
      isTurnExpired = false
    case .cut, .misfire: break
    }
  }

  /// The button is pressed: what is held comes first.
  mutating func press(_ chunk: inout [Int16]) {
    guard !isTurnOpen else {
      // Pressed again before the last chunk of the turn before: it goes on.
      releasedAt = nil
      return
    }
    isTurnOpen = true
    startTurn()
    while case .audio(let count, let heardAt) = held.first {
      if chunk.count < count { chunk.append(contentsOf: repeatElement(0, count: count - chunk.count)) }
      _ = held.removeAudio(into: &chunk)
      queue.append(chunk.span.extracting(..<count), heardAt: heardAt)
      turnSampleCount += count
    }
  }

  /// The button is let go when the output will have `outputCount` samples of what was heard until now.
  mutating func letGo(at outputCount: Int) {
    guard isTurnOpen else { return }
    if deliveredEnd >= outputCount { release() } else { releasedAt = outputCount }
  }

  /// Ends a turn of push to talk with what there is of it.
  mutating func release() {
    guard isTurnOpen else { return }
    releasedAt = nil
    isTurnOpen = false
    endTurn(asks: true)
  }

  /// Whether a turn waits for its last chunk.
  var isReleasing: Bool { releasedAt != nil }
  /// Whether a turn that is ours to end is open.
  var isInTurn: Bool { isTurnOpen && !isTurnExpired }

  private mutating func startTurn() {
    turnSampleCount = 0
    unsureFrames = 0
    queue.append(.turnStart)
    notices.append(.turnStarted)
  }

  private mutating func endTurn(asks: Bool) {
    queue.append(.turnEnd(asks: asks))
    notices.append(.turnEnded(sampleCount: turnSampleCount))
    turnSampleCount = 0
  }
}
