/// When a client's own steps of a turn were done, on the clock of ``VoiceClient/events``; `nil` for what was not, or not
/// yet.
///
/// With `TurnTiming`, which has what the session sees, it tells a turn's stages apart: each ends where the next begins.
/// The first four are known of turns that the client commits.
public struct TurnSteps: Hashable, Sendable {
  /// All that the microphone's last block needed of computing was done, and the turn's last chunk waited to be encoded.
  public var prepared: Duration?
  /// That chunk's event was there as text.
  public var encoded: Duration?
  /// That event was handed to the socket, and the commit was to be encoded: `TurnTiming.committed`.
  public var committed: Duration?
  /// The commit, and what asks for an answer where the dialect has that, were handed to the socket.
  public var commitSent: Duration?
  /// The socket gave the bytes that complete the message with the answer's first audio, before TLS and WebSocket have
  /// seen them.
  public var arrived: Duration?
  /// That message was decoded, and its audio waits to be played.
  public var decoded: Duration?
  /// The jitter buffer was full.
  public var playable: Duration?
  /// The first sample was asked for: `TurnTiming.firstPlayed`.
  public var pulled: Duration?
  /// The block with the first sample was there.
  public var rendered: Duration?

  public init() {}
}

/// Notes a turn's steps as they are done. Does not allocate.
struct TurnRecorder {
  private(set) var turn = TurnSteps()
  private var lastAudio: (askedAt: Duration, encodedAt: Duration)?
  /// Whether what is sent next belongs to a commit.
  private var isCommitting = false

  mutating func sentAudio(askedAt: Duration, encodedAt: Duration) {
    isCommitting = false
    lastAudio = (askedAt, encodedAt)
  }

  /// - Parameter committedAt: Of the session's present turn. A commit of ours is made when its message is asked for; one
  ///   of the service's at another time.
  mutating func sentControl(askedAt: Duration, sentAt: Duration, committedAt: Duration?) {
    if committedAt == askedAt, turn.committed != askedAt {
      turn = TurnSteps()
      turn.prepared = lastAudio?.askedAt
      turn.encoded = lastAudio?.encodedAt
      turn.committed = askedAt
      isCommitting = true
    }
    if isCommitting { turn.commitSent = sentAt }
  }

  /// Nothing waits to be sent.
  mutating func sentAll() { isCommitting = false }

  /// The first audio of an answer has come. Another answer to the same turn, behind a tool's call, takes the place of the
  /// one before.
  mutating func received(readAt: Duration, decodedAt: Duration, committedAt: Duration?) {
    if turn.committed != committedAt { turn = TurnSteps() }
    turn.arrived = readAt
    turn.decoded = decodedAt
    (turn.playable, turn.pulled, turn.rendered) = (nil, nil, nil)
  }

  /// Whether audio has come that nobody could play yet.
  var awaitsPlayout: Bool { turn.decoded != nil && turn.playable == nil }

  mutating func becamePlayable(at time: Duration) { turn.playable = time }

  mutating func played(pulledAt: Duration, renderedAt: Duration) {
    // Time may have passed a limit that completed a short answer.
    if turn.playable == nil { turn.playable = pulledAt }
    turn.pulled = pulledAt
    turn.rendered = renderedAt
  }
}
