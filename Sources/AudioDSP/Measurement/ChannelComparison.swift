/// How two channels of a recording go together.
///
/// Energies and products are added up over blocks of 10 ms in which there is sound. The delay is found from the signs of
/// both, lowered to about 8 kHz and freed of offsets: how often they agree for each lag tells the correlation by the
/// arcsine law, whatever the levels (J. H. van Vleck, D. Middleton, "The spectrum of clipped noise", 1966), and 64 of
/// them are compared at once.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct ChannelComparison: ~Copyable, Sendable {
  /// The farthest delay that is looked for, 40 ms: what a room or a mixer makes; what is later is an echo.
  private static let longestDelayMilliseconds = 40
  private static let targetRate = 8_000
  /// -60 dBFS, and 35 dB below the loudest of late: what is quieter is the noise of both channels.
  private static let leastPower = 1e-6
  private static let leastShareOfLoudest = 3.2e-4
  /// 3 dB in a second, at 100 blocks in each.
  private static let fallPerBlock = 0.9931
  private static let wordsPerBlock = 32
  /// Of the mean that is taken away before the signs: 25 Hz at 8 kHz.
  private static let meanRate: Float = 0.02

  /// The energies of the two channels where there is sound, and the sum of their products.
  public private(set) var firstEnergy = 0.0
  public private(set) var secondEnergy = 0.0
  public private(set) var product = 0.0
  /// Sample frames in which the channels differ by more than a step of 16 bits.
  public private(set) var differentCount = 0
  /// How many sample frames have come.
  public private(set) var sampleFrameCount = 0
  /// In how many of them there was sound.
  public private(set) var activeCount = 0

  private let blockLength: Int
  private let decimation: Int
  private let longestLag: Int
  private let rate: Int

  private var loudest = 0.0
  private var blockFirst = 0.0
  private var blockSecond = 0.0
  private var blockProduct = 0.0
  private var inBlock = 0

  private var sums = (Float(0), Float(0))
  private var means = (Float(0), Float(0))
  private var inSum = 0
  private var bitCount = 0
  /// The first channel's signs of the present block, and the second's of it and of what may be compared with it on
  /// either side: the first is taken later, so that there is something behind it.
  private var firstBits: [UInt64]
  private var secondBits: [UInt64]
  private var activity: [Bool]
  private var agreements: [Int]
  private var comparedCount = 0

  /// A comparison at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    rate = sampleRate.hertz
    blockLength = rate / 100
    decimation = max(1, rate / Self.targetRate)
    longestLag = rate / decimation * Self.longestDelayMilliseconds / 1_000
    let margin = (longestLag + 63) / 64
    firstBits = [UInt64](repeating: 0, count: Self.wordsPerBlock + 2 * margin + 1)
    secondBits = [UInt64](repeating: 0, count: Self.wordsPerBlock + 2 * margin + 1)
    activity = [Bool](repeating: false, count: Self.wordsPerBlock + 2 * margin + 1)
    agreements = [Int](repeating: 0, count: 2 * longestLag + 1)
  }

  /// Takes all samples of both channels.
  ///
  /// - Precondition: They are equally many.
  public mutating func process(_ first: Span<Float>, _ second: Span<Float>) {
    precondition(first.count == second.count, "channels are equally long")
    for i in first.indices {
      let a = first[i].isFinite ? first[i] : 0
      let b = second[i].isFinite ? second[i] : 0
      if abs(a - b) > 1.05 / 32_768 { differentCount += 1 }
      blockFirst += Double(a) * Double(a)
      blockSecond += Double(b) * Double(b)
      blockProduct += Double(a) * Double(b)
      sums.0 += a
      sums.1 += b
      inSum += 1
      if inSum == decimation { addSigns() }
      inBlock += 1
      if inBlock == blockLength { endBlock() }
    }
    sampleFrameCount += first.count
  }

  /// The correlation of the channels as they are, -1 to 1; nil without sound in both.
  public var correlation: Double? {
    let scale = (firstEnergy * secondEnergy).squareRoot()
    return scale > 0 ? product / scale : nil
  }

  /// The level of the second channel less that of the first, in dB; nil without sound in both.
  public var levelDifference: Double? {
    firstEnergy > 0 && secondEnergy > 0 ? Decibels.ofPower(secondEnergy / firstEnergy) : nil
  }

  /// How far the mean of both is below the mean of their powers, in dB: 0 for equal channels, 3 for unrelated ones, and
  /// without bound for opposite ones.
  public var downmixLoss: Double? {
    let powers = (firstEnergy + secondEnergy) / 2
    guard powers > 0 else { return nil }
    return min(100, -Decibels.ofPower(max(0, firstEnergy + secondEnergy + 2 * product) / 4 / powers))
  }

  /// The delay at which the channels go together best.
  public struct Alignment: Hashable, Sendable {
    /// How much later the second channel is, in samples; to the width of one at about 8 kHz.
    public var delay: Int
    /// The correlation at this delay, -1 to 1.
    public var correlation: Double
  }

  /// The best alignment of the channels; nil without enough sound in both, a quarter of a second.
  public var alignment: Alignment? {
    guard comparedCount * decimation >= rate / 4 else { return nil }
    var best = longestLag
    let half = comparedCount / 2
    for lag in 0..<agreements.count where abs(agreements[lag] - half) > abs(agreements[best] - half) { best = lag }
    let agreement = 2 * Double(agreements[best]) / Double(comparedCount) - 1
    return Alignment(delay: (best - longestLag) * decimation, correlation: sine(.pi / 2 * agreement))
  }

  /// Makes the comparison as it was after `init`.
  public mutating func reset() {
    firstEnergy = 0
    secondEnergy = 0
    product = 0
    differentCount = 0
    sampleFrameCount = 0
    activeCount = 0
    loudest = 0
    blockFirst = 0
    blockSecond = 0
    blockProduct = 0
    inBlock = 0
    sums = (0, 0)
    means = (0, 0)
    inSum = 0
    bitCount = 0
    for i in 0..<firstBits.count {
      firstBits[i] = 0
      secondBits[i] = 0
      activity[i] = false
    }
    for i in 0..<agreements.count { agreements[i] = 0 }
    comparedCount = 0
  }

  private mutating func endBlock() {
    let power = (blockFirst + blockSecond) / Double(2 * blockLength)
    loudest = max(power, loudest * Self.fallPerBlock)
    if isActive(power) {
      firstEnergy += blockFirst
      secondEnergy += blockSecond
      product += blockProduct
      activeCount += blockLength
    }
    blockFirst = 0
    blockSecond = 0
    blockProduct = 0
    inBlock = 0
  }

  private func isActive(_ power: Double) -> Bool {
    power >= max(Self.leastPower, loudest * Self.leastShareOfLoudest)
  }

  private mutating func addSigns() {
    means.0 += Self.meanRate * (sums.0 - means.0)
    means.1 += Self.meanRate * (sums.1 - means.1)
    let last = firstBits.count - 1
    let bit = UInt64(bitCount & 63)
    if bit == 0 {
      // A word is compared if there was sound in the 10 ms before its start; a word is 8 ms.
      for i in 0..<last {
        firstBits[i] = firstBits[i + 1]
        secondBits[i] = secondBits[i + 1]
        activity[i] = activity[i + 1]
      }
      firstBits[last] = 0
      secondBits[last] = 0
      activity[last] = loudest > 0 && loudest >= Self.leastPower && isSounding
    }
    if sums.0 > means.0 { firstBits[last] |= 1 << bit }
    if sums.1 > means.1 { secondBits[last] |= 1 << bit }
    sums = (0, 0)
    inSum = 0
    bitCount += 1
    if bitCount % (64 * Self.wordsPerBlock) == 0 { compare() }
  }

  /// Whether the present, incomplete block has sound so far.
  private var isSounding: Bool {
    inBlock > 0 && isActive((blockFirst + blockSecond) / Double(2 * inBlock))
  }

  private mutating func compare() {
    let margin = (longestLag + 63) / 64
    for word in margin..<margin + Self.wordsPerBlock where activity[word] {
      let bits = firstBits[word]
      for lag in -longestLag...longestLag {
        let place = word * 64 + lag
        let (index, shift) = (place >> 6, UInt64(place & 63))
        let low = secondBits[index] >> shift
        let other = shift == 0 ? low : low | secondBits[index + 1] << (64 - shift)
        agreements[lag + longestLag] += (~(bits ^ other)).nonzeroBitCount
      }
      comparedCount += 64
    }
  }
}
