import AudioDSP
import AudioTestSupport
import Foundation
import RealtimeVoice

/// A session and an owner that does what it is told, on a clock that only the test moves.
///
/// What the session sends is read with Foundation, which shares no code with what wrote it.
final class SessionRig {
  /// What was sent, in order.
  enum Sent: Equatable {
    case audio([Int16])
    /// The event's type, or its only key, and the event.
    case control(String, NSDictionary)
  }

  private var session: VoiceSession
  let dialect: Dialect
  var now = Duration.zero
  /// Whether messages are taken as soon as there are some, and connections are made when they are asked for.
  var takesMessages = true
  var connects = true
  /// How the audio that is sent is stored; samples otherwise.
  var law: ReferenceG711?

  private(set) var sent: [Sent] = []
  private(set) var events: [SessionEvent] = []
  private(set) var eventTimes: [Duration] = []
  private(set) var actions: [SessionAction] = []
  private(set) var sentBytes: [Int] = []
  private var buffer: [UInt8] = []

  init(
    _ configuration: SessionConfiguration, tools: [ToolDescription] = [], toolLimits: [String: Duration] = [:],
    starts: Bool = true
  ) throws {
    dialect = configuration.dialect
    session = try VoiceSession(configuration, tools: tools, toolLimits: toolLimits, seed: 7)
    guard starts else { return }
    start()
    if connects { startSession() }
  }

  // MARK: What is to be looked at

  var isSettled: Bool { session.isSettled }
  var isClosed: Bool { session.isClosed }
  var nextDeadline: Duration? { session.nextDeadline }
  var waitingInput: Duration { session.waitingInput }
  var usage: Usage { session.usage }
  var playoutRate: SampleRate { session.playoutRate }
  var isReadyToReceive: Bool { session.isReadyToReceive }

  var sentSamples: [Int16] {
    sent.flatMap { message -> [Int16] in
      guard case .audio(let samples) = message else { return [] }
      return samples
    }
  }

  /// The types of what was sent, audio apart.
  var controls: [String] {
    sent.compactMap { message in
      guard case .control(let type, _) = message else { return nil }
      return type
    }
  }

  func controls(_ type: String) -> [NSDictionary] {
    sent.compactMap { message in
      guard case .control(type, let event) = message else { return nil }
      return event
    }
  }

  var calls: [FunctionCall] {
    actions.compactMap { action in
      guard case .call(let call) = action else { return nil }
      return call
    }
  }

  func forgetSent() {
    sent = []
    sentBytes = []
  }

  func forgetEvents() {
    events = []
    eventTimes = []
    actions = []
  }

  // MARK: What happens

  func start() {
    session.start(at: now)
    settle()
  }

  func startSession() {
    receive(ServiceWords(dialect).sessionStarted)
  }

  /// Lets time pass, in steps that end at every deadline.
  func pass(_ duration: Duration) {
    let end = now + duration
    var steps = 0
    while let deadline = session.nextDeadline, deadline <= end {
      now = max(now, deadline)
      session.advance(to: now)
      settle()
      steps += 1
      precondition(steps < 10_000, "a deadline that never moves: \(deadline)")
    }
    now = end
    session.advance(to: now)
    settle()
  }

  func receive(_ text: String, isBinary: Bool = false) {
    let bytes = Array(text.utf8)
    session.receive(bytes.span, isBinary: isBinary, at: now)
    settle()
  }

  func receive(bytes: [UInt8]) {
    session.receive(bytes.span, at: now)
    settle()
  }

  func receivingResumed() {
    session.receivingResumed(at: now)
    settle()
  }

  func hear(_ samples: [Float]) throws {
    try session.hear(samples.span, at: now)
    settle()
  }

  func hear(_ samples: ArraySlice<Float>) throws { try hear(Array(samples)) }

  /// As a microphone: blocks of 10 ms, time passing with them.
  func speak(_ samples: some Collection<Float>, rate: Int, block: Duration = .milliseconds(10)) throws {
    let samples = Array(samples)
    let count = max(1, Int(Double(rate) * (block / .seconds(1))))
    var start = 0
    while start < samples.count {
      let end = min(samples.count, start + count)
      pass(block)
      try hear(samples[start..<end])
      start = end
    }
  }

  func play(_ count: Int) -> [Int16] {
    var output = [Int16](repeating: 0x55, count: count)
    var span = output.mutableSpan
    _ = session.play(into: &span, at: now)
    settle()
    return output
  }

  /// Plays in blocks of 10 ms, as time passes.
  func listen(_ duration: Duration) -> [Int16] {
    var heard: [Int16] = []
    for _ in 0..<Int(duration / .milliseconds(10)) {
      pass(.milliseconds(10))
      heard += play(session.playoutRate.hertz / 100)
    }
    return heard
  }

  func endInput() {
    session.endInput(at: now)
    settle()
  }

  func press() {
    session.beginTurn(at: now)
    settle()
  }

  func letGo() {
    session.endTurn(at: now)
    settle()
  }

  func write(_ text: String) -> Bool {
    let isTaken = session.write(text, at: now)
    settle()
    return isTaken
  }

  func returned(_ output: String, isError: Bool = false, callID: String) {
    session.returned(output, isError: isError, callID: callID, at: now)
    settle()
  }

  func disconnected(isTransient: Bool = true) {
    session.disconnected(ConnectionEnd(reason: "gone", isTransient: isTransient), at: now)
    settle()
  }

  func connected() {
    session.connected(at: now)
    settle()
  }

  func close() {
    session.close(at: now)
    settle()
  }

  /// Does what is to be done until nothing is.
  func settle() {
    while let action = session.nextAction() {
      actions.append(action)
      switch action {
      case .connect(let delay):
        guard connects else { break }
        now += delay
        session.connected(at: now)
      case .tell(let event):
        events.append(event)
        eventTimes.append(now)
      case .disconnect, .call, .cancelCall: break
      }
    }
    if takesMessages { takeMessages() }
  }

  /// - Parameter most: How many, at the most.
  func takeMessages(_ most: Int = .max) {
    var count = 0
    while count < most, let message = session.nextMessage(into: &buffer, at: now) {
      count += 1
      sentBytes.append(buffer.count)
      sent.append(Self.read(buffer, message, law))
      while let action = session.nextAction() {
        actions.append(action)
        if case .tell(let event) = action {
          events.append(event)
          eventTimes.append(now)
        }
      }
    }
  }

  private static func read(_ bytes: [UInt8], _ message: OutgoingMessage, _ law: ReferenceG711?) -> Sent {
    let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary
    guard let object else {
      preconditionFailure("not a JSON object: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
    }
    let nested = (object["realtimeInput"] as? NSDictionary)?["audio"] as? NSDictionary
    let text =
      object["audio"] as? String ?? object["user_audio_chunk"] as? String ?? nested?["data"] as? String
    guard let text else {
      let keys = object.allKeys.compactMap { $0 as? String }.sorted()
      let inner = (object["realtimeInput"] as? NSDictionary)?.allKeys.first as? String
      precondition(message == .control)
      return .control(object["type"] as? String ?? inner ?? keys.joined(separator: "+"), object)
    }
    let data = Data(base64Encoded: text)!
    precondition(!data.isEmpty, "empty audio")
    let samples: [Int16]
    if let law {
      samples = data.map { law.decoded($0) }
    } else {
      precondition(data.count.isMultiple(of: 2), "odd audio")
      samples = (0..<data.count / 2).map { Int16(bitPattern: UInt16(data[2 * $0]) | UInt16(data[2 * $0 + 1]) << 8) }
    }
    guard case .audio(let count, _) = message, count == samples.count else { preconditionFailure("\(message)") }
    return .audio(samples)
  }
}
