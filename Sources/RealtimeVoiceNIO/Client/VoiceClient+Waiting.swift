import NIOCore

extension VoiceClient {
  /// Returns when `condition` holds, of what this client's properties say.
  ///
  /// ```swift
  /// await client.wait(until: { $0.isReady && $0.waitingInput < .seconds(1) })
  /// ```
  ///
  /// It is looked at now and each time that something has happened, on the event loop: what holds for one block or one
  /// message is seen, too. It should do no more than look. Time that passes is not something that happens.
  ///
  /// What held then may hold no more when the caller goes on, unless that runs on the event loop, too, as a function of
  /// an `isolated VoiceClient` does: another thread has to be woken first, and the client does not wait for it.
  ///
  /// Once the session is over nothing is waited for: `false` comes at once for what does not hold, though ``play(into:)``
  /// could still bring it about, as with `waitingOutput == .zero` while there is something left to play.
  ///
  /// Whoever waits keeps the client alive. Without a limit that is until the condition holds, the session is over or the
  /// task is cancelled, and so for ever where none of them comes.
  ///
  /// - Parameter limit: When to give up; `nil` is never.
  /// - Returns: Whether it held when it was last looked at. It may not where the session is over, the limit has passed, or
  ///   the task is cancelled.
  @discardableResult
  public func wait(
    until condition: @escaping @Sendable (isolated VoiceClient) -> Bool, atMost limit: Duration? = nil
  ) async -> Bool {
    await wait(until: condition, outlastsSession: false, atMost: limit)
  }

  /// - Parameter outlastsSession: Whether it goes on when the session is over.
  @discardableResult
  func wait(
    until condition: @escaping @Sendable (isolated VoiceClient) -> Bool, outlastsSession: Bool,
    atMost limit: Duration?
  ) async -> Bool {
    if condition(self) { return true }
    if Task.isCancelled || (isClosed && !outlastsSession) { return false }
    waiterCount += 1
    let number = waiterCount
    let scheduled = limit.map { limit in
      eventLoop.scheduleTask(in: TimeAmount(limiting: limit)) { [weak self] in
        guard let self else { return }
        self.assumeIsolated { $0.stopWaiting(number) }
      }
    }
    defer { scheduled?.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiters.append(
          Waiter(number: number, condition: condition, outlastsSession: outlastsSession, continuation: continuation))
      }
    } onCancel: {
      // Has its turn behind what is under way here, and so behind the continuation.
      Task { await self.stopWaiting(number) }
    }
  }

  func resumeWaiters() {
    guard !waiters.isEmpty else { return }
    waiters.removeAll { waiter in
      let holds = waiter.condition(self)
      guard holds || (isClosed && !waiter.outlastsSession) else { return false }
      waiter.continuation.resume(returning: holds)
      return true
    }
  }

  private func stopWaiting(_ number: Int) {
    guard let place = waiters.firstIndex(where: { $0.number == number }) else { return }
    let waiter = waiters.remove(at: place)
    waiter.continuation.resume(returning: waiter.condition(self))
  }

  struct Waiter {
    var number: Int
    var condition: @Sendable (isolated VoiceClient) -> Bool
    var outlastsSession: Bool
    var continuation: CheckedContinuation<Bool, Never>
  }
}
