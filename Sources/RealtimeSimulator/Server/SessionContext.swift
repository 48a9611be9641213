/// What every session has: its connection, its part of the journal and its faults.
final class SessionContext {
  /// Lets go of the session, and so of this, when the connection ends.
  let link: any SessionLink
  let core: SimulatorCore
  let recorder: SessionRecorder
  let dialect: SimulatedDialect
  /// Of this simulator's sessions, from 1.
  let number: Int
  /// The query's items.
  let query: [(name: String, value: String)]
  /// What has not happened yet.
  private var faults: Set<SimulatedFault>
  /// The service has stopped answering.
  var isSilent = false
  private var identifierCount = 0

  init(
    link: any SessionLink, core: SimulatorCore, recorder: SessionRecorder, dialect: SimulatedDialect, number: Int,
    query: [(name: String, value: String)], faults: Set<SimulatedFault>
  ) {
    self.link = link
    self.core = core
    self.recorder = recorder
    self.dialect = dialect
    self.number = number
    self.query = query
    self.faults = faults
  }

  var configuration: SimulatorConfiguration { core.configuration }
  var now: UInt64 { link.now }

  func log(_ line: @autoclosure () -> String) { core.log("session \(number) (\(dialect.rawValue)): \(line())") }

  func has(_ fault: SimulatedFault) -> Bool { faults.contains(fault) }

  /// The faults that are still to happen; they count as having happened.
  func takeFaults() -> [SimulatedFault] {
    let taken = SimulatedFault.allCases.filter { faults.contains($0) }
    faults = faults.filter { $0 == .slowRead || $0 == .delayedAcknowledgement }
    return taken
  }

  /// - Returns: Whether it was still to happen.
  func take(_ fault: SimulatedFault) -> Bool { faults.remove(fault) != nil }

  func show(_ fault: SimulatedFault) {
    log("fault \(fault.name)")
    recorder.update { $0.faults.append(fault) }
  }

  func identifier(_ prefix: String) -> String {
    identifierCount += 1
    return "\(prefix)_\(number)_\(identifierCount)"
  }

  func send(_ message: [UInt8], type: String, isBinary: Bool = false) {
    if isSilent { return }
    recorder.sent(type, byteCount: message.count)
    link.send(message, isBinary: isBinary)
  }

  /// Does what makes a new connection necessary, if it is to happen (again).
  ///
  /// - Parameter next: What would have been sent next.
  /// - Returns: Whether it happened.
  func perform(_ fault: SimulatedFault, next: @autoclosure () -> [UInt8]) -> Bool {
    if fault.needsNewConnection, !core.claim(fault) { return false }
    show(fault)
    switch fault {
    case .drop: link.drop(isReset: true)
    case .dropMidFrame: link.sendHalf(next())
    case .close(.abnormal): link.drop(isReset: false)
    case .close(let code): link.close(code.rawValue, "simulated")
    case .stall: isSilent = true
    default: return false
    }
    return true
  }

  /// The user's audio has come: a service that reads slowly stops for a while.
  func audioArrived() {
    guard take(.slowRead) else { return }
    show(.slowRead)
    link.pauseReading(for: .seconds(3))
  }

  /// Runs `action` now, or 2 s late where confirmations are delayed.
  func acknowledge(_ action: @escaping () -> Void) {
    guard has(.delayedAcknowledgement) else { return action() }
    recorder.update { session in
      if !session.faults.contains(.delayedAcknowledgement) { session.faults.append(.delayedAcknowledgement) }
    }
    link.schedule(after: .seconds(2), action)
  }
}
