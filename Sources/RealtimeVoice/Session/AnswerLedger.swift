import AudioDSP

/// Which answers are awaited, under way, and over.
///
/// A service that names its answers may begin one before it says that another is over, so there can be several; what
/// has no name belongs to the latest.
struct AnswerLedger: Sendable {
  /// An answer that is under way.
  struct Answer: Sendable {
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
    /// Whether the service has said that it is, and will say next that it is over.
    var isEnding = false
    /// Whether it has called tools, so that another answer follows.
    var hasCalls = false
  }

  /// The answers under way, the latest last.
  private(set) var open: [Answer] = []
  /// An answer was asked for, or is to come by itself: when it is given up, and how long that is.
  private(set) var awaited: (limit: Duration, wait: Duration)?
  /// The event with which it was asked for.
  private(set) var askedBy: String?
  /// Tools were called by an answer that is over, and the service waits to be asked for the next.
  var owesContinuation = false
  /// Audio up to this number is not to be played (ElevenLabs).
  var interruptedThrough = Int.min
  /// What is being waited for is our own tool: no answer stalls meanwhile.
  var isHeld = false
  /// An answer without a name was given up, and the service has not said that it is over: the next end that comes before
  /// anything of another answer is that one's.
  var owesEnd = false
  /// What the last answer without a name was called, if it was interrupted: words may come that correct it.
  var correctableItemID: String?

  /// The most that passes between two events of an answer; and where the service does not tell an answer's end, what
  /// ends it.
  let stallLimit: Duration
  let quietEnd: Duration?

  /// Answers that are over here, those of which the service said it, and those that are not to be heard.
  private var finished = RecentIDs()
  private var done = RecentIDs()
  private var muted = RecentIDs()
  private var answerCount = 0

  init(stallLimit: Duration, quietEnd: Duration?) {
    self.stallLimit = stallLimit
    self.quietEnd = quietEnd
  }

  /// The latest answer that is under way.
  var active: Answer? { open.last }
  /// Whether no answer is awaited or under way.
  var isIdle: Bool { open.isEmpty && awaited == nil && !owesContinuation }
  /// What an answer without a name will call its items, or calls them.
  var ownItemID: String { active?.ownItemID ?? "answer-\(answerCount + 1)" }

  /// What the last answer without a name called its items.
  var lastOwnItemID: String? { answerCount > 0 ? "answer-\(answerCount)" : nil }

  /// When something is to be given up.
  var deadline: Duration? {
    if open.isEmpty { return awaited?.limit }
    if isHeld { return nil }
    return open.reduce(limit(of: open[0])) { min($0, limit(of: $1)) }
  }

  private func limit(of answer: Answer) -> Duration {
    answer.lastEventAt + (answer.isEnding ? min(stallLimit, Self.endingLimit) : quietEnd ?? stallLimit)
  }

  /// How long nothing is played of an answer that the service has ended, until it says that it is over: what comes then
  /// is another one. Longer than any way there and back.
  private static let endingLimit = Duration.seconds(2)

  /// An answer that is to be given up by now.
  func overdue(at now: Duration) -> Answer? {
    isHeld ? nil : open.first { now >= limit(of: $0) }
  }

  // MARK: Waiting

  mutating func startAwaiting(for wait: Duration, from now: Duration, askedBy eventID: String? = nil) {
    awaited = (now + wait, wait)
    askedBy = eventID
  }

  mutating func stopAwaiting() {
    awaited = nil
    askedBy = nil
  }

  /// All limits count from now on.
  mutating func restartWaits(at now: Duration) {
    for i in open.indices { open[i].lastEventAt = max(now, open[i].lastEventAt) }
    if let wait = awaited?.wait { awaited?.limit = now + wait }
  }

  // MARK: Answers

  /// Whether nothing more of this answer is to be heard.
  func isMuted(_ responseID: String?) -> Bool {
    guard let responseID else { return active?.isInterrupted ?? false }
    if muted.contains(responseID) { return true }
    guard let place = place(of: responseID) else { return false }
    return open[place].isInterrupted
  }

  func isFinished(_ responseID: String?) -> Bool { responseID.map(finished.contains) ?? false }

  /// Whether an end that the service tells is that of an answer which was given up before.
  mutating func takeEndOfGivenUp(_ responseID: String?) -> Bool {
    if let responseID { return finished.contains(responseID) }
    defer { owesEnd = false }
    return owesEnd
  }

  /// Notes that the service says that an answer is over.
  ///
  /// - Returns: Whether it says so for the first time.
  mutating func noteDone(_ responseID: String?) -> Bool { responseID.map { done.insert($0) } ?? true }

  /// Which of the answers under way an event belongs to.
  func place(of responseID: String?) -> Int? {
    guard let responseID else { return open.indices.last }
    // One that had no name yet takes the first that comes.
    return open.lastIndex { $0.responseID == responseID } ?? open.lastIndex { $0.responseID == nil }
  }

  /// Notes an event of an answer.
  ///
  /// - Returns: Whether it is the first of a new one.
  mutating func touch(_ responseID: String?, at now: Duration) -> Bool {
    if isFinished(responseID) { return false }
    if let place = place(of: responseID) {
      if !open[place].isEnding { open[place].lastEventAt = now }
      if open[place].responseID == nil, let responseID {
        open[place].responseID = responseID
        if open[place].isInterrupted { muted.insert(responseID) }
      }
      return false
    }
    stopAwaiting()
    owesEnd = false
    correctableItemID = nil
    answerCount += 1
    open.append(Answer(responseID: responseID, ownItemID: "answer-\(answerCount)", lastEventAt: now))
    return true
  }

  /// Notes that an answer has audio of an item.
  ///
  /// - Returns: Whether the answer is under way and the item is new to it.
  mutating func noteItem(_ itemID: String, of responseID: String?) -> Bool {
    guard !isFinished(responseID), let place = place(of: responseID), !open[place].itemIDs.contains(itemID),
      open[place].itemIDs.count < PlayoutQueue.waitingItemLimit
    else { return false }
    open[place].itemIDs.append(itemID)
    return true
  }

  /// Notes that an answer calls a tool.
  mutating func noteCall(of responseID: String?) {
    if isFinished(responseID) {
      owesContinuation = true
    } else if let place = place(of: responseID) {
      open[place].hasCalls = true
    }
  }

  /// No answer to the calls so far is to be waited for: it has begun, or they were cancelled.
  mutating func forgetCalls() {
    for i in open.indices { open[i].hasCalls = false }
    owesContinuation = false
  }

  /// An answer is over.
  mutating func finish(_ responseID: String?) -> Answer? {
    guard let place = place(of: responseID) else { return nil }
    let answer = open.remove(at: place)
    if let id = answer.responseID { finished.insert(id) }
    if let responseID { finished.insert(responseID) }
    if answer.hasCalls, !answer.isInterrupted { owesContinuation = true }
    return answer
  }

  /// Nothing more of the answers under way is to be heard.
  ///
  /// - Returns: The names of those that are interrupted by this.
  mutating func muteAll() -> [String?] {
    var names: [String?] = []
    for i in open.indices where !open[i].isInterrupted {
      open[i].isInterrupted = true
      names.append(open[i].responseID)
      if let id = open[i].responseID { muted.insert(id) }
    }
    return names
  }

  /// The service has interrupted the latest answer.
  mutating func noteEnding() {
    if let last = open.indices.last { open[last].isEnding = true }
  }

  /// Nothing more of this answer is to be heard.
  mutating func mute(_ responseID: String?) {
    if let responseID { muted.insert(responseID) }
  }

  /// All answers are over; another connection names them anew.
  ///
  /// - Returns: Those that were under way.
  mutating func startConnection() -> [Answer] {
    defer {
      let count = answerCount
      self = AnswerLedger(stallLimit: stallLimit, quietEnd: quietEnd)
      answerCount = count
    }
    return open
  }
}
