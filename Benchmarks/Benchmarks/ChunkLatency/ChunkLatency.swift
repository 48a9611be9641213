import ArgumentParser
import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import LatencyBudget

@main
struct ChunkLatency: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chunk-latency",
    abstract: "Times the whole path of a chunk, and each stage of it, against a latency budget.",
    discussion: """
      The measure of 'utter budget', over more rates, chunk lengths and chunks, with allocations counted: interleaved stereo \
      floats in, in blocks of one chunk as a microphone gives them; out come the bytes of OpenAI's append events. Every \
      chunk goes the whole way. A whole chunk is timed by two clock reads of its own; the stages are timed in a second \
      pass, a read between any two. 'utter help budget' says what the figures mean.

      The exit status is 1 when a case is over the budget, computing did not keep up with real time, an allocation was made, \
      99 % of the chunks were not done in 1 % of the budget, or one chunk in a thousand took longer than it lasts. A case \
      that fails by its times is measured again, twice at the most, because other programs cost time, too; allocations fail \
      it at once.
      """)

  @Option(name: .customLong("budget-ms"), help: "The budget, in milliseconds.")
  var budget = 300.0

  @Option(help: "How many chunks to time per case.")
  var chunks = 100_000

  @Option(
    name: .customLong("rate"), help: "An input rate in Hz; repeat it for several. Default: 8000 16000 44100 48000.")
  var rates: [Int] = []

  @Option(name: .customLong("chunk-ms"), help: "A chunk's length; repeat it for several. Default: 20 40 100.")
  var chunkMilliseconds: [Int] = []

  @Option(
    name: .customLong("detector"),
    help: "What tells speech, neural or energy; repeat it for both. Default: neural, as in 'utter chunk'.")
  var detectors: [SpeechDetector.Kind] = []

  @Option(help: "The resampler's filter.")
  var quality = ResamplingQuality.voice

  @Option(help: "The resampler's phase.")
  var phase = ResamplingPhase.linear

  @Option(help: "How many streams one core serves in turn.")
  var streams = 1

  @Option(help: "A recording to measure with, repeated as often as needed, in place of the voice-like sound.")
  var audio: String?

  @Flag(help: "Show the stages of each case, too.")
  var stages = false

  @Flag(help: "One line of JSON per case, as 'utter budget --json' has it, and 'allocations'.")
  var json = false

  func validate() throws {
    guard budget > 0, chunks > 0, streams > 0 else {
      throw ValidationError("--budget-ms, --chunks and --streams are positive numbers")
    }
  }

  func run() throws {
    try checkCounter()
    let recording = try audio.map { try Recording($0) }
    if !json { print(CaseResult.header) }
    var failed = false
    for hertz in rates.isEmpty ? [8_000, 16_000, 44_100, 48_000] : rates {
      let rate = try SampleRate(hertz)
      let signal =
        try recording?.stereo(at: rate) ?? SpeechLikeSignal.interleaved(rate, channelCount: 2)
      for detector in detectors.isEmpty ? [.neural] : detectors {
        for milliseconds in chunkMilliseconds.isEmpty ? [20, 40, 100] : chunkMilliseconds {
          let path = LocalPath(
            inputRate: rate, chunkDuration: .milliseconds(milliseconds), quality: quality, phase: phase,
            detector: detector)
          var result = try measure(signal, path)
          for _ in 0..<2 where !result.isWithinBudget && result.allocations == 0 {
            result = try measure(signal, path)
          }
          print(json ? result.json : result.row)
          if stages, !json { print(result.stageRows, terminator: "") }
          failed = failed || !result.isWithinBudget
        }
      }
    }
    if failed {
      FileHandle.standardError.write(Data("chunk-latency: over budget\n".utf8))
      throw ExitCode.failure
    }
  }

  /// A count of 0 proves nothing unless the counter counts.
  private func checkCounter() throws {
    guard AllocationCounter.isAvailable else {
      throw ValidationError("allocations cannot be counted in this build, so that 0 would mean nothing")
    }
    for function in AllocationCounter.Function.allCases {
      let count = AllocationCounter.countOnce { AllocationCounter.probe(function) }
      guard count >= 1 else { throw ValidationError("the allocation counter does not see \(function)") }
    }
  }

  private func measure(_ signal: [Float], _ path: LocalPath) throws -> CaseResult {
    var measurement = PathMeasurement(path, streamCount: streams, roundCount: (chunks + streams - 1) / streams)
    var latencies = LatencyHistograms()
    var allocations = 0
    try measurement.run(
      signal, into: &latencies,
      around: { serve in
        // A body that allocates for every chunk would be seen here, as the canary shows.
        allocations += try AllocationCounter.countOnce(serve)
      })
    return CaseResult(
      report: LatencyReport(measurement, latencies, budgetMilliseconds: budget), allocations: allocations)
  }
}

/// A recording in memory.
private struct Recording {
  private let samples: [Float]
  private let rate: SampleRate

  init(_ path: String) throws {
    var reader = try AudioFileReader(path: path)
    rate = reader.sampleRate
    var resampler = try MonoResampler(Resampler(from: rate, to: rate), channelCount: reader.channelCount)
    var samples: [Float] = []
    try reader.forEachBlock { block in
      try resampler.process(block) { mono, _ in
        for i in mono.indices { samples.append(mono[i]) }
      }
    }
    self.samples = samples
  }

  /// At another rate, on two channels.
  func stereo(at other: SampleRate) throws -> [Float] {
    var resampler = Resampler(from: rate, to: other)
    var output = [Float](repeating: 0, count: resampler.outputCapacity(forInputCount: samples.count))
    var target = output.mutableSpan
    let count = try resampler.process(samples.span, into: &target)
    return output.prefix(count).flatMap { [$0, $0] }
  }
}

extension ResamplingQuality: @retroactive ExpressibleByArgument {}
extension ResamplingPhase: @retroactive ExpressibleByArgument {}
extension SpeechDetector.Kind: @retroactive ExpressibleByArgument {}
