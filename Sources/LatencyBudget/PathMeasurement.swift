import AudioDSP

/// Times chunks of independent streams that one core serves in turn.
///
/// Every stream is fed with the same sound, from places that differ, in blocks of one chunk. Before the clock is read,
/// the block is copied to a buffer of its stream, as a device's callback would do. The chunks of a round, one of each
/// stream, arrive at the same instant. Streams go on from round to round, and the first rounds are not counted: they
/// fill caches and make what is made on first use.
///
/// There are two passes over the same sound: one through the path that users run, timed as a whole, and one through its
/// parts, a clock read between any two. That both make the same events is checked before.
public struct PathMeasurement: Sendable {
  /// What is measured.
  public let path: LocalPath
  /// How many streams there are.
  public let streamCount: Int
  /// How many chunks each of them has.
  public let roundCount: Int

  /// How many chunks were timed, of all streams together.
  public private(set) var chunkCount = 0
  /// Chunks that took longer to compute than their stream's share of the core allows: their duration divided by the
  /// number of streams.
  public private(set) var deadlineMisses = 0
  /// The time that all chunks together took to compute, in nanoseconds, interruptions by whatever else the machine does
  /// included.
  public private(set) var computing: UInt64 = 0
  /// What a chunk takes to compute when nothing interrupts it, in nanoseconds: the median of the means over batches of
  /// chunks in a row, which contain what is not done for every chunk, too.
  public private(set) var typicalComputing = 0.0

  /// The audio of a batch, and how many chunks it has at least. Computing it takes less than the time slices that a
  /// busy machine gives, so that most batches are not interrupted.
  private static let batch = Duration.seconds(1)
  private static let leastBatchCount = 4

  /// The audio of the rounds that are not counted, all streams together, and how many rounds there are at least.
  private static let warmUp = Duration.seconds(5)
  private static let leastWarmUpRounds = 8
  /// The audio of which the check of the two passes compares the events, and how many chunks there are at least.
  private static let compared = Duration.seconds(1)
  private static let leastComparedChunks = 6

  /// A measurement that has not been run.
  ///
  /// - Precondition: Both counts are positive.
  public init(_ path: LocalPath, streamCount: Int = 1, roundCount: Int) {
    precondition(streamCount > 0 && roundCount > 0)
    self.path = path
    self.streamCount = streamCount
    self.roundCount = roundCount
  }

  /// A measurement whose figures were found elsewhere.
  package init(
    _ path: LocalPath, streamCount: Int, chunkCount: Int, deadlineMisses: Int, computing: UInt64
  ) {
    self.init(path, streamCount: streamCount, roundCount: max(1, chunkCount / streamCount))
    self.chunkCount = chunkCount
    self.deadlineMisses = deadlineMisses
    self.computing = computing
    typicalComputing = Double(computing) / Double(max(1, chunkCount))
  }

  /// Seconds of audio per second of computing on one core, all streams together, when nothing interrupts it.
  public var realTimeFactor: Double {
    (path.chunkDuration / .nanoseconds(1)) / max(1, typicalComputing)
  }

  /// The same with all interruptions: what this machine could keep up with while it was measured.
  public var meanRealTimeFactor: Double {
    Double(chunkCount) * (path.chunkDuration / .nanoseconds(1)) / Double(max(1, computing))
  }

  /// Runs both passes.
  ///
  /// - Parameters:
  ///   - signal: Interleaved samples, which are repeated.
  ///   - recorder: Takes the figures.
  ///   - around: Runs its argument, which serves one chunk; may count what it allocates. Not called for the chunks that
  ///     are not counted.
  ///   - progress: Told now and then which part of the work is done, 0...1.
  /// - Throws: ``PathMeasurementError``; what the path refuses; and what `around` throws.
  public mutating func run(
    _ signal: [Float], into recorder: inout some LatencyRecorder,
    around: (() throws -> Void) throws -> Void = { try $0() }, progress: (Double) -> Void = { _ in }
  ) throws {
    guard !signal.isEmpty, signal.count.isMultiple(of: path.channelCount) else {
      throw PathMeasurementError.badSignal
    }
    try compare(signal)
    chunkCount = 0
    deadlineMisses = 0
    computing = 0
    try timeWhole(signal, &recorder, around, progress)
    try timeStages(signal, &recorder, around, progress)
  }

  private var warmUpRounds: Int {
    max(Self.leastWarmUpRounds, Int(Self.warmUp / path.chunkDuration) / streamCount)
  }

  /// - Throws: Where the two passes would not make the same events.
  private func compare(_ signal: [Float]) throws {
    let whole = Collector()
    let staged = Collector()
    var wholePath = try WholePath(path) { whole.take($0) }
    var stagedPath = try StagedPath(path) { staged.take($0) }
    var source = BlockSource(path, signal, start: 0)
    var times = [UInt64](repeating: 0, count: LatencyFigure.allCases.count)
    let chunkCount = max(Self.leastComparedChunks, Int(Self.compared / path.chunkDuration))
    for _ in 0..<chunkCount {
      source.next(from: signal)
      let block = source.buffer.span.extracting(..<source.count)
      _ = try wholePath.process(block)
      var target = times.mutableSpan
      try stagedPath.process(block, into: &target)
    }
    guard whole.bytes == staged.bytes, whole.eventCount >= chunkCount / 2 else {
      throw PathMeasurementError.passesDiffer
    }
  }

  private mutating func timeWhole(
    _ signal: [Float], _ recorder: inout some LatencyRecorder, _ around: (() throws -> Void) throws -> Void,
    _ progress: (Double) -> Void
  ) throws {
    let streams = try (0..<streamCount).map { i in
      try Stream(path, signal, index: i, of: streamCount, WholePath(path) { _ in })
    }
    var batches: [UInt64] = []
    var batch: (sum: UInt64, count: Int) = (0, 0)
    let batchCount = min(
      roundCount * streamCount, max(Self.leastBatchCount, Int(Self.batch / path.chunkDuration)))
    let share = UInt64(path.chunkDuration / .nanoseconds(1)) / UInt64(streamCount)
    var times = [(begin: UInt64, end: UInt64)](repeating: (0, 0), count: streamCount)
    for round in 0..<warmUpRounds + roundCount {
      for stream in streams { stream.source.next(from: signal) }
      let isCounted = round >= warmUpRounds
      let arrival = NanosecondClock.now()
      for i in 0..<streamCount {
        let stream = streams[i]
        guard isCounted else {
          _ = try stream.serve()
          continue
        }
        try around { times[i] = try stream.serve() }
      }
      guard isCounted else { continue }
      for time in times {
        let taken = time.end - time.begin
        recorder.record(time.begin - arrival, as: .wait)
        recorder.record(taken, as: .chunk)
        recorder.record(time.end - arrival, as: .latency)
        computing += taken
        chunkCount += 1
        if taken > share { deadlineMisses += 1 }
        batch.sum += taken
        batch.count += 1
        if batch.count == batchCount {
          batches.append(batch.sum)
          batch = (0, 0)
        }
      }
      progress(0.5 * Double(round) / Double(warmUpRounds + roundCount))
    }
    batches.sort()
    typicalComputing = Double(batches[batches.count / 2]) / Double(batchCount)
    // All but the resampler's delay, or the detector's, has come out, or the path that was timed is not the path.
    let delay = max(path.resampler.latencyInSamples, path.unscoredCount)
    let most = delay / path.inputCount(afterBlocks: 1) + 2
    for stream in streams where stream.path.eventCount < warmUpRounds + roundCount - most {
      throw PathMeasurementError.eventsMissing
    }
  }

  private func timeStages(
    _ signal: [Float], _ recorder: inout some LatencyRecorder, _ around: (() throws -> Void) throws -> Void,
    _ progress: (Double) -> Void
  ) throws {
    let streams = try (0..<streamCount).map { i in
      try Stream(path, signal, index: i, of: streamCount, StagedPath(path) { _ in })
    }
    for round in 0..<warmUpRounds + roundCount {
      for stream in streams { stream.source.next(from: signal) }
      guard round >= warmUpRounds else {
        for stream in streams { try stream.serve() }
        continue
      }
      for stream in streams { try around { try stream.serve() } }
      for stream in streams {
        for figure in LatencyFigure.stages { recorder.record(stream.times[figure.rawValue], as: figure) }
      }
      progress(0.5 + 0.5 * Double(round) / Double(warmUpRounds + roundCount))
    }
  }
}

/// Why nothing was measured.
public enum PathMeasurementError: Error, Equatable, CustomStringConvertible {
  /// The signal has no samples, or no whole number of sample frames.
  case badSignal
  /// The path and its parts, one after the other, do not make the same events: figures of one would not be the other's.
  case passesDiffer
  /// Less came out than went in.
  case eventsMissing

  public var description: String {
    switch self {
    case .badSignal: "the signal has no whole number of sample frames"
    case .passesDiffer: "the path and its stages, taken one by one, do not make the same events"
    case .eventsMissing: "the path has lost events"
    }
  }
}

/// A stream with its own path and its own buffer. A class, because arrays hold nothing that cannot be copied.
private final class Stream<Path: ~Copyable> {
  var source: BlockSource
  var path: Path
  var times: [UInt64]

  init(_ configuration: LocalPath, _ signal: [Float], index: Int, of count: Int, _ path: consuming Path) {
    // Streams that all say the same at the same time would share the signal's cache lines.
    source = BlockSource(
      configuration, signal, start: signal.count / configuration.channelCount / count * index)
    self.path = path
    times = [UInt64](repeating: 0, count: LatencyFigure.allCases.count)
  }
}

extension Stream where Path == WholePath {
  func serve() throws -> (begin: UInt64, end: UInt64) {
    let buffer = source.buffer
    return try path.process(buffer.span.extracting(..<source.count))
  }
}

extension Stream where Path == StagedPath {
  func serve() throws {
    let buffer = source.buffer
    var target = times.mutableSpan
    try path.process(buffer.span.extracting(..<source.count), into: &target)
  }
}

/// Blocks of one chunk each, copied to one buffer as a device's callback would do.
private struct BlockSource {
  private let path: LocalPath
  private(set) var buffer: [Float]
  /// How many samples of the buffer are the block's.
  private(set) var count = 0
  private var blockCount = 0
  private var position: Int

  /// - Parameter start: The sample frame of the signal from which blocks are taken.
  init(_ path: LocalPath, _ signal: [Float], start: Int) {
    self.path = path
    buffer = [Float](repeating: 0, count: path.longestBlock * path.channelCount)
    position = start * path.channelCount
  }

  mutating func next(from signal: [Float]) {
    let frameCount = path.inputCount(afterBlocks: blockCount + 1) - path.inputCount(afterBlocks: blockCount)
    blockCount += 1
    let count = frameCount * path.channelCount
    var position = position
    var target = buffer.mutableSpan
    for i in 0..<count {
      target[i] = signal[position]
      position += 1
      if position == signal.count { position = 0 }
    }
    self.position = position
    self.count = count
  }
}

/// Keeps what was sent.
private final class Collector {
  private(set) var bytes: [UInt8] = []
  private(set) var eventCount = 0

  func take(_ event: Span<UInt8>) {
    for i in event.indices { bytes.append(event[i]) }
    bytes.append(UInt8(ascii: "\n"))
    eventCount += 1
  }
}
