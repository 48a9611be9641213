/// Peak, root mean square and offset of one channel.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct LevelMeter: ~Copyable, Sendable {
  /// How long the blocks are whose means are compared: five periods of the lowest voices, and of the mains.
  private static let blocksPerSecond = 10
  private static let sliceCount = 1_024

  /// How many samples have come.
  public private(set) var sampleCount = 0
  /// Samples that were not finite and were taken as 0.
  public private(set) var nonFiniteCount = 0
  /// The first of them.
  public private(set) var firstNonFinite: Int?
  /// The greatest magnitude of a sample.
  public private(set) var peak: Float = 0

  private let kernels: Kernels
  private let blockLength: Int
  private var slice: [Float]
  private var inBlock = 0
  private var blockSum = 0.0
  /// Of the blocks before the present one.
  private var sum = 0.0
  private var sumOfSquares = 0.0
  private var blockCount = 0
  private var sumOfMeans = 0.0
  private var sumOfSquaredMeans = 0.0

  /// A meter at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    kernels = .active
    blockLength = sampleRate.hertz / Self.blocksPerSecond
    slice = [Float](repeating: 0, count: Self.sliceCount)
  }

  /// Takes all of `samples`.
  public mutating func process(_ samples: Span<Float>) {
    var taken = 0
    while taken < samples.count {
      // Sums start anew at fixed places, so that they do not depend on the cuts.
      let room = Self.sliceCount - inBlock % Self.sliceCount
      let count = min(room, samples.count - taken, blockLength - inBlock)
      add(samples.extracting(taken..<taken + count))
      taken += count
    }
  }

  /// The root of the mean square, the offset included.
  public var rootMeanSquare: Double {
    sampleCount > 0 ? (sumOfSquares / Double(sampleCount)).squareRoot() : 0
  }

  /// The mean of all samples: the offset of the sound card.
  public var mean: Double { sampleCount > 0 ? (sum + blockSum) / Double(sampleCount) : 0 }

  /// How far the mean of a recording of this length strays from 0 without an offset, as far as its blocks of 100 ms
  /// tell: the standard error of their mean. Infinite for fewer than three of them.
  public var standardErrorOfMean: Double {
    guard blockCount >= 3 else { return .infinity }
    let count = Double(blockCount)
    let mean = sumOfMeans / count
    return (max(0, sumOfSquaredMeans / count - mean * mean) / (count - 1)).squareRoot()
  }

  /// Peak over root mean square: 1 for a square wave, 1.41 for a sine, 4 and more for speech; nil for silence.
  public var crestFactor: Double? {
    let level = rootMeanSquare
    return level > 0 ? Double(peak) / level : nil
  }

  /// Makes the meter as it was after `init`.
  public mutating func reset() {
    sampleCount = 0
    nonFiniteCount = 0
    firstNonFinite = nil
    peak = 0
    inBlock = 0
    blockSum = 0
    sum = 0
    sumOfSquares = 0
    blockCount = 0
    sumOfMeans = 0
    sumOfSquaredMeans = 0
  }

  private mutating func add(_ samples: Span<Float>) {
    let replaced = Self.copy(samples, kernels, into: &slice)
    if replaced > 0, firstNonFinite == nil {
      for i in samples.indices where !samples[i].isFinite {
        firstNonFinite = sampleCount + i
        break
      }
    }
    nonFiniteCount += replaced
    let count = samples.count
    peak = max(peak, kernels.magnitude(of: slice, in: 0..<count))
    // One by one in double precision: the same whatever the cuts.
    var (first, second) = (blockSum, sumOfSquares)
    for i in 0..<count {
      let x = Double(slice[i])
      first += x
      second += x * x
    }
    blockSum = first
    sumOfSquares = second
    sampleCount += count
    inBlock += count
    guard inBlock == blockLength else { return }
    let mean = blockSum / Double(blockLength)
    sumOfMeans += mean
    sumOfSquaredMeans += mean * mean
    blockCount += 1
    sum += blockSum
    inBlock = 0
    blockSum = 0
  }

  private static func copy(_ samples: Span<Float>, _ kernels: Kernels, into slice: inout [Float]) -> Int {
    var target = slice.mutableSpan
    return kernels.copyFinite(samples, into: &target)
  }
}
