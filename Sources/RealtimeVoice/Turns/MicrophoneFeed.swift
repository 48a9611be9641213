import AudioDSP

/// Takes what the chunker of the microphone gives and makes of it what is to be sent, and what the session must know.
///
/// What is sent depends on the samples, and on where in them a button was pressed, not on how they came in blocks.
struct MicrophoneFeed: ChunkSink {
  typealias Failure = Never

  /// What a frame's score, or a decision, meant.
  enum Notice: Hashable, Sendable {
    case verdict(InterruptionDetector.Verdict)
    case turnStarted
    /// How many samples were queued of it.
    case turnEnded(sampleCount: Int)
  }

  /// How much comes at once where turns are cut: a turn's end waits for the piece that holds it.
  static let grain = Duration.milliseconds(10)

  var queue: SendQueue
  /// What happened in the last call, in order; the session empties it.
  var notices: [Notice] = []
  var interruption: InterruptionDetector
  /// When the block came that is being processed, and the samples of the input that there are with it.
  var now = Duration.zero
  var inputCount = 0

  /// One past the last sample of the last frame of speech, in samples of the input; nil before there was one.
  private(set) var speechEnd: Int?

  private let grid: FrameGrid
  private let ratio: ResamplingRatio
  private let turnTaking: TurnTaking
  private let speechThreshold: Float
  private let exitThreshold: Float
  private let hangoverFrames: Int
  private let maximumWaitFrames: Int
  private let longestTurnCount: Int
  private let paddingCount: Int

  private var frameCount = 0
  /// Frames since the last one that is surely speech.
  private var unsureFrames = 0
  /// Frames since the last one that can go on with a segment.
  private var quietFrames = 0
  /// Whether there was sure speech since the last silence that ends a segment: only then may one be open.
  private var mayBeInSegment = false
  /// Whether the cutter was last told that the stream is wanted.
  private var isWanted = false

  private var cutter: TurnCutter
  /// A chunk on its way from the cutter to the queue.
  private var chunk: [Int16]
  private var turnSampleCount = 0
  private var sampleCountSinceSplit = 0
  private var isPressed = false

  /// How long the pieces are that this takes.
  static func pieceDuration(_ configuration: SessionConfiguration) -> Duration {
    if case .service = configuration.turnTaking { configuration.chunkDuration } else { grain }
  }

  init(_ configuration: SessionConfiguration, outputRate: SampleRate, inputRate: SampleRate) {
    let chunkCount = outputRate.sampleCount(in: configuration.chunkDuration)
    queue = SendQueue(
      sampleCapacity: max(chunkCount, outputRate.sampleCount(in: configuration.sendCapacity)), leastChunk: chunkCount)
    interruption = InterruptionDetector(configuration.interruption)
    grid = FrameGrid(inputRate)
    ratio = ResamplingRatio(from: inputRate, to: outputRate)
    turnTaking = configuration.turnTaking
    var switchCapacity = 0
    switch configuration.turnTaking {
    case .service:
      (speechThreshold, exitThreshold) = (SegmenterConfiguration.turns.enterThreshold, 0)
      hangoverFrames = .max
      (maximumWaitFrames, longestTurnCount, paddingCount) = (.max, .max, 0)
    case .local(let turns):
      let segmentation = turns.segmentation
      speechThreshold = segmentation.enterThreshold
      exitThreshold = segmentation.exitThreshold
      // As the segmenter counts it.
      hangoverFrames = max(1, grid.frameCount(in: segmentation.hangover))
      maximumWaitFrames = max(1, grid.frameCount(in: turns.maximumWait))
      longestTurnCount = max(chunkCount, outputRate.sampleCount(in: turns.longestTurn))
      paddingCount = inputRate.sampleCount(in: segmentation.prefixPadding)
      // One a frame, as far back as a segment can start behind the frame that decides upon it, with a second for what
      // the detector and the resampler lag.
      switchCapacity = grid.frameCount(in: segmentation.prefixPadding + segmentation.minimumSpeech + .seconds(1))
    case .pushToTalk(let prefixPadding):
      (speechThreshold, exitThreshold) = (SegmenterConfiguration.turns.enterThreshold, 0)
      hangoverFrames = .max
      (maximumWaitFrames, longestTurnCount) = (.max, .max)
      paddingCount = inputRate.sampleCount(in: prefixPadding)
      switchCapacity = 64
    }
    cutter = TurnCutter(
      chunkCount: chunkCount, keptCount: ratio.outputCount(forInputCount: paddingCount) + 1,
      mostCount: max(chunkCount, outputRate.sampleCount(in: Self.grain) + 1), switchCapacity: switchCapacity)
    if case .pushToTalk = turnTaking { cutter.startFlow(at: 0) }
    chunk = [Int16](repeating: 0, count: chunkCount)
    notices.reserveCapacity(64)
  }

  // MARK: From the chunker

  mutating func receive(_ score: FrameScore) {
    let frame = frameCount
    frameCount += 1
    let isSure = score.score >= speechThreshold
    if isSure { speechEnd = grid.start(ofFrame: frame + 1) }
    if let verdict = interruption.process(score) { notices.append(.verdict(verdict)) }
    guard case .local = turnTaking else { return }
    unsureFrames = isSure ? 0 : unsureFrames + 1
    quietFrames = score.score >= exitThreshold ? 0 : quietFrames + 1
    if isSure { mayBeInSegment = true }
    // The segment has ended by itself: how long ago sure speech was, says nothing of the next one.
    if quietFrames >= hangoverFrames { mayBeInSegment = false }
    if isSure, !isWanted {
      isWanted = true
      cutter.turn(on: true, at: output(ofInput: max(0, grid.start(ofFrame: frame) - paddingCount)))
    } else if mayBeInSegment, isWanted, unsureFrames >= maximumWaitFrames {
      // No sample behind this frame's start has come: a segment's samples follow its scores.
      isWanted = false
      cutter.turn(on: false, at: output(ofInput: grid.start(ofFrame: frame + 1)))
    }
  }

  mutating func receive(_ chunk: Span<Int16>, at offset: Int) {
    if case .service = turnTaking {
      queue.append(chunk, heardAt: now)
    } else {
      cutter.append(chunk)
      passTurns()
    }
  }

  mutating func receive(_ event: SegmentEvent, at outputOffset: Int) {
    switch event {
    case .started: cutter.startFlow(at: outputOffset)
    case .ended: cutter.endFlow()
    case .cut, .misfire: return
    }
    passTurns()
  }

  /// The stream has ended, and with it a turn that is open.
  mutating func finish() {
    isPressed = false
    cutter.endFlow()
    passTurns()
    queue.append(.inputEnd)
  }

  // MARK: Push to talk

  /// The button is pressed: the turn starts with what was heard shortly before.
  mutating func press() {
    guard !isPressed, cutter.takesTurn else { return }
    isPressed = true
    cutter.turn(on: true, at: output(ofInput: max(0, inputCount - paddingCount)))
    passTurns()
  }

  /// The button is let go: the turn ends with the last sample that was heard.
  mutating func letGo() {
    guard isPressed else { return }
    isPressed = false
    cutter.turn(on: false, at: output(ofInput: inputCount))
    passTurns()
  }

  // MARK: Turns

  /// Whether a turn is open that is ours to end.
  var isInTurn: Bool { isPressed || cutter.isInTurn }

  /// When the last sample of speech came, as far as is known.
  var speechEndedAt: Duration? {
    guard let speechEnd else { return nil }
    let behind = max(0, inputCount - speechEnd)
    return now - grid.sampleRate.duration(of: behind)
  }

  // Static, so that it names exactly the state that it changes.
  private static func move(_ chunk: [Int16], count: Int, to queue: inout SendQueue, heardAt now: Duration) {
    queue.append(chunk.span.extracting(..<count), heardAt: now)
  }

  private func output(ofInput place: Int) -> Int { ratio.outputCount(forInputCount: place) }

  private mutating func passTurns() {
    while let step = cutter.next() {
      switch step {
      case .start:
        turnSampleCount = 0
        sampleCountSinceSplit = 0
        queue.append(.turnStart)
        notices.append(.turnStarted)
      case .chunk(let count):
        cutter.take(count, into: &chunk)
        Self.move(chunk, count: count, to: &queue, heardAt: now)
        turnSampleCount += count
        sampleCountSinceSplit += count
        if sampleCountSinceSplit >= longestTurnCount {
          sampleCountSinceSplit = 0
          queue.append(.turnSplit)
        }
      case .end:
        queue.append(.turnEnd(speechEnded: speechEndedAt))
        notices.append(.turnEnded(sampleCount: turnSampleCount))
      }
    }
  }
}
