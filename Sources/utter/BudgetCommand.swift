import ArgumentParser
import AudioDSP
import LatencyBudget

struct BudgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "budget",
    abstract: "Measures where the milliseconds between microphone and event go, and what is left of a budget.",
    discussion: """
      The path is that of 'utter chunk --vad turns' for OpenAI: stereo float at --input-rate, mixed down, resampled to \
      24 kHz, measured and scored every 10 ms by --detector, rounded to 16 bits, cut into chunks, written as base64 in an event. It is \
      run here and now, on this machine, with four seconds of voice-like sound over noise that repeat (made at start-up, \
      the same every time), every chunk all the way, after a warm-up.

      DELAY is waited for by design, however fast the machine: the most that any chunk of an endless stream waits. A chunk \
      is sent when the resampler has given its last sample ('resampler'), and when the detector has scored the 10 ms frame \
      in which that sample lies: the end of the frame ('features') and what the detector must hear behind it \
      ('look-ahead'). Both pass at the same time, so that the longer one counts, and 'overlap' takes off the shorter one. \
      'features' is 0 where chunks are whole frames, up to 10 ms else.

      The other columns are measured: what 50 %, 99 %, 99.9 % and all of the chunks did not exceed. 'features' is the \
      computing of what the detector judges by (for the neural one a second resampler and a spectrum, too), and the \
      detector's row that of the scores. Every stage is timed by clock reads before and behind it, and a whole chunk by two \
      of its own, in a pass without reads in between; nothing is found by subtraction. A read's own cost is in every figure \
      and is told. OWNER is who can change a figure: the caller's are --chunk-ms, --streams, --min-speech-ms and \
      --hangover-ms.

      DEVICE BLOCK: a device that hands over B ms at once (--device-ms) does so after B, 2 B, 3 B ... ms, and what a chunk \
      waits for comes with the block that holds it. Chunk k of C ms, of which all else makes D ms, is sent at the first \
      multiple of B that is not less than k C + D; what the worst chunk waits beyond D is the figure. With C = 20, D = 16 \
      and B = 10 all chunks are sent 4 ms later (36 becomes 40); with B = 8, up to 4 ms (36 becomes 40, 56 stays). It is \
      less than B, and reckoned in whole samples. Where chunks are not whole frames, D differs from chunk to chunk, and the \
      figure is what the chunk that waits longest of all waits beyond the largest D.

      TOTAL is the latency of a chunk's first sample, from the microphone to the bytes of its event: the sum of all stages \
      but attack and hangover, of each its delay and its 99.9 % figure. It is an upper bound, because the slowest of a \
      thousand are rarely the same chunk's in every stage. It is held against --budget.

      TURNS: 'start known' is how long after a turn's first sample its start is known, which stops what is being played: \
      attack, look-ahead, the device's block and computing. 'end sent' is how long after its last sample the event that \
      closes it is there: hangover, look-ahead or resampler (the longer one), the device's block and computing, but no chunk \
      fill, because the last chunk is sent as short as it is. What a detector takes to make up its mind depends on the sound and is in \
      neither. They are not held against the budget.

      STREAMS: with --streams N, N independent streams share one core, as on a server. The chunks of all of them arrive at \
      the same instant and are served in turn, so that a chunk's latency includes the wait for those before it: the last \
      one waits for N - 1 others. A stream's share of the core is a chunk's duration divided by N; a chunk whose computing \
      takes longer has missed its deadline. Where one core cannot keep up on average, the latency grows without bound, and \
      the command fails.

      X REAL TIME is seconds of audio per second of computing, by the median over batches of a second of audio; 'with \
      interruptions' is the mean over all of them, with what else the machine did in between.

      JSON: one object, budget_ms, total_ms and stages with name, algorithmic_ms, compute_us (p50, p99, p999, max) and \
      owner; 'path' names the stages that add up to total_ms as algorithmic_ms + compute_us.p999 / 1000 ('overlap' is \
      negative). 'keeps_up' tells whether one core keeps up with all streams, 'detector' which one it was.

      THE WHOLE TURN (--session): how long after a user's last word an answer is heard. Two clocks, always both: from the \
      end of speech, and from the commit, to the first audible sample. What ends turns by silence spends a hangover before \
      anything else begins, so that only the second clock can keep to 300 ms; it is held against --budget, by its 95 % \
      figure. The means of a clock's stages add up to its own exactly; percentiles are of whole turns. Figures come from:
        a simulator in this process (default): turns are held by push to talk at the pace of speech, in blocks of \
      --device-ms, after one that is not counted. Measured is what is ours. The simulator's own time is told and left \
      out; --network-ms (one way) and --model-ms stand in for it.
        a service (--url, --base-url, --model, --key-env, --key-file, as in 'utter stream'): the same turns, which it \
      may bill. Network and model cannot be told apart and are one figure.
        a record (--timeline FILE, from 'utter stream --timeline'): its turns as they were, with the stages that it tells.
      'by design' is counted in samples, 'parameter' is given; --hangover-ms is the end-of-turn wait, 0 for a button, and \
      --output-ms the output device behind its blocks. The client's share is the commit on its way to the socket, the \
      message with the first audio from the socket through TLS, WebSocket and JSON, the jitter buffer and the rendering; \
      the device's blocks and the chunk fill are apart. It is held against --client-budget. A turn that our detector ends \
      sends its last chunk as short as it is: it waits for no chunk fill, but for the detector's look-ahead ('end sent' \
      above has both with the hangover).

      JSON with --session: origin (simulator, service or timeline), turns, budget_ms, judged (p95), remaining_ms; \
      commit_to_sample and speech_end_to_sample with turns, stages (name, kind: measured, design or parameter, owner) \
      and, as each stage has, mean_ms, p50_ms, p95_ms, p99_ms, max_ms, or null where no turn tells them; client_share with \
      its stages' names, budget_ms and the same figures; replaced, what was measured of the simulator; parameters with \
      name, option, ms and source; of a session also dialect, service, input_rate, chunk_ms, device_ms, jitter_ms, detector.

      EXIT STATUS
        0 within the budget, 1 over it or where one core does not keep up with real time, 64 misuse.
        Missed deadlines are told, and do not fail. With --session also 1 where the client's share is over its budget, no \
      turn tells its commit, or a turn was not answered.

      EXAMPLES
        utter budget
        utter budget --chunk-ms 40 --input-rate 44100 --quality sharp
        utter budget --phase minimum --device-ms 10
        utter budget --detector energy --streams 100
        utter budget --budget 50ms --json > budget.json || echo "too slow for us"
        utter budget --session --model-ms 200
        utter budget --session --network-ms 12 --hangover-ms 0 --jitter-ms 40 --json
        utter budget --session --base-url http://localhost:4000/v1 --turns 10
        utter stream a.wav --realtime --timeline a.jsonl
        utter budget --session --timeline a.jsonl
      """)

  @Option(help: "What there is to spend, from the microphone to the answer: milliseconds, as in '300ms' or '300'.")
  var budget = MillisecondsArgument(milliseconds: 300)

  @Option(name: .customLong("chunk-ms"), help: "Audio per event, 10 to 10000 ms.")
  var chunkMilliseconds = 20

  @Option(
    name: .customLong("device-ms"),
    help: """
      Audio that the device hands over at once, 0 to 1000 ms; 0 is sample by sample (default), and adds nothing. With \
      --session what both devices do, 1 to 1000; default: 10.
      """)
  var chosenDeviceMilliseconds: Int?

  @Option(help: "The microphone's sample rate, 4000 to 192000 Hz.")
  var inputRate = SampleRate.hz48000

  @Option(help: "What tells speech: a trained network that holds up in noise, or energy and zero crossings.")
  var detector = SpeechDetector.Kind.neural

  @Option(help: "The resampler's filter.")
  var quality = ResamplingQuality.voice

  @Option(help: "The resampler's phase: linear, or minimum, which has less delay.")
  var phase = ResamplingPhase.linear

  @Option(name: .customLong("min-speech-ms"), help: "The attack: how much speech confirms a turn; default: 60.")
  var minimumSpeech: Int?

  @Option(
    name: .customLong("hangover-ms"), help: "How much silence ends a turn; default: 500. With --session 0 for a button."
  )
  var hangover: Int?

  @Option(help: "How many streams one core serves in turn, 1 to 10000.")
  var streams = 1

  @Option(help: "How many chunks to time, of all streams together, 1 to 1000000; default: 400 s, at least 1000.")
  var chunks: Int?

  @Option(help: "The same in seconds of audio, of all streams together.")
  var seconds: Double?

  @Flag(help: "One JSON object instead of the table.")
  var json = false

  @OptionGroup(title: "The whole turn") var session: SessionBudgetOptions
  @OptionGroup(title: "The whole turn with a service") var service: ServiceChoice

  private static let chunkCounts = 1...1_000_000

  private var deviceMilliseconds: Int { chosenDeviceMilliseconds ?? 0 }

  func validate() throws {
    if session.isOn { try validateSession() }
    guard session.isOn || !(service.namesService || service.dialect != .openAI) else {
      throw Misuse("a service or its dialect needs --session")
    }
    guard (10...10_000).contains(chunkMilliseconds) else {
      throw Misuse("--chunk-ms \(chunkMilliseconds) is outside of 10 to 10000")
    }
    guard (0...1_000).contains(deviceMilliseconds) else {
      throw Misuse("--device-ms \(deviceMilliseconds) is outside of 0 to 1000")
    }
    guard (1...10_000).contains(streams) else { throw Misuse("--streams \(streams) is outside of 1 to 10000") }
    try SegmentationOptions.check(minimumSpeech, "--min-speech-ms")
    try SegmentationOptions.check(hangover, "--hangover-ms")
    guard chunks == nil || seconds == nil else { throw Misuse("--chunks and --seconds are two names of one figure") }
    if let chunks, !Self.chunkCounts.contains(chunks) {
      throw Misuse("--chunks \(chunks) is outside of \(Self.chunkCounts.lowerBound) to \(Self.chunkCounts.upperBound)")
    }
    if let seconds {
      let most = Double(Self.chunkCounts.upperBound * chunkMilliseconds) * 1e-3
      // What is no number fails this too.
      guard seconds > 0, seconds <= most else {
        throw Misuse("--seconds \(seconds) is not above 0 and up to \(most), a million chunks")
      }
    }
  }

  private func validateSession() throws {
    let local: [(String, Bool)] = [
      ("--quality", quality != .voice), ("--phase", phase != .linear), ("--min-speech-ms", minimumSpeech != nil),
      ("--streams", streams != 1), ("--chunks", chunks != nil), ("--seconds", seconds != nil),
    ]
    for (name, isGiven) in local where isGiven { throw Misuse("\(name) has no meaning with --session") }
    guard chunkMilliseconds <= 1_000 else {
      throw Misuse("--chunk-ms \(chunkMilliseconds) is outside of 10 to 1000, as sessions have it")
    }
    if chosenDeviceMilliseconds == 0 { throw Misuse("--device-ms 0 is outside of 1 to 1000: sound comes in blocks") }
    if session.timeline != nil {
      let live: [(String, Bool)] = [
        ("--hangover-ms", hangover != nil), ("--chunk-ms", chunkMilliseconds != 20),
        ("--device-ms", chosenDeviceMilliseconds != nil), ("--input-rate", inputRate != .hz48000),
        ("--detector", detector != .neural),
        ("the choice of a service", service.namesService || service.dialect != .openAI),
      ]
      for (name, isGiven) in live where isGiven {
        throw Misuse("\(name) has no meaning with --timeline, which tells what was")
      }
      return
    }
    guard let dialect = service.dialect.dialect else { throw Misuse("openai-chat has no turns: there is no session") }
    if dialect == .elevenLabs {
      throw Misuse(
        "elevenlabs finds turns itself and does not tell when: record 'utter stream --timeline FILE' and give that")
    }
    if service.namesService, session.network != nil || session.model != nil {
      throw Misuse("--network-ms and --model-ms stand in for a service; with one they are measured")
    }
    if session.audio != nil, inputRate != .hz48000 {
      throw Misuse("--audio has a rate; --input-rate is for what is made")
    }
  }

  private var chunkCount: Int {
    if let chunks { return chunks }
    if let seconds { return Int((seconds * 1e3 / Double(chunkMilliseconds)).rounded(.up)) }
    // 99.9 % means little of fewer than a thousand.
    return max(1_000, 400_000 / chunkMilliseconds)
  }

  func run() throws {
    if session.isOn { return try SessionBudgetRun(self).run() }
    let turns = SegmenterConfiguration.turns
    let segmentation = try SegmenterConfiguration(
      minimumSpeech: minimumSpeech.map { .milliseconds($0) } ?? turns.minimumSpeech,
      hangover: hangover.map { .milliseconds($0) } ?? turns.hangover, prefixPadding: turns.prefixPadding)
    let path = LocalPath(
      inputRate: inputRate, chunkDuration: .milliseconds(chunkMilliseconds),
      deviceBlock: .milliseconds(deviceMilliseconds), quality: quality, phase: phase, detector: detector,
      segmentation: segmentation)
    let roundCount = (chunkCount + streams - 1) / streams
    var measurement = PathMeasurement(path, streamCount: streams, roundCount: roundCount)
    var latencies = ExactLatencies(chunkCount: roundCount * streams)
    // Both passes.
    let audio = 2 * Double(roundCount * streams * chunkMilliseconds) * 1e-3
    var progress = Progress()
    try measurement.run(
      SpeechLikeSignal.interleaved(inputRate, channelCount: path.channelCount), into: &latencies,
      progress: { progress.update("measuring", part: $0, seconds: $0 * audio) })
    Diagnostics.eraseBar()

    let report = LatencyReport(measurement, latencies, budgetMilliseconds: budget.milliseconds)
    do {
      let output = try Output("-")
      try output.write(json ? report.json() + "\n" : BudgetTable(report).text)
      try output.finish()
    } catch let failure as Failure where failure.isQuiet && !(report.keepsUp && report.isWithinBudget) {
      // Whoever reads has gone; the verdict is told all the same.
    }
    if !report.keepsUp {
      throw Failure(
        "one core does not keep up with \(counted(streams, "stream")): "
          + "\(BudgetTable.decimals(measurement.meanRealTimeFactor, 2)) s of audio take a second to compute")
    }
    if !report.isWithinBudget {
      throw Failure(
        "over budget by \(BudgetTable.decimals(-report.remainingMilliseconds, 3)) ms: "
          + "\(BudgetTable.decimals(report.totalMilliseconds, 3)) ms from the microphone to the event, "
          + "\(budget) to spend")
    }
  }
}

/// A duration in milliseconds, with or without its unit.
struct MillisecondsArgument: ExpressibleByArgument, CustomStringConvertible {
  /// An hour, which is no latency any more.
  private static let longest = 3_600_000.0

  var milliseconds: Double

  init(milliseconds: Double) {
    self.milliseconds = milliseconds
  }

  init?(argument: String) {
    let digits = argument.hasSuffix("ms") ? String(argument.dropLast(2)) : argument
    // Double takes hexadecimal numbers and names of what is not finite, too.
    guard digits.allSatisfy({ "0123456789.".contains($0) }), let value = Double(digits) else { return nil }
    guard value > 0, value <= Self.longest else { return nil }
    milliseconds = value
  }

  /// As it is written on the command line, with as many decimals as it needs.
  var description: String {
    let whole = Int(milliseconds)
    return Double(whole) == milliseconds ? "\(whole)ms" : "\(milliseconds)ms"
  }

  var defaultValueDescription: String { description }
}
