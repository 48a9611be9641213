import AudioDSP

extension VoiceSession {
  /// Takes a block of the microphone: interleaved samples, of any length.
  ///
  /// Allocates nothing once the service has said which rate it takes (ElevenLabs; others take one that is known), unless
  /// something is to be told. What comes before there is a session is kept, up to ``SessionConfiguration/sendCapacity``.
  ///
  /// - Throws: `DownmixError` for a partial sample frame; nothing of the block has been taken then.
  public mutating func hear(_ interleaved: Span<Float>, at now: Duration) throws(DownmixError) {
    guard phase != .closed, !inputEnded else { return }
    guard interleaved.count.isMultiple(of: configuration.channelCount) else {
      throw .partialSampleFrame(sampleCount: interleaved.count, channelCount: configuration.channelCount)
    }
    guard microphone != nil else {
      early.append(interleaved, at: now)
      return
    }
    try microphone?.hear(interleaved, at: now)
    takeNotices(at: now)
  }

  /// The microphone is off for good. An open turn ends.
  public mutating func endInput(at now: Duration) {
    guard phase != .closed, !inputEnded else { return }
    inputEnded = true
    guard microphone != nil else { return }
    microphone?.finish(at: now)
    takeNotices(at: now)
  }

  /// Push to talk: the button is pressed. The turn starts with what was heard shortly before; an answer is interrupted.
  public mutating func beginTurn(at now: Duration) {
    guard case .pushToTalk = configuration.turnTaking, phase != .closed, !inputEnded else { return }
    interrupt(at: now, servicesOwn: false)
    microphone?.feed.press()
    takeNotices(at: now)
  }

  /// Push to talk: the button is let go. What was heard until now, and nothing else, is part of the turn.
  public mutating func endTurn(at now: Duration) {
    guard case .pushToTalk = configuration.turnTaking, phase != .closed else { return }
    microphone?.feed.letGo()
    takeNotices(at: now)
  }

  /// Something written by the user; it is answered.
  ///
  /// - Returns: Whether it is on its way: not before the session is ready, nor where it is longer than services take.
  @discardableResult
  public mutating func write(_ text: String, at now: Duration) -> Bool {
    guard phase == .ready, !text.isEmpty else { return false }
    let message = HistoryMessage(speaker: .user, text: text)
    guard say(.message(message)) else { return false }
    history.note(message)
    noteTurn(TurnTiming(committed: now))
    awaitAnswer(at: now)
    checkUrgent(at: now)
    return true
  }

  /// What came before there was a session.
  mutating func hearEarlyInput(at now: Duration) {
    let blocks = early.takeAll()
    for block in blocks {
      do throws(DownmixError) {
        try microphone?.hear(block.samples.span, at: block.heardAt)
      } catch {
        preconditionFailure("\(error)")
      }
    }
    if early.droppedFrameCount > 0 {
      let count = early.droppedFrameCount * audioEncoder.sampleRate.hertz / configuration.inputRate.hertz
      tell(.inputDropped(sampleCount: count))
    }
    early.droppedFrameCount = 0
    if inputEnded { microphone?.finish(at: now) }
    takeNotices(at: now)
  }

  private mutating func takeNotices(at now: Duration) {
    let notices = takeNotices()
    for notice in notices {
      switch notice {
      case .verdict(let verdict): judge(verdict, at: now)
      case .turnStarted: tell(.turnStarted)
      case .turnEnded(let count): tell(.turnEnded(audio: duration(of: count)))
      }
    }
    let dropped = microphone?.feed.queue.droppedSampleCount ?? 0
    if dropped > reportedDropCount {
      tell(.inputDropped(sampleCount: dropped - reportedDropCount))
      reportedDropCount = dropped
    }
  }

  private mutating func takeNotices() -> [MicrophoneFeed.Notice] {
    switch microphone {
    case .some(let path): if path.feed.notices.isEmpty { return [] }
    case .none: return []
    }
    let notices = microphone?.feed.notices ?? []
    microphone?.feed.notices.removeAll(keepingCapacity: true)
    return notices
  }

  /// Of samples that are sent.
  private func duration(of sampleCount: Int) -> Duration {
    audioEncoder.sampleRate.duration(of: sampleCount)
  }

  // MARK: Out

  var hasMessage: Bool {
    !urgent.isEmpty || (phase == .ready && hasQueuedInput)
  }

  private var hasQueuedInput: Bool {
    switch microphone {
    case .some(let path): !path.feed.queue.isEmpty
    case .none: false
    }
  }

  /// Whether a turn is open that is ours to end.
  var isInTurn: Bool {
    switch microphone {
    case .some(let path): path.feed.isInTurn
    case .none: false
    }
  }

  /// Writes the next message to `buffer`, which then holds nothing else: one JSON object, to be sent as text.
  ///
  /// It is to be called when the connection takes more: what is not asked for waits, in bounds. Allocates nothing for
  /// audio once `buffer` has had a message of audio.
  ///
  /// - Returns: What was written; `nil` when nothing is to be sent.
  public mutating func nextMessage(into buffer: inout [UInt8], at now: Duration) -> OutgoingMessage? {
    while true {
      if let message = urgent.next() {
        // Its memory stays, for the audio behind it.
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: message)
        if isInDoubt { silenceLimit = now + Self.signOfLifeLimit }
        return .control
      }
      guard phase == .ready, !isInDoubt, let first = microphone?.feed.queue.first else { return nil }
      switch first {
      case .audio(let count, let heardAt):
        if chunk.count < count { chunk.append(contentsOf: repeatElement(0, count: count - chunk.count)) }
        _ = microphone?.feed.queue.removeAudio(into: &chunk)
        Self.encode(chunk, count: count, with: audioEncoder, into: &buffer)
        uncommittedCount += count
        return .audio(sampleCount: count, heardAt: heardAt)
      case .mark(let mark):
        microphone?.feed.queue.removeMark()
        pass(mark, at: now)
      }
    }
  }

  private static func encode(
    _ chunk: [Int16], count: Int, with encoder: AudioEventEncoder, into buffer: inout [UInt8]
  ) {
    let size = encoder.encodedCount(forSampleCount: count)
    if buffer.count > size { buffer.removeLast(buffer.count - size) }
    if buffer.count < size { buffer.append(contentsOf: repeatElement(0, count: size - buffer.count)) }
    var output = buffer.mutableSpan
    do throws(AudioEventError) {
      _ = try encoder.encode(chunk.span.extracting(..<count), into: &output)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// All audio before a mark has been sent.
  private mutating func pass(_ mark: SendQueue.Mark, at now: Duration) {
    switch mark {
    case .turnStart:
      isTurnOpenAtService = true
      say(.activityStart)
    case .turnSplit:
      // A service that answers whatever turn it is told of hears a long one as one.
      if rules.asksForAnswers { _ = commit() }
    case .turnEnd(let speechEnded):
      isTurnOpenAtService = false
      guard commit() else { return }
      noteTurn(TurnTiming(speechEnded: speechEnded, committed: now))
      awaitAnswer(at: now)
    case .inputEnd: passInputEnd(at: now)
    }
  }

  /// Ends a turn at the service.
  ///
  /// - Returns: Whether there was enough of it.
  private mutating func commit() -> Bool {
    let isEnough = uncommittedCount > 0 && duration(of: uncommittedCount) >= configuration.dialect.leastTurn
    guard isEnough else {
      // It stays in the service's buffer and becomes the start of the next turn.
      tell(.turnTooShort(audio: duration(of: uncommittedCount)))
      // What has a start has an end.
      say(.activityEnd)
      return false
    }
    uncommittedCount = 0
    if !say(.commitAudio) { say(.activityEnd) }
    return true
  }

  /// The user has said something: an answer is due, asked for where that is ours to do.
  mutating func awaitAnswer(at now: Duration) {
    if rules.asksForAnswers {
      askForAnswer(at: now)
    } else {
      answers.startAwaiting(for: configuration.answerLimit, from: now)
    }
  }

  mutating func noteTurn(_ turn: TurnTiming) {
    timing = turn
    isTimingFresh = true
    isAskedAgain = false
  }

  // MARK: The end of the input

  /// All audio has been sent, and a turn of ours is committed. What is left is a turn that the service has not ended.
  private mutating func passInputEnd(at now: Duration) {
    guard case .service = configuration.turnTaking else { return }
    if let silence = rules.closingSilence {
      // The only way to say that nothing more comes.
      let rate = audioEncoder.sampleRate
      let chunk = [Int16](repeating: 0, count: rate.sampleCount(in: min(configuration.chunkDuration, silence)))
      for _ in 0..<max(1, rate.sampleCount(in: silence) / chunk.count) {
        microphone?.feed.queue.append(chunk.span, heardAt: now)
      }
      inputEndDue = now + silence + Self.inputEndGrace
    } else {
      say(.audioStreamEnd)
      inputEndDue = now + Self.inputEndGrace
    }
  }

  /// What the service's detector needs to say that it hears a turn, over the longest way (intercontinental round trips
  /// take .3 s), with a margin.
  static let inputEndGrace = Duration.seconds(1)

  mutating func endInputIfDue(at now: Duration) {
    guard let due = inputEndDue, now >= due else { return }
    inputEndDue = nil
    if rules.asksForAnswers {
      guard serviceHearsSpeech else { return }
      serviceHearsSpeech = false
      guard commit() else { return }
      noteTurn(TurnTiming(speechEnded: speechEndedAt, committed: now))
      askForAnswer(at: now)
    } else if answers.awaited == nil, let end = speechEnd, end > answeredSpeechEnd ?? 0 {
      // The service does not say that it has found a turn: there was speech, so there will be an answer.
      answers.startAwaiting(for: configuration.answerLimit, from: now)
    }
  }

  /// The end of speech in the microphone's samples, and when it came.
  var speechEnd: Int? {
    switch microphone {
    case .some(let path): path.feed.speechEnd
    case .none: nil
    }
  }

  var speechEndedAt: Duration? {
    switch microphone {
    case .some(let path): path.feed.speechEndedAt
    case .none: nil
    }
  }
}

/// What the microphone gave before the service said at which rate it takes audio, up to a limit; the oldest is dropped.
struct EarlyInput {
  struct Block {
    var samples: [Float]
    var heardAt: Duration
  }

  private let capacity: Int
  private let channelCount: Int
  private var blocks: [Block] = []
  private var sampleFrameCount = 0
  /// Sample frames.
  var droppedFrameCount = 0

  /// - Parameter capacity: In sample frames.
  init(capacity: Int, _ channelCount: Int) {
    self.capacity = capacity
    self.channelCount = channelCount
  }

  mutating func append(_ interleaved: Span<Float>, at now: Duration) {
    guard !interleaved.isEmpty else { return }
    let excess = max(0, interleaved.count / channelCount - capacity)
    droppedFrameCount += excess
    let kept = interleaved.extracting((excess * channelCount)...)
    var samples = [Float]()
    samples.reserveCapacity(kept.count)
    for i in kept.indices { samples.append(kept[i]) }
    blocks.append(Block(samples: samples, heardAt: now))
    sampleFrameCount += samples.count / channelCount
    while sampleFrameCount > capacity, !blocks.isEmpty {
      let count = blocks.removeFirst().samples.count / channelCount
      sampleFrameCount -= count
      droppedFrameCount += count
    }
  }

  mutating func takeAll() -> [Block] {
    defer {
      blocks = []
      sampleFrameCount = 0
    }
    return blocks
  }
}
