import AudioDSP

extension VoiceSession {
  /// Takes a block of the microphone: interleaved samples, of any length.
  ///
  /// Allocates nothing once the session has started, unless something is to be told. What comes before the service has
  /// a session is kept, up to ``SessionConfiguration/sendCapacity``.
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

  /// Push to talk: the button is pressed.
  public mutating func beginTurn(at now: Duration) {
    guard case .pushToTalk = configuration.turnTaking, phase != .closed else { return }
    guard microphone != nil else {
      early.isPressed = true
      return
    }
    if isSounding { interrupt(at: now, servicesOwn: false) }
    microphone?.press()
    takeNotices(at: now)
  }

  /// Push to talk: the button is let go. What was heard until now is part of the turn.
  public mutating func endTurn(at now: Duration) {
    guard case .pushToTalk = configuration.turnTaking, phase != .closed else { return }
    guard microphone != nil else {
      early.isReleased = early.isPressed
      return
    }
    microphone?.letGo()
    takeNotices(at: now)
  }

  /// Something written by the user; it is answered.
  public mutating func write(_ text: String, at now: Duration) {
    guard phase == .ready, !text.isEmpty else { return }
    let message = HistoryMessage(speaker: .user, text: text)
    guard say(.message(message)) else { return }
    history.note(message)
    if rules.asksForAnswers {
      askForAnswer(at: now)
    } else {
      answers.await(for: configuration.answerLimit, from: now)
    }
  }

  /// What came before there was a session.
  mutating func hearEarlyInput(at now: Duration) {
    let blocks = early.takeAll()
    if early.isPressed { microphone?.press() }
    for block in blocks {
      do throws(DownmixError) {
        try microphone?.hear(block.samples.span, at: block.heardAt)
      } catch {
        preconditionFailure("\(error)")
      }
    }
    if early.isReleased { microphone?.letGo() }
    if early.droppedSampleCount > 0 { tell(.inputDropped(sampleCount: early.droppedSampleCount)) }
    early.droppedSampleCount = 0
    if inputEnded { microphone?.finish(at: now) }
    takeNotices(at: now)
  }

  private mutating func takeNotices(at now: Duration) {
    let notices = microphone?.feed.notices ?? []
    microphone?.feed.notices.removeAll(keepingCapacity: true)
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

  /// Of samples that are sent.
  private func duration(of sampleCount: Int) -> Duration {
    .nanoseconds(Int64(sampleCount) * 1_000_000_000 / Int64(audioEncoder.sampleRate.hertz))
  }

  // MARK: Out

  var hasMessage: Bool {
    urgentHead < urgent.count || (phase == .ready && hasQueuedInput)
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
      if urgentHead < urgent.count {
        buffer = urgent[urgentHead]
        urgentHead += 1
        if urgentHead == urgent.count {
          urgent.removeAll(keepingCapacity: true)
          urgentHead = 0
        }
        return .control
      }
      guard phase == .ready, let first = microphone?.feed.queue.first else { return nil }
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
    case .turnStart: say(.activityStart)
    case .turnEnd(let asks): commit(asks: asks, at: now)
    case .inputEnd: passInputEnd(at: now)
    }
  }

  mutating func commit(asks: Bool, at now: Duration) {
    guard duration(of: uncommittedCount) >= configuration.dialect.leastTurn, uncommittedCount > 0 else {
      // It stays in the service's buffer and becomes the start of the next turn.
      tell(.turnTooShort(audio: duration(of: uncommittedCount)))
      return
    }
    uncommittedCount = 0
    if !say(.commitAudio) { say(.activityEnd) }
    timing = TurnTiming(speechEnded: microphone?.speechEndedAt, committed: now)
    guard asks else { return }
    if rules.asksForAnswers {
      askForAnswer(at: now)
    } else {
      answers.await(for: configuration.answerLimit, from: now)
    }
  }

  // MARK: The end of the input

  /// All audio has been sent, and a turn of ours is committed. What is left is a turn that the service has not ended.
  private mutating func passInputEnd(at now: Duration) {
    guard case .service = configuration.turnTaking else { return }
    if let silence = rules.closingSilence {
      // The only way to say that nothing more comes.
      let rate = audioEncoder.sampleRate
      let chunk = [Int16](repeating: 0, count: rate.sampleCount(in: configuration.chunkDuration))
      for _ in 0..<max(1, rate.sampleCount(in: silence) / chunk.count) {
        microphone?.feed.queue.append(chunk.span, heardAt: now)
      }
      inputEndDue = now + silence + Self.inputEndGrace
    } else if say(.audioStreamEnd) {
      inputEndDue = now + Self.inputEndGrace
    } else {
      inputEndDue = now + Self.inputEndGrace
    }
  }

  /// What the service's detector needs to say that it hears a turn, over the longest way (intercontinental round trips
  /// take .3 s), with a margin.
  static let inputEndGrace = Duration.seconds(1)

  mutating func endInputIfDue(at now: Duration) {
    guard let due = inputEndDue, now >= due else { return }
    inputEndDue = nil
    guard serviceHearsSpeech, rules.asksForAnswers, answers.isIdle else { return }
    serviceHearsSpeech = false
    commit(asks: true, at: now)
  }
}

/// What the microphone gave before there was a session, up to a limit; the oldest is dropped.
struct EarlyInput {
  struct Block {
    var samples: [Float]
    var heardAt: Duration
  }

  private let capacity: Int
  private let channelCount: Int
  private var blocks: [Block] = []
  private var sampleFrameCount = 0
  var droppedSampleCount = 0
  var isPressed = false
  var isReleased = false

  /// - Parameter capacity: In sample frames.
  init(capacity: Int, _ channelCount: Int) {
    self.capacity = capacity
    self.channelCount = channelCount
  }

  mutating func append(_ interleaved: Span<Float>, at now: Duration) {
    guard !interleaved.isEmpty else { return }
    let excess = max(0, interleaved.count / channelCount - capacity)
    droppedSampleCount += excess
    let kept = interleaved.extracting((excess * channelCount)...)
    var samples = [Float]()
    samples.reserveCapacity(kept.count)
    for i in kept.indices { samples.append(kept[i]) }
    blocks.append(Block(samples: samples, heardAt: now))
    sampleFrameCount += samples.count / channelCount
    while sampleFrameCount > capacity, !blocks.isEmpty {
      let count = blocks.removeFirst().samples.count / channelCount
      sampleFrameCount -= count
      droppedSampleCount += count
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
