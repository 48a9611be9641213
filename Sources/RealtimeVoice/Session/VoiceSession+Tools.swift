import AudioDSP

/// A tool that has been called and has not returned.
struct PendingCall {
  /// As the service has said it.
  var call: FunctionCall
  var limit: Duration
  var wait: Duration
}

extension VoiceSession {
  /// The most calls that run at once; more are answered with an error.
  static let callLimit = 64

  mutating func take(_ call: FunctionCall, at now: Duration) {
    guard !answers.isMuted(call.responseID) else { return }
    var id = call.callID
    if id.isEmpty {
      // Vertex gives calls no identifier; the owner needs one.
      id = "call-\(nextCallNumber)"
      nextCallNumber += 1
    }
    guard calls[id] == nil, seenCalls.insert(id) else { return }
    noteAnswer(call.responseID, at: now)
    answers.noteCall(of: call.responseID)
    defer { goOn(at: now) }
    var ownersCall = call
    ownersCall.callID = id
    tell(.toolCalled(ownersCall))
    guard let wait = toolLimits[call.name] else {
      answer(call, id, "there is no tool '\(ServerEventDecoder.bounded(call.name))'", isError: true, at: now)
      return
    }
    guard calls.count < Self.callLimit else {
      answer(call, id, "too many tools are running", isError: true, at: now)
      return
    }
    calls[id] = PendingCall(call: call, limit: now + wait, wait: wait)
    actions.append(.call(ownersCall))
  }

  /// A tool has returned. A result that comes too late, or that nobody wants any more, is dropped.
  public mutating func returned(_ output: String, isError: Bool = false, callID: String, at now: Duration) {
    guard let pending = calls.removeValue(forKey: callID) else { return }
    answer(pending.call, callID, output, isError: isError, at: now)
    goOn(at: now)
    checkUrgent(at: now)
  }

  mutating func cancelCalls(_ ids: [String]) {
    for id in ids where calls.removeValue(forKey: id) != nil { actions.append(.cancelCall(id: id)) }
    guard calls.isEmpty else { return }
    answers.isHeld = false
    answers.forgetCalls()
  }

  mutating func passCallLimits(at now: Duration) {
    for (id, pending) in calls.sorted(by: { $0.key < $1.key }) where now >= pending.limit {
      calls[id] = nil
      actions.append(.cancelCall(id: id))
      answer(pending.call, id, "the tool did not answer within \(pending.wait.text)", isError: true, at: now)
      goOn(at: now)
    }
  }

  /// Sends a result, and has the service's waits count from now on.
  private mutating func answer(_ call: FunctionCall, _ id: String, _ output: String, isError: Bool, at now: Duration) {
    var result = FunctionResult(callID: call.callID, name: call.name, output: output, isError: isError)
    if call.expectsResult, !say(.functionResult(result)) {
      result.output = "the result is longer than the service takes"
      result.isError = true
      say(.functionResult(result))
    }
    if !rules.asksForAnswers { answers.restartWaits(at: now) }
    result.callID = id
    tell(.toolReturned(result))
  }
}
