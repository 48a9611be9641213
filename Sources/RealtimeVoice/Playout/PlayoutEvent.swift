/// What happened to an item in a ``PlayoutQueue``, and where.
public struct PlayoutEvent: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Its first sample is played.
    case started
    /// Its last sample was played, and no more is known to come. Audio that comes later all the same makes it resume and
    /// finish again.
    case finished
    /// It has run dry: silence is given.
    case starved
    /// Its audio goes on.
    case resumed
  }

  public var kind: Kind
  public var itemID: String
  /// Where it happened, in samples since the start of playout, silence included: of the first sample that is
  /// (`started`, `resumed`) or that lacks (`starved`), and behind the last one (`finished`).
  public var position: Int

  public init(_ kind: Kind, itemID: String, position: Int) {
    self.kind = kind
    self.itemID = itemID
    self.position = position
  }
}

/// A ring of events whose memory is taken once.
struct PlayoutEvents {
  private var ring: [PlayoutEvent?]
  private var first = 0
  private(set) var count = 0
  private(set) var droppedCount = 0

  init(capacity: Int) {
    ring = Array(repeating: nil, count: capacity)
  }

  /// When it is full the oldest goes.
  mutating func append(_ event: PlayoutEvent) {
    if count == ring.count {
      _ = removeFirst()
      droppedCount += 1
    }
    ring[(first + count) % ring.count] = event
    count += 1
  }

  mutating func removeFirst() -> PlayoutEvent? {
    guard count > 0 else { return nil }
    let event = ring[first]
    ring[first] = nil
    first = (first + 1) % ring.count
    count -= 1
    return event
  }
}
