/// What is timed of a chunk.
public enum LatencyFigure: Int, CaseIterable, Sendable {
  /// All channels to one.
  case downmix
  /// The change of rate.
  case resampler
  /// What the detector judges every 10 ms by: energy and zero crossings, and for the neural one the stream at 16 kHz
  /// and its spectrum.
  case features
  /// A score of every 10 ms from that.
  case detector
  /// Decisions from scores.
  case segmenter
  /// Float to 16 bits.
  case pcm16
  /// The cut into chunks.
  case chunker
  /// The text of a chunk's bytes.
  case base64
  /// What the dialect puts around the text.
  case event
  /// From the arrival of a round's chunks, one of each stream, to the moment at which this stream's turn comes.
  case wait
  /// A whole chunk through the path that users run, without a clock read inside.
  case chunk
  /// ``wait`` and ``chunk`` in one, from the arrival to the bytes of the event.
  case latency

  /// The stages of the path, in the order in which a sample meets them.
  public static let stages: [LatencyFigure] = [
    .downmix, .resampler, .features, .detector, .segmenter, .pcm16, .chunker, .base64, .event,
  ]
}

/// Four percentiles of a figure, in microseconds.
public struct LatencyPercentiles: Hashable, Sendable {
  /// What half of the chunks do not exceed.
  public var p50: Double
  /// What 99 % of the chunks do not exceed.
  public var p99: Double
  /// What 99.9 % of the chunks do not exceed.
  public var p999: Double
  /// What no chunk exceeds.
  public var max: Double

  /// Percentiles that were found elsewhere.
  public init(p50: Double, p99: Double, p999: Double, max: Double) {
    (self.p50, self.p99, self.p999, self.max) = (p50, p99, p999, max)
  }

  /// Of what takes no computing.
  public static let none = LatencyPercentiles(p50: 0, p99: 0, p999: 0, max: 0)
}

/// Collects what is timed.
public protocol LatencyRecorder {
  /// Takes a figure of one chunk. Called between chunks, where it may allocate.
  mutating func record(_ nanoseconds: UInt64, as figure: LatencyFigure)

  /// The percentiles of what was taken, of at least one chunk.
  func percentiles(of figure: LatencyFigure) -> LatencyPercentiles
}

/// Keeps every figure, so that percentiles are exact: 96 bytes a chunk.
public struct ExactLatencies: LatencyRecorder {
  private var figures: [[UInt64]]

  /// A recorder with room for `chunkCount` chunks; more of them make it grow.
  public init(chunkCount: Int) {
    figures = LatencyFigure.allCases.map { _ in
      var figures: [UInt64] = []
      figures.reserveCapacity(chunkCount)
      return figures
    }
  }

  public mutating func record(_ nanoseconds: UInt64, as figure: LatencyFigure) {
    figures[figure.rawValue].append(nanoseconds)
  }

  /// By nearest rank: the least value that is not exceeded by the stated part of all.
  public func percentiles(of figure: LatencyFigure) -> LatencyPercentiles {
    let sorted = figures[figure.rawValue].sorted()
    guard let last = sorted.last else { return .none }
    func value(perMille: Int) -> Double {
      let rank = (sorted.count * perMille + 999) / 1_000
      return Double(sorted[rank - 1]) * 1e-3
    }
    return LatencyPercentiles(
      p50: value(perMille: 500), p99: value(perMille: 990), p999: value(perMille: 999), max: Double(last) * 1e-3)
  }
}
