import ArgumentParser
import Foundation
import NIOCore
import RealtimeSimulator

struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Serves what voice APIs speak, on this machine, without a key and without a model.",
    discussion: """
      For tests, demonstrations and latency budgets. It listens on 127.0.0.1 and speaks OpenAI's Realtime API (the \
      generally available one, and the one before it), Gemini Live, ElevenLabs Agents, and OpenAI's chat completions \
      with audio. It keeps to the services' rules and says their errors; it finds turns by energy, counts tokens, and \
      answers with a sound like a voice or with the user's own turn. It knows no words, and its transcripts say so: \
      '(2.35 s of speech)'.

      STANDARD OUTPUT: when it is ready, one line for each dialect: its name, a tab and its URL; and nothing after that. \
      Standard error has a line for each session's start, turns, answers, errors and end. Ctrl-C closes all sessions with \
      code 1001 and ends it, by the signal, as other commands are.

      JOURNAL: with --journal, what was received and sent is written at the end, a line of JSON for each session: events \
      by type, turns, answers with their times in nanoseconds, errors and faults.

      FAULTS happen at the first answer of each session. --fault asks for one in every session, a query item for one in \
      that connection alone: ws://127.0.0.1:8080/v1/realtime?fault=drop. Behind those marked * a client has to connect \
      again; each of them happens once in all, so that it can be seen to carry on.
      \(faults)

      EXAMPLES
        Serve on port 8080:
          utter simulate --port 8080

        Give the user back what was said, in real time, after half a second:
          utter simulate --answer echo --realtime --first-audio-ms 500

        Does my client survive a lost connection, and a rate limit after that?
          utter simulate --fault drop --fault rate-limit

        A model that wants to know the weather:
          utter simulate --call-tool get_weather --tool-arguments '{"city":"Rome"}'

        In a script, the URL of one dialect:
          utter simulate > urls.txt & sleep 1; url=$(awk '$1 == "openai" { print $2 }' urls.txt)
          utter stream hello.wav --url "$url"; kill $!

        What a shell starts with '&' often ignores Ctrl-C's signal: end it with kill, which writes no journal.
      """)

  private static var faults: String {
    let width = SimulatedFault.allNames.map(\.count).max() ?? 0
    return SimulatedFault.allCases.map { fault in
      "  \(fault.name)\(fault.needsNewConnection ? "*" : " ")".padding(toLength: width + 5, withPad: " ", startingAt: 0)
        + fault.explanation
    }.joined(separator: "\n")
  }

  enum AnswerKind: String, ExpressibleByArgument, CaseIterable {
    case voice, echo
  }

  @Option(help: "The port to listen on; 0 for any free one.")
  var port = 0

  @Option(
    name: .customLong("fault"), parsing: .singleValue,
    help: ArgumentHelp("What goes wrong in every session; may be repeated.", valueName: "name"))
  var faultNames: [String] = []

  @Option(help: "What is answered: a sound like a voice, or the user's turn itself.")
  var answer = AnswerKind.voice

  @Option(name: .customLong("answer-ms"), help: "How long the sound like a voice is, 0 to 600000 ms.")
  var answerMilliseconds = 2000

  @Option(name: .customLong("delta-ms"), help: "Audio in one event of an answer, 10 to 10000 ms.")
  var deltaMilliseconds = 100

  @Option(
    name: .customLong("first-audio-ms"), help: "What the model takes from a response's creation to its first audio.")
  var firstAudioMilliseconds = 0

  @Flag(
    name: .customLong("realtime"), help: "Answers come in real time, half a second ahead, and not as fast as can be.")
  var isRealTime = false

  @Option(
    name: .customLong("session-limit-s"),
    help: "When a session is ended for its age, in seconds. (default: 3600, of Gemini 600)")
  var sessionLimit: Double?

  @Option(
    name: .customLong("call-tool"),
    help: ArgumentHelp("The tool to be called in each session, where the client declares it.", valueName: "name"))
  var toolName: String?

  @Option(
    name: .customLong("tool-arguments"), help: ArgumentHelp("What it is called with.", valueName: "json"))
  var toolArguments: String?

  @Option(
    name: .customLong("require-key-env"),
    help: ArgumentHelp("The environment variable with the one key that is accepted.", valueName: "name"))
  var keyVariable: String?

  @Option(help: ArgumentHelp("Where the journal is written, at the end.", valueName: "file"))
  var journal: String?

  func run() throws {
    let configuration = try simulatorConfiguration()
    let journal = try self.journal.map { try Output($0) }
    // Before any other thread begins, so that none of them takes a signal.
    let signals = EndingSignals()
    let simulator = try Self.start(configuration)
    let output = try Output("-")
    for dialect in SimulatedDialect.allCases {
      try output.write("\(dialect.rawValue)\t\(simulator.url(dialect))\n")
    }
    try output.write("chat-completions\t\(simulator.chatCompletionsURL)\n")
    try output.finish()

    let signal = signals.wait()
    try Blocking.run { try await simulator.stop() }
    if let journal {
      for session in simulator.journal.sessions {
        try journal.write(session.json)
        try journal.endRecord()
      }
      try journal.finish()
    }
    signals.end(by: signal)
  }

  private func simulatorConfiguration() throws -> SimulatorConfiguration {
    var configuration = SimulatorConfiguration()
    guard (0...65_535).contains(port) else { throw Misuse("--port is 0 to 65535, not \(port)") }
    configuration.port = port
    configuration.faults = try faultNames.map { name in
      guard let fault = SimulatedFault(name: name) else {
        throw Misuse("there is no fault '\(name)'; there are \(SimulatedFault.allNames.joined(separator: ", "))")
      }
      return fault
    }
    configuration.answer = answer == .echo ? .echo : .voice
    guard (0...600_000).contains(answerMilliseconds) else {
      throw Misuse("--answer-ms is 0 to 600000, not \(answerMilliseconds)")
    }
    configuration.answerDuration = .milliseconds(answerMilliseconds)
    guard (10...10_000).contains(deltaMilliseconds) else {
      throw Misuse("--delta-ms is 10 to 10000, not \(deltaMilliseconds)")
    }
    configuration.deltaDuration = .milliseconds(deltaMilliseconds)
    guard (0...600_000).contains(firstAudioMilliseconds) else {
      throw Misuse("--first-audio-ms is 0 to 600000, not \(firstAudioMilliseconds)")
    }
    configuration.firstAudioDelay = .milliseconds(firstAudioMilliseconds)
    if isRealTime { configuration.pacing = .realTime(lead: .milliseconds(500)) }
    if let sessionLimit {
      guard sessionLimit > 0, sessionLimit <= 86_400 else {
        throw Misuse("--session-limit-s is more than 0 and at most 86400, not \(sessionLimit)")
      }
      configuration.sessionLimit = .seconds(sessionLimit)
    }
    if let toolArguments {
      guard toolName != nil else { throw Misuse("--tool-arguments needs --call-tool") }
      guard (try? JSONSerialization.jsonObject(with: Data(toolArguments.utf8))) is [String: Any] else {
        throw Misuse("--tool-arguments is a JSON object, not '\(toolArguments)'")
      }
    }
    if let toolName {
      configuration.toolCall = SimulatedToolCall(name: toolName, arguments: toolArguments ?? "{}")
    }
    if let keyVariable {
      guard let key = ProcessInfo.processInfo.environment[keyVariable], !key.isEmpty else {
        throw Misuse("the environment variable \(keyVariable) is not set")
      }
      configuration.requiredKey = key
    }
    // The journal that is written has its length alone.
    configuration.keepsAudio = false
    configuration.log = { Diagnostics.write($0) }
    return configuration
  }

  private static func start(_ configuration: SimulatorConfiguration) throws -> Simulator {
    do {
      return try Blocking.run { try await Simulator.start(configuration) }
    } catch let error as SimulatorError {
      throw Failure("simulate: \(error)")
    } catch let error as IOError {
      let place = "127.0.0.1:\(configuration.port)"
      if error.errnoCode == EADDRINUSE {
        throw Failure("simulate: port \(configuration.port) is in use: another program listens on \(place)")
      }
      throw Failure("simulate: cannot listen on \(place): \(unsafe String(cString: strerror(error.errnoCode)))")
    } catch {
      throw Failure("simulate: cannot listen on 127.0.0.1:\(configuration.port): \("\(error)".onOneLine)")
    }
  }
}

/// The signals that end a server: waited for instead of handled, so that it can close its sessions first.
private struct EndingSignals {
  private var set = sigset_t()

  init() {
    unsafe sigemptyset(&set)
    // Linux would hand over one that is ignored, too, while it is blocked.
    for number in [SIGHUP, SIGINT, SIGTERM] where !Interruption.isIgnored(number) { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// - Returns: The signal that came.
  func wait() -> Int32 {
    var set = set
    var number: Int32 = 0
    while unsafe sigwait(&set, &number) != 0 {}
    return number
  }

  /// Ends the process by that signal, as a shell expects.
  func end(by number: Int32) {
    var set = set
    signal(number, SIG_DFL)
    raise(number)
    unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }
}

extension SimulatorJournal.Session {
  /// One line, its keys in alphabetical order. Times are nanoseconds of the monotonic clock.
  fileprivate var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(JournalEntry(self)), as: UTF8.self)
    }
  }
}

/// The journal's names are its format.
private struct JournalEntry: Encodable {
  struct Turn: Encodable {
    var item: String
    var audio_bytes: Int
    var first_byte_ns: UInt64
    var commit_ns: UInt64
  }

  struct Response: Encodable {
    var id: String
    var status: String
    var create_ns: UInt64
    var first_delta_ns: UInt64?
    var done_ns: UInt64?
  }

  struct Item: Encodable {
    var id: String
    var kind: String
    var audio_bytes: Int
    var truncated_to_ms: Int?
  }

  struct Problem: Encodable {
    var code: String
    var message: String
    var param: String?
    var event_id: String?
  }

  var session: Int
  var dialect: String
  var path: String
  var start_ns: UInt64
  var end_ns: UInt64?
  var close_code: Int?
  var audio_bytes: Int
  var sent_bytes: Int
  var client_events: [String: Int]
  var server_events: [String: Int]
  var turns: [Turn]
  var responses: [Response]
  var items: [Item]
  var errors: [Problem]
  var faults: [String]

  init(_ session: SimulatorJournal.Session) {
    self.session = session.number
    dialect = session.dialect.rawValue
    path = session.path
    start_ns = session.startTime
    end_ns = session.endTime
    close_code = session.closeCode
    audio_bytes = session.audioByteCount
    sent_bytes = session.sentByteCount
    client_events = session.clientEvents.reduce(into: [:]) { $0[$1.type, default: 0] += 1 }
    server_events = session.serverEventCounts
    turns = session.turns.map {
      Turn(
        item: $0.itemID, audio_bytes: $0.audioByteCount, first_byte_ns: $0.firstByteTime, commit_ns: $0.commitTime)
    }
    responses = session.responses.map {
      Response(
        id: $0.id, status: $0.status, create_ns: $0.createTime, first_delta_ns: $0.firstDeltaTime,
        done_ns: $0.doneTime)
    }
    items = session.items.map {
      Item(
        id: $0.id, kind: $0.kind, audio_bytes: $0.audioByteCount, truncated_to_ms: $0.truncatedToMilliseconds)
    }
    errors = session.errors.map {
      Problem(code: $0.code, message: $0.message, param: $0.parameter, event_id: $0.clientEventID)
    }
    faults = session.faults.map(\.name)
  }
}
