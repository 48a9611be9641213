import AudioDSP

/// Which answers are awaited, under way, and over.
struct AnswerLedger {
  /// An answer that is under way.
  struct Answer {
    /// The service's name for it; nil where it has none.
    var responseID: String?
    /// Items with audio, in order.
    var itemIDs: [String] = []
    /// What items without a name are called.
    var ownItemID: String
    /// When the last event of it came.
    var lastEventAt: Duration
    /// Whether the user has interrupted it: nothing of it is played any more.
    var isInterrupted = false
    /// Whether it has called tools, so that another answer follows.
    var hasCalls = false
  }

  /// How bytes of audio are stored.
  var encoding = AudioEvent.Encoding.pcm16
  var active: Answer?
  /// An answer was asked for, or is to come by itself: when it is given up, and how long that is.
  private(set) var awaited: (limit: Duration, wait: Duration)?
  /// The event with which it was asked for.
  var askedBy: String?
  /// Tools were called by an answer that is over, and the service waits to be asked for the next.
  var owesContinuation = false
  /// Audio up to this number is not to be played (ElevenLabs).
  var interruptedThrough = Int.min

  /// The most that passes between two events of an answer; and where the service does not tell an answer's end, what
  /// ends it.
  var stallLimit = Duration.seconds(10)
  var quietEnd: Duration?

  private var finished = RecentIDs()
  private var dead = RecentIDs()
  private var answerCount = 0

  /// Whether no answer is awaited or under way.
  var isIdle: Bool { active == nil && awaited == nil && !owesContinuation }

  /// When something is to be given up.
  var deadline: Duration? {
    if let active { return active.lastEventAt + (quietEnd ?? stallLimit) }
    return awaited?.limit
  }

  mutating func await(for wait: Duration, from now: Duration, askedBy eventID: String? = nil) {
    awaited = (now + wait, wait)
    askedBy = eventID
  }

  mutating func stopAwaiting() {
    awaited = nil
    askedBy = nil
  }

  /// Whether nothing more of this answer is to be heard.
  func isDead(_ responseID: String?) -> Bool { responseID.map(dead.contains) ?? (active?.isInterrupted ?? false) }

  func isFinished(_ responseID: String?) -> Bool { responseID.map(finished.contains) ?? false }

  /// Notes an event of an answer.
  ///
  /// - Returns: Whether it is the first of a new one.
  mutating func touch(_ responseID: String?, at now: Duration) -> Bool {
    if isFinished(responseID) { return false }
    if active != nil, responseID == nil || active?.responseID == nil || active?.responseID == responseID {
      active?.lastEventAt = now
      if active?.responseID == nil { active?.responseID = responseID }
      return false
    }
    stopAwaiting()
    answerCount += 1
    active = Answer(responseID: responseID, ownItemID: "answer-\(answerCount)", lastEventAt: now)
    return true
  }

  /// The answer is over.
  mutating func finish() -> Answer? {
    guard let answer = active else { return nil }
    active = nil
    if let id = answer.responseID { finished.insert(id) }
    if answer.hasCalls, !answer.isInterrupted { owesContinuation = true }
    return answer
  }

  /// Nothing more of the answer under way is to be heard.
  mutating func kill() {
    active?.isInterrupted = true
    if let id = active?.responseID { dead.insert(id) }
  }
}

/// The identifiers that came last.
struct RecentIDs {
  private static let capacity = 256
  private var ids: Set<String> = []
  private var order: [String] = []
  private var next = 0

  func contains(_ id: String) -> Bool { ids.contains(id) }

  /// - Returns: Whether it was not there.
  @discardableResult
  mutating func insert(_ id: String) -> Bool {
    guard ids.insert(id).inserted else { return false }
    if order.count < Self.capacity {
      order.append(id)
    } else {
      ids.remove(order[next])
      order[next] = id
      next = (next + 1) % Self.capacity
    }
    return true
  }
}
