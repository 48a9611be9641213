/// Where the analysis frames of a stream lie: 10 ms each, one behind the other.
///
/// Frame `k` starts at sample `floor(k * rate / 100)`. At rates that are no multiple of 100 Hz, frames differ in length
/// by one sample and yet never drift: frame 100 starts at one second exactly.
public struct FrameGrid: Hashable, Sendable {
  /// Frames per second.
  public static let rate = 100

  /// The rate of the stream.
  public let sampleRate: SampleRate

  /// The grid of a stream at a rate.
  public init(_ sampleRate: SampleRate) {
    self.sampleRate = sampleRate
  }

  /// The first sample of a frame.
  public func start(ofFrame frame: Int) -> Int { frame * sampleRate.hertz / Self.rate }

  /// The samples of a frame.
  public func samples(ofFrame frame: Int) -> Range<Int> { start(ofFrame: frame)..<start(ofFrame: frame + 1) }

  /// How many frames end within the first `sampleCount` samples.
  public func frameCount(inSampleCount sampleCount: Int) -> Int {
    // The largest k with floor(k * rate / 100) <= sampleCount.
    ((sampleCount + 1) * Self.rate - 1) / sampleRate.hertz
  }

  /// The number of samples in the longest frame.
  public var longestFrame: Int { (sampleRate.hertz + Self.rate - 1) / Self.rate }

  /// A duration in frames, rounded to nearest.
  public func frameCount(in duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * Self.rate + Int((attoseconds / 1_000_000_000_000_000 * Int64(Self.rate) + 500) / 1_000)
  }
}
