/// What a ``VoiceSession`` wants its owner to do.
public enum SessionAction: Hashable, Sendable {
  /// Make a connection, after a wait, and say so with ``VoiceSession/connected(at:)`` or
  /// ``VoiceSession/disconnected(_:at:)``.
  case connect(after: Duration)
  /// Close the connection, if there is one. What it says from then on does not concern the session.
  case disconnect
  /// Call a tool and hand over what it returns with ``VoiceSession/returned(_:isError:callID:at:)``, at any time. The
  /// session itself keeps the limit of time.
  case call(FunctionCall)
  /// Give up a call: its result is not wanted any more.
  case cancelCall(id: String)
  /// Tell the user.
  case tell(SessionEvent)
}

/// How a connection ended.
public struct ConnectionEnd: Hashable, Sendable {
  /// In words, without secrets.
  public var reason: String
  /// Whether another attempt may succeed.
  public var isTransient: Bool

  public init(reason: String, isTransient: Bool) {
    self.reason = reason
    self.isTransient = isTransient
  }
}

/// What ``VoiceSession/nextMessage(into:at:)`` wrote.
public enum OutgoingMessage: Hashable, Sendable {
  /// Audio; `heardAt` is when the block came that completed the chunk.
  case audio(sampleCount: Int, heardAt: Duration)
  /// Anything else.
  case control
}
