import Synchronization

/// Pipes that are read as they come, such as a microphone's on standard input, and a way to end them from a signal
/// handler, after which what is read from them ends as if their writers had closed them.
package enum LiveInputs {
  private static let count = Atomic(0)
  private static let hasEnded = Atomic(false)

  /// Ends all live inputs, now and to come. Async-signal-safe.
  ///
  /// A read that waits goes on waiting unless the signal interrupts it, for which its handler is to be installed without
  /// `SA_RESTART`.
  ///
  /// - Returns: False where there are none, or where they have been ended before.
  package static func end() -> Bool {
    count.load(ordering: .acquiring) > 0 && !hasEnded.exchange(true, ordering: .acquiringAndReleasing)
  }

  package static var areEnded: Bool { hasEnded.load(ordering: .acquiring) }

  package static func add() { count.add(1, ordering: .acquiringAndReleasing) }

  package static func remove() { count.subtract(1, ordering: .acquiringAndReleasing) }
}
