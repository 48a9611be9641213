import AudioDSP

/// Mixes blocks of interleaved samples down to one channel.
struct BlockMixer: ~Copyable {
  private static let sliceCount = 4096

  private let channelCount: Int
  private let downmix: Downmix
  private var mono = [Float](repeating: 0, count: sliceCount)
  private(set) var nonFiniteCount = 0

  init(channelCount: Int, downmix: Downmix) throws {
    try downmix.validate(channelCount: channelCount)
    self.channelCount = channelCount
    self.downmix = downmix
  }

  mutating func process(_ interleaved: Span<Float>, _ body: (Span<Float>) throws -> Void) throws {
    var taken = 0
    while taken < interleaved.count {
      let count = min(Self.sliceCount * channelCount, interleaved.count - taken)
      nonFiniteCount += try mix(interleaved.extracting(taken..<taken + count))
      try body(mono.span.extracting(..<(count / channelCount)))
      taken += count
    }
  }

  private mutating func mix(_ interleaved: Span<Float>) throws -> Int {
    let (downmix, channelCount) = (downmix, channelCount)
    var target = mono.mutableSpan
    return try downmix.process(interleaved, channelCount: channelCount, into: &target)
  }
}
