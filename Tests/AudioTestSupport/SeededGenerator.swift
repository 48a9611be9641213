/// Random numbers that a seed reproduces: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) {
    state = seed
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Cuts `0..<count` into runs of random lengths: mostly short, some empty, some longer than a second of audio.
  public mutating func cuts(of count: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = 0
    while start < count {
      let longest = [0, 1, 7, 160, 1_000, 60_000].randomElement(using: &self)!
      let end = min(count, start + Int.random(in: 0...longest, using: &self))
      runs.append(start..<end)
      start = end
    }
    return runs
  }
}
