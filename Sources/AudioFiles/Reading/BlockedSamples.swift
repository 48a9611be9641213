/// Samples of a WAV file that are compressed in blocks of one size.
///
/// libsndfile takes the beginning of a block for all of it, and makes up the rest.
struct BlockedSamples: Equatable {
  /// What a block is.
  struct Block: Equatable {
    enum Kind { case microsoftADPCM, imaADPCM, gsm }

    var kind: Kind
    var channelCount: Int
    var byteCount: Int
    /// As the header says.
    var frameCount: Int

    /// How many sample frames are in so many bytes, of which the last may be the beginning of a block; nil where they
    /// are more than can be counted, which no file has.
    func frameCount(of bytes: Int) -> Int? {
      let (whole, isTooMuch) = (bytes / byteCount).multipliedReportingOverflow(by: frameCount)
      return isTooMuch || whole > 1 << 60
        ? nil : whole + min(frameCount, partialFrameCount(of: bytes % byteCount))
    }

    /// How many sample frames the beginning of a block holds ("New Multimedia Data Types and Data Techniques",
    /// Microsoft, 1994): behind 7 bytes of preamble for each channel, with 2 sample frames, each byte has two samples;
    /// for IMA behind 4 bytes, with 1 sample frame, groups of 4 bytes for each channel have 8 sample frames. Of GSM
    /// 6.10, a block is whole or it is nothing.
    private func partialFrameCount(of bytes: Int) -> Int {
      switch kind {
      case .microsoftADPCM:
        let rest = bytes - 7 * channelCount
        return rest < 0 ? 0 : 2 + 2 * rest / channelCount
      case .imaADPCM:
        let rest = bytes - 4 * channelCount
        return rest < 0 ? 0 : 1 + rest / (4 * channelCount) * 8
      case .gsm:
        return 0
      }
    }
  }

  var block: Block
  /// Where they start in the file.
  var offset: Int
  /// How many bytes the header promises; nil for all to the end of the file.
  var byteCount: Int?

  /// How many sample frames there are in a file of so many bytes, and whether it ends inside a block of which nothing
  /// tells that it is the last.
  ///
  /// - Parameter endsWithZero: Whether the last byte may be there to make the file's size even.
  func found(inFileOf count: Int, endsWithZero: Bool) -> (frameCount: Int, hasPartialBlock: Bool) {
    let available = max(0, count - offset)
    let rest = available % block.byteCount
    let isPadded = rest == 1 && endsWithZero && !(available - rest).isMultiple(of: 2)
    return (
      // What is in a file can be counted: blocks have fewer than 2^16 sample frames.
      block.frameCount(of: min(byteCount ?? available, available)) ?? 0, byteCount == nil && rest > 0 && !isPadded
    )
  }
}
