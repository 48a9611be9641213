import AudioDSP

extension VoiceSession {
  /// Starts the session: the first action asks for a connection.
  public mutating func start(at now: Duration) {
    guard phase == .idle else { return }
    phase = .connecting
    actions.append(.connect(after: .zero))
  }

  /// The connection that was asked for is there.
  public mutating func connected(at now: Duration) {
    guard phase == .connecting else { return }
    phase = .starting(limit: now + configuration.startLimit)
    urgent.removeAll(keepingCapacity: true)
    urgentHead = 0
    if rules.configuresFirst { say(.configure(settings)) }
  }

  /// The connection is lost, or could not be made.
  public mutating func disconnected(_ end: ConnectionEnd, at now: Duration) {
    switch phase {
    case .idle, .closed: return
    case .connecting, .starting, .ready: loseConnection(end, at: now, disconnects: false)
    }
  }

  /// Ends the session. What waits is dropped; ``isSettled`` tells when nothing does.
  public mutating func close(at now: Duration) { end(.closed) }

  mutating func end(_ reason: SessionEnd) {
    guard phase != .closed else { return }
    let wasConnected = phase != .idle
    phase = .closed
    for id in calls.keys.sorted() { actions.append(.cancelCall(id: id)) }
    calls.removeAll()
    if wasConnected { actions.append(.disconnect) }
    tell(.closed(reason))
  }

  /// - Parameter disconnects: Whether the connection is still there and to be closed.
  mutating func loseConnection(_ end: ConnectionEnd, at now: Duration, disconnects: Bool) {
    if disconnects { actions.append(.disconnect) }
    abandonAnswer(at: now)
    if let readyAt, now - readyAt >= configuration.reconnection.resetAfter { attempt = 0 }
    readyAt = nil
    renewalDue = nil
    renewalLimit = nil
    guard end.isTransient, attempt < configuration.reconnection.attempts else {
      self.end(.failed(end.reason))
      return
    }
    attempt += 1
    let delay = configuration.reconnection.delay(before: attempt, random: random.nextUnit())
    tell(.reconnecting(attempt: attempt, after: delay, reason: end.reason))
    reconnect(after: delay)
  }

  /// Makes another connection that goes on where this one ends.
  private mutating func reconnect(after delay: Duration) {
    phase = .connecting
    serviceHearsSpeech = false
    uncommittedCount = 0
    // Results for calls of a session that is gone would be refused.
    for id in calls.keys.sorted() { actions.append(.cancelCall(id: id)) }
    calls.removeAll()
    actions.append(.connect(after: delay))
  }

  // MARK: Renewal

  /// Whether a new connection would cut nobody short.
  private var isQuiet: Bool {
    answers.isIdle && calls.isEmpty && !serviceHearsSpeech && !isInTurn
      && (!playout.isPlaying && playout.isEmpty)
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

  mutating func renew(at now: Duration) {
    tell(.renewing)
    isRenewing = true
    abandonAnswer(at: now)
    renewalDue = nil
    renewalLimit = nil
    readyAt = nil
    actions.append(.disconnect)
    reconnect(after: .zero)
  }

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
  var settings: SessionSettings {
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

  mutating func sessionStarted(_ announcement: SessionAnnouncement, at now: Duration) {
    guard case .starting = phase else { return }
    guard prepareAudio(announcement, at: now) else { return }
    phase = .ready
    readyAt = now
    let limit = configuration.connectionLimit ?? rules.connectionLimit
    renewalDue = limit.map { now + max($0 / 2, $0 - configuration.renewalMargin) }
    renewalLimit = limit.map { now + max($0 * 3 / 4, $0 - min(.seconds(5), configuration.renewalMargin)) }
    let isRenewed = sessionCount > 0
    sessionCount += 1
    if !rules.configuresFirst { say(.configure(settings)) }
    if isRenewed, resumptionHandle == nil { tellHistory() }
    tell(.ready(sessionID: announcement.id, isRenewed: isRenewed))
    isRenewing = false
    hearEarlyInput(at: now)
    if wantsAnswer { askForAnswer(at: now) }
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
    let announces = rules.configuresFirst
    let input = announces ? announcement.inputFormat : nil
    let output = announces ? announcement.outputFormat : nil
    if let encoding = input?.encoding, encoding != .pcm16 {
      end(.failed("the service wants \(encoding.rawValue), and this client sends 16-bit PCM only"))
      return false
    }
    let sentRate = input?.sampleRate ?? configuration.dialect.defaultRate
    answers.encoding = output?.encoding ?? .pcm16
    let playedRate = output?.sampleRate ?? configuration.dialect.defaultRate(of: .received)
    if playout.sampleRate != playedRate {
      playout = PlayoutQueue(sampleRate: playedRate, configuration: configuration.playout)
      reportedOutputDrops = 0
    }
    guard microphone == nil || microphone?.sentRate != sentRate else { return true }
    do throws(SpeechChunkerError) {
      microphone = try MicrophonePath(configuration, outputRate: sentRate)
    } catch {
      end(.failed("\(error)"))
      return false
    }
    audioEncoder = AudioEventEncoder(configuration.dialect, sampleRate: sentRate)
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
