import NIOCore

/// What a session can do with its connection. All of it on the connection's event loop.
protocol SessionLink: AnyObject {
  /// Nanoseconds of the monotonic clock.
  var now: UInt64 { get }
  /// Whether what is sent now can soon leave; ``VoiceSession/becameWritable()`` tells when it can again.
  var isWritable: Bool { get }
  func send(_ message: [UInt8], isBinary: Bool)
  /// Sends the first half of a frame, and ends the connection.
  func sendHalf(_ message: [UInt8])
  /// Closes as WebSockets are closed. Nothing is sent afterwards.
  func close(_ code: Int, _ reason: String)
  /// Ends the connection without a close frame; with `isReset` as a machine does that knows nothing about it.
  func drop(isReset: Bool)
  /// Reads nothing for so long.
  func pauseReading(for duration: Duration)
  /// Calls back after `delay`, unless the connection has ended.
  @discardableResult func schedule(after delay: Duration, _ action: @escaping () -> Void) -> ScheduledAction
}

/// Something that will be done later.
struct ScheduledAction {
  let cancel: () -> Void
}

/// One connection's conversation.
protocol VoiceSession: AnyObject {
  func begin()
  func receive(_ message: [UInt8], isBinary: Bool)
  func becameWritable()
  /// The connection has ended.
  func end()
}
