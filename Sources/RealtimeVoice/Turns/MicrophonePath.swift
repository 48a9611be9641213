import AudioDSP

/// From the microphone's blocks to the queue of what is sent.
struct MicrophonePath: ~Copyable {
  private var chunker: SpeechChunker<Resampler, SpeechDetector>
  var feed: MicrophoneFeed
  /// The rate of what is sent.
  let sentRate: SampleRate
  private let channelCount: Int
  private var hasFinished = false

  init(_ configuration: SessionConfiguration, outputRate: SampleRate) throws(SpeechChunkerError) {
    let inputRate = configuration.inputRate
    sentRate = outputRate
    channelCount = configuration.channelCount
    var segmentation = SegmenterConfiguration.turns
    var sendsOnlySpeech = false
    if case .local(let turns) = configuration.turnTaking {
      segmentation = turns.segmentation
      sendsOnlySpeech = true
    }
    chunker = try SpeechChunker(
      engine: Resampler(from: inputRate, to: outputRate), detector: SpeechDetector(configuration.detector, inputRate),
      channelCount: configuration.channelCount, downmix: configuration.downmix,
      chunkDuration: MicrophoneFeed.pieceDuration(configuration), segmentation: segmentation,
      cleaning: configuration.cleaning, sendsOnlySpeech: sendsOnlySpeech)
    feed = MicrophoneFeed(configuration, outputRate: outputRate, inputRate: inputRate)
  }

  /// - Throws: For a partial sample frame.
  mutating func hear(_ interleaved: Span<Float>, at now: Duration) throws(DownmixError) {
    guard !hasFinished else { return }
    feed.now = now
    feed.inputCount = chunker.inputCount + interleaved.count / channelCount
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
    do throws(PreparationError<Never>) {
      try chunker.finish(into: &feed)
    } catch {
      preconditionFailure("\(error)")
    }
    feed.finish()
  }
}
