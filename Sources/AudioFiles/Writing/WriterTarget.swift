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
  /// Where in the descriptor's file to start; nil for a stream.
  private let start: Int?
  private let header: FileHeader

  convenience init(_ file: consuming AtomicFile, _ header: FileHeader) throws(AudioFileError.Problem) {
    let number = file.fileDescriptor
    try self.init(file: file, descriptor: nil, number: number, header)
  }

  convenience init(_ descriptor: consuming OwnedDescriptor, _ header: FileHeader) throws(AudioFileError.Problem) {
    let number = descriptor.number
    try self.init(file: nil, descriptor: descriptor, number: number, header)
  }

  private init(
    file: consuming AtomicFile?, descriptor: consuming OwnedDescriptor?, number: Int32, _ header: FileHeader
  ) throws(AudioFileError.Problem) {
    var status = stat()
    if unsafe fstat(number, &status) != 0 { throw .failed(.write) }
    self.file = file
    self.descriptor = descriptor
    self.number = number
    self.header = header
    // On Linux a file opened for appending takes everything at its end, wherever one writes.
    let isRewritable = status.isRegularFile && fcntl(number, F_GETFL) & O_APPEND == 0
    if isRewritable {
      let start = max(0, Int(lseek(number, 0, SEEK_CUR)))
      self.start = start
      collector = nil
      collectorNumber = nil
      output = OutputBytes(descriptor: number, start: start + header.byteCount)
    } else if header.container == .raw {
      start = nil
      collector = nil
      collectorNumber = nil
      output = OutputBytes(descriptor: number, start: nil)
    } else {
      let temporary = try makeUnlinkedTemporary()
      start = 0
      collectorNumber = temporary.number
      output = OutputBytes(descriptor: temporary.number, start: header.byteCount)
      collector = consume temporary
    }
  }

  /// Puts what has been written into its place, with a header for so many sample frames.
  func finish(frameCount: Int) throws(AudioFileError.Problem) {
    if let start {
      // Where the samples went did not move the descriptor's position, which others may share.
      let descriptor = collectorNumber ?? number
      try Self.write(header.bytes(frameCount: frameCount), to: descriptor, at: start)
      let padding = [UInt8](repeating: 0, count: header.paddingCount(frameCount: frameCount))
      try Self.write(padding, to: descriptor, at: start + header.byteCount + output.count)
    }
    if let collectorNumber {
      if lseek(collectorNumber, 0, SEEK_SET) != 0 { throw .failed(.spool) }
      _ = try copyAll(from: collectorNumber, reading: .spool, to: number, writing: .write)
    }
    if let file = file.take() {
      do { try file.commit() } catch { throw error.problem }
    } else {
      try flushErrors(of: number)
    }
  }

  /// Writes at an offset and leaves the descriptor's position behind it.
  private static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) throws(AudioFileError.Problem) {
    if lseek(descriptor, off_t(offset), SEEK_SET) < 0 { throw .failed(.write) }
    unsafe try bytes.span.withUnsafeBytes { (buffer) throws(AudioFileError.Problem) in
      unsafe try writeAll(buffer, to: descriptor, for: .write)
    }
  }
}
