import ArgumentParser
import AudioDSP
import AudioFiles
import RealtimeVoice

struct ChunkCommand: ParsableCommand {
  enum VoiceActivityMode: String, CaseIterable, ExpressibleByArgument, Sendable {
    case off, gate, turns
  }

  static let configuration = CommandConfiguration(
    commandName: "chunk",
    abstract: "Turns a recording into the events that a realtime voice API takes.",
    discussion: """
      One event a line: 16-bit mono PCM in base64, in the dialect's JSON. The audio of all events together is exactly that \
      of 'utter convert IN OUT --rate R --encoding pcm16'.

      With --vad gate only speech is sent, with what came shortly before it and the pause that ended it; --vad turns also \
      marks the end of each turn: with a commit for openai, with activityStart and activityEnd for gemini. What was kept and \
      dropped is said on standard error, and in full in --manifest.

      A pipe of WAV, AU, AIFF, CAF, Ogg or bare samples is read as it comes, and each event leaves at once: a live microphone. \
      With --clean it leaves later by the delay that the summary says. Ctrl-C ends it, and what has come is finished. A pipe \
      of another format is read to its end first.

      DIALECTS
        openai        input_audio_buffer.append, 24 kHz; a commit ends a turn
        openai-beta   the same, for proxies of the older interface
        gemini        realtimeInput, 16 kHz; activityStart and activityEnd (disable automatic detection)
        elevenlabs    user_audio_chunk, 16 kHz; there is no event for the end of a turn
        pcm           bare base64 lines, 24 kHz

      EXAMPLES
        utter chunk speech.wav > events.jsonl
        utter chunk speech.wav --vad turns --manifest kept.jsonl > events.jsonl
        utter chunk call.wav --dialect gemini --chunk-ms 100 --channel 0 > events.jsonl
        utter chunk calls/ --out events/ --skip-existing
        arecord -q -f S16_LE -r 48000 -c 1 | utter chunk - --vad turns
        arecord -q -f S16_LE -r 48000 -c 1 | utter chunk - --vad turns --clean full,agc
        utter chunk speech.wav --dialect pcm | head -n 1 | base64 -d | xxd | head
      """)

  @Argument(help: "Recordings, folders of them, or '-' for standard input.")
  var inputs: [String]

  @Option(name: [.short, .long], help: "A file, or a folder for several inputs; default: standard output.")
  var out: String?

  @Option(help: "Which service's events to write.")
  var dialect = Dialect.openAI

  @Option(help: "The sample rate to send, 4000 to 192000 Hz; default: the dialect's.")
  var rate: SampleRate?

  @Option(
    name: .customLong("chunk-ms"),
    help: "Audio per event, 10 to 10000 ms; the last one is shorter. Default: 40, or what --max-bytes allows.")
  var chosenChunkMilliseconds: Int?

  @Option(
    help: "No event has more bytes than this, as in '15MiB': an event holds less audio where it must.")
  var maxBytes: ByteCount?

  @Flag(help: "Make the last event of a turn, or of the recording, as long as the others.")
  var padLast = false

  @Option(help: "What to send: everything, speech only, or speech with its turns marked.")
  var vad = VoiceActivityMode.off

  @Option(
    name: .customLong("prefix-ms"),
    help: "How many milliseconds of what came before speech are sent with it; default: 300.")
  var prefixPadding: Int?

  @OptionGroup var segmentation: SegmentationOptions
  @OptionGroup var conversion: ConversionOptions
  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "Write what was kept and dropped here: a line of JSON per recording.",
      discussion: "A file gets all lines when all is done; a folder (that is there, or ends in '/') a file for each."))
  var manifest: String?

  @OptionGroup var archive: ArchiveOptions

  func validate() throws {
    if let chosen = chosenChunkMilliseconds, !(10...10_000).contains(chosen) {
      throw Misuse("--chunk-ms \(chosen) is outside of 10 to 10000")
    }
    if chunkMilliseconds == nil, let maxBytes {
      throw Misuse("--max-bytes \(maxBytes.bytes) is too little: an event of 10 ms has \(eventSize(milliseconds: 10))")
    }
    try SegmentationOptions.check(prefixPadding, "--prefix-ms")
    if vad == .off, prefixPadding != nil || !segmentation.isEmpty {
      throw Misuse(
        "--detector, --sensitivity, --threshold, --min-speech-ms, --hangover-ms and --prefix-ms need --vad gate or --vad turns"
      )
    }
  }

  private var sentRate: SampleRate { rate ?? dialect.defaultRate }

  /// Audio per event: what was asked for, or as much of that as fits; nil where not even 10 ms do.
  private var chunkMilliseconds: Int? {
    guard let maxBytes else { return chosenChunkMilliseconds ?? 40 }
    var (fitting, tooLong) = (9, (chosenChunkMilliseconds ?? 10_000) + 1)
    while fitting + 1 < tooLong {
      let middle = (fitting + tooLong) / 2
      if eventSize(milliseconds: middle) <= maxBytes.bytes { fitting = middle } else { tooLong = middle }
    }
    return fitting < 10 ? nil : fitting
  }

  /// The bytes of an event of so much audio, its line's end included.
  private func eventSize(milliseconds: Int) -> Int {
    let sampleCount = sentRate.sampleCount(in: .milliseconds(milliseconds))
    return AudioEventEncoder(dialect, sampleRate: sentRate).encodedCount(forSampleCount: sampleCount) + 1
  }

  func run() throws {
    let configuration = try segmentation.configuration(default: .turns, prefixPadding: prefixPadding)
    let inputs = try InputFiles(inputs, takesAll: input.raw != nil)
    let place = try OutputPlace(
      out, for: inputs, option: "--out FOLDER", pathExtension: dialect == .pcm ? "b64" : "jsonl")
    let manifestPlace = manifest.map { OutputPlace(shared: $0, pathExtension: "manifest.jsonl") }
    let places = [place] + [manifestPlace].compactMap(\.self)
    try conversion.clean.check(inputs)
    try checkOutputs(places, of: inputs)
    try archive.check(Array(zip(places, ["--out FOLDER", "--manifest FOLDER/"])), of: inputs)
    if archive.passesOver(inputs, outputs: places) { return archive.tellAllPassedOver(inputs) }
    if let legal = dialect.legalRates, !legal.contains(sentRate.hertz) {
      Diagnostics.warn(
        "\(dialect.rawValue) takes \(legal.map(String.init).joined(separator: ", ")) Hz, not \(sentRate.hertz)")
    }
    if vad == .turns, AudioEventEncoder(dialect).turnEnd == nil {
      Diagnostics.warn("\(dialect.rawValue) has no event for the end of a turn: only the summary tells where turns end")
    }
    if !archive.quiet { inputs.tellPassedOver() }

    let manifestOfAll = try manifestPlace.flatMap { $0.isPerInput ? nil : try Output($0) }
    let run = ArchiveRun(inputs, archive)
    try run { (task) -> String? in
      if archive.passesOver(task.file, outputs: places) {
        task.skip()
        return nil
      }
      let summary = try chunk(task, configuration, to: place)
      if !archive.quiet { summary.tell(task) }
      guard let manifestPlace else { return nil }
      let line = try summary.json
      guard manifestPlace.isPerInput else { return line }
      let output = try Output(manifestPlace, for: task.file)
      try output.write(line)
      try output.endRecord()
      try output.finish()
      return nil
    } deliver: { _, line in
      guard let manifestOfAll, let line else { return }
      try manifestOfAll.write(line)
      try manifestOfAll.endRecord()
    } finish: {
      try manifestOfAll?.finish()
    }
  }

  private func chunk(
    _ task: InputTask, _ configuration: SegmenterConfiguration, to place: OutputPlace
  ) throws -> ChunkSummary {
    let cleaning = try RecordingCleaning(task, input, conversion, to: sentRate)
    let recording = try Recording(task, input, pass: cleaning.pass)
    let output = try Output(place, for: task.file)
    guard let quality = conversion.engine.libsamplerateQuality else {
      let engine = conversion.resampler(from: recording.sampleRate, to: sentRate)
      return try chunk(recording, with: engine, configuration, cleaning, to: output)
    }
    let engine = try LibsamplerateResampler(from: recording.sampleRate, to: sentRate, quality: quality)
    return try chunk(recording, with: engine, configuration, cleaning, to: output)
  }

  private func chunk<Engine: ResamplingEngine & ~Copyable>(
    _ recording: consuming Recording, with engine: consuming Engine, _ configuration: SegmenterConfiguration,
    _ cleaning: RecordingCleaning, to output: Output
  ) throws -> ChunkSummary {
    var recording = recording
    // What is too little was refused.
    let chunkMilliseconds = chunkMilliseconds ?? 10
    let (inputRate, outputRate) = (engine.inputRate, engine.outputRate)
    let detector = vad == .off ? nil : SpeechDetector(segmentation.detector, inputRate)
    var chunker = try SpeechChunker(
      engine: engine, detector: detector, channelCount: recording.channelCount, downmix: conversion.channel.downmix,
      chunkDuration: .milliseconds(chunkMilliseconds), segmentation: configuration, padsLastChunk: padLast,
      ditherSeed: conversion.ditherSeed, cleaning: cleaning.configuration)
    let meter = cleaning.meter(outputRate, .pcm16)
    var sink = EventSink(
      AudioEventEncoder(dialect, sampleRate: outputRate), marksTurns: vad == .turns, meter: meter, to: output)

    do {
      try recording.forEachBlock { block in try chunker.process(block, into: &sink) }
      try chunker.finish(into: &sink)
    } catch PreparationError<any Error>.output(let error) {
      throw error
    }
    try recording.tellDamage(nonFiniteCount: chunker.nonFiniteCount)
    try output.finish()
    cleaning.warn(meter, recording.task)
    return ChunkSummary(
      file: recording.task.name, inputRate: inputRate, channelCount: recording.channelCount,
      frameCount: recording.frameCount, dialect: dialect, outputRate: outputRate,
      chunkMilliseconds: chunkMilliseconds, mode: vad, outputCount: chunker.outputCount, sink: sink,
      clean: conversion.clean.isOff ? nil : conversion.clean.description,
      cleaned: cleaning.summary(meter, latency: chunker.cleaningLatencyInSamples, inputRate))
  }
}

extension Dialect: ExpressibleByArgument {}
