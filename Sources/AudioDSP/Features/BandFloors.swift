/// The floors that the levels of bands stand on: minimum statistics (R. Martin, "Noise power spectral density estimation
/// based on optimal smoothing and minimum statistics", 2001) over a bounded past, so that an endless stream is measured
/// like a fresh one. Nothing allocates after `init`.
struct BandFloors: ~Copyable, Sendable {
  private static let unknown: Float = 1e9

  private let kernels: Kernels
  private let rate: Float
  private let blockLength: Int
  private var isFirst = true
  private var smoothed: [Float]
  /// The least smoothed levels of the present block, of each of the blocks before, and of all those before.
  private var minima: [Float]
  private var othersMinima: [[Float]]
  private var leastOfOthers: [Float]
  private var block = 0
  private var countInBlock = 0

  /// Floors at the start of a stream, which look back from `blockCount - 1` to `blockCount` blocks of `blockLength`
  /// frames, the present one included. Levels are smoothed by going the part `rate` of the way to each.
  init(bandCount: Int, rate: Float, blockLength: Int, blockCount: Int, kernels: Kernels) {
    self.kernels = kernels
    self.rate = rate
    self.blockLength = blockLength
    // Each with a buffer of its own: one that is shared is copied when it is first written to.
    smoothed = [Float](repeating: 0, count: bandCount)
    minima = [Float](repeating: Self.unknown, count: bandCount)
    leastOfOthers = [Float](repeating: Self.unknown, count: bandCount)
    othersMinima = (0..<blockCount).map { _ in [Float](repeating: Self.unknown, count: bandCount) }
  }

  /// Takes the levels of the next frame, which lie in `levels` from `first` on, and writes how high they are above their
  /// floors to the start of `heights`.
  mutating func follow(_ levels: [Float], from first: Int, heights: inout MutableSpan<Float>) {
    if isFirst {
      for i in 0..<smoothed.count { smoothed[i] = levels[first + i] }
      isFirst = false
    }
    if countInBlock == blockLength {
      startBlock()
    } else {
      countInBlock += 1
    }
    kernels.trackFloor(
      levels, in: first..<first + smoothed.count, rate: rate, smoothed: &smoothed, minimum: &minima,
      others: leastOfOthers, above: &heights)
  }

  /// Makes the floors as they were after `init`.
  mutating func reset() {
    isFirst = true
    for i in 0..<smoothed.count {
      minima[i] = Self.unknown
      leastOfOthers[i] = Self.unknown
      for j in 0..<othersMinima.count { othersMinima[j][i] = Self.unknown }
    }
    block = 0
    countInBlock = 0
  }

  private mutating func startBlock() {
    countInBlock = 1
    for i in 0..<smoothed.count { othersMinima[block][i] = minima[i] }
    block = block + 1 == othersMinima.count ? 0 : block + 1
    for i in 0..<smoothed.count {
      // The oldest block gives way to the new one.
      othersMinima[block][i] = Self.unknown
      minima[i] = Self.unknown
      var least = Self.unknown
      for j in 0..<othersMinima.count { least = min(least, othersMinima[j][i]) }
      leastOfOthers[i] = least
    }
  }
}
