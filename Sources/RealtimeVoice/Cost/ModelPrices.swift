/// What a model costs, and what else decides between models: one entry of a ``PriceTable``.
public struct ModelPrices: Sendable, Equatable {
  public enum Purpose: String, CaseIterable, Sendable {
    /// Hears and answers.
    case conversation
    case transcription
    case translation
  }

  public enum Status: Sendable, Hashable {
    case available
    case preview
    case shutDown(CalendarDate)
  }

  /// What is counted.
  public enum Unit: String, CaseIterable, Sendable {
    case token
    /// Time, and parts of a minute by the part.
    case minute
    /// Time in whole seconds, rounded up for each call.
    case second
  }

  /// What the service takes for time in which nobody speaks.
  public enum SilenceBilling: String, CaseIterable, Sendable {
    /// Nothing: the service's own detector leaves it out.
    case free
    /// As much as for speech of the user, where it is sent.
    case input
    /// As much as for any other time of an open session.
    case session
    /// The standby rate.
    case standby
  }

  /// Dollars per million tokens of one modality.
  public struct TokenPrices: Sendable, Equatable {
    public var input: Money?
    /// nil where the service gives no discount for input that it has seen: it then costs as much as other input.
    public var cachedInput: Money?
    public var output: Money?

    public init(input: Money? = nil, cachedInput: Money? = nil, output: Money? = nil) {
      self.input = input
      self.cachedInput = cachedInput
      self.output = output
    }
  }

  /// Dollars per minute.
  public struct MinuteRates: Sendable, Equatable {
    /// Of audio that is sent.
    public var input: Money?
    /// Of audio that is received.
    public var output: Money?
    /// Of an open session.
    public var active: Money?
    /// Of an open session in which nobody speaks.
    public var standby: Money?

    public init(input: Money? = nil, output: Money? = nil, active: Money? = nil, standby: Money? = nil) {
      self.input = input
      self.output = output
      self.active = active
      self.standby = standby
    }
  }

  /// From the end of a turn to the first audio of the answer, at the client.
  public struct Latency: Sendable, Equatable {
    public var medianMilliseconds: Int
    /// What 95 % of the turns do not exceed.
    public var p95Milliseconds: Int
    /// Whether it is somebody's estimate, and was not measured.
    public var isEstimate: Bool
    public var source: String
    /// What other sources say.
    public var note: String?
  }

  public var id: String
  public var aliases: [String]
  public var service: String
  public var purpose: Purpose
  public var status: Status
  public var unit: Unit
  public var audio: TokenPrices?
  public var text: TokenPrices?
  public var image: TokenPrices?
  public var perMinute: MinuteRates?
  /// How many tokens a second of the user's audio is; nil where tokens are not counted.
  public var inputTokensPerSecond: Int?
  /// How many tokens a second of the agent's audio is.
  public var outputTokensPerSecond: Int?
  public var silence: SilenceBilling
  /// Whether what was said before is input again at each turn, and billed.
  public var rebillsContext: Bool
  public var latency: Latency?
  /// How long a session may last; nil where that is not known.
  public var sessionCapMinutes: Int?
  public var sessionCapNote: String?
  /// How to talk to it; nil where this library does not speak its protocol.
  public var dialect: Dialect?
  /// When to take it, in a sentence.
  public var fits: String
  /// When the source was read.
  public var asOf: CalendarDate
  public var source: String
  /// What else to know: conflicts of sources, what is not reckoned.
  public var notes: [String]

  public var isShutDown: Bool {
    if case .shutDown = status { true } else { false }
  }
}
