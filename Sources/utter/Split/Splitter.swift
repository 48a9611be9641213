import AudioDSP
import AudioFiles

/// Takes a recording apart into the files of its pieces, in one pass.
///
/// What is held is what may still be cut off or belong to no piece: as much as the attack, the hangover, the padding and
/// the delays of detector and resampler; and with a limit half of what it lets through.
final class Splitter {
  private let inputRate: SampleRate
  private let outputRate: SampleRate
  private let files: PieceFiles
  private var tracker: SpeechTracker<SpeechDetector>
  private var settled: SettledFrames
  private var planner: PiecePlanner
  private var held: HeldSamples
  /// Frames that are settled and whose output has not come.
  private var waiting: [SettledFrame] = []
  private(set) var misfireCount = 0

  init(
    _ detector: consuming SpeechDetector, _ configuration: SegmenterConfiguration, _ planner: PiecePlanner,
    _ held: HeldSamples, from inputRate: SampleRate, to outputRate: SampleRate, into files: PieceFiles
  ) {
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.planner = planner
    self.held = held
    self.files = files
    settled = SettledFrames(detector.grid, configuration)
    tracker = SpeechTracker(detector, configuration: configuration)
  }

  /// How many samples of the output have come.
  var outputCount: Int { held.end }

  /// Takes samples at the input's rate, and the output that they complete.
  func process(_ mono: Span<Float>, _ output: Span<Float>) throws {
    held.append(output)
    tracker.process(mono, onFrame: { settled.note($0) { waiting.append($0) } }, onEvent: { note($0) })
    try plan()
  }

  /// Takes the last output, of a recording of `inputCount` sample frames.
  func finish(_ output: Span<Float>, inputCount: Int) throws {
    held.append(output)
    tracker.finish(onFrame: { settled.note($0) { waiting.append($0) } }, onEvent: { note($0) })
    // The last frame may be short.
    for i in waiting.indices { waiting[i].end = min(waiting[i].end, inputCount) }
    try plan()
    try planner.finish { try perform($0) }
  }

  private func note(_ event: SegmentEvent) {
    if case .misfire = event { misfireCount += 1 }
    settled.note(event) { waiting.append($0) }
  }

  /// Tells the planner of the frames whose output has come.
  private func plan() throws {
    var told = 0
    while told < waiting.count, case let end = outputCount(forInputCount: waiting[told].end), end <= held.end {
      let frame = waiting[told]
      told += 1
      try planner.process(end: end, energyInDecibels: frame.energyInDecibels, isSpeech: frame.isSpeech) {
        try perform($0)
      }
    }
    waiting.removeFirst(told)
  }

  private func perform(_ step: PiecePlanner.Step) throws {
    switch step {
    case .drop(let place): held.drop(until: place)
    case .begin(let place, let isCut): try files.begin(at: place, isCut: isCut)
    case .keep(let place): try files.write(&held, until: place)
    case .end(let place, let isCut, let speech): try files.end(at: place, isCut: isCut, speech: speech)
    }
  }

  /// How many samples of the output lie before the end of so many of the input.
  private func outputCount(forInputCount count: Int) -> Int {
    (count * outputRate.hertz + inputRate.hertz - 1) / inputRate.hertz
  }
}
