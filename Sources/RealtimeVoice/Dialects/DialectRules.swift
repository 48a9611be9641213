import AudioDSP

/// What a client may do, and must, in a dialect.
struct DialectRules: Sendable {
  /// Whether the client can say where turns start and end.
  var takesTurns: Bool
  /// Whether an answer must be asked for behind a turn that the client ended, and behind the results of tools.
  var asksForAnswers: Bool
  /// Whether the service waits for our settings before it says that there is a session.
  var configuresFirst: Bool
  /// Whether the service says which formats of audio it takes and gives.
  var announcesFormats: Bool
  /// Whether items can be truncated and deleted.
  var editsItems: Bool
  /// Whether JSON comes in binary messages, too.
  var takesBinary: Bool
  /// How long a connection lasts.
  var connectionLimit: Duration?
  /// Where the service does not say when an answer is complete: how long nothing of it has come by then.
  var answerEnd: Duration?
  /// Where the end of the input cannot be told: how much silence makes the service's own detector end the turn.
  var closingSilence: Duration?
}

extension Dialect {
  var rules: DialectRules {
    switch self {
    // 60 minutes: "Your session hit the maximum duration of 60 minutes."
    case .openAI, .openAIBeta, .pcm:
      DialectRules(
        takesTurns: true, asksForAnswers: true, configuresFirst: false, announcesFormats: false, editsItems: true,
        takesBinary: false,
        connectionLimit: .seconds(3600))
    // About ten minutes a connection (Google Cloud, "Start and manage live sessions", November 2026). Google's server
    // sends its JSON in binary messages.
    case .gemini:
      DialectRules(
        takesTurns: true, asksForAnswers: false, configuresFirst: true, announcesFormats: false, editsItems: false,
        takesBinary: true,
        connectionLimit: .seconds(600))
    // The first answer event of a turn is the last thing that says how much comes; chunks follow each other at less
    // than half a second.
    case .elevenLabs:
      DialectRules(
        takesTurns: false, asksForAnswers: false, configuresFirst: true, announcesFormats: true, editsItems: false,
        takesBinary: false,
        answerEnd: .milliseconds(1000), closingSilence: .milliseconds(1500))
    }
  }
}
