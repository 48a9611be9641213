import AudioDSP
import LatencyBudget
import NIOPosix
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization

/// Holds turns by push to talk, at the pace of speech, and times them: a microphone that gives a block when its last
/// sample has been spoken, and a speaker that asks for blocks of the same length.
struct SessionMeasurement: Sendable {
  /// Its input is the microphone's; its turns are the user's to end.
  let configuration: SessionConfiguration
  /// What is said in every turn, interleaved.
  let signal: [Float]
  /// Sample frames of a block.
  let blockLength: Int
  let resamplerDelay: Duration

  /// The fractional parts of multiples of these fill a unit evenly: every turn ends, and is answered, at another place
  /// between two blocks and two chunks.
  private static let inputSpread = 0.6180339887498949
  private static let outputSpread = 0.4142135623730951
  /// What a turn's last chunk may take to be committed, beyond its own length, before something is wrong.
  private static let commitLimit = Duration.seconds(2)

  private var rate: SampleRate { configuration.inputRate }
  private var signalLength: Int { signal.count / configuration.channelCount }

  /// Times `turnCount` turns behind one that is not counted, in which everything is made that is made on first use.
  ///
  /// - Parameter progress: Told how many turns are done.
  func run(
    _ endpoint: ServiceEndpoint, turnCount: Int, progress: @Sendable (Int) -> Void
  ) async throws -> [LiveTurn] {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let client: VoiceClient
    do {
      client = try VoiceClient(endpoint, configuration, on: group)
    } catch {
      try? await group.shutdownGracefully()
      throw Misuse("\(error)")
    }
    let complaints = Complaints()
    let listening = Task { for await event in client.events { complaints.note(event.event) } }
    await client.start()
    var turns: [LiveTurn] = []
    var failure: (any Error)?
    do {
      await client.wait(until: { $0.isReady })
      for index in 0...turnCount {
        let turn = try await self.turn(index, client)
        if index > 0 { turns.append(turn) }
        progress(index)
      }
    } catch {
      failure = error
    }
    await client.close()
    await listening.value
    try? await group.shutdownGracefully()
    if let failure {
      guard let reason = complaints.reason else { throw failure }
      throw Failure("\(failure): \(reason)")
    }
    return turns
  }

  private func turn(_ index: Int, _ client: VoiceClient) async throws -> LiveTurn {
    guard await !client.isClosed else { throw Failure("the session has ended") }
    let period = max(blockLength, rate.sampleCount(in: configuration.chunkDuration))
    let lead = Int(Double(period) * Self.fraction(index, Self.inputSpread))
    let speechEnd = lead + signalLength
    let limit = rate.sampleCount(in: configuration.chunkDuration + Self.commitLimit)
    let name = index == 0 ? "the turn that is not counted" : "turn \(index)"
    let committedBefore = await client.turnSteps.committed
    await client.beginTurn()
    let start = ContinuousClock.now
    let offset = duration(of: blockLength) * Self.fraction(index, Self.outputSpread)
    let speaker = Task { await speak(client, from: start + offset) }
    defer { speaker.cancel() }

    var heardCount = 0
    var releasedAt: Int?
    var completion: (heardCount: Int, handedOver: UInt64)?
    while true {
      let samples = block(at: heardCount, lead: lead)
      heardCount += blockLength
      try await Task.sleep(until: start + duration(of: heardCount), clock: .continuous)
      let handedOver = NanosecondClock.now()
      try await client.hear(samples)
      if releasedAt == nil, heardCount >= speechEnd {
        releasedAt = heardCount
        await client.endTurn()
      }
      guard let releasedAt else { continue }
      if completion == nil, let committed = await client.turnSteps.committed, committed != committedBefore {
        completion = (heardCount, handedOver)
      }
      if await client.isClosed { throw Failure("the session ended in \(name)") }
      if let completion, await client.isSettled {
        speaker.cancel()
        await speaker.value
        let timing = await client.turnSteps
        guard
          let turn = turn(
            timing, client, deviceWait: releasedAt - speechEnd, chunkWait: completion.heardCount - releasedAt,
            handedOver: completion.handedOver)
        else { throw Failure("\(name) was not answered with audio") }
        return turn
      }
      guard completion != nil || heardCount - releasedAt < limit else {
        throw Failure("\(name) was not committed")
      }
    }
  }

  /// - Parameters:
  ///   - deviceWait: In sample frames, as is `chunkWait`.
  /// - Returns: Nil where something of the turn did not happen.
  private func turn(
    _ timing: TurnSteps, _ client: VoiceClient, deviceWait: Int, chunkWait: Int, handedOver: UInt64
  ) -> LiveTurn? {
    guard let prepared = timing.prepared, let encoded = timing.encoded, let committed = timing.committed,
      let commitSent = timing.commitSent, let arrived = timing.arrived, let decoded = timing.decoded,
      let playable = timing.playable, let pulled = timing.pulled, let rendered = timing.rendered
    else { return nil }
    return LiveTurn(
      deviceWait: duration(of: deviceWait).microseconds, chunkWait: duration(of: chunkWait).microseconds,
      resamplerDelay: resamplerDelay.microseconds, handedOver: Int((handedOver - client.clockOrigin) / 1_000),
      prepared: prepared.microseconds, encoded: encoded.microseconds, committed: committed.microseconds,
      commitSent: commitSent.microseconds, arrived: arrived.microseconds, decoded: decoded.microseconds,
      playable: playable.microseconds, pulled: pulled.microseconds, rendered: rendered.microseconds)
  }

  /// The speaker, until it is cancelled.
  private func speak(_ client: VoiceClient, from start: ContinuousClock.Instant) async {
    let block = duration(of: blockLength)
    var next = start
    while !Task.isCancelled, await !client.isClosed {
      next += block
      try? await Task.sleep(until: next, clock: .continuous)
      let rate = await client.playoutRate
      _ = await client.play(max(1, rate.sampleCount(in: block)))
    }
  }

  /// A block of the microphone: silence, `lead` sample frames of it, what is said, and silence again.
  private func block(at position: Int, lead: Int) -> [Float] {
    let channelCount = configuration.channelCount
    var samples = [Float](repeating: 0, count: blockLength * channelCount)
    let start = max(0, lead - position) * channelCount
    let from = max(0, position - lead) * channelCount
    let count = min(samples.count - start, signal.count - from)
    guard count > 0 else { return samples }
    samples.replaceSubrange(start..<start + count, with: signal[from..<from + count])
    return samples
  }

  private func duration(of frameCount: Int) -> Duration {
    rate.duration(of: frameCount)
  }

  private static func fraction(_ index: Int, _ spread: Double) -> Double {
    (Double(index) * spread).truncatingRemainder(dividingBy: 1)
  }

  /// What went wrong by the session's own word.
  private final class Complaints: Sendable {
    private let reasons = Mutex<[String]>([])

    /// The last of it.
    var reason: String? { reasons.withLock { $0.last } }

    func note(_ event: SessionEvent) {
      let reason: String? =
        switch event {
        case .closed(.failed(let reason)): reason
        case .serviceError(let error): "the service says: \(error)"
        case .answerFinished(let end): end.isGood ? nil : end.text
        case .turnTooShort: "the turn is too short for the service"
        case .reconnecting(_, _, let reason): reason
        default: nil
        }
      if let reason { reasons.withLock { $0.append(reason.onOneLine) } }
    }
  }
}

extension Duration {
  /// Whole ones, rounded down.
  fileprivate var microseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
  }
}
