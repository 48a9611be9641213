import AudioDSP

/// A tool that has been called and has not returned.
struct PendingCall {
  var call: FunctionCall
  var limit: Duration
  var wait: Duration
}

extension VoiceSession {
  /// The most calls that run at once; more are answered with an error.
  static let callLimit = 64

  mutating func take(_ call: FunctionCall, at now: Duration) {
    guard !answers.isDead(call.responseID), calls[call.callID] == nil, seen.insert("call " + call.callID) else {
      return
    }
    noteAnswer(call.responseID, at: now)
    answers.active?.hasCalls = true
    tell(.toolCalled(call))
    guard let wait = toolLimits[call.name] else {
      answer(call, "there is no tool '\(call.name)'", isError: true, at: now)
      return
    }
    guard calls.count < Self.callLimit else {
      answer(call, "too many tools are running", isError: true, at: now)
      return
    }
    calls[call.callID] = PendingCall(call: call, limit: now + wait, wait: wait)
    actions.append(.call(call))
  }

  /// A tool has returned. A result that comes too late, or that nobody wants any more, is dropped.
  public mutating func returned(_ output: String, isError: Bool = false, callID: String, at now: Duration) {
    guard let pending = calls.removeValue(forKey: callID) else { return }
    answer(pending.call, output, isError: isError, at: now)
    goOn(at: now)
  }

  mutating func passCallLimits(at now: Duration) {
    for (id, pending) in calls.sorted(by: { $0.key < $1.key }) where now >= pending.limit {
      calls[id] = nil
      actions.append(.cancelCall(id: id))
      answer(pending.call, "the tool did not answer within \(pending.wait.text)", isError: true, at: now)
      goOn(at: now)
    }
  }

  private mutating func answer(_ call: FunctionCall, _ output: String, isError: Bool, at now: Duration) {
    let result = FunctionResult(callID: call.callID, name: call.name, output: output, isError: isError)
    if call.expectsResult { say(.functionResult(result)) }
    tell(.toolReturned(result))
  }
}
