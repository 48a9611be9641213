/// How several channels become one.
///
/// Samples are interleaved: `interleaved[i * channelCount + c]` is channel `c` of sample frame `i`.
public enum Downmix: Hashable, Sendable {
  /// The mean of all channels.
  case mean
  /// One channel, counted from 0.
  case channel(Int)
  /// What is on the channels decides: as ``ChannelChooser/Policy/automatic``. It needs what came before, so that a
  /// ``Downmixer`` must do it.
  case automatic

  /// Writes one sample per sample frame to the start of `mono`. Samples that are not finite are taken as 0. Does not
  /// allocate.
  ///
  /// - Returns: How many of the samples used were not finite.
  /// - Throws: ``DownmixError`` when the counts do not fit, or for ``automatic``, having written nothing.
  public func process(
    _ interleaved: Span<Float>, channelCount: Int, into mono: inout MutableSpan<Float>
  ) throws(DownmixError) -> Int {
    try process(interleaved, channelCount: channelCount, into: &mono, kernels: .active)
  }

  package func process(
    _ interleaved: Span<Float>, channelCount: Int, into mono: inout MutableSpan<Float>, backend: KernelBackend
  ) throws(DownmixError) -> Int {
    try process(interleaved, channelCount: channelCount, into: &mono, kernels: Kernels(backend))
  }

  private func process(
    _ interleaved: Span<Float>, channelCount: Int, into mono: inout MutableSpan<Float>, kernels: Kernels
  ) throws(DownmixError) -> Int {
    try validate(channelCount: channelCount)
    if case .automatic = self { throw .needsDownmixer }
    guard interleaved.count.isMultiple(of: channelCount) else {
      throw .partialSampleFrame(sampleCount: interleaved.count, channelCount: channelCount)
    }
    let frameCount = interleaved.count / channelCount
    guard mono.count >= frameCount else { throw .outputTooSmall(required: frameCount, capacity: mono.count) }
    var chosen: Int?
    if case .channel(let channel) = self {
      chosen = channel
    }
    return kernels.downmix(interleaved, channelCount: channelCount, channel: chosen, into: &mono)
  }

  /// - Throws: ``DownmixError`` when there are no channels, or not the chosen one.
  public func validate(channelCount: Int) throws(DownmixError) {
    guard channelCount > 0 else { throw .noChannels }
    if case .channel(let channel) = self, !(0..<channelCount).contains(channel) {
      throw .noSuchChannel(channel, channelCount: channelCount)
    }
  }
}

/// Why a ``Downmix`` was refused.
public enum DownmixError: Error, Equatable, CustomStringConvertible {
  /// The channel count is not positive.
  case noChannels
  /// The samples are no whole number of sample frames.
  case partialSampleFrame(sampleCount: Int, channelCount: Int)
  /// The chosen channel is not there.
  case noSuchChannel(Int, channelCount: Int)
  /// ``Downmix/automatic`` was asked for where there is no memory of the stream.
  case needsDownmixer
  /// The output has room for `capacity` samples where `required` are due.
  case outputTooSmall(required: Int, capacity: Int)

  public var description: String {
    switch self {
    case .noChannels: "there are no channels"
    case .partialSampleFrame(let samples, let channels):
      "\(samples) samples are no whole number of sample frames of \(channels) channels"
    case .noSuchChannel(let channel, let channels): "there is no channel \(channel) among \(channels) (the first is 0)"
    case .needsDownmixer: "what is on the channels can only decide in a stream, through a Downmixer"
    case .outputTooSmall(let required, let capacity):
      "the output has room for \(capacity) samples where \(required) are due"
    }
  }
}
