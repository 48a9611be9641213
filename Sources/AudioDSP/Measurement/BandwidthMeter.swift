/// How far up the sound of one channel reaches.
///
/// The spectra of blocks of 512 samples are added up in classes of their levels, so that those of the loud blocks,
/// which hold the speech, and of the quiet ones, which hold the noise, can be told apart afterwards. Rates above 48 kHz
/// are lowered to that and more: what is above 24 kHz is not speech.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct BandwidthMeter: ~Copyable, Sendable {
  /// Where the sound of a channel ends.
  public struct Band: Hashable, Sendable {
    /// The highest frequency at which there is more than noise, in Hz, and at
    /// most seven bins, 1/73 of the rate, above the last tone: the window and smoothing widen it so far.
    public var upperEdge: Double
    /// How far the spectrum falls from just below the edge to just above it, in dB. A filter makes more than 12 of it;
    /// where a voice runs into noise there is less.
    public var drop: Double
  }

  private static let blockCount = Kernels.spectrumInputCount
  private static let binCount = Kernels.spectrumOutputCount
  /// From the start of a block to that of the next: half of the sound is enough for a mean over seconds.
  private static let hop = 1_024
  private static let targetRate = 48_000
  /// Classes of 3 dB below 0 dBFS.
  private static let classCount = 40
  private static let classWidth = 3.0
  /// Blocks that are wanted on either side.
  private static let leastBlocks = 4
  /// Loud is what lies within 20 dB of the loudest hundredth, quiet the lowest fifth.
  private static let loudRange = 20.0
  private static let quietShare = 0.2
  /// What is no more than this above the noise is noise: 6 dB.
  private static let leastOverNoise: Float = 4
  /// Below the strongest part of the voice by more than this nothing matters: 70 dB, what 12 bits hold. Long-term
  /// spectra of speech are 40 to 60 dB down at 8 kHz.
  private static let leastOfPeak: Float = 1e-7

  private let kernels: Kernels
  private let rate: Double
  private let window: [Float]
  private let scale: Float
  private var samples: [Float]
  private var power: [Float]
  private var place = 0
  private let decimation: Int
  private var sum: Float = 0
  private var inSum = 0
  private var counts: [Int]
  /// Of each class, one behind the other.
  private var sums: [Float]
  private var blocksMeasured = 0

  /// A meter at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    kernels = .active
    decimation = max(1, sampleRate.hertz / Self.targetRate)
    rate = Double(sampleRate.hertz) / Double(decimation)
    let count = Self.blockCount
    // F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", 1978: four terms,
    // side lobes below -92 dB, so that what is 70 dB down is not the window's.
    let window = (0..<count).map { i in
      let angle = 2 * .pi * Double(i) / Double(count)
      return Float(
        0.35875 - 0.48829 * cosine(angle) + 0.14128 * cosine(2 * angle) - 0.01168 * cosine(3 * angle))
    }
    self.window = window
    let sum = window.reduce(0) { $0 + Double($1) }
    scale = Float(4 / (sum * sum))
    samples = [Float](repeating: 0, count: count)
    power = [Float](repeating: 0, count: Self.binCount)
    counts = [Int](repeating: 0, count: Self.classCount)
    sums = [Float](repeating: 0, count: Self.classCount * Self.binCount)
  }

  /// Takes all of `input`.
  public mutating func process(_ input: Span<Float>) {
    guard decimation == 1 else { return lower(input) }
    var taken = 0
    while taken < input.count {
      if place < Self.blockCount {
        let count = min(Self.blockCount - place, input.count - taken)
        Self.copy(input.extracting(taken..<taken + count), kernels, into: &samples, at: place)
        place += count
        taken += count
        if place == Self.blockCount { measure() }
      } else {
        let count = min(Self.hop - place, input.count - taken)
        place += count
        taken += count
      }
      if place == Self.hop { place = 0 }
    }
  }

  /// Means of as many samples as make one at the lower rate: what is above it is weakened, most where it would fold to
  /// the lowest frequencies.
  private mutating func lower(_ input: Span<Float>) {
    for i in input.indices {
      sum += input[i].isFinite ? input[i] : 0
      inSum += 1
      guard inSum == decimation else { continue }
      if place < Self.blockCount { samples[place] = sum / Float(decimation) }
      sum = 0
      inSum = 0
      place += 1
      if place == Self.blockCount { measure() }
      if place == Self.hop { place = 0 }
    }
  }

  /// The band of what has come; nil for silence, or where there is too little to tell. Allocates.
  public var band: Band? {
    guard blocksMeasured >= Self.leastBlocks, let loudest = level(above: 0.01) else { return nil }
    let firstLoud = max(0, loudest - Int(Self.loudRange / Self.classWidth))
    guard var loud = mean(firstLoud..<Self.classCount) else { return nil }
    Self.smooth(&loud)
    // The noise: what the quiet blocks hold, where there are pauses at all, much quieter than the speech.
    var quiet = [Float](repeating: 0, count: Self.binCount)
    if let quietest = level(below: Self.quietShare), quietest + 2 < firstLoud, let mean = mean(0..<quietest + 1) {
      quiet = mean
      Self.smooth(&quiet)
    }
    // Without the lowest bins, where there may be an offset or rumble.
    let first = max(2, Int(100 / binWidth))
    let peak = loud[first...].max() ?? 0
    guard peak > 0 else { return nil }
    var edge = Self.binCount - 1
    while edge > first, loud[edge] < max(Self.leastOverNoise * quiet[edge], peak * Self.leastOfPeak) { edge -= 1 }
    return Band(upperEdge: min(rate / 2, (Double(edge) + 0.5) * binWidth), drop: drop(loud, at: edge))
  }

  /// Makes the meter as it was after `init`.
  public mutating func reset() {
    place = 0
    sum = 0
    inSum = 0
    blocksMeasured = 0
    for i in 0..<counts.count { counts[i] = 0 }
    for i in 0..<sums.count { sums[i] = 0 }
  }

  private var binWidth: Double { rate / Double(Self.blockCount) }

  private mutating func measure() {
    kernels.powerSpectrum(samples, from: 0, window: window, scale: scale, into: &power, at: 0)
    var total: Float = 0
    for i in 2..<Self.binCount { total += power[i] }
    let level = Decibels.ofPower(Double(total))
    blocksMeasured += 1
    let index = min(Self.classCount - 1, max(0, Self.classCount - 1 + Int(level / Self.classWidth)))
    counts[index] += 1
    let start = index * Self.binCount
    for i in 0..<Self.binCount { sums[start + i] += power[i] }
  }

  /// The highest class that has the share of all blocks in it or above.
  private func level(above share: Double) -> Int? {
    var count = 0
    for i in (1..<Self.classCount).reversed() {
      count += counts[i]
      if count > 0, Double(count) >= share * Double(blocksMeasured) { return i }
    }
    return nil
  }

  private func level(below share: Double) -> Int? {
    var count = 0
    for i in 0..<Self.classCount {
      count += counts[i]
      if Double(count) >= share * Double(blocksMeasured) { return i }
    }
    return nil
  }

  private func mean(_ classes: Range<Int>) -> [Float]? {
    let count = counts[classes].reduce(0, +)
    guard count > 0 else { return nil }
    return (0..<Self.binCount).map { bin in
      classes.reduce(Float(0)) { $0 + sums[$1 * Self.binCount + bin] } / Float(count)
    }
  }

  /// Means of five bins, so that single ones of noise do not reach far.
  private static func smooth(_ values: inout [Float]) {
    let original = values
    for i in values.indices {
      let part = original[max(0, i - 2)...min(values.count - 1, i + 2)]
      values[i] = part.reduce(0, +) / Float(part.count)
    }
  }

  private func drop(_ spectrum: [Float], at edge: Int) -> Double {
    // 1 kHz to either side, or five bins, without the two that smoothing has filled.
    let width = max(5, Int(1_000 / binWidth))
    let below = spectrum[max(0, edge - width)..<max(1, edge - 2)]
    guard edge + 3 < spectrum.count else { return 0 }
    let above = spectrum[edge + 3..<min(spectrum.count, edge + width + 1)]
    func level(_ part: ArraySlice<Float>) -> Double {
      part.reduce(0) { $0 + Decibels.ofPower(Double($1)) } / Double(part.count)
    }
    return level(below) - level(above)
  }

  private static func copy(_ input: Span<Float>, _ kernels: Kernels, into samples: inout [Float], at place: Int) {
    var all = samples.mutableSpan
    var target = all._mutatingExtracting(place...)
    _ = kernels.copyFinite(input, into: &target)
  }
}
