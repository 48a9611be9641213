import NIOCore

/// Something under way that can be called off: opening a WebSocket, an HTTP request. Any thread may use it.
public final class TransportAttempt<Value: Sendable>: Sendable {
  /// Fails with a `TransportError` and nothing else, within the configured limit.
  public let future: EventLoopFuture<Value>
  private let abandon: @Sendable () -> Void

  init(future: EventLoopFuture<Value>, abandon: @escaping @Sendable () -> Void) {
    self.future = future
    self.abandon = abandon
  }

  /// Closes the socket and fails the future with `.cancelled`; without effect where the attempt is over.
  public func cancel() { abandon() }

  /// The result; cancels when the task is cancelled.
  public func get() async throws(TransportError) -> Value {
    do {
      return try await withTaskCancellationHandler {
        try await future.get()
      } onCancel: {
        cancel()
      }
    } catch {
      throw error as? TransportError ?? TransportError(.connectionLost("\(type(of: error))"), endpoint: "")
    }
  }
}
