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
  private var blockSumOfSquares = 0.0
  private var blockCount = 0
  /// Of the blocks of each class, by the level of what is not offset: 3 dB wide, the first for -120 dBFS and less.
  private static let classCount = 48
  private static let classWidth = 3.0
  private static let lowestClass = -120.0
  /// The part of the blocks that counts as quiet.
  private static let quietShare = 0.3
  private var counts: [Int]
  private var sumsOfMeans: [Double]
  private var sumsOfSquaredMeans: [Double]

  /// A meter at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    kernels = .active
    blockLength = sampleRate.hertz / Self.blocksPerSecond
    slice = [Float](repeating: 0, count: Self.sliceCount)
    counts = [Int](repeating: 0, count: Self.classCount)
    sumsOfMeans = [Double](repeating: 0, count: Self.classCount)
    sumsOfSquaredMeans = [Double](repeating: 0, count: Self.classCount)
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
    sampleCount > 0 ? ((sumOfSquares + blockSumOfSquares) / Double(sampleCount)).squareRoot() : 0
  }

  /// The mean of all samples.
  public var mean: Double { sampleCount > 0 ? (sum + blockSum) / Double(sampleCount) : 0 }

  /// A constant offset, as it stands in the quieter part of a recording, and how sure it is.
  public struct Offset: Hashable, Sendable {
    /// The offset; 1 is full scale.
    public var value: Double
    /// The standard error of it, from blocks of 100 ms.
    public var standardError: Double
  }

  /// The constant offset: the mean of the quieter blocks of 100 ms, at least three tenths of all. The mean of all is not
  /// the same: voices are not symmetrical, and once their tops are cut off, loud speech has a mean of its own. Nil for
  /// fewer than three blocks.
  public var offset: Offset? {
    guard blockCount >= 3 else { return nil }
    var (count, sum, sumOfSquares) = (0, 0.0, 0.0)
    for i in 0..<Self.classCount {
      count += counts[i]
      sum += sumsOfMeans[i]
      sumOfSquares += sumsOfSquaredMeans[i]
      if count >= 3, Double(count) >= Self.quietShare * Double(blockCount) { break }
    }
    let mean = sum / Double(count)
    let variance = max(0, sumOfSquares / Double(count) - mean * mean)
    return Offset(value: mean, standardError: (variance / Double(count - 1)).squareRoot())
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
    blockSumOfSquares = 0
    for i in 0..<Self.classCount {
      counts[i] = 0
      sumsOfMeans[i] = 0
      sumsOfSquaredMeans[i] = 0
    }
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
    var (first, second) = (blockSum, blockSumOfSquares)
    for i in 0..<count {
      let x = Double(slice[i])
      first += x
      second += x * x
    }
    blockSum = first
    blockSumOfSquares = second
    sampleCount += count
    inBlock += count
    guard inBlock == blockLength else { return }
    let mean = blockSum / Double(blockLength)
    let level = Decibels.ofPower(blockSumOfSquares / Double(blockLength) - mean * mean)
    let index = min(Self.classCount - 1, max(0, Int((level - Self.lowestClass) / Self.classWidth)))
    counts[index] += 1
    sumsOfMeans[index] += mean
    sumsOfSquaredMeans[index] += mean * mean
    blockCount += 1
    sumOfSquares += blockSumOfSquares
    blockSumOfSquares = 0
    sum += blockSum
    inBlock = 0
    blockSum = 0
  }

  private static func copy(_ samples: Span<Float>, _ kernels: Kernels, into slice: inout [Float]) -> Int {
    var target = slice.mutableSpan
    return kernels.copyFinite(samples, into: &target)
  }
}
