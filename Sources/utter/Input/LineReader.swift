import AudioFiles
import Foundation

/// Reads lines as they come, in memory that the longest of them bounds.
struct LineReader: ~Copyable {
  struct Line {
    /// Without the line feed. Empty where the line is too long.
    var bytes: [UInt8]
    /// Counted from 1.
    var number: Int
    /// Whether it ends with a line feed; the last line of what was cut off does not.
    var isTerminated: Bool
    /// Whether it was longer than the limit, and left out.
    var isTooLong: Bool
  }

  let name: String
  private let limit: Int
  private let handle: FileHandle
  private var block = [UInt8](repeating: 0, count: 1 << 16)
  private var buffer: [UInt8] = []
  /// Where the present line starts, and up to where there is no line feed.
  private var start = 0
  private var scanned = 0
  private var number = 0
  /// Whether the present line's start has been thrown away.
  private var isTooLong = false

  /// - Parameters:
  ///   - path: A path, or `-` for standard input.
  ///   - limit: The longest line that is kept, in bytes.
  init(_ path: String, limit: Int) throws {
    name = path == "-" ? "standard input" : path
    self.limit = limit
    guard path != "-" else {
      handle = .standardInput
      return
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw Failure("\(name): there is no such file") }
      throw Failure("\(name): cannot open: \(unsafe String(cString: strerror(errno)))")
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// The next line; `nil` at the end.
  mutating func next() throws -> Line? {
    while true {
      if let end = indexOfLineFeed() { return line(endingAt: end, isTerminated: true) }
      scanned = buffer.count
      if buffer.count - start > limit {
        isTooLong = true
        drop(upTo: buffer.count)
      }
      if try !fill() {
        return start < buffer.count || isTooLong ? line(endingAt: buffer.count, isTerminated: false) : nil
      }
    }
  }

  private mutating func line(endingAt end: Int, isTerminated: Bool) -> Line {
    number += 1
    let isTooLong = isTooLong || end - start > limit
    let line = Line(
      bytes: isTooLong ? [] : Array(buffer[start..<end]), number: number, isTerminated: isTerminated,
      isTooLong: isTooLong)
    start = isTerminated ? end + 1 : end
    scanned = start
    self.isTooLong = false
    return line
  }

  private func indexOfLineFeed() -> Int? {
    let (from, count) = (scanned, buffer.count - scanned)
    guard count > 0 else { return nil }
    return unsafe buffer.withUnsafeBytes { bytes in
      let first = unsafe bytes.baseAddress! + from
      return unsafe memchr(first, Int32(UInt8(ascii: "\n")), count).map { unsafe from + (UnsafeRawPointer($0) - first) }
    }
  }

  private mutating func drop(upTo end: Int) {
    buffer.removeSubrange(..<end)
    start = 0
    scanned = buffer.count
  }

  /// Reads what is there. At the end there is nothing.
  private mutating func fill() throws -> Bool {
    if start > 0 { drop(upTo: start) }
    let descriptor = handle.fileDescriptor
    var count = 0
    repeat {
      count = unsafe block.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress!, $0.count) }
      if count < 0, errno == EAGAIN {
        // Somebody else made the other end non-blocking.
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, -1)
        errno = EINTR
      }
    } while count < 0 && errno == EINTR
    guard count >= 0 else {
      if errno == EISDIR { throw Failure("\(name): is a folder, not a file") }
      throw Failure("\(name): cannot read: \(unsafe String(cString: strerror(errno)))")
    }
    // As a whole: line by line, a loop over the bytes would cost more than all that is done with them.
    unsafe block.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0[..<count]) }
    return count > 0
  }
}
