import AudioDSP

/// What a header is read from.
///
/// A header is read forward, but for its first bytes: a stream keeps no more.
protocol HeaderSource: AnyObject {
  /// The bytes of a range, or fewer where the input ends within it. A stream waits for them. Allocates.
  func bytes(_ range: Range<Int>) throws(AudioFileError.Problem) -> [UInt8]

  /// Whether there are so many bytes. A stream reads up to there.
  func reaches(_ offset: Int) throws(AudioFileError.Problem) -> Bool

  /// How many bytes there are, where that is known.
  var knownCount: Int? { get }

  /// Says that the samples are plain numbers, for which nobody will have to go back.
  func headerIsUnderstood()
}

/// Takes numbers and marks out of a file's header; every access is checked against the file's end.
struct HeaderReader {
  let source: any HeaderSource
  /// Where the header starts in the file; offsets count from there.
  let start: Int
  /// For messages.
  let container: String
  let isBigEndian: Bool

  /// Bytes from the header's start to the end of the file, where that is known.
  var knownCount: Int? { source.knownCount.map { $0 - start } }

  /// The bytes of a range.
  ///
  /// - Throws: ``AudioFileError/Problem/headerCutOff(container:byteCount:place:)`` when the file ends within it.
  func bytes(_ range: Range<Int>, _ place: String) throws(AudioFileError.Problem) -> [UInt8] {
    let bytes = try source.bytes(range.lowerBound + start..<range.upperBound + start)
    if bytes.count < range.count { throw cutOff(place) }
    return bytes
  }

  /// A part of the header, to take numbers from.
  func fields(_ range: Range<Int>, _ place: String) throws(AudioFileError.Problem) -> HeaderFields {
    HeaderFields(bytes: try bytes(range, place), isBigEndian: isBigEndian)
  }

  /// Checks that the file goes on up to `offset`. A stream is read up to there.
  func skip(to offset: Int, _ place: @autoclosure () -> String) throws(AudioFileError.Problem) {
    if try !source.reaches(start + offset) { throw cutOff(place()) }
  }

  /// The error for a file that has ended.
  func cutOff(_ place: String) -> AudioFileError.Problem {
    .headerCutOff(container: container, byteCount: source.knownCount ?? 0, place: place)
  }

  func unreadable(_ reason: String) -> AudioFileError.Problem {
    .unreadableHeader(container: container, reason: reason)
  }

  /// Checks what the header says of the samples.
  func checked(channelCount: Int, hertz: Int) throws(AudioFileError.Problem) {
    if channelCount == 0 { throw .noChannels }
    if channelCount > AudioFileReader.maximumChannelCount { throw .tooManyChannels(channelCount) }
    if !SampleRate.range.contains(hertz) { throw .badSampleRate(hertz: hertz) }
  }
}

/// The bytes of a part of a header. An access outside of them is a programmer error.
struct HeaderFields {
  let bytes: [UInt8]
  let isBigEndian: Bool

  func unsigned16(at offset: Int) -> Int { Int(unsigned(at: offset, size: 2)) }
  func unsigned32(at offset: Int) -> Int { Int(unsigned(at: offset, size: 4)) }
  func unsigned64(at offset: Int) -> UInt64 { unsigned(at: offset, size: 8) }

  /// The four characters at an offset, with a period for each that does not print.
  func mark(at offset: Int) -> String {
    let printing = bytes[offset..<offset + 4].map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: ".") }
    return String(decoding: printing, as: UTF8.self)
  }

  private func unsigned(at offset: Int, size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 << 8 | UInt64(bytes[isBigEndian ? offset + $1 : offset + size - 1 - $1]) }
  }
}
