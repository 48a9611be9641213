public import AudioDSP
public import Logging
public import Metrics
public import NIOCore
public import NIOPosix
public import RealtimeVoice

/// A spoken session over a WebSocket: a ``VoiceSession`` with a connection, a clock and tools that run.
///
/// ```swift
/// let endpoint = try ServiceEndpoint(.openAI).authorized(with: Credential(key))
/// let client = try VoiceClient(endpoint, SessionConfiguration(.openAI))
/// await client.start()
/// for await event in client.events { print(event) }
/// ```
///
/// Blocks of the microphone go in with ``hear(_:)``, samples for the speaker come out of ``play(into:)``; what happens
/// is told by ``events``, and ``wait(until:atMost:)`` waits for it. A lost connection is made anew, as the session's
/// configuration says.
///
/// **Bounds.** Audio waits for the socket in the session's queue, whose oldest is dropped and told. Events that nobody
/// takes hold back what the service sends, from ``eventLimit`` on, and with it what it could tell; those of our own side
/// are dropped beyond twice that, the oldest first, and counted.
///
/// **The end.** After ``close()``, or once the session has failed, nothing can be started anew: what is heard, written or
/// begun then is ignored, ``play(into:)`` gives what is left of answers and then silence, and ``events`` end when those
/// that wait have been taken. A client that is let go without ``close()`` closes its connection and calls its tools off;
/// whoever takes its events holds it.
///
/// All work is done on one event loop, which is the actor's executor: what is heard is on its way to the socket before
/// ``hear(_:)`` returns.
public actor VoiceClient {
  /// How many events wait for whoever takes them before nothing more is read from the service.
  public static let eventLimit = 1024

  public nonisolated let endpoint: ServiceEndpoint
  nonisolated let eventLoop: any EventLoop
  /// Kept, since an event loop need not be its own executor, and the actor's is not retained by whoever runs on it.
  private nonisolated let executor: any SerialExecutor
  private let transport: TransportConfiguration
  private let logger: Logger?
  private let tools: [String: Tool]
  private nonisolated let origin = NIODeadline.now()
  private let metrics: ClientMetrics
  private var turns = TurnRecorder()

  private var session: VoiceSession
  private var connection: WebSocketConnection?
  /// Counts connections, so that what an earlier one says is not taken for the present one's.
  private var generation = 0
  private var opening: TransportAttempt<WebSocketConnection>?
  /// The number tells a call from an earlier one of the same name, which another connection may have had.
  private var runningTools: [String: (number: Int, task: Task<Void, Never>)] = [:]
  private var toolCallCount = 0
  /// The numbers of calls that have not returned, among them those that were cancelled.
  private var unreturnedTools: Set<Int> = []
  /// `isGrace`: it has been late once and will not be put off again.
  private var timer: (deadline: Duration, isGrace: Bool, scheduled: Scheduled<Void>)?
  private var message: [UInt8] = []
  /// What ``message`` holds that the connection had no room for.
  private var refused: (kind: OutgoingMessage, askedAt: Duration, encodedAt: Duration)?
  private var isReadingPaused = false
  private var isPumping = false
  /// Something has happened since ``pump()`` last began to look: what comes while it is under way is not left lying.
  private var hasNews = false

  /// Those of the connections that are being made, open, or being closed.
  private var unclosed: Set<Int> = []

  var waiters: [Waiter] = []
  var waiterCount = 0

  private var waiting: [TimedSessionEvent] = []
  private var waitingHead = 0
  private var listener: (number: Int, continuation: CheckedContinuation<TimedSessionEvent?, Never>)?
  private var listenerCount = 0
  private var hasEnded = false
  /// Events that were dropped because nobody took them.
  public private(set) var droppedEventCount = 0

  /// A client that has not been started.
  ///
  /// - Parameters:
  ///   - endpoint: Where the service is, with the key.
  ///   - configuration: Of the session; its dialect is the endpoint's.
  ///   - tools: What the service may call, each by its own name. They run outside of the event loop, each call as a task
  ///     of its own that is cancelled when its result is not wanted any more.
  ///   - transport: Limits of the connections.
  ///   - group: Of which one event loop, of NIOPosix, does all of the client's work.
  ///   - logger: Is told of connections at level debug: never audio, words or keys.
  ///   - metrics: Makes what counts and times; its handlers are called on the event loop.
  /// - Throws: `SessionConfigurationError`
  public init(
    _ endpoint: ServiceEndpoint, _ configuration: SessionConfiguration, tools: [Tool] = [],
    transport: TransportConfiguration = TransportConfiguration(),
    on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger? = nil,
    metrics: any MetricsFactory = MetricsSystem.factory
  ) throws(SessionConfigurationError) {
    var configuration = configuration
    configuration.dialect = endpoint.dialect
    self.endpoint = endpoint
    self.transport = transport
    self.logger = logger
    eventLoop = group.any()
    executor = eventLoop.executor
    var named: [String: Tool] = [:]
    var limits: [String: Duration] = [:]
    for tool in tools {
      named[tool.description.name] = tool
      limits[tool.description.name] = tool.timeLimit
    }
    self.tools = named
    self.metrics = ClientMetrics(configuration.dialect, metrics)
    session = try VoiceSession(
      configuration, tools: tools.map(\.description), toolLimits: limits, seed: .random(in: .min ... .max))
  }

  deinit {
    timer?.scheduled.cancel()
    opening?.cancel()
    for call in runningTools.values { call.task.cancel() }
    if let connection { eventLoop.execute { connection.close(code: 1001) } }
  }

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  /// What happens, from the start on, until the session is over. Each event goes to one listener: where a second one asks
  /// while a first waits, the first one's sequence ends. Events that come while nobody asks wait.
  public nonisolated var events: SessionEvents { SessionEvents(client: self) }

  // MARK: What the user does

  /// Connects, once: later calls do nothing. Whether that succeeds is told by ``events``.
  public func start() {
    session.start(at: now)
    pump()
  }

  /// Takes a block of the microphone: interleaved samples at the configuration's rate and channel count, -1 to 1. What
  /// comes before there is a session waits, as much as `SessionConfiguration.sendCapacity` has room for. Allocates
  /// nothing once the session is ready, but the message that the socket is given where a chunk is complete.
  ///
  /// - Throws: `DownmixError` for a partial sample frame; nothing of the block has been taken then.
  public func hear(_ interleaved: [Float]) throws(DownmixError) {
    try session.hear(interleaved.span, at: now)
    pump()
  }

  /// Fills `block`, as long as it is, with the next samples for the speaker, at ``playoutRate``: silence where there is
  /// nothing to play. Allocates only where an event is to be told, or a copy shares the block's memory.
  ///
  /// - Returns: How many of the samples belong to an answer. They are the first; the rest is silence.
  public func play(into block: inout [Int16]) -> Int {
    var output = block.mutableSpan
    let playedBefore = session.turnTiming.firstPlayed
    let answerCount = session.play(into: &output, at: now)
    if let played = session.turnTiming.firstPlayed, played != playedBefore {
      turns.played(pulledAt: played, renderedAt: now)
    }
    pump()
    return answerCount
  }

  /// The next `count` samples for the speaker, as ``play(into:)`` gives them, in a block of their own.
  ///
  /// - Precondition: `count` is not negative.
  public func play(_ count: Int) -> PlayedBlock {
    var block = PlayedBlock(samples: [Int16](repeating: 0, count: count))
    block.answerCount = play(into: &block.samples)
    return block
  }

  /// The rate of what ``play(into:)`` gives.
  public var playoutRate: SampleRate { session.playoutRate }
  /// How much audio waits to be sent: a file is held back by it.
  public var waitingInput: Duration { session.waitingInput }
  /// How much audio of answers waits for ``play(into:)``.
  public var waitingOutput: Duration { session.waitingOutput }
  /// Whether ``play(into:)`` would give samples of an answer now: one sounds, or fades, or as much of one waits as is to
  /// wait before it begins.
  public var isOutputReady: Bool { session.isOutputReady }
  /// Whether the service has a session for us.
  public var isReady: Bool { session.isReady }
  /// Whether the session is over.
  public var isClosed: Bool { session.isClosed }
  /// Whether an answer is awaited, under way, or played.
  public var isAnswering: Bool { session.isAnswering }
  /// Whether everything that was said has been answered and played.
  public var isSettled: Bool { session.isSettled }
  /// All tokens that were counted so far.
  public var usage: Usage { session.usage }
  /// The time on the clock of ``events``.
  public var time: Duration { now }
  /// When the client's own steps of the latest turn were done, on the same clock.
  public var turnSteps: TurnSteps { turns.turn }
  /// Where the clock of ``events`` starts, in nanoseconds of the system's monotonic clock.
  public nonisolated var clockOrigin: UInt64 { origin.uptimeNanoseconds }

  /// Push to talk: the button is pressed. Does nothing where turns are found otherwise, as ``endTurn()`` does.
  public func beginTurn() {
    session.beginTurn(at: now)
    pump()
  }

  /// Push to talk: the button is let go.
  public func endTurn() {
    session.endTurn(at: now)
    pump()
  }

  /// Something written by the user; it is answered.
  ///
  /// - Returns: Whether it is on its way: not before the session is ready, nor where it is longer than services take.
  @discardableResult
  public func write(_ text: String) -> Bool {
    defer { pump() }
    return session.write(text, at: now)
  }

  /// Stops the answer, as someone who speaks over it does.
  public func stopAnswer() {
    session.stopAnswer(at: now)
    pump()
  }

  /// The microphone is off for good.
  public func endInput() {
    session.endInput(at: now)
    pump()
  }

  /// Ends the session at once, ``events`` with it, and waits for what is left of it:
  /// - until its connection is closed: the service has answered our close frame (code 1000) and TCP has ended, or each has
  ///   had the time that it has (``TransportConfiguration/closeTimeout``);
  /// - until the tools that were cancelled, now or before, have returned, or that time has passed since the call. Those
  ///   that go on nevertheless are waited for no longer, and what they return is dropped.
  ///
  /// A task that is cancelled does not wait, nor does a tool that closes its own client.
  ///
  /// **Shutting the event loop down.** All that a client does is done there. So its event loop may be shut down when
  /// ``close()`` has returned to a task that was not cancelled, every tool has returned (those that heed their
  /// cancellation within the time above have), and nobody uses the client any more: loops over ``events`` and calls of
  /// ``wait(until:atMost:)`` have ended, by themselves and not by a cancellation, which may come to the event loop behind
  /// their end; and no property is read, nor method called, from then on.
  public func close() async {
    session.close(at: now)
    pump()
    let end = now + transport.closeTimeout
    await wait(until: { $0.unclosed.isEmpty }, outlastsSession: true, atMost: nil)
    await wait(until: { $0.unreturnedTools.isEmpty }, outlastsSession: true, atMost: end - now)
  }

  // MARK: The session's owner

  private var now: Duration { .nanoseconds((NIODeadline.now() - origin).nanoseconds) }

  /// Does what the session wants until there is nothing left to do.
  ///
  /// A connection may call back from within what it is asked to do; what that brings is taken up by the call that is
  /// under way.
  private func pump() {
    hasNews = true
    guard !isPumping else { return }
    isPumping = true
    while hasNews {
      hasNews = false
      repeat {
        while let action = session.nextAction() { perform(action) }
      } while send()
      hold()
      schedule()
      resumeWaiters()
    }
    isPumping = false
  }

  /// - Returns: Whether something was sent, which may have consequences.
  private func send() -> Bool {
    guard let connection else { return false }
    var hasSent = false
    while connection.isOpen, connection.isWritable {
      guard let next = refused ?? nextMessage() else {
        turns.sentAll()
        break
      }
      refused = nil
      switch connection.send(text: message.span) {
      case .accepted: hasSent = true
      case .full:
        // A long message behind others, such as a tool's result. The delegate is told when there is room.
        refused = next
        return hasSent
      // Told by the delegate.
      case .closed: return hasSent
      }
      let sent = now
      switch next.kind {
      case .audio(let sampleCount, let heardAt):
        metrics.sent(sampleCount: sampleCount, after: sent - heardAt)
        turns.sentAudio(askedAt: next.askedAt, encodedAt: next.encodedAt)
      case .control: turns.sentControl(askedAt: next.askedAt, sentAt: sent, committedAt: session.turnTiming.committed)
      }
    }
    return hasSent
  }

  private func nextMessage() -> (kind: OutgoingMessage, askedAt: Duration, encodedAt: Duration)? {
    let asked = now
    guard let kind = session.nextMessage(into: &message, at: asked) else { return nil }
    return (kind, asked, now)
  }

  private func perform(_ action: SessionAction) {
    switch action {
    case .connect(let delay): connect(after: delay)
    case .disconnect: disconnect()
    case .call(let call): run(call)
    case .cancelCall(let id): runningTools.removeValue(forKey: id)?.task.cancel()
    case .tell(let event): tell(event)
    }
  }

  /// Reads no more than is taken.
  private func hold() {
    let isFull = waiting.count - waitingHead >= Self.eventLimit || !session.isReadyToReceive
    guard isFull != isReadingPaused else { return }
    isReadingPaused = isFull
    if isFull {
      connection?.pauseReading()
    } else {
      session.receivingResumed(at: now)
      connection?.resumeReading()
    }
  }

  private func schedule() {
    let deadline = session.nextDeadline
    guard let deadline else {
      timer?.scheduled.cancel()
      timer = nil
      return
    }
    // A timer that comes too early looks again; most deadlines move on with every event. One that has been put off
    // stays: it comes soon, and set anew it would be late, and put off, again.
    if let timer, timer.isGrace || timer.deadline <= deadline { return }
    timer?.scheduled.cancel()
    setTimer(deadline, isGrace: false)
  }

  private func setTimer(_ deadline: Duration, isGrace: Bool) {
    let wait = max(.zero, deadline - now)
    let scheduled = eventLoop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) { [weak self] in
      guard let self else { return }
      self.assumeIsolated { $0.timeHasPassed() }
    }
    timer = (deadline, isGrace, scheduled)
  }

  /// How late a timer may be. A later one was kept by other work of this thread, behind which what the service has said
  /// may wait to be read: it is read before the service is called late. So a deadline is put off by this, once.
  private static let latest = Duration.milliseconds(50)

  private func timeHasPassed() {
    guard let passed = timer else { return }
    timer = nil
    if !passed.isGrace, now - passed.deadline > Self.latest { return setTimer(now + Self.latest, isGrace: true) }
    if isReadingPaused { session.receivingResumed(at: now) }
    session.advance(to: now)
    pump()
  }

  // MARK: The connection

  private func connect(after delay: Duration) {
    generation += 1
    let generation = generation
    guard delay > .zero else { return open(generation) }
    eventLoop.scheduleTask(in: .nanoseconds(delay.nanoseconds)) { [weak self] in
      guard let self else { return }
      self.assumeIsolated { $0.open(generation) }
    }
  }

  private func open(_ generation: Int) {
    guard generation == self.generation, !session.isClosed else { return }
    logger?.debug("connecting", metadata: ["endpoint": "\(endpoint)"])
    let request = WebSocketRequest(
      isSecure: endpoint.isSecure, host: endpoint.host, port: endpoint.port, target: endpoint.target,
      headers: endpoint.headers.map { ($0.name, $0.value) })
    let delegate = ConnectionDelegate(client: self, generation: generation)
    unclosed.insert(generation)
    let attempt = WebSocketConnection.connect(
      request, configuration: transport, on: eventLoop, delegate: delegate, logger: logger)
    opening = attempt
    attempt.future.whenComplete { [weak self] result in
      guard let self else {
        if case .success(let connection) = result { connection.close(code: 1001) }
        return
      }
      self.assumeIsolated { $0.opened(result, generation) }
    }
  }

  private func opened(_ result: Result<WebSocketConnection, any Error>, _ generation: Int) {
    if case .failure = result { unclosed.remove(generation) }
    guard generation == self.generation, !session.isClosed else {
      if case .success(let connection) = result { connection.close(code: 1000) }
      return pump()
    }
    opening = nil
    switch result {
    case .success(let connection): adopt(connection)
    case .failure(let error):
      let error = error as? TransportError
      session.disconnected(
        ConnectionEnd(reason: error.map { "\($0)" } ?? "cannot connect", isTransient: error?.isTransient ?? true),
        at: now)
    }
    pump()
  }

  /// The connection is there. Its first message may tell of it before its future does.
  private func adopt(_ connection: WebSocketConnection) {
    guard self.connection == nil else { return }
    self.connection = connection
    refused = nil
    isReadingPaused = false
    session.connected(at: now)
  }

  private func disconnect() {
    generation += 1
    opening?.cancel()
    opening = nil
    connection?.resumeReading()
    connection?.close(code: 1000)
    connection = nil
    isReadingPaused = false
  }

  fileprivate func received(
    _ text: ByteBuffer, isBinary: Bool, over connection: WebSocketConnection, _ generation: Int
  ) {
    guard generation == self.generation, !session.isClosed else { return }
    adopt(connection)
    metrics.received(byteCount: text.readableBytes)
    let audioBefore = session.turnTiming.firstAudio
    let arrival = now
    session.receive(text.readableBytesUInt8Span, isBinary: isBinary, at: arrival)
    // What comes behind a message that took long to read has waited.
    if now - arrival > Self.latest { session.receivingResumed(at: now) }
    let timing = session.turnTiming
    if let audio = timing.firstAudio, audio != audioBefore {
      turns.received(
        readAt: min(audio, .nanoseconds((connection.lastReadAt - origin).nanoseconds)), decodedAt: now,
        committedAt: timing.committed)
    }
    if turns.awaitsPlayout, session.isAnswerReady { turns.becamePlayable(at: now) }
    pump()
  }

  fileprivate func becameWritable(_ generation: Int) {
    guard generation == self.generation else { return }
    pump()
  }

  fileprivate func closed(_ closure: WebSocketClosure, _ generation: Int) {
    unclosed.remove(generation)
    guard generation == self.generation else { return pump() }
    connection = nil
    isReadingPaused = false
    logger?.debug("connection closed", metadata: ["closure": "\(closure)"])
    session.disconnected(ConnectionEnd(reason: "\(closure)", isTransient: closure.isTransient), at: now)
    pump()
  }

  // MARK: Tools

  private func run(_ call: FunctionCall) {
    guard let tool = tools[call.name] else { return }
    toolCallCount += 1
    let number = toolCallCount
    let task = Task { [weak self] in
      let result = await tool.call(arguments: call.arguments)
      await self?.returned(result, of: call, number)
    }
    runningTools[call.callID] = (number, task)
    unreturnedTools.insert(number)
  }

  private func returned(_ result: ToolResult, of call: FunctionCall, _ number: Int) {
    unreturnedTools.remove(number)
    if runningTools[call.callID]?.number == number {
      runningTools[call.callID] = nil
      session.returned(result.output, isError: result.isError, callID: call.callID, at: now)
    }
    pump()
  }

  // MARK: Events

  private func tell(_ event: SessionEvent) {
    metrics.note(event)
    let timed = TimedSessionEvent(time: now, event: event)
    if let listener {
      self.listener = nil
      listener.continuation.resume(returning: timed)
    } else {
      waiting.append(timed)
      if waiting.count - waitingHead > 2 * Self.eventLimit {
        waitingHead += 1
        droppedEventCount += 1
      }
      if waitingHead > Self.eventLimit {
        waiting.removeFirst(waitingHead)
        waitingHead = 0
      }
    }
    if case .closed = event {
      hasEnded = true
      for call in runningTools.values { call.task.cancel() }
      runningTools.removeAll()
    }
  }

  fileprivate func nextEvent() async -> TimedSessionEvent? {
    if waitingHead < waiting.count {
      let event = waiting[waitingHead]
      waitingHead += 1
      if waitingHead == waiting.count {
        waiting.removeAll(keepingCapacity: true)
        waitingHead = 0
      }
      if isReadingPaused { pump() }
      return event
    }
    if hasEnded || Task.isCancelled { return nil }
    listenerCount += 1
    let number = listenerCount
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // One listener at a time: an earlier one is let go.
        listener?.continuation.resume(returning: nil)
        listener = (number, continuation)
        if Task.isCancelled { stopListening(number) }
      }
    } onCancel: {
      Task { await self.stopListening(number) }
    }
  }

  /// Whether somebody waits for an event.
  var isListenedTo: Bool { listener != nil }

  /// Lets a listener go whose task is cancelled, unless another one has taken its place meanwhile.
  private func stopListening(_ number: Int) {
    guard let listener, listener.number == number else { return }
    self.listener = nil
    listener.continuation.resume(returning: nil)
  }
}

/// Samples for the speaker.
public struct PlayedBlock: Hashable, Sendable {
  /// As many as were asked for, of one channel.
  public var samples: [Int16]
  /// How many of them, from the first on, belong to an answer; the rest is silence.
  public var answerCount = 0
}

/// A ``SessionEvent``, and when it happened on the client's clock.
public struct TimedSessionEvent: Hashable, Sendable {
  /// Since the client was made.
  public var time: Duration
  public var event: SessionEvent

  public init(time: Duration, event: SessionEvent) {
    self.time = time
    self.event = event
  }
}

/// What happens in a session; it ends with the session, or, when what waits has been taken, with the task's cancellation.
public struct SessionEvents: AsyncSequence, Sendable {
  let client: VoiceClient

  public struct Iterator: AsyncIteratorProtocol {
    let client: VoiceClient

    public mutating func next() async -> TimedSessionEvent? { await client.nextEvent() }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(client: client) }
}

/// Hands on what a connection says, with its number; closes one whose client is gone.
private final class ConnectionDelegate: WebSocketDelegate {
  private weak let client: VoiceClient?
  private let generation: Int

  init(client: VoiceClient, generation: Int) {
    self.client = client
    self.generation = generation
  }

  func webSocket(_ connection: WebSocketConnection, didReceiveText message: ByteBuffer) {
    guard let client else { return connection.close(code: 1001) }
    client.assumeIsolated { $0.received(message, isBinary: false, over: connection, generation) }
  }

  func webSocket(_ connection: WebSocketConnection, didReceiveBinary message: ByteBuffer) {
    guard let client else { return connection.close(code: 1001) }
    client.assumeIsolated { $0.received(message, isBinary: true, over: connection, generation) }
  }

  func webSocketDidChangeWritability(_ connection: WebSocketConnection) {
    guard let client else { return connection.close(code: 1001) }
    client.assumeIsolated { $0.becameWritable(generation) }
  }

  func webSocket(_ connection: WebSocketConnection, didClose closure: WebSocketClosure) {
    client?.assumeIsolated { $0.closed(closure, generation) }
  }
}

extension Duration {
  /// Whole nanoseconds; those of more than 292 years are as many as there can be.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflows ? (seconds < 0 ? .min : .max) : product &+ attoseconds / 1_000_000_000
  }
}
