import Logging
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization
import Testing

extension ClientSuites {
  /// A key is in no log, event, error or description, whatever goes wrong.
  @Suite("Secrets") struct SecretsTests {
    private static let key = "sk-very-secret-0123456789abcdef"

    @Test(arguments: [Dialect.openAI, .openAIBeta, .gemini, .elevenLabs])
    func noLineHasTheKey(_ dialect: Dialect) async throws {
      let log = CollectedLog()
      var configuration = SimulatorConfiguration()
      configuration.requiredKey = "another"
      configuration.faults = [.drop]
      let refusing = try await Simulator.start(configuration)
      configuration.requiredKey = nil
      let dropping = try await Simulator.start(configuration)
      var said: [String] = []
      for url in [refusing.url(dialect.simulated), dropping.url(dialect.simulated), "ws://127.0.0.1:1/"] {
        let configuration = Conversation.configuration(dialect)
        let endpoint = try ServiceEndpoint(dialect, url: url + (url.contains("?") ? "&" : "?") + "token=\(Self.key)")
          .authorized(with: Credential(Self.key))
        let client = try VoiceClient(endpoint, configuration, logger: log.logger)
        let turn = [Int16](repeating: 1000, count: configuration.inputRate.sampleCount(in: .milliseconds(300)))
        let outcome = try await Conversation.hold(
          client, turns: [turn + Conversation.turnEnd(dialect)], rate: configuration.inputRate)
        said += outcome.events.map { "\($0)" }
        said += ["\(endpoint)", "\(endpoint.headers)", String(reflecting: endpoint), String(reflecting: client)]
        var dumped = ""
        dump(endpoint, to: &dumped)
        dump(outcome, to: &dumped)
        said.append(dumped)
      }
      try await refusing.stop()
      try await dropping.stop()
      let lines = log.lines
      #expect(lines.count > 3, "the log says something")
      #expect(said.contains { $0.contains("401") }, "the refusal is told")
      for line in said + lines {
        #expect(!line.contains(Self.key) && !line.contains("very-secret"), "\(line)")
      }
      // The canary: it would be seen.
      log.logger.debug("\(Self.key)")
      #expect(log.lines.contains { $0.contains(Self.key) })
    }
  }
}

extension Dialect {
  var simulated: SimulatedDialect {
    switch self {
    case .openAI, .pcm: .openAI
    case .openAIBeta: .openAIBeta
    case .gemini: .gemini
    case .elevenLabs: .elevenLabs
    }
  }
}

/// Keeps every line, of any level, with its metadata.
private final class CollectedLog: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  var logger: Logger {
    Logger(label: "test") { [self] _ in Handler(log: self) }
  }

  private func add(_ line: String) { kept.withLock { $0.append(line) } }

  private struct Handler: LogHandler {
    let log: CollectedLog
    var logLevel = Logger.Level.trace
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.add("\(event.level) \(event.message) \(event.metadata ?? [:]) \(metadata)")
    }
  }
}
