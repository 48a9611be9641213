import ArgumentParser
import AudioDSP
import AudioFiles
import Foundation

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes recordings as mono audio at another rate.",
    discussion: """
      The output has exactly ceil(frames * rate / input rate) samples, and its delay is compensated: sample k is the \
      instant k / rate of the input. The container follows from the name of OUT (wav, flac, aiff, au, caf, w64, rf64, and \
      raw for bare samples); '-' writes WAV to standard output.

      With several inputs, or a folder of them, OUT is a folder: each recording's output has its name and the container's \
      extension behind it (a.mp3 becomes a.mp3.wav), in the same subfolder.

      EXAMPLES
        utter convert interview.flac interview.wav
        utter convert call.wav call-8k.wav --rate 8000 --encoding ulaw
        utter convert studio.wav master.wav --rate 48000 --encoding float32
        utter convert both-sides.wav caller.wav --channel 0
        utter convert calls/ converted/ --container flac --skip-existing
        utter convert noisy.wav podcast.flac --rate 48000 --clean full,loudness=-16
        utter convert old-tape.wav tape.wav --clean light,hum=50 --channel auto
      """)

  @Argument(
    help: ArgumentHelp(
      "Recordings, folders of them, or '-' for standard input; and last the file or folder to write, or '-' for standard output.",
      valueName: "in> ... <out"))
  var paths: [String]

  @Option(help: "The sample rate to write, 4000 to 192000 Hz.")
  var rate = SampleRate.hz24000

  @Option(help: "The encoding to write.")
  var encoding = AudioEncoding.pcm16

  @Option(help: "The container to write; default: as the name says, WAV in a folder and on standard output.")
  var container: AudioContainer?

  @OptionGroup var conversion: ConversionOptions
  @OptionGroup var input: InputOptions
  @OptionGroup var archive: ArchiveOptions

  func validate() throws {
    if paths.count < 2 { throw Misuse("OUT is missing: what to write, behind what to read") }
    if conversion.dither, encoding == .float32 || encoding == .pcm24 {
      throw Misuse("--dither is for encodings that are made of 16 bits")
    }
  }

  func run() throws {
    let inputs = try InputFiles(paths.dropLast(), takesAll: input.raw != nil)
    let place = try OutputPlace(
      paths.last, for: inputs, option: "OUT/", pathExtension: (container ?? .wav).rawValue)
    try checkOutputs([place], of: inputs)
    try conversion.clean.check(inputs)
    try archive.check([(place, "a file or folder as OUT")], of: inputs)
    if case .file(let path) = place.kind, container == nil { try AudioContainer.checkName(path) }
    if !archive.quiet { inputs.tellPassedOver() }

    let run = ArchiveRun(inputs, archive)
    try run { task in
      if archive.passesOver(task.file, outputs: [place]) { return task.skip() }
      let cleaning = try RecordingCleaning(task, input, conversion, to: rate)
      let recording = try Recording(task, input, pass: cleaning.pass)
      let path = try place.path(for: task.file)
      if let quality = conversion.engine.libsamplerateQuality {
        let engine = try LibsamplerateResampler(from: recording.sampleRate, to: rate, quality: quality)
        try convert(recording, with: engine, cleaning, to: path)
      } else {
        let engine = conversion.resampler(from: recording.sampleRate, to: rate)
        try convert(recording, with: engine, cleaning, to: path)
      }
    } deliver: { _, _ in
    } finish: {
    }
  }

  private func convert<Engine: ResamplingEngine & ~Copyable>(
    _ recording: consuming Recording, with engine: consuming Engine, _ cleaning: RecordingCleaning, to path: String
  ) throws {
    var recording = recording
    var resampler = try MonoResampler(
      engine, channelCount: recording.channelCount, downmix: conversion.channel.downmix,
      cleaning: cleaning.configuration)
    var writer = try SampleWriter(
      path, container: container, rate: rate, encoding: encoding, ditherSeed: conversion.ditherSeed)
    let meter = cleaning.meter(rate, encoding)
    try recording.forEachBlock { block in
      try resampler.process(block) { _, output in
        meter.process(output)
        try writer.write(output)
      }
    }
    try resampler.finish { output in
      meter.process(output)
      try writer.write(output)
    }
    try recording.tellDamage(nonFiniteCount: resampler.nonFiniteCount)
    try writer.finish()
    cleaning.warn(meter, recording.task)
    let summary = cleaning.summary(meter, latency: resampler.cleaningLatencyInSamples, resampler.inputRate)
    if !archive.quiet, let summary { recording.task.tell("\(recording.task.name): \(summary)") }
  }
}

extension AudioContainer: ExpressibleByArgument {
  /// - Throws: ``Misuse`` where a file's name says no container. What is no regular file needs none.
  static func checkName(_ path: String) throws {
    let pathExtension = (path as NSString).pathExtension
    guard !pathExtension.isEmpty, AudioContainer(fileExtension: pathExtension) == nil else { return }
    let names = allCases.map(\.rawValue).joined(separator: ", ")
    throw Misuse("\(path.onOneLine): the extension .\(pathExtension) names no format that can be written (\(names))")
  }
}
