import ArgumentParser
import AudioDSP
import AudioFiles
import RealtimeVoice

struct ChunkCommand: ParsableCommand {
  enum VoiceActivityMode: String, CaseIterable, ExpressibleByArgument {
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
        utter chunk calls/ --out events/
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

  @Option(name: .customLong("chunk-ms"), help: "Audio per event, 10 to 10000 ms; the last one is shorter.")
  var chunkMilliseconds = 40

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

  @Option(help: "Write what was kept and dropped here, when all is done: a line of JSON per recording.")
  var manifest: String?

  @Flag(name: .shortAndLong, help: "Say nothing on standard error but warnings.")
  var quiet = false

  func validate() throws {
    guard (10...10_000).contains(chunkMilliseconds) else {
      throw Misuse("--chunk-ms \(chunkMilliseconds) is outside of 10 to 10000")
    }
    try SegmentationOptions.check(prefixPadding, "--prefix-ms")
    if vad == .off, prefixPadding != nil || !segmentation.isEmpty {
      throw Misuse(
        "--detector, --sensitivity, --threshold, --min-speech-ms, --hangover-ms and --prefix-ms need --vad gate or --vad turns"
      )
    }
  }

  func run() throws {
    let duration = Duration.milliseconds(chunkMilliseconds)
    let configuration = try segmentation.configuration(default: .turns, prefixPadding: prefixPadding)
    let inputs = try InputFiles(inputs)
    let manifestPlaces = manifest.map { [$0 == "-" ? OutputPlace.standardOutput : .file($0)] } ?? []
    let place = try OutputPlace(out, for: inputs, option: "--out")
    try checkOutputs([place] + manifestPlaces, of: inputs)
    let sent = rate ?? dialect.defaultRate
    if let legal = dialect.legalRates, !legal.contains(sent.hertz) {
      Diagnostics.warn(
        "\(dialect.rawValue) takes \(legal.map(String.init).joined(separator: ", ")) Hz, not \(sent.hertz)")
    }
    if vad == .turns, AudioEventEncoder(dialect).turnEnd == nil {
      Diagnostics.warn("\(dialect.rawValue) has no event for the end of a turn: only the summary tells where turns end")
    }

    let manifestOutput = try manifest.map { try Output($0) }
    try forEachFile(inputs) { file in
      let recording = try Recording(file.path)
      let output = try Output(place.path(for: file, pathExtension: dialect == .pcm ? "b64" : "jsonl"))
      if let quality = conversion.engine.libsamplerateQuality {
        let engine = try LibsamplerateResampler(from: recording.sampleRate, to: sent, quality: quality)
        try chunk(recording, with: engine, configuration, duration, to: output, manifestOutput)
      } else {
        let engine = conversion.resampler(from: recording.sampleRate, to: sent)
        try chunk(recording, with: engine, configuration, duration, to: output, manifestOutput)
      }
    } finish: {
      try manifestOutput?.finish()
    }
  }

  private func chunk<Engine: ResamplingEngine & ~Copyable>(
    _ recording: consuming Recording, with engine: consuming Engine, _ configuration: SegmenterConfiguration,
    _ duration: Duration, to output: Output, _ manifestOutput: Output?
  ) throws {
    var recording = recording
    let (inputRate, outputRate) = (engine.inputRate, engine.outputRate)
    let detector = vad == .off ? nil : SpeechDetector(segmentation.detector, inputRate)
    var chunker = try SpeechChunker(
      engine: engine, detector: detector, channelCount: recording.channelCount, downmix: conversion.channel.downmix,
      chunkDuration: duration, segmentation: configuration, padsLastChunk: padLast,
      ditherSeed: conversion.ditherSeed)
    var sink = EventSink(
      AudioEventEncoder(dialect, sampleRate: outputRate), marksTurns: vad == .turns, to: output)

    do {
      try recording.forEachBlock { block in try chunker.process(block, into: &sink) }
      try chunker.finish(into: &sink)
    } catch PreparationError<any Error>.output(let error) {
      throw error
    }
    try recording.tellDamage(nonFiniteCount: chunker.nonFiniteCount, strict: conversion.strict)
    try output.finish()

    let summary = ChunkSummary(
      file: recording.name, inputRate: inputRate, channelCount: recording.channelCount,
      frameCount: recording.frameCount, dialect: dialect, outputRate: outputRate,
      chunkMilliseconds: chunkMilliseconds, mode: vad, outputCount: chunker.outputCount, sink: sink)
    if !quiet { summary.tell() }
    if let manifestOutput {
      try manifestOutput.write(try summary.json)
      try manifestOutput.endRecord()
    }
  }
}

extension Dialect: ExpressibleByArgument {}
