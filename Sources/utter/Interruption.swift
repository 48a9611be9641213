import AudioFiles
import Foundation

/// Ctrl-C and its like: nothing half-written stays, and the process ends by the signal, as a shell expects. But the
/// first Ctrl-C ends a live input, as it ends a recording in other programs: what has come is written whole.
enum Interruption {
  /// A reader that goes away is an error of the write, not a signal; an interruption takes pending files with it.
  static func prepare() {
    // A file that is opened must not become standard output or standard error where those are closed. Writing to what
    // stands in for standard output fails, as it should.
    for (descriptor, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(descriptor, F_GETFD) == -1 {
      _ = unsafe open("/dev/null", mode)
    }
    signal(SIGPIPE, SIG_IGN)
    // Where the parent ignores it, so would this process, and the system would not tell how a decoder ended.
    signal(SIGCHLD, SIG_DFL)
    let interruptions = [SIGHUP, SIGINT, SIGTERM]
    AtomicFile.unlinkPendingOnSignals(interruptions)
    endLiveInputOnInterrupt()
    // Who starts programs from a Dispatch queue hands on a mask that blocks them all.
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    for number in interruptions { unsafe sigaddset(&mask, number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }

  /// Ends the process by the signal of Ctrl-C, once what had come is written.
  static func end() {
    AtomicFile.unlinkPending()
    signal(SIGINT, SIG_DFL)
    raise(SIGINT)
  }

  /// Whether whoever started this process had it ignore the signal, as a shell does with what runs in its background.
  static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    unsafe sigaction(number, nil, &action)
    #if canImport(Darwin)
      return unsafe unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self) == 1
    #else
      return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    #endif
  }

  private static func endLiveInputOnInterrupt() {
    if isIgnored(SIGINT) { return }
    let handler: @convention(c) (Int32) -> Void = { number in
      if LiveInputs.end() { return }
      AtomicFile.unlinkPending()
      _ = signal(number, SIG_DFL)
      // Blocked until this handler returns, and then not handled any more.
      raise(number)
    }
    // Without SA_RESTART, so that a read which waits for a microphone ends.
    var action = sigaction()
    #if canImport(Darwin)
      unsafe action.__sigaction_u.__sa_handler = handler
    #else
      unsafe action.__sigaction_handler.sa_handler = handler
    #endif
    unsafe sigaction(SIGINT, &action, nil)
  }
}
