/// Hears where the user's turns are, in dialects whose service alone decides it.
struct TurnListener {
  enum Event {
    case started
    /// With all that was said, from a little before it was known to be speech.
    case ended([UInt8])
  }

  let format: WireFormat
  /// What is kept from before speech is known, in ms.
  private let padding: Int
  /// Whether a turn has all that came since the last one.
  private let keepsAll: Bool
  private let attack: Int
  private var detector: SpeechDetector
  private var pending: [UInt8] = []
  private var pendingStart = 0
  private var detectedEnd = 0
  private var speechStart: Int?

  /// A turn is cut at this length, and no more is kept of what came before one.
  static let turnLimit = 32 << 20
  private let limit: Int

  /// - Parameters:
  ///   - attack: ms of sound that make it speech.
  ///   - silence: ms of silence that end it.
  ///   - keepsAll: Whether a turn begins where the last one ended, and not with its speech.
  init(
    _ format: WireFormat, padding: Int = 300, threshold: Double = 0.5, attack: Int, silence: Int,
    keepsAll: Bool = false,
    limit: Int = turnLimit
  ) {
    self.limit = limit
    self.format = format
    self.padding = padding
    self.keepsAll = keepsAll
    self.attack = attack
    detector = SpeechDetector(rate: format.rate, threshold: threshold, attack: attack, silence: silence)
  }

  var isSpeaking: Bool { speechStart != nil }
  /// Of audio.
  var heldByteCount: Int { pending.count }

  mutating func append(_ audio: [UInt8]) -> [Event] {
    pending.append(contentsOf: audio)
    let size = format.bytesPerSample
    let start = detectedEnd - pendingStart
    let whole = (pending.count - start) / size * size
    var found: [SpeechDetector.Event] = []
    detector.process(format.samples(pending[start..<start + whole])) { found.append($0) }
    detectedEnd += whole
    var events: [Event] = []
    for event in found {
      switch event {
      case .started(let sample):
        speechStart =
          keepsAll ? pendingStart : max(pendingStart, sample * size - format.byteCount(ofMilliseconds: padding))
        events.append(.started)
      case .stopped(let sample): events.append(.ended(take(to: sample * size)))
      }
    }
    if speechStart != nil, pending.count > limit {
      detector.end()
      events.append(.ended(take(to: detectedEnd)))
    }
    let needed = format.byteCount(ofMilliseconds: padding + attack + 100)
    let kept = keepsAll ? limit / 4 : min(needed, limit / 4)
    if speechStart == nil, pending.count > 4 * kept {
      let dropped = (pending.count - kept) / size * size
      pendingStart += dropped
      pending.removeFirst(dropped)
    }
    return events
  }

  /// The microphone is off: what is being said ends here.
  mutating func finish() -> [UInt8]? {
    guard speechStart != nil else { return nil }
    detector.end()
    return take(to: detectedEnd)
  }

  private mutating func take(to end: Int) -> [UInt8] {
    let start = speechStart ?? end
    speechStart = nil
    let turn = Array(pending[start - pendingStart..<end - pendingStart])
    pending.removeFirst(end - pendingStart)
    pendingStart = end
    return turn
  }
}
