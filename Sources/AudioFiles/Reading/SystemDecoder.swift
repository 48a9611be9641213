#if canImport(AudioToolbox)
  import AudioToolbox

  /// Apple's own decoder, ExtAudioFile: M4A, MP4, AAC, AMR, ALAC, AC-3 and what else the system reads.
  ///
  /// This has been written by the documentation and has not been run.
  @safe final class SystemDecoder {
    let channelCount: Int
    let hertz: Int
    /// How many sample frames the file holds by its own account; nil when it has none.
    let promisedFrameCount: Int?

    private let file: OpenedFile
    private var frameCount = 0
    private var failure: OSStatus = noErr

    /// Opens a file and reads its header.
    ///
    /// - Throws: ``AudioFileError/Problem/notAudio`` when the system does not know the format.
    init(decoding input: InputFile) throws(AudioFileError.Problem) {
      file = try OpenedFile(input)
      var format = AudioStreamBasicDescription()
      var size = unsafe UInt32(MemoryLayout<AudioStreamBasicDescription>.size)
      let isKnown = unsafe ExtAudioFileGetProperty(
        file.decoder, kExtAudioFileProperty_FileDataFormat, &size, &format)
      let rate = format.mSampleRate
      // Written so that a rate that is no number is refused too.
      guard isKnown == noErr, rate >= 1, rate <= 1e9, format.mChannelsPerFrame > 0 else { throw .notAudio }
      channelCount = Int(format.mChannelsPerFrame)
      hertz = Int(rate.rounded())
      if channelCount > AudioFileReader.maximumChannelCount { throw .tooManyChannels(channelCount) }

      let frameSize = UInt32(channelCount * MemoryLayout<Float>.size)
      var wanted = AudioStreamBasicDescription(
        mSampleRate: rate, mFormatID: kAudioFormatLinearPCM,
        mFormatFlags: kAudioFormatFlagIsFloat | kAudioFormatFlagIsPacked | kAudioFormatFlagsNativeEndian,
        mBytesPerPacket: frameSize, mFramesPerPacket: 1, mBytesPerFrame: frameSize,
        mChannelsPerFrame: UInt32(channelCount), mBitsPerChannel: 32, mReserved: 0)
      let isSet = unsafe ExtAudioFileSetProperty(
        file.decoder, kExtAudioFileProperty_ClientDataFormat, size, &wanted)
      if isSet != noErr { throw .foreignDecodingFailed(reason: Self.reason(isSet)) }

      var length: Int64 = 0
      size = UInt32(MemoryLayout<Int64>.size)
      let hasLength = unsafe ExtAudioFileGetProperty(
        file.decoder, kExtAudioFileProperty_FileLengthFrames, &size, &length)
      promisedFrameCount = hasLength == noErr && length > 0 ? Int(length) : nil
    }

    /// Decodes up to `frameCount` sample frames to `output` from sample `offset` on.
    ///
    /// - Returns: How many came; fewer than asked for only at the end, or where decoding fails.
    func read(
      _ frameCount: Int, into output: inout MutableSpan<Float>, at offset: Int
    ) throws(AudioFileError.Problem) -> Int {
      var target = output._mutatingExtracting(offset..<offset + frameCount * channelCount)
      var filled = 0
      unsafe target.withUnsafeMutableBufferPointer { buffer in
        while filled < frameCount, failure == noErr {
          let start = filled * channelCount
          var count = UInt32(min(frameCount - filled, 1 << 16))
          var list = unsafe AudioBufferList(
            mNumberBuffers: 1,
            mBuffers: AudioBuffer(
              mNumberChannels: UInt32(channelCount), mDataByteSize: count * UInt32(channelCount * 4),
              mData: buffer.baseAddress.map { unsafe UnsafeMutableRawPointer($0 + start) }))
          failure = unsafe ExtAudioFileRead(file.decoder, &count, &list)
          if failure != noErr || count == 0 { break }
          filled += Int(count)
        }
      }
      if let errorNumber = file.source.errorNumber { throw .system(.read, errorNumber: errorNumber) }
      self.frameCount += filled
      return filled
    }

    /// How decoding ended.
    enum Ending: Equatable {
      case complete
      /// There is less than the file promises.
      case damaged(reason: String)
      /// The system's decoder gave up.
      case failed(reason: String)
    }

    func finish() -> Ending {
      if failure != noErr { return .failed(reason: Self.reason(failure)) }
      if let promised = promisedFrameCount, frameCount < promised {
        return .damaged(reason: "\(frameCount) of \(promised) sample frames are there")
      }
      return .complete
    }

    /// Most of the system's numbers are four characters.
    private static func reason(_ status: OSStatus) -> String {
      let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: status >> $0) }
      let isText = bytes.allSatisfy { (0x20..<0x7F).contains($0) }
      return "the system's decoder gives error \(isText ? "'\(String(decoding: bytes, as: UTF8.self))'" : "\(status)")"
    }
  }

  /// ExtAudioFile on an ``InputFile``.
  @safe private final class OpenedFile {
    let source: Source
    let decoder: ExtAudioFileRef
    private let container: AudioFileID

    /// The bytes that the system asks for.
    final class Source {
      let file: InputFile
      var errorNumber: Int32?
      init(_ file: InputFile) { self.file = file }
    }

    init(_ file: InputFile) throws(AudioFileError.Problem) {
      source = Source(file)
      let userData = unsafe Unmanaged.passUnretained(source).toOpaque()
      var container: AudioFileID?
      let isOpen = unsafe AudioFileOpenWithCallbacks(
        userData,
        { userData, position, count, buffer, actualCount in
          // The opened file keeps the object alive.
          let source = unsafe Unmanaged<Source>.fromOpaque(userData).takeUnretainedValue()
          unsafe actualCount.pointee = 0
          guard position >= 0, position <= Int64(source.file.count) else { return noErr }
          let wanted = min(Int(count), source.file.count - Int(position))
          let result = unsafe source.file.read(into: buffer, count: wanted, at: Int(position))
          guard result >= 0 else {
            source.errorNumber = errno
            return kAudioFileUnspecifiedError
          }
          unsafe actualCount.pointee = UInt32(result)
          return result < Int(count) ? kAudioFileEndOfFileError : noErr
        }, nil,
        { userData in
          Int64(unsafe Unmanaged<Source>.fromOpaque(userData).takeUnretainedValue().file.count)
        }, nil, 0, &container)
      guard isOpen == noErr, let container = unsafe container else {
        if let errorNumber = source.errorNumber { throw .system(.read, errorNumber: errorNumber) }
        throw .notAudio
      }
      var decoder: ExtAudioFileRef?
      guard unsafe ExtAudioFileWrapAudioFileID(container, false, &decoder) == noErr,
        let decoder = unsafe decoder
      else {
        _ = unsafe AudioFileClose(container)
        throw .notAudio
      }
      unsafe self.container = container
      unsafe self.decoder = decoder
    }

    deinit {
      // The first does not close what it was given.
      _ = unsafe ExtAudioFileDispose(decoder)
      _ = unsafe AudioFileClose(container)
    }
  }
#endif
