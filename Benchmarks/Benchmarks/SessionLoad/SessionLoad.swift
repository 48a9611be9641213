import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation
import Histogram
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
    let before = Self.processorSeconds
    let start = ContinuousClock.now + .seconds(1)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for number in 0..<sessions {
        let place = samples.count / sessions * number
        // Spread over a chunk, as callers are.
        let first = start + .milliseconds(chunkMs) * number / sessions
        tasks.addTask {
          try await hold(simulator.url(.openAI), samples, rate, from: place, start: first, latencies)
        }
      }
      try await tasks.waitForAll()
    }
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let processor = Self.processorSeconds - before
    let journal = simulator.journal
    try await simulator.stop()
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

  private func hold(
    _ url: String, _ samples: [Float], _ rate: SampleRate, from place: Int, start: ContinuousClock.Instant,
    _ latencies: Latencies
  ) async throws {
    var configuration = SessionConfiguration(.openAI)
    configuration.inputRate = rate
    configuration.chunkDuration = .milliseconds(chunkMs)
    configuration.turnTaking = .service
    let client = try VoiceClient(ServiceEndpoint(.openAI, url: url), configuration)
    await client.start()
    let listening = Task {
      var end: SessionEnd?
      for await event in client.events { if case .closed(let reason) = event.event { end = reason } }
      return end
    }
    while await !client.isReady, await !client.isClosed { try await Task.sleep(for: .milliseconds(1)) }
    let size = rate.sampleCount(in: configuration.chunkDuration)
    var at = place
    for number in 0..<seconds * 1000 / chunkMs {
      let block = (0..<size).map { samples[(at + $0) % samples.count] }
      at += size
      let due = start + configuration.chunkDuration * number
      try await Task.sleep(until: due, clock: .continuous)
      try await client.hear(block)
      latencies.record(ContinuousClock.now - due)
      _ = await client.play(SampleRate.hz24000.sampleCount(in: configuration.chunkDuration))
    }
    await client.close()
    if case .failed(let reason) = await listening.value { throw ValidationError(reason) }
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

/// A histogram of all sessions'.
private final class Latencies: Sendable {
  // To a hundredth of a part, in microseconds.
  private let histogram = Mutex(
    Histogram<UInt32>(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .two))

  func record(_ latency: Duration) {
    let microseconds = UInt64(max(0, latency / .microseconds(1)))
    histogram.withLock { _ = $0.record(microseconds) }
  }

  var count: Int { histogram.withLock { Int($0.totalCount) } }

  func milliseconds(atPercentile percentile: Double) -> Double {
    histogram.withLock { Double($0.valueAtPercentile(percentile)) / 1000 }
  }
}
