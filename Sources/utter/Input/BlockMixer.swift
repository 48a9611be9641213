import AudioDSP

/// Mixes blocks of interleaved samples down to one channel.
struct BlockMixer: ~Copyable {
  private static let sliceCount = 4096

  private let channelCount: Int
  private var downmixer: Downmixer
  private var mono = [Float](repeating: 0, count: sliceCount)
  private(set) var nonFiniteCount = 0

  init(channelCount: Int, downmix: Downmix, sampleRate: SampleRate) throws {
    downmixer = try Downmixer(downmix, channelCount: channelCount, sampleRate: sampleRate)
    self.channelCount = channelCount
  }

  mutating func process(_ interleaved: Span<Float>, _ body: (Span<Float>) throws -> Void) throws {
    var taken = 0
    while taken < interleaved.count {
      let count = min(Self.sliceCount * channelCount, interleaved.count - taken)
      nonFiniteCount += try Self.mix(&downmixer, interleaved.extracting(taken..<taken + count), into: &mono)
      try body(mono.span.extracting(..<(count / channelCount)))
      taken += count
    }
  }

  private static func mix(
    _ downmixer: inout Downmixer, _ interleaved: Span<Float>, into mono: inout [Float]
  ) throws -> Int {
    var target = mono.mutableSpan
    return try downmixer.process(interleaved, into: &target)
  }
}
