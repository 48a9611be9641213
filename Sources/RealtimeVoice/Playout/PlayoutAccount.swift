/// How much of an item came, was pulled and was heard, in samples. Never more was heard than pulled, nor pulled than came.
public struct PlayoutAccount: Hashable, Sendable {
  public var receivedSampleCount: Int
  /// The samples that were pulled, those of a fade included.
  public var playedSampleCount: Int
  /// The samples that were pulled at least ``PlayoutConfiguration/outputLatency`` ago.
  public var heardSampleCount: Int
  /// Whether it is over: played to its end, or stopped.
  public var hasEnded: Bool

  public init(receivedSampleCount: Int, playedSampleCount: Int, heardSampleCount: Int, hasEnded: Bool) {
    self.receivedSampleCount = receivedSampleCount
    self.playedSampleCount = playedSampleCount
    self.heardSampleCount = heardSampleCount
    self.hasEnded = hasEnded
  }
}

/// An item that was not heard to its end, because it was stopped.
public struct StoppedItem: Hashable, Sendable {
  public var id: String
  /// The content index of the last audio that came.
  public var contentIndex: Int
  public var receivedSampleCount: Int
  /// The samples that were heard, the fade included and ``PlayoutConfiguration/outputLatency`` taken off; at most
  /// ``receivedSampleCount``. Services refuse to truncate at 0: an item of which nothing was heard is to be deleted.
  public var heardSampleCount: Int
  /// Whether any of it was pulled, heard or not.
  public var hasStarted: Bool

  public init(id: String, contentIndex: Int, receivedSampleCount: Int, heardSampleCount: Int, hasStarted: Bool) {
    self.id = id
    self.contentIndex = contentIndex
    self.receivedSampleCount = receivedSampleCount
    self.heardSampleCount = heardSampleCount
    self.hasStarted = hasStarted
  }
}
