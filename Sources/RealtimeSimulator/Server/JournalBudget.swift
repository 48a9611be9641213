import Synchronization

/// Memory that all sessions' parts of the journal share; what a forgotten session held is there for others again.
final class JournalBudget: Sendable {
  private let limit: Int
  private let used = Mutex(0)

  /// - Parameter limit: In bytes.
  init(limit: Int) {
    self.limit = limit
  }

  /// - Returns: Whether so much may be kept.
  func reserve(_ byteCount: Int) -> Bool {
    used.withLock { used in
      guard used + byteCount <= limit else { return false }
      used += byteCount
      return true
    }
  }

  func release(_ byteCount: Int) { used.withLock { $0 -= byteCount } }

  var usedByteCount: Int { used.withLock { $0 } }
}
