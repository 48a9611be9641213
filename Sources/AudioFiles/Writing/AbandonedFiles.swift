import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Hidden files that a process left which was killed, or whose machine stopped.
///
/// Who writes such a file holds a lock on it, which the system releases when the process ends, however it ends. So a
/// file of such a name that can be locked belongs to nobody. Where the file system has no locks, nothing is removed.
enum AbandonedFiles {
  /// The folders that were looked at; each is looked at once by a process.
  private static let visited = Mutex<Set<String>>([])
  /// Bounds what is remembered.
  private static let visitedLimit = 10_000

  /// Locks a file that is being written, for as long as its descriptor, or one that was made from it, is open.
  ///
  /// - Returns: Whether the file is there still, and nobody else's.
  static func lock(_ descriptor: Int32) -> Bool {
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 { return errno != EWOULDBLOCK }
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  /// Removes what was left in the folder of `target`.
  static func remove(beside target: String) {
    let folder = String(target.prefix(through: target.lastIndex(of: "/") ?? target.startIndex))
    let isNew = visited.withLock { visited in
      if visited.count >= visitedLimit { visited.removeAll() }
      return visited.insert(folder).inserted
    }
    guard isNew, let stream = unsafe opendir(folder) else { return }
    defer { unsafe closedir(stream) }
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { unsafe String(cString: $0) }
      }
      if isTemporaryName(name) { removeIfAbandoned(folder + name) }
    }
  }

  private static func removeIfAbandoned(_ path: String) {
    // Locks of NFS want a descriptor that may write.
    let descriptor = retrying { unsafe open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
    guard descriptor >= 0 else { return }
    let file = OwnedDescriptor(descriptor)
    guard let status = try? file.status(for: .open), status.isRegularFile else { return }
    if flock(file.number, LOCK_EX | LOCK_NB) == 0 { _ = unsafe unlink(path) }
  }
}
