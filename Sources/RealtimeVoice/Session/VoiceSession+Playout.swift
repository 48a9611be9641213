import AudioDSP

extension VoiceSession {
  /// Gives the next samples for the speaker: all of `output` is written, silence where there is nothing to play.
  ///
  /// What is given counts as played; ``PlayoutConfiguration/outputLatency`` is taken off where it matters what was heard.
  ///
  /// - Returns: How many of the samples belong to an answer.
  public mutating func play(into output: inout MutableSpan<Int16>, at now: Duration) -> Int {
    let count = playout.render(into: &output)
    while let event = playout.nextEvent() { take(event, at: now) }
    return count
  }

  private mutating func take(_ event: PlayoutEvent, at now: Duration) {
    switch event.kind {
    case .started:
      if timing.firstPlayed == nil {
        timing.firstPlayed = now
        // Someone who speaks on into an answer turns it down and, going on, interrupts it.
        microphone?.feed.interruption.restart()
      }
      tell(.playoutStarted(itemID: event.itemID, timing))
    case .finished:
      tell(.playoutFinished(itemID: event.itemID))
      if playout.isDucked, !isSounding {
        playout.restore()
        tell(.restored)
      }
    case .starved: tell(.playoutStarved(itemID: event.itemID))
    case .resumed: break
    }
  }

  /// Whether an answer is played, or waits for it.
  var isSounding: Bool { playout.isPlaying || !playout.isEmpty }

  /// Whether the next pull gives a sample of an answer: it sounds already, or fades, or the jitter buffer is full.
  public var isOutputReady: Bool { playout.isReady || !playout.tail.isEmpty }

  /// The same of what is not stopped.
  package var isAnswerReady: Bool { playout.isReady }

  /// The clocks of the present turn, as far as they have come.
  package var turnTiming: TurnTiming { timing }

  // MARK: Interruption

  mutating func judge(_ verdict: InterruptionDetector.Verdict, at now: Duration) {
    guard isSounding, configuration.interruption.confirmation != .never else { return }
    // Who does not press the button does not speak to the service.
    if case .pushToTalk = configuration.turnTaking { return }
    switch verdict {
    case .suspected: duck()
    case .dismissed:
      guard playout.isDucked else { return }
      playout.restore()
      tell(.restored)
    case .confirmed:
      duck()
      interrupt(at: now, servicesOwn: false)
    }
  }

  private mutating func duck() {
    guard !playout.isDucked else { return }
    playout.duck()
    tell(.ducked)
  }

  /// Stops the answer, as someone who speaks over it does: a button, say. Nothing more of it is played; it is cancelled,
  /// and its items are cut at what was heard, as far as the dialect has that.
  public mutating func stopAnswer(at now: Duration) {
    guard phase == .ready else { return }
    interrupt(at: now, servicesOwn: false)
  }

  /// The user has the turn: nothing more of the answer is played, here or at the service.
  ///
  /// - Parameter servicesOwn: Whether the service ends the answer by itself.
  mutating func interrupt(at now: Duration, servicesOwn: Bool) {
    let muted = answers.muteAll()
    // What only fades has been interrupted already.
    guard playout.isPlaying || playout.waitingSampleCount > 0 || !muted.isEmpty else { return }
    if !servicesOwn { for responseID in muted { say(.cancelResponse(id: responseID)) } }
    stopPlayout(editing: true)
  }

  /// Stops what is played, tells the service how much of it was heard, and everyone else.
  mutating func stopPlayout(editing: Bool) {
    let stopped = playout.stop()
    let rate = playoutRate
    var heard: [HeardItem] = []
    for item in stopped {
      let milliseconds = PlayoutQueue.milliseconds(
        heard: item.heardSampleCount, received: item.receivedSampleCount, at: rate)
      heard.append(
        HeardItem(
          itemID: item.id, heardInMilliseconds: milliseconds,
          receivedInMilliseconds: PlayoutQueue.milliseconds(
            heard: item.receivedSampleCount, received: item.receivedSampleCount, at: rate)))
      history.cut(itemID: item.id, heard: item.heardSampleCount, of: item.receivedSampleCount)
      guard editing, rules.editsItems, let serviceName = items.serviceName(of: item.id) else { continue }
      // A service refuses to truncate to nothing.
      if milliseconds > 0 {
        say(
          .truncateItem(
            id: serviceName, contentIndex: item.contentIndex, audioEndInMilliseconds: milliseconds))
      } else {
        say(.deleteItem(id: serviceName))
      }
    }
    tell(.interrupted(heard))
  }
}
