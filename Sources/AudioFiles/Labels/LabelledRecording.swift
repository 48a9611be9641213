import AudioDSP

/// The labelled stretches of one channel of a recording: what a ``LabelFormat`` writes.
public struct LabelledRecording: Hashable, Sendable {
  /// What the recording is called in formats that name it: by custom its file's name without folder and extension.
  /// Any text; formats escape what they cannot hold.
  public let name: String
  /// The rate by which samples are counted.
  public let sampleRate: SampleRate
  /// The channel that was looked at, counted from 1, as NIST's formats count.
  public let channel: Int
  /// The length of the recording, in samples of one channel.
  public let sampleCount: Int
  /// The stretches, in samples of one channel from the start of the recording.
  public let segments: [Range<Int>]
  /// What each of the segments is called. Any text; formats escape what they cannot hold.
  public let label: String

  /// - Precondition: `channel` and `sampleCount` are greater than 0, and the recording is shorter than
  ///   292,000 years; `segments` lie within the recording, in order, and
  ///   do not overlap. One may start where the one before it ends.
  public init(
    name: String, sampleRate: SampleRate, channel: Int = 1, sampleCount: Int, segments: [Range<Int>],
    label: String = "speech"
  ) {
    precondition(channel > 0, "channels are counted from 1")
    precondition(sampleCount > 0, "a recording without samples")
    var end = 0
    for segment in segments {
      precondition(segment.lowerBound >= end, "segments out of order, or with overlaps")
      end = segment.upperBound
    }
    precondition(end <= sampleCount, "a segment beyond the end of the recording")
    self.name = name
    self.sampleRate = sampleRate
    self.channel = channel
    self.sampleCount = sampleCount
    self.segments = segments
    self.label = label
  }
}
