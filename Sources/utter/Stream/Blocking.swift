import Dispatch
import Synchronization

/// Waits on a thread of the tool's own for work that is done elsewhere.
enum Blocking {
  static func run<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
    let done = DispatchSemaphore(value: 0)
    let box = Box<Value>()
    Task.detached {
      let outcome: Result<Value, any Error>
      do { outcome = .success(try await work()) } catch { outcome = .failure(error) }
      box.result.withLock { $0 = outcome }
      done.signal()
    }
    done.wait()
    guard let outcome = box.result.withLock({ $0 }) else { preconditionFailure("signalled without a result") }
    return try outcome.get()
  }

  private final class Box<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
  }
}
