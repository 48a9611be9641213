/// Measures of every 10 ms of a stream at 16 kHz what a ``SpeechNetwork`` judges by.
///
/// `Training/features.py` is the same in Python, with the reasons. Each frame is measured in a window of 32 ms that ends
/// 5 ms behind it. What is remembered of the past is the least level of each band in the last 1.7 s, and a loudest level
/// that fades: an endless stream is measured like a fresh one. Nothing allocates after `init`.
package struct SpectralAnalyzer: ~Copyable, Sendable {
  /// What the samples must come at.
  static let sampleRate = SampleRate.hz16000
  /// Samples from frame to frame.
  static let hop = sampleRate.hertz / FrameGrid.rate
  /// Samples behind the end of a frame that are seen with it.
  static let ahead = 80
  /// Numbers per frame.
  package static let featureCount = 2 * bandCount + 7

  private static let window = Kernels.spectrumInputCount
  fileprivate static let bandCount = 32
  /// What the samples before a frame's hop have of its window.
  private static let lead = window - hop - ahead
  /// Added to the power of each band: -100 dBFS.
  private static let leastPower: Float = 1e-10
  /// What is louder, 18 dB above full scale, is no sound: it must not be the loudest level for long.
  private static let greatestSample: Float = 8

  private static let peakFallRate: Float = 1.0 / 512

  /// The bins of which the periodicity is measured, 62 to 1531 Hz, and the lags for which it is.
  fileprivate static let pitchBins = 2..<50
  fileprivate static let lagCount = 64

  private let kernels: Kernels
  private let tables = SpectralTables.shared

  /// The window of the next frame, and what has come behind it.
  private var samples: [Float]
  /// Where in `samples` the window of the next frame starts, and where they end.
  private var start = 0
  private var end: Int

  /// The frames of which the spectra are measured together, so that the tables are read once for several of them.
  private static let batchCount = 8
  private var measuredCount = 0
  private var deliveredCount = 0
  // Of each frame of the batch, one behind the other.
  private var power: [Float]
  private var levels: [Float]
  private var magnitudes: [Float]
  private var correlations: [Float]
  private var roots: [Float]
  private var rootCorrelations: [Float]

  private var isFirstFrame = true
  private var floors: BandFloors
  private var peakLevel: Float = 0

  /// An analyzer at the start of a stream of which at most `maximumCount` samples come at once.
  package init(maximumCount: Int, kernels: Kernels) {
    self.kernels = kernels
    // Room for a few blocks, so that samples are moved once for several of them.
    samples = [Float](repeating: 0, count: Self.window + 4 * max(maximumCount, Self.window))
    end = Self.lead
    power = [Float](repeating: 0, count: Self.batchCount * Kernels.spectrumOutputCount)
    levels = [Float](repeating: 0, count: Self.batchCount * Self.bandCount)
    magnitudes = [Float](repeating: 0, count: Self.batchCount * Self.pitchBins.count)
    roots = [Float](repeating: 0, count: Self.batchCount * Self.pitchBins.count)
    correlations = [Float](repeating: 0, count: Self.batchCount * Self.lagCount)
    rootCorrelations = [Float](repeating: 0, count: Self.batchCount * Self.lagCount)
    // The smoothed levels have a memory of 50 ms, and floors look back 1.7 s.
    floors = BandFloors(bandCount: Self.bandCount, rate: 0.2, blockLength: 20, blockCount: 9, kernels: kernels)
  }

  /// How many frames can be measured when `sampleCount` samples of a stream have come.
  static func frameCount(inSampleCount sampleCount: Int) -> Int { max(0, sampleCount - ahead) / hop }

  /// How many samples of a stream must have come to measure `frameCount` frames.
  package static func sampleCount(inFrameCount frameCount: Int) -> Int { frameCount * hop + ahead }

  /// Takes samples that are finite.
  package mutating func append(_ input: Span<Float>) {
    if end + input.count > samples.count {
      Kernels.move(&samples, from: start, to: 0, count: end - start)
      end -= start
      start = 0
    }
    kernels.limit(input, to: -Self.greatestSample...Self.greatestSample, into: &samples, at: end)
    end += input.count
  }

  /// Writes the features of the next frame to the start of `row`, if its samples have come.
  package mutating func nextFrame(into row: inout MutableSpan<Float>) -> Bool {
    if deliveredCount == measuredCount { measureSpectra() }
    guard deliveredCount < measuredCount else { return false }
    // The height of each band above its floor.
    floors.follow(levels, from: bands.lowerBound, heights: &row)
    followPeak(into: &row)
    writePeriodicity(into: &row)
    deliveredCount += 1
    return true
  }

  /// Makes the analyzer as it was after `init`.
  mutating func reset() {
    start = 0
    end = Self.lead
    for i in 0..<end { samples[i] = 0 }
    measuredCount = 0
    deliveredCount = 0
    isFirstFrame = true
    floors.reset()
    peakLevel = 0
  }

  /// The band levels and the periodicity of the frames whose samples have come, up to ``batchCount``.
  private mutating func measureSpectra() {
    let available = end - start < Self.window ? 0 : (end - start - Self.window) / Self.hop + 1
    let count = min(available, Self.batchCount)
    let binCount = Kernels.spectrumOutputCount
    for i in 0..<count {
      kernels.powerSpectrum(
        samples, from: start, window: tables.window, scale: tables.powerScale, into: &power, at: i * binCount)
      start += Self.hop
      let bins = Self.pitchBins
      kernels.squareRoot(
        power, in: i * binCount + bins.lowerBound..<i * binCount + bins.upperBound, into: &magnitudes,
        at: i * bins.count)
    }
    kernels.apply(tables.bands, to: power, stride: binCount, count: count, into: &levels)
    kernels.log2(of: &levels, in: 0..<count * Self.bandCount, plus: Self.leastPower)
    kernels.squareRoot(magnitudes, in: 0..<count * Self.pitchBins.count, into: &roots, at: 0)
    kernels.apply(tables.lags, to: magnitudes, stride: Self.pitchBins.count, count: count, into: &correlations)
    kernels.apply(tables.lags, to: roots, stride: Self.pitchBins.count, count: count, into: &rootCorrelations)
    measuredCount = count
    deliveredCount = 0
  }

  /// Where the levels of the next frame lie.
  private var bands: Range<Int> { deliveredCount * Self.bandCount..<(deliveredCount + 1) * Self.bandCount }

  /// The shape of the spectrum, its height above the floors, and its level below the loudest of late.
  private mutating func followPeak(into row: inout MutableSpan<Float>) {
    let (bandCount, half) = (Self.bandCount, Self.bandCount / 2)
    let first = bands.lowerBound
    let mean = kernels.sum(of: levels, in: bands) / Float(bandCount)
    let low = kernels.peak(of: levels, in: first..<first + half).value
    let high = kernels.peak(of: levels, in: first + half..<first + bandCount).value
    var heights: Float = 0
    var greatestHeight: Float = 0
    kernels.measure(row, count: bandCount, sum: &heights, greatest: &greatestHeight)
    for i in 0..<bandCount { row[bandCount + i] = levels[first + i] - mean }
    if isFirstFrame || mean > peakLevel {
      peakLevel = mean
    } else {
      peakLevel += Self.peakFallRate * (mean - peakLevel)
    }
    isFirstFrame = false
    let place = 2 * bandCount
    row[place] = heights / Float(bandCount)
    row[place + 1] = greatestHeight
    row[place + 2] = mean - peakLevel
    row[place + 6] = high - low
  }

  /// How far the spectrum below 1.5 kHz is that of a voice, and of which pitch: its correlation with cosines.
  private mutating func writePeriodicity(into row: inout MutableSpan<Float>) {
    let place = 2 * Self.bandCount
    let clear = strongestLag(magnitudes, correlations, offset: 1e-5)
    row[place + 3] = clear.value
    row[place + 4] = Float(clear.index) / Float(Self.lagCount) - 0.5
    row[place + 5] = strongestLag(roots, rootCorrelations, offset: 1e-3).value
  }

  private func strongestLag(
    _ magnitudes: [Float], _ correlations: [Float], offset: Float
  ) -> (index: Int, value: Float) {
    let (binCount, lagCount) = (Self.pitchBins.count, Self.lagCount)
    let sum = kernels.sum(of: magnitudes, in: deliveredCount * binCount..<(deliveredCount + 1) * binCount)
    let peak = kernels.peak(of: correlations, in: deliveredCount * lagCount..<(deliveredCount + 1) * lagCount)
    return (peak.index, peak.value / (sum + offset))
  }
}

/// What all analyzers share.
private struct SpectralTables: Sendable {
  static let shared = SpectralTables()

  /// A periodic Hann window.
  let window: [Float]
  /// Makes a full-scale sine's power 1.
  let powerScale: Float
  /// Triangles on the mel scale that overlap by half, each of unit sum.
  let bands: DenseLayer
  /// Cosines over the bins of the periodicity, for lags from 40 to 229 samples at even ratios: 400 to 70 Hz.
  let lags: DenseLayer

  private init() {
    let count = Kernels.spectrumInputCount
    let window = (0..<count).map { Float(0.5 - 0.5 * cosine(2 * .pi * Double($0) / Double(count))) }
    self.window = window
    let sum = window.reduce(0) { $0 + Double($1) }
    powerScale = Float(4 / (sum * sum))

    let (bandCount, binCount) = (SpectralAnalyzer.bandCount, Kernels.spectrumOutputCount)
    let (lowest, highest) = (Self.mel(80), Self.mel(7600))
    let edges = (0..<bandCount + 2).map {
      700 * (raised(10, (lowest + (highest - lowest) * Double($0) / Double(bandCount + 1)) / 2595) - 1)
    }
    var weights: [Float] = []
    for band in 0..<bandCount {
      let triangle = (0..<binCount).map { bin in
        let hertz = Double(bin * SpectralAnalyzer.sampleRate.hertz) / Double(count)
        let rising = (hertz - edges[band]) / (edges[band + 1] - edges[band])
        let falling = (edges[band + 2] - hertz) / (edges[band + 2] - edges[band + 1])
        return max(0, min(rising, falling))
      }
      let sum = triangle.reduce(0, +)
      weights += triangle.map { Float($0 / sum) }
    }
    bands = DenseLayer(bands: weights, columnCount: binCount)

    let lagCount = SpectralAnalyzer.lagCount
    let (shortest, longest) = (40.0, 229.0)
    var cosines: [Float] = []
    for i in 0..<lagCount {
      let lag = shortest * raised(longest / shortest, Double(i) / Double(lagCount - 1))
      for bin in SpectralAnalyzer.pitchBins {
        cosines.append(Float(cosine(2 * .pi * lag * Double(bin) / Double(count))))
      }
    }
    lags = DenseLayer(
      rows: cosines, bias: [Float](repeating: 0, count: lagCount), columnCount: cosines.count / lagCount)
  }

  private static func mel(_ hertz: Double) -> Double { 2595 * logarithm10(1 + hertz / 700) }
}
