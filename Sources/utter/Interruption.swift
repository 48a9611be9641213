import AudioFiles
import Foundation

/// Ctrl-C and its like: nothing half-written stays, and the process ends by the signal, as a shell expects.
enum Interruption {
  /// A reader that goes away is an error of the write, not a signal; an interruption takes pending files with it.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    AtomicFile.unlinkPendingOnSignals()
  }
}
