/// An answer of a dialect that has few events: words, sound, and an end.
final class SpokenAnswer {
  enum Step: Equatable {
    case opening
    case firstAudio
    case words(Int)
    case audio(Range<Int>)
    /// All has been generated.
    case complete
    /// All has been heard, where the answer is paced.
    case played
    case closing
    case again, unknown
    case fault(SimulatedFault)

    var isAudio: Bool { if case .audio = self { true } else { false } }
    var isWords: Bool { if case .words = self { true } else { false } }
  }

  let id: String
  let text: String
  let pieces: [String]
  let audio: [UInt8]
  let format: WireFormat
  let createTime: UInt64
  var sentByteCount = 0
  var sentText = ""
  var firstDeltaTime: UInt64?
  var player: StepPlayer<Step>?

  init(id: String, text: String, audio: [UInt8], format: WireFormat, createTime: UInt64) {
    self.id = id
    self.text = text
    pieces = Hearing.pieces(text)
    self.audio = audio
    self.format = format
    self.createTime = createTime
  }

  func steps(deltaByteCount: Int) -> [Step] {
    var steps: [Step] = [.opening, .firstAudio]
    let count = (audio.count + deltaByteCount - 1) / deltaByteCount
    var said = 0
    for index in 0..<count {
      let due = max(1, (index + 1) * pieces.count / count)
      while said < min(due, pieces.count) {
        steps.append(.words(said))
        said += 1
      }
      steps.append(.audio(index * deltaByteCount..<min(audio.count, (index + 1) * deltaByteCount)))
    }
    steps += (said..<max(said, pieces.count)).map { .words($0) }
    return steps + [.complete, .played, .closing]
  }

  static func edit(_ steps: inout [Step], by fault: SimulatedFault) {
    let deltas = steps.indices.filter { steps[$0].isAudio }
    let middle = deltas.isEmpty ? steps.count / 2 : deltas[deltas.count / 2] + (deltas.count == 1 ? 1 : 0)
    switch fault {
    case .drop, .dropMidFrame, .stall, .sessionExpired, .close, .malformedJSON, .binaryFrame, .badBase64:
      steps.insert(.fault(fault), at: middle)
    case .rateLimit: steps.insert(.fault(fault), at: 0)
    case .unknownEvent:
      steps.insert(.unknown, at: middle)
      steps.insert(.unknown, at: 0)
      steps.append(.unknown)
    case .neverDone: steps.removeAll { [.complete, .played, .closing].contains($0) }
    case .hugeFrame:
      guard let first = deltas.first, let last = deltas.last, case .audio(let start) = steps[first],
        case .audio(let end) = steps[last]
      else { return }
      steps[first] = .audio(start.lowerBound..<end.upperBound)
      for index in deltas.dropFirst().reversed() { steps.remove(at: index) }
      steps.insert(.fault(.hugeFrame), at: first)
    case .earlyAudio:
      let early = Array(steps.filter(\.isAudio).prefix(2))
      steps.removeAll { early.contains($0) || $0 == .firstAudio }
      steps.insert(contentsOf: [.firstAudio] + early, at: 0)
    case .reordered:
      let words = steps.filter(\.isWords)
      steps.removeAll { $0.isWords || $0 == .complete }
      let rest = steps.indices.filter { steps[$0].isAudio }
      steps.insert(.complete, at: rest.suffix(2).first ?? 0)
      steps.insert(contentsOf: words, at: 0)
    case .duplicate:
      for step in [.opening, .complete, .closing] + steps.filter(\.isAudio).dropFirst().prefix(2) {
        if let place = steps.firstIndex(of: step) { steps.insert(.again, at: place + 1) }
      }
    case .slowRead, .delayedAcknowledgement: break
    }
  }

  /// When a delta is due, in real time.
  func dueTime(of range: Range<Int>, _ pacing: SimulatorConfiguration.Pacing) -> UInt64? {
    guard case .realTime(let lead) = pacing, let firstDeltaTime else { return nil }
    let offset = UInt64(format.milliseconds(ofBytes: range.lowerBound) * 1e6)
    return firstDeltaTime + offset - min(offset, lead.nanoseconds)
  }

  /// When one who plays it as it comes has heard all that was sent.
  var playedTime: UInt64 {
    (firstDeltaTime ?? createTime) + UInt64(format.milliseconds(ofBytes: sentByteCount) * 1e6)
  }
}
