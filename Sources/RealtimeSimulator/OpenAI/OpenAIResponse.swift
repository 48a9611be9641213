/// A response that is being made.
final class OpenAIResponse {
  enum Step: Equatable {
    case created, rateLimits, itemAdded, itemInConversation, partAdded
    /// The model thinks until then.
    case firstAudio
    /// Bytes of the answer.
    case audio(Range<Int>)
    /// A piece of the transcript, of the text or of a call's arguments.
    case transcript(Int)
    case text(Int)
    case arguments(Int)
    case audioDone, transcriptDone, textDone, argumentsDone, partDone, itemInConversationDone, itemDone, done
    /// The last event once more.
    case again
    case fault(SimulatedFault)
    /// An event that nobody knows.
    case unknown

    var isAudio: Bool { if case .audio = self { true } else { false } }
    var isTranscript: Bool { if case .transcript = self { true } else { false } }
  }

  let id: String
  var item: ConversationItem
  /// Whether it joins the conversation.
  let isInConversation: Bool
  let isText: Bool
  let metadata: JSONValue
  let maximumOutputTokens: JSONValue
  let createTime: UInt64
  let format: WireFormat
  let audio: [UInt8]
  let pieces: [String]
  let input: TokenCount
  let cached: TokenCount
  /// It reaches its limit of tokens.
  var isCutOff = false

  var player: StepPlayer<Step>?
  var status = "in_progress"
  var statusDetails: JSONValue = .null
  var hasItem = false
  var hasPart = false
  var sentByteCount = 0
  var sentText = ""
  /// When the first delta was sent; what real-time pacing counts from.
  var firstDeltaTime: UInt64?

  init(
    id: String, item: ConversationItem, isInConversation: Bool, isText: Bool, metadata: JSONValue,
    maximumOutputTokens: JSONValue, createTime: UInt64, format: WireFormat, audio: [UInt8], pieces: [String],
    input: TokenCount, cached: TokenCount
  ) {
    self.id = id
    self.item = item
    self.isInConversation = isInConversation
    self.isText = isText
    self.metadata = metadata
    self.maximumOutputTokens = maximumOutputTokens
    self.createTime = createTime
    self.format = format
    self.audio = audio
    self.pieces = pieces
    self.input = input
    self.cached = cached
  }

  /// What is sent, in the order of the real service: deltas of transcript and audio in turns.
  func steps(deltaByteCount: Int) -> [Step] {
    var steps: [Step] = [.created, .rateLimits, .itemAdded]
    if isInConversation { steps.append(.itemInConversation) }
    var isCall = false
    if case .functionCall = item.body { isCall = true }
    if isCall {
      steps.append(.firstAudio)
      steps += pieces.indices.map { .arguments($0) } + [.argumentsDone]
    } else if isText {
      steps += [.partAdded, .firstAudio]
      steps += pieces.indices.map { .text($0) } + [.textDone, .partDone]
    } else {
      steps += [.partAdded, .firstAudio]
      let count = (audio.count + deltaByteCount - 1) / deltaByteCount
      var said = 0
      for index in 0..<count {
        let due = (index + 1) * pieces.count / count
        // The words before the sound: a client that waits for one must not need the other.
        while said < max(due, min(1, pieces.count)) {
          steps.append(.transcript(said))
          said += 1
        }
        steps.append(.audio(index * deltaByteCount..<min(audio.count, (index + 1) * deltaByteCount)))
      }
      while said < pieces.count {
        steps.append(.transcript(said))
        said += 1
      }
      steps += [.audioDone, .transcriptDone, .partDone]
    }
    if isInConversation { steps.append(.itemInConversationDone) }
    return steps + [.itemDone, .done]
  }

  /// What a fault makes of an answer.
  static func edit(_ steps: inout [Step], by fault: SimulatedFault) {
    /// Behind the delta in the middle, where there is one.
    var middle: Int {
      let deltas = steps.indices.filter { steps[$0].isAudio }
      return deltas.isEmpty ? steps.count / 2 : deltas[deltas.count / 2] + (deltas.count == 1 ? 1 : 0)
    }
    switch fault {
    case .drop, .dropMidFrame, .stall, .sessionExpired, .close, .malformedJSON, .binaryFrame, .badBase64:
      steps.insert(.fault(fault), at: middle)
    case .unknownEvent:
      steps.insert(.unknown, at: middle)
      steps.insert(.unknown, at: 0)
      steps.append(.unknown)
    case .neverDone:
      steps.removeAll {
        [.audioDone, .transcriptDone, .textDone, .partDone, .itemInConversationDone, .itemDone, .done].contains($0)
      }
    case .hugeFrame:
      let deltas = steps.indices.filter { steps[$0].isAudio }
      guard let first = deltas.first, let last = deltas.last, case .audio(let start) = steps[first],
        case .audio(let end) = steps[last]
      else { return }
      steps[first] = .audio(start.lowerBound..<end.upperBound)
      for index in deltas.dropFirst().reversed() { steps.remove(at: index) }
      steps.insert(.fault(.hugeFrame), at: first)
    case .earlyAudio:
      let early = steps.filter(\.isAudio).prefix(2)
      steps.removeAll { early.contains($0) || $0 == .firstAudio }
      steps.insert(contentsOf: [.firstAudio] + early, at: 0)
    case .reordered:
      let words = steps.filter(\.isTranscript)
      steps.removeAll { $0.isTranscript }
      if let place = steps.firstIndex(of: .partAdded) { steps.insert(contentsOf: words, at: place) }
      if let end = steps.firstIndex(of: .audioDone) {
        steps.remove(at: end)
        let deltas = steps.indices.filter { steps[$0].isAudio }
        steps.insert(.audioDone, at: deltas.suffix(2).first ?? end)
      }
      if let one = steps.firstIndex(of: .itemDone), let other = steps.firstIndex(of: .partDone) {
        steps.swapAt(one, other)
      }
    case .duplicate:
      let deltas = steps.filter(\.isAudio).dropFirst().prefix(2)
      for step in [.created, .itemAdded, .transcript(0), .audioDone, .done] + deltas {
        if let place = steps.firstIndex(of: step) { steps.insert(.again, at: place + 1) }
      }
    case .slowRead, .delayedAcknowledgement, .rateLimit: break
    }
  }
}
