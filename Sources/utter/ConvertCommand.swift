import ArgumentParser
import AudioDSP
import AudioFiles

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes a recording as mono audio at another rate.",
    discussion: """
      The output has exactly ceil(frames * rate / input rate) samples, and its delay is compensated: sample k is the \
      instant k / rate of the input. The container follows from the name of OUT (wav, flac, aiff, au, caf, w64, rf64, and \
      raw for bare samples); '-' writes WAV to standard output.

      EXAMPLES
        utter convert interview.flac interview.wav
        utter convert call.wav call-8k.wav --rate 8000 --encoding ulaw
        utter convert studio.wav master.wav --rate 48000 --encoding float32
        utter convert both-sides.wav caller.wav --channel 0
      """)

  @Argument(help: "A recording, or '-' for standard input.")
  var input: String

  @Argument(help: "The file to write, or '-' for standard output.")
  var output: String

  @Option(help: "The sample rate to write, 4000 to 192000 Hz.")
  var rate = SampleRate.hz24000

  @Option(help: "The encoding to write.")
  var encoding = AudioEncoding.pcm16

  @OptionGroup var conversion: ConversionOptions

  func validate() throws {
    if conversion.dither, encoding == .float32 || encoding == .pcm24 {
      throw Misuse("--dither is for encodings that are made of 16 bits")
    }
  }

  func run() throws {
    let place = output == "-" ? OutputPlace.standardOutput : .file(output)
    try checkOutputs([place], paths: [output], inputs: [input])
    do {
      let recording = try Recording(input)
      if let quality = conversion.engine.libsamplerateQuality {
        let engine = try LibsamplerateResampler(from: recording.sampleRate, to: rate, quality: quality)
        try convert(recording, with: engine)
      } else {
        let engine = conversion.resampler(from: recording.sampleRate, to: rate)
        try convert(recording, with: engine)
      }
    } catch {
      throw Failure(error, of: input)
    }
  }

  private func convert<Engine: ResamplingEngine & ~Copyable>(
    _ recording: consuming Recording, with engine: consuming Engine
  ) throws {
    var recording = recording
    var resampler = try MonoResampler(
      engine, channelCount: recording.channelCount, downmix: conversion.channel.downmix)
    var writer = try SampleWriter(output, rate: rate, encoding: encoding, ditherSeed: conversion.ditherSeed)
    try recording.forEachBlock { block in
      try resampler.process(block) { _, output in try writer.write(output) }
    }
    try resampler.finish { output in try writer.write(output) }
    try recording.tellDamage(nonFiniteCount: resampler.nonFiniteCount, strict: conversion.strict)
    try writer.finish()
  }
}
