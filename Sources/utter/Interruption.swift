import AudioFiles
import Foundation

/// Ctrl-C and its like: nothing half-written stays, and the process ends by the signal, as a shell expects.
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
    // Who starts programs from a Dispatch queue hands on a mask that blocks them all.
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    for number in interruptions { unsafe sigaddset(&mask, number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }
}
