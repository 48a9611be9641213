import AudioDSP
import AudioTestSupport
import Testing

@testable import utter

@Suite struct PiecePlannerTests {
  struct Frame {
    var start: Int
    var end: Int
    var energy: Float
    var isSpeech: Bool
  }

  struct Planned: Equatable {
    var range: Range<Int>
    var isCutBefore: Bool
    var isCutAfter: Bool
    var speech: Range<Int>?
  }

  /// Runs of speech and of pauses, of frames of 100 samples and a last one that is shorter.
  private static func frames(_ generator: inout SeededGenerator) -> [Frame] {
    var frames: [Frame] = []
    var isSpeech = Bool.random(using: &generator)
    for _ in 0..<Int.random(in: 1...12, using: &generator) {
      for _ in 0..<[1, 2, 5, 20, 60].randomElement(using: &generator)! {
        let start = frames.last?.end ?? 0
        // Few levels, so that there are equal ones.
        let energy = Float(Int.random(in: -9 ... -1, using: &generator) * 10)
        frames.append(Frame(start: start, end: start + 100, energy: energy, isSpeech: isSpeech))
      }
      isSpeech.toggle()
    }
    frames[frames.count - 1].end -= Int.random(in: 0..<100, using: &generator)
    return frames
  }

  /// What the planner should say, with all of the recording at hand.
  private static func expected(_ frames: [Frame], _ mode: PiecePlanner.Mode, limit: Int) -> [Planned] {
    let total = frames.last!.end
    var segments: [Range<Int>] = []
    for frame in frames where frame.isSpeech {
      if segments.last?.upperBound == frame.start {
        segments[segments.count - 1] = segments.last!.lowerBound..<frame.end
      } else {
        segments.append(frame.start..<frame.end)
      }
    }
    // Where a piece must start, and where it may go to, speech and padding.
    var stretches: [(start: Int, speechEnd: Int, end: Int)] = []
    switch mode {
    case .whole: stretches = [(0, total, total)]
    case .speech(let prefix, let suffix):
      for (i, segment) in segments.enumerated() {
        let before = i == 0 ? 0 : (segments[i - 1].upperBound + segment.lowerBound) / 2
        let behind = i + 1 == segments.count ? total : (segment.upperBound + segments[i + 1].lowerBound) / 2
        stretches.append(
          (max(before, segment.lowerBound - prefix), segment.upperBound, min(behind, segment.upperBound + suffix)))
      }
    }
    var pieces: [Planned] = []
    func add(_ range: Range<Int>, isCutBefore: Bool, isCutAfter: Bool) {
      let within = segments.map { $0.clamped(to: range) }.filter { !$0.isEmpty }
      let speech = within.isEmpty ? nil : within.first!.lowerBound..<within.last!.upperBound
      pieces.append(Planned(range: range, isCutBefore: isCutBefore, isCutAfter: isCutAfter, speech: speech))
    }
    for stretch in stretches {
      var start = stretch.start
      while stretch.speechEnd - start > limit {
        let fitting = frames.filter { 2 * ($0.start - start) > limit && $0.start - start <= limit }
        let isWhole = mode == .whole
        let outside = fitting.filter { !$0.isSpeech }
        let candidates = isWhole && !outside.isEmpty ? outside : fitting
        // `min` gives the first of equal ones.
        let cut = candidates.min { $0.energy < $1.energy }!.start
        add(start..<cut, isCutBefore: start > stretch.start, isCutAfter: true)
        start = cut
      }
      add(start..<min(stretch.end, start + limit), isCutBefore: start > stretch.start, isCutAfter: false)
    }
    return pieces
  }

  @Test func piecesAreThoseOfTheWholeRecordingAtOnce() {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    for run in 0..<2_000 {
      let frames = Self.frames(&generator)
      // Often a number of frames, and the limit one sample beside that, so that a sample more or less matters.
      let prefix = Int.random(in: 0...9, using: &generator) * 100 + [0, 0, 37].randomElement(using: &generator)!
      let mode: PiecePlanner.Mode =
        run.isMultiple(of: 3) ? .whole : .speech(prefix: prefix, suffix: .random(in: 0...1_500, using: &generator))
      let limits = [0, -1, 1, 53].map {
        max(1_000, 2 * prefix + 1, Int.random(in: 10...40, using: &generator) * 100 + $0)
      }
      let limit = run.isMultiple(of: 2) ? nil : limits.randomElement(using: &generator)
      var planner = PiecePlanner(mode, limit: limit)
      var pieces: [Planned] = []
      var open: Planned?
      // One past what is kept or dropped, and what must still be held.
      var settledEnd = 0
      var greatestHeld = 0
      func perform(_ step: PiecePlanner.Step) {
        switch step {
        case .begin(let place, let isCut):
          #expect(open == nil && place >= settledEnd)
          open = Planned(range: place..<place, isCutBefore: isCut, isCutAfter: false, speech: nil)
        case .keep(let place):
          // Whatever was dropped is not kept.
          if let first = open?.range { open!.range = first.lowerBound..<max(first.upperBound, place) }
          settledEnd = max(settledEnd, place)
        case .drop(let place):
          #expect(open == nil)
          settledEnd = max(settledEnd, place)
        case .end(let place, let isCut, let speech):
          #expect(open?.range.upperBound == place, "kept to the end and not beyond")
          open?.isCutAfter = isCut
          open?.speech = speech
          if let open, !open.range.isEmpty { pieces.append(open) }
          open = nil
        }
      }
      for frame in frames {
        planner.process(end: frame.end, energyInDecibels: frame.energy, isSpeech: frame.isSpeech, perform)
        #expect(settledEnd <= frame.end)
        greatestHeld = max(greatestHeld, frame.end - settledEnd)
      }
      planner.finish(perform)
      #expect(open == nil && settledEnd == frames.last!.end)
      let expected = Self.expected(frames, mode, limit: limit ?? .max / 4)
      #expect(pieces == expected, "run \(run)")
      guard pieces == expected else { return }
      // Half of what the limit lets through and a frame; or a suffix, and as much before the middle of a pause.
      var bound = limit.map { $0 / 2 + 100 } ?? 0
      if case .speech(let prefix, let suffix) = mode { bound = max(bound, prefix + 100, 2 * suffix + 100) }
      #expect(greatestHeld <= bound)
    }
  }

  @Test func framesAreSettledAsTheSegmenterDecides() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let grid = FrameGrid(try SampleRate([8_000, 11_025, 16_000].randomElement(using: &generator)!))
      let configuration = try SegmenterConfiguration(
        minimumSpeech: .milliseconds([0, 10, 60].randomElement(using: &generator)!),
        hangover: .milliseconds([0, 10, 50, 200].randomElement(using: &generator)!), prefixPadding: .zero)
      var segmenter = Segmenter(grid: grid, configuration: configuration)
      var settled = SettledFrames(grid, configuration)
      var frames: [SettledFrame] = []
      var segments: [Range<Int>] = []
      var start = 0
      func note(_ event: SegmentEvent?) {
        guard let event else { return }
        settled.note(event) { frames.append($0) }
        if case .started(let place, _, _) = event { start = place }
        if case .ended(let place, _, _) = event { segments.append(start..<place) }
      }
      let count = Int.random(in: 1...200, using: &generator)
      var score: Float = 0
      for _ in 0..<count {
        if Int.random(in: 0..<4, using: &generator) == 0 { score = .random(in: 0...1, using: &generator) }
        let scored = FrameScore(Int.random(in: 0..<50, using: &generator) == 0 ? .nan : score)
        settled.note(scored) { frames.append($0) }
        note(segmenter.process(scored))
      }
      note(segmenter.finish(sampleCount: grid.start(ofFrame: count)))
      #expect(frames.count == count)
      for (k, frame) in frames.enumerated() {
        #expect(frame.end == grid.start(ofFrame: k + 1))
        #expect(frame.isSpeech == segments.contains { $0.contains(grid.start(ofFrame: k)) })
      }
    }
  }
}
