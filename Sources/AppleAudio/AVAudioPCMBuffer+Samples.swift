#if canImport(AVFAudio)
  import AVFAudio
  import AudioDSP

  /// What an engine's tap delivers, as interleaved samples, and samples as what a player node takes.
  ///
  /// Buffers of 32-bit floats may be interleaved or have a channel's samples each by themselves; buffers of 16-bit
  /// integers are interleaved, or of one channel. Nothing here allocates, so that it may be called where audio comes in:
  ///
  /// ```swift
  /// // In a tap's block, with `samples` as long as the longest buffer:
  /// var span = samples.mutableSpan
  /// let count = try buffer.copySamples(into: &span)
  /// try chunker.process(samples.span.extracting(first: count), into: &sink)
  /// ```
  ///
  /// This has been written by the documentation and has not been run on an Apple platform.
  extension AVAudioPCMBuffer {
    /// How many samples the buffer holds, over all channels.
    public var sampleCount: Int { Int(frameLength) * Int(format.channelCount) }

    /// Copies what the buffer holds to the start of `interleaved`; 16-bit samples become `x / 32768`.
    ///
    /// - Returns: How many samples that are: ``sampleCount``.
    /// - Throws: ``AudioBufferError`` when the format is another or there is no room, having written nothing.
    public func copySamples(into interleaved: inout MutableSpan<Float>) throws(AudioBufferError) -> Int {
      let layout = try SampleLayout(self)
      let count = sampleCount
      guard interleaved.count >= count else {
        throw .noRoom(required: count, capacity: interleaved.count)
      }
      let channelCount = Int(format.channelCount)
      switch layout {
      case .interleavedFloat:
        guard let data = unsafe floatChannelData else { throw .noSamples }
        let samples = unsafe Span(_unsafeStart: data[0], count: count)
        for i in 0..<count { interleaved[i] = samples[i] }
      case .separateFloat:
        guard let data = unsafe floatChannelData else { throw .noSamples }
        let frameCount = Int(frameLength)
        try refusals { () throws(InterleavingError) in
          let interleaving = try Interleaving(channelCount: channelCount)
          for channel in 0..<channelCount {
            let samples = unsafe Span(_unsafeStart: data[channel], count: frameCount)
            try interleaving.insert(samples, asChannel: channel, into: &interleaved)
          }
        }
      case .interleavedInteger:
        guard let data = unsafe int16ChannelData else { throw .noSamples }
        PCM16.convert(unsafe Span(_unsafeStart: data[0], count: count), into: &interleaved)
      }
      return count
    }

    /// Makes interleaved samples of the buffer's channels what it holds; a buffer of 16 bits gets them as ``PCM16`` has
    /// them.
    ///
    /// - Throws: ``AudioBufferError`` when the format is another or the samples do not fit, having written nothing.
    public func replaceSamples(with interleaved: Span<Float>) throws(AudioBufferError) {
      let layout = try SampleLayout(self)
      let frameCount = try sampleFrameCount(of: interleaved.count)
      let channelCount = Int(format.channelCount)
      switch layout {
      case .interleavedFloat:
        guard let data = unsafe floatChannelData else { throw .noSamples }
        var samples = unsafe MutableSpan(_unsafeStart: data[0], count: interleaved.count)
        for i in interleaved.indices { samples[i] = interleaved[i] }
      case .separateFloat:
        guard let data = unsafe floatChannelData else { throw .noSamples }
        try refusals { () throws(InterleavingError) in
          let interleaving = try Interleaving(channelCount: channelCount)
          for channel in 0..<channelCount {
            var samples = unsafe MutableSpan(_unsafeStart: data[channel], count: frameCount)
            _ = try interleaving.extract(channel: channel, of: interleaved, into: &samples)
          }
        }
      case .interleavedInteger:
        guard let data = unsafe int16ChannelData else { throw .noSamples }
        var samples = unsafe MutableSpan(_unsafeStart: data[0], count: interleaved.count)
        PCM16.convert(interleaved, into: &samples)
      }
      frameLength = AVAudioFrameCount(frameCount)
    }

    /// Makes interleaved 16-bit samples of the buffer's channels what it holds; a buffer of floats gets them as
    /// `x / 32768`. So what a service sends goes to a player node, which takes floats.
    ///
    /// - Throws: ``AudioBufferError`` when the format is another or the samples do not fit, having written nothing.
    public func replaceSamples(with interleaved: Span<Int16>) throws(AudioBufferError) {
      let layout = try SampleLayout(self)
      let frameCount = try sampleFrameCount(of: interleaved.count)
      let channelCount = Int(format.channelCount)
      switch layout {
      case .interleavedFloat:
        guard let data = unsafe floatChannelData else { throw .noSamples }
        var samples = unsafe MutableSpan(_unsafeStart: data[0], count: interleaved.count)
        PCM16.convert(interleaved, into: &samples)
      case .separateFloat:
        guard let data = unsafe floatChannelData else { throw .noSamples }
        try refusals { () throws(InterleavingError) in
          let interleaving = try Interleaving(channelCount: channelCount)
          for channel in 0..<channelCount {
            var samples = unsafe MutableSpan(_unsafeStart: data[channel], count: frameCount)
            _ = try interleaving.extract(channel: channel, of: interleaved, into: &samples)
          }
        }
      case .interleavedInteger:
        guard let data = unsafe int16ChannelData else { throw .noSamples }
        var samples = unsafe MutableSpan(_unsafeStart: data[0], count: interleaved.count)
        for i in interleaved.indices { samples[i] = interleaved[i] }
      }
      frameLength = AVAudioFrameCount(frameCount)
    }

    /// How many sample frames so many samples are, when the buffer has room for them.
    private func sampleFrameCount(of sampleCount: Int) throws(AudioBufferError) -> Int {
      let channelCount = Int(format.channelCount)
      let count = try refusals { () throws(InterleavingError) in
        try Interleaving(channelCount: channelCount).sampleFrameCount(of: sampleCount)
      }
      let capacity = Int(frameCapacity) * channelCount
      guard sampleCount <= capacity else { throw .noRoom(required: sampleCount, capacity: capacity) }
      return count
    }
  }

  /// The layouts of a buffer that can be read and written.
  private enum SampleLayout {
    case interleavedFloat
    case separateFloat
    case interleavedInteger

    init(_ buffer: AVAudioPCMBuffer) throws(AudioBufferError) {
      let format = buffer.format
      // The channel of a buffer that has but one is interleaved, whatever its format calls it.
      let isInterleaved = format.isInterleaved || format.channelCount == 1
      switch format.commonFormat {
      case .pcmFormatFloat32: self = isInterleaved ? .interleavedFloat : .separateFloat
      case .pcmFormatInt16 where isInterleaved: self = .interleavedInteger
      default: throw .otherFormat
      }
    }
  }

  /// Why samples were not copied from or to a buffer.
  public enum AudioBufferError: Error, Equatable, CustomStringConvertible {
    /// The buffer's samples are neither 32-bit floats nor interleaved 16-bit integers.
    case otherFormat
    /// The buffer gives no access to its samples.
    case noSamples
    /// There is room for `capacity` samples where `required` are due.
    case noRoom(required: Int, capacity: Int)
    /// The samples do not suit the buffer's channels.
    case interleaving(InterleavingError)

    public var description: String {
      switch self {
      case .otherFormat: "the buffer holds neither 32-bit floats nor interleaved 16-bit integers"
      case .noSamples: "the buffer gives no access to its samples"
      case .noRoom(let required, let capacity): "there is room for \(capacity) samples where \(required) are due"
      case .interleaving(let error): "\(error)"
      }
    }
  }

  private func refusals<Result>(_ body: () throws(InterleavingError) -> Result) throws(AudioBufferError) -> Result {
    do throws(InterleavingError) { return try body() } catch { throw .interleaving(error) }
  }
#endif
