/// What a dialect's session says of an answer, in its own events.
protocol AnsweringSession: AnyObject {
  var context: SessionContext { get }
  var answer: SpokenAnswer? { get set }
  /// Plays the last answer; a little longer than it is current, where messages follow its end.
  var player: StepPlayer<SpokenAnswer.Step>? { get set }
  func open(_ answer: SpokenAnswer)
  func sendWords(_ words: String, _ answer: SpokenAnswer)
  /// A message that carries the audio which `write` writes as base64.
  func audioMessage(_ write: (inout [UInt8]) -> Void) -> (bytes: [UInt8], type: String)
  func complete(_ answer: SpokenAnswer)
  func close(_ answer: SpokenAnswer)
  func sendAgain()
  func send(_ message: [UInt8], _ type: String)
  func unknownEvents() -> [JSONValue]
  func expire()
  func endForRate()
  /// Whether a chunk may end within a sample.
  var cutsSamples: Bool { get }
}

extension AnsweringSession {
  /// The sound of an answer to what was said.
  func sound(_ format: WireFormat, echoing turn: (audio: [UInt8], format: WireFormat)?) -> [UInt8] {
    let configuration = context.configuration
    var duration = configuration.answerDuration
    if context.has(.hugeFrame) {
      duration = max(.seconds(20), duration)
    } else if case .echo = configuration.answer, let turn {
      return turn.format.converted(turn.audio, to: format)
    }
    return context.core.voice(byteCount: format.byteCount(of: duration), format: format)
  }

  func begin(_ answer: SpokenAnswer) {
    self.answer = answer
    context.recorder.created(response: answer.id, at: answer.createTime)
    context.recorder.created(item: answer.id, kind: "assistant")
    context.log("answer \(answer.id) begins")
    var byteCount = max(answer.format.bytesPerSample, answer.format.byteCount(of: context.configuration.deltaDuration))
    if cutsSamples { byteCount |= 1 }
    var steps = answer.steps(deltaByteCount: byteCount)
    for fault in context.takeFaults() {
      SpokenAnswer.edit(&steps, by: fault)
      if [.unknownEvent, .neverDone, .earlyAudio, .reordered, .duplicate].contains(fault) { context.show(fault) }
    }
    answer.player = StepPlayer(steps, context: context) { [weak self] step in
      self?.perform(step, of: answer) ?? .stop
    }
    player?.stop()
    player = answer.player
    player?.play()
  }

  private func perform(_ step: SpokenAnswer.Step, of answer: SpokenAnswer) -> StepPlayer<SpokenAnswer.Step>.Outcome {
    switch step {
    case .opening: open(answer)
    case .firstAudio:
      let due = answer.createTime + context.configuration.firstAudioDelay.nanoseconds
      if context.now < due { return .wait(until: due) }
    case .words(let index):
      answer.sentText += answer.pieces[index]
      sendWords(answer.pieces[index], answer)
    case .audio(let range):
      let due = answer.dueTime(of: range, context.configuration.pacing)
      if let due, context.now < due { return .wait(until: due) }
      if answer.firstDeltaTime == nil {
        let now = context.now
        answer.firstDeltaTime = now
        context.recorder.update(response: answer.id) { $0.firstDeltaTime = now }
      }
      let message = audioMessage { Base64.encode(answer.audio[range], to: &$0) }
      send(message.bytes, message.type)
      answer.sentByteCount = max(answer.sentByteCount, range.upperBound)
      let count = answer.sentByteCount
      context.recorder.update(item: answer.id) { $0.audioByteCount = count }
    case .complete: complete(answer)
    case .played:
      if case .realTime = context.configuration.pacing, context.now < answer.playedTime {
        return .wait(until: answer.playedTime)
      }
    case .closing: end(answer, "completed")
    case .again: sendAgain()
    case .unknown: for event in unknownEvents() { send(event.utf8, event["type"]?.string ?? "(unknown)") }
    case .fault(let fault): return show(fault, answer)
    }
    return .done
  }

  func end(_ answer: SpokenAnswer, _ status: String) {
    if status != "completed" { answer.player?.stop() }
    self.answer = nil
    let now = context.now
    context.recorder.update(response: answer.id) {
      $0.status = status
      $0.doneTime = now
    }
    context.log("answer \(answer.id) \(status)")
    if status == "completed" { close(answer) }
  }

  private func show(_ fault: SimulatedFault, _ answer: SpokenAnswer) -> StepPlayer<SpokenAnswer.Step>.Outcome {
    switch fault {
    case .malformedJSON:
      context.show(fault)
      let whole = audioMessage { $0 += Array("AAAA".utf8) }.bytes
      send(Array(whole.prefix(whole.count / 2)), "(not JSON)")
    case .binaryFrame:
      context.show(fault)
      context.send([0x00, 0xFF, 0xFE, 0x80, 0x01], type: "(binary)", isBinary: true)
    case .badBase64:
      context.show(fault)
      let message = audioMessage { $0 += Array("AAAA*not base64*A=A".utf8) }
      send(message.bytes, message.type)
    case .hugeFrame:
      context.show(fault)
      let padding = JSONValue.string(String(repeating: "x", count: 12 << 20))
      send(JSONValue.object(["type": "simulator_huge", "simulatorHuge": ["padding": padding]]).utf8, "simulator_huge")
    case .sessionExpired, .rateLimit:
      guard context.core.claim(fault) else { return .done }
      context.show(fault)
      fault == .rateLimit ? endForRate() : expire()
      return .stop
    default:
      let part = answer.audio.prefix(4800)
      return context.perform(fault, next: audioMessage { Base64.encode(part, to: &$0) }.bytes) ? .stop : .done
    }
    return .done
  }
}
