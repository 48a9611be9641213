#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file that appears under its name when it is complete, and not before.
///
/// What is written goes to a file beside the final name, which ``commit()`` gives that name. Whoever opens the name
/// sees the old content or all of the new. Without `commit`, nothing stays behind and an existing file stays as it was.
/// On Linux the file has no name until then, where the file system can do that, so that not even a crash leaves
/// anything; elsewhere it has a hidden one (see ``unlinkPendingOnSignals(_:)``).
///
/// A file that is replaced passes on its permissions and, if possible, its owner; a new one gets 0666 less the
/// process's umask. Where the path is a symbolic link, the file that it leads to is replaced. What exists and is no
/// regular file, such as `/dev/null`, `/dev/stdout` or a named pipe, is written directly.
///
/// ```swift
/// let file = try AtomicFile(path: "labels.csv")
/// try write(labels, to: file.fileDescriptor)
/// try file.commit()
/// ```
public struct AtomicFile: ~Copyable, Sendable {
  private let pending: PendingFile

  /// Makes the file to write to, beside `path`.
  ///
  /// - Throws: When the folder is missing or may not be written, when an existing file may not be written, or when
  ///   `path` is a folder.
  public init(path: String) throws(AudioFileError) {
    do {
      try self.init(path: path, isNamed: false)
    } catch {
      throw AudioFileError(name: path, problem: error)
    }
  }

  /// - Parameter isNamed: Whether to give the file a hidden name even where none is needed.
  package init(path: String, isNamed: Bool) throws(AudioFileError.Problem) {
    pending = try PendingFile(path: path, isNamed: isNamed)
  }

  /// Where to write. It is closed with the file.
  public var fileDescriptor: Int32 { pending.descriptor.number }

  /// Whether the path is no regular file, so that what is written is there at once.
  public var isDirect: Bool { pending.isDirect }

  /// Gives the file its name. The data is handed to the system, which writes it to the disk in its own time.
  ///
  /// - Throws: When the file system reports that data could not be written, or does not take the name. Nothing stays
  ///   behind then.
  public consuming func commit() throws(AudioFileError) {
    do {
      try pending.commit()
    } catch {
      throw AudioFileError(name: pending.name, problem: error)
    }
  }
}

/// The state of an ``AtomicFile``, which owns it alone.
private final class PendingFile: Sendable {
  /// What the caller calls it.
  let name: String
  let descriptor: OwnedDescriptor
  private let place: Place

  private enum Place {
    /// No regular file: nothing to be done at the end.
    case direct
    /// Without a name; to become `target`.
    case unnamed(target: String)
    /// Under a name of its own; to become `target`.
    case named(TemporaryName, target: String)
  }

  var isDirect: Bool {
    if case .direct = place { true } else { false }
  }

  init(path: String, isNamed: Bool) throws(AudioFileError.Problem) {
    name = path
    if let number = Self.standardDescriptor(path) {
      descriptor = try OwnedDescriptor(duplicating: number, for: .open)
      place = .direct
      return
    }
    let target = try Self.target(of: path)
    var status = stat()
    let exists = unsafe stat(target, &status) == 0
    if !exists, errno != ENOENT { throw .failed(.create) }
    if exists, status.isDirectory { throw .isDirectory }
    if exists, !status.isRegularFile {
      descriptor = try OwnedDescriptor(opening: target, O_WRONLY, for: .open)
      place = .direct
      return
    }
    // A file that may not be written is not to be replaced either.
    if exists, unsafe faccessat(AT_FDCWD, target, W_OK, AT_EACCESS) != 0 { throw .failed(.create) }
    AbandonedFiles.remove(beside: target)
    if !isNamed, let file = Self.unnamedFile(for: target) {
      // Without a name, nobody else can have locked it.
      _ = flock(file.number, LOCK_EX | LOCK_NB)
      descriptor = file
      place = .unnamed(target: target)
    } else {
      var number: Int32 = -1
      let temporary = try TemporaryName(beside: target) {
        number = unsafe open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard number >= 0 else { return false }
        if AbandonedFiles.lock(number) { return true }
        // Somebody took it for abandoned before it was locked.
        _ = close(number)
        errno = EEXIST
        return false
      }
      descriptor = OwnedDescriptor(number)
      place = .named(temporary, target: target)
    }
    if exists {
      // The owner first: changing it takes rights away. It is not ours to give away unless we are root, or the group's.
      _ = fchown(descriptor.number, status.st_uid, status.st_gid)
      if fchmod(descriptor.number, status.st_mode & 0o777) != 0 { throw .failed(.create) }
    }
  }

  deinit {
    if case .named(let temporary, _) = place { temporary.remove() }
  }

  func commit() throws(AudioFileError.Problem) {
    try flushErrors(of: descriptor.number)
    switch place {
    case .direct:
      break
    case .named(let temporary, let target):
      try temporary.becomes(target)
    case .unnamed(let target):
      #if os(Linux)
        if Self.link(descriptor.number, as: target) { return }
        guard errno == EEXIST else { throw .failed(.rename) }
        // A link does not replace what is there, but a rename does.
        let temporary = try TemporaryName(beside: target) { Self.link(descriptor.number, as: $0) }
        defer { temporary.remove() }
        try temporary.becomes(target)
      #endif
    }
  }

  /// Opens a new file without a name, to become `target`; gives nil where that cannot be.
  private static func unnamedFile(for target: String) -> OwnedDescriptor? {
    #if os(Linux)
      let folder = target.prefix(through: target.lastIndex(of: "/") ?? target.startIndex)
      let number = retrying { unsafe open(String(folder), unnamedFileFlag | O_RDWR | O_CLOEXEC, 0o666) }
      if number < 0 { return nil }
      let descriptor = OwnedDescriptor(number)
      // It gets its name by way of /proc, which need not be there.
      if unsafe access(path(of: number), F_OK) != 0 { return nil }
      return descriptor
    #else
      return nil
    #endif
  }

  #if os(Linux)
    private static func path(of descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    /// Gives a file without a name its name.
    private static func link(_ descriptor: Int32, as name: String) -> Bool {
      unsafe linkat(AT_FDCWD, path(of: descriptor), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
    }
  #endif

  /// The descriptor that a path such as `/dev/stdout` means. Such paths are no files to replace, even when a regular
  /// file is behind them, and opening one anew would lose the position.
  private static func standardDescriptor(_ path: String) -> Int32? {
    switch path {
    case "/dev/stdout": return 1
    case "/dev/stderr": return 2
    default:
      for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
        return Int32(path.dropFirst(prefix.count))
      }
      return nil
    }
  }

  /// The absolute path that symbolic links lead to, at the last component; what it names need not exist.
  private static func target(of path: String) throws(AudioFileError.Problem) -> String {
    if path.isEmpty { throw .failed(.create, errorNumber: ENOENT) }
    var path = try absolute(path)
    // Linux follows 40 links in a path and then says ELOOP.
    for _ in 0..<40 {
      guard let link = readLink(path) else { return path }
      path = link.hasPrefix("/") ? link : path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex) + link
    }
    throw .failed(.create, errorNumber: ELOOP)
  }

  private static func absolute(_ path: String) throws(AudioFileError.Problem) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = unsafe getcwd(nil, 0) else { throw .failed(.create) }
    defer { unsafe free(folder) }
    return unsafe "\(String(cString: folder))/\(path)"
  }

  private static func readLink(_ path: String) -> String? {
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Int(PATH_MAX))
    defer { unsafe buffer.deallocate() }
    let count = unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe readlink(path, $0.baseAddress!, $0.count) }
    return unsafe count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }
}
