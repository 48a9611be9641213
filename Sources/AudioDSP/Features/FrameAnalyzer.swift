/// Cuts a stream of one channel into frames of 10 ms and measures each.
///
/// However the stream is cut into calls, the features are the same, bit for bit. Samples that are not finite are taken
/// as 0 and counted. Nothing allocates after `init`.
public struct FrameAnalyzer: ~Copyable, Sendable {
  /// How fast the running mean follows the mean of a frame: a time constant of 20 frames, 200 ms, so that it follows an
  /// offset and not speech.
  private static let meanRate: Float = 0.05

  /// Where the frames lie.
  public let grid: FrameGrid
  /// Samples that were not finite and were taken as 0, since `init` or ``reset()``.
  public private(set) var nonFiniteCount = 0

  private let kernels: Kernels
  /// The samples of a frame of which the rest is to come.
  private var held: [Float]
  private var heldCount = 0
  private var frameCount = 0
  private var previousSample: Float = 0
  private var runningMean: Float = 0

  /// An analyzer at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    self.init(sampleRate, kernels: .active)
  }

  /// - Precondition: The backend is available.
  package init(_ sampleRate: SampleRate, backend: KernelBackend) {
    self.init(sampleRate, kernels: Kernels(backend))
  }

  init(_ sampleRate: SampleRate, kernels: Kernels) {
    grid = FrameGrid(sampleRate)
    self.kernels = kernels
    held = [Float](repeating: 0, count: grid.longestFrame)
  }

  /// How many frames ``process(_:into:)`` completes with `inputCount` more samples.
  public func frameCapacity(forInputCount inputCount: Int) -> Int {
    grid.frameCount(inSampleCount: grid.start(ofFrame: frameCount) + heldCount + inputCount) - frameCount
  }

  /// Takes all of `samples` and writes the features of the frames that they complete to the start of `features`.
  ///
  /// - Returns: How many frames were completed.
  /// - Precondition: `features` has room for ``frameCapacity(forInputCount:)`` frames.
  public mutating func process(_ samples: Span<Float>, into features: inout MutableSpan<FrameFeatures>) -> Int {
    precondition(features.count >= frameCapacity(forInputCount: samples.count))
    var taken = 0
    var completed = 0
    while taken < samples.count {
      let count = min(countToNextFrame, samples.count - taken)
      if let measured = processWithinFrame(samples.extracting(taken..<taken + count)) {
        features[completed] = measured
        completed += 1
      }
      taken += count
    }
    return completed
  }

  /// How many samples are wanting to the end of the present frame; at least one.
  var countToNextFrame: Int { grid.samples(ofFrame: frameCount).count - heldCount }

  /// Takes samples of the present frame, at most ``countToNextFrame``, and returns its features when they complete it.
  mutating func processWithinFrame(_ samples: Span<Float>) -> FrameFeatures? {
    let isComplete = samples.count == countToNextFrame
    if isComplete, heldCount == 0, let measured = measureInPlace(samples) { return measured }
    hold(samples)
    return isComplete ? measureHeld() : nil
  }

  /// Measures a last, shorter frame, and starts a new stream.
  ///
  /// - Returns: Its features, or nil where the stream ended with a whole frame.
  public mutating func finish() -> FrameFeatures? {
    let last = heldCount > 0 ? measureHeld() : nil
    let counted = nonFiniteCount
    reset()
    nonFiniteCount = counted
    return last
  }

  /// Makes the analyzer as it was after `init`.
  public mutating func reset() {
    nonFiniteCount = 0
    heldCount = 0
    frameCount = 0
    previousSample = 0
    runningMean = 0
  }

  private mutating func hold(_ samples: Span<Float>) {
    let kernels = kernels
    let start = heldCount
    var target = held.mutableSpan
    var tail = target._mutatingExtracting(start...)
    let replaced = kernels.copyFinite(samples, into: &tail)
    nonFiniteCount += replaced
    heldCount += samples.count
  }

  private mutating func measureHeld() -> FrameFeatures {
    let count = heldCount
    let sums = sums(of: held.span.extracting(..<count))
    heldCount = 0
    return features(sums, count: count, last: held[count - 1])
  }

  /// Measures a frame where the caller has it, unless it holds what is not finite.
  private mutating func measureInPlace(_ frame: Span<Float>) -> FrameFeatures? {
    let sums = sums(of: frame)
    // A sample that is not finite makes the sum so; a sum of huge but finite ones goes the longer way for nothing.
    guard sums.sum_of_squares.isFinite else { return nil }
    return features(sums, count: frame.count, last: frame[frame.count - 1])
  }

  private func sums(of frame: Span<Float>) -> FrameSums {
    if frameCount > 0 { return kernels.frameSums(frame, offset: runningMean, previous: previousSample) }
    // The first frame has neither a running mean nor a sample before it.
    let mean = kernels.frameSums(frame, offset: 0, previous: 0).sum / Float(frame.count)
    let offset = mean.isFinite ? mean : 0
    return kernels.frameSums(frame, offset: offset, previous: frame[0])
  }

  private mutating func features(_ sums: FrameSums, count: Int, last: Float) -> FrameFeatures {
    let divisor = Float(count)
    let mean = sums.sum.isFinite ? sums.sum / divisor : 0
    let power = min(sums.sum_of_squares / divisor, .greatestFiniteMagnitude)
    runningMean = frameCount == 0 ? mean : runningMean + Self.meanRate * (mean - runningMean)
    previousSample = last
    frameCount += 1
    return FrameFeatures(
      energyInDecibels: Self.decibels(power),
      alternatingEnergyInDecibels: Self.decibels(max(0, power - mean * mean)),
      zeroCrossingRate: Float(sums.zero_crossings) / divisor)
  }

  private static func decibels(_ power: Float) -> Float {
    // 1e-12 is the power of FrameFeatures.silence.
    power <= 1e-12 ? FrameFeatures.silence : 10 * logarithm10(power)
  }
}
