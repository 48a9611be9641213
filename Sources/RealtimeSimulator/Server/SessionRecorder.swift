import Synchronization

/// Keeps one session's part of the journal. The session writes on its event loop, anybody may read.
final class SessionRecorder: Sendable {
  private let session: Mutex<SimulatorJournal.Session>
  private unowned let core: SimulatorCore

  init(_ session: SimulatorJournal.Session, core: SimulatorCore) {
    self.session = Mutex(session)
    self.core = core
  }

  var snapshot: SimulatorJournal.Session { session.withLock { $0 } }

  func update(_ change: (inout sending SimulatorJournal.Session) -> Void) {
    session.withLock { change(&$0) }
  }

  func received(_ type: String, _ message: [UInt8], carriesAudio: Bool = false, at time: UInt64) {
    session.withLock { session in
      session.clientEventCount += 1
      guard session.clientEvents.count < SimulatorJournal.Limits.events else { return }
      let kept = message.prefix(carriesAudio ? 128 : SimulatorJournal.Limits.eventBytes)
      session.clientEvents.append(
        SimulatorJournal.ClientEvent(type: type, json: String(decoding: kept, as: UTF8.self), time: time))
    }
  }

  func received(audio: [UInt8]) {
    session.withLock { session in
      session.audioByteCount += audio.count
      let room = SimulatorJournal.Limits.audioBytes - session.audio.count
      guard room > 0, core.reserveAudio(min(room, audio.count)) else { return }
      session.audio.append(contentsOf: audio.prefix(room))
    }
  }

  func sent(_ type: String, byteCount: Int) {
    session.withLock { session in
      session.serverEventCounts[type, default: 0] += 1
      session.sentByteCount += byteCount
    }
  }

  func failed(_ error: ServiceError, clientEventID: String?) {
    session.withLock { session in
      guard session.errors.count < SimulatorJournal.Limits.entries else { return }
      session.errors.append(
        SimulatorJournal.SentError(
          code: error.code, message: error.message, parameter: error.parameter, clientEventID: clientEventID))
    }
  }

  func ended(turn audio: [UInt8], itemID: String, firstByteTime: UInt64, at time: UInt64) {
    core.countTurn()
    session.withLock { session in
      guard session.turns.count < SimulatorJournal.Limits.entries else { return }
      let isKept = core.reserveAudio(audio.count)
      session.turns.append(
        SimulatorJournal.Turn(
          audio: isKept ? audio : [], audioByteCount: audio.count, itemID: itemID, firstByteTime: firstByteTime,
          commitTime: time))
    }
  }

  func created(response id: String, at time: UInt64) {
    core.countResponse()
    session.withLock { session in
      guard session.responses.count < SimulatorJournal.Limits.entries else { return }
      session.responses.append(
        SimulatorJournal.Response(id: id, turnCount: session.turns.count, createTime: time, status: "in_progress"))
    }
  }

  func update(response id: String, _ change: (inout SimulatorJournal.Response) -> Void) {
    session.withLock { session in
      guard let index = session.responses.lastIndex(where: { $0.id == id }) else { return }
      change(&session.responses[index])
    }
  }

  func created(item id: String, kind: String) {
    session.withLock { session in
      guard session.items.count < SimulatorJournal.Limits.entries else { return }
      session.items.append(SimulatorJournal.Item(id: id, kind: kind))
    }
  }

  func update(item id: String, _ change: (inout SimulatorJournal.Item) -> Void) {
    session.withLock { session in
      guard let index = session.items.lastIndex(where: { $0.id == id }) else { return }
      change(&session.items[index])
    }
  }
}
