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
    lastMessageAt = now
    isInDoubt = false
    silenceLimit = nil
    if isBinary, !rules.takesBinary {
      tell(.malformed("a binary message of \(message.count) bytes"))
      return
    }
    do throws(ServerEventDecodingError) {
      let message = try decoder.decode(message)
      if let id = message.eventID, !seen.insert(id) { return }
      for event in message.events {
        switch phase {
        // The rest of a message that has ended the session, or this connection.
        case .idle, .connecting, .closed: return
        case .starting, .ready: take(event, at: now)
        }
      }
    } catch {
      tell(.malformed("\(error)"))
    }
    checkUrgent(at: now)
  }

  private mutating func take(_ event: ServerEvent, at now: Duration) {
    switch event {
    case .sessionStarted(let announcement): sessionStarted(announcement, at: now)
    case .sessionUpdated, .audioCleared, .itemTruncated, .itemDeleted, .ignored: break
    case .speechStarted: serviceHeardSpeech(at: now)
    case .speechStopped:
      serviceHearsSpeech = false
      if isServicesTurn {
        noteTurn(TurnTiming(speechEnded: speechEndedAt, committed: now))
        tell(.turnEnded(audio: nil))
      }
    case .audioCommitted(let itemID):
      if let itemID { history.reserve(itemID: name(ofItem: itemID), speaker: .user) }
      guard isServicesTurn else { return }
      serviceHearsSpeech = false
      uncommittedCount = 0
      if serviceCreatesAnswers, answers.isIdle { answers.startAwaiting(for: configuration.answerLimit, from: now) }
    case .responseStarted(let id): noteAnswer(id, at: now)
    case .audio(let delta): take(delta, at: now)
    case .audioDone(let itemID): completeItem(itemID)
    case .text(let delta): take(delta, at: now)
    case .functionCall(let call): take(call, at: now)
    case .functionCallsCancelled(let ids): cancelCalls(ids)
    case .interrupted(let through): serviceInterrupted(through, at: now)
    case .responseDone(let outcome): finishAnswer(outcome, at: now)
    case .usage(let usage): count(usage)
    case .rateLimits(let limits): tell(.rateLimits(limits))
    case .error(let error): take(error, at: now)
    case .ping(let eventID):
      notePing(at: now)
      say(.pong(eventID: eventID))
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
    let ownItemID = answers.active?.ownItemID
    interrupt(at: now, servicesOwn: true)
    guard rules.answerEnd != nil else {
      answers.noteEnding()
      return
    }
    if answers.active != nil { finishAnswer(ResponseOutcome(status: .cancelled(reason: "interrupted")), at: now) }
    answers.correctableItemID = ownItemID ?? answers.lastOwnItemID
  }

  // MARK: Answers

  /// What an item of this connection is called here.
  private mutating func name(ofItem id: String) -> String {
    if let name = items.name(ofServices: id) { return name }
    let isTaken = playout.account(of: id) != nil || history.contains(itemID: id)
    return items.add(id, isTaken: isTaken, session: sessionCount)
  }

  mutating func noteAnswer(_ responseID: String?, at now: Duration) {
    let isContinuation = answers.owesContinuation
    guard answers.touch(responseID, at: now) else { return }
    refusalCount = 0
    if isTimingFresh {
      isTimingFresh = false
    } else if !isContinuation {
      // The service tells no end of turns, or answers without one.
      let isNew = isServicesTurn && speechEnd ?? 0 > answeredSpeechEnd ?? 0
      timing = TurnTiming(speechEnded: isNew ? speechEndedAt : nil)
      if isNew { tell(.turnEnded(audio: nil)) }
    }
    answers.owesContinuation = false
    answeredSpeechEnd = speechEnd
    timing.answerStarted = now
    timing.firstAudio = nil
    timing.firstPlayed = nil
    tell(.answerStarted(responseID: responseID))
    // The user has taken the turn since this was asked for.
    if isPressed { interrupt(at: now, servicesOwn: false) }
    if answers.open.count > Self.answerLimit, let oldest = answers.open.first { giveUp(oldest, at: now) }
  }

  /// The most answers that are under way at once: services have one, and say of the one before it that it is over.
  static let answerLimit = 4

  /// Whether the button is held.
  private var isPressed: Bool {
    guard case .pushToTalk = configuration.turnTaking else { return false }
    return isInTurn
  }

  private mutating func take(_ delta: AudioDelta, at now: Duration) {
    if let sequence = delta.sequence, sequence <= answers.interruptedThrough { return }
    guard !answers.isMuted(delta.responseID) else {
      // It goes on all the same, so that it has not stalled.
      noteAnswer(delta.responseID, at: now)
      return
    }
    noteAnswer(delta.responseID, at: now)
    if calls.isEmpty, !rules.asksForAnswers { answers.forgetCalls() }
    // It may have been interrupted as soon as it began.
    guard !answers.isMuted(delta.responseID), !delta.bytes.isEmpty else { return }
    if let rate = delta.format.sampleRate, rate != playoutRate {
      tell(.malformed("audio at \(rate) where \(playoutRate) was agreed upon"))
      return
    }
    let itemID = delta.itemID.map { name(ofItem: $0) } ?? answers.ownItemID
    let isFinished = answers.isFinished(delta.responseID)
    if answers.noteItem(itemID, of: delta.responseID) { history.reserve(itemID: itemID, speaker: .assistant) }
    if timing.firstAudio == nil, !isFinished { timing.firstAudio = now }
    playout.append(
      delta.bytes.span, encoding: delta.format.encoding ?? outputEncoding, toItem: itemID,
      contentIndex: delta.contentIndex)
    // What comes behind its answer's end comes without another one.
    if isFinished { playout.complete(itemID: itemID) }
    let dropped = playout.droppedSampleCount
    if dropped > reportedOutputDrops {
      tell(.outputDropped(sampleCount: dropped - reportedOutputDrops))
      reportedOutputDrops = dropped
    }
  }

  private mutating func completeItem(_ itemID: String?) {
    let name = if let itemID { items.name(ofServices: itemID) } else { answers.active?.ownItemID }
    if let name { playout.complete(itemID: name) }
  }

  private mutating func take(_ delta: TextDelta, at now: Duration) {
    var delta = delta
    if let itemID = delta.itemID { delta.itemID = name(ofItem: itemID) }
    if delta.speaker == .assistant {
      guard !answers.isMuted(delta.responseID) else {
        noteAnswer(delta.responseID, at: now)
        return
      }
      if rules.answerEnd == nil {
        noteAnswer(delta.responseID, at: now)
        if calls.isEmpty, !rules.asksForAnswers { answers.forgetCalls() }
        if delta.itemID == nil { delta.itemID = answers.active?.ownItemID }
      } else if delta.itemID == nil {
        // Words come before the audio, which is what an answer consists of; or they correct one that was cut.
        if let cut = answers.correctableItemID {
          history.correct(itemID: cut, delta.text)
          delta.isCorrection = true
        }
        delta.itemID = answers.correctableItemID ?? answers.ownItemID
        answers.correctableItemID = nil
      }
    } else {
      answers.correctableItemID = nil
    }
    history.note(delta)
    tell(.text(delta))
  }

  private mutating func finishAnswer(_ outcome: ResponseOutcome, at now: Duration) {
    guard answers.noteDone(outcome.responseID) else { return }
    if let usage = outcome.usage { count(usage) }
    if case .cancelled = outcome.status { answers.mute(outcome.responseID) }
    if answers.takeEndOfGivenUp(outcome.responseID) { return }
    if outcome.responseID != nil || answers.awaited != nil {
      // An answer that failed at once may have had no start.
      noteAnswer(outcome.responseID, at: now)
    }
    guard let answer = answers.finish(outcome.responseID) else { return }
    for itemID in answer.itemIDs { playout.complete(itemID: itemID) }
    if case .cancelled(let reason) = outcome.status, !answer.isInterrupted, reason == "turn_detected", isSounding {
      // The service has ended it for the user's speech, of which we have not been told otherwise.
      stopPlayout(editing: true)
    }
    tell(.answerFinished(.told(outcome)))
    goOn(at: now)
  }

  /// How long a service may take to say anything where it was told something that it always answers. Intercontinental
  /// round trips take .3 s.
  static let signOfLifeLimit = Duration.seconds(5)
  /// The same where it answers nothing but with an answer, of which a model may think for long.
  private static let longestThought = Duration.seconds(60)

  /// Nothing comes of an answer any more.
  private mutating func giveUp(_ answer: AnswerLedger.Answer, at now: Duration) {
    for itemID in answer.itemIDs { playout.complete(itemID: itemID) }
    // The service says that it was cancelled, or why it cannot be.
    if say(.cancelResponse(id: answer.responseID)) { isInDoubt = true }
    answers.mute(answer.responseID)
    guard answers.finish(answer.responseID) != nil else { return }
    if answer.responseID == nil { answers.owesEnd = true }
    tell(
      .answerFinished(
        answer.isEnding
          ? .told(ResponseOutcome(responseID: answer.responseID, status: .cancelled(reason: "interrupted")))
          : .stalled(after: configuration.stallLimit)))
  }

  /// Asks for what is owed: the answer to what tools returned, or one that had to wait for another's end.
  mutating func goOn(at now: Duration) {
    answers.isHeld = !calls.isEmpty && !rules.asksForAnswers
    guard answers.open.isEmpty, calls.isEmpty else { return }
    if answers.owesContinuation {
      if rules.asksForAnswers {
        answers.owesContinuation = false
        askForAnswer(at: now)
      } else if answers.awaited == nil {
        // Owed until the answer comes, or does not.
        answers.startAwaiting(for: configuration.answerLimit, from: now)
      }
    } else if wantsAnswer {
      askForAnswer(at: now)
    } else {
      // What was awaited behind this answer.
      answers.restartWaits(at: now)
    }
  }

  /// Asks for an answer, now or when the one under way is over: a service refuses a second one at a time.
  mutating func askForAnswer(at now: Duration) {
    guard phase == .ready, answers.open.isEmpty, answers.awaited == nil else {
      wantsAnswer = true
      return
    }
    wantsAnswer = false
    let eventID = "utter-\(nextEventNumber)"
    if say(.createResponse) {
      answers.startAwaiting(for: configuration.answerLimit, from: now, askedBy: eventID)
    }
  }

  /// What the service complains of.
  private mutating func take(_ error: ServiceError, at now: Duration) {
    switch error.code {
    case "response_cancel_not_active": return  // It was over before it could be cancelled.
    case "conversation_already_has_active_response" where refusalCount < 2:
      refusalCount += 1
      answers.stopAwaiting()
      wantsAnswer = true
      // One of which nothing has come yet; if nothing comes, ours is asked for again.
      if answers.open.isEmpty { answers.startAwaiting(for: configuration.answerLimit, from: now) }
    case "session_expired":
      tell(.serviceError(error))
      renew(at: now)
    default:
      tell(.serviceError(error))
      guard let asked = answers.askedBy, error.eventID == asked else { return }
      answers.stopAwaiting()
      tell(.answerFinished(.told(ResponseOutcome(status: .failed(error)))))
      goOn(at: now)
    }
  }

  /// The connection is gone, and with it what was to come.
  mutating func abandonAnswer(at now: Duration) {
    // An answer that the user has interrupted is not missed.
    let isOwed = wantsAnswer || answers.awaited != nil || answers.owesContinuation || !calls.isEmpty
    let lost = answers.startConnection().filter { !$0.isInterrupted }
    playout.completeAll()
    // What is wanted was not asked for at a connection that had no session yet: it still is to be.
    guard !lost.isEmpty || (isOwed && phase == .ready) else { return }
    if lost.allSatisfy(\.itemIDs.isEmpty), rules.asksForAnswers, history.endsWithUser, !isAskedAgain {
      // The question is known in words, and nothing of the answer was heard: it is asked again.
      wantsAnswer = true
    } else {
      wantsAnswer = false
      tell(.answerFinished(.lost))
    }
  }

  mutating func passAnswerLimits(at now: Duration) {
    if playout.isFull { receivingResumed(at: now) }
    guard let deadline = answers.deadline, now >= deadline else { return }
    if answers.open.isEmpty {
      let wait = answers.awaited?.wait ?? .zero
      // Not even that it has heard the question: there is nobody any more.
      if lastMessageAt <= deadline - wait,
        now - lastMessageAt >= (rules.asksForAnswers ? Self.signOfLifeLimit : Self.longestThought)
      {
        return loseToSilence(at: now)
      }
      answers.stopAwaiting()
      answers.owesContinuation = false
      tell(.answerFinished(.missing(after: wait)))
    }
    while let answer = answers.overdue(at: now) {
      if rules.answerEnd == nil {
        giveUp(answer, at: now)
        // What its tools returned is not answered either.
        answers.owesContinuation = false
      } else {
        finishAnswer(ResponseOutcome(responseID: answer.responseID, status: .completed), at: now)
      }
    }
    goOn(at: now)
  }

  /// Nothing was read for a while, by our own will: what the service was to say may be there already.
  public mutating func receivingResumed(at now: Duration) {
    answers.restartWaits(at: now)
    lastMessageAt = now
    // Pings that waited to be read say nothing of their interval.
    lastPingAt = nil
    if silenceLimit != nil { silenceLimit = now + Self.signOfLifeLimit }
  }
}
