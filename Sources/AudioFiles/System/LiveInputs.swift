import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Pipes that are read as they come, such as a microphone's on standard input, and a way to end them from a signal
/// handler, after which what is read from them ends as if their writers had closed them.
package enum LiveInputs {
  private static let count = Atomic(0)
  private static let hasEnded = Atomic(false)

  /// A pipe that becomes readable with the end: what wakes a wait for input, whichever thread ends it. Closed, and so -1,
  /// where no descriptors were left; a signal still ends a wait then.
  private static let bell: (reading: Int32, writing: Int32) = {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return (-1, -1) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }()

  /// Ends all live inputs, now and to come. Async-signal-safe. For a handler that is installed without `SA_RESTART`.
  ///
  /// - Returns: False where there are none, or where they have been ended before.
  package static func end() -> Bool {
    guard count.load(ordering: .acquiring) > 0, !hasEnded.exchange(true, ordering: .acquiringAndReleasing) else {
      return false
    }
    let errorNumber = errno
    var stroke: UInt8 = 1
    _ = unsafe write(bell.writing, &stroke, 1)
    // Whoever the signal interrupted may look at its own.
    errno = errorNumber
    return true
  }

  /// Waits until a read of `descriptor` would return at once, or the inputs are ended.
  ///
  /// - Returns: Whether they are not ended.
  static func wait(for descriptor: Int32) -> Bool {
    var requests = [descriptor, bell.reading].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while !areEnded, unsafe poll(&requests, 2, -1) < 0, errno == EINTR {}
    return !areEnded
  }

  /// A descriptor that can be read, and is not to be, once the inputs are ended; -1 where there was none left.
  package static var endDescriptor: Int32 { bell.reading }

  package static var areEnded: Bool { hasEnded.load(ordering: .acquiring) }

  package static func add() {
    // Made here, so that a signal handler finds it.
    _ = bell
    count.add(1, ordering: .acquiringAndReleasing)
  }

  package static func remove() { count.subtract(1, ordering: .acquiringAndReleasing) }
}
