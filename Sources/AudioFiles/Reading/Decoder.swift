import AudioDSP
import CSndFile
import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// libsndfile, reading a part of a file.
@safe final class Decoder {
  /// What libsndfile found.
  let channelCount: Int
  let hertz: Int
  let format: Int
  /// How many sample frames libsndfile counts or estimates.
  let claimedFrameCount: Int
  /// The bytes that are decoded.
  let bytes: DecoderBytes
  private let file: OpaquePointer
  /// Room for 16-bit samples on their way to floats. As much as was asked for at once.
  private var integers: [Int16] = []

  /// How many sample frames libsndfile counts or estimates; nil when it does not know.
  var frameCount: Int? { claimedFrameCount < Self.unknownFrameCount ? claimedFrameCount : nil }

  /// A count of sample frames that is no count: libsndfile's for an unknown one is 2^63 - 1, and libmpg123's guess from
  /// ``FileBytes/pretendedCount`` lies above this.
  private static let unknownFrameCount = 1 << 47

  /// `SF_FORMAT_MPEG`, which the headers of libsndfile before 1.1 lack.
  static let mpeg = 0x23_0000

  /// Opens libsndfile on bytes that hold a whole file.
  ///
  /// - Throws: The reason, in libsndfile's words.
  convenience init(file bytes: DecoderBytes) throws(DecoderFailure) {
    try self.init(bytes, SF_INFO())
  }

  /// Opens libsndfile on bytes that are samples and nothing else.
  convenience init(samples bytes: DecoderBytes, _ plain: PlainSamples, hertz: Int) throws(DecoderFailure) {
    var info = SF_INFO()
    info.format = Int32(plain.format)
    info.channels = Int32(plain.channelCount)
    info.samplerate = Int32(hertz)
    try self.init(bytes, info)
  }

  private init(_ bytes: DecoderBytes, _ info: SF_INFO) throws(DecoderFailure) {
    var info = info
    var calls = unsafe SF_VIRTUAL_IO(
      get_filelen: { unsafe DecoderBytes.from($0).count64 },
      seek: { unsafe DecoderBytes.from($2).seek(by: $0, from: $1) },
      read: { unsafe DecoderBytes.from($2).read(into: $0, count: $1) },
      write: { _, _, _ in 0 },
      tell: { unsafe DecoderBytes.from($0).position64 })
    let userData = unsafe Unmanaged.passUnretained(bytes).toOpaque()
    var file: OpaquePointer?
    var reason = ""
    openingLock.withLock { _ in
      unsafe file = sf_open_virtual(&calls, Int32(SFM_READ), &info, userData)
      if unsafe file == nil { reason = unsafe trimmedMessage(sf_strerror(nil)) }
    }
    guard let file = unsafe file else { throw DecoderFailure(reason: reason) }
    unsafe self.file = file
    self.bytes = bytes
    channelCount = Int(info.channels)
    hertz = Int(info.samplerate)
    format = Int(info.format)
    claimedFrameCount = Int(info.frames)
  }

  deinit { _ = unsafe sf_close(file) }

  /// Decodes up to `frameCount` sample frames to `output` from sample `offset` on.
  ///
  /// - Returns: How many came, and what libsndfile says went wrong.
  func read(
    _ frameCount: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) -> (frameCount: Int, failure: DecoderFailure?) {
    var target = output._mutatingExtracting(offset..<offset + frameCount * channelCount)
    let count =
      format & SF_FORMAT_SUBMASK == SF_FORMAT_PCM_16
      ? readIntegers(frameCount, into: &target)
      : unsafe target.withUnsafeMutableBufferPointer { buffer in
        unsafe Int(sf_readf_float(file, buffer.baseAddress, sf_count_t(frameCount)))
      }
    let failed = unsafe sf_error(file) != 0
    return (max(0, count), failed ? DecoderFailure(reason: unsafe trimmedMessage(sf_strerror(file))) : nil)
  }

  /// As 16-bit integers, of which ours become floats several times as fast as libsndfile's, with the same values.
  private func readIntegers(_ frameCount: Int, into target: inout MutableSpan<Float>) -> Int {
    let sampleCount = frameCount * channelCount
    if integers.count < sampleCount { integers = [Int16](repeating: 0, count: sampleCount) }
    let count = unsafe integers.withUnsafeMutableBufferPointer { buffer in
      unsafe Int(sf_readf_short(file, buffer.baseAddress, sf_count_t(frameCount)))
    }
    Self.convert(integers, count: max(0, count) * channelCount, into: &target)
    return count
  }

  private static func convert(_ integers: [Int16], count: Int, into target: inout MutableSpan<Float>) {
    PCM16.convert(integers.span.extracting(0..<count), into: &target)
  }

  /// libsndfile's names of the container and of the encoding.
  var names: (container: String, encoding: String) {
    (Self.name(of: format & SF_FORMAT_TYPEMASK), Self.name(of: format & SF_FORMAT_SUBMASK))
  }

  private static func name(of format: Int) -> String {
    var info = unsafe SF_FORMAT_INFO(format: Int32(format), name: nil, extension: nil)
    let size = unsafe Int32(MemoryLayout<SF_FORMAT_INFO>.size)
    guard unsafe sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &info, size) == 0, let name = unsafe info.name else {
      return "unknown"
    }
    return unsafe String(cString: name)
  }
}

/// What libsndfile says went wrong.
struct DecoderFailure: Error {
  var reason: String
}

/// The bytes that libsndfile sees, with a position of their own. Subclasses say where they come from.
class DecoderBytes {
  fileprivate(set) var position = 0
  /// The `errno` of a read that failed.
  var errorNumber: Int32?
  /// How many there are, or as how many there are given out to be.
  var count: Int { fatalError("a subclass knows") }

  final var isExhausted: Bool { position >= count }

  static func from(_ userData: UnsafeMutableRawPointer?) -> DecoderBytes {
    // libsndfile passes what it was given, and the decoder keeps the object alive.
    unsafe Unmanaged<DecoderBytes>.fromOpaque(userData!).takeUnretainedValue()
  }

  final var count64: sf_count_t { sf_count_t(count) }
  final var position64: sf_count_t { sf_count_t(position) }

  final func seek(by offset: sf_count_t, from whence: Int32) -> sf_count_t {
    let base =
      switch whence {
      case SEEK_SET: 0
      case SEEK_CUR: position
      case SEEK_END: count
      default: -1
      }
    let (target, overflow) = base.addingReportingOverflow(Int(offset))
    guard base >= 0, !overflow, target >= 0, canSeek(to: target) else { return -1 }
    position = target
    return whence == SEEK_END && offset == 0 ? sf_count_t(endPosition) : position64
  }

  final func read(into buffer: UnsafeMutableRawPointer?, count wanted: sf_count_t) -> sf_count_t {
    guard let buffer = unsafe buffer, wanted > 0 else { return 0 }
    let result = unsafe bytes(into: buffer, count: Int(wanted))
    guard result >= 0 else {
      errorNumber = errno
      return 0
    }
    position += result
    return sf_count_t(result)
  }

  /// Whether the position may move there.
  func canSeek(to target: Int) -> Bool { true }

  /// What to say when the end is sought.
  var endPosition: Int { position }

  /// Puts up to `count` bytes from the position on into `buffer`.
  ///
  /// - Returns: How many; fewer than `count` at the end, -1 with `errno` set.
  func bytes(into buffer: UnsafeMutableRawPointer, count: Int) -> Int { fatalError("a subclass knows") }
}

/// A part of a file.
final class FileBytes: DecoderBytes {
  private let file: InputFile
  private let start: Int
  private let size: Int
  /// A length to claim when the end is sought.
  ///
  /// libmpg123 guesses how many sample frames an MPEG stream holds from its length and first frame when no header says
  /// it, libsndfile takes that for the truth and stops there, and much of a stream of varying bit rate may be lost.
  /// With this length the guess is beyond any real count, and decoding goes on to the end.
  var pretendedCount: Int?

  init(_ file: InputFile, offset: Int = 0, count: Int? = nil) {
    self.file = file
    start = offset
    size = count ?? file.count - offset
  }

  override var count: Int { size }

  override var endPosition: Int { pretendedCount ?? position }

  override func bytes(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
    let rest = size - position
    return rest > 0 ? unsafe file.read(into: buffer, count: min(count, rest), at: start + position) : 0
  }
}

/// libsndfile keeps the reason for which it did not open a file in one place for all threads.
let openingLock = Mutex<Void>(())

/// A message of libsndfile without the marks around it: "Error : no such thing." becomes "no such thing".
func trimmedMessage(_ message: UnsafePointer<CChar>?) -> String {
  guard let message = unsafe message else { return "unknown error" }
  var text = unsafe String(cString: message)[...]
  if text.hasPrefix("Error : ") { text = text.dropFirst(8) }
  while let last = text.last, last == "." || last.isWhitespace { text = text.dropLast() }
  return String(text)
}
