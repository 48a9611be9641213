import AudioDSP
import AudioFiles
import Foundation
import LatencyBudget
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import Synchronization

/// 'utter budget --session': gets turns, and tells what became of their milliseconds.
struct SessionBudgetRun {
  /// What the simulator says.
  private static let answerDuration = Duration.milliseconds(200)
  /// Of the simulator's audio in a message: as much as one of ours has.
  private static let answerDeltaDuration = Duration.milliseconds(20)
  /// What is said where no recording is given.
  private static let speechDuration = Duration.milliseconds(400)
  /// Of what is said in a turn.
  private static let audioDurations = 0.1...60.0
  /// How long all turns take where their number is not given.
  private static let patience = Duration.seconds(15)
  private static let mostTurns = 20

  private let command: BudgetCommand

  init(_ command: BudgetCommand) {
    self.command = command
  }

  func run() throws {
    let report = try command.session.timeline.map(recorded) ?? measured()
    Diagnostics.eraseBar()
    do {
      let output = try Output("-")
      let chunk = command.session.timeline == nil ? command.chunkMilliseconds : nil
      try output.write(
        command.json
          ? report.budget.json(report.json) + "\n"
          : SessionBudgetTable(report.budget, report.title, chunkMilliseconds: chunk).text)
      try output.finish()
    } catch let failure as Failure
      where failure.isQuiet && !(report.budget.isWithinBudget && report.budget.isWithinClientBudget)
    {
      // Whoever reads has gone; the verdict is told all the same.
    }
    try judge(report.budget)
  }

  private struct Report {
    var budget: SessionBudget
    var title: [String]
    var json: [(key: String, value: String)]
  }

  private func judge(_ budget: SessionBudget) throws {
    var complaints: [String] = []
    if let remaining = budget.remaining, let total = budget.commit?.total {
      if remaining < 0 {
        complaints.append(
          "over budget by \(SessionBudget.milliseconds(-remaining)) ms: 95 % of the turns within "
            + "\(SessionBudget.milliseconds(total.p95)) ms from the commit, \(command.budget) to spend")
      }
    } else {
      complaints.append("no turn tells its commit: there is nothing to hold against the budget")
    }
    if let remaining = budget.clientRemaining, remaining < 0, let share = budget.commit?.clientShare {
      complaints.append(
        "the client's share is over its budget by \(SessionBudget.milliseconds(-remaining)) ms: 95 % of the turns within "
          + "\(SessionBudget.milliseconds(share.p95)) ms")
    }
    if !complaints.isEmpty { throw Failure(complaints.joined(separator: "; ")) }
  }

  private var outputParameter: SessionParameter {
    SessionParameter(
      "device output", option: "--output-ms", owner: "audio device",
      microseconds: command.session.output?.microseconds ?? 20_000,
      source: command.session.output != nil
        ? "given" : "an estimate, of 10 to 20 for a device's output; rings of 22 to 27 and devices of 40 are known")
  }

  // MARK: A record

  private func recorded(_ path: String) throws -> Report {
    let file = try TimelineFile(path)
    let output = outputParameter
    let (commit, speechEnd) = RecordedTurn.clocks(of: file.turns, output: output)
    let budget = SessionBudget(
      .timeline, commit: commit, speechEnd: speechEnd, turnCount: file.turns.count, parameters: [output],
      budget: command.budget.microseconds, clientBudget: nil)
    return Report(budget: budget, title: ["\(counted(file.turns.count, "turn")) of \(file.name)"], json: [])
  }

  // MARK: A session

  private func measured() throws -> Report {
    guard let dialect = command.service.dialect.dialect else { preconditionFailure("validated") }
    let (signal, rate, channelCount) = try speech()
    let deviceMilliseconds = command.chosenDeviceMilliseconds ?? 10
    var configuration = SessionConfiguration(dialect)
    configuration.model = command.service.model
    configuration.inputRate = rate
    configuration.channelCount = channelCount
    configuration.chunkDuration = .milliseconds(command.chunkMilliseconds)
    configuration.detector = command.detector
    configuration.turnTaking = .pushToTalk
    configuration.interruption.confirmation = .never
    configuration.transcriptionModel = nil
    configuration.reconnection = .never
    configuration.playout.jitterBuffer = .milliseconds(command.session.jitterMilliseconds ?? 20)
    let path = LocalPath(
      inputRate: rate, channelCount: channelCount, dialect: dialect, chunkDuration: configuration.chunkDuration,
      deviceBlock: .milliseconds(deviceMilliseconds), detector: command.detector)
    let resamplerDelay = AlgorithmicDelays(path).resampler
    let measurement = SessionMeasurement(
      configuration: configuration, signal: signal,
      blockLength: max(1, rate.sampleCount(in: .milliseconds(deviceMilliseconds))),
      resamplerDelay: .nanoseconds(Int64((resamplerDelay * 1e6).rounded())))
    let seconds = rate.seconds(of: signal.count / channelCount)
    let turnCount = command.session.turnCount ?? defaultTurnCount(turnSeconds: seconds)

    let isSimulated = !command.service.namesService
    let (turns, replaced, place) =
      try isSimulated
      ? simulate(measurement, dialect, turnCount) : ask(measurement, dialect, turnCount)
    let parameters = parameters(dialect, isSimulated: isSimulated)
    let (commit, speechEnd) = LiveTurn.clocks(of: turns, parameters)
    let budget = SessionBudget(
      isSimulated ? .simulator : .service, commit: commit, speechEnd: speechEnd, turnCount: turns.count,
      parameters: parameters.all, replaced: replaced, budget: command.budget.microseconds,
      clientBudget: command.session.clientBudget?.microseconds ?? (isSimulated ? 25_000 : nil))
    let title = [
      "\(counted(turns.count, "turn")) of \(String(format: "%.1f", seconds)) s by push to talk with \(place)",
      "\(rate), blocks of \(deviceMilliseconds) ms, events of \(command.chunkMilliseconds) ms, "
        + "\(command.detector.rawValue) detector, jitter buffer of \(command.session.jitterMilliseconds ?? 20) ms",
    ]
    return Report(
      budget: budget, title: title,
      json: [
        ("dialect", jsonString(dialect.rawValue)), ("service", isSimulated ? "null" : jsonString(place)),
        ("input_rate", "\(rate.hertz)"), ("chunk_ms", "\(command.chunkMilliseconds)"),
        ("device_ms", "\(deviceMilliseconds)"), ("jitter_ms", "\(command.session.jitterMilliseconds ?? 20)"),
        ("detector", jsonString(command.detector.rawValue)),
      ])
  }

  private func defaultTurnCount(turnSeconds: Double) -> Int {
    // With its answer and what passes in between.
    let all = turnSeconds + Self.answerDuration.seconds + 0.1
    return max(3, min(Self.mostTurns, Int(Self.patience.seconds / all)))
  }

  /// What is said: interleaved samples.
  private func speech() throws -> (samples: [Float], rate: SampleRate, channelCount: Int) {
    guard let path = command.session.audio else {
      let rate = command.inputRate
      let samples = SpeechLikeSignal.interleaved(rate, channelCount: 1)
      return (Array(samples.prefix(rate.sampleCount(in: Self.speechDuration))), rate, 1)
    }
    let inputs = try InputFiles([path])
    guard !inputs.isMultiple else { throw Misuse("--audio is one recording, not a folder") }
    let task = InputTask(
      inputs.files[0], progress: ArchiveProgress(inputs.files, isShown: false), isAlone: true, isCancelled: { false })
    do {
      var recording = try Recording(task, InputOptions.parse([]))
      let (rate, channelCount) = (recording.sampleRate, recording.channelCount)
      let limit = Int(Self.audioDurations.upperBound) * rate.hertz * channelCount
      var samples: [Float] = []
      try recording.forEachBlock { block in
        guard samples.count + block.count <= limit else {
          throw Failure("\(path): is longer than \(Int(Self.audioDurations.upperBound)) s, which is no turn")
        }
        for i in block.indices { samples.append(block[i].isFinite ? block[i] : 0) }
      }
      try recording.tellDamage(nonFiniteCount: 0)
      guard rate.seconds(of: samples.count / channelCount) >= Self.audioDurations.lowerBound else {
        throw Failure("\(path): is shorter than \(Self.audioDurations.lowerBound) s, which no service takes for a turn")
      }
      return (samples, rate, channelCount)
    } catch {
      throw Failure(error, of: task.name)
    }
  }

  private func parameters(_ dialect: Dialect, isSimulated: Bool) -> SessionParameters {
    let options = command.session
    let hangover = command.hangover ?? Int(SegmenterConfiguration.turns.hangover / .milliseconds(1))
    let endOfTurn = SessionParameter(
      "end-of-turn wait", option: "--hangover-ms", owner: "caller", microseconds: hangover * 1_000,
      source: command.hangover != nil
        ? "given"
        : "the silence that ends a turn in 'utter stream'; OpenAI's own detector waits 200 or 500, a button 0")
    guard isSimulated else { return SessionParameters(endOfTurn: endOfTurn, remote: nil, output: outputParameter) }
    func network(_ name: String) -> SessionParameter {
      SessionParameter(
        name, option: "--network-ms", owner: "network", microseconds: options.network?.microseconds ?? 20_000,
        source: options.network != nil
          ? "given"
          : "an estimate: 12 to 28 one way within a continent (PyPI voice-latency 0.1); 100 to 300 over WebSockets by "
            + "Microsoft's documentation of Realtime")
    }
    let isGemini = dialect == .gemini
    let model = SessionParameter(
      "model to first audio", option: "--model-ms", owner: "service",
      microseconds: options.model?.microseconds ?? (isGemini ? 320_000 : 340_000),
      source: options.model != nil
        ? "given"
        : "an estimate: \(isGemini ? "Gemini Live, median; 660" : "GPT Realtime, median; 700") for 95 % "
          + "(PyPI voice-latency 0.1)")
    return SessionParameters(
      endOfTurn: endOfTurn,
      remote: .init(uplink: network("network up"), model: model, downlink: network("network down")),
      output: outputParameter)
  }

  private typealias Measured = (turns: [LiveTurn], replaced: [SessionStage], place: String)

  private func simulate(_ measurement: SessionMeasurement, _ dialect: Dialect, _ turnCount: Int) throws -> Measured {
    var configuration = SimulatorConfiguration()
    configuration.answerDuration = Self.answerDuration
    configuration.deltaDuration = Self.answerDeltaDuration
    // No faster than it is heard: a head start would hide what the jitter buffer costs.
    configuration.pacing = .realTime(lead: .zero)
    return try Blocking.run { [configuration] in
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      let simulator = try await Simulator.start(configuration, on: group)
      let result: Result<[LiveTurn], any Error>
      do {
        let endpoint = try ServiceEndpoint(dialect, url: simulator.url(dialect.simulated))
        result = .success(try await measurement.run(endpoint, turnCount: turnCount, progress: Self.progress(turnCount)))
      } catch {
        result = .failure(error)
      }
      let journal = simulator.journal
      try? await simulator.stop()
      try? await group.shutdownGracefully()
      let turns = try result.get()
      var replaced = [LiveTurn.betweenSockets(turns)]
      // The first is the turn that is not counted.
      let answers = (journal.sessions.first?.responses ?? []).dropFirst().compactMap { response in
        response.firstDeltaTime.map { Int(($0 - min($0, response.createTime)) / 1_000) }
      }
      if answers.count == turns.count {
        replaced.append(
          SessionStage("of it the simulator", .measured, owner: "RealtimeSimulator", microseconds: answers))
      }
      return (turns, replaced, "a simulator in this process (\(dialect.rawValue))")
    }
  }

  private func ask(_ measurement: SessionMeasurement, _ dialect: Dialect, _ turnCount: Int) throws -> Measured {
    guard let endpoint = try command.service.endpoint(dialect) else {
      throw Misuse(
        "there is no key (\(dialect.keyVariables.joined(separator: ", "))) and no --url; without the choice of a model or "
          + "a key a simulator answers")
    }
    let turns = try Blocking.run {
      try await measurement.run(endpoint, turnCount: turnCount, progress: Self.progress(turnCount))
    }
    return (turns, [], "\(endpoint)")
  }

  private static func progress(_ turnCount: Int) -> @Sendable (Int) -> Void {
    let progress = Mutex(Progress())
    let box = ProgressBox(progress)
    return { box.update(Double($0) / Double(turnCount)) }
  }

  private final class ProgressBox: Sendable {
    private let progress: Mutex<Progress>

    init(_ progress: consuming Mutex<Progress>) { self.progress = progress }

    func update(_ part: Double) {
      progress.withLock { $0.update("holding turns", part: part, seconds: $0.elapsedSeconds) }
    }
  }
}
