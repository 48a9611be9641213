/// Finds speech by what a small recurrent network has learned of it: speech of many talkers and languages in noise,
/// music and rooms, and sounds that are not speech.
///
/// 1. The stream is brought to 16 kHz, by a filter of minimum phase.
/// 2. Every 10 ms a spectrum is taken (`SpectralAnalyzer`): the heights of 32 bands above their floors, the shape of
///    the spectrum, its level below the loudest of late, and how far it is periodic as a voice is.
/// 3. A network (`SpeechNetwork`) of a layer and a gated recurrent unit makes a score of them.
///
/// Levels count only beside one another, the floors look back 1.7 s, and the network's state is bounded: the detector
/// is as good on an endless stream as on a fresh one, and forgets whatever went wrong. Samples that are not finite are
/// taken as 0. Nothing allocates after `init`; detectors share their weights.
///
/// How it was trained, on what, and how well it does: `Sources/AudioDSP/VoiceActivity/Training/README.md`.
public struct NeuralDetector: ~Copyable, Sendable, VoiceActivityDetector {
  /// The most frames that pass at once.
  private static let batchCount = 16

  private var analyzer: FrameAnalyzer
  private var resampler: Resampler
  private var spectral: SpectralAnalyzer
  private var network: SpeechNetwork

  /// The features of frames whose scores are to come, the first of them at `waitingStart`, around and around.
  private var waiting: [FrameFeatures]
  private var waitingStart = 0
  private var waitingCount = 0

  /// A frame of zeros at the stream's rate.
  private let silence: [Float]
  private var resampled: [Float]
  private var measured: [FrameFeatures]
  private var networkScores: [Float]
  /// The most samples that are taken at once.
  package let sliceCount: Int
  private var resampledCount = 0
  private var scoredCount = 0

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    self.init(sampleRate, kernels: .active)
  }

  /// - Precondition: The backend is available.
  package init(_ sampleRate: SampleRate, backend: KernelBackend) {
    self.init(sampleRate, kernels: Kernels(backend))
  }

  private init(_ sampleRate: SampleRate, kernels: Kernels) {
    analyzer = FrameAnalyzer(sampleRate, kernels: kernels)
    resampler = Resampler(
      from: sampleRate, to: SpectralAnalyzer.sampleRate, quality: .fast, phase: .minimum, kernels: kernels)
    // Two frames less, for what is left from the call before.
    sliceCount = FrameGrid(sampleRate).start(ofFrame: Self.batchCount - 2)
    // At most what comes at once, what the resampler held back, and one for rounding.
    let ratio = ResamplingRatio(from: sampleRate, to: SpectralAnalyzer.sampleRate)
    let resampledCapacity = ratio.outputCount(forInputCount: sliceCount + resampler.latencyInSamples) + 1
    spectral = SpectralAnalyzer(maximumCount: resampledCapacity, kernels: kernels)
    network = SpeechNetwork(maximumCount: Self.batchCount, kernels: kernels)
    silence = [Float](repeating: 0, count: FrameGrid(sampleRate).longestFrame)
    resampled = [Float](repeating: 0, count: resampledCapacity)
    measured = [FrameFeatures](repeating: FrameFeatures(), count: Self.batchCount)
    networkScores = [Float](repeating: 0, count: Self.batchCount)
    waiting = [FrameFeatures](repeating: FrameFeatures(), count: 2 * Self.batchCount)
  }

  public var grid: FrameGrid { analyzer.grid }

  /// 15 ms, and what the resampler keeps back: from 0 at 16 kHz to 2 ms.
  public var lookAheadInSamples: Int {
    let ahead = SpectralAnalyzer.ahead + SpeechNetwork.framesAhead * SpectralAnalyzer.hop
    let rate = grid.sampleRate.hertz
    let internalRate = SpectralAnalyzer.sampleRate.hertz
    let aheadAtRate = (ahead * rate + internalRate - 1) / internalRate
    // Frames of rates that are no multiple of 100 Hz end up to a sample early.
    return resampler.latencyInSamples + aheadAtRate + (rate % FrameGrid.rate == 0 ? 0 : 1)
  }

  public func frameCapacity(forInputCount count: Int) -> Int {
    let resampledCount = resampledCount + resampler.outputCapacity(forInputCount: count)
    return SpeechNetwork.scoredCount(
      forFrameCount: SpectralAnalyzer.frameCount(inSampleCount: resampledCount)) - scoredCount
  }

  /// The frames that wait for look-ahead, and a last shorter one.
  public var finalFrameCapacity: Int { grid.frameCount(inSampleCount: lookAheadInSamples + grid.longestFrame) + 2 }

  public mutating func process(_ samples: Span<Float>, into scores: inout MutableSpan<FrameScore>) -> Int {
    var taken = 0
    var scored = 0
    while taken < samples.count {
      let count = min(sliceCount, samples.count - taken)
      measure(samples.extracting(taken..<taken + count))
      taken += count
      scored += scoreMeasured(into: &scores, at: scored)
    }
    return scored
  }

  /// Takes samples and measures all that the network judges by, as ``process(_:into:)`` does before it scores: for
  /// timing the two apart. ``scoreMeasured(into:at:)`` must follow before more samples come.
  ///
  /// - Precondition: They are at most ``sliceCount``.
  package mutating func measure(_ slice: Span<Float>) {
    precondition(slice.count <= sliceCount, "samples come in slices of at most sliceCount")
    let measuredCount = Self.measure(slice, with: &analyzer, into: &measured)
    for i in 0..<measuredCount { wait(for: measured[i]) }
    append(Self.resample(slice, with: &resampler, into: &resampled))
  }

  /// Scores the frames that have been measured and writes them to `scores` from `place` on; returns how many they are.
  package mutating func scoreMeasured(into scores: inout MutableSpan<FrameScore>, at place: Int = 0) -> Int {
    let count = Self.score(with: &network, into: &networkScores)
    for i in 0..<count {
      scores[place + i] = FrameScore(networkScores[i], features: waiting[waitingStart])
      waitingStart = waitingStart + 1 == waiting.count ? 0 : waitingStart + 1
    }
    waitingCount -= count
    scoredCount += count
    return count
  }

  public mutating func finish(into scores: inout MutableSpan<FrameScore>) -> Int {
    if let last = analyzer.finish() { wait(for: last) }
    let frameCount = scoredCount + waitingCount
    guard frameCount > 0 else {
      reset()
      return 0
    }
    // Silence behind the end completes the windows of the last frames, and of the one that the last is judged by.
    let end = SpectralAnalyzer.sampleCount(inFrameCount: frameCount + SpeechNetwork.framesAhead)
    let silence = silence
    while resampledCount < end {
      let count = Self.resample(silence.span, with: &resampler, into: &resampled)
      append(min(count, end - resampledCount))
    }
    let scored = scoreMeasured(into: &scores)
    reset()
    return scored
  }

  public mutating func reset() {
    analyzer.reset()
    resampler.reset()
    spectral.reset()
    network.reset()
    waitingStart = 0
    waitingCount = 0
    resampledCount = 0
    scoredCount = 0
  }

  private mutating func append(_ count: Int) {
    Self.append(resampled, count: count, to: &spectral)
    resampledCount += count
    takeFrames()
  }

  /// Measures the frames whose samples have come. A slice, or the end of a stream, completes fewer than there is room
  /// for once the frames before are scored.
  private mutating func takeFrames() {
    while network.hasRoom, network.takeFrame(from: &spectral) {}
    precondition(network.hasRoom, "the frames of a slice were not scored before the next came")
  }

  private mutating func wait(for features: FrameFeatures) {
    waiting[(waitingStart + waitingCount) % waiting.count] = features
    waitingCount += 1
  }

  // Static, so that each names exactly the state that it changes.

  private static func measure(
    _ slice: Span<Float>, with analyzer: inout FrameAnalyzer, into features: inout [FrameFeatures]
  ) -> Int {
    var target = features.mutableSpan
    return analyzer.process(slice, into: &target)
  }

  private static func resample(
    _ slice: Span<Float>, with resampler: inout Resampler, into output: inout [Float]
  ) -> Int {
    var target = output.mutableSpan
    do throws(ResamplerError) {
      return try resampler.process(slice, into: &target)
    } catch {
      preconditionFailure("there is room for what comes at once: \(error)")
    }
  }

  private static func append(_ samples: [Float], count: Int, to spectral: inout SpectralAnalyzer) {
    spectral.append(samples.span.extracting(..<count))
  }

  private static func score(with network: inout SpeechNetwork, into scores: inout [Float]) -> Int {
    var target = scores.mutableSpan
    return network.score(into: &target)
  }
}
