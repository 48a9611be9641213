#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The hidden name of a file that is not complete; known to signal handlers for as long as there is something to unlink.
struct TemporaryName: Sendable {
  private let path: String
  private let entry: PendingNames.Entry?

  /// Makes a file under a new name in another file's folder.
  ///
  /// - Parameter create: Makes a file of this path, or gives false with `errno` set; called again with another path on EEXIST.
  init(beside target: String, create: (String) -> Bool) throws(AudioFileError.Problem) {
    let folder = target.prefix(through: target.lastIndex(of: "/") ?? target.startIndex)
    while true {
      let path = "\(folder)\(temporaryName())"
      // Entered before there is a file, so that there is none that no handler knows.
      let entry = PendingNames.add(path)
      if create(path) {
        self.path = path
        self.entry = entry
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
    PendingNames.remove(entry)
  }

  /// Removes the file, if it still has this name.
  func remove() {
    _ = unsafe unlink(path)
    PendingNames.remove(entry)
  }
}
