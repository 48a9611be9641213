import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The hidden name of a file that is not complete; known to signal handlers for as long as there is something to
/// unlink.
///
/// It is given up once: by the final name, or by removal.
final class TemporaryName: Sendable {
  private let path: String
  /// Taken by whoever gives the name up, since the table may give its place to another name after that.
  private let entry: Mutex<Entry?>

  private enum Entry {
    case listed(PendingNames.Entry)
    /// The table was full.
    case unlisted
  }

  /// Makes a file under a new name in another file's folder.
  ///
  /// - Parameter create: Makes a file of this path, or gives false with `errno` set; called again with another path on
  ///   EEXIST.
  init(beside target: String, create: (String) -> Bool) throws(AudioFileError.Problem) {
    let folder = target.prefix(through: target.lastIndex(of: "/") ?? target.startIndex)
    while true {
      let path = "\(folder)\(temporaryName())"
      // Entered before there is a file, so that there is none that no handler knows.
      let entry = PendingNames.add(path)
      if create(path) {
        self.path = path
        self.entry = Mutex(entry.map { .listed($0) } ?? .unlisted)
        return
      }
      let errorNumber = errno
      PendingNames.remove(entry)
      if errorNumber != EEXIST && errorNumber != EINTR { throw .failed(.create, errorNumber: errorNumber) }
    }
  }

  /// Gives the file its final name, in place of what has it.
  func becomes(_ target: String) throws(AudioFileError.Problem) {
    if unsafe rename(path, target) != 0 { throw .failed(.rename) }
    giveUp()
  }

  /// Removes the file, if it still has this name.
  func remove() {
    guard entry.withLock({ $0 != nil }) else { return }
    _ = unsafe unlink(path)
    giveUp()
  }

  private func giveUp() {
    if case .listed(let entry) = entry.withLock({ $0.take() }) { PendingNames.remove(entry) }
  }
}
