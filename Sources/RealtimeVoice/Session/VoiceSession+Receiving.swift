import AudioDSP

extension VoiceSession {
  /// Takes a message of the service's.
  ///
  /// Nothing that a service sends ends the session but its own word that it does: what cannot be read is told as
  /// ``SessionEvent/malformed(_:)``, what is not known as ``SessionEvent/unknown(type:)``. An event that comes a second
  /// time, by its `event_id`, is skipped.
  public mutating func receive(_ message: Span<UInt8>, isBinary: Bool = false, at now: Duration) {
    switch phase {
    case .idle, .connecting, .closed: return
    case .starting, .ready: break
    }
    if isBinary, !rules.takesBinary {
      tell(.malformed("a binary message of \(message.count) bytes"))
      return
    }
    do throws(ServerEventDecodingError) {
      let message = try decoder.decode(message)
      if let id = message.eventID, !seen.insert(id) { return }
      for event in message.events where phase != .closed { take(event, at: now) }
    } catch {
      tell(.malformed("\(error)"))
    }
  }

  private mutating func take(_ event: ServerEvent, at now: Duration) {
    switch event {
    case .sessionStarted(let announcement): sessionStarted(announcement, at: now)
    case .sessionUpdated, .audioCleared, .itemTruncated, .itemDeleted, .ignored: break
    case .speechStarted: serviceHeardSpeech(at: now)
    case .speechStopped:
      serviceHearsSpeech = false
      if isServicesTurn {
        timing = TurnTiming(speechEnded: microphone?.speechEndedAt, committed: now)
        tell(.turnEnded(audio: nil))
      }
    case .audioCommitted(let itemID):
      history.reserve(itemID: itemID, speaker: .user)
      guard isServicesTurn else { return }
      uncommittedCount = 0
      if serviceCreatesAnswers, answers.isIdle { answers.await(for: configuration.answerLimit, from: now) }
    case .responseStarted(let id): noteAnswer(id, at: now)
    case .audio(let delta): take(delta, at: now)
    case .audioDone(let itemID): completeItem(itemID)
    case .text(let delta): take(delta, at: now)
    case .functionCall(let call): take(call, at: now)
    case .functionCallsCancelled(let ids):
      for id in ids where calls.removeValue(forKey: id) != nil { actions.append(.cancelCall(id: id)) }
    case .interrupted(let through): serviceInterrupted(through, at: now)
    case .responseDone(let outcome): finishAnswer(outcome, at: now)
    case .usage(let usage): count(usage)
    case .rateLimits(let limits): tell(.rateLimits(limits))
    case .error(let error): take(error, at: now)
    case .ping(let eventID): say(.pong(eventID: eventID))
    case .goingAway(let timeLeft): expectEnd(in: timeLeft ?? .zero, at: now)
    case .resumption(let handle): resumptionHandle = handle ?? resumptionHandle
    case .unknown(let type): tell(.unknown(type: type))
    }
  }

  private mutating func count(_ usage: Usage) {
    self.usage += usage
    tell(.usage(usage))
  }

  // MARK: Turns of the service's

  private var isServicesTurn: Bool {
    if case .service = configuration.turnTaking { true } else { false }
  }

  private var serviceCreatesAnswers: Bool {
    switch configuration.turnTaking {
    case .service(.silence(_, _, _, let creates, _)), .service(.meaning(_, let creates, _)): creates
    case .service(.off), .local, .pushToTalk: false
    }
  }

  /// Whether the service ends its answer by itself when it hears the user.
  private var serviceInterrupts: Bool {
    switch configuration.turnTaking {
    case .service(.silence(_, _, _, _, let interrupts)), .service(.meaning(_, _, let interrupts)): interrupts
    case .service(.off), .local, .pushToTalk: false
    }
  }

  private mutating func serviceHeardSpeech(at now: Duration) {
    serviceHearsSpeech = true
    if isServicesTurn { tell(.turnStarted) }
    let confirms =
      switch configuration.interruption.confirmation {
      case .service, .either: true
      case .speech, .never: serviceInterrupts
      }
    if confirms { interrupt(at: now, servicesOwn: serviceInterrupts) }
  }

  /// The service has ended its answer because it hears the user, and says so.
  private mutating func serviceInterrupted(_ through: Int?, at now: Duration) {
    if let through { answers.interruptedThrough = max(answers.interruptedThrough, through) }
    interrupt(at: now, servicesOwn: true)
    if rules.answerEnd != nil, answers.active != nil {
      finishAnswer(ResponseOutcome(status: .cancelled(reason: "interrupted")), at: now)
    }
  }

  // MARK: Answers

  mutating func noteAnswer(_ responseID: String?, at now: Duration) {
    guard answers.touch(responseID, at: now) else { return }
    answers.stallLimit = configuration.stallLimit
    answers.quietEnd = rules.answerEnd
    noteUntoldTurn()
    timing.answerStarted = now
    timing.firstAudio = nil
    timing.firstPlayed = nil
    tell(.answerStarted(responseID: responseID))
  }

  /// Some services do not say that a turn has ended: they answer.
  private mutating func noteUntoldTurn() {
    guard isServicesTurn, let end = microphone?.feed.speechEnd, end != answeredSpeechEnd else { return }
    answeredSpeechEnd = end
    guard timing.committed == nil || timing.firstPlayed != nil else { return }
    timing = TurnTiming(speechEnded: microphone?.speechEndedAt)
    tell(.turnEnded(audio: nil))
  }

  private mutating func take(_ delta: AudioDelta, at now: Duration) {
    if let sequence = delta.sequence, sequence <= answers.interruptedThrough { return }
    guard !answers.isDead(delta.responseID) else { return }
    noteAnswer(delta.responseID, at: now)
    guard let itemID = delta.itemID ?? answers.active?.ownItemID else { return }
    if answers.active?.itemIDs.contains(itemID) == false {
      answers.active?.itemIDs.append(itemID)
      history.reserve(itemID: itemID, speaker: .assistant)
    }
    if timing.firstAudio == nil { timing.firstAudio = now }
    playout.append(
      delta.bytes.span, encoding: delta.format.encoding ?? answers.encoding, toItem: itemID,
      contentIndex: delta.contentIndex)
    let dropped = playout.droppedSampleCount
    if dropped > reportedOutputDrops {
      tell(.outputDropped(sampleCount: dropped - reportedOutputDrops))
      reportedOutputDrops = dropped
    }
  }

  private mutating func completeItem(_ itemID: String?) {
    if let itemID = itemID ?? answers.active?.ownItemID { playout.complete(itemID: itemID) }
  }

  private mutating func take(_ delta: TextDelta, at now: Duration) {
    var delta = delta
    if delta.speaker == .assistant {
      guard !answers.isDead(delta.responseID) else { return }
      // Those of an answer show that it goes on; where its end is not told, they may come behind it, too.
      let mayBegin = rules.answerEnd == nil || answers.active != nil
      if mayBegin, !answers.isFinished(delta.responseID) { noteAnswer(delta.responseID, at: now) }
      if delta.itemID == nil { delta.itemID = answers.active?.ownItemID }
    }
    history.note(delta)
    tell(.text(delta))
  }

  private mutating func finishAnswer(_ outcome: ResponseOutcome, at now: Duration) {
    if answers.isFinished(outcome.responseID) { return }
    // An answer that failed at once may have had no start.
    noteAnswer(outcome.responseID, at: now)
    if let usage = outcome.usage { count(usage) }
    guard let answer = answers.finish() else { return }
    for itemID in answer.itemIDs { playout.complete(itemID: itemID) }
    if case .cancelled(let reason) = outcome.status, !answer.isInterrupted, reason == "turn_detected" {
      // The service has ended it for the user's speech, of which we have not been told otherwise.
      stopPlayout(editing: true)
    }
    tell(.answerFinished(.told(outcome)))
    goOn(at: now)
  }

  /// Asks for what is owed: the answer to what tools returned, or one that had to wait for another's end.
  mutating func goOn(at now: Duration) {
    guard answers.active == nil, calls.isEmpty else { return }
    if answers.owesContinuation {
      answers.owesContinuation = false
      if rules.asksForAnswers {
        askForAnswer(at: now)
      } else {
        answers.await(for: configuration.answerLimit, from: now)
      }
    } else if wantsAnswer {
      askForAnswer(at: now)
    }
  }

  /// Asks for an answer, now or when the one under way is over: a service refuses a second one at a time.
  mutating func askForAnswer(at now: Duration) {
    guard phase == .ready, answers.active == nil else {
      wantsAnswer = true
      return
    }
    wantsAnswer = false
    let eventID = "utter-\(nextEventNumber)"
    if say(.createResponse) {
      answers.await(for: configuration.answerLimit, from: now, askedBy: eventID)
    }
  }

  /// What the service complains of.
  private mutating func take(_ error: ServiceError, at now: Duration) {
    switch error.code {
    case "response_cancel_not_active": return  // It was over before it could be cancelled.
    case "conversation_already_has_active_response":
      answers.stopAwaiting()
      wantsAnswer = true
    case "session_expired":
      tell(.serviceError(error))
      renew(at: now)
    default:
      tell(.serviceError(error))
      if let eventID = error.eventID, eventID == answers.askedBy {
        answers.stopAwaiting()
        tell(.answerFinished(.told(ResponseOutcome(status: .failed(error)))))
      }
    }
  }

  /// The connection is gone, and with it what was to come.
  mutating func abandonAnswer(at now: Duration) {
    serviceHearsSpeech = false
    answers.owesContinuation = false
    let answer = answers.finish()
    answers.owesContinuation = false
    let wasAwaited = answers.awaited != nil
    answers.stopAwaiting()
    playout.completeAll()
    guard answer != nil || wasAwaited else { return }
    if answer?.itemIDs.isEmpty ?? true, rules.asksForAnswers, history.endsWithUser {
      // The question is known in words, and nothing of the answer was heard: it is asked again.
      wantsAnswer = true
    } else {
      tell(.answerFinished(.lost))
    }
  }

  mutating func passAnswerLimits(at now: Duration) {
    if playout.isFull { receivingResumed(at: now) }
    guard let deadline = answers.deadline, now >= deadline else { return }
    guard let answer = answers.active else {
      let wait = answers.awaited?.wait ?? .zero
      answers.stopAwaiting()
      tell(.answerFinished(.missing(after: wait)))
      goOn(at: now)
      return
    }
    guard rules.answerEnd == nil else {
      finishAnswer(ResponseOutcome(responseID: answer.responseID, status: .completed), at: now)
      return
    }
    for itemID in answer.itemIDs { playout.complete(itemID: itemID) }
    say(.cancelResponse(id: answer.responseID))
    answers.kill()
    _ = answers.finish()
    answers.owesContinuation = false
    tell(.answerFinished(.stalled(after: configuration.stallLimit)))
    goOn(at: now)
  }

  /// Nothing was read for a while, by our own will: what the service was to say may be there already.
  public mutating func receivingResumed(at now: Duration) {
    answers.active?.lastEventAt = now
  }
}
