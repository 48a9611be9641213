import AudioDSP

/// Reads an audio file as interleaved `Float` samples, block by block, in bounded memory.
///
/// It reads what libsndfile reads: WAV, RF64, W64, AIFF, AU, CAF, FLAC, Ogg Vorbis and Opus, MP3, and others. What
/// that cannot read, such as M4A and WebM, goes to the system's own decoder on Apple's systems, and on Linux and macOS
/// to an ffmpeg in an absolute folder of PATH, as a child process that ends with the reader at the latest; its end cannot
/// be told, and reading fails there, in a process that ignores SIGCHLD or takes in children that it did not start.
///
/// Full scale is ±1: an integer sample of `n` bits is divided by 2^(n-1), so that 16-bit samples are `value / 32768`
/// exactly. Floating point samples come as they are, beyond ±1 and not finite ones included.
///
/// What is lost of a recording that can be read to its end, as of a file that was cut off, is told by ``damage``.
///
/// ```swift
/// var reader = try AudioFileReader(path: "speech.wav")
/// var block = [Float](repeating: 0, count: 4096 * reader.channelCount)
/// var span = block.mutableSpan
/// while case let count = try reader.read(into: &span), count > 0 {
///   use(block.span.extracting(first: count * reader.channelCount))
/// }
/// ```
///
/// For MPEG streams, and where no header of a known kind is found, standard error leads nowhere for the time of each
/// call into the decoder, because libmpg123 writes to it and cannot be told not to. The package's own tool writes its
/// messages past that.
public struct AudioFileReader: ~Copyable, @unchecked Sendable {
  // Sendable, because the objects below belong to one reader alone, and that cannot be copied.

  /// The most channels that a file may have, which is libsndfile's limit.
  public static let maximumChannelCount = 1024

  /// What the file is called in errors.
  public let name: String
  /// The file's sample rate.
  public let sampleRate: SampleRate
  /// The number of channels, 1 to ``maximumChannelCount``.
  public let channelCount: Int
  /// The format of the file in a few words, such as "WAV"; for messages.
  public let container: String
  /// The format of the samples in a few words, such as "Signed 16 bit PCM"; for messages.
  public let encoding: String
  /// How many sample frames the header promises; nil when it does not say, as in files that were written to a pipe and
  /// in MPEG streams without a Xing header.
  public let promisedFrameCount: Int?
  /// How many sample frames there are to read, as far as the file tells before it is read: as many as promised, or
  /// fewer when the file is too short for them; nil when that cannot be known.
  public let frameCount: Int?
  /// How many sample frames have been read.
  public private(set) var framesRead = 0
  /// Whether everything has been read.
  public private(set) var isAtEnd = false

  /// Whether the input is read as it comes: ``read(into:)`` returns as soon as there is something.
  ///
  /// So are pipes and other devices with samples that are plain numbers, raw or in WAV, RF64, W64, AIFF, AU or CAF
  /// files, and with Ogg Vorbis and Opus. Other formats, and AIFF files whose samples come before their description,
  /// are first copied to a temporary file.
  public let isLive: Bool

  private let source: any FrameSource
  private var failure: AudioFileError?

  /// Opens a file. Reads its header and allocates what decoding takes.
  ///
  /// Of a pipe, no more than the header is read if its format allows that (see ``isLive``). Otherwise it is read to its
  /// end, into a temporary file without a name; but if it begins like nothing that can be read, 64 KiB of it at the
  /// most.
  ///
  /// - Throws: When there is no such file, or it is no audio, or its header cannot be read or says something out of
  ///   range.
  public init(path: String) throws(AudioFileError) {
    try self.init(name: path) { () throws(AudioFileError.Problem) in try open(Input(path: path)) }
  }

  /// Opens what a file descriptor stands for, such as standard input, from its position on. The descriptor stays the
  /// caller's. The position of a file stays where it is; what is read of a pipe is as for ``init(path:)``.
  ///
  /// - Parameter name: What to call it in errors.
  /// - Throws: As ``init(path:)``.
  public init(fileDescriptor: Int32, name: String) throws(AudioFileError) {
    try self.init(name: name) { () throws(AudioFileError.Problem) in
      try open(Input(fileDescriptor: fileDescriptor))
    }
  }

  /// Opens a file that holds samples and nothing else.
  ///
  /// - Throws: When there is no such file, or no whole sample frame in it.
  public init(path: String, raw format: RawSampleFormat) throws(AudioFileError) {
    try self.init(name: path) { () throws(AudioFileError.Problem) in try openRaw(Input(path: path), format) }
  }

  /// Takes what a file descriptor stands for, such as standard input, from its position on, for samples and nothing
  /// else. The descriptor stays the caller's.
  ///
  /// - Parameter name: What to call it in errors.
  /// - Throws: As ``init(path:raw:)``.
  public init(fileDescriptor: Int32, name: String, raw format: RawSampleFormat) throws(AudioFileError) {
    try self.init(name: name) { () throws(AudioFileError.Problem) in
      try openRaw(Input(fileDescriptor: fileDescriptor), format)
    }
  }

  private init(
    name: String, _ open: () throws(AudioFileError.Problem) -> any FrameSource
  ) throws(AudioFileError) {
    do throws(AudioFileError.Problem) {
      let source = try open()
      guard source.channelCount > 0 else { throw .noChannels }
      guard source.channelCount <= Self.maximumChannelCount else {
        throw .tooManyChannels(source.channelCount)
      }
      guard let rate = try? SampleRate(source.hertz) else {
        throw .badSampleRate(hertz: source.hertz)
      }
      self.name = name
      self.source = source
      sampleRate = rate
      channelCount = source.channelCount
      container = source.container
      encoding = source.encoding
      frameCount = source.frameCount
      promisedFrameCount = source.promisedFrameCount
      isLive = source.isLive
    } catch {
      throw AudioFileError(name: name, problem: error)
    }
  }

  /// Reads the next sample frames to the start of `output`: as many as it has room for, fewer only at the end. If the
  /// input ``isLive``, it waits for the first sample frame and returns with all that have come; half a sample frame
  /// waits for the rest of it. Does not allocate of itself; what decoders do inside does not grow with the file.
  ///
  /// - Returns: How many sample frames were read; 0 at the end.
  /// - Throws: When the data cannot be read or decoded. What came before has been given out by earlier calls.
  /// - Precondition: `output` has room for at least one sample frame.
  public mutating func read(into output: inout MutableSpan<Float>) throws(AudioFileError) -> Int {
    let wanted = output.count / channelCount
    precondition(wanted > 0, "no room for a sample frame")
    if let failure { throw failure }
    if isAtEnd { return 0 }
    do throws(AudioFileError.Problem) {
      let count = try source.read(wanted, into: &output, at: 0)
      framesRead += count
      if framesRead == 0 { throw .noSampleFrames(promised: promisedFrameCount) }
      if count == 0 { isAtEnd = true }
      return count
    } catch {
      let failure = AudioFileError(name: name, problem: error)
      self.failure = failure
      throw failure
    }
  }

  /// What is lost of the recording, as far as it has been read: gaps as they are met, and a missing end once everything
  /// has been read. Empty for a file in good order.
  public var damage: [Damage] { source.damage }

  /// What is missing at the end of the file, once everything has been read; nil for a complete file. It is part of
  /// ``damage``.
  public var truncation: Truncation? {
    for case .truncation(let truncation) in damage { return truncation }
    return nil
  }
}

/// Finds out what an input holds.
private func open(_ input: Input) throws(AudioFileError.Problem) -> any FrameSource {
  switch input {
  case .file(let file): return try open(file)
  case .stream(let stream):
    if try !stream.reaches(1) { throw .empty }
    let layout = try FileLayout(stream)
    if let layout, let plain = layout.plain, try stream.start(at: plain.offset) {
      return try SampleStream(
        stream, samples: plain, container: layout.container, hertz: layout.hertz, isPadded: layout.isPadded)
    }
    if layout == nil {
      let start = try FileLayout.endOfID3Tag(stream)
      if try OggPages.haveAudio(stream, at: start), try stream.start(at: start) {
        return try OggStream(stream, survey: nil, isLive: true)
      }
      if try !FileSignature.isKnown(stream) { throw .notAudio }
    }
    return try open(stream.spooled())
  }
}

private func open(_ file: InputFile) throws(AudioFileError.Problem) -> any FrameSource {
  if file.count == 0 { throw .empty }
  let layout = try FileLayout(file)
  if let layout, let plain = layout.plain {
    return try DecodedFile(
      file, samples: plain, container: layout.container, hertz: layout.hertz, isPadded: layout.isPadded)
  }
  var survey: OggPages.Survey?
  if layout == nil {
    let start = try FileLayout.endOfID3Tag(file)
    if try OggPages.haveAudio(file, at: start) {
      let survey = try OggPages.survey(file, at: start)
      return try OggStream(FileCursor(file, at: start), survey: survey, isLive: false)
    }
    if try file.bytes(start..<start + 4) == OggPage.capturePattern {
      survey = try OggPages.survey(file, at: start, takesAny: true)
    }
  }
  do {
    return try DecodedFile(file, layout, survey)
  } catch .notAudio {
    // Only what begins like something is worth a process.
    guard try FileSignature.isKnown(file) else { throw .notAudio }
    return try ForeignFile(file, survey)
  } catch .unreadableHeader(let container, let reason) {
    // What libsndfile says of it is the better reason if nobody can read it.
    guard let file = try? ForeignFile(file, survey) else {
      throw .unreadableHeader(container: container, reason: reason)
    }
    return file
  }
}

private func openRaw(_ input: Input, _ format: RawSampleFormat) throws(AudioFileError.Problem) -> any FrameSource {
  let (plain, hertz) = (format.plainSamples, format.sampleRate.hertz)
  switch input {
  case .file(let file):
    if file.count == 0 { throw .empty }
    return try DecodedFile(file, samples: plain, container: "raw", hertz: hertz, isPadded: false)
  case .stream(let stream):
    guard try stream.reaches(1), try stream.start(at: 0) else { throw .empty }
    return try SampleStream(stream, samples: plain, container: "raw", hertz: hertz, isPadded: false)
  }
}
