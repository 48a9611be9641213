/// Finds mains hum in one channel: tones at multiples of 50 or 60 Hz that stand out of the sound around them and stay.
///
/// In windows of 0.5 s that overlap by half, the power at each of the first eight multiples of both is compared with
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
  private static let harmonicCount = 8
  /// Distances in Hz of what a tone is compared with: outside of the window's main lobe of 8 Hz, and between the
  /// harmonics.
  private static let neighbours = [-10.0, -8.5, -7, 7, 8.5, 10]
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

  private let decimation: Int
  private let windowCount: Int
  private let window: [Float]
  /// 2 cos(w) for each frequency that is measured.
  private let coefficients: [Double]
  private let frequencies: [Double]

  private var sum: Float = 0
  private var inSum = 0
  private var samples: [Float]
  private var heldCount = 0
  private var windowsMeasured = 0
  private var tones: [LevelHistogram]
  private var surroundings: [LevelHistogram]

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    let rate = sampleRate.hertz
    decimation = max(1, rate / Self.targetRate)
    let lowered = Double(rate) / Double(decimation)
    windowCount = Int(lowered / 2) / 2 * 2
    let (count, decimation) = (windowCount, decimation)
    // Makes the square of a sine's magnitude its power.
    let scale = 2.0.squareRoot() / (Double(count) / 2)
    window = (0..<count).map { Float(scale * (0.5 - 0.5 * cosine(2 * .pi * Double($0) / Double(count)))) }
    var frequencies: [Double] = []
    for mains in Self.mains {
      for harmonic in 1...Self.harmonicCount {
        let tone = Double(mains * harmonic)
        frequencies.append(tone)
        frequencies += Self.neighbours.map { tone + $0 }
      }
    }
    self.frequencies = frequencies
    coefficients = frequencies.map { 2 * cosine(2 * .pi * $0 * Double(decimation) / Double(rate)) }
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
      guard inSum == decimation else { continue }
      samples[heldCount] = sum / Float(decimation)
      heldCount += 1
      sum = 0
      inSum = 0
      guard heldCount == windowCount else { continue }
      measure()
      Kernels.move(&samples, from: windowCount / 2, to: 0, count: windowCount / 2)
      heldCount = windowCount / 2
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
    // An offset is no hum, but its window would be.
    var mean: Float = 0
    for i in 0..<windowCount { mean += samples[i] }
    mean /= Float(windowCount)
    let width = Self.neighbours.count + 1
    for tone in 0..<tones.count {
      var surrounding = 0.0
      for k in 1..<width { surrounding += power(at: tone * width + k, mean) }
      tones[tone].add(Decibels.ofPower(power(at: tone * width, mean)))
      surroundings[tone].add(Decibels.ofPower(surrounding / Double(width - 1)))
    }
  }

  /// G. Goertzel, "An algorithm for the evaluation of finite trigonometric series", 1958.
  private func power(at index: Int, _ mean: Float) -> Double {
    let coefficient = coefficients[index]
    var (one, two) = (0.0, 0.0)
    for i in 0..<windowCount {
      let next = Double((samples[i] - mean) * window[i]) + coefficient * one - two
      two = one
      one = next
    }
    return max(0, one * one + two * two - coefficient * one * two)
  }
}
