import AudioDSP

extension AudioContainer {
  /// The size of a file of so many sample frames in bytes, its header and padding included. Of FLAC, whose size depends
  /// on what is in it, a size that no file exceeds.
  ///
  /// - Throws: ``AudioFileError/Problem/cannotHold(container:encoding:channelCount:)``
  package func greatestFileSize(
    frameCount: Int, encoding: AudioEncoding, sampleRate: SampleRate, channelCount: Int = 1
  ) throws(AudioFileError.Problem) -> Int {
    let header = try FileHeader(
      container: self, encoding: encoding, sampleRate: sampleRate, channelCount: channelCount)
    let dataSize = frameCount * encoding.sampleSize * channelCount
    guard self != .flac else { return Self.flacHeaderSize + dataSize + Self.flacFrameSize(frameCount, channelCount) }
    return header.byteCount + dataSize + header.paddingCount(frameCount: frameCount)
  }

  /// More than what libFLAC writes before the first frame: 42 bytes of STREAMINFO (RFC 9639, 8.2), and a comment that
  /// holds no more than the library's name.
  private static let flacHeaderSize = 1_024

  /// More than what surrounds samples that cannot be compressed: at most 16 bytes of a frame's header and 3 behind it, 1
  /// of each channel's header (RFC 9639, 9), where a frame holds 1,024 sample frames or more.
  private static func flacFrameSize(_ frameCount: Int, _ channelCount: Int) -> Int {
    (frameCount / 1_024 + 1) * (24 + 2 * channelCount)
  }
}
