import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Keeps a C library from writing to standard error.
///
/// libmpg123 prints notes and warnings about what it meets in an MPEG stream, libsndfile does not tell it to be quiet,
/// and neither offers another way. So descriptor 2 leads nowhere for as long as any thread is in a call into it. What
/// other threads write to descriptor 2 in that time is lost too; that is why this is done for MPEG streams and for files
/// of no known format only, and why this package writes to ``StandardError/descriptor``.
enum StandardErrorSilencer {
  /// Runs `body`, several threads' at the same time.
  static func run(_ body: () -> Void) {
    StandardError.state.withLock { $0.enter() }
    body()
    StandardError.state.withLock { $0.leave() }
  }
}

/// Where standard error leads, however descriptor 2 is used by others.
package enum StandardError {
  fileprivate static let state = Mutex(State())

  /// A descriptor for what is to be told at any time, by any thread: a duplicate of descriptor 2, made at first use. It
  /// stays open for as long as the process runs. Descriptor 2 itself where there can be no duplicate.
  package static var descriptor: Int32 { state.withLock { $0.duplicate() } }

  fileprivate struct State {
    /// How many threads want silence.
    private var count = 0
    /// Where descriptor 2 led before the first of them came; negative when it was closed.
    private var saved: Int32 = -1
    private var kept: Int32?

    mutating func enter() {
      count += 1
      guard count == 1 else { return }
      saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
      guard saved >= 0 else { return }
      let nowhere = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
      if nowhere >= 0 {
        _ = dup2(nowhere, STDERR_FILENO)
        _ = close(nowhere)
      }
    }

    mutating func leave() {
      count -= 1
      guard count == 0, saved >= 0 else { return }
      _ = dup2(saved, STDERR_FILENO)
      _ = close(saved)
      saved = -1
    }

    mutating func duplicate() -> Int32 {
      if let kept { return kept }
      let new = fcntl(saved >= 0 ? saved : STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
      if new < 0 { return STDERR_FILENO }
      kept = new
      return new
    }
  }
}
