@testable import AudioFiles

#if canImport(utter)
  @testable import utter
#endif

extension FuzzTarget {
  /// A text is refused in one line, or read as a value whose own text is read as the same value.
  static func checkArguments(_ input: [UInt8]) throws {
    let text = String(decoding: input, as: UTF8.self)
    do {
      let format = try RawSampleFormat(parsing: text)
      try require((1...AudioFileReader.maximumChannelCount).contains(format.channelCount), "\(format) from \(text)")
      try require(RawSampleFormat("\(format)") == format, "\(format) is not read back")
    } catch let error as RawSampleFormat.ParseError {
      try requireOneLine(error)
      try require(RawSampleFormat(text) == nil, "\(text) is a format for one and none for the other")
    }
    if let count = ByteCount(argument: text) {
      try require((1..<(1 << 53)).contains(count.bytes), "\(text) as \(count.bytes) bytes")
      try require(ByteCount(argument: "\(count.bytes)")?.bytes == count.bytes, "\(count) is not read back")
    }
  }
}
