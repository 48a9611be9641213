/// How the samples of several channels lie one behind the other: sample frame by sample frame, with
/// `interleaved[i * channelCount + c]` as channel `c` of sample frame `i`.
///
/// Systems hand over microphones' channels one by one; processors and files take them interleaved. Samples go across as
/// they are, or from 16 bits as ``PCM16`` has them. An interleaved block of 16-bit samples needs nothing from here:
/// ``PCM16`` converts it whole, whatever its channels are. None of these functions allocates.
public struct Interleaving: Hashable, Sendable {
  /// How many channels there are; at least one.
  public let channelCount: Int

  /// - Throws: ``InterleavingError/noChannels`` when the count is not positive.
  public init(channelCount: Int) throws(InterleavingError) {
    guard channelCount > 0 else { throw .noChannels }
    self.channelCount = channelCount
  }

  /// Puts one channel's samples into the first `samples.count` sample frames of `interleaved`, and leaves all other
  /// channels and sample frames as they are.
  ///
  /// - Throws: ``InterleavingError`` when there is no such channel or no room, having written nothing.
  public func insert(
    _ samples: Span<Float>, asChannel channel: Int, into interleaved: inout MutableSpan<Float>
  ) throws(InterleavingError) {
    try validate(channel: channel)
    let required = samples.count * channelCount
    guard interleaved.count >= required else { throw .outputTooSmall(required: required, capacity: interleaved.count) }
    var place = channel
    for i in samples.indices {
      interleaved[place] = samples[i]
      place += channelCount
    }
  }

  /// Writes one channel's samples to the start of `samples`.
  ///
  /// - Returns: How many there are.
  /// - Throws: ``InterleavingError`` when the counts do not fit or there is no such channel, having written nothing.
  public func extract(
    channel: Int, of interleaved: Span<Float>, into samples: inout MutableSpan<Float>
  ) throws(InterleavingError) -> Int {
    let count = try sampleFrameCount(of: interleaved.count, channel: channel, capacity: samples.count)
    var place = channel
    for i in 0..<count {
      samples[i] = interleaved[place]
      place += channelCount
    }
    return count
  }

  /// Writes one channel's samples to the start of `samples`, as `x / 32768`, exactly.
  ///
  /// - Returns: How many there are.
  /// - Throws: ``InterleavingError`` when the counts do not fit or there is no such channel, having written nothing.
  public func extract(
    channel: Int, of interleaved: Span<Int16>, into samples: inout MutableSpan<Float>
  ) throws(InterleavingError) -> Int {
    let count = try sampleFrameCount(of: interleaved.count, channel: channel, capacity: samples.count)
    var place = channel
    for i in 0..<count {
      samples[i] = Float(interleaved[place]) * 0x1p-15
      place += channelCount
    }
    return count
  }

  /// How many sample frames so many interleaved samples are.
  ///
  /// - Throws: ``InterleavingError/partialSampleFrame(sampleCount:channelCount:)``
  public func sampleFrameCount(of sampleCount: Int) throws(InterleavingError) -> Int {
    guard sampleCount.isMultiple(of: channelCount) else {
      throw .partialSampleFrame(sampleCount: sampleCount, channelCount: channelCount)
    }
    return sampleCount / channelCount
  }

  private func sampleFrameCount(
    of sampleCount: Int, channel: Int, capacity: Int
  ) throws(InterleavingError) -> Int {
    try validate(channel: channel)
    let required = try sampleFrameCount(of: sampleCount)
    guard capacity >= required else { throw .outputTooSmall(required: required, capacity: capacity) }
    return required
  }

  private func validate(channel: Int) throws(InterleavingError) {
    guard (0..<channelCount).contains(channel) else { throw .noSuchChannel(channel, channelCount: channelCount) }
  }
}

/// Why an ``Interleaving`` refused its input.
public enum InterleavingError: Error, Equatable, CustomStringConvertible {
  /// The channel count is not positive.
  case noChannels
  /// The channel is not there.
  case noSuchChannel(Int, channelCount: Int)
  /// The samples are no whole number of sample frames.
  case partialSampleFrame(sampleCount: Int, channelCount: Int)
  /// The output has room for `capacity` samples where `required` are due.
  case outputTooSmall(required: Int, capacity: Int)

  public var description: String {
    switch self {
    case .noChannels: "there are no channels"
    case .noSuchChannel(let channel, let channels): "there is no channel \(channel) among \(channels) (the first is 0)"
    case .partialSampleFrame(let samples, let channels):
      "\(samples) samples are no whole number of sample frames of \(channels) channels"
    case .outputTooSmall(let required, let capacity):
      "the output has room for \(capacity) samples where \(required) are due"
    }
  }
}
