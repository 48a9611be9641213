/// What a simulator has seen and said, as of one moment.
///
/// It is bounded (``Limits``), however long the simulator runs: what comes beyond is counted, and not kept, until older
/// sessions are forgotten. Times are nanoseconds of the system's monotonic clock.
public struct SimulatorJournal: Sendable {
  public enum Limits {
    /// Of the newest sessions; older ones are forgotten.
    public static let sessions = 1000
    /// Client events of a session.
    public static let events = 20_000
    /// Bytes of an event's JSON, of its type and of an error's texts, each; 128 of the JSON of one that carries audio.
    public static let eventBytes = 4096
    /// Bytes of all sessions' events, turns, items, responses and errors, about.
    public static let allTextBytes = 256 << 20
    /// Bytes of a session's audio.
    public static let audioBytes = 64 << 20
    /// Bytes of all sessions' audio.
    public static let allAudioBytes = 512 << 20
    /// Turns, items, responses and errors of a session, each.
    public static let entries = 10_000
  }

  public struct ClientEvent: Sendable {
    public var type: String
    /// As received; its beginning, where it is longer than what is kept.
    public var json: String
    public var time: UInt64
  }

  /// What a user said between two commits, or between start and end of speech.
  public struct Turn: Sendable {
    public var audio: [UInt8]
    public var audioByteCount: Int
    public var itemID: String
    /// Of the arrival of its first byte, or of what first was speech in it.
    public var firstByteTime: UInt64
    public var commitTime: UInt64
  }

  public struct Response: Sendable {
    public var id: String
    /// How many turns there had been.
    public var turnCount: Int
    public var createTime: UInt64
    public var firstDeltaTime: UInt64?
    public var doneTime: UInt64?
    public var status: String
  }

  public struct Item: Sendable {
    public var id: String
    public var kind: String
    /// Of a model's item: how much audio has been sent, in bytes.
    public var audioByteCount = 0
    public var truncatedToMilliseconds: Int?
    public var isDeleted = false
  }

  public struct SentError: Sendable, Equatable {
    public var code: String
    public var message: String
    public var parameter: String?
    /// The client event's that it answers.
    public var clientEventID: String?
  }

  public struct Session: Sendable {
    public var number: Int
    public var dialect: SimulatedDialect
    /// With its query, without keys.
    public var path: String
    public var headerNames: [String]
    public var startTime: UInt64
    public var endTime: UInt64?
    public var clientEvents: [ClientEvent] = []
    public var clientEventCount = 0
    /// Every byte of the user's audio that was accepted.
    public var audio: [UInt8] = []
    public var audioByteCount = 0
    public var turns: [Turn] = []
    public var responses: [Response] = []
    public var items: [Item] = []
    public var errors: [SentError] = []
    /// How many events of each type were sent.
    public var serverEventCounts: [String: Int] = [:]
    public var sentByteCount = 0
    public var receivedPingCount = 0
    public var faults: [SimulatedFault] = []
    /// The code of the first close frame that was received or, where the service closed, sent; nil for none.
    public var closeCode: Int?
  }

  public var sessions: [Session] = []
  /// Of all times, also what is not kept.
  public var sessionCount = 0
  public var turnCount = 0
  public var responseCount = 0
  public var chatCompletionCount = 0
  public var refusedConnectionCount = 0
}
