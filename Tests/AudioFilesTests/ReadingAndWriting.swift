import AudioDSP
import AudioFiles
import AudioTestSupport

/// What a file holds, read to its end.
struct Recording: Sendable {
  var sampleRate: Int
  var channelCount: Int
  var promisedFrameCount: Int?
  var frameCount: Int?
  /// Interleaved.
  var samples: [Float]
  var truncation: Truncation?
  var damage: [Damage]

  /// Reads all of a file.
  ///
  /// - Parameter blockSizes: Sample frames a call, in turn.
  init(_ path: String, blockSizes: [Int] = [4096]) throws {
    var reader = try AudioFileReader(path: path)
    try self.init(&reader, blockSizes: blockSizes)
  }

  init(_ reader: inout AudioFileReader, blockSizes: [Int] = [4096]) throws {
    sampleRate = reader.sampleRate.hertz
    channelCount = reader.channelCount
    promisedFrameCount = reader.promisedFrameCount
    frameCount = reader.frameCount
    samples = []
    var turn = 0
    while true {
      let size = blockSizes[turn % blockSizes.count] * reader.channelCount
      turn += 1
      let block = try reader.block(of: size)
      if block.isEmpty { break }
      samples += block
      // Only the last block of a file is short.
      if !reader.isLive, block.count < size, try !reader.block(of: size).isEmpty { throw ShortBlock() }
    }
    truncation = reader.truncation
    damage = reader.damage
  }

  struct ShortBlock: Error {}

  var framesRead: Int { samples.count / channelCount }
}

extension AudioFileReader {
  /// The next `sampleCount` samples, or what is left.
  mutating func block(of sampleCount: Int) throws(AudioFileError) -> [Float] {
    var block = [Float](repeating: .nan, count: sampleCount)
    var span = block.mutableSpan
    let count = try read(into: &span)
    return Array(block[..<(count * channelCount)])
  }
}

/// Writes a file of 16-bit samples.
func write(
  _ samples: [Int16], to path: String, container: AudioContainer? = nil, encoding: AudioEncoding = .pcm16,
  sampleRate: Int = 16_000, channelCount: Int = 1
) throws {
  var writer = try AudioFileWriter(
    path: path, container: container, encoding: encoding, sampleRate: SampleRate(sampleRate),
    channelCount: channelCount)
  try writer.write(samples.span)
  try writer.finish()
}

/// Writes a file of floating point samples.
func write(
  _ samples: [Float], to path: String, container: AudioContainer? = nil, encoding: AudioEncoding = .float32,
  sampleRate: Int = 16_000, channelCount: Int = 1
) throws {
  var writer = try AudioFileWriter(
    path: path, container: container, encoding: encoding, sampleRate: SampleRate(sampleRate),
    channelCount: channelCount)
  try writer.write(samples.span)
  try writer.finish()
}

extension SeededGenerator {
  /// Random 16-bit samples, with the ends of the range and what is around 0 among them.
  mutating func integers(_ count: Int) -> [Int16] {
    (0..<count).map { i in
      switch i % 16 {
      case 0: [Int16.min, .max, 0, 1, -1].randomElement(using: &self)!
      default: Int16.random(in: .min ... .max, using: &self)
      }
    }
  }
}

/// The error that `body` throws; nil when it throws none.
func audioFileError(_ body: () throws -> Void) throws -> AudioFileError? {
  do {
    try body()
    return nil
  } catch let error as AudioFileError {
    return error
  }
}
