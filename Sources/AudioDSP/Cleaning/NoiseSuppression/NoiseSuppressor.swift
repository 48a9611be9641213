/// Takes noise away from speech, and leaves speech without noise as it is.
///
/// Every 8 ms a spectrum is taken of the last 32 ms, each of its bins is multiplied by a gain, and what comes of it is
/// laid over what came of the one before:
/// 1. Of each bin the noise is followed by the probability of speech in it, and a first gain found that leaves the
///    log-spectral amplitude of speech (`suppression_constants.h` has the sources). This tells noise between the
///    harmonics of a voice from the voice, but knows neither babble nor music nor what comes suddenly.
/// 2. A small network, which has learned of speech of many talkers in many kinds of noise, says for each of 34 bands by
///    what the gains of its bins are to be multiplied: less where there is no speech, more where the first gain took
///    some away.
/// 3. No gain is above 1, and none below the limit that ``maximumAttenuationInDecibels`` sets: what is left of the noise
///    in pauses is the same noise, only softer. Rumble and hum go as noise does, with linear phase: what is above does not
///    move against them, as it does behind a high-pass filter.
///
/// In pauses this is a soft gate, band by band: speech-like bins open it at once, whatever the rest does, and noise is
/// learned from a bin only so far as it is probably no speech.
///
/// The window is long behind and short ahead (D. Mauler, R. Martin, "A low delay, variable resolution, perfect
/// reconstruction spectral analysis-synthesis system for speech enhancement", 2007), so that frequencies are told apart
/// as with 32 ms while the delay is 16 ms. At other rates than 8, 16, 24, 32, 48 ... kHz both are up to a fourth longer
/// or a sixth shorter: ``latencyInSamples`` says the delay, never more than 20 ms.
///
/// Its memory is bounded, so that it is as good on an endless stream as on a fresh one. Samples beyond ±1024 are taken as
/// ±1024, and what is not finite as 0. Nothing allocates after `init`; suppressors share their weights. How the network
/// was trained, on what, and how well it does: `Sources/AudioDSP/Cleaning/NoiseSuppression/Training/README.md`.
public struct NoiseSuppressor: ~Copyable, Sendable, SampleProcessor {
  /// What ``maximumAttenuationInDecibels`` may be.
  public static let attenuations: ClosedRange<Float> = 1...40

  public let sampleRate: SampleRate
  /// The most that is taken away from any part of the spectrum, in dB.
  public let maximumAttenuationInDecibels: Float

  /// -360 dBFS. What is softer is taken as 0: times windows and gains it would become subnormal, which is slow.
  private static let leastSample: Float = 1e-18
  /// Of so many first frames the noise is learned quickly.
  private static let hastyFrameCount = 8
  private static let hastyRate: Float = 0.4

  private let kernels: Kernels
  private let transform: RealTransform
  private let bands: SuppressionBands
  private let analysisWindow: [Float]
  /// For the last two hops of a frame: rising, then falling.
  private let risingWindow: [Float]
  private let fallingWindow: [Float]
  private let powerScale: Float
  private let leastGain: Float
  private let hop: Int

  /// The last ``RealTransform/length`` samples; of the last hop only the first `filled` have come.
  private var samples: [Float]
  private var filled = 0
  /// What is put out while the next hop comes, and what the next frame is added to.
  private var ready: [Float]
  private var open: [Float]
  private var frameCount = 0

  private var real: [Float]
  private var imaginary: [Float]
  private var scratch: [Float]
  private var frame: [Float]
  private var power: [Float]
  private var left: [Float]
  private var noise: [Float]
  private var speech: [Float]
  private var presence: [Float]
  private var gains: [Float]
  private var bandPower: [Float]
  private var bandLeft: [Float]
  private var factors: [Float]
  private var binFactors: [Float]
  private var network: SuppressionNetwork

  /// A suppressor at the start of a stream.
  ///
  /// - Parameter maximumAttenuationInDecibels: 1 to 40; 20 makes noise in pauses a tenth of what it was.
  public init(_ sampleRate: SampleRate, maximumAttenuationInDecibels: Float = 20) {
    self.init(sampleRate, maximumAttenuationInDecibels: maximumAttenuationInDecibels, kernels: .active)
  }

  /// - Precondition: The backend is available.
  package init(_ sampleRate: SampleRate, maximumAttenuationInDecibels: Float = 20, backend: KernelBackend) {
    self.init(
      sampleRate, maximumAttenuationInDecibels: maximumAttenuationInDecibels, kernels: Kernels(backend))
  }

  private init(_ sampleRate: SampleRate, maximumAttenuationInDecibels: Float, kernels: Kernels) {
    precondition(Self.attenuations.contains(maximumAttenuationInDecibels), "1 to 40 dB can be taken away")
    self.sampleRate = sampleRate
    self.maximumAttenuationInDecibels = maximumAttenuationInDecibels
    self.kernels = kernels
    leastGain = Float(raised(10, -Double(maximumAttenuationInDecibels) / 20))
    transform = RealTransform(length: RealTransform.length(for: sampleRate))
    let length = transform.length
    hop = length / 4
    bands = SuppressionBands(sampleRate, transformLength: length)

    // Root-Hann slopes, the rising one of three hops, the falling one of one. The rising slope of the synthesis makes a
    // Hann window of two hops with the analysis: two of them, a hop apart, add up to 1.
    let (rise, fall) = (length - hop, hop)
    let analysis =
      (0..<rise).map { Self.hann($0, rise).squareRoot() } + (0..<fall).map { Self.hann(fall - $0, fall).squareRoot() }
    analysisWindow = analysis.map { Float($0) }
    risingWindow = (0..<fall).map { Float(Self.hann($0, fall) / analysis[length - 2 * fall + $0]) }
    fallingWindow = Array(analysisWindow[rise...])
    let sum: Double = analysis.reduce(0, +)
    powerScale = Float(4 / (sum * sum))

    samples = [Float](repeating: 0, count: length)
    ready = [Float](repeating: 0, count: hop)
    open = [Float](repeating: 0, count: hop)
    real = [Float](repeating: 0, count: transform.binCount)
    imaginary = [Float](repeating: 0, count: transform.binCount)
    scratch = [Float](repeating: 0, count: transform.scratchCount)
    frame = [Float](repeating: 0, count: length)
    power = [Float](repeating: 0, count: transform.binCount)
    left = [Float](repeating: 0, count: transform.binCount)
    noise = [Float](repeating: 0, count: transform.binCount)
    speech = [Float](repeating: 0, count: transform.binCount)
    presence = [Float](repeating: Self.firstPresence, count: transform.binCount)
    gains = [Float](repeating: 0, count: transform.binCount)
    bandPower = [Float](repeating: 0, count: bands.measure.rowCount)
    bandLeft = [Float](repeating: 0, count: bands.measure.rowCount)
    factors = [Float](repeating: 0, count: bands.measure.rowCount)
    binFactors = [Float](repeating: 0, count: bands.spread.rowCount)
    network = SuppressionNetwork(kernels: kernels)
  }

  /// The rising half of a Hann window, from 0 at `i` = 0 to 1 at `count`.
  private static func hann(_ i: Int, _ count: Int) -> Double {
    0.5 - 0.5 * cosine(Double.pi * Double(i) / Double(count))
  }

  /// Two hops: 16 ms at the usual rates.
  public var latencyInSamples: Int { 2 * hop }

  public mutating func process(_ block: inout MutableSpan<Float>) {
    var taken = 0
    while taken < block.count {
      let count = min(hop - filled, block.count - taken)
      var part = block._mutatingExtracting(taken..<taken + count)
      let place = samples.count - hop + filled
      Kernels.copy(part.span, limit: AutomaticGainControl.greatestSample, into: &samples, at: place)
      Kernels.copy(ready, from: filled, into: &part)
      filled += count
      taken += count
      if filled == hop {
        suppress()
        filled = 0
      }
    }
  }

  public mutating func reset() {
    filled = 0
    frameCount = 0
    Kernels.fill(&samples, in: 0..<samples.count, with: 0)
    Kernels.fill(&ready, in: 0..<hop, with: 0)
    Kernels.fill(&open, in: 0..<hop, with: 0)
    Kernels.fill(&speech, in: 0..<speech.count, with: 0)
    Kernels.fill(&presence, in: 0..<presence.count, with: Self.firstPresence)
    network.reset()
  }

  private static let firstPresence: Float = 0.5

  /// Makes the next hop of output from the last frame of samples.
  private mutating func suppress() {
    let count = transform.binCount
    Kernels.flush(&samples, in: samples.count - hop..<samples.count, below: Self.leastSample)
    kernels.forward(
      transform, samples, window: analysisWindow, real: &real, imaginary: &imaginary, scratch: &scratch)
    kernels.power(real: real, imaginary: imaginary, scale: powerScale, count: count, into: &power)
    findGains()
    kernels.multiply(&real, by: gains, count: count)
    kernels.multiply(&imaginary, by: gains, count: count)
    kernels.inverse(transform, real: real, imaginary: imaginary, into: &frame, scratch: &scratch)

    swap(&ready, &open)
    let length = transform.length
    kernels.addProduct(of: frame, from: length - 2 * hop, and: risingWindow, count: hop, to: &ready)
    kernels.multiply(frame, from: length - hop, by: fallingWindow, count: hop, into: &open)
    Kernels.move(&samples, from: hop, to: 0, count: length - hop)
  }

  /// The gain of each bin of the frame whose powers have been taken.
  private mutating func findGains() {
    let count = transform.binCount
    if frameCount == 0 {
      for i in 0..<count { noise[i] = power[i] + 1e-10 }
    }
    let isHasty = frameCount < Self.hastyFrameCount
    if isHasty { frameCount += 1 }
    kernels.suppressBins(
      power, count: count, leastRate: isHasty ? Self.hastyRate : 0, noise: &noise, speech: &speech,
      presence: &presence, gain: &gains, left: &left)
    kernels.apply(bands.measure, to: power, into: &bandPower)
    kernels.apply(bands.measure, to: left, into: &bandLeft)
    network.judge(&bandPower, left: &bandLeft, factors: &factors)
    kernels.apply(bands.spread, to: factors, into: &binFactors)
    kernels.multiply(&gains, by: binFactors, count: count)
    let least = leastGain
    for i in 0..<count { gains[i] = min(max(gains[i], least), 1) }
  }
}
