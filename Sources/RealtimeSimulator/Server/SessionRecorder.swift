import Synchronization

/// Keeps one session's part of the journal. The session writes on its event loop, anybody may read.
final class SessionRecorder: Sendable {
  private struct State {
    var session: SimulatorJournal.Session
    /// What is reserved of the budgets.
    var textByteCount = 0
    var audioByteCount = 0
  }

  private let state: Mutex<State>
  private let textBudget: JournalBudget
  private let audioBudget: JournalBudget
  private unowned let core: SimulatorCore

  init(
    _ session: SimulatorJournal.Session, text: JournalBudget, audio: JournalBudget, core: SimulatorCore
  ) {
    state = Mutex(State(session: session))
    textBudget = text
    audioBudget = audio
    self.core = core
  }

  deinit {
    state.withLock { state in
      textBudget.release(state.textByteCount)
      audioBudget.release(state.audioByteCount)
    }
  }

  var snapshot: SimulatorJournal.Session { state.withLock { $0.session } }

  func update(_ change: (inout sending SimulatorJournal.Session) -> Void) {
    state.withLock { change(&$0.session) }
  }

  // MARK: Limits

  /// What an entry takes beside its texts, about.
  private static let entryByteCount = 160

  /// - Returns: Whether one more entry with so much text may be kept.
  private func reserve(entryWith textByteCount: Int, _ state: inout State) -> Bool {
    let byteCount = Self.entryByteCount + textByteCount
    guard textBudget.reserve(byteCount) else { return false }
    state.textByteCount += byteCount
    return true
  }

  private func reserve(audio byteCount: Int, _ state: inout State) -> Bool {
    guard core.configuration.keepsAudio, audioBudget.reserve(byteCount) else { return false }
    state.audioByteCount += byteCount
    return true
  }

  private static func bounded(_ text: String) -> String {
    let limit = SimulatorJournal.Limits.eventBytes
    return text.utf8.count <= limit ? text : String(decoding: text.utf8.prefix(limit), as: UTF8.self)
  }

  // MARK: What happens

  func received(_ type: String, _ message: [UInt8], carriesAudio: Bool = false, at time: UInt64) {
    state.withLock { state in
      state.session.clientEventCount += 1
      let kept = message.prefix(carriesAudio ? 128 : SimulatorJournal.Limits.eventBytes)
      let type = Self.bounded(type)
      guard state.session.clientEvents.count < SimulatorJournal.Limits.events,
        reserve(entryWith: kept.count + type.utf8.count, &state)
      else { return }
      state.session.clientEvents.append(
        SimulatorJournal.ClientEvent(type: type, json: String(decoding: kept, as: UTF8.self), time: time))
    }
  }

  func received(audio: [UInt8]) {
    state.withLock { state in
      state.session.audioByteCount += audio.count
      let room = SimulatorJournal.Limits.audioBytes - state.session.audio.count
      guard room > 0, reserve(audio: min(room, audio.count), &state) else { return }
      state.session.audio.append(contentsOf: audio.prefix(room))
    }
  }

  func sent(_ type: String, byteCount: Int) {
    state.withLock { state in
      state.session.serverEventCounts[type, default: 0] += 1
      state.session.sentByteCount += byteCount
    }
  }

  func failed(_ error: ServiceError, clientEventID: String?) {
    let error = SimulatorJournal.SentError(
      code: error.code, message: Self.bounded(error.message), parameter: error.parameter.map(Self.bounded),
      clientEventID: clientEventID.map(Self.bounded))
    let texts = [error.code, error.message, error.parameter ?? "", error.clientEventID ?? ""]
    state.withLock { state in
      guard state.session.errors.count < SimulatorJournal.Limits.entries,
        reserve(entryWith: texts.reduce(0) { $0 + $1.utf8.count }, &state)
      else { return }
      state.session.errors.append(error)
    }
  }

  func ended(turn audio: [UInt8], itemID: String, firstByteTime: UInt64, at time: UInt64) {
    core.countTurn()
    state.withLock { state in
      guard state.session.turns.count < SimulatorJournal.Limits.entries,
        reserve(entryWith: itemID.utf8.count, &state)
      else { return }
      let isKept = reserve(audio: audio.count, &state)
      state.session.turns.append(
        SimulatorJournal.Turn(
          audio: isKept ? audio : [], audioByteCount: audio.count, itemID: itemID, firstByteTime: firstByteTime,
          commitTime: time))
    }
  }

  func created(response id: String, at time: UInt64) {
    core.countResponse()
    state.withLock { state in
      guard state.session.responses.count < SimulatorJournal.Limits.entries,
        reserve(entryWith: id.utf8.count, &state)
      else { return }
      state.session.responses.append(
        SimulatorJournal.Response(
          id: id, turnCount: state.session.turns.count, createTime: time, status: "in_progress"))
    }
  }

  func update(response id: String, _ change: (inout SimulatorJournal.Response) -> Void) {
    state.withLock { state in
      guard let index = state.session.responses.lastIndex(where: { $0.id == id }) else { return }
      change(&state.session.responses[index])
    }
  }

  func created(item id: String, kind: String) {
    state.withLock { state in
      guard state.session.items.count < SimulatorJournal.Limits.entries, reserve(entryWith: id.utf8.count, &state)
      else { return }
      state.session.items.append(SimulatorJournal.Item(id: id, kind: kind))
    }
  }

  func update(item id: String, _ change: (inout SimulatorJournal.Item) -> Void) {
    state.withLock { state in
      guard let index = state.session.items.lastIndex(where: { $0.id == id }) else { return }
      change(&state.session.items[index])
    }
  }
}
