/// A turn as a session's record tells of it, in microseconds on the session's clock.
public struct RecordedTurn: Hashable, Sendable {
  /// Nil where no speech was heard.
  public var speechEnded: Int?
  /// Nil where the service does not tell when it holds a turn for ended.
  public var committed: Int?
  public var answerStarted: Int?
  public var firstAudio: Int
  public var firstPlayed: Int

  public init(speechEnded: Int?, committed: Int?, answerStarted: Int?, firstAudio: Int, firstPlayed: Int) {
    self.speechEnded = speechEnded
    self.committed = committed
    self.answerStarted = answerStarted
    self.firstAudio = firstAudio
    self.firstPlayed = firstPlayed
  }

  /// The two neighbours that are not in the order in which things happen, if any.
  public var disorder: (earlier: String, later: String)? {
    let moments = [
      ("speech_ended_s", speechEnded), ("committed_s", committed), ("answer_started_s", answerStarted),
      ("first_audio_s", firstAudio), ("first_played_s", firstPlayed),
    ].compactMap { name, time in time.map { (name, $0) } }
    for (before, after) in zip(moments, moments.dropFirst()) where before.1 > after.1 { return (before.0, after.0) }
    return nil
  }

  /// Both clocks, each of the turns that tell it; nil where none does. The end of speech is taken from turns that tell
  /// their commit, too, as long as there are any.
  public static func clocks(
    of turns: [RecordedTurn], output: SessionParameter
  ) -> (commit: SessionClock?, speechEnd: SessionClock?) {
    let committed = turns.filter { $0.committed != nil }
    let whole = (committed.isEmpty ? turns : committed).filter { $0.speechEnded != nil }
    // Of all turns, so that both clocks have the same stages.
    let isSplit = !committed.isEmpty && committed.allSatisfy { $0.answerStarted != nil }

    func stages(of turns: [RecordedTurn]) -> [SessionStage] {
      func stage(_ name: String, owner: String, _ time: (RecordedTurn) -> Int) -> SessionStage {
        SessionStage(name, .measured, owner: owner, microseconds: turns.map(time))
      }
      var stages: [SessionStage] = []
      if isSplit {
        stages.append(
          stage("network and answer's start", owner: "service") { ($0.answerStarted ?? 0) - ($0.committed ?? 0) })
        stages.append(stage("to the first audio", owner: "service") { $0.firstAudio - ($0.answerStarted ?? 0) })
      } else if !committed.isEmpty {
        stages.append(stage("network and model", owner: "service") { $0.firstAudio - ($0.committed ?? 0) })
      }
      stages.append(stage("decode, jitter buffer, playout", owner: "client") { $0.firstPlayed - $0.firstAudio })
      stages.append(SessionStage(output, turnCount: turns.count))
      return stages
    }
    func stagesFromSpeechEnd(of turns: [RecordedTurn]) -> [SessionStage] {
      let (name, owner) =
        committed.isEmpty ? ("end of turn, network and model", "service") : ("end of turn", "caller")
      let first = turns.map { ($0.committed ?? $0.firstAudio) - ($0.speechEnded ?? 0) }
      return [SessionStage(name, .measured, owner: owner, microseconds: first)] + stages(of: turns)
    }
    return (
      committed.isEmpty ? nil : SessionClock(stages(of: committed)),
      whole.isEmpty ? nil : SessionClock(stagesFromSpeechEnd(of: whole))
    )
  }
}
