import AudioFiles
import Foundation

/// Where a result goes: standard output, or a file that appears under its name when it is complete.
///
/// Writes are checked. On standard output, a device or a named pipe every ``endRecord()`` is a write, so that whoever
/// reads a pipe has a record as soon as it is made; a file is written in blocks.
final class Output {
  private static let blockSize = 1 << 16

  let name: String
  private var file: AtomicFile?
  private let descriptor: Int32
  private let isStream: Bool
  private var buffer: [UInt8] = []

  /// - Parameter path: A path, or `-` for standard output.
  init(_ path: String) throws {
    if path == "-" {
      isStream = true
      name = "standard output"
      file = nil
      descriptor = STDOUT_FILENO
    } else {
      name = path
      let atomic = try AtomicFile(path: path)
      descriptor = atomic.fileDescriptor
      isStream = atomic.isDirect
      file = consume atomic
    }
    buffer.reserveCapacity(2 * Self.blockSize)
  }

  /// The output for one input; its folder is made.
  convenience init(_ place: OutputPlace, for file: InputFiles.File) throws {
    try self.init(place.path(for: file))
  }

  /// The one output of all inputs.
  convenience init(_ place: OutputPlace) throws {
    switch place.kind {
    case .standardOutput: try self.init("-")
    case .file(let path), .folder(let path): try self.init(path)
    }
  }

  func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.blockSize { try flush() }
  }

  func write(_ bytes: Span<UInt8>) throws {
    // As a whole: a loop over the bytes costs as much as resampling them did.
    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
    if buffer.count >= Self.blockSize { try flush() }
  }

  /// Ends a line, and lets it go where someone may wait for it.
  func endRecord() throws {
    buffer.append(UInt8(ascii: "\n"))
    if isStream || buffer.count >= Self.blockSize { try flush() }
  }

  /// Writes what is left; a file now appears under its name.
  func finish() throws {
    try flush()
    if let file = file.take() { try file.commit() }
  }

  /// Writes what has been collected.
  func flush() throws {
    var written = 0
    while written < buffer.count {
      let count = unsafe buffer.withUnsafeBytes { bytes in
        unsafe Foundation.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      }
      if count >= 0 {
        written += count
      } else if errno == EAGAIN {
        // Somebody else made the other end non-blocking, as node does with its pipes.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&entry, 1, -1)
      } else if errno != EINTR {
        throw Failure(writing: name, errorNumber: errno)
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
