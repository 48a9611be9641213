import ArgumentParser
import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Histogram
import RealtimeVoice

@main
struct ChunkLatency: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chunk-latency",
    abstract: "Times the whole path of a chunk against a latency budget.",
    discussion: """
      Interleaved stereo floats in, in blocks of one chunk as a microphone gives them; out come the bytes of OpenAI's append \
      events: mixed down, resampled to 24 kHz, rounded to 16 bits, analysed by the energy detector, cut into chunks, encoded \
      in base64 and in JSON. Every chunk goes the whole way.

      A chunk misses its deadline when its duration (it must fill before it can be sent), the resampler's delay and the time \
      that it took to compute add up to more than the budget. The exit status is 1 when a deadline was missed, an allocation \
      was made, 99 % of the chunks were not done in 1 % of the budget, or computing did not keep up with real time.
      """)

  @Option(name: .customLong("budget-ms"), help: "The budget, in milliseconds.")
  var budget = 300.0

  @Option(help: "How many chunks to time per case.")
  var chunks = 10_000

  @Option(help: "A recording of speech, repeated as often as needed.")
  var audio: String?

  @Flag(help: "One line of JSON per case.")
  var json = false

  func run() throws {
    try checkCounter()
    let speech = try Recording(audio ?? Self.speechPath)
    if !json { print(CaseResult.header) }
    var failed = false
    for rate in [8_000, 16_000, 44_100, 48_000] {
      let block = try speech.stereo(at: SampleRate(rate))
      for milliseconds in [20, 40, 100] {
        let result = try measure(block, rate: SampleRate(rate), milliseconds: milliseconds)
        print(json ? result.json : result.row)
        failed = failed || !result.isWithinBudget
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

  private func measure(_ audio: [Float], rate: SampleRate, milliseconds: Int) throws -> CaseResult {
    // Thresholds of 0 take every frame for speech, so that every chunk is sent.
    let everything = try SegmenterConfiguration(
      enterThreshold: 0, exitThreshold: 0, minimumSpeech: .zero, prefixPadding: .zero)
    var chunker = try SpeechChunker(
      from: rate, channelCount: 2, chunkDuration: .milliseconds(milliseconds), segmentation: everything)
    var sink = AudioEventSink(.openAI) { _ in }
    let blockCount = rate.sampleCount(in: .milliseconds(milliseconds)) * 2
    let clock = ContinuousClock()
    var histogram = Histogram<UInt32>(highestTrackableValue: 10_000_000_000, numberOfSignificantValueDigits: .three)
    var deadlineMisses = 0
    var allocations = 0
    var total = Duration.zero
    let delay =
      Double(milliseconds) + Double(chunker.latencyInSamples) / Double(rate.hertz) * 1_000

    // The first chunks fill caches and make what is made on first use.
    let warmUp = 20
    for i in 0..<chunks + warmUp {
      let start = i * blockCount % (audio.count - blockCount) / 2 * 2
      let block = audio.span.extracting(start..<start + blockCount)
      var elapsed = Duration.zero
      let count = try AllocationCounter.countOnce {
        let begin = clock.now
        try chunker.process(block, into: &sink)
        elapsed = clock.now - begin
      }
      guard i >= warmUp else { continue }
      let nanoseconds = elapsed.components.seconds * 1_000_000_000 + elapsed.components.attoseconds / 1_000_000_000
      histogram.record(UInt64(nanoseconds))
      total += elapsed
      allocations += count
      let computed = Double(nanoseconds) * 1e-6
      if delay + computed > budget { deadlineMisses += 1 }
    }
    guard sink.audioEventCount >= chunks else { throw ValidationError("only \(sink.audioEventCount) events came out") }
    let seconds = Double(total.components.seconds) + Double(total.components.attoseconds) * 1e-18
    return CaseResult(
      rate: rate.hertz, milliseconds: milliseconds, chunks: chunks, algorithmicDelay: delay, budget: budget,
      p50: microseconds(histogram, 50), p99: microseconds(histogram, 99), p999: microseconds(histogram, 99.9),
      maximum: Double(histogram.max) * 1e-3,
      realTimeFactor: Double(chunks * milliseconds) * 1e-3 / seconds,
      deadlineMisses: deadlineMisses, allocations: allocations)
  }

  private func microseconds(_ histogram: Histogram<UInt32>, _ percentile: Double) -> Double {
    Double(histogram.valueAtPercentile(percentile)) * 1e-3
  }

  private static var speechPath: String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../TestAudio/speech.wav").path
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

private struct CaseResult {
  var rate: Int
  var milliseconds: Int
  var chunks: Int
  /// Chunk fill and resampler, in milliseconds.
  var algorithmicDelay: Double
  var budget: Double
  /// Computing, in microseconds.
  var p50: Double
  var p99: Double
  var p999: Double
  var maximum: Double
  var realTimeFactor: Double
  var deadlineMisses: Int
  var allocations: Int

  var isWithinBudget: Bool {
    deadlineMisses == 0 && allocations == 0 && p99 * 1e-3 < budget * 0.01 && realTimeFactor > 1
  }

  static let header = """
    | from Hz | chunk ms | delay ms | p50 us | p99 us | p99.9 us | max us | x real time | misses | allocations | left ms |
    | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    """

  var row: String {
    let figures = [p50, p99, p999, maximum].map { String(format: "%.1f", $0) }.joined(separator: " | ")
    let left = String(format: "%.1f", budget - algorithmicDelay - maximum * 1e-3)
    return "| \(rate) | \(milliseconds) | \(String(format: "%.1f", algorithmicDelay)) | \(figures) | "
      + "\(Int(realTimeFactor)) | \(deadlineMisses) | \(allocations) | \(left) |"
  }

  var json: String {
    """
    {"in_rate":\(rate),"chunk_ms":\(milliseconds),"chunks":\(chunks),"budget_ms":\(budget),\
    "algorithmic_ms":\(algorithmicDelay),"compute_us":{"p50":\(p50),"p99":\(p99),"p999":\(p999),"max":\(maximum)},\
    "real_time_factor":\(realTimeFactor),"deadline_misses":\(deadlineMisses),"allocations":\(allocations)}
    """
  }
}
