/// Something that goes wrong, as services and networks do. Each happens at the first answer of a session, unless its
/// explanation says otherwise.
///
/// Those after which a client needs a new connection (``needsNewConnection``) happen
/// ``SimulatorConfiguration/newConnectionFaultLimit`` times in a simulator's life, so that a client that connects again
/// can be seen to carry on; the others once in every session.
public enum SimulatedFault: Hashable, Sendable {
  /// A close code that a fault can use.
  public enum CloseCode: Int, CaseIterable, Sendable {
    case normal = 1000
    case goingAway = 1001
    /// No close frame at all: the connection ends in order, as far as TCP is concerned.
    case abnormal = 1006
    case policyViolation = 1008
    case internalError = 1011
  }

  case drop, dropMidFrame, stall, slowRead, malformedJSON, binaryFrame, badBase64, unknownEvent, reordered, duplicate
  case delayedAcknowledgement, rateLimit, sessionExpired, hugeFrame, earlyAudio, neverDone
  case close(CloseCode)

  /// The code must be one of ``CloseCode``.
  public static func close(_ code: Int) -> SimulatedFault? { CloseCode(rawValue: code).map { .close($0) } }

  public static let allCases: [SimulatedFault] =
    [
      .drop, .dropMidFrame, .stall, .slowRead, .malformedJSON, .binaryFrame, .badBase64, .unknownEvent, .reordered,
      .duplicate, .delayedAcknowledgement, .rateLimit, .sessionExpired,
    ] + CloseCode.allCases.map { .close($0) } + [.hugeFrame, .earlyAudio, .neverDone]

  public static var allNames: [String] { allCases.map(\.name) }

  /// - Parameter name: One of ``allNames``.
  public init?(name: String) {
    guard let fault = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = fault
  }

  public var name: String {
    switch self {
    case .drop: "drop"
    case .dropMidFrame: "drop-mid-frame"
    case .stall: "stall"
    case .slowRead: "slow-read"
    case .malformedJSON: "malformed-json"
    case .binaryFrame: "binary-frame"
    case .badBase64: "bad-base64"
    case .unknownEvent: "unknown-event"
    case .reordered: "reordered"
    case .duplicate: "duplicate"
    case .delayedAcknowledgement: "delayed-ack"
    case .rateLimit: "rate-limit"
    case .sessionExpired: "session-expired"
    case .close(let code): "close-\(code.rawValue)"
    case .hugeFrame: "huge-frame"
    case .earlyAudio: "early-audio"
    case .neverDone: "never-done"
    }
  }

  /// What it does, in one line.
  public var explanation: String {
    switch self {
    case .drop: "the connection is reset in the middle of an answer, without a close frame"
    case .dropMidFrame: "half a WebSocket frame of the answer comes, then the connection ends"
    case .stall: "the answer stops in its middle and nothing comes any more; the connection lives, pings are answered"
    case .slowRead: "once audio comes, the service does not read for 3 s, so that sends back up"
    case .malformedJSON: "a text frame that is not JSON comes between two deltas"
    case .binaryFrame: "a binary frame of bytes that mean nothing comes between two deltas"
    case .badBase64: "one more delta, whose base64 is broken, comes between two good ones"
    case .unknownEvent: "events of types nobody has heard of come before, within and after the answer"
    case .reordered: "transcripts before their part, the audio's end before its last deltas; deltas keep their order"
    case .duplicate: "events come twice, with the same event_id; audio deltas, too"
    case .delayedAcknowledgement: "confirmations (of set-up, updates and commits) come 2 s late, in the whole session"
    case .rateLimit: "the first response fails with rate_limit_exceeded"
    case .sessionExpired: "the service ends the session for its age in the middle of an answer"
    case .close(.abnormal): "the connection ends in the middle of an answer, without a close frame"
    case .close(let code): "the service closes with code \(code.rawValue) in the middle of an answer"
    case .hugeFrame: "an event of 12 MiB, and all the answer's audio, 20 s or more, in one delta"
    case .earlyAudio: "audio deltas come before the events that announce the response and its item"
    case .neverDone: "all deltas come, but never the events that end the answer"
    }
  }

  /// Whether a client has to connect again after it, in any dialect: the connection ends, or nothing comes over it any
  /// more.
  public var needsNewConnection: Bool {
    switch self {
    case .drop, .dropMidFrame, .stall, .sessionExpired, .close: true
    default: false
    }
  }
}
