/// The least value of the last few seconds, in constant time and space.
///
/// The window is a row of equal blocks; the minimum of each is kept, and the oldest is dropped when a new one starts,
/// so the window's length is between `(blockCount - 1)` and `blockCount` blocks (R. Martin, "Noise power spectral
/// density estimation based on optimal smoothing and minimum statistics", 2001, section IV).
struct MinimumTracker: Sendable {
  private let blockLength: Int
  private var minima: [Float]
  private var block = 0
  private var countInBlock = 0
  /// The least of the blocks that are complete; it changes when a block does.
  private var leastOfOthers = Float.infinity

  init(blockLength: Int, blockCount: Int) {
    self.blockLength = blockLength
    minima = [Float](repeating: .infinity, count: blockCount)
  }

  /// Takes a value and returns the minimum of the window.
  mutating func update(_ value: Float) -> Float {
    if countInBlock == blockLength { startBlock() }
    countInBlock += 1
    let least = min(minima[block], value)
    minima[block] = least
    return min(least, leastOfOthers)
  }

  private mutating func startBlock() {
    countInBlock = 0
    block = block + 1 == minima.count ? 0 : block + 1
    minima[block] = .infinity
    // By index: without optimisation an iterator allocates.
    leastOfOthers = .infinity
    for i in 0..<minima.count { leastOfOthers = min(leastOfOthers, minima[i]) }
  }

  mutating func reset() {
    for i in 0..<minima.count { minima[i] = .infinity }
    block = 0
    countInBlock = 0
    leastOfOthers = .infinity
  }
}
