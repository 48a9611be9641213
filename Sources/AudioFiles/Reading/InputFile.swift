#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file opened for reading, which need not start where the descriptor's file starts.
///
/// It is read with `pread`, so that the descriptor's own position, which other processes may share, neither matters nor
/// moves.
final class InputFile {
  let descriptor: OwnedDescriptor
  /// Where the file starts.
  let start: Int
  /// Its length in bytes, when it was opened.
  let count: Int

  /// Opens a path.
  convenience init(path: String) throws(AudioFileError.Problem) {
    try self.init(owning: OwnedDescriptor(opening: path, O_RDONLY, for: .open))
  }

  /// Takes a descriptor's file from the descriptor's position on. The descriptor stays the caller's.
  convenience init(fileDescriptor: Int32) throws(AudioFileError.Problem) {
    try self.init(owning: OwnedDescriptor(duplicating: fileDescriptor, for: .read))
  }

  private init(owning descriptor: consuming OwnedDescriptor) throws(AudioFileError.Problem) {
    let status = try descriptor.status(for: .open)
    if status.isDirectory { throw .failed(.open, errorNumber: EISDIR) }
    if status.isRegularFile {
      start = max(0, Int(lseek(descriptor.number, 0, SEEK_CUR)))
      count = max(0, Int(status.st_size) - start)
      self.descriptor = descriptor
    } else {
      // A pipe, a socket or a terminal: header parsers and decoders go back and forth, so what comes is put into a
      // file.
      let copy = try makeUnlinkedTemporary()
      count = try copyAll(from: descriptor.number, reading: .read, to: copy.number, writing: .spool)
      start = 0
      self.descriptor = copy
    }
  }

  /// Reads up to `count` bytes at `offset`; fewer at the end.
  ///
  /// - Returns: How many, or -1 with `errno` set.
  func read(into buffer: UnsafeMutableRawPointer, count: Int, at offset: Int) -> Int {
    var done = 0
    while done < count {
      let result = retrying {
        unsafe pread(descriptor.number, buffer + done, count - done, off_t(start + offset + done))
      }
      if result < 0 { return -1 }
      if result == 0 { break }
      done += result
    }
    return done
  }

  /// The bytes of a range, or fewer where the file ends within it. For headers: allocates.
  func bytes(_ range: Range<Int>) throws(AudioFileError.Problem) -> [UInt8] {
    let range = range.clamped(to: 0..<count)
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
      guard let base = buffer.baseAddress else { return }
      let result = unsafe read(into: base, count: range.count, at: range.lowerBound)
      failed = result < 0
      filled = max(0, result)
    }
    if failed { throw .failed(.read) }
    return bytes
  }
}
