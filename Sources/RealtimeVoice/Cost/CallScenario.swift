/// Calls whose price is asked for: how many, and what happens in one.
public struct CallScenario: Sendable, Equatable {
  /// What a month has, say; 0 and more.
  public var calls: Int
  /// How long the user speaks, to the millisecond.
  public var userSpeech: Duration
  /// How long the agent speaks.
  public var agentSpeech: Duration
  /// How long nobody speaks while the session is open, and the microphone's audio is sent.
  public var silence: Duration
  /// How often the agent answers.
  public var turns: Int
  /// Instructions and tools, which are input at each turn.
  public var instructionTokens: Int
  /// How much of what has been input before comes from the service's cache, in millionths: an assumption, until a
  /// record of real sessions tells it.
  public var cacheShareInMillionths: Int
  /// Text that comes with the agent's audio, and is history as that is.
  public var transcriptTokensPerMinute: Int

  /// 30 text tokens beside 91 of audio at 20 a second, as in the example of the openai-openapi specification.
  public static let defaultTranscriptTokensPerMinute = 396

  /// The ranges that ``ModelPrices/bill(for:mode:)`` takes.
  public static let callCounts = 0...1_000_000_000
  public static let speechDurations = Duration.zero...Duration.seconds(86_400)
  public static let turnCounts = 1...10_000
  public static let tokenCounts = 0...1_000_000
  public static let shares = 0...1_000_000

  public init(
    calls: Int = 1_000, userSpeech: Duration = .seconds(120), agentSpeech: Duration = .seconds(180),
    silence: Duration = .zero, turns: Int = 10, instructionTokens: Int = 500, cacheShareInMillionths: Int = 500_000,
    transcriptTokensPerMinute: Int = CallScenario.defaultTranscriptTokensPerMinute
  ) {
    self.calls = calls
    self.userSpeech = userSpeech
    self.agentSpeech = agentSpeech
    self.silence = silence
    self.turns = turns
    self.instructionTokens = instructionTokens
    self.cacheShareInMillionths = cacheShareInMillionths
    self.transcriptTokensPerMinute = transcriptTokensPerMinute
  }

  var isInRange: Bool {
    Self.callCounts.contains(calls)
      && [userSpeech, agentSpeech, silence].allSatisfy(Self.speechDurations.contains)
      && Self.turnCounts.contains(turns) && Self.shares.contains(cacheShareInMillionths)
      && [instructionTokens, transcriptTokensPerMinute].allSatisfy(Self.tokenCounts.contains)
  }
}

extension Duration {
  var millisecondsRoundedUp: Int {
    let (seconds, attoseconds) = components
    let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
    return Int(seconds) * 1_000 + Int((attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond)
  }
}
