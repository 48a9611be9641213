#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The system's words for an `errno`.
func systemMessage(_ errorNumber: Int32) -> String {
  guard let text = unsafe strerror(errorNumber) else { return "error \(errorNumber)" }
  return unsafe String(cString: text)
}

/// Repeats a call that a signal interrupted.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

/// Reads what there is, up to `count` bytes, and waits for at least one, on a descriptor that does not block as well.
///
/// - Parameter isEnded: Whether to give up at a signal.
/// - Returns: How many bytes came; 0 at the end, -1 with `errno` set.
func readWaiting(
  _ descriptor: Int32, into buffer: UnsafeMutableRawPointer?, count: Int, orUntil isEnded: () -> Bool = { false }
) -> Int {
  while true {
    let result = unsafe read(descriptor, buffer, count)
    if result >= 0 { return result }
    switch errno {
    case EINTR: if isEnded() { return 0 }
    case EAGAIN, EWOULDBLOCK: _ = isReadable(descriptor, withinMilliseconds: -1)
    default: return -1
    }
  }
}

/// Whether a read would return at once: there are bytes, or the end has come, or an error.
///
/// - Parameter milliseconds: How long to wait for that; a negative number means for ever.
func isReadable(_ descriptor: Int32, withinMilliseconds milliseconds: Int32 = 0) -> Bool {
  var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return retrying { unsafe poll(&request, 1, milliseconds) } > 0
}

/// A file descriptor that is closed at the end of its life.
struct OwnedDescriptor: ~Copyable {
  let number: Int32

  /// Takes over a descriptor.
  init(_ number: Int32) {
    self.number = number
  }

  /// Opens a path, for this process only.
  init(
    opening path: String, _ flags: Int32, mode: mode_t = 0, for operation: AudioFileError.Operation
  ) throws(AudioFileError.Problem) {
    number = retrying { unsafe open(path, flags | O_CLOEXEC, mode) }
    if number < 0 { throw .failed(operation) }
  }

  /// A second descriptor of the same open file, for this process only.
  init(duplicating descriptor: Int32, for operation: AudioFileError.Operation) throws(AudioFileError.Problem) {
    number = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    if number < 0 { throw .failed(operation) }
  }

  deinit { _ = close(number) }

  /// What kind of file this is, its size and its permissions.
  func status(for operation: AudioFileError.Operation) throws(AudioFileError.Problem) -> stat {
    var status = stat()
    if unsafe fstat(number, &status) != 0 { throw .failed(operation) }
    return status
  }
}

extension stat {
  var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
}

#if os(Linux)
  /// `O_TMPFILE`, a macro that Swift does not import; the first number is the same on every architecture that Swift
  /// has.
  let unnamedFileFlag: Int32 = 0o20000000 | O_DIRECTORY
#endif

/// An empty file without a name, for reading and writing, in the folder that TMPDIR names or else in /tmp.
func makeUnlinkedTemporary() throws(AudioFileError.Problem) -> OwnedDescriptor {
  let variable = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
  let folder = variable.isEmpty ? "/tmp" : variable
  #if os(Linux)
    let unnamed = retrying { unsafe open(folder, unnamedFileFlag | O_RDWR | O_EXCL | O_CLOEXEC, 0o600) }
    if unnamed >= 0 { return OwnedDescriptor(unnamed) }
  #endif
  while true {
    let path = "\(folder)/\(temporaryName())"
    let named = retrying { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    if named >= 0 {
      _ = unsafe unlink(path)
      return OwnedDescriptor(named)
    }
    if errno != EEXIST { throw .failed(.spool) }
  }
}

/// A name for a file that is not complete; hidden, and unlike any other.
func temporaryName() -> String {
  "\(temporaryPrefix)\(String(UInt64.random(in: .min ... .max), radix: 16))\(temporarySuffix)"
}

/// Whether a name is one of ``temporaryName()``'s.
func isTemporaryName(_ name: String) -> Bool {
  guard name.hasPrefix(temporaryPrefix), name.hasSuffix(temporarySuffix) else { return false }
  let digits = name.dropFirst(temporaryPrefix.count).dropLast(temporarySuffix.count)
  return (1...16).contains(digits.count) && digits.allSatisfy { "0123456789abcdef".contains($0) }
}

private let temporaryPrefix = ".utter-"
private let temporarySuffix = ".partial"

/// Writes all bytes at the descriptor's position, or fails; waits on a descriptor that does not block as well.
func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, for operation: AudioFileError.Operation
) throws(AudioFileError.Problem) {
  var rest = unsafe bytes
  while unsafe !rest.isEmpty {
    let count = unsafe write(descriptor, rest.baseAddress, rest.count)
    if count >= 0 {
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      continue
    }
    switch errno {
    case EINTR: break
    case EAGAIN, EWOULDBLOCK:
      var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = retrying { unsafe poll(&request, 1, -1) }
    default: throw .failed(operation)
    }
  }
}

/// Copies what is left to read of one descriptor to the other, in pieces of 64 KiB.
///
/// - Returns: How many bytes that was.
func copyAll(
  from source: Int32, reading: AudioFileError.Operation, to target: Int32, writing: AudioFileError.Operation
) throws(AudioFileError.Problem) -> Int {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
  defer { unsafe buffer.deallocate() }
  var total = 0
  while true {
    let count = unsafe readWaiting(source, into: buffer.baseAddress, count: buffer.count)
    if count < 0 { throw .failed(reading) }
    if count == 0 { return total }
    unsafe try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: target, for: writing)
    total += count
  }
}

/// Has the file system say what it held back: NFS, FUSE and others report a write's failure only when a descriptor is
/// closed. Does not wait for the disk.
func flushErrors(of descriptor: Int32) throws(AudioFileError.Problem) {
  let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
  if duplicate < 0 || close(duplicate) != 0 { throw .failed(.write) }
}
