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
/// and neither offers another way. So descriptor 2 leads nowhere for as long as a call into it takes. What another
/// thread writes to standard error in that time is lost too; that is why this is done for MPEG streams and for files of
/// no known format only.
enum StandardErrorSilencer {
  private static let lock = Mutex<Void>(())

  static func run(_ body: () -> Void) {
    lock.withLock { _ in
      let saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
      guard saved >= 0 else { return body() }
      let nowhere = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
      if nowhere >= 0 {
        _ = dup2(nowhere, STDERR_FILENO)
        _ = close(nowhere)
      }
      body()
      _ = dup2(saved, STDERR_FILENO)
      _ = close(saved)
    }
  }
}
