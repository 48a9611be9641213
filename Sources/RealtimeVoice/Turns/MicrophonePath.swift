import AudioDSP

/// From the microphone's blocks to the queue of what is sent.
struct MicrophonePath: ~Copyable {
  private var chunker: SpeechChunker<Resampler, SpeechDetector>
  var feed: MicrophoneFeed
  private let inputRate: SampleRate
  private let outputRate: SampleRate
  /// Room for a chunk that moves from one queue to another.
  private var chunk: [Int16] = []
  private var hasFinished = false
  /// When the last block came, which ended with the last sample so far.
  private var lastBlockAt = Duration.zero

  init(_ configuration: SessionConfiguration, outputRate: SampleRate) throws(SpeechChunkerError) {
    inputRate = configuration.inputRate
    self.outputRate = outputRate
    var segmentation = SegmenterConfiguration.turns
    var sendsOnlySpeech = false
    if case .local(let turns) = configuration.turnTaking {
      segmentation = turns.segmentation
      sendsOnlySpeech = true
    }
    chunker = try SpeechChunker(
      engine: Resampler(from: inputRate, to: outputRate), detector: SpeechDetector(configuration.detector, inputRate),
      channelCount: configuration.channelCount, downmix: configuration.downmix,
      chunkDuration: configuration.chunkDuration, segmentation: segmentation, cleaning: configuration.cleaning,
      sendsOnlySpeech: sendsOnlySpeech)
    feed = MicrophoneFeed(configuration, outputRate: outputRate, inputRate: inputRate)
    chunk.reserveCapacity(outputRate.sampleCount(in: configuration.chunkDuration))
  }

  /// The rate of what is sent.
  var sentRate: SampleRate { outputRate }

  /// - Throws: For a partial sample frame.
  mutating func hear(_ interleaved: Span<Float>, at now: Duration) throws(DownmixError) {
    guard !hasFinished else { return }
    feed.now = now
    lastBlockAt = now
    do throws(PreparationError<Never>) {
      try chunker.process(interleaved, into: &feed)
    } catch {
      switch error {
      case .input(let error): throw error
      case .engine(let error): preconditionFailure("\(error)")
      }
    }
  }

  /// The microphone is off for good: what the chain holds is queued, and a turn that is open ends.
  mutating func finish(at now: Duration) {
    guard !hasFinished else { return }
    hasFinished = true
    feed.now = now
    do throws(PreparationError<Never>) {
      try chunker.finish(into: &feed)
    } catch {
      preconditionFailure("\(error)")
    }
    feed.release()
    feed.queue.append(.inputEnd)
  }

  mutating func press() { feed.press(&chunk) }

  mutating func letGo() {
    let due = ResamplingRatio(from: inputRate, to: outputRate).outputCount(forInputCount: chunker.inputCount)
    feed.letGo(at: due)
  }

  /// When the last sample of speech came, as far as is known.
  var speechEndedAt: Duration? {
    guard let end = feed.speechEnd else { return nil }
    let behind = chunker.inputCount - end
    return lastBlockAt - .nanoseconds(Int64(behind) * 1_000_000_000 / Int64(inputRate.hertz))
  }
}
