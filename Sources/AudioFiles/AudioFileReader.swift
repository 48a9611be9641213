import AudioDSP
import CSndFile

/// Reads an audio file as interleaved `Float` samples, block by block, in bounded memory.
///
/// It reads what libsndfile reads: WAV, RF64, W64, AIFF, AU, CAF, FLAC, Ogg Vorbis and Opus, MP3, and others. Full
/// scale is ±1: an integer sample of `n` bits is divided by 2^(n-1), so that 16-bit samples are `value / 32768`
/// exactly. Floating point samples come as they are, beyond ±1 and not finite ones included.
///
/// A file that ends before its header says is read to its end, and ``truncation`` then tells.
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
/// call into the decoder, because libmpg123 writes to it and cannot be told not to.
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

  private let decoder: Decoder
  private let isMPEG: Bool
  private let requestLimit: Int
  private var breaksOff = false
  private var failure: AudioFileError?

  /// Opens a file. Reads its header and allocates what decoding takes.
  ///
  /// What is no regular file but a pipe is first read to its end, into a temporary file without a name.
  ///
  /// - Throws: When there is no such file, or it is no audio, or its header cannot be read or says something out of
  ///   range.
  public init(path: String) throws(AudioFileError) {
    do {
      try self.init(InputFile(path: path), name: path)
    } catch {
      throw AudioFileError(name: path, problem: error)
    }
  }

  /// Opens what a file descriptor stands for, such as standard input, from its position on. The descriptor stays the
  /// caller's and its position stays where it is; that of a pipe is read to its end, into a temporary file without a
  /// name.
  ///
  /// - Parameter name: What to call it in errors.
  /// - Throws: As ``init(path:)``.
  public init(fileDescriptor: Int32, name: String) throws(AudioFileError) {
    do {
      try self.init(InputFile(fileDescriptor: fileDescriptor), name: name)
    } catch {
      throw AudioFileError(name: name, problem: error)
    }
  }

  private init(_ file: InputFile, name: String) throws(AudioFileError.Problem) {
    if file.count == 0 { throw .empty }
    let layout = try FileLayout(file)
    if let plain = layout?.plain, plain.frameCount == 0 {
      throw .noSampleFrames(promised: layout?.promisedFrameCount)
    }
    let decoder = try Self.open(file, layout)
    guard decoder.channelCount > 0 else { throw .noChannels }
    guard decoder.channelCount <= Self.maximumChannelCount else { throw .tooManyChannels(decoder.channelCount) }
    guard let rate = try? SampleRate(decoder.hertz) else { throw .badSampleRate(hertz: decoder.hertz) }
    let type = decoder.format & SF_FORMAT_TYPEMASK
    // A Xing header and an Ogg stream's last page say how much there is; what libsndfile counts in other files is what
    // it finds.
    let isSelfCounting = type == Decoder.mpeg || type == SF_FORMAT_OGG
    let promised = layout?.promisedFrameCount ?? (isSelfCounting ? decoder.frameCount : nil)
    if decoder.frameCount == 0 { throw .noSampleFrames(promised: promised) }
    let names = decoder.names

    self.name = name
    self.decoder = decoder
    sampleRate = rate
    channelCount = decoder.channelCount
    container = layout?.container ?? names.container
    encoding = names.encoding
    frameCount = decoder.frameCount
    promisedFrameCount = promised
    isMPEG = type == Decoder.mpeg
    // A decoder that fails within a call does not tell where. libsndfile even gives back nothing of a call in which
    // libmpg123 failed; but without a Xing header, an MPEG stream is cut from its start on into frames of 384, 576 or
    // 1,152 sample frames, of which this divides each, so that a call never spans two.
    let isFallible = type == SF_FORMAT_FLAC || (isMPEG && decoder.frameCount == nil)
    requestLimit = isFallible ? 192 : .max
  }

  private static func open(_ file: InputFile, _ layout: FileLayout?) throws(AudioFileError.Problem) -> Decoder {
    do {
      if let layout, let plain = layout.plain {
        let size = plain.frameCount * plain.encoding.sampleSize * layout.channelCount
        return try Decoder(
          samples: InputBytes(file, offset: plain.offset, count: size), format: plain.format,
          channelCount: layout.channelCount, hertz: layout.hertz)
      }
      if layout != nil { return try Decoder(file: InputBytes(file)) }
    } catch {
      throw .unreadableHeader(container: layout?.container ?? "", reason: error.reason)
    }

    var result = Result<Decoder, DecoderFailure> { () throws(DecoderFailure) in throw DecoderFailure(reason: "") }
    func open(pretendedCount: Int?) {
      let bytes = InputBytes(file)
      bytes.pretendedCount = pretendedCount
      StandardErrorSilencer.run {
        result = Result { () throws(DecoderFailure) in try Decoder(file: bytes) }
      }
    }
    let isOgg = try file.bytes(0..<4).elementsEqual("OggS".utf8)
    open(pretendedCount: isOgg ? nil : 1 << 50)
    // A Xing header says how much there is. libmpg123 then needs the true length, to know the end from an error.
    if case .success(let decoder) = result, !isOgg, decoder.frameCount != nil { open(pretendedCount: nil) }
    switch result {
    case .success(let decoder): return decoder
    case .failure(let failure):
      throw (isOgg ? .unreadableHeader(container: "Ogg", reason: failure.reason) : .notAudio)
    }
  }

  /// Reads the next sample frames to the start of `output`: as many as it has room for, fewer only at the end. Does not
  /// allocate of itself; what decoders do inside does not grow with the file.
  ///
  /// - Returns: How many sample frames were read; 0 at the end.
  /// - Throws: When the data cannot be read or decoded. What came before has been given out by earlier calls.
  /// - Precondition: `output` has room for at least one sample frame.
  public mutating func read(into output: inout MutableSpan<Float>) throws(AudioFileError) -> Int {
    let wanted = output.count / channelCount
    precondition(wanted > 0, "no room for a sample frame")
    var filled = 0
    if isMPEG {
      StandardErrorSilencer.run { filled = fill(&output, wanted) }
    } else {
      filled = fill(&output, wanted)
    }
    if filled == 0, let failure { throw failure }
    if framesRead == 0 {
      throw AudioFileError(name: name, problem: .noSampleFrames(promised: promisedFrameCount))
    }
    return filled
  }

  /// Asks the decoder until there are as many sample frames as wanted, or no more; sets `framesRead`, `failure`,
  /// `breaksOff` and `isAtEnd`.
  private mutating func fill(_ output: inout MutableSpan<Float>, _ wanted: Int) -> Int {
    var filled = 0
    while filled < wanted, !isAtEnd, failure == nil {
      var request = min(wanted - filled, requestLimit - framesRead % requestLimit)
      if let frameCount { request = min(request, frameCount - framesRead) }
      let count = request > 0 ? decode(request, into: &output, at: filled * channelCount) : 0
      filled += count
      framesRead += count
      if count == 0, failure == nil { isAtEnd = true }
    }
    return filled
  }

  /// Asks the decoder once.
  private mutating func decode(_ request: Int, into output: inout MutableSpan<Float>, at offset: Int) -> Int {
    let result = decoder.read(request, into: &output, at: offset)
    let bytes = decoder.bytes
    if let errorNumber = bytes.errorNumber {
      failure = AudioFileError(name: name, problem: .system(.read, errorNumber: errorNumber))
      return 0
    }
    guard let reason = result.failure?.reason else {
      if result.frameCount == 0 {
        if isMPEG, frameCount == nil, !bytes.isExhausted {
          failure = decodingFailed("the decoder stopped at byte \(bytes.position) of \(bytes.count)")
        }
        // libsndfile does not know the length of an Ogg stream only when it does not end with a page.
        breaksOff = decoder.format & SF_FORMAT_TYPEMASK == SF_FORMAT_OGG && frameCount == nil
      }
      return result.frameCount
    }
    // A decoder that lost its way because the file ended has not failed. One that found it again has: what it gives may
    // be filled up with silence, or something is missing in it.
    if bytes.isExhausted, result.frameCount < request {
      breaksOff = true
      isAtEnd = true
      return result.frameCount
    }
    failure = decodingFailed(reason)
    return 0
  }

  private func decodingFailed(_ reason: String) -> AudioFileError {
    AudioFileError(name: name, problem: .decodingFailed(afterSampleFrames: framesRead, reason: reason))
  }

  /// What is missing at the end of the file, once everything has been read; nil for a complete file.
  public var truncation: Truncation? {
    guard isAtEnd else { return nil }
    // Encoders disagree on whether a Xing header counts its own frame.
    if let promised = promisedFrameCount, framesRead < promised - (isMPEG ? 1_152 : 0) {
      return Truncation(promisedFrameCount: promised, frameCount: framesRead)
    }
    return breaksOff && promisedFrameCount == nil
      ? Truncation(promisedFrameCount: nil, frameCount: framesRead) : nil
  }
}

/// How much of a file is missing at its end.
public struct Truncation: Hashable, Sendable, CustomStringConvertible {
  /// How many sample frames the header promises; nil when the header does not say but the file ends in the middle of a
  /// packet or frame.
  public var promisedFrameCount: Int?
  /// How many sample frames there are.
  public var frameCount: Int

  public init(promisedFrameCount: Int?, frameCount: Int) {
    self.promisedFrameCount = promisedFrameCount
    self.frameCount = frameCount
  }

  public var description: String {
    if let promisedFrameCount {
      "the file is cut off: \(frameCount) of the \(promisedFrameCount) sample frames that its header promises are there"
    } else {
      "the file is cut off in the middle of a packet: \(frameCount) sample frames are there"
    }
  }
}
