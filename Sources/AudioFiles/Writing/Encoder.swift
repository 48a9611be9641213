import CSndFile

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// libsndfile, writing to a descriptor.
@safe final class Encoder {
  private let output: OutputBytes
  private var file: OpaquePointer?

  /// - Parameter output: Where the samples go; of a FLAC file, everything.
  /// - Throws: When the system fails, or libsndfile.
  init(_ output: OutputBytes, _ header: FileHeader) throws(AudioFileError.Problem) {
    self.output = output
    var info = SF_INFO()
    info.samplerate = Int32(header.sampleRate.hertz)
    info.channels = Int32(header.channelCount)
    info.format = Int32(header.format)
    var calls = unsafe SF_VIRTUAL_IO(
      get_filelen: { unsafe sf_count_t(OutputBytes.from($0).count) },
      seek: { unsafe OutputBytes.from($2).seek(by: $0, from: $1) },
      read: { _, _, _ in 0 },
      write: { unsafe OutputBytes.from($2).write($0, count: $1) },
      tell: { unsafe sf_count_t(OutputBytes.from($0).position) })
    let userData = unsafe Unmanaged.passUnretained(output).toOpaque()
    var reason = ""
    openingLock.withLock { _ in
      unsafe file = sf_open_virtual(&calls, Int32(SFM_WRITE), &info, userData)
      if unsafe file == nil { reason = unsafe trimmedMessage(sf_strerror(nil)) }
    }
    try output.check()
    if unsafe file == nil { throw .encodingFailed(reason: reason) }
  }

  deinit {
    // What libsndfile still has to write, such as the header, goes nowhere: the descriptor may be gone.
    output.isDiscarding = true
    if let file = unsafe file { _ = unsafe sf_close(file) }
  }

  // Each takes whole sample frames, or for bytes a whole number of them.

  func write(_ samples: Span<Int16>) throws(AudioFileError.Problem) {
    let count = unsafe samples.withUnsafeBufferPointer {
      unsafe sf_write_short(file, $0.baseAddress, sf_count_t($0.count))
    }
    try check(samples.count, count)
  }

  func write(_ samples: Span<Int32>) throws(AudioFileError.Problem) {
    let count = unsafe samples.withUnsafeBufferPointer {
      unsafe sf_write_int(file, $0.baseAddress, sf_count_t($0.count))
    }
    try check(samples.count, count)
  }

  func write(_ samples: Span<Float>) throws(AudioFileError.Problem) {
    let count = unsafe samples.withUnsafeBufferPointer {
      unsafe sf_write_float(file, $0.baseAddress, sf_count_t($0.count))
    }
    try check(samples.count, count)
  }

  func write(_ bytes: Span<UInt8>) throws(AudioFileError.Problem) {
    let count = unsafe bytes.withUnsafeBufferPointer { unsafe sf_write_raw(file, $0.baseAddress, sf_count_t($0.count)) }
    try check(bytes.count, count)
  }

  /// Has libsndfile write FLAC's header, which it otherwise leaves to the first samples.
  func writeHeader() throws(AudioFileError.Problem) {
    _ = unsafe sf_command(file, Int32(SFC_UPDATE_HEADER_NOW), nil, 0)
    try output.check()
  }

  /// Ends the file.
  func close() throws(AudioFileError.Problem) {
    guard let file = unsafe file else { return }
    unsafe self.file = nil
    let result = unsafe sf_close(file)
    try output.check()
    if result != 0 { throw .encodingFailed(reason: unsafe trimmedMessage(sf_error_number(result))) }
  }

  private func check(_ expected: Int, _ written: sf_count_t) throws(AudioFileError.Problem) {
    try output.check()
    if written != expected { throw .encodingFailed(reason: unsafe trimmedMessage(sf_strerror(file))) }
  }
}

/// The file that libsndfile sees: a descriptor's, from some position on, or one that can only grow.
final class OutputBytes {
  /// Whether what is written is thrown away.
  var isDiscarding = false
  private(set) var position = 0
  /// The length that the file has got.
  private(set) var count = 0
  private let descriptor: Int32
  private let start: Int?
  private var failure: AudioFileError.Problem?

  /// - Parameters:
  ///   - descriptor: Stays the caller's, and must stay open while `isDiscarding` is false.
  ///   - start: Where in the descriptor's file to start; nil to write at its position, one byte after the other.
  init(descriptor: Int32, start: Int?) {
    self.descriptor = descriptor
    self.start = start
  }

  static func from(_ userData: UnsafeMutableRawPointer?) -> OutputBytes {
    // libsndfile passes what it was given, and the encoder keeps the object alive.
    unsafe Unmanaged<OutputBytes>.fromOpaque(userData!).takeUnretainedValue()
  }

  /// - Throws: What went wrong in a write, however long ago.
  func check() throws(AudioFileError.Problem) {
    if let failure { throw failure }
  }

  func seek(by offset: sf_count_t, from whence: Int32) -> sf_count_t {
    let base =
      switch whence {
      case SEEK_SET: 0
      case SEEK_CUR: position
      case SEEK_END: count
      default: -1
      }
    let (target, overflow) = base.addingReportingOverflow(Int(offset))
    guard base >= 0, !overflow, target >= 0 else { return -1 }
    position = target
    return sf_count_t(target)
  }

  func write(_ bytes: UnsafeRawPointer?, count wanted: sf_count_t) -> sf_count_t {
    guard let bytes = unsafe bytes, wanted > 0, failure == nil else { return 0 }
    if !isDiscarding {
      do {
        try unsafe write(UnsafeRawBufferPointer(start: bytes, count: Int(wanted)))
      } catch {
        failure = error
        return 0
      }
    }
    position += Int(wanted)
    count = max(count, position)
    return wanted
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(AudioFileError.Problem) {
    guard let start else {
      if position != count { throw .failed(.write, errorNumber: ESPIPE) }
      return try unsafe writeAll(bytes, to: descriptor, for: .write)
    }
    var done = 0
    while done < bytes.count {
      let result = retrying {
        unsafe pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(start + position + done))
      }
      if result < 0 { throw .failed(.write) }
      done += result
    }
  }
}

extension FileHeader {
  /// libsndfile's number for what it is to write: samples alone, but all of a FLAC file.
  fileprivate var format: Int {
    let subtype =
      switch encoding {
      case .pcm16: SF_FORMAT_PCM_16
      case .pcm24: SF_FORMAT_PCM_24
      case .float32: SF_FORMAT_FLOAT
      case .muLaw: SF_FORMAT_ULAW
      case .aLaw: SF_FORMAT_ALAW
      }
    if container == .flac { return SF_FORMAT_FLAC | subtype }
    return SF_FORMAT_RAW | subtype | (container.isBigEndian ? SF_ENDIAN_BIG : SF_ENDIAN_LITTLE)
  }
}
