import Foundation
import Testing

@testable import RealtimeSimulator

/// A session without a connection, whose clock the test turns: hours pass at once, and nothing depends on how quick the
/// machine is.
final class ManualSession: SessionLink {
  private(set) var now: UInt64 = 1_000_000_000
  var isWritable = true
  /// What was sent and has not been looked at.
  private var sent: [[UInt8]] = []
  private(set) var closing: (code: Int, reason: String)?
  private var timers: [(time: UInt64, number: Int, action: () -> Void)] = []
  private var timerCount = 0
  private let core: SimulatorCore
  private let recorder: SessionRecorder
  private(set) var session: (any VoiceSession)?

  /// - Parameter shared: What the session shares with others; nil where it is the only one.
  init(
    _ dialect: SimulatedDialect = .openAI, query: [(name: String, value: String)] = [("model", "simulated")],
    sharing shared: SimulatorCore? = nil, _ change: (inout SimulatorConfiguration) -> Void = { _ in }
  ) throws {
    var configuration = shared?.configuration ?? SimulatorConfiguration()
    change(&configuration)
    try configuration.validate()
    core = shared ?? SimulatorCore(configuration)
    let (number, recorder) = core.openSession(dialect, path: dialect.path, headerNames: [], at: now)
    self.recorder = recorder
    let context = SessionContext(
      link: self, core: core, recorder: recorder, dialect: dialect, number: number, query: query,
      faults: Set(configuration.faults))
    let session: any VoiceSession =
      switch dialect {
      case .openAI, .openAIBeta: OpenAISession(context)
      case .gemini: GeminiSession(context)
      case .elevenLabs: ElevenLabsSession(context)
      }
    self.session = session
    session.begin()
  }

  var record: SimulatorJournal.Session { recorder.snapshot }

  /// As when the connection ends; lets go of what holds this.
  func end() {
    session?.end()
    session = nil
    timers = []
  }

  // MARK: The client's side

  func receive(_ json: String) {
    session?.receive(Array(json.utf8), isBinary: false)
    run(to: now)
  }

  func append(_ audio: [UInt8]) {
    receive(#"{"type":"input_audio_buffer.append","audio":"\#(Data(audio).base64EncodedString())"}"#)
  }

  /// Lets so much time pass, with all that falls due in it.
  func pass(_ duration: Duration) { run(to: now + duration.nanoseconds) }

  /// What has come since the last time.
  func events() -> [Event] {
    defer { sent = [] }
    return sent.compactMap { Event($0) }
  }

  /// The only event of this type that has come since the last time; the others are thrown away.
  func event(_ type: String, _ location: SourceLocation = #_sourceLocation) throws -> Event {
    let events = events()
    let found = events.filter { $0.type == type }
    try #require(found.count == 1, "\(events.map(\.type))", sourceLocation: location)
    return found[0]
  }

  private func run(to end: UInt64) {
    while let next = timers.indices.filter({ timers[$0].time <= end }).min(by: {
      (timers[$0].time, timers[$0].number) < (timers[$1].time, timers[$1].number)
    }) {
      let timer = timers.remove(at: next)
      now = max(now, timer.time)
      timer.action()
    }
    now = end
  }

  // MARK: The session's side

  func send(_ message: [UInt8], isBinary: Bool) {
    if closing == nil { sent.append(message) }
  }

  func sendHalf(_ message: [UInt8]) { closing = (1006, "") }

  func close(_ code: Int, _ reason: String) {
    if closing == nil { closing = (code, reason) }
  }

  func drop(isReset: Bool) { closing = (1006, "") }

  func pauseReading(for duration: Duration) {}

  @discardableResult func schedule(after delay: Duration, _ action: @escaping () -> Void) -> ScheduledAction {
    timerCount += 1
    let number = timerCount
    timers.append((now + delay.nanoseconds, number, action))
    return ScheduledAction { [weak self] in self?.timers.removeAll { $0.number == number } }
  }
}

/// Runs a test against a session without a connection.
func withManualSession(
  _ dialect: SimulatedDialect = .openAI, query: [(name: String, value: String)] = [("model", "simulated")],
  _ change: (inout SimulatorConfiguration) -> Void = { _ in }, _ body: (ManualSession) throws -> Void
) throws {
  let session = try ManualSession(dialect, query: query, change)
  defer { session.end() }
  try body(session)
}
