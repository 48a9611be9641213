import AudioDSP

/// Where a reader's sample frames come from.
protocol FrameSource: AnyObject {
  /// The format of the file in a few words.
  var container: String { get }
  /// The format of the samples in a few words.
  var encoding: String { get }
  var channelCount: Int { get }
  var hertz: Int { get }
  /// See ``AudioFileReader/promisedFrameCount``.
  var promisedFrameCount: Int? { get }
  /// See ``AudioFileReader/frameCount``.
  var frameCount: Int? { get }
  /// See ``AudioFileReader/isLive``.
  var isLive: Bool { get }

  /// Reads up to `frameCount` sample frames to `output` from sample `offset` on. A file gives as many as it has; a live
  /// source waits for the first and then gives what there is.
  ///
  /// - Returns: How many; 0 at the end.
  /// - Throws: When there is nothing more, because of an error. What came before has been given out by earlier calls.
  func read(
    _ frameCount: Int, into output: inout MutableSpan<Float>, at offset: Int
  ) throws(AudioFileError.Problem) -> Int

  /// What has been found to be missing so far; what is missing at the end, once ``read(_:into:at:)`` has given 0.
  var damage: [Damage] { get }
}
