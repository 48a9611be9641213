/// Gives every sample back a fixed number of samples later, and silence before the first.
struct DelayLine: ~Copyable, Sendable {
  private static let sliceCount = 512

  let count: Int
  /// The last `count` samples and what of the present slice has come.
  private var samples: [Float]
  private var filled = 0

  init(count: Int) {
    self.count = count
    samples = [Float](repeating: 0, count: count + Self.sliceCount)
  }

  /// Takes finite samples and leaves as many earlier ones in their place.
  mutating func process(_ block: inout MutableSpan<Float>) {
    guard count > 0 else { return }
    var taken = 0
    while taken < block.count {
      let part = min(Self.sliceCount - filled, block.count - taken)
      var target = block._mutatingExtracting(taken..<taken + part)
      Kernels.copy(target.span, limit: .greatestFiniteMagnitude, into: &samples, at: count + filled)
      Kernels.copy(samples, from: filled, into: &target)
      taken += part
      filled += part
      if filled == Self.sliceCount {
        Kernels.move(&samples, from: Self.sliceCount, to: 0, count: count)
        filled = 0
      }
    }
  }

  mutating func reset() {
    Kernels.fill(&samples, in: 0..<samples.count, with: 0)
    filled = 0
  }
}
