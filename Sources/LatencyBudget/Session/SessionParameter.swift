/// A time that is not measured here: its default comes from somewhere, which is told.
public struct SessionParameter: Hashable, Sendable {
  /// The stage's.
  public var name: String
  /// The option that sets it.
  public var option: String
  public var owner: String
  /// What a turn takes there.
  public var microseconds: Int
  public var source: String

  public init(_ name: String, option: String, owner: String, microseconds: Int, source: String) {
    self.name = name
    self.option = option
    self.owner = owner
    self.microseconds = microseconds
    self.source = source
  }
}

/// What stands in for the network, the model and the device of a turn.
public struct SessionParameters: Sendable {
  /// How long silence lasts before a turn counts as ended; nothing for a button.
  public var endOfTurn: SessionParameter
  /// Nil where network and model are measured.
  public var remote: Remote?
  /// From the block that is handed to the device to its sound.
  public var output: SessionParameter

  /// Between two sockets.
  public struct Remote: Sendable {
    public var uplink: SessionParameter
    /// From the commit's arrival to the first audio.
    public var model: SessionParameter
    public var downlink: SessionParameter

    public init(uplink: SessionParameter, model: SessionParameter, downlink: SessionParameter) {
      (self.uplink, self.model, self.downlink) = (uplink, model, downlink)
    }
  }

  public init(endOfTurn: SessionParameter, remote: Remote?, output: SessionParameter) {
    (self.endOfTurn, self.remote, self.output) = (endOfTurn, remote, output)
  }

  /// Those that are used, in the order of their stages.
  public var all: [SessionParameter] {
    [endOfTurn] + (remote.map { [$0.uplink, $0.model, $0.downlink] } ?? []) + [output]
  }
}
