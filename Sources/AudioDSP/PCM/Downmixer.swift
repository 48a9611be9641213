/// Makes one channel of a stream of several, as a ``Downmix`` says, ``Downmix/automatic`` included.
public struct Downmixer: ~Copyable, Sendable {
  /// How the channels become one.
  public let downmix: Downmix
  /// How many channels come.
  public let channelCount: Int
  // There whether it is used or not: it is small.
  private var chooser: ChannelChooser

  /// - Throws: ``DownmixError`` when there are no channels, or not the chosen one.
  public init(_ downmix: Downmix, channelCount: Int, sampleRate: SampleRate) throws(DownmixError) {
    try downmix.validate(channelCount: channelCount)
    chooser = try ChannelChooser(sampleRate, channelCount: channelCount)
    self.downmix = downmix
    self.channelCount = channelCount
  }

  /// Writes one sample per sample frame to the start of `mono`. Samples that are not finite are taken as 0. Does not
  /// allocate.
  ///
  /// - Returns: How many of the samples used were not finite.
  /// - Throws: ``DownmixError`` when the counts do not fit, having written nothing.
  public mutating func process(
    _ interleaved: Span<Float>, into mono: inout MutableSpan<Float>
  ) throws(DownmixError) -> Int {
    if downmix == .automatic { return try chooser.process(interleaved, into: &mono) }
    return try downmix.process(interleaved, channelCount: channelCount, into: &mono)
  }

  /// Makes the downmixer as it was after `init`.
  public mutating func reset() { chooser.reset() }
}
