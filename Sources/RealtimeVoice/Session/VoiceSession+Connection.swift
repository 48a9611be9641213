import AudioDSP

extension VoiceSession {
  /// Starts the session, once: the first action asks for a connection. Later calls do nothing.
  public mutating func start(at now: Duration) {
    guard phase == .idle else { return }
    phase = .connecting
    actions.append(.connect(after: .zero))
  }

  /// The connection that was asked for is there.
  public mutating func connected(at now: Duration) {
    guard phase == .connecting else { return }
    phase = .starting(limit: now + configuration.startLimit)
    // A service may name things as the connection before did.
    seen = RecentIDs()
    seenCalls = RecentIDs()
    items = ItemNames()
    if rules.configuresFirst { configure() }
  }

  /// The connection is lost, or could not be made.
  public mutating func disconnected(_ end: ConnectionEnd, at now: Duration) {
    switch phase {
    case .idle, .closed: return
    case .connecting, .starting, .ready: loseConnection(end, at: now, disconnects: false)
    }
  }

  /// Ends the session. What waits is dropped, and what is played stops, with a fade.
  public mutating func close(at now: Duration) {
    guard phase != .closed else { return }
    _ = playout.stop()
    end(.closed)
  }

  /// Nothing is told, sent or asked for behind this; what has come of an answer can still be played.
  mutating func end(_ reason: SessionEnd) {
    guard phase != .closed else { return }
    if phase != .idle { actions.append(.disconnect) }
    forgetConnection()
    playout.completeAll()
    // It was to be asked for at a connection that could not be made.
    if wantsAnswer, reason != .closed { tell(.answerFinished(.lost)) }
    wantsAnswer = false
    inputEndDue = nil
    tell(.closed(reason))
    phase = .closed
  }

  /// Drops what belongs to a connection that is no more.
  private mutating func forgetConnection() {
    urgent.removeAll()
    _ = answers.startConnection()
    serviceHearsSpeech = false
    uncommittedCount = 0
    refusalCount = 0
    readyAt = nil
    isInDoubt = false
    silenceLimit = nil
    lastPingAt = nil
    pingInterval = nil
    renewalDue = nil
    renewalLimit = nil
    // Results for calls of a session that is gone would be refused.
    for id in calls.keys.sorted() { actions.append(.cancelCall(id: id)) }
    calls.removeAll()
  }

  /// - Parameter disconnects: Whether the connection is still there and to be closed.
  mutating func loseConnection(_ end: ConnectionEnd, at now: Duration, disconnects: Bool) {
    // A session that could not be gone on with starts anew, with what was said.
    if case .starting = phase { resumptionHandle = nil }
    abandonAnswer(at: now)
    if let readyAt, now - readyAt >= configuration.reconnection.resetAfter { attempt = 0 }
    guard end.isTransient, attempt < configuration.reconnection.attempts else {
      self.end(.failed(end.reason))
      return
    }
    if disconnects { actions.append(.disconnect) }
    attempt += 1
    let delay = configuration.reconnection.delay(before: attempt, random: random.nextUnit())
    tell(.reconnecting(attempt: attempt, after: delay, reason: end.reason))
    reconnect(after: delay)
  }

  /// Makes another connection that goes on where this one ends.
  private mutating func reconnect(after delay: Duration) {
    forgetConnection()
    phase = .connecting
    actions.append(.connect(after: delay))
  }

  // MARK: Silence

  /// Gives a connection up whose service has fallen silent: one that says nothing though it was spoken to, or whose pings
  /// have ended.
  mutating func passSilenceLimit(at now: Duration) {
    guard let limit = Self.earlier(silenceLimit, missedPingsLimit), now >= limit else { return }
    loseToSilence(at: now)
  }

  /// When a service that pings has been silent for two of the longest intervals that its pings had, and for as long again
  /// as an answer may stall. Two pings that were read at once say nothing of an interval, hence 10 s at the least.
  var missedPingsLimit: Duration? {
    pingInterval.map { lastMessageAt + max($0 * 2, .seconds(10)) + configuration.stallLimit }
  }

  mutating func notePing(at now: Duration) {
    if let lastPingAt { pingInterval = max(pingInterval ?? .zero, now - lastPingAt) }
    lastPingAt = now
  }

  mutating func loseToSilence(at now: Duration) {
    let silence = Duration.seconds((now - lastMessageAt).components.seconds)
    loseConnection(
      ConnectionEnd(reason: "the service has said nothing for \(silence.text)", isTransient: true), at: now,
      disconnects: true)
  }

  // MARK: Renewal

  /// Whether a new connection would cut nobody short.
  private var isQuiet: Bool {
    answers.isIdle && !wantsAnswer && calls.isEmpty && !serviceHearsSpeech && !isInTurn && !isTurnOpenAtService
      && urgent.isEmpty && !isSounding
  }

  mutating func renewIfDue(at now: Duration) {
    guard let due = renewalDue, now >= due, let limit = renewalLimit else { return }
    guard isQuiet || now >= limit else {
      // Looked at again when something ends, and at this pace: nothing tells when the user falls silent.
      renewalDue = min(limit, now + .milliseconds(100))
      return
    }
    renew(at: now)
  }

  /// Makes another connection, since this one reaches the service's limit.
  mutating func renew(at now: Duration) {
    // A service that ends sessions as soon as they have started is not to be called again and again.
    guard let readyAt, now - readyAt >= min(configuration.reconnection.resetAfter, shortestSession) else {
      loseConnection(
        ConnectionEnd(reason: "the service ended a session that had just started", isTransient: true), at: now,
        disconnects: true)
      return
    }
    tell(.renewing)
    abandonAnswer(at: now)
    actions.append(.disconnect)
    reconnect(after: .zero)
  }

  /// How long a session lasts that is renewed as soon as it may be.
  private var shortestSession: Duration { (configuration.connectionLimit ?? .seconds(3600)) / 2 }

  /// The service says how long it will go on.
  mutating func expectEnd(in timeLeft: Duration, at now: Duration) {
    // A second is enough to make a connection, and what is said meanwhile waits.
    let limit = now + max(.zero, timeLeft - .seconds(1))
    if let renewalLimit, renewalLimit <= limit { return }
    renewalLimit = limit
    renewalDue = now
  }

  // MARK: The start of a session

  /// What the service is told.
  static func settings(
    _ configuration: SessionConfiguration, tools: [ToolDescription], resumptionHandle: String?
  ) -> SessionSettings {
    var detection = ServiceTurnDetection.off
    if case .service(let service) = configuration.turnTaking { detection = service }
    return SessionSettings(
      model: configuration.model ?? configuration.dialect.defaultModel, instructions: configuration.instructions,
      voice: configuration.voice,
      language: configuration.language, transcriptionModel: configuration.transcriptionModel,
      turnDetection: detection, tools: tools, inputRate: configuration.dialect.defaultRate,
      outputRate: configuration.dialect.defaultRate(of: .received), temperature: configuration.temperature,
      speed: configuration.speed, maximumOutputTokens: configuration.maximumOutputTokens,
      resumptionHandle: resumptionHandle, extra: configuration.extraSettings)
  }

  private mutating func configure() {
    say(.configure(Self.settings(configuration, tools: tools, resumptionHandle: resumptionHandle)))
  }

  mutating func sessionStarted(_ announcement: SessionAnnouncement, at now: Duration) {
    guard case .starting = phase else { return }
    guard prepareAudio(announcement, at: now) else { return }
    phase = .ready
    readyAt = now
    lastMessageAt = now
    let limit = configuration.connectionLimit ?? rules.connectionLimit
    renewalDue = limit.map { now + max($0 / 2, $0 - configuration.renewalMargin) }
    renewalLimit = limit.map { now + max($0 * 3 / 4, $0 - min(.seconds(5), configuration.renewalMargin)) }
    let isRenewed = sessionCount > 0
    sessionCount += 1
    if !rules.configuresFirst { configure() }
    if isRenewed, resumptionHandle == nil { tellHistory() }
    tell(.ready(sessionID: announcement.id, isRenewed: isRenewed))
    // The turn that goes on has started at another session.
    if isTurnOpenAtService { say(.activityStart) }
    hearEarlyInput(at: now)
    if wantsAnswer {
      isAskedAgain = isRenewed
      askForAnswer(at: now)
    }
  }

  private mutating func tellHistory() {
    let messages = history.messages
    guard !messages.isEmpty, !say(.history(messages)) else { return }
    for message in messages { say(.message(message)) }
  }

  /// Makes what depends on the rates that the service announces.
  ///
  /// - Returns: Whether there is a way to speak with this service.
  private mutating func prepareAudio(_ announcement: SessionAnnouncement, at now: Duration) -> Bool {
    // OpenAI announces the formats that it would use if we said nothing; ours come behind it.
    let announces = rules.announcesFormats
    let input = announces ? announcement.inputFormat : nil
    let output = announces ? announcement.outputFormat : nil
    let sentRate = input?.sampleRate ?? configuration.dialect.defaultRate
    let sentEncoding = input?.encoding ?? .pcm16
    outputEncoding = output?.encoding ?? .pcm16
    let playedRate = output?.sampleRate ?? configuration.dialect.defaultRate(of: .received)
    if playout.sampleRate != playedRate {
      let waiting = playout.waitingSampleCount
      if waiting > 0 { tell(.outputDropped(sampleCount: waiting)) }
      if let itemID = playout.playingItemID { tell(.playoutFinished(itemID: itemID)) }
      if playout.isDucked { tell(.restored) }
      playout = PlayoutQueue(sampleRate: playedRate, configuration: configuration.playout)
      items = ItemNames()
      reportedOutputDrops = 0
    }
    if audioEncoder.sampleRate != sentRate || audioEncoder.encoding != sentEncoding {
      audioEncoder = AudioEventEncoder(configuration.dialect, sampleRate: sentRate, encoding: sentEncoding)
    }
    guard microphone == nil || microphone?.sentRate != sentRate else { return true }
    let waiting = waitingInputCount
    if waiting > 0 { tell(.inputDropped(sampleCount: waiting)) }
    do throws(SessionConfigurationError) {
      microphone = try Self.microphone(configuration, outputRate: sentRate)
    } catch {
      end(.failed("\(error)"))
      return false
    }
    reportedDropCount = 0
    return true
  }
}

/// S. Vigna's generator for seeding and jitter (public domain, 2015); of no use for secrets.
struct SplitMix64: Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 0..<1.
  mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
