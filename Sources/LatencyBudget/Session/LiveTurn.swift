/// A turn of a session that was held for its times: push to talk, so that the end of speech is where it is known to be.
///
/// Waits that are counted in samples are free of the lateness of whatever stands in for the device; all else is read from
/// one clock. In microseconds.
public struct LiveTurn: Hashable, Sendable {
  // Counted in samples.

  /// From the last sample of speech to the end of the device's block that holds it.
  public var deviceWait: Int
  /// From the end of that block to the end of the block that completes the turn's last chunk.
  public var chunkWait: Int
  /// How much of that is the resampler's delay.
  public var resamplerDelay: Int

  // Moments, each not before the one above.

  /// The block that completes the last chunk was handed over.
  public var handedOver: Int
  /// Everything was computed but the chunk's event.
  public var prepared: Int
  public var encoded: Int
  /// The chunk was handed to the socket, and the turn committed.
  public var committed: Int
  /// The commit was handed to the socket.
  public var commitSent: Int
  /// The message with the answer's first audio came out of the socket.
  public var arrived: Int
  public var decoded: Int
  /// The jitter buffer was full.
  public var playable: Int
  /// The device asked for the block with the first sample.
  public var pulled: Int
  /// It was given.
  public var rendered: Int

  /// - Returns: Nil where a moment comes before the one above it.
  public init?(
    deviceWait: Int, chunkWait: Int, resamplerDelay: Int, handedOver: Int, prepared: Int, encoded: Int, committed: Int,
    commitSent: Int, arrived: Int, decoded: Int, playable: Int, pulled: Int, rendered: Int
  ) {
    let moments = [
      handedOver, prepared, encoded, committed, commitSent, arrived, decoded, playable, pulled, rendered,
    ]
    guard zip(moments, moments.dropFirst()).allSatisfy({ $0 <= $1 }), deviceWait >= 0, chunkWait >= 0,
      resamplerDelay >= 0
    else { return nil }
    self.deviceWait = deviceWait
    self.chunkWait = chunkWait
    // Without a rate to change, a chunk may be complete with the block in which speech ends.
    self.resamplerDelay = min(resamplerDelay, chunkWait)
    self.handedOver = handedOver
    self.prepared = prepared
    self.encoded = encoded
    self.committed = committed
    self.commitSent = commitSent
    self.arrived = arrived
    self.decoded = decoded
    self.playable = playable
    self.pulled = pulled
    self.rendered = rendered
  }

  /// Both clocks of turns, at least one.
  public static func clocks(
    of turns: [LiveTurn], _ parameters: SessionParameters
  ) -> (commit: SessionClock, speechEnd: SessionClock) {
    func stage(
      _ name: String, _ kind: SessionStage.Kind = .measured, owner: String, isClientShare: Bool = false,
      _ time: (LiveTurn) -> Int
    ) -> SessionStage {
      SessionStage(name, kind, owner: owner, isClientShare: isClientShare, microseconds: turns.map(time))
    }
    func given(_ parameter: SessionParameter) -> SessionStage { SessionStage(parameter, turnCount: turns.count) }

    let before = [
      stage("device block", .design, owner: "audio device") { $0.deviceWait },
      given(parameters.endOfTurn),
      stage("chunk fill", .design, owner: "caller") { $0.chunkWait - $0.resamplerDelay },
      stage("resampler delay", .design, owner: "AudioDSP") { $0.resamplerDelay },
      stage("hand-over and DSP", owner: "AudioDSP") { $0.prepared - $0.handedOver },
      stage("encode audio", owner: "RealtimeVoice") { $0.encoded - $0.prepared },
      stage("audio to socket", owner: "RealtimeVoiceNIO") { $0.committed - $0.encoded },
    ]
    var behind = [
      stage("commit to socket", owner: "RealtimeVoiceNIO", isClientShare: true) { $0.commitSent - $0.committed }
    ]
    if let remote = parameters.remote {
      behind += [given(remote.uplink), given(remote.model), given(remote.downlink)]
    } else {
      behind.append(stage("network and model", owner: "service") { $0.arrived - $0.commitSent })
    }
    behind += [
      stage("receive and decode", owner: "RealtimeVoiceNIO", isClientShare: true) { $0.decoded - $0.arrived },
      stage("jitter buffer", owner: "RealtimeVoice", isClientShare: true) { $0.playable - $0.decoded },
      stage("playout block", owner: "audio device") { $0.pulled - $0.playable },
      stage("render", owner: "RealtimeVoice", isClientShare: true) { $0.rendered - $0.pulled },
      given(parameters.output),
    ]
    return (SessionClock(behind), SessionClock(before + behind))
  }

  /// What passed between the two sockets: in place of it stand parameters where the service was a simulator.
  public static func betweenSockets(_ turns: [LiveTurn]) -> SessionStage {
    SessionStage(
      "simulator and loopback", .measured, owner: "RealtimeSimulator",
      microseconds: turns.map { $0.arrived - $0.commitSent })
  }
}
