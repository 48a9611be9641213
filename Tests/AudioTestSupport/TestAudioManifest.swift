import Foundation

/// The recordings in TestAudio, and what its manifest says about them.
public struct TestRecording: Decodable, Sendable {
  /// A labelled stretch of speech, in sample frames.
  public struct Segment: Decodable, Hashable, Sendable {
    public var start: Int
    public var end: Int

    public init(start: Int, end: Int) {
      self.start = start
      self.end = end
    }
  }

  public var file: String
  public var container: String
  public var encoding: String
  public var lossy: Bool
  public var sampleRate: Int
  public var channels: Int
  public var sampleFrames: Int
  public var sha256: String
  public var speech: [Segment]

  enum CodingKeys: String, CodingKey {
    case file, container, encoding, lossy, channels, sha256, speech
    case sampleRate = "sample_rate"
    case sampleFrames = "sample_frames"
  }

  /// The folder, found from where this file was compiled.
  public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("TestAudio", isDirectory: true)

  /// The whole manifest.
  public static func all() throws -> [TestRecording] {
    try JSONDecoder().decode(
      [TestRecording].self, from: Data(contentsOf: folder.appendingPathComponent("manifest.json")))
  }

  /// The recording of that name.
  public static func named(_ file: String) throws -> TestRecording {
    guard let found = try all().first(where: { $0.file == file }) else { throw WaveError(what: "no \(file)") }
    return found
  }

  /// One channel of a WAV file, without a library: 8, 16 and 24-bit PCM, 32-bit float and mu-law.
  public func waveSamples(channel: Int = 0) throws -> [Float] {
    let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(file)))
    func number(_ offset: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    guard bytes.starts(with: Array("RIFF".utf8)) else { throw WaveError(what: "\(file) is no RIFF file") }
    var (position, format, width) = (12, 0, 0)
    while position + 8 <= bytes.count {
      let identifier = String(decoding: bytes[position..<position + 4], as: UTF8.self)
      let (start, length) = (position + 8, number(position + 4, 4))
      if identifier == "fmt " {
        format = number(start, 2)
        // The extensible form has the format in front of its GUID.
        if format == 0xFFFE { format = number(start + 24, 2) }
        guard number(start + 2, 2) == channels, number(start + 4, 4) == sampleRate else {
          throw WaveError(what: "\(file) is not what the manifest says")
        }
        width = number(start + 14, 2) / 8
      } else if identifier == "data" {
        guard length == sampleFrames * channels * width else { throw WaveError(what: "\(file) is cut off") }
        return try (0..<sampleFrames).map { index in
          let offset = start + (index * channels + channel) * width
          switch (format, width) {
          case (1, 1): return Float(number(offset, 1) - 128) / 128
          case (1, 2): return Float(Int16(truncatingIfNeeded: number(offset, 2))) / 32768
          case (1, 3): return Float(Int32(truncatingIfNeeded: number(offset, 3) << 8)) / 0x1p31
          case (3, 4): return Float(bitPattern: UInt32(number(offset, 4)))
          case (7, 1): return Float(ReferenceG711.muLaw.decoded(bytes[offset])) / 32768
          default: throw WaveError(what: "\(file) has format \(format) of \(width) bytes")
          }
        }
      }
      position = start + length + length % 2
    }
    throw WaveError(what: "\(file) has no data")
  }

  /// The labels, with those that are less than `gap` seconds apart taken as one: a detector's hangover bridges such
  /// pauses.
  public func speech(mergingGapsBelow gap: Double) -> [Segment] {
    var merged: [Segment] = []
    for segment in speech {
      if let last = merged.last, Double(segment.start - last.end) < gap * Double(sampleRate) {
        merged[merged.count - 1].end = segment.end
      } else {
        merged.append(segment)
      }
    }
    return merged
  }
}

/// A test file that is not what a test takes it to be.
public struct WaveError: Error, CustomStringConvertible {
  public var what: String

  public var description: String { what }
}
