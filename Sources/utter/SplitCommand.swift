import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation

struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Writes a file for each segment of speech, and a manifest.",
    discussion: """
      The pieces of calls/a.mp3 are DIR/a.mp3.0001.wav, DIR/a.mp3.0002.wav and so on; of a folder that is named, they lie in \
      the same subfolders. Each holds exactly the samples that 'utter convert' with the same options writes from its start \
      to its end. Pieces never overlap: padding goes to the middle of a pause at most.

      What is longer than --max-segment-s or --max-bytes is cut at the quietest frame of the second half of what fits; \
      pieces then follow one another without a gap. No piece is ever longer, padding and header included.

      With --whole nothing is dropped: pieces follow one another from the first sample to the last, and where a limit asks \
      for a cut, it is made in a pause if there is one.

      MANIFEST
        A line of JSON for each piece, in DIR/a.mp3.segments.jsonl when all pieces of the recording are there (empty where \
      there is no speech), and in DIR/manifest.jsonl, of all recordings that did not fail, at the end. Times are those of \
      the recording; samples count what 'utter convert' writes.
          bytes                         the size of the file
          clean                         what --clean asked for; not there where that is nothing
          container, encoding           as --container and --encoding name them
          cut_before, cut_after         whether a limit cut it off from the piece before, behind
          end, end_s                    one past its last sample; the same in seconds
          file                          its name below DIR
          index                         its number, from 1 on
          recording                     the recording, as it was named
          sample_rate                   samples per second
          samples                       how many it holds: end - start
          speech_start, speech_start_s  where speech in it starts; null where there is none
          speech_end, speech_end_s      where speech in it ends; null where there is none
          start, start_s                its first sample; the same in seconds

      EXAMPLES
        Training data of calls, the customer's channel only, at 16 kHz:
          utter split calls/ --out-dir pieces/ --channel 0 --rate 16000 --max-segment-s 15

        Recordings as uploads below 25 MB, nothing left out:
          utter split meeting.flac --out-dir uploads/ --whole --max-bytes 25MB --rate 16000

        Half a second of air around every segment, losslessly compressed:
          utter split interview.wav --out-dir segments/ --prefix-ms 500 --suffix-ms 500 --container flac

        Noisy calls as training data, all at one loudness:
          utter split calls/ --out-dir pieces/ --channel auto --clean full,loudness

        Going on after an interruption:
          utter split calls/ --out-dir pieces/ --skip-existing
      """)

  @Argument(help: "Recordings, folders of them, or '-' for standard input.")
  var inputs: [String]

  @Option(help: ArgumentHelp("The folder for pieces and manifests; it is made.", valueName: "dir"))
  var outDir: String

  @Option(help: "The sample rate to write, 4000 to 192000 Hz.")
  var rate = SampleRate.hz24000

  @Option(help: "The encoding to write.")
  var encoding = AudioEncoding.pcm16

  @Option(help: "The container to write.")
  var container = AudioContainer.wav

  @Option(
    name: .customLong("prefix-ms"),
    help: "How many milliseconds of what came before speech are kept with it, 0 to 10000; default: 300.")
  var prefixPadding: Int?

  @Option(
    name: .customLong("suffix-ms"),
    help: ArgumentHelp(
      "How many milliseconds of what came behind speech are kept with it, 0 to 10000; default: 200.",
      discussion: "200 ms hold a room's echo, and are less than half of the pause that ends a segment by default."))
  var suffixPadding: Int?

  @Option(
    name: .customLong("max-segment-s"),
    help: "No piece lasts longer, 0.1 to 86400 s, and at least twice --prefix-ms.")
  var maximumSegment: Double?

  @Option(
    help: ArgumentHelp(
      "No file has more bytes, as in '25MB'.",
      discussion: "A FLAC file counts as it would if nothing could be compressed, and is shorter."))
  var maxBytes: ByteCount?

  @Flag(help: "Keep everything: cut the whole recording into pieces, where a limit asks for it.")
  var whole = false

  @OptionGroup var segmentation: SegmentationOptions
  @OptionGroup var conversion: ConversionOptions
  @OptionGroup var input: InputOptions
  @OptionGroup var archive: ArchiveOptions

  func validate() throws {
    if conversion.dither, encoding == .float32 || encoding == .pcm24 {
      throw Misuse("--dither is for encodings that are made of 16 bits")
    }
    try SegmentationOptions.check(prefixPadding, "--prefix-ms")
    try SegmentationOptions.check(suffixPadding, "--suffix-ms")
    if whole, prefixPadding != nil || suffixPadding != nil {
      throw Misuse("--prefix-ms and --suffix-ms have no meaning with --whole, which keeps everything")
    }
    _ = try limit(PieceFormat(container, encoding, rate))
  }

  private var prefix: Duration { .milliseconds(prefixPadding ?? 300) }
  private var suffix: Duration { .milliseconds(suffixPadding ?? 200) }

  /// The most samples in a piece: whichever limit is the smaller one.
  ///
  /// - Throws: ``Misuse`` for a limit out of range.
  private func limit(_ format: PieceFormat) throws -> Int? {
    // So that the first piece of a segment holds some of it, and there are frames to choose from.
    let least = max(.milliseconds(100), whole ? .zero : prefix * 2)
    let leastSeconds = least / .seconds(1)
    let isForPrefix = !whole && prefix * 2 > .milliseconds(100)
    // A day; what is no number fails this too.
    if let maximumSegment, !(leastSeconds...86_400).contains(maximumSegment) {
      let reason = isForPrefix ? ", at least twice --prefix-ms" : ""
      throw Misuse("--max-segment-s \(maximumSegment) is outside of \(leastSeconds) to 86400\(reason)")
    }
    let leastCount = rate.sampleCount(in: least)
    if let maxBytes, format.sampleCount(inFileOf: maxBytes.bytes) < leastCount {
      let reason = isForPrefix ? ", twice --prefix-ms," : ""
      let size = format.fileSize(sampleCount: leastCount)
      throw Misuse("--max-bytes \(maxBytes.bytes) is too little: \(leastSeconds) s\(reason) have \(size) bytes")
    }
    let limits = [
      maximumSegment.map { format.sampleCount(inSeconds: $0) }, maxBytes.map { format.sampleCount(inFileOf: $0.bytes) },
    ]
    return limits.compactMap(\.self).min()
  }

  func run() throws {
    let configuration = try segmentation.configuration(default: .turns, prefixPadding: 0)
    let format = try PieceFormat(container, encoding, rate)
    let limit = try limit(format)
    let mode: PiecePlanner.Mode =
      whole
      ? .whole : .speech(prefix: rate.sampleCount(in: prefix), suffix: rate.sampleCount(in: suffix))
    let inputs = try InputFiles(inputs, takesAll: input.raw != nil)
    let place = try PiecePlace(outDir, for: inputs)
    try conversion.clean.check(inputs)
    if !archive.quiet { inputs.tellPassedOver() }

    try place.makeFolder()
    let manifest = try Output(place.allManifestPath)
    var isEmpty = true
    let run = ArchiveRun(inputs, archive)
    try run { task -> String in
      if archive.skipExisting {
        do {
          if let earlier = try place.earlierPieces(of: task.file, format) {
            task.skip()
            return try lines(earlier)
          }
        } catch let error as EarlierRunError {
          task.warn("\(task.name): done anew: \(error)")
        }
      }
      let clean = conversion.clean.isOff ? nil : conversion.clean.description
      let files = PieceFiles(task.file, name: task.file.path, in: place, format, clean: clean)
      do {
        let summary = try split(task, configuration, PiecePlanner(mode, limit: limit), into: files, place, format)
        try place.removeLeftPieces(of: task.file, behind: files.pieces.count, format.container)
        let lines = try lines(files.pieces)
        try place.makeFolder(of: task.file)
        let output = try Output(place.manifestPath(of: task.file))
        try output.write(lines)
        try output.finish()
        if !archive.quiet {
          task.tell(summary.line)
          if let cleaned = summary.cleaned { task.tell("  \(cleaned)") }
        }
        return lines
      } catch {
        files.removeAll()
        throw error
      }
    } deliver: { _, lines in
      isEmpty = false
      try manifest.write(lines)
    } finish: {
      // Where every recording failed there is nothing to list.
      if !isEmpty { try manifest.finish() }
    }
  }

  private func lines(_ pieces: [Piece]) throws -> String {
    try pieces.map { try $0.json + "\n" }.joined()
  }

  private func split(
    _ task: InputTask, _ configuration: SegmenterConfiguration, _ planner: PiecePlanner, into files: PieceFiles,
    _ place: PiecePlace, _ format: PieceFormat
  ) throws -> SplitSummary {
    let cleaning = try RecordingCleaning(task, input, conversion, to: rate)
    let recording = try Recording(task, input, pass: cleaning.pass)
    guard let quality = conversion.engine.libsamplerateQuality else {
      let engine = conversion.resampler(from: recording.sampleRate, to: rate)
      return try split(recording, with: engine, cleaning, configuration, planner, into: files, place, format)
    }
    let engine = try LibsamplerateResampler(from: recording.sampleRate, to: rate, quality: quality)
    return try split(recording, with: engine, cleaning, configuration, planner, into: files, place, format)
  }

  private func split<Engine: ResamplingEngine & ~Copyable>(
    _ recording: consuming Recording, with engine: consuming Engine, _ cleaning: RecordingCleaning,
    _ configuration: SegmenterConfiguration, _ planner: PiecePlanner, into files: PieceFiles, _ place: PiecePlace,
    _ format: PieceFormat
  ) throws -> SplitSummary {
    var recording = recording
    var resampler = try MonoResampler(
      engine, channelCount: recording.channelCount, downmix: conversion.channel.downmix,
      cleaning: cleaning.configuration)
    let splitter = Splitter(
      SpeechDetector(segmentation.detector, recording.sampleRate), configuration, planner,
      HeldSamples(for: encoding, ditherSeed: conversion.ditherSeed), from: recording.sampleRate, to: rate, into: files)
    // Not before the recording is known to be one: a failure leaves what an earlier run made.
    try place.removeEarlierPieces(of: recording.task.file)
    // What is in no piece is measured, too: the loudness is that of the recording.
    let meter = cleaning.meter(rate, encoding)
    do {
      try recording.forEachBlock { block in
        try resampler.process(block) { mono, output in
          meter.process(output)
          try splitter.process(mono, output)
        }
      }
      let inputCount = resampler.inputCount
      try resampler.finish { output in
        meter.process(output)
        try splitter.finish(output, inputCount: inputCount)
      }
    } catch PreparationError<any Error>.output(let error) {
      throw error
    }
    try recording.tellDamage(nonFiniteCount: resampler.nonFiniteCount)
    cleaning.warn(meter, recording.task)
    return SplitSummary(
      file: recording.task.name, inputRate: recording.sampleRate, frameCount: recording.frameCount, format: format,
      outputCount: splitter.outputCount, pieces: files.pieces, misfireCount: splitter.misfireCount,
      cleaned: cleaning.summary(meter, latency: resampler.cleaningLatencyInSamples, recording.sampleRate))
  }
}
