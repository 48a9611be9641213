import AudioDSP
import AudioFiles

/// A recording on its way through a command: blocks of interleaved samples, progress, and what is to be told at the
/// end.
struct Recording: ~Copyable {
  let name: String
  let sampleRate: SampleRate
  let channelCount: Int
  private var reader: AudioFileReader
  private var progress: Progress

  /// - Parameter path: A path, or `-` for standard input.
  init(_ path: String) throws {
    let name = path == "-" ? "standard input" : path
    reader = path == "-" ? try AudioFileReader(fileDescriptor: 0, name: name) : try AudioFileReader(path: path)
    self.name = name
    sampleRate = reader.sampleRate
    channelCount = reader.channelCount
    let rate = reader.sampleRate
    progress = Progress(name, totalSeconds: reader.frameCount.map { rate.seconds(of: $0) })
  }

  /// How many sample frames have come.
  var frameCount: Int { reader.framesRead }

  /// Hands all of the recording to `body`, block by block.
  mutating func forEachBlock(_ body: (Span<Float>) throws -> Void) throws {
    defer { Progress.erase() }
    let (rate, channelCount) = (sampleRate, channelCount)
    try Self.read(&reader, &progress, rate, channelCount, body)
  }

  /// Tells what went wrong without stopping the work.
  ///
  /// - Throws: With `strict`, what was told.
  func tellDamage(nonFiniteCount: Int, strict: Bool) throws {
    if nonFiniteCount > 0 {
      Diagnostics.warn("\(name): \(counted(nonFiniteCount, "sample")) not finite, taken as 0")
    }
    if let truncation = reader.truncation {
      if strict { throw Failure("\(name): \(truncation)") }
      Diagnostics.warn("\(name): \(truncation)")
    }
  }

  // Static, so that it names exactly the state that it changes.
  private static func read(
    _ reader: inout AudioFileReader, _ progress: inout Progress, _ rate: SampleRate, _ channelCount: Int,
    _ body: (Span<Float>) throws -> Void
  ) throws {
    var frameCount = 0
    try reader.forEachBlock { block in
      try body(block)
      frameCount += block.count / channelCount
      progress.update(seconds: rate.seconds(of: frameCount))
    }
  }
}

/// Runs `body` on each file, and `finish` behind them; a file that fails is told and does not stop the others.
func forEachFile(
  _ inputs: InputFiles, _ body: (InputFiles.File) throws -> Void, finish: () throws -> Void
) throws {
  var failed = 0
  for file in inputs.files {
    do {
      try body(file)
    } catch {
      let failure = Failure(error, of: file.path)
      if failure.isQuiet || inputs.files.count == 1 { throw failure }
      Diagnostics.write("utter: \(failure)")
      failed += 1
    }
  }
  try finish()
  if failed > 0 {
    Diagnostics.write("utter: \(failed) of \(inputs.files.count) files failed")
    throw Failure.alreadyTold
  }
}
