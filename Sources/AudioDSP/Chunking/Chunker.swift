/// Cuts a stream of 16-bit samples into chunks of one length.
///
/// The last chunk is as short as what is left. No chunk is empty. Nothing allocates after `init`.
public struct Chunker: ~Copyable, Sendable {
  /// The legal lengths of a chunk.
  public static let durations = Duration.milliseconds(10)...Duration.seconds(10)

  /// How many samples a whole chunk has.
  public let chunkSampleCount: Int

  private var held: [Int16]
  private var heldCount = 0

  /// A chunker of a stream at `sampleRate`, whose chunks last for `duration`, rounded to whole samples.
  ///
  /// - Throws: ``ChunkerError`` when `duration` lies outside of ``durations``.
  public init(_ sampleRate: SampleRate, duration: Duration) throws(ChunkerError) {
    guard Self.durations.contains(duration) else { throw ChunkerError(duration: duration) }
    chunkSampleCount = sampleRate.sampleCount(in: duration)
    held = [Int16](repeating: 0, count: chunkSampleCount)
  }

  /// Takes all of `samples` and hands each chunk that they complete to `body`, in order.
  ///
  /// - Throws: What `body` throws. The stream is then lost: ``reset()`` starts a new one.
  public mutating func process<Failure>(
    _ samples: Span<Int16>, _ body: (Span<Int16>) throws(Failure) -> Void
  ) throws(Failure) {
    var taken = 0
    while taken < samples.count {
      // A whole chunk of the caller's goes through without being copied.
      if heldCount == 0, samples.count - taken >= chunkSampleCount {
        try body(samples.extracting(taken..<taken + chunkSampleCount))
        taken += chunkSampleCount
        continue
      }
      let count = min(chunkSampleCount - heldCount, samples.count - taken)
      let start = heldCount
      var target = held.mutableSpan
      for i in 0..<count { target[start + i] = samples[taken + i] }
      heldCount += count
      taken += count
      if heldCount == chunkSampleCount {
        heldCount = 0
        try body(held.span)
      }
    }
  }

  /// Hands what is left to `body`, if anything is, and starts a new stream.
  ///
  /// - Parameter padded: Whether silence makes the last chunk as long as the others.
  /// - Throws: What `body` throws.
  public mutating func finish<Failure>(
    padded: Bool = false, _ body: (Span<Int16>) throws(Failure) -> Void
  ) throws(Failure) {
    guard heldCount > 0 else { return }
    var count = heldCount
    heldCount = 0
    if padded {
      for i in count..<chunkSampleCount { held[i] = 0 }
      count = chunkSampleCount
    }
    try body(held.span.extracting(..<count))
  }

  /// How many samples wait for their chunk to be completed.
  public var pendingSampleCount: Int { heldCount }

  /// Forgets what waits.
  public mutating func reset() {
    heldCount = 0
  }
}

/// A chunk length outside of ``Chunker/durations``.
public struct ChunkerError: Error, Equatable, CustomStringConvertible {
  /// What was asked for.
  public var duration: Duration

  package init(duration: Duration) {
    self.duration = duration
  }

  public var description: String {
    "a chunk of \(duration) is outside of \(Chunker.durations.lowerBound) to \(Chunker.durations.upperBound)"
  }
}
