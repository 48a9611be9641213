import NIOCore
import Synchronization

/// What all connections of a simulator share.
final class SimulatorCore: Sendable {
  /// How many connections there can be at a time.
  static let connectionLimit = 2048
  private static let handleLimit = 1000

  let configuration: SimulatorConfiguration

  private struct State {
    var recorders: [SessionRecorder] = []
    var counts = SimulatorJournal()
    var faultCounts: [SimulatedFault: Int] = [:]
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isStopping = false
    var voices: [VoiceKey: [UInt8]] = [:]
    var resumptions: [String: GeminiContext] = [:]
    var resumptionOrder: [String] = []
  }

  private struct VoiceKey: Hashable {
    var rate: Int
    var byteCount: Int
    var coding: WireFormat.Coding
  }

  private let state = Mutex(State())
  private let textBudget: JournalBudget
  private let audioBudget: JournalBudget

  /// - Parameters:
  ///   - textLimit: Bytes of text in the journal.
  ///   - audioLimit: Bytes of audio in the journal.
  init(
    _ configuration: SimulatorConfiguration, textLimit: Int = SimulatorJournal.Limits.allTextBytes,
    audioLimit: Int = SimulatorJournal.Limits.allAudioBytes
  ) {
    self.configuration = configuration
    textBudget = JournalBudget(limit: textLimit)
    audioBudget = JournalBudget(limit: audioLimit)
  }

  /// What the journal holds, in bytes.
  var journalSize: (text: Int, audio: Int) { (textBudget.usedByteCount, audioBudget.usedByteCount) }

  func log(_ line: @autoclosure () -> String) { configuration.log?(line()) }

  // MARK: Connections

  /// - Returns: Whether there is room for it.
  func add(_ channel: any Channel) -> Bool {
    state.withLock { state in
      guard !state.isStopping, state.channels.count < Self.connectionLimit else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
  }

  func remove(_ channel: any Channel) {
    _ = state.withLock { $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// - Returns: The connections to end; there will be no more.
  func stop() -> [any Channel] {
    state.withLock { state in
      state.isStopping = true
      return Array(state.channels.values)
    }
  }

  // MARK: Faults

  /// Whether a fault after which a client needs a new connection is to happen (again).
  func claim(_ fault: SimulatedFault) -> Bool {
    state.withLock { state in
      guard state.faultCounts[fault, default: 0] < configuration.newConnectionFaultLimit else { return false }
      state.faultCounts[fault, default: 0] += 1
      return true
    }
  }

  // MARK: Journal

  func openSession(_ dialect: SimulatedDialect, path: String, headerNames: [String], at time: UInt64)
    -> (number: Int, recorder: SessionRecorder)
  {
    let opened = state.withLock { state in
      state.counts.sessionCount += 1
      let number = state.counts.sessionCount
      let session = SimulatorJournal.Session(
        number: number, dialect: dialect, path: String(path.prefix(1024)),
        headerNames: headerNames.prefix(64).map { String($0.prefix(64)) }, startTime: time)
      let recorder = SessionRecorder(session, text: textBudget, audio: audioBudget, core: self)
      state.recorders.append(recorder)
      // In steps, so that it does not cost every session.
      var forgotten: [SessionRecorder] = []
      if state.recorders.count > SimulatorJournal.Limits.sessions + 100 {
        let count = state.recorders.count - SimulatorJournal.Limits.sessions
        forgotten = Array(state.recorders.prefix(count))
        state.recorders.removeFirst(count)
      }
      return (number: number, recorder: recorder, forgotten: forgotten)
    }
    return (opened.number, opened.recorder)
  }

  func countTurn() { state.withLock { $0.counts.turnCount += 1 } }
  func countResponse() { state.withLock { $0.counts.responseCount += 1 } }
  func countChatCompletion() { state.withLock { $0.counts.chatCompletionCount += 1 } }
  func countRefusal() { state.withLock { $0.counts.refusedConnectionCount += 1 } }

  var journal: SimulatorJournal {
    let (recorders, counts) = state.withLock { ($0.recorders.suffix(SimulatorJournal.Limits.sessions), $0.counts) }
    var journal = counts
    journal.sessions = recorders.map(\.snapshot)
    return journal
  }

  // MARK: Answers

  /// The voice-like sound; made once for each length and format.
  func voice(byteCount: Int, format: WireFormat) -> [UInt8] {
    let key = VoiceKey(rate: format.rate, byteCount: byteCount, coding: format.coding)
    if let voice = state.withLock({ $0.voices[key] }) { return voice }
    let count = byteCount / format.bytesPerSample
    let voice = format.bytes(SyntheticVoice.samples(count: count, rate: format.rate))
    state.withLock { state in
      if state.voices.count >= 16 { state.voices.removeAll() }
      state.voices[key] = voice
    }
    return voice
  }

  // MARK: Gemini's resumption

  func keep(_ context: GeminiContext, for handle: String) {
    state.withLock { state in
      state.resumptions[handle] = context
      state.resumptionOrder.append(handle)
      if state.resumptionOrder.count > Self.handleLimit {
        state.resumptions[state.resumptionOrder.removeFirst()] = nil
      }
    }
  }

  func context(of handle: String) -> GeminiContext? { state.withLock { $0.resumptions[handle] } }
}
