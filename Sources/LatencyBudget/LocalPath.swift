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
  /// How scores become turns: its attack and its hangover count into a turn's latency.
  public var segmentation: SegmenterConfiguration

  /// Stereo to OpenAI's events, unless told otherwise.
  public init(
    inputRate: SampleRate = .hz48000, channelCount: Int = 2, dialect: Dialect = .openAI,
    chunkDuration: Duration = .milliseconds(20), deviceBlock: Duration = .zero, quality: ResamplingQuality = .voice,
    phase: ResamplingPhase = .linear, segmentation: SegmenterConfiguration = .turns
  ) {
    self.inputRate = inputRate
    self.channelCount = channelCount
    self.dialect = dialect
    self.chunkDuration = chunkDuration
    self.deviceBlock = deviceBlock
    self.quality = quality
    self.phase = phase
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
}

/// What a chunk, or a turn, waits for by design, in milliseconds.
public struct AlgorithmicDelays: Hashable, Sendable {
  /// A chunk's first sample waits for its last one.
  public var chunkFill: Double
  /// The most that a chunk's last sample, and what the resampler needs behind it, wait for the device's block to be
  /// full.
  public var deviceBlock: Double
  /// How far the resampler stays behind: its latency in samples over its input rate.
  public var resampler: Double
  /// The most that a chunk's last sample waits for the end of its 10 ms frame; 0 where chunks are whole frames.
  public var frame: Double
  /// What the detector must have heard behind a frame.
  public var lookAhead: Double
  /// How much speech confirms the start of a turn.
  public var attack: Double
  /// How much silence ends one.
  public var hangover: Double
  /// From a turn's first sample to its last one that must be heard before it is known that it has started: the attack,
  /// the look-ahead, and the device's block.
  public var turnStart: Double
  /// From a turn's last sample to the last one that must be heard before its end can be sent: the hangover, the
  /// look-ahead, the resampler's delay, and the device's block. The turn's last chunk is sent as short as it is.
  public var turnEnd: Double

  /// The delays of a path.
  public init(_ path: LocalPath) {
    let rate = path.inputRate
    let grid = FrameGrid(rate)
    let detector = EnergyDetector(rate)
    let latency = path.resampler.latencyInSamples
    let device = rate.sampleCount(in: path.deviceBlock)
    func milliseconds(_ sampleCount: Int) -> Double { Double(sampleCount) * 1_000 / Double(rate.hertz) }

    chunkFill = path.chunkDuration / .milliseconds(1)
    resampler = milliseconds(latency)
    let chunk = rate.sampleCount(in: path.chunkDuration)
    deviceBlock = milliseconds(Self.longestWait(every: chunk, behind: latency, forBlocksOf: device))
    frame = milliseconds(Self.longestWait(every: chunk, behind: 0, forBlocksOf: grid.longestFrame))
    lookAhead = milliseconds(detector.lookAheadInSamples)
    // A decision is made when a frame ends, and at least one frame makes it.
    let frameMilliseconds = 1_000 / Double(FrameGrid.rate)
    attack = Double(max(1, grid.frameCount(in: path.segmentation.minimumSpeech))) * frameMilliseconds
    hangover = Double(max(1, grid.frameCount(in: path.segmentation.hangover))) * frameMilliseconds
    let startWait = Self.longestWait(
      every: grid.longestFrame, behind: detector.lookAheadInSamples, forBlocksOf: device)
    turnStart = attack + lookAhead + milliseconds(startWait)
    let endWait = Self.longestWait(
      every: grid.longestFrame, behind: detector.lookAheadInSamples + latency, forBlocksOf: device)
    turnEnd = hangover + lookAhead + resampler + milliseconds(endWait)
  }

  /// The most that any of the samples `k * period + offset` waits for the next multiple of `block`.
  private static func longestWait(every period: Int, behind offset: Int, forBlocksOf block: Int) -> Int {
    guard block > 0 else { return 0 }
    var (step, rest) = (block, period % block)
    while rest != 0 { (step, rest) = (rest, step % rest) }
    // The waits are the numbers below `block` that leave the same remainder as -offset when divided by the greatest
    // common divisor of period and block.
    return block - step + (step - offset % step) % step
  }
}
