#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What a path or a descriptor leads to.
enum Input {
  case file(InputFile)
  /// A pipe, a socket, a terminal or another device: what comes, comes once.
  case stream(InputStream)

  /// Opens a path.
  init(path: String) throws(AudioFileError.Problem) {
    try self.init(owning: OwnedDescriptor(opening: path, O_RDONLY, for: .open))
  }

  /// Takes a descriptor's file from the descriptor's position on. The descriptor stays the caller's.
  init(fileDescriptor: Int32) throws(AudioFileError.Problem) {
    try self.init(owning: OwnedDescriptor(duplicating: fileDescriptor, for: .read))
  }

  private init(owning descriptor: consuming OwnedDescriptor) throws(AudioFileError.Problem) {
    let status = try descriptor.status(for: .open)
    if status.isDirectory { throw .failed(.open, errorNumber: EISDIR) }
    if status.isRegularFile {
      self = .file(InputFile(descriptor, size: Int(status.st_size)))
    } else {
      self = .stream(InputStream(descriptor))
    }
  }

  /// The file, or a copy of all that comes.
  func asFile() throws(AudioFileError.Problem) -> InputFile {
    switch self {
    case .file(let file): return file
    case .stream(let stream): return try stream.spooled()
    }
  }
}

/// A file opened for reading, which need not start where the descriptor's file starts.
///
/// It is read with `pread`, so that the descriptor's own position, which other processes may share, neither matters nor
/// moves.
final class InputFile: HeaderSource {
  let descriptor: OwnedDescriptor
  /// Where the file starts.
  let start: Int
  /// Its length in bytes, when it was opened.
  let count: Int

  /// Takes an open regular file of `size` bytes from the descriptor's position on.
  init(_ descriptor: consuming OwnedDescriptor, size: Int) {
    start = max(0, Int(lseek(descriptor.number, 0, SEEK_CUR)))
    count = max(0, size - start)
    self.descriptor = descriptor
  }

  /// Takes an open regular file's first `count` bytes.
  init(_ descriptor: consuming OwnedDescriptor, first count: Int) {
    start = 0
    self.count = count
    self.descriptor = descriptor
  }

  /// Reads up to `count` bytes at `offset`; fewer at the end.
  ///
  /// - Returns: How many, or -1 with `errno` set.
  func read(into buffer: UnsafeMutableRawPointer, count: Int, at offset: Int) -> Int {
    unsafe readAll(descriptor.number, into: buffer, count: count, at: start + offset)
  }

  func bytes(_ range: Range<Int>) throws(AudioFileError.Problem) -> [UInt8] {
    let range = range.clamped(to: 0..<count)
    return try readBytes(descriptor.number, start + range.lowerBound..<start + range.upperBound)
  }

  var knownCount: Int? { count }

  func reaches(_ offset: Int) -> Bool { offset <= count }

  func headerIsUnderstood() {}
}

/// Reads up to `count` bytes at `offset` of a descriptor's file; fewer at the end.
///
/// - Returns: How many, or -1 with `errno` set.
private func readAll(_ descriptor: Int32, into buffer: UnsafeMutableRawPointer, count: Int, at offset: Int) -> Int {
  var done = 0
  while done < count {
    let result = retrying { unsafe pread(descriptor, buffer + done, count - done, off_t(offset + done)) }
    if result < 0 { return -1 }
    if result == 0 { break }
    done += result
  }
  return done
}

/// The bytes of a range of a descriptor's file, or fewer at its end. Allocates.
func readBytes(_ descriptor: Int32, _ range: Range<Int>) throws(AudioFileError.Problem) -> [UInt8] {
  var failed = false
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
    guard let base = buffer.baseAddress else { return }
    let result = unsafe readAll(descriptor, into: base, count: range.count, at: range.lowerBound)
    failed = result < 0
    filled = max(0, result)
  }
  if failed { throw .failed(.read) }
  return bytes
}
