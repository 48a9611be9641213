import AudioDSP
import AudioFiles

/// A recording on its way through a command: blocks of interleaved samples, progress, and what is to be told at the
/// end.
struct Recording: ~Copyable {
  let task: InputTask
  let sampleRate: SampleRate
  let channelCount: Int
  private var reader: AudioFileReader
  private let isStrict: Bool
  private let pass: Pass
  /// Why the decoder stopped before the end, if it did: what came before is used.
  private var brokenOff: AudioFileError.Problem?

  /// What a recording is read for, by which its progress counts.
  enum Pass {
    case only
    /// Of two passes: the one that finds something out, and the one that writes.
    case measuring, writing
  }

  init(_ task: InputTask, _ options: InputOptions, pass: Pass = .only) throws {
    self.task = task
    self.pass = pass
    isStrict = options.strict
    reader = try options.reader(of: task.file.path, name: task.name)
    sampleRate = reader.sampleRate
    channelCount = reader.channelCount
  }

  /// How many sample frames have come.
  var frameCount: Int { reader.framesRead }

  /// What the header says of the file and of its samples, in a few words.
  var container: String { reader.container }
  var encoding: String { reader.encoding }

  /// What of the recording is lost, once everything has been read.
  var damage: [Damage] {
    guard let brokenOff else { return reader.damage }
    let promised = reader.promisedFrameCount.map { " of \($0)" } ?? ""
    return [.told("\(brokenOff)\(promised); what comes behind is lost")]
  }

  /// Hands all of the recording to `body`, block by block. Where something in its middle cannot be decoded, that is its
  /// end, and ``damage`` tells.
  mutating func forEachBlock(_ body: (Span<Float>) throws -> Void) throws {
    let (rate, channelCount, pass) = (sampleRate, channelCount, pass)
    do {
      try Self.read(&reader, task, rate, channelCount, pass, body)
    } catch let error as AudioFileError where error.problem.isOfDecoding && reader.framesRead > 0 {
      brokenOff = error.problem
    }
  }

  /// Tells what went wrong without stopping the work.
  ///
  /// - Throws: With `--strict`, what was told.
  func tellDamage(nonFiniteCount: Int) throws {
    if nonFiniteCount > 0 {
      task.warn("\(task.name): \(counted(nonFiniteCount, "sample")) not finite, taken as 0")
    }
    try checkDamage()
    for damage in damage { task.warn("\(task.name): \(damage)") }
  }

  /// - Throws: With `--strict`, what of the recording is lost.
  func checkDamage() throws {
    if isStrict, let damage = damage.first { throw Failure("\(task.name): \(damage)") }
  }

  // Static, so that it names exactly the state that it changes.
  private static func read(
    _ reader: inout AudioFileReader, _ task: InputTask, _ rate: SampleRate, _ channelCount: Int, _ pass: Pass,
    _ body: (Span<Float>) throws -> Void
  ) throws {
    let total = reader.frameCount
    var readCount = 0
    try reader.forEachBlock { block in
      try body(block)
      readCount += block.count / channelCount
      // Seconds count once.
      let seconds = pass == .measuring ? 0 : rate.seconds(of: readCount)
      let part = total.map { min(1, Double(readCount) / Double(max(1, $0))) }
      try task.advance(toSeconds: seconds, part: part.map(pass.partOfWork))
    }
  }
}

extension Recording.Pass {
  /// How much of all work is done when a part of the pass is.
  fileprivate func partOfWork(_ part: Double) -> Double {
    switch self {
    case .only: part
    case .measuring: part / 2
    case .writing: 0.5 + part / 2
    }
  }
}

extension AudioFileError.Problem {
  /// Whether a decoder stopped, as at bytes that are wrong.
  fileprivate var isOfDecoding: Bool {
    switch self {
    case .decodingFailed, .foreignDecodingFailed: true
    default: false
    }
  }
}
