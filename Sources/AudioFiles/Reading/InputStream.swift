#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A pipe, a socket, a terminal or another device opened for reading.
///
/// While its header is read, what has come is kept, because it may turn out to be in a format whose decoder has to go
/// back and forth: 64 KiB of it in memory, more in a temporary file. As soon as the header says that the samples can be
/// read as they come, nothing is kept any more, however much is passed over to get to them.
final class InputStream: HeaderSource, ByteSource {
  /// The most that is kept in memory, in bytes; also, how much of something unknown is looked at.
  static let prefixLimit = 1 << 16

  private let descriptor: OwnedDescriptor
  /// How many bytes have come.
  private(set) var received = 0
  /// Whether there is no more to come.
  private(set) var isEnded = false
  /// How many bytes were given out by ``next(into:count:)``, or skipped.
  private var taken = 0
  /// The last bytes that came: all, or what is behind those that have been passed.
  private var kept: [UInt8] = []
  private var keptStart: Int { received - kept.count }
  private var keepsAll = true
  /// All bytes that have come, once they are too many for memory.
  private var spool: OwnedDescriptor?

  /// Whether ``LiveInputs`` counts it.
  private var isCounted = false

  init(_ descriptor: consuming OwnedDescriptor) {
    self.descriptor = descriptor
  }

  deinit { if isCounted { LiveInputs.remove() } }

  // MARK: The header

  /// How many bytes there are in all, once the end has come.
  var knownCount: Int? { isEnded ? received : nil }

  func bytes(_ range: Range<Int>) throws(AudioFileError.Problem) -> [UInt8] {
    if !keepsAll { try pass(range.lowerBound) }
    try receive(upTo: range.upperBound)
    let range = range.clamped(to: 0..<received)
    if range.lowerBound >= keptStart {
      return Array(kept[(range.lowerBound - keptStart)..<(range.upperBound - keptStart)])
    }
    // A part of the range may still be in memory.
    if range.upperBound > keptStart { try spoolKept() }
    guard let number = spool?.number else { preconditionFailure("a header is read forward") }
    return try readBytes(number, range)
  }

  func reaches(_ offset: Int) throws(AudioFileError.Problem) -> Bool {
    if keepsAll { try receive(upTo: offset) } else { try pass(offset) }
    return received >= offset
  }

  func headerIsUnderstood() {
    keepsAll = false
    spool = nil
  }

  /// Reads until so many bytes have come, or all.
  private func receive(upTo offset: Int) throws(AudioFileError.Problem) {
    while received < offset, !isEnded {
      if keepsAll, kept.count >= Self.prefixLimit { try spoolKept() }
      let room = min(offset - received, Self.prefixLimit - (keepsAll ? kept.count : 0))
      var bytes = [UInt8](repeating: 0, count: room)
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe readWaiting(descriptor.number, into: buffer.baseAddress, count: room)
      }
      if count < 0 { throw .failed(.read) }
      if count == 0 { isEnded = true }
      received += count
      kept += bytes[..<count]
    }
  }

  /// Reads and forgets what comes before `offset`.
  private func pass(_ offset: Int) throws(AudioFileError.Problem) {
    while true {
      kept.removeFirst(max(0, min(kept.count, offset - keptStart)))
      if received >= offset || isEnded { return }
      try receive(upTo: min(offset, received + Self.prefixLimit))
    }
  }

  /// Moves what is in memory to the temporary file.
  private func spoolKept() throws(AudioFileError.Problem) {
    if spool == nil { spool = try makeUnlinkedTemporary() }
    guard let number = spool?.number else { return }
    var failure: AudioFileError.Problem?
    unsafe kept.withUnsafeBytes { bytes in
      do throws(AudioFileError.Problem) {
        unsafe try writeAll(bytes, to: number, for: .spool)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    kept = []
  }

  /// Copies all, what has come and what will, to a temporary file without a name.
  func spooled() throws(AudioFileError.Problem) -> InputFile {
    precondition(keepsAll, "some has been forgotten")
    try spoolKept()
    guard let copy = spool.take() else { preconditionFailure("it has just been made") }
    if !isEnded {
      received += try copyAll(from: descriptor.number, reading: .read, to: copy.number, writing: .spool)
      isEnded = true
    }
    return InputFile(copy, first: received)
  }

  // MARK: The content

  /// Has ``next(into:count:)`` go on at `offset`, which has to be where the header's end is, or behind it.
  ///
  /// - Returns: False when that has been passed, or lies behind the end.
  func start(at offset: Int) throws(AudioFileError.Problem) -> Bool {
    guard offset >= keptStart else { return false }
    headerIsUnderstood()
    guard try reaches(offset) else { return false }
    if !isCounted { LiveInputs.add() }
    isCounted = true
    taken = offset
    return true
  }

  func next(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
    if taken < received {
      let rest = kept[(taken - keptStart)...].prefix(count)
      unsafe rest.withUnsafeBytes { unsafe buffer.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      taken += rest.count
      if taken == received { kept = [] }
      return rest.count
    }
    if isEnded || !LiveInputs.wait(for: descriptor.number) { return 0 }
    let result = unsafe readWaiting(descriptor.number, into: buffer, count: count) { LiveInputs.areEnded }
    if result == 0 { isEnded = true }
    if result > 0 {
      received += result
      taken = received
    }
    return result
  }

  var isReady: Bool { taken < received || isEnded || isReadable(descriptor.number) }
}

/// Bytes that are read forward.
protocol ByteSource: AnyObject {
  /// Puts what comes next into `buffer`, up to `count` bytes, and waits for at least one.
  ///
  /// - Returns: How many bytes; 0 at the end, -1 with `errno` set.
  func next(into buffer: UnsafeMutableRawPointer, count: Int) -> Int

  /// Whether ``next(into:count:)`` would not have to wait.
  var isReady: Bool { get }
}

/// A file that is read forward from a position on.
final class FileCursor: ByteSource {
  private let file: InputFile
  private var position: Int

  init(_ file: InputFile, at position: Int) {
    self.file = file
    self.position = position
  }

  func next(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
    let result = unsafe file.read(into: buffer, count: count, at: position)
    position += max(0, result)
    return result
  }

  var isReady: Bool { true }
}
