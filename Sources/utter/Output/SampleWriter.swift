import AudioDSP
import AudioFiles
import ArgumentParser

/// Writes a mono stream of floats as a file in one of the encodings.
struct SampleWriter: ~Copyable {
  private static let blockCount = 4096

  private var writer: AudioFileWriter
  /// Where there is one, it rounds, and the file takes 16 bits.
  private var dither: DitheredPCM16Converter?
  private var pcm: [Int16]

  /// - Parameters:
  ///   - path: A path, or `-` for standard output.
  ///   - container: nil to have the name choose it.
  init(
    _ path: String, container: AudioContainer? = nil, rate: SampleRate, encoding: AudioEncoding, ditherSeed: UInt64?
  ) throws {
    dither = ditherSeed.map { DitheredPCM16Converter(seed: $0) }
    pcm = [Int16](repeating: 0, count: Self.blockCount)
    writer =
      path == "-"
      ? try AudioFileWriter(
        fileDescriptor: 1, name: "standard output", container: container ?? .wav, encoding: encoding, sampleRate: rate)
      : try AudioFileWriter(path: path, container: container, encoding: encoding, sampleRate: rate)
  }

  mutating func write(_ samples: Span<Float>) throws {
    guard dither != nil else { return try writer.write(samples) }
    var taken = 0
    while taken < samples.count {
      let count = min(Self.blockCount, samples.count - taken)
      Self.convert(samples.extracting(taken..<taken + count), &dither, into: &pcm)
      try Self.write(pcm, count, to: &writer)
      taken += count
    }
  }

  /// Writes samples that are 16 bits already.
  mutating func write(_ samples: Span<Int16>) throws { try writer.write(samples) }

  consuming func finish() throws { try writer.finish() }

  // Static, so that each names exactly the state that it changes.

  private static func write(_ pcm: [Int16], _ count: Int, to writer: inout AudioFileWriter) throws {
    try writer.write(pcm.span.extracting(..<count))
  }

  private static func convert(
    _ samples: Span<Float>, _ dither: inout DitheredPCM16Converter?, into pcm: inout [Int16]
  ) {
    var target = pcm.mutableSpan
    dither?.convert(samples, into: &target)
  }
}

extension AudioEncoding: ExpressibleByArgument {
  /// The names that the tool uses.
  private static let names: [(String, AudioEncoding)] = [
    ("pcm16", .pcm16), ("pcm24", .pcm24), ("float32", .float32), ("ulaw", .muLaw), ("alaw", .aLaw),
  ]

  public init?(argument: String) {
    guard let encoding = Self.names.first(where: { $0.0 == argument })?.1 else { return nil }
    self = encoding
  }

  public var defaultValueDescription: String { Self.names.first { $0.1 == self }?.0 ?? rawValue }

  public static var allValueStrings: [String] { names.map(\.0) }

  public static var allValueDescriptions: [String: String] {
    [
      "pcm16": "16-bit integers", "pcm24": "24-bit integers", "float32": "32-bit floats",
      "ulaw": "8-bit G.711 mu-law", "alaw": "8-bit G.711 A-law",
    ]
  }
}
