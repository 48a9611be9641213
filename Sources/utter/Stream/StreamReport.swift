import AudioDSP
import Foundation
import RealtimeVoice
import RealtimeVoiceNIO

/// What a session tells its user: words, latencies, what went wrong; and what came of it in the end.
actor StreamReport {
  private let words: Output?
  private let timeline: Timeline?
  private let isQuiet: Bool
  private var texts: [String: (speaker: TextDelta.Speaker, text: String)] = [:]
  private var order: [String] = []
  private var usage = Usage()

  /// Whether there has been a session.
  private var wasReady = false
  private(set) var turnCount = 0
  private(set) var answerCount = 0
  private(set) var badAnswerCount = 0
  private(set) var interruptionCount = 0
  private(set) var timings: [TurnTiming] = []
  private(set) var end: SessionEnd?
  /// Why something could not be written.
  private var timelineFailure: (any Error)?
  private var wordsFailure: (any Error)?

  init(words: String?, timeline: String?, model: String?, isQuiet: Bool) throws {
    self.words = try words.map { try Output($0) }
    self.timeline = try timeline.map { try Timeline($0, model: model) }
    self.isQuiet = isQuiet
  }

  func listen(to events: SessionEvents) async {
    for await event in events { note(event) }
  }

  /// - Throws: What could not be written; each of the two outputs is finished whatever becomes of the other.
  func finish() throws {
    flushTexts()
    let saidAll = Result {
      if let wordsFailure { throw wordsFailure }
      try words?.finish()
    }
    if let timelineFailure { throw timelineFailure }
    try timeline?.finish()
    try saidAll.get()
  }

  /// The end, in a few words.
  func summary(playedSeconds: Double) -> String {
    var parts = [
      counted(turnCount, "turn"),
      "\(counted(answerCount, "answer")) (\(String(format: "%.2f", playedSeconds)) s played)",
    ]
    if interruptionCount > 0 { parts.append(counted(interruptionCount, "interruption")) }
    if usage != .zero {
      parts.append(
        "tokens in \(usage.input.total) (\(usage.input.audio) audio, \(usage.cachedInput.total) cached), "
          + "out \(usage.output.total) (\(usage.output.audio) audio)")
    }
    return parts.joined(separator: ", ")
  }

  private func note(_ event: TimedSessionEvent) {
    if timelineFailure == nil {
      do { try timeline?.write(event) } catch { timelineFailure = error }
    }
    switch event.event {
    case .turnEnded: turnCount += 1
    case .turnTooShort(let audio):
      turnCount -= 1
      tell("a turn of \(audio.milliseconds) ms is too short for the service and was not sent as one")
    case .text(let delta): note(delta)
    case .playoutStarted(_, let timing): tell(timing)
    case .interrupted(let items):
      interruptionCount += 1
      let heard = items.reduce(0) { $0 + $1.heardInMilliseconds }
      tell("interrupted: \(heard) ms of the answer were heard")
    case .toolCalled(let call): tell("the model calls \(call.name.onOneLine) \(call.arguments.onOneLine)")
    case .answerFinished(let end):
      flushTexts()
      if case .told(let outcome) = end, case .cancelled = outcome.status { break }
      answerCount += 1
      if !end.isGood {
        badAnswerCount += 1
        Diagnostics.warn("answer \(answerCount): \(end.text.onOneLine)")
      }
    case .usage(let used): usage += used
    case .inputDropped(let count): Diagnostics.warn("\(counted(count, "sample")) of the input had no room and are lost")
    case .outputDropped(let count):
      Diagnostics.warn("\(counted(count, "sample")) of an answer had no room and are lost")
    case .serviceError(let error): Diagnostics.warn("the service says: \("\(error)".onOneLine)")
    case .malformed(let what): Diagnostics.warn("a message that cannot be read: \(what.onOneLine)")
    case .reconnecting(let attempt, let delay, let reason):
      Diagnostics.warn(
        "\(wasReady ? "connection lost" : "cannot connect") (\(reason.onOneLine)), attempt \(attempt) in "
          + "\(Int(delay.milliseconds.rounded())) ms")
    case .renewing: tell("the connection reaches its limit and is renewed")
    case .closed(let end): self.end = end
    case .ready: wasReady = true
    case .turnStarted, .answerStarted, .playoutFinished, .playoutStarved, .ducked, .restored, .toolReturned,
      .rateLimits, .unknown:
      break
    }
  }

  private func tell(_ line: String) {
    if !isQuiet { Diagnostics.write(line) }
  }

  private func tell(_ timing: TurnTiming) {
    // Of an answer with several items, the first.
    guard let played = timing.firstPlayed, timings.last?.firstPlayed != played else { return }
    timings.append(timing)
    let clocks = [("the commit", timing.committed), ("the end of speech", timing.speechEnded)]
      .compactMap { name, start in start.map { "\(Int((played - $0).milliseconds.rounded())) ms after \(name)" } }
    tell("turn \(turnCount): first sample of the answer \(clocks.joined(separator: ", "))")
  }

  // MARK: Words

  private func note(_ delta: TextDelta) {
    let key = "\(delta.speaker) \(delta.itemID ?? "")"
    if delta.isWhole {
      let isNew = texts.removeValue(forKey: key) == nil
      if !isNew { order.removeAll { $0 == key } }
      put(delta.speaker, delta.text, isCorrection: delta.isCorrection)
    } else if texts[key] == nil {
      texts[key] = (delta.speaker, delta.text)
      order.append(key)
    } else {
      texts[key]?.text += delta.text
    }
  }

  /// Writes what no event has called whole.
  private func flushTexts() {
    for key in order {
      if let (speaker, text) = texts[key] { put(speaker, text) }
    }
    texts.removeAll()
    order.removeAll()
  }

  private func put(_ speaker: TextDelta.Speaker, _ text: String, isCorrection: Bool = false) {
    let name = speaker == .user ? "user" : isCorrection ? "answer, as heard" : "answer"
    let line = "\(name): \(text.onOneLine)"
    guard !text.isEmpty else { return }
    guard let words else { return tell(line) }
    guard wordsFailure == nil else { return }
    do {
      try words.write(line)
      try words.endRecord()
    } catch {
      wordsFailure = error
    }
  }
}
