import AudioDSP
import RealtimeVoice

/// The way of a chunk from the samples of a microphone to the bytes of an event, and what it waits for by design.
public struct LocalPath: Sendable {
  /// The rate of the microphone.
  public var inputRate: SampleRate
  /// How many channels it has.
  public var channelCount: Int
  /// What the service speaks; its rate is the output's.
  public var dialect: Dialect
  /// How much audio an event carries.
  public var chunkDuration: Duration
  /// How much audio the device hands over at once; zero for sample by sample.
  public var deviceBlock: Duration
  /// The resampler's filter.
  public var quality: ResamplingQuality
  /// Where the resampler puts its delay.
  public var phase: ResamplingPhase
  /// What tells speech.
  public var detector: SpeechDetector.Kind
  /// How scores become turns: its attack and its hangover count into a turn's latency.
  public var segmentation: SegmenterConfiguration

  /// Stereo to OpenAI's events, unless told otherwise.
  public init(
    inputRate: SampleRate = .hz48000, channelCount: Int = 2, dialect: Dialect = .openAI,
    chunkDuration: Duration = .milliseconds(20), deviceBlock: Duration = .zero, quality: ResamplingQuality = .voice,
    phase: ResamplingPhase = .linear, detector: SpeechDetector.Kind = .neural,
    segmentation: SegmenterConfiguration = .turns
  ) {
    self.inputRate = inputRate
    self.channelCount = channelCount
    self.dialect = dialect
    self.chunkDuration = chunkDuration
    self.deviceBlock = deviceBlock
    self.quality = quality
    self.phase = phase
    self.detector = detector
    self.segmentation = segmentation
  }

  /// The rate of the events' audio.
  public var outputRate: SampleRate { dialect.defaultRate }

  var resampler: Resampler { Resampler(from: inputRate, to: outputRate, quality: quality, phase: phase) }

  /// The path's own segmentation takes every frame for speech, so that every chunk goes the whole way.
  static let everything: SegmenterConfiguration = {
    // Legal values.
    try! SegmenterConfiguration(enterThreshold: 0, exitThreshold: 0, minimumSpeech: .zero, prefixPadding: .zero)
  }()

  /// The sample frames that have come when `blockCount` chunks' time has passed: what the microphone gives is cut at
  /// whole samples and does not drift.
  func inputCount(afterBlocks blockCount: Int) -> Int {
    let (seconds, attoseconds) = chunkDuration.components
    let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
    return blockCount * microseconds * inputRate.hertz / 1_000_000
  }

  /// The number of sample frames in the longest block.
  var longestBlock: Int { inputCount(afterBlocks: 1) + 1 }

  /// The most sample frames that have come and are not scored yet: an incomplete frame, and the look-ahead.
  var unscoredCount: Int {
    SpeechDetector(detector, inputRate).lookAheadInSamples + FrameGrid(inputRate).longestFrame
  }
}

/// What a chunk, or a turn, waits for by design, in milliseconds.
///
/// A chunk is sent when the resampler has given its last sample, and when the detector has scored the frame in which
/// that sample lies. Both hear the same samples at the same time, so that the later of the two counts:
/// ``resampler``, or ``frame`` and ``lookAhead`` together.
public struct AlgorithmicDelays: Hashable, Sendable {
  /// A chunk's first sample waits for its last one.
  public var chunkFill: Double
  /// The most that is added because samples come in the device's blocks: what a chunk needs is there when the block is
  /// full that holds the last of it.
  public var deviceBlock: Double
  /// How far the resampler stays behind: its latency in samples over its input rate.
  public var resampler: Double
  /// The most that a chunk's last sample waits for the end of its 10 ms frame; 0 where chunks are whole frames. At rates
  /// that are no multiple of 100 Hz frames end up to a sample early, and a chunk may have to wait for the next.
  public var frame: Double
  /// What the detector must have heard behind a frame.
  public var lookAhead: Double
  /// What passes at the same time: the lesser of ``resampler``, and ``frame`` and ``lookAhead`` together.
  public var overlap: Double
  /// How much speech confirms the start of a turn.
  public var attack: Double
  /// How much silence ends one.
  public var hangover: Double
  /// From a turn's first sample to its last one that must be heard before it is known that it has started: the attack,
  /// the look-ahead, and the device's block.
  public var turnStart: Double
  /// From a turn's last sample to the last one that must be heard before its end can be sent: the hangover, the
  /// look-ahead or the resampler's delay, whichever is longer, and the device's block. The turn's last chunk is sent as
  /// short as it is.
  public var turnEnd: Double

  /// The delays of a path.
  public init(_ path: LocalPath) {
    let rate = path.inputRate
    let grid = FrameGrid(rate)
    let latency = path.resampler.latencyInSamples
    let ahead = SpeechDetector(path.detector, rate).lookAheadInSamples
    let device = rate.sampleCount(in: path.deviceBlock)
    func milliseconds(_ sampleCount: Int) -> Double { Double(sampleCount) * 1_000 / Double(rate.hertz) }

    let chunks = ChunkEnds(path)
    chunkFill = path.chunkDuration / .milliseconds(1)
    resampler = milliseconds(latency)
    frame = chunks.longestWait { frameEnd, _ in frameEnd }
    lookAhead = milliseconds(ahead)
    overlap = min(resampler, frame + lookAhead)
    let handedOver = chunks.longestWait { frameEnd, end in
      Self.latestBlockEnd(from: max(end + latency, frameEnd + ahead), every: chunks.period, forBlocksOf: device)
    }
    // Without blocks, nothing is rounded to whole samples.
    deviceBlock = device > 0 ? max(0, handedOver - max(resampler, frame + lookAhead)) : 0

    // A decision is made when a frame ends, and at least one frame makes it.
    let frameMilliseconds = 1_000 / Double(FrameGrid.rate)
    attack = Double(max(1, grid.frameCount(in: path.segmentation.minimumSpeech))) * frameMilliseconds
    hangover = Double(max(1, grid.frameCount(in: path.segmentation.hangover))) * frameMilliseconds
    /// The most by which the device's block is late for what is `count` samples behind the end of a frame.
    func blockWait(behind count: Int) -> Int {
      (1...FrameGrid.rate).map { frame in
        let place = grid.start(ofFrame: frame) + count
        return Self.latestBlockEnd(from: place, every: rate.hertz, forBlocksOf: device) - place
      }.max() ?? 0
    }
    turnStart = attack + lookAhead + milliseconds(blockWait(behind: ahead))
    turnEnd = hangover + max(lookAhead, resampler) + milliseconds(blockWait(behind: max(ahead, latency)))
  }

  /// The most that a chunk's first sample waits: what its stages wait for, without what passes at the same time.
  public var chunk: Double { chunkFill + deviceBlock + resampler + frame + lookAhead - overlap }

  /// When the blocks are full that hold the samples before `place`, before `place + period`, before
  /// `place + 2 * period` and so on: the latest of them, as if it were of the first.
  private static func latestBlockEnd(from place: Int, every period: Int, forBlocksOf block: Int) -> Int {
    guard block > 0 else { return place }
    // The waits are the numbers below `block` that leave the same remainder as -place when divided by the greatest
    // common divisor of period and block.
    let step = greatestCommonDivisor(period, block)
    return place + block - step + (step - place % step) % step
  }
}

/// Where a stream's chunks end, of all chunks that there are: their places among samples and frames repeat.
private struct ChunkEnds {
  private let grid: FrameGrid
  private let inputRate: Int
  private let outputRate: Int
  private let sampleCount: Int
  private let chunkCount: Int
  /// The samples of the input after which the places repeat: those of whole seconds.
  let period: Int

  init(_ path: LocalPath) {
    grid = FrameGrid(path.inputRate)
    inputRate = path.inputRate.hertz
    outputRate = path.outputRate.hertz
    sampleCount = path.outputRate.sampleCount(in: path.chunkDuration)
    let divisor = greatestCommonDivisor(sampleCount, outputRate)
    chunkCount = outputRate / divisor
    period = sampleCount / divisor * inputRate
  }

  /// The longest time, in milliseconds, from the end of a chunk to the sample of the input before which `isReady` says
  /// that it can be sent.
  ///
  /// - Parameter isReady: Is given one past the last sample of the frame with which the chunk is scored, and one past
  ///   the last sample that belongs to the chunk.
  func longestWait(_ isReady: (_ frameEnd: Int, _ end: Int) -> Int) -> Double {
    // Counted in parts of an input sample, as many as the output has samples a second: every place is a whole number.
    var longest = Int.min
    for chunk in 1...chunkCount {
      let output = chunk * sampleCount
      let end = (output * inputRate + outputRate - 1) / outputRate
      // The samples up to the instant of the chunk's last one must be scored, in whole frames.
      let scored = (output - 1) * inputRate / outputRate + 1
      let frame = (scored * FrameGrid.rate + inputRate - 1) / inputRate
      longest = max(longest, isReady(grid.start(ofFrame: frame), end) * outputRate - output * inputRate)
    }
    return Double(longest) * 1_000 / (Double(inputRate) * Double(outputRate))
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (divisor, rest) = (a, b)
  while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
  return divisor
}
