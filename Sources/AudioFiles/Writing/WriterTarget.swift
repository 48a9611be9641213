#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Where a writer's file goes in the end, and where it is until then.
final class WriterTarget {
  /// What the encoder writes to.
  let output: OutputBytes
  private var file: AtomicFile?
  private let descriptor: OwnedDescriptor?
  private let collector: OwnedDescriptor?
  /// The target's descriptor, and that of the temporary file from which it is to be filled, if any; each is one of the
  /// above.
  private let number: Int32
  private let collectorNumber: Int32?
  private let start: Int?

  /// - Parameter isStream: Whether the file is written from its start to its end, without going back.
  convenience init(_ file: consuming AtomicFile, isStream: Bool) throws(AudioFileError.Problem) {
    let number = file.fileDescriptor
    try self.init(file: file, descriptor: nil, number: number, isStream: isStream)
  }

  convenience init(_ descriptor: consuming OwnedDescriptor, isStream: Bool) throws(AudioFileError.Problem) {
    let number = descriptor.number
    try self.init(file: nil, descriptor: descriptor, number: number, isStream: isStream)
  }

  private init(
    file: consuming AtomicFile?, descriptor: consuming OwnedDescriptor?, number: Int32, isStream: Bool
  ) throws(AudioFileError.Problem) {
    var status = stat()
    if unsafe fstat(number, &status) != 0 { throw .failed(.write) }
    self.file = file
    self.descriptor = descriptor
    self.number = number
    // On Linux a file opened for appending takes everything at its end, wherever one writes.
    let isRewritable = status.isRegularFile && fcntl(number, F_GETFL) & O_APPEND == 0
    if isRewritable {
      let start = max(0, Int(lseek(number, 0, SEEK_CUR)))
      self.start = start
      collector = nil
      collectorNumber = nil
      output = OutputBytes(descriptor: number, start: start)
    } else if isStream {
      start = nil
      collector = nil
      collectorNumber = nil
      output = OutputBytes(descriptor: number, start: nil)
    } else {
      let temporary = try makeUnlinkedTemporary()
      start = nil
      collectorNumber = temporary.number
      output = OutputBytes(descriptor: temporary.number, start: 0)
      collector = consume temporary
    }
  }

  /// Puts what has been written into its place.
  func finish() throws(AudioFileError.Problem) {
    if let collectorNumber {
      if lseek(collectorNumber, 0, SEEK_SET) != 0 { throw .failed(.spool) }
      _ = try copyAll(from: collectorNumber, reading: .spool, to: number, writing: .write)
    } else if let start {
      // The output went past the descriptor's position, which others may share.
      if lseek(number, off_t(start + output.count), SEEK_SET) < 0 { throw .failed(.write) }
    }
    if let file = file.take() {
      do { try file.commit() } catch { throw error.problem }
    } else {
      try flushErrors(of: number)
    }
  }
}
