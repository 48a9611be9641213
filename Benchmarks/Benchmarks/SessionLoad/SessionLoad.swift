import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation
import Histogram
import NIOCore
import NIOPosix
import RealtimeSimulator
import RealtimeVoice
import RealtimeVoiceNIO
import Synchronization

/// Many sessions at once, at the pace of speech: how long after a block of the microphone is due its chunk has been
/// written to the socket.
@main
struct SessionLoad: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session-load",
    abstract: "Holds many spoken sessions at once with a simulator in the same process.",
    discussion: """
      Each session hears a recording from a place of its own on, in blocks as long as a chunk, and plays what is answered. \
      The latency of a block is from when it is due to when its chunk was written to the socket: what comes on top of the \
      chunk itself, and of the resampler's delay. Simulator and clients share the machine. Exit status 1 when the 99th \
      percentile exceeds --limit-ms, or a session fails.
      """)

  @Option(help: "How many sessions.")
  var sessions = 200

  @Option(help: "How long, in seconds.")
  var seconds = 20

  @Option(help: "Audio per event, in milliseconds.")
  var chunkMs = 20

  @Option(help: "What is heard.")
  var audio = "TestAudio/speech.wav"

  @Option(help: "The most that the 99th percentile may be.")
  var limitMs = 5.0

  func validate() throws {
    guard sessions > 0, seconds > 0, (10...1000).contains(chunkMs) else {
      throw ValidationError("--sessions and --seconds are at least 1, --chunk-ms is 10 to 1000")
    }
  }

  func run() async throws {
    let (samples, rate) = try mono()
    // A thread of its own, as another process would have.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var simulated = SimulatorConfiguration()
    simulated.answerDuration = .seconds(1)
    let simulator = try await Simulator.start(simulated, on: group)
    let latencies = Latencies()
    let clients = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let opening = NIODeadline.now()
    let calls = try await withThrowingTaskGroup(of: Call.self) { tasks in
      for _ in 0..<sessions {
        let eventLoop = clients.next()
        tasks.addTask { try await open(simulator.url(.openAI), rate, on: eventLoop) }
      }
      return try await tasks.reduce(into: [Call]()) { $0.append($1) }
    }
    let openSeconds = Double((NIODeadline.now() - opening).nanoseconds) * 1e-9
    FileHandle.standardError.write(Data("\(sessions) sessions opened in \(openSeconds) s\n".utf8))
    let before = Self.processorSeconds
    let start = NIODeadline.now() + .milliseconds(500)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for (number, call) in calls.enumerated() {
        // Spread over a chunk, as callers are.
        let first = start + .nanoseconds(Int64(chunkMs) * 1_000_000 * Int64(number) / Int64(sessions))
        let microphone = Microphone(
          call.client, samples, blockCount: rate.sampleCount(in: .milliseconds(chunkMs)),
          from: samples.count / sessions * number, start: first, period: .milliseconds(Int64(chunkMs)),
          count: seconds * 1000 / chunkMs, latencies)
        tasks.addTask { try await microphone.run(on: call.eventLoop) }
      }
      try await tasks.waitForAll()
    }
    let elapsed = Double((NIODeadline.now() - start).nanoseconds) * 1e-9
    let processor = Self.processorSeconds - before
    for call in calls {
      await call.client.close()
      if case .failed(let reason) = await call.listening.value { throw ValidationError(reason) }
    }
    let journal = simulator.journal
    try await simulator.stop()
    try await clients.shutdownGracefully()
    try await group.shutdownGracefully()

    let p99 = latencies.milliseconds(atPercentile: 99)
    let figures = [50, 90, 99, 99.9, 100].map { latencies.milliseconds(atPercentile: $0) }
    print("sessions,seconds,chunk_ms,blocks,p50_ms,p90_ms,p99_ms,p999_ms,max_ms,answers,cpu_s_per_s")
    print(
      "\(sessions),\(seconds),\(chunkMs),\(latencies.count),"
        + figures.map { String(format: "%.3f", $0) }.joined(separator: ",")
        + ",\(journal.responseCount),\(String(format: "%.2f", processor / elapsed))")
    let sent = journal.sessions.reduce(0) { $0 + $1.audioByteCount }
    // Two bytes a sample, 24 kHz; a block may still be on its way when a session ends.
    let due = sessions * seconds * 48_000
    if sent < due * 99 / 100 { throw ValidationError("\(sent) bytes of audio arrived of \(due)") }
    if p99 > limitMs {
      FileHandle.standardError.write(Data("p99 \(p99) ms exceeds \(limitMs) ms\n".utf8))
      throw ExitCode(1)
    }
  }

  /// A session that is ready.
  private struct Call: Sendable {
    let client: VoiceClient
    let eventLoop: any EventLoop
    let listening: Task<SessionEnd?, Never>
  }

  private func open(_ url: String, _ rate: SampleRate, on eventLoop: any EventLoop) async throws -> Call {
    var configuration = SessionConfiguration(.openAI)
    configuration.inputRate = rate
    configuration.chunkDuration = .milliseconds(chunkMs)
    configuration.turnTaking = .service
    let client = try VoiceClient(ServiceEndpoint(.openAI, url: url), configuration, on: eventLoop)
    await client.start()
    let listening = Task {
      var end: SessionEnd?
      for await event in client.events { if case .closed(let reason) = event.event { end = reason } }
      return end
    }
    await client.wait(until: { $0.isReady })
    return Call(client: client, eventLoop: eventLoop, listening: listening)
  }

  private func mono() throws -> ([Float], SampleRate) {
    var reader = try AudioFileReader(path: audio)
    let channels = reader.channelCount
    var samples: [Float] = []
    try reader.forEachBlock { block in
      for i in stride(from: 0, to: block.count, by: channels) { samples.append(block[i]) }
    }
    return (samples, reader.sampleRate)
  }

  private static var processorSeconds: Double {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// What a client hears, block by block at the pace of speech, on the client's own event loop: as a server hears a call that
/// comes over another connection of that loop.
private final class Microphone: Sendable {
  private let client: VoiceClient
  private let samples: [Float]
  private let blockCount: Int
  private let place: Int
  private let start: NIODeadline
  private let period: TimeAmount
  private let count: Int
  private let latencies: Latencies

  init(
    _ client: VoiceClient, _ samples: [Float], blockCount: Int, from place: Int, start: NIODeadline,
    period: TimeAmount, count: Int, _ latencies: Latencies
  ) {
    self.client = client
    self.samples = samples
    self.blockCount = blockCount
    self.place = place
    self.start = start
    self.period = period
    self.count = count
    self.latencies = latencies
  }

  func run(on eventLoop: any EventLoop) async throws {
    let done = eventLoop.makePromise(of: Void.self)
    schedule(0, on: eventLoop, done)
    try await done.futureResult.get()
  }

  private func schedule(_ number: Int, on eventLoop: any EventLoop, _ done: EventLoopPromise<Void>) {
    guard number < count else { return done.succeed() }
    let due = start + TimeAmount.nanoseconds(period.nanoseconds * Int64(number))
    eventLoop.scheduleTask(deadline: due) { [self] in
      do {
        try client.assumeIsolated { client in
          try client.hear(block(number))
          latencies.record(NIODeadline.now() - due)
          _ = client.play(480)
        }
        schedule(number + 1, on: eventLoop, done)
      } catch {
        done.fail(error)
      }
    }
  }

  private func block(_ number: Int) -> [Float] {
    let first = (place + number * blockCount) % samples.count
    let last = first + blockCount
    if last <= samples.count { return Array(samples[first..<last]) }
    return Array(samples[first...] + samples[..<(last - samples.count)])
  }
}

/// A histogram of all sessions'.
private final class Latencies: Sendable {
  // To a hundredth of a part, in microseconds.
  private let histogram = Mutex(
    Histogram<UInt32>(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .two))

  func record(_ latency: TimeAmount) {
    let microseconds = UInt64(max(0, latency.nanoseconds / 1000))
    histogram.withLock { _ = $0.record(microseconds) }
  }

  var count: Int { histogram.withLock { Int($0.totalCount) } }

  func milliseconds(atPercentile percentile: Double) -> Double {
    histogram.withLock { Double($0.valueAtPercentile(percentile)) / 1000 }
  }
}
