#if os(Linux) || os(macOS)
  #if canImport(Darwin)
    import Darwin
  #elseif canImport(Musl)
    import Musl
  #else
    import Glibc
  #endif

  /// ffmpeg, which turns a file into a stream of WAV. Its standard error is taken in whenever its output is waited for,
  /// so that neither side waits for the other for ever.
  @safe final class ForeignProcess {
    private(set) var messages = ForeignDecoderMessages()
    private var child: ChildProcess
    /// Nil when it has ended.
    private var output: OwnedDescriptor?
    private var errors: OwnedDescriptor?
    private var errorBuffer = [UInt8](repeating: 0, count: 4_096)

    /// - Parameter program: The path of ffmpeg.
    init(_ program: String, decoding file: InputFile) throws(AudioFileError.Problem) {
      let input = try SeparateInput(file)
      let output = try PipeEnds()
      let errors = try PipeEnds()
      child = try ChildProcess(
        program, Self.arguments(start: input.start, end: input.start + file.count), environment: Self.environment,
        input: input.descriptor, output: output.writing, errors: errors.writing)
      // The writing ends are closed here, which leaves the child's: what it writes ends when it does.
      self.output = output.closingWriter()
      self.errors = errors.closingWriter()
    }

    /// Reads as much of the WAV stream as there is room for; less at its end. What the child has said until then has
    /// been taken in when this returns.
    ///
    /// - Returns: How many bytes.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(AudioFileError.Problem) -> Int {
      var filled = 0
      while filled < buffer.count, let output = output?.number {
        // A negative descriptor is passed over.
        var entries = [
          pollfd(fd: output, events: Int16(POLLIN), revents: 0),
          pollfd(fd: errors?.number ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        if retrying({ unsafe poll(&entries, 2, -1) }) < 0 { throw .failed(.runDecoder) }
        if entries[1].revents != 0 { try readErrors() }
        guard entries[0].revents != 0 else { continue }
        let count = retrying {
          unsafe readDescriptor(output, buffer.baseAddress! + filled, buffer.count - filled)
        }
        if count < 0 { throw .failed(.runDecoder) }
        if count == 0 { self.output = nil }
        filled += count
      }
      return filled
    }

    /// Closes the stream, and takes in what the child still says until it ends.
    func end() throws(AudioFileError.Problem) -> ChildProcess.Ending {
      output = nil
      while errors != nil { try readErrors() }
      return child.wait()
    }

    private func readErrors() throws(AudioFileError.Problem) {
      guard let number = errors?.number else { return }
      let count = retrying {
        unsafe errorBuffer.withUnsafeMutableBytes { unsafe readDescriptor(number, $0.baseAddress, $0.count) }
      }
      if count < 0 { throw .failed(.runDecoder) }
      if count == 0 { errors = nil }
      messages.append(errorBuffer[..<count])
    }
  }

  extension ForeignProcess {
    /// The options, which ffmpeg 5.1 to 9 have.
    ///
    /// - Parameters:
    ///   - start: Where the file starts in what standard input is.
    ///   - end: Where it ends.
    private static func arguments(start: Int, end: Int) -> [String] {
      #if os(Linux)
        // Opening this opens the file anew, unlinked or not.
        let standardInput = "/proc/self/fd/0"
      #else
        let standardInput = "/dev/fd/0"
      #endif
      let input = [
        "-protocol_whitelist", "subfile,file", "-format_whitelist", formats.joined(separator: ","),
        // Checksums are compared where there are any.
        "-err_detect", "crccheck", "-threads", "1",
        // "subfile" seeks, unlike "pipe", and has the file start where it does.
        "-i", "subfile,,start,\(start),end,\(end),,:file:\(standardInput)",
      ]
      // Not "repeat": a message that is said many times in a row is said once.
      let general = [
        "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info", "-max_alloc", "\(maximumAllocation)",
        "-filter_threads", "1",
      ]
      let output = [
        "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-threads", "1", "-c:a", "pcm_f32le",
        "-bitexact", "-f", "wav", "pipe:1",
      ]
      return general + input + output
    }

    /// The most bytes that ffmpeg may allocate at once. What it needs beside its tables is a packet at a time, of
    /// video too; but the index of a long MP4 file is one piece.
    private static let maximumAllocation = 1 << 29

    /// ffmpeg's names of formats of files that hold sound themselves. No playlists, scripts, captures, pictures or
    /// headerless formats, and none whose reader opens files beside the one that it was given. Names that a version of
    /// ffmpeg does not know do no harm.
    private static let formats = [
      "aac", "ac3", "aiff", "amr", "ape", "asf", "asf_o", "au", "avi", "caf", "dsf", "dts", "dtshd", "eac3", "flac",
      "flv",
      "ircam", "loas", "matroska", "mlp", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "mxf", "nut", "ogg", "oma",
      "qcp", "rm", "shn", "tak", "truehd", "tta", "voc", "vqf", "w64", "wav", "webm", "wtv", "wv", "xwma",
    ]

    /// What a program may need to find its libraries; nothing of what changes ffmpeg's ways, such as FFREPORT, with
    /// which it writes a file.
    private static var environment: [String] {
      let kept = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"]
      return kept.compactMap { name in environmentVariable(name).map { "\(name)=\($0)" } }
        + ["LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"]
    }
  }

  /// The system's `read`, for types that have a method of this name.
  private func readDescriptor(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe read(descriptor, buffer, count)
  }

  /// The value of an environment variable.
  func environmentVariable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// A file for another process to read, which has a position of its own there: that of the caller's descriptor stays
  /// where it is.
  private struct SeparateInput: ~Copyable {
    let descriptor: OwnedDescriptor
    /// Where the file starts.
    let start: Int

    init(_ file: InputFile) throws(AudioFileError.Problem) {
      if let opened = Self.opened(file.descriptor.number) {
        descriptor = opened
        start = file.start
      } else {
        // The system does not open the file a second time: on Linux when it may be read by others only, with a
        // descriptor that they passed on; on macOS when it has no name any more.
        descriptor = try Self.copied(file)
        start = 0
      }
    }

    /// The same file, opened once more.
    private static func opened(_ descriptor: Int32) -> OwnedDescriptor? {
      #if os(Linux)
        let number = retrying { unsafe open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC) }
        return number < 0 ? nil : OwnedDescriptor(number)
      #else
        var path = [CChar](repeating: 0, count: Int(MAXPATHLEN))
        guard unsafe fcntl(descriptor, F_GETPATH, &path) == 0 else { return nil }
        let number = retrying { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        guard number >= 0 else { return nil }
        let opened = OwnedDescriptor(number)
        var (expected, found) = (stat(), stat())
        guard unsafe fstat(descriptor, &expected) == 0, unsafe fstat(number, &found) == 0,
          expected.st_dev == found.st_dev, expected.st_ino == found.st_ino
        else { return nil }
        return opened
      #endif
    }

    private static func copied(_ file: InputFile) throws(AudioFileError.Problem) -> OwnedDescriptor {
      let copy = try makeUnlinkedTemporary()
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
      defer { unsafe buffer.deallocate() }
      var position = 0
      while position < file.count {
        let wanted = min(buffer.count, file.count - position)
        let count = unsafe file.read(into: buffer.baseAddress!, count: wanted, at: position)
        if count < 0 { throw .failed(.read) }
        if count == 0 { break }
        unsafe try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: copy.number, for: .spool)
        position += count
      }
      return copy
    }
  }
#endif
