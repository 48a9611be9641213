import AudioDSP
import CSndFile

/// The sample frames of a file, decoded by libsndfile.
final class DecodedFile: FrameSource {
  let container: String
  let encoding: String
  let promisedFrameCount: Int?
  let frameCount: Int?
  let isLive = false
  var channelCount: Int { decoder.channelCount }
  var hertz: Int { decoder.hertz }

  private let decoder: Decoder
  private let isMPEG: Bool
  private let requestLimit: Int
  /// What the pages of an Ogg file say.
  private let survey: OggPages.Survey?
  /// Whether the header of an MPEG stream, or that of other compressed samples, promises more bytes than there are.
  private let lacksBytes: Bool
  /// Bytes behind the last whole sample frame, where the file's end is all that ends the samples.
  private let hasPartialFrame: Bool
  /// The same for the last whole block.
  private let hasPartialBlock: Bool
  /// Audio behind what is read.
  private var unread: Range<Int>?
  /// For FLAC, where that is looked for when all has been read.
  private let file: InputFile
  private var framesRead = 0
  private var isAtEnd = false
  private var breaksOff = false
  private var failure: AudioFileError.Problem?

  /// Opens plain samples, of which the file may hold fewer than are promised.
  ///
  /// - Parameter isPadded: Whether a zero at the end may be there to make the file's size even.
  init(
    _ file: InputFile, samples plain: PlainSamples, container: String, hertz: Int, isPadded: Bool
  ) throws(AudioFileError.Problem) {
    let available = file.count - plain.offset
    let frames = min(plain.byteCount ?? available, available) / plain.frameSize
    let promised = plain.byteCount.map { $0 / plain.frameSize }
    if frames == 0 { throw .noSampleFrames(promised: promised) }
    let bytes = FileBytes(file, offset: plain.offset, count: frames * plain.frameSize)
    do {
      decoder = try Decoder(samples: bytes, plain, hertz: hertz)
    } catch {
      throw .unreadableHeader(container: container, reason: error.reason)
    }
    self.container = container
    encoding = decoder.names.encoding
    promisedFrameCount = promised
    frameCount = frames
    isMPEG = false
    requestLimit = .max
    survey = nil
    lacksBytes = false
    let rest = plain.byteCount == nil ? available % plain.frameSize : 0
    let last = try file.bytes(file.count - rest..<file.count)
    // Only behind an odd count of bytes there may be one that makes it even.
    let mayBePadding = isPadded && !(available - rest).isMultiple(of: 2)
    hasPartialFrame = rest > 0 && !(mayBePadding && last == [0])
    hasPartialBlock = false
    self.file = file
    if let byteCount = plain.byteCount {
      unread = try UnreadBytes.behindSamples(
        file, at: plain.offset + byteCount, isRIFF: container == "WAV" || container == "RF64")
    }
  }

  /// Has libsndfile find out what the file is.
  ///
  /// - Parameter survey: What the pages of an Ogg file say.
  init(
    _ file: InputFile, _ layout: FileLayout?, _ survey: OggPages.Survey?
  ) throws(AudioFileError.Problem) {
    let decoder = try Self.open(file, layout)
    self.decoder = decoder
    let type = decoder.format & SF_FORMAT_TYPEMASK
    isMPEG = type == Decoder.mpeg
    // A Xing header and an Ogg stream's last page say how much there is; what libsndfile counts in other files is what
    // it finds.
    let isSelfCounting = isMPEG || type == SF_FORMAT_OGG
    promisedFrameCount = layout?.promisedFrameCount ?? (isSelfCounting ? decoder.frameCount : nil)
    let endsWithZero = try file.bytes(file.count - 1..<file.count) == [0]
    let blocks = layout?.blocked?.found(inFileOf: file.count, endsWithZero: endsWithZero)
    frameCount = blocks?.frameCount ?? decoder.frameCount
    let names = decoder.names
    container = layout?.container ?? names.container
    encoding = names.encoding
    hasPartialFrame = false
    hasPartialBlock = blocks?.hasPartialBlock ?? false
    self.survey = survey
    self.file = file
    let xing = isMPEG ? try XingHeader(file) : nil
    lacksBytes = isMPEG ? xing?.lacksBytes ?? false : layout?.compressedEnd.map { $0 > file.count } ?? false
    if let xing, decoder.frameCount != nil { unread = try UnreadBytes.behindMPEG(file, at: xing.end) }
    // A decoder that fails within a call does not tell where. libsndfile even gives back nothing of a call in which
    // libmpg123 failed; but without a Xing header, an MPEG stream is cut from its start on into frames of 384, 576 or
    // 1,152 sample frames, of which this divides each, so that a call never spans two.
    let isFallible = type == SF_FORMAT_FLAC || (isMPEG && decoder.frameCount == nil)
    requestLimit = isFallible ? 192 : .max
    if frameCount == 0 { throw .noSampleFrames(promised: promisedFrameCount) }
  }

  private static func open(_ file: InputFile, _ layout: FileLayout?) throws(AudioFileError.Problem) -> Decoder {
    if let layout {
      do {
        return try Decoder(file: FileBytes(file))
      } catch {
        throw .unreadableHeader(container: layout.container, reason: error.reason)
      }
    }
    var result = Result<Decoder, DecoderFailure> { () throws(DecoderFailure) in throw DecoderFailure(reason: "") }
    func open(at offset: Int = 0, pretendedCount: Int?) {
      let bytes = FileBytes(file, offset: offset)
      bytes.pretendedCount = pretendedCount
      StandardErrorSilencer.run {
        result = Result { () throws(DecoderFailure) in try Decoder(file: bytes) }
      }
    }
    let isOgg = try file.bytes(0..<4).elementsEqual("OggS".utf8)
    open(pretendedCount: isOgg ? nil : 1 << 50)
    // libsndfile does not look for the first frame.
    if case .failure = result, let start = try MPEGFrames.start(file.bytes(0..<1 << 16)), start > 0 {
      open(at: start, pretendedCount: 1 << 50)
    }
    // A Xing header says how much there is. libmpg123 then needs the true length, to know the end from an error.
    if case .success(let decoder) = result, !isOgg, decoder.frameCount != nil { open(pretendedCount: nil) }
    switch result {
    case .success(let decoder): return decoder
    case .failure(let failure):
      throw (isOgg ? .unreadableHeader(container: "Ogg", reason: failure.reason) : .notAudio)
    }
  }

  func read(
    _ wanted: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) throws(AudioFileError.Problem) -> Int {
    var filled = 0
    if isMPEG {
      StandardErrorSilencer.run { filled = fill(&output, wanted, at: offset) }
    } else {
      filled = fill(&output, wanted, at: offset)
    }
    if filled == 0, let failure { throw failure }
    return filled
  }

  /// Asks the decoder until there are as many sample frames as wanted, or no more; sets `framesRead`, `failure`,
  /// `breaksOff` and `isAtEnd`.
  private func fill(_ output: inout MutableSpan<Float>, _ wanted: Int, at offset: Int) -> Int {
    var filled = 0
    while filled < wanted, !isAtEnd, failure == nil {
      var request = min(wanted - filled, requestLimit - framesRead % requestLimit)
      if let frameCount { request = min(request, frameCount - framesRead) }
      let count = request > 0 ? decode(request, into: &output, at: offset + filled * channelCount) : 0
      filled += count
      framesRead += count
      if count == 0, failure == nil { end() }
    }
    return filled
  }

  private func end() {
    isAtEnd = true
    // libFLAC reads ahead by less than this.
    let readAhead = 1 << 17
    if decoder.format & SF_FORMAT_TYPEMASK == SF_FORMAT_FLAC {
      unread = (try? UnreadBytes.behindFLAC(file, from: max(4, decoder.bytes.position - readAhead))) ?? nil
    }
  }

  /// Asks the decoder once.
  private func decode(_ request: Int, into output: inout MutableSpan<Float>, at offset: Int) -> Int {
    let result = decoder.read(request, into: &output, at: offset)
    let bytes = decoder.bytes
    if let errorNumber = bytes.errorNumber {
      failure = .system(.read, errorNumber: errorNumber)
      return 0
    }
    guard let reason = result.failure?.reason else {
      if result.frameCount == 0 {
        if isMPEG, frameCount == nil, !bytes.isExhausted {
          failure = decodingFailed("the decoder stopped at byte \(bytes.position) of \(bytes.count)")
        }
        if survey?.linkCount ?? 1 > 1 {
          failure = decodingFailed("libsndfile does not read the next stream of the Ogg chain")
        }
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

  private func decodingFailed(_ reason: String) -> AudioFileError.Problem {
    .decodingFailed(afterSampleFrames: framesRead, reason: reason)
  }

  var damage: [Damage] {
    guard isAtEnd else { return [] }
    return loss + (unread.map { [.unread(byteCount: $0.count, offset: $0.lowerBound)] } ?? [])
  }

  /// What is missing of what should have been read.
  private var loss: [Damage] {
    // Encoders disagree on whether a Xing header counts its own frame; then its count of bytes decides.
    let tolerance = isMPEG && !lacksBytes ? 1_152 : 0
    if let promised = promisedFrameCount, framesRead < promised - tolerance {
      return [.truncation(Truncation(promisedFrameCount: promised, frameCount: framesRead))]
    }
    if (breaksOff || hasPartialBlock) && promisedFrameCount == nil {
      return [.truncation(Truncation(promisedFrameCount: nil, frameCount: framesRead))]
    }
    if lacksBytes, !isMPEG || promisedFrameCount == nil {
      return [
        .truncation(
          Truncation(promisedFrameCount: nil, frameCount: framesRead, sign: .missingBytes))
      ]
    }
    if let survey { return survey.damage(afterReading: framesRead) }
    if hasPartialFrame {
      return [
        .truncation(
          Truncation(promisedFrameCount: nil, frameCount: framesRead, sign: .incompleteSampleFrame))
      ]
    }
    return []
  }
}
