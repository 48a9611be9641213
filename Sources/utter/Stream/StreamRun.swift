import AudioDSP
import AudioFiles
import Foundation
import Logging
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization

/// A recording on its way through a session.
struct StreamRun {
  /// What is heard at once, and how often the speaker asks for samples.
  private static let tick = Duration.milliseconds(20)
  /// How much of a file may wait to be sent.
  private static let waitingLimit = Duration.seconds(1)

  private let command: StreamCommand
  private let dialect: Dialect

  init(_ command: StreamCommand, _ dialect: Dialect) {
    self.command = command
    self.dialect = dialect
  }

  func run() throws {
    let inputs = try InputFiles([command.recording], takesAll: command.input.raw != nil)
    let task = InputTask(
      inputs.files[0], progress: ArchiveProgress(inputs.files, isShown: false), isAlone: true, isCancelled: { false })
    do {
      try run(Recording(task, command.input), task)
    } catch let misuse as Misuse {
      throw misuse
    } catch {
      throw Failure(error, of: task.name)
    }
  }

  private func run(_ recording: consuming Recording, _ task: InputTask) throws {
    let configuration = try command.configuration(
      dialect, inputRate: recording.sampleRate, channelCount: recording.channelCount)
    let stand = try ServiceStand(command.service, dialect, isQuiet: command.quiet)
    defer { stand.stop() }
    let report = try StreamReport(
      words: command.answers == "-" || command.timeline == "-" ? nil : "-", timeline: command.timeline,
      model: stand.isSimulated ? nil : command.service.model ?? dialect.defaultModel, isQuiet: command.quiet)
    let answers = AnswerFile(command.answers)
    let client: VoiceClient
    do {
      client = try VoiceClient(
        stand.endpoint, configuration, tools: command.toolDemo ? [try Self.clock] : [], logger: logger)
    } catch let error as SessionConfigurationError {
      throw Misuse("\(error)")
    }
    let isLive = command.recording == "-" || Self.isPipe(command.recording)
    var isPaced = command.realtime || isLive
    if case .service = configuration.turnTaking { isPaced = true }
    // From here on Ctrl-C ends the session, not the process: what has come is written.
    LiveInputs.add()
    defer { LiveInputs.remove() }

    let listening = Task.detached {
      await report.listen(to: client.events)
      // Nobody hears what a microphone would still give, if it does.
      _ = LiveInputs.end()
    }
    try Blocking.run { await client.start() }
    let interruption = isLive ? nil : InputEndWatch { Task { await client.close() } }
    defer { interruption?.stop() }
    let feeder = Feeder(client: client, answers: answers, rate: recording.sampleRate, isPaced: isPaced)
    // A microphone does not wait: what it gives before the session is ready is kept, within bounds.
    if isLive { feeder.begin() } else { try feeder.awaitReady() }
    let player = Task.detached { await isPaced ? feeder.play() : feeder.playAtOnce() }
    if case .pushToTalk = configuration.turnTaking { try Blocking.run { await client.beginTurn() } }
    let channelCount = recording.channelCount
    let pieceSize = max(1, recording.sampleRate.sampleCount(in: Self.tick)) * channelCount
    var brokenOff: (any Error)?
    do {
      try recording.forEachBlock { block in
        if feeder.isOver { throw SessionIsOver() }
        var taken = 0
        while taken < block.count, !feeder.isOver {
          let count = min(pieceSize, block.count - taken)
          let piece = block.extracting(taken..<taken + count)
          var samples: [Float] = []
          samples.reserveCapacity(count)
          for i in piece.indices { samples.append(piece[i]) }
          try feeder.hear(samples, frameCount: count / channelCount)
          taken += count
        }
      }
    } catch {
      brokenOff = error
    }
    // Ctrl-C ends a live input, and what has come of it is finished; a file's session is over.
    try feeder.end(isFinished: isLive)
    player.cancel()
    let hasFailed = try Blocking.run {
      guard await client.isClosed else { return false }
      // What was closed from here has not failed.
      await listening.value
      return if case .failed = await report.end { true } else { false }
    }
    let isInterrupted = LiveInputs.areEnded && !hasFailed && !isLive
    try Blocking.run {
      await player.value
      // What had come when the session failed was said.
      if !isInterrupted { await feeder.playRest() }
      await client.close()
      await listening.value
    }
    // Each, whatever becomes of the other.
    let toldAll = Result { try Blocking.run { try await report.finish() } }
    try Blocking.run { try await answers.finish() }
    try toldAll.get()
    // A session that has failed ends a live input, which may then seem to be broken.
    if let brokenOff, !hasFailed, !(brokenOff is SessionIsOver) { throw brokenOff }
    // What was ended from here is cut off as it was to be.
    if brokenOff == nil, !LiveInputs.areEnded { try recording.tellDamage(nonFiniteCount: 0) }
    try conclude(report, answers)
    if isInterrupted {
      stand.stop()
      Interruption.end()
    }
  }

  private static func isPipe(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  /// What is left of the recording is not read.
  private struct SessionIsOver: Error {}

  /// Tells how it went.
  private func conclude(_ report: StreamReport, _ answers: AnswerFile) throws {
    let (summary, end, badCount, count, turnCount) = try Blocking.run {
      (
        await report.summary(playedSeconds: await answers.seconds), await report.end, await report.badAnswerCount,
        await report.answerCount, await report.turnCount
      )
    }
    if !command.quiet { Diagnostics.write(summary) }
    if case .failed(let reason) = end { throw Failure(reason.onOneLine) }
    if badCount > 0 { throw Failure("\(badCount) of \(counted(count, "answer")) did not come whole") }
    if turnCount == 0, count == 0 { Diagnostics.warn("no turn was found, and nothing answered") }
  }

  private var logger: Logger? {
    guard command.verbose else { return nil }
    var logger = Logger(label: "utter") { label in StreamLogHandler.standardError(label: label) }
    logger.logLevel = .debug
    return logger
  }

  private struct NoArguments: Codable, Sendable {}

  private static var clock: Tool {
    get throws {
      try Tool("get_time", description: "Tells the present time in UTC.", parameters: .object()) { (_: NoArguments) in
        ISO8601DateFormatter().string(from: Date())
      }
    }
  }

  /// Gives the client what is heard, and takes what is to be played.
  private final class Feeder: Sendable {
    private let client: VoiceClient
    private let answers: AnswerFile
    private let rate: SampleRate
    private let isPaced: Bool
    private let start = ContinuousClock.now
    private let state = Counter()

    init(client: VoiceClient, answers: AnswerFile, rate: SampleRate, isPaced: Bool) {
      self.client = client
      self.answers = answers
      self.rate = rate
      self.isPaced = isPaced
    }

    /// Whether nothing more is to be heard.
    var isOver: Bool { LiveInputs.areEnded || state.isClosed }

    func begin() { state.restart() }

    func awaitReady() throws {
      try Blocking.run { [self] in
        await client.wait(until: { $0.isReady })
        await noteEnd()
      }
      state.restart()
    }

    func hear(_ samples: [Float], frameCount: Int) throws {
      let due = state.advance(by: frameCount, rate)
      try Blocking.run { [self] in
        if isPaced {
          try? await Task.sleep(until: due, clock: .continuous)
        } else {
          await client.wait(until: {
            $0.isReady && !$0.isAnswering && $0.waitingInput < StreamRun.waitingLimit
          })
        }
        try await client.hear(samples)
        await noteEnd()
      }
    }

    /// The input has ended: what is under way is finished.
    ///
    /// - Parameter isFinished: Whether that is so when the input was ended from here, too.
    func end(isFinished: Bool) throws {
      if LiveInputs.areEnded, !isFinished { return }
      try Blocking.run { [self] in
        await client.endTurn()
        await client.endInput()
        await client.wait(until: { $0.isSettled })
      }
    }

    /// The speaker, at the pace of speech.
    func play() async {
      var next = ContinuousClock.now
      while !Task.isCancelled, await !client.isClosed {
        let rate = await client.playoutRate
        let block = await client.play(rate.sampleCount(in: StreamRun.tick))
        // An answer starts with a block, and only silence follows within one.
        await answers.write(block.samples[..<block.answerCount], rate: rate)
        next += StreamRun.tick
        try? await Task.sleep(until: next, clock: .continuous)
      }
    }

    /// A speaker that takes answers as fast as they come.
    func playAtOnce() async {
      var isPlaying = false
      // An answer is told to be over with the pull behind its last sample.
      while await client.wait(until: { [isPlaying] in $0.isOutputReady || (isPlaying && !$0.isAnswering) }) {
        isPlaying = await playWaiting()
      }
    }

    /// Plays what is left when nothing more comes.
    func playRest() async {
      while await playWaiting() {}
    }

    private func noteEnd() async {
      if await client.isClosed { state.close() }
    }

    /// Plays what there is, as fast as it goes.
    ///
    /// - Returns: Whether there was something.
    private func playWaiting() async -> Bool {
      let waiting = await client.waitingOutput
      let rate = await client.playoutRate
      let block = await client.play(max(1, rate.sampleCount(in: min(waiting, StreamRun.tick))))
      await answers.write(block.samples[..<block.answerCount], rate: rate)
      return block.answerCount > 0
    }
  }
}

/// How much has been heard, and since when.
private final class Counter: Sendable {
  private struct State {
    var start = ContinuousClock.now
    var frameCount = 0
    var isClosed = false
  }

  private let state = Mutex(State())

  var isClosed: Bool { state.withLock { $0.isClosed } }
  func close() { state.withLock { $0.isClosed = true } }
  func restart() { state.withLock { $0.start = .now } }

  /// - Returns: When the last of these sample frames has been spoken.
  func advance(by count: Int, _ rate: SampleRate) -> ContinuousClock.Instant {
    state.withLock {
      $0.frameCount += count
      return $0.start + rate.duration(of: $0.frameCount)
    }
  }
}
