import AudioDSP

/// A spoken session with a service, as a state machine: what happens goes in, what is to be done comes out.
///
/// It has no socket, no thread and no clock. Its owner says what happens (a connection is made or lost, a message comes,
/// the microphone gives a block, the speaker wants samples, time passes), each time with the time `now`, which is counted
/// from any moment on and never goes back. Then the owner does what ``nextAction()`` says, and sends what
/// ``nextMessage(into:at:)`` writes, as long as the connection takes more. `RealtimeVoiceNIO` has an owner over SwiftNIO.
///
/// ```swift
/// var session = try VoiceSession(SessionConfiguration(.openAI))
/// session.start(at: .zero)
/// while let action = session.nextAction() { … }
/// ```
///
/// **Bounds.** The microphone's queue drops its oldest audio beyond ``SessionConfiguration/sendCapacity``. Where answers
/// wait for playout beyond their capacity, ``isReadyToReceive`` says that no more should be read. Actions are bounded by
/// what the owner says: they are to be taken after every call. Every wait for the service has a limit, which passes with
/// ``advance(to:)``, to be called at ``nextDeadline``.
public struct VoiceSession: ~Copyable {
  /// Where the session is.
  enum Phase: Hashable {
    case idle
    /// A connection is being made.
    case connecting
    /// There is a connection; the service has not said that there is a session.
    case starting(limit: Duration)
    case ready
    case closed
  }

  public let configuration: SessionConfiguration
  let rules: DialectRules
  let tools: [ToolDescription]
  let toolLimits: [String: Duration]
  let eventEncoder: ClientEventEncoder
  let decoder: ServerEventDecoder

  var phase = Phase.idle
  var actions = ActionQueue()
  /// What is said ahead of the microphone's audio.
  var urgent = MessageQueue()
  var nextEventNumber = 1

  // The microphone. Where the service says the rate, it is there from the first session on.
  var microphone: MicrophonePath?
  var audioEncoder: AudioEventEncoder
  /// What came before the rate was known, as it came.
  var early: EarlyInput
  /// A chunk on its way out.
  var chunk: [Int16] = []
  /// Samples sent since the last commit.
  var uncommittedCount = 0
  /// The start of a turn was sent, and not its end.
  var isTurnOpenAtService = false
  var reportedDropCount = 0
  var inputEnded = false

  // Answers.
  var playout: PlayoutQueue
  var answers: AnswerLedger
  /// How the bytes of answers are stored.
  var outputEncoding = AudioEvent.Encoding.pcm16
  var items = ItemNames()
  /// An answer is to be asked for when the one under way is over.
  var wantsAnswer = false
  /// Whether the answer to the last turn was asked for at a second connection: it is not at a third.
  var isAskedAgain = false
  /// How often in a row the service said that an answer is under way, of which nothing came.
  var refusalCount = 0
  var timing = TurnTiming()
  /// Whether ``timing`` is of a turn that has no answer yet.
  var isTimingFresh = false
  /// The end of speech that there was when an answer last began.
  var answeredSpeechEnd: Int?
  var reportedOutputDrops = 0
  /// What the service has heard of the user and not ended.
  var serviceHearsSpeech = false

  // Tools.
  var calls: [String: PendingCall] = [:]
  var seenCalls = RecentIDs()
  var nextCallNumber = 1

  // The conversation, for renewal.
  var history: ConversationHistory
  var resumptionHandle: String?
  var seen = RecentIDs()
  /// When the service last said anything, or we began again to listen.
  var lastMessageAt = Duration.zero
  /// The service's last ping, and the longest time between two of them, of a service that has such a thing.
  var lastPingAt: Duration?
  var pingInterval: Duration?
  /// Whether a service that has fallen silent is told something that it always answers. What the microphone gives waits
  /// until it does: nobody might hear it.
  var isInDoubt = false
  /// When such a service, which was told, must have said something, or the connection is taken for lost.
  var silenceLimit: Duration?

  // Connections.
  var attempt = 0
  var readyAt: Duration?
  var sessionCount = 0
  var renewalDue: Duration?
  var renewalLimit: Duration?
  /// When the end of the input is decided upon: see ``endInput(at:)``.
  var inputEndDue: Duration?
  var random: SplitMix64

  /// All tokens that were counted so far.
  public internal(set) var usage = Usage()

  /// A session that has not been started.
  ///
  /// - Parameters:
  ///   - tools: What the service is told of; calls of them come as actions.
  ///   - toolLimits: How long tools may take, by name; ``defaultToolLimit`` for those that are not there.
  ///   - seed: For the jitter of reconnections.
  /// - Throws: ``SessionConfigurationError``
  public init(
    _ configuration: SessionConfiguration, tools: [ToolDescription] = [], toolLimits: [String: Duration] = [:],
    seed: UInt64 = 0
  ) throws(SessionConfigurationError) {
    try configuration.validate()
    do throws(SessionSettingsError) {
      try Self.settings(configuration, tools: tools, resumptionHandle: nil).validate()
    } catch {
      throw .settings(error)
    }
    // Where the service says the rate, this only tells of channels that there are not before anything is connected.
    let path = try Self.microphone(configuration, outputRate: configuration.dialect.defaultRate)
    if !configuration.dialect.rules.announcesFormats { microphone = consume path }
    self.configuration = configuration
    self.tools = tools
    var limits: [String: Duration] = [:]
    for tool in tools { limits[tool.name] = toolLimits[tool.name] ?? Self.defaultToolLimit }
    self.toolLimits = limits
    rules = configuration.dialect.rules
    eventEncoder = ClientEventEncoder(configuration.dialect)
    decoder = ServerEventDecoder(configuration.dialect)
    audioEncoder = AudioEventEncoder(configuration.dialect)
    playout = PlayoutQueue(
      sampleRate: configuration.dialect.defaultRate(of: .received), configuration: configuration.playout)
    answers = AnswerLedger(stallLimit: configuration.stallLimit, quietEnd: configuration.dialect.rules.answerEnd)
    history = ConversationHistory(limit: configuration.historyLimit)
    early = EarlyInput(
      capacity: configuration.inputRate.sampleCount(in: configuration.sendCapacity), configuration.channelCount)
    random = SplitMix64(state: seed)
  }

  static func microphone(
    _ configuration: SessionConfiguration, outputRate: SampleRate
  ) throws(SessionConfigurationError) -> MicrophonePath {
    do throws(SpeechChunkerError) {
      return try MicrophonePath(configuration, outputRate: outputRate)
    } catch {
      throw .input(error)
    }
  }

  /// How long a tool may take: longer, and whoever is on the line believes that it is dead.
  public static let defaultToolLimit = Duration.seconds(10)

  // MARK: What the owner does next

  /// What is to be done next; `nil` when nothing is.
  public mutating func nextAction() -> SessionAction? { actions.next() }

  /// When ``advance(to:)`` is to be called at the latest; `nil` when nothing is waited for.
  public var nextDeadline: Duration? {
    var earliest: Duration?
    switch phase {
    case .idle, .closed: return nil
    case .connecting: break
    case .starting(let limit): earliest = limit
    case .ready:
      earliest = Self.earlier(answers.deadline, renewalDue)
      earliest = Self.earlier(earliest, Self.earlier(inputEndDue, Self.earlier(silenceLimit, missedPingsLimit)))
    }
    for call in calls.values { earliest = Self.earlier(earliest, call.limit) }
    return earliest
  }

  static func earlier(_ first: Duration?, _ second: Duration?) -> Duration? {
    guard let first, let second else { return first ?? second }
    return min(first, second)
  }

  /// How much audio of the microphone waits to be sent. The owner of a file holds it back by this; a microphone cannot
  /// wait.
  public var waitingInput: Duration {
    audioEncoder.sampleRate.duration(of: waitingInputCount)
  }

  /// In samples at the rate of what is sent.
  var waitingInputCount: Int {
    switch microphone {
    case .some(let path): path.feed.queue.sampleCount
    case .none: 0
    }
  }

  /// Whether the owner should go on reading from the connection; if not, until enough has been played.
  public var isReadyToReceive: Bool { phase == .closed || !playout.isFull }

  /// Whether everything that was asked for has been answered and played, and nothing waits to be sent; or the session is
  /// over. What has come of an answer before a failure can still be played then: ``waitingOutput``.
  public var isSettled: Bool {
    switch phase {
    case .closed: return true
    case .idle, .connecting, .starting: return false
    case .ready:
      return !hasMessage && answers.isIdle && calls.isEmpty && !wantsAnswer && inputEndDue == nil
        && playout.isEmpty && !playout.isPlaying
    }
  }

  /// Whether the service has a session for us, and the connection stands.
  public var isReady: Bool { phase == .ready }

  /// Whether an answer is awaited, under way, or played.
  public var isAnswering: Bool { !answers.isIdle || !calls.isEmpty || wantsAnswer || isSounding }

  /// How much audio of answers waits to be played.
  public var waitingOutput: Duration {
    playoutRate.duration(of: playout.waitingSampleCount)
  }

  /// Whether the session is over.
  public var isClosed: Bool { phase == .closed }

  /// The rate of the samples that ``play(into:at:)`` gives: the service's, once it is known.
  public var playoutRate: SampleRate { playout.sampleRate }

  // MARK: Time

  /// Lets time pass: limits that are reached by `now` have their consequences.
  public mutating func advance(to now: Duration) {
    defer { checkUrgent(at: now) }
    switch phase {
    case .idle, .closed: return
    case .connecting: break
    case .starting(let limit):
      if now >= limit {
        loseConnection(
          ConnectionEnd(reason: "the service did not start a session within \(limit.text)", isTransient: true),
          at: now, disconnects: true)
      }
    case .ready:
      endInputIfDue(at: now)
      passAnswerLimits(at: now)
      passSilenceLimit(at: now)
      renewIfDue(at: now)
    }
    passCallLimits(at: now)
  }

  // MARK: Telling

  mutating func tell(_ event: SessionEvent) {
    guard phase != .closed else { return }
    actions.append(.tell(event))
  }

  /// Queues what is said ahead of audio; nothing where the dialect has no such thing, there is no connection, or the
  /// event is longer than services take.
  ///
  /// - Returns: Whether it was queued.
  @discardableResult
  mutating func say(_ event: ClientEvent) -> Bool {
    switch phase {
    case .idle, .connecting, .closed: return false
    case .starting, .ready: break
    }
    guard let message = eventEncoder.encode(event, eventID: "utter-\(nextEventNumber)"),
      message.count <= Self.longestMessage
    else { return false }
    nextEventNumber += 1
    urgent.append(message)
    return true
  }

  /// OpenAI refuses an event of more than 15 MiB.
  static let longestMessage = 15 << 20

  /// Gives a connection up that takes nothing.
  mutating func checkUrgent(at now: Duration) {
    guard urgent.isOverfull, phase != .closed else { return }
    loseConnection(
      ConnectionEnd(reason: "the service does not take what is said", isTransient: true), at: now, disconnects: true)
  }
}

/// What the session wants done, in order.
struct ActionQueue {
  private var actions: [SessionAction] = []
  private var head = 0

  mutating func append(_ action: SessionAction) { actions.append(action) }

  mutating func next() -> SessionAction? {
    guard head < actions.count else {
      actions.removeAll(keepingCapacity: true)
      head = 0
      return nil
    }
    defer { head += 1 }
    return actions[head]
  }
}

extension Duration {
  /// In milliseconds, for people.
  var text: String {
    let milliseconds = Int((self / .milliseconds(1)).rounded())
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
  }
}
