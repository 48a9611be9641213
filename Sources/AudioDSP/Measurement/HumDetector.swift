/// Finds mains hum in one channel: tones at multiples of 50 or 60 Hz that stand out of the sound around them and stay.
///
/// In windows of 0.5 s that overlap by half, the power at each of the first six multiples of both is compared with
/// that 7 to 10 Hz beside it. Voices pass through these places; hum is there all the time, in pauses, too. So what
/// counts is the power below which a fifth of the windows lie.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct HumDetector: ~Copyable, Sendable {
  /// Tones at multiples of a mains frequency.
  public struct Hum: Hashable, Sendable {
    /// 50 or 60, in Hz.
    public var mains: Int
    /// All its tones together, in dBFS of their power.
    public var level: Double
    /// How far the clearest of them stands out of what is beside it, in dB.
    public var prominence: Double
    /// The frequencies at which there are tones, in Hz.
    public var frequencies: [Int]
  }

  private static let mains = [50, 60]
  private static let harmonicCount = 6
  /// Distances in Hz of what a tone is compared with: outside of the window's main lobe of 8 Hz, and between the
  /// harmonics.
  private static let neighbours = [-10.0, -7, 7, 10]
  /// What a tone must stand out, in dB. Bins of noise, of which the fifth least of four or more count, reach 6.
  private static let leastProminence = 10.0
  /// Windows that are wanted, 1.25 s: fewer say nothing of what stays.
  private static let leastWindows = 4
  /// Hz to which the rate is lowered, about.
  private static let targetRate = 2_000
  /// The share of windows in which there may be less than is told.
  private static let share = 0.2
  /// -90 dBFS: a step of 16 bits; tones below it are of no account.
  private static let leastLevel = -90.0

  private let kernels: Kernels
  private let table: Table
  private var products: [Float]

  private var sum: Float = 0
  private var inSum = 0
  private var samples: [Float]
  private var heldCount = 0
  private var windowsMeasured = 0
  private var tones: [LevelHistogram]
  private var surroundings: [LevelHistogram]

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    self.init(Table(sampleRate))
  }

  /// A detector that shares its table with those of other channels.
  public init(_ table: Table) {
    kernels = .active
    self.table = table
    let windowCount = table.windowCount
    products = [Float](repeating: 0, count: table.layer.rowCount)
    samples = [Float](repeating: 0, count: windowCount)
    let toneCount = Self.mains.count * Self.harmonicCount
    tones = (0..<toneCount).map { _ in LevelHistogram(-150...30, binWidth: 0.5) }
    surroundings = tones
    for i in 0..<toneCount { surroundings[i] = LevelHistogram(-150...30, binWidth: 0.5) }
  }

  /// Takes all of `input`.
  public mutating func process(_ input: Span<Float>) {
    for i in input.indices {
      sum += input[i].isFinite ? input[i] : 0
      inSum += 1
      guard inSum == table.decimation else { continue }
      samples[heldCount] = sum / Float(table.decimation)
      heldCount += 1
      sum = 0
      inSum = 0
      guard heldCount == table.windowCount else { continue }
      measure()
      let half = table.windowCount / 2
      heldCount = table.windowCount - half
      Kernels.move(&samples, from: half, to: 0, count: heldCount)
    }
  }

  /// The hum in what has come; nil where there is none, or too little to tell. Allocates.
  public var hum: Hum? {
    guard windowsMeasured >= Self.leastWindows else { return nil }
    var best: Hum?
    for (i, mains) in Self.mains.enumerated() {
      var (found, power, greatest) = ([Int](), 0.0, 0.0)
      for harmonic in 0..<Self.harmonicCount {
        let place = i * Self.harmonicCount + harmonic
        let level = tones[place].percentile(Self.share) ?? Decibels.silence
        let prominence = level - (surroundings[place].percentile(Self.share) ?? 0)
        guard prominence >= Self.leastProminence, level >= Self.leastLevel else { continue }
        found.append(mains * (harmonic + 1))
        power += Decibels.power(level)
        greatest = max(greatest, prominence)
      }
      // 300 Hz belongs to both, and tones higher up alone are no mains hum.
      let isHum = found.first == mains || found.first == 2 * mains
      let hum = Hum(mains: mains, level: Decibels.ofPower(power), prominence: greatest, frequencies: found)
      if isHum, hum.frequencies.count > best?.frequencies.count ?? 0 { best = hum }
    }
    return best
  }

  /// Makes the detector as it was after `init`.
  public mutating func reset() {
    sum = 0
    inSum = 0
    heldCount = 0
    windowsMeasured = 0
    for i in 0..<tones.count {
      tones[i].reset()
      surroundings[i].reset()
    }
  }

  private mutating func measure() {
    windowsMeasured += 1
    kernels.apply(table.layer, to: samples, into: &products)
    let width = Self.neighbours.count + 1
    for tone in 0..<tones.count {
      var surrounding = 0.0
      for k in 1..<width { surrounding += power(tone * width + k) }
      tones[tone].add(Decibels.ofPower(power(tone * width)))
      surroundings[tone].add(Decibels.ofPower(surrounding / Double(width - 1)))
    }
  }

  private func power(_ index: Int) -> Double {
    let (real, imaginary) = (Double(products[2 * index]), Double(products[2 * index + 1]))
    return real * real + imaginary * imaginary
  }

  /// What a detector multiplies with, which all of one rate can share: about half a megabyte.
  public struct Table: Sendable {
    fileprivate let decimation: Int
    fileprivate let windowCount: Int
    /// Cosine and sine of each frequency under a Hann window, less their means, so that an offset is no hum.
    fileprivate let layer: DenseLayer

    /// The table for a rate.
    public init(_ sampleRate: SampleRate) {
      let rate = sampleRate.hertz
      decimation = max(1, rate / HumDetector.targetRate)
      let (decimation, count) = (decimation, rate / decimation / 2)
      windowCount = count
      // Makes the square of a sine's magnitude its power.
      let scale = 2.0.squareRoot() / (Double(count) / 2)
      let window = (0..<count).map { scale * (0.5 - 0.5 * cosine(2 * .pi * Double($0) / Double(count))) }
      var rows: [Float] = []
      for mains in HumDetector.mains {
        for harmonic in 1...HumDetector.harmonicCount {
          for distance in [0] + HumDetector.neighbours {
            let step = 2 * .pi * (Double(mains * harmonic) + distance) * Double(decimation) / Double(rate)
            for wave in [cosine, sine] as [(Double) -> Double] {
              let products = (0..<count).map { window[$0] * wave(step * Double($0)) }
              let mean = products.reduce(0, +) / Double(count)
              rows += products.map { Float($0 - mean) }
            }
          }
        }
      }
      layer = DenseLayer(
        rows: rows, bias: [Float](repeating: 0, count: rows.count / count), columnCount: count)
    }
  }
}
