/// Rebuilds the tops that were cut off a wave, at full scale or at any level below it, each side for itself.
///
/// A ``ClippingDetector`` finds the level at which tops are flat. Once it is known, after two to four tops, and at full
/// scale from the first one on, every stretch of samples at that level is rebuilt: as an autoregressive process of the spectrum
/// that the 20 ms before the stretch and the 1.5 ms behind it have, at the level or beyond it (Janssen, Veldhuis and
/// Vries, 1986, with the samples of the rails as bounds). What exceeds ``greatestOvershoot`` is brought within it.
///
/// Stretches of up to ``longestStretch``, 3 ms, are rebuilt; longer ones are left as they are. What is not at a rail
/// passes as it is, to the last bit, and so does all of a recording that is not clipped. Output may exceed full scale:
/// whoever makes integers of it lowers the level before.
///
/// The first 6 s of TestAudio/speech.wav, cut off at so many dB below the peak: the ratio of signal to distortion in the
/// samples that were cut off, before and after, in dB.
///
/// | cut off at | 8 kHz | 16 kHz | 48 kHz |
/// | --- | --- | --- | --- |
/// | -3 dB | 15.5, 17.5 | 15.3, 25.2 | 15.3, 29.1 |
/// | -6 dB | 10.6, 18.1 | 10.6, 21.2 | 10.6, 22.2 |
/// | -9 dB | 7.7, 12.2 | 7.7, 15.7 | 7.7, 16.8 |
/// | -12 dB | 5.8, 8.6 | 5.8, 11.5 | 5.8, 12.0 |
///
/// The least is gained where clipping is slight and the rate low: of tops of one or two samples the level is known late.
/// At 48 kHz a sample takes 20 ns on an AMD EPYC where nothing is clipped, and 0.5 microseconds on average where speech
/// is cut off at -12 dB; the costliest stretch, of 3 ms, some milliseconds at 192 kHz.
///
/// However the stream is cut into calls, what comes out is the same, bit for bit. Nothing allocates after `init`.
public struct ClippingRepair: SampleProcessor, ~Copyable, Sendable {
  public let sampleRate: SampleRate
  /// 5 ms, rounded down.
  public let latencyInSamples: Int
  /// The most samples in a row that are rebuilt: 3 ms.
  public let longestStretch: Int
  /// How many stretches have been rebuilt.
  public private(set) var repairCount = 0

  /// How far above the level of the flat tops a rebuilt sample may be: +9 dB, as a factor. What was cut off by more
  /// has lost most of itself.
  public static let greatestOvershoot: Float = 2.818

  /// 20 ms: a few periods of a voice.
  private static let historyPerSecond = 50
  /// How much is awaited behind a stretch, in microseconds.
  private static let contextMicroseconds = 1_500
  /// Slices in a second at whose ends tops are looked for.
  private static let slicesPerSecond = 2_000
  /// Of the process: 2 ms, in which the resonances of a mouth decay, and 64 at most, for what it costs.
  private static let ordersPerSecond = 500
  private static let greatestOrder = 64
  /// How near to the level a sample is at it: two steps of 16 bits, and a ten-thousandth. Dither moves it so far.
  private static let tolerance: Float = 2.1 / 32_768
  private static let relativeTolerance: Float = 1e-4
  /// How far a sample may exceed a level before that is no longer held to be one.
  private static let excess: Float = 1.01
  /// 32767 of 32768, and what makes a flat top of it: three samples, and steps of the quantiser to either side.
  private static let fullScale: Float = 32_766.5 / 32_768
  private static let leastFullScaleLength = 3
  private static let leastCorners: (near: Float, far: Float) = (8, 16)

  private let kernels: Kernels
  private let historyCount: Int
  private let contextCount: Int
  private let sliceLength: Int

  private var detector: ClippingDetector
  private var rebuilder: ClippedSampleRebuilder
  /// The levels of the flat tops of either side, as magnitudes; -1, which is none's level, where there are none.
  private var upper: Float = -1
  private var lower: Float = -1

  /// What is not yet out, and the history before it.
  private var buffer: [Float]
  /// Samples in the buffer; the next one goes there.
  private var end: Int
  /// Where the slice starts that is not complete.
  private var sliceStart: Int
  /// The first sample of which it is not settled whether it is at a rail.
  private var scanned: Int

  private enum Rail { case upper, lower }

  /// A repair at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    self.sampleRate = sampleRate
    let rate = sampleRate.hertz
    latencyInSamples = rate / 200
    sliceLength = rate / Self.slicesPerSecond
    contextCount = rate * Self.contextMicroseconds / 1_000_000
    historyCount = rate / Self.historyPerSecond
    // A stretch must be rebuilt before its first sample is due: that is when the slice is complete in which what is
    // awaited behind it ends.
    longestStretch = latencyInSamples - contextCount - sliceLength
    kernels = .active
    detector = ClippingDetector(sampleRate)
    let order = min(Self.greatestOrder, max(4, rate / Self.ordersPerSecond))
    rebuilder = ClippedSampleRebuilder(
      order: order, windowCapacity: historyCount + longestStretch + contextCount,
      unknownCapacity: longestStretch + contextCount)
    let kept = historyCount + latencyInSamples
    buffer = [Float](repeating: 0, count: 4 * kept + sliceLength)
    end = kept
    sliceStart = kept
    scanned = kept
  }

  /// Takes the next samples of the stream and leaves as many in their place, 5 ms behind.
  public mutating func process(_ samples: inout MutableSpan<Float>) {
    var taken = 0
    while taken < samples.count {
      let count = min(samples.count - taken, sliceStart + sliceLength - end)
      exchange(&samples, taken, count)
      taken += count
      if end == sliceStart + sliceLength { endSlice() }
    }
  }

  /// Makes the repair as it was after `init`.
  public mutating func reset() {
    detector.reset()
    repairCount = 0
    upper = -1
    lower = -1
    for i in 0..<buffer.count { buffer[i] = 0 }
    let kept = historyCount + latencyInSamples
    end = kept
    sliceStart = kept
    scanned = kept
  }

  private mutating func exchange(_ samples: inout MutableSpan<Float>, _ place: Int, _ count: Int) {
    let (from, delay) = (end, latencyInSamples)
    var target = buffer.mutableSpan
    for i in 0..<count {
      let sample = samples[place + i]
      target[from + i] = sample.isFinite ? sample : 0
      samples[place + i] = target[from + i - delay]
    }
    end = from + count
  }

  private mutating func endSlice() {
    let greatestUpper = upper * Self.excess
    let greatestLower = lower * Self.excess
    for i in sliceStart..<end {
      if buffer[i] > greatestUpper { upper = -1 }
      if -buffer[i] > greatestLower { lower = -1 }
    }
    Self.look(&detector, at: buffer, in: sliceStart..<end)
    let ceilings = detector.presentCeilings
    if let level = ceilings.upper { upper = level }
    if let level = ceilings.lower { lower = level }
    repair()
    sliceStart = end
    guard end + sliceLength > buffer.count else { return }
    let kept = historyCount + latencyInSamples
    let moved = end - kept
    Kernels.move(&buffer, from: moved, to: 0, count: kept)
    end -= moved
    sliceStart -= moved
    scanned -= moved
  }

  private static func look(_ detector: inout ClippingDetector, at buffer: [Float], in slice: Range<Int>) {
    detector.process(buffer.span.extracting(slice))
  }

  /// Which rail a sample is at.
  private func rail(_ sample: Float) -> Rail? {
    let magnitude = abs(sample)
    let level = sample > 0 ? upper : lower
    let isAtLevel = abs(magnitude - level) <= Self.tolerance + Self.relativeTolerance * level
    let isAtFullScale = magnitude >= Self.fullScale && magnitude <= 1
    return isAtLevel || isAtFullScale ? (sample > 0 ? .upper : .lower) : nil
  }

  /// Rebuilds the stretches behind which there is enough.
  private mutating func repair() {
    var i = scanned
    while i < end - contextCount {
      guard let side = rail(buffer[i]) else {
        i += 1
        continue
      }
      var stop = i + 1
      while stop < end, rail(buffer[stop]) == side { stop += 1 }
      let isRest = rail(buffer[i - 1]) == side
      if stop - i > longestStretch || isRest {
        // Too long, or the rest of what was: its end may be still to come.
        i = stop
        continue
      }
      if stop + contextCount > end { break }
      if isClipped(i..<stop, side) { rebuild(i..<stop, side) }
      i = stop
    }
    scanned = i
  }

  /// Whether a stretch at a rail is a top that was cut off: at the level that the detector has found it is; at full
  /// scale it must be flat and have corners.
  private func isClipped(_ stretch: Range<Int>, _ side: Rail) -> Bool {
    let level = side == .upper ? upper : lower
    let value = abs(buffer[stretch.lowerBound])
    if abs(value - level) <= Self.tolerance + Self.relativeTolerance * level { return true }
    guard stretch.count >= Self.leastFullScaleLength else { return false }
    let sign: Float = side == .upper ? 1 : -1
    let one = value - sign * buffer[stretch.lowerBound - 1]
    let other = value - sign * buffer[stretch.upperBound]
    let step = detector.quantizerStep(atLevel: value)
    // The last as in the detector: a square wave has never been cut off.
    return min(one, other) >= Self.leastCorners.near * step && max(one, other) >= Self.leastCorners.far * step
      && min(one, other) <= 1.9 * value
  }

  private mutating func rebuild(_ stretch: Range<Int>, _ side: Rail) {
    let start = stretch.lowerBound - historyCount
    let count = historyCount + stretch.count + contextCount
    guard start >= 0, count > rebuilder.order else { return }
    let (stretchUpper, stretchLower) = (level(of: stretch, .upper, side), level(of: stretch, .lower, side))
    for i in 0..<count {
      let sample = buffer[start + i]
      rebuilder.window[i] = Double(sample)
      // Behind the stretch, other tops that were cut off are no more known than it is.
      let found = i < historyCount ? nil : rail(sample)
      rebuilder.rails[i] = found == .upper ? 1 : found == .lower ? -1 : 0
    }
    guard rebuilder.rebuild(count: count, historyCount: historyCount, upper: stretchUpper, lower: stretchLower)
    else { return }
    let sign: Double = side == .upper ? 1 : -1
    let level = Double(side == .upper ? stretchUpper : stretchLower)
    var greatest = level
    for i in historyCount..<historyCount + stretch.count { greatest = max(greatest, sign * rebuilder.window[i]) }
    guard greatest < .infinity else { return }
    let allowed = level * Double(Self.greatestOvershoot)
    let scale = greatest > allowed ? (allowed - level) / (greatest - level) : 1
    for i in 0..<stretch.count {
      let beyond = max(0, sign * rebuilder.window[historyCount + i] - level)
      buffer[stretch.lowerBound + i] = Float(sign * (level + scale * beyond))
    }
    repairCount += 1
  }

  /// The level of a side for a stretch of one of them: that of its own first sample, or of what the detector has found.
  private func level(of stretch: Range<Int>, _ wanted: Rail, _ side: Rail) -> Float {
    if wanted == side { return abs(buffer[stretch.lowerBound]) }
    let level = wanted == .upper ? upper : lower
    return level > 0 ? level : 1
  }
}
