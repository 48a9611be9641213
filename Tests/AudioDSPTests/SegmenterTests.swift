import AudioDSP
import AudioTestSupport
import Testing

@Suite struct SegmenterTests {
  /// One frame is 80 samples.
  private static let grid = FrameGrid(.hz8000)

  /// Enter 0.6, exit 0.4, 30 ms to start, 50 ms to end, 40 ms padding.
  private static func configuration(maximumSegment: Duration? = nil) throws -> SegmenterConfiguration {
    try SegmenterConfiguration(
      enterThreshold: 0.6, exitThreshold: 0.4, minimumSpeech: .milliseconds(30), hangover: .milliseconds(50),
      prefixPadding: .milliseconds(40), maximumSegment: maximumSegment)
  }

  /// A frame for each letter: `.` silence, `-` between the thresholds, `=` at the enter threshold, `_` at the exit
  /// threshold, `x` NaN, `#` speech.
  private static func scores(_ text: String) -> [Float] {
    text.map { letter in
      switch letter {
      case ".": 0
      case "-": 0.5
      case "=": 0.6
      case "_": 0.4
      case "x": .nan
      default: 1
      }
    }
  }

  /// The events, with the frame at which each came; the number of frames for what `finish` gave.
  private static func events(
    _ text: String, maximumSegment: Duration? = nil, energies: [Float]? = nil, lookAhead: Int = 0
  ) throws -> [(Int, SegmentEvent)] {
    var segmenter = Segmenter(
      grid: grid, configuration: try configuration(maximumSegment: maximumSegment), lookAheadInSamples: lookAhead)
    var events: [(Int, SegmentEvent)] = []
    let scores = scores(text)
    for (i, score) in scores.enumerated() {
      let features = FrameFeatures(energyInDecibels: energies?[i] ?? -20)
      if let event = segmenter.process(FrameScore(score, features: features)) { events.append((i, event)) }
    }
    if let event = segmenter.finish(sampleCount: scores.count * 80) { events.append((scores.count, event)) }
    return events
  }

  private static func expectEvents(
    _ text: String, maximumSegment: Duration? = nil, energies: [Float]? = nil, lookAhead: Int = 0,
    are expected: [(Int, SegmentEvent)], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try events(text, maximumSegment: maximumSegment, energies: energies, lookAhead: lookAhead)
    #expect(found.map(\.0) == expected.map(\.0), sourceLocation: sourceLocation)
    #expect(found.map(\.1) == expected.map(\.1), sourceLocation: sourceLocation)
  }

  // MARK: Transitions

  @Test("Quiet stays quiet below the enter threshold", arguments: ["", ".", "....", "------", "__x__", "xxxx"])
  func quiet(text: String) throws {
    try Self.expectEvents(text, are: [])
  }

  @Test("A run that lasts becomes a segment, which ends after the hangover")
  func segment() throws {
    try Self.expectEvents(
      "......###.....",
      are: [
        (8, .started(at: 6 * 80, paddedStart: 2 * 80, decidedAt: 9 * 80)),
        (13, .ended(at: 9 * 80, claimedEnd: 14 * 80, decidedAt: 14 * 80)),
      ])
  }

  @Test("A score at a threshold reaches it")
  func atThresholds() throws {
    try Self.expectEvents(
      "=__.....",
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (7, .ended(at: 3 * 80, claimedEnd: 8 * 80, decidedAt: 8 * 80)),
      ])
  }

  @Test("Hysteresis: between the thresholds nothing starts and nothing stops")
  func hysteresis() throws {
    try Self.expectEvents(
      "---#---------",
      are: [
        (5, .started(at: 3 * 80, paddedStart: 0, decidedAt: 6 * 80)),
        (13, .ended(at: 13 * 80, claimedEnd: 13 * 80, decidedAt: 13 * 80)),
      ])
    // A score between the thresholds breaks off an end.
    try Self.expectEvents(
      "###....-.....",
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (12, .ended(at: 8 * 80, claimedEnd: 13 * 80, decidedAt: 13 * 80)),
      ])
  }

  @Test("A run that breaks off is a misfire, and leaves no trace")
  func misfires() throws {
    try Self.expectEvents(
      "..##..#x..",
      are: [
        (4, .misfire(start: 2 * 80, end: 4 * 80, decidedAt: 5 * 80)),
        (7, .misfire(start: 6 * 80, end: 7 * 80, decidedAt: 8 * 80)),
      ])
    // The prefix padding of what follows may reach over a misfire.
    try Self.expectEvents(
      "...##.###",
      are: [
        (5, .misfire(start: 3 * 80, end: 5 * 80, decidedAt: 6 * 80)),
        (8, .started(at: 6 * 80, paddedStart: 2 * 80, decidedAt: 9 * 80)),
        (9, .ended(at: 9 * 80, claimedEnd: 9 * 80, decidedAt: 9 * 80)),
      ])
  }

  @Test("Silence shorter than the hangover belongs to the segment")
  func shortSilence() throws {
    try Self.expectEvents(
      "###....#xxxx#.....",
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (17, .ended(at: 13 * 80, claimedEnd: 18 * 80, decidedAt: 18 * 80)),
      ])
  }

  @Test("Prefix padding ends at the stream's start and at what the earlier segment claimed")
  func prefixPadding() throws {
    try Self.expectEvents(
      "..###.......###",
      are: [
        (4, .started(at: 2 * 80, paddedStart: 0, decidedAt: 5 * 80)),
        (9, .ended(at: 5 * 80, claimedEnd: 10 * 80, decidedAt: 10 * 80)),
        (14, .started(at: 12 * 80, paddedStart: 10 * 80, decidedAt: 15 * 80)),
        (15, .ended(at: 15 * 80, claimedEnd: 15 * 80, decidedAt: 15 * 80)),
      ])
  }

  @Test("Look-ahead counts into the time of decision, and into nothing else")
  func lookAhead() throws {
    try Self.expectEvents(
      "###.....#.", lookAhead: 37,
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80 + 37)),
        (7, .ended(at: 3 * 80, claimedEnd: 8 * 80, decidedAt: 8 * 80 + 37)),
        (9, .misfire(start: 8 * 80, end: 9 * 80, decidedAt: 10 * 80 + 37)),
      ])
  }

  @Test("The end of the stream, in each state")
  func finishing() throws {
    try Self.expectEvents("....", are: [])
    try Self.expectEvents("..##", are: [(4, .misfire(start: 2 * 80, end: 4 * 80, decidedAt: 4 * 80))])
    try Self.expectEvents(
      "####",
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (4, .ended(at: 4 * 80, claimedEnd: 4 * 80, decidedAt: 4 * 80)),
      ])
    try Self.expectEvents(
      "####..",
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (6, .ended(at: 4 * 80, claimedEnd: 6 * 80, decidedAt: 6 * 80)),
      ])
  }

  @Test("A last short frame and a look-ahead that does not come: nothing lies behind the end of the stream")
  func lateScores() throws {
    var segmenter = Segmenter(grid: Self.grid, configuration: try Self.configuration(), lookAheadInSamples: 200)
    for _ in 0..<2 { #expect(segmenter.process(FrameScore(1)) == nil) }
    // The stream has 2.5 frames.
    #expect(
      segmenter.process(FrameScore(1), streamEnd: 200) == .started(at: 0, paddedStart: 0, decidedAt: 200))
    #expect(segmenter.settledEnd == 200)
    #expect(segmenter.finish(sampleCount: 200) == .ended(at: 200, claimedEnd: 200, decidedAt: 200))

    for score in [1, 1, 1, 0, 0, 0] as [Float] { _ = segmenter.process(FrameScore(score)) }
    #expect(segmenter.process(FrameScore(0), streamEnd: 580) == nil)
    // The fifth frame of silence is 20 samples long.
    #expect(segmenter.process(FrameScore(0), streamEnd: 580) == .ended(at: 240, claimedEnd: 580, decidedAt: 580))
    #expect(segmenter.finish(sampleCount: 580) == nil)
    // The end of one stream is not that of the next.
    for score in [1, 1, 1, 0, 0, 0, 0] as [Float] { _ = segmenter.process(FrameScore(score)) }
    #expect(segmenter.process(FrameScore(0)) == .ended(at: 240, claimedEnd: 640, decidedAt: 840))
  }

  @Test("Speaking is what lies between a start and an end")
  func isSpeaking() throws {
    var segmenter = Segmenter(grid: Self.grid, configuration: try Self.configuration())
    let text = "..###..##......"
    let expected = "____XXXXXXXXX__"
    for (score, expected) in zip(Self.scores(text), expected) {
      _ = segmenter.process(FrameScore(score))
      #expect(segmenter.isSpeaking == (expected == "X"))
    }
  }

  @Test("Finish and reset both start a new stream", arguments: ["..", "##", "####", "####..", "###.....", "##.."])
  func newStream(before: String) throws {
    let text = "..###......##..###"
    let expected = try Self.events(text).map(\.1)
    for finishing in [true, false] {
      var segmenter = Segmenter(grid: Self.grid, configuration: try Self.configuration())
      for score in Self.scores(before) { _ = segmenter.process(FrameScore(score)) }
      if finishing {
        _ = segmenter.finish(sampleCount: before.count * 80)
      } else {
        segmenter.reset()
      }
      #expect(segmenter.settledEnd == 0)
      var found = Self.scores(text).compactMap { segmenter.process(FrameScore($0)) }
      if let last = segmenter.finish(sampleCount: text.count * 80) { found.append(last) }
      #expect(found == expected)
    }
  }

  @Test("Durations of zero are one frame, and no padding")
  func zeroDurations() throws {
    let configuration = try SegmenterConfiguration(
      enterThreshold: 0.6, exitThreshold: 0.4, minimumSpeech: .zero, hangover: .zero, prefixPadding: .zero)
    var segmenter = Segmenter(grid: Self.grid, configuration: configuration)
    let events = Self.scores(".#.#").map { segmenter.process(FrameScore($0)) }
    #expect(
      events == [
        nil, .started(at: 80, paddedStart: 80, decidedAt: 160), .ended(at: 160, claimedEnd: 240, decidedAt: 240),
        .started(at: 240, paddedStart: 240, decidedAt: 320),
      ])
  }

  // MARK: The longest segment

  @Test("A long segment is cut at the quietest frame of its second half, the first of equals")
  func cuts() throws {
    // At most 100 ms, so the candidates are the frames 5...9 of a segment.
    var energies = [Float](repeating: -20, count: 32)
    energies[3] = -90
    energies[6] = -30
    energies[8] = -30
    // The next segment starts with frame 6: candidates 11...15.
    energies[10] = -80
    energies[13] = -40
    // Then frame 13: candidates 18...22, all equal.
    try Self.expectEvents(
      String(repeating: "#", count: 24), maximumSegment: .milliseconds(100), energies: energies,
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (9, .cut(at: 6 * 80, decidedAt: 10 * 80)),
        (15, .cut(at: 13 * 80, decidedAt: 16 * 80)),
        (22, .cut(at: 18 * 80, decidedAt: 23 * 80)),
        (24, .ended(at: 24 * 80, claimedEnd: 24 * 80, decidedAt: 24 * 80)),
      ])
  }

  @Test("A cut in a pause that is over")
  func cutInEarlierPause() throws {
    let energies = "#####...####".map { $0 == "." ? -60 : -20 } as [Float]
    try Self.expectEvents(
      "#####...####", maximumSegment: .milliseconds(100), energies: energies,
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (9, .cut(at: 5 * 80, decidedAt: 10 * 80)),
        (12, .ended(at: 12 * 80, claimedEnd: 12 * 80, decidedAt: 12 * 80)),
      ])
  }

  @Test("A cut that would fall into a pause that goes on ends the segment where the pause starts")
  func cutInPresentPause() throws {
    let text = "########..##..###"
    let energies = text.map { $0 == "." ? -60 : -20 } as [Float]
    try Self.expectEvents(
      text, maximumSegment: .milliseconds(100), energies: energies,
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (9, .ended(at: 8 * 80, claimedEnd: 10 * 80, decidedAt: 10 * 80)),
        (12, .misfire(start: 10 * 80, end: 12 * 80, decidedAt: 13 * 80)),
        (16, .started(at: 14 * 80, paddedStart: 10 * 80, decidedAt: 17 * 80)),
        (17, .ended(at: 17 * 80, claimedEnd: 17 * 80, decidedAt: 17 * 80)),
      ])
    // A pause that is louder than an earlier frame changes nothing.
    var loud = energies
    loud[6] = -70
    try Self.expectEvents(
      "########..##", maximumSegment: .milliseconds(100), energies: loud,
      are: [
        (2, .started(at: 0, paddedStart: 0, decidedAt: 3 * 80)),
        (9, .cut(at: 6 * 80, decidedAt: 10 * 80)),
        (12, .ended(at: 12 * 80, claimedEnd: 12 * 80, decidedAt: 12 * 80)),
      ])
  }

  @Test(
    "Nothing is longer than the longest segment, or shorter than half of it where it was cut", arguments: [10, 11, 57])
  func cutLengths(frames: Int) throws {
    var random = SeededGenerator(seed: UInt64(frames))
    var segmenter = Segmenter(
      grid: Self.grid, configuration: try Self.configuration(maximumSegment: .milliseconds(10 * frames)))
    var start = 0
    for _ in 0..<5_000 {
      let energy = Float(Int.random(in: -60...0, using: &random))
      guard let event = segmenter.process(FrameScore(1, features: FrameFeatures(energyInDecibels: energy))) else {
        continue
      }
      guard case .cut(let place, _) = event else { continue }
      #expect(((frames + 1) / 2 * 80..<frames * 80).contains(place - start))
      start = place
    }
    #expect(start > 4_900 * 80)
  }

  // MARK: Against hindsight

  static func randomConfiguration(_ random: inout SeededGenerator) throws -> SegmenterConfiguration {
    func duration(_ most: Int, _ random: inout SeededGenerator) -> Duration {
      .microseconds(Int.random(in: 0...most * 1_000, using: &random))
    }
    let minimumSpeech = duration([0, 60, 150].randomElement(using: &random)!, &random)
    let hangover = duration([0, 80, 300].randomElement(using: &random)!, &random)
    var maximum: Duration?
    if Bool.random(using: &random) {
      maximum = max(.milliseconds(100), minimumSpeech * 2) + duration(150, &random)
    }
    let exit = [0, 0.2, 0.4, 0.6].randomElement(using: &random)! as Float
    return try SegmenterConfiguration(
      enterThreshold: [0.6, 0.8, 1].randomElement(using: &random)!, exitThreshold: exit, minimumSpeech: minimumSpeech,
      hangover: hangover, prefixPadding: duration([0, 100, 500].randomElement(using: &random)!, &random),
      maximumSegment: maximum)
  }

  /// Runs of random lengths at random levels, the thresholds themselves and NaN among them.
  static func randomScores(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
    var scores: [Float] = []
    while scores.count < count {
      let level = [0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1, 0, .nan].randomElement(using: &random)! as Float
      let length = Int.random(in: 1...[1, 3, 30].randomElement(using: &random)!, using: &random)
      scores += [Float](repeating: level, count: length)
    }
    return Array(scores[..<count])
  }

  @Test("Random scores give the events that hindsight gives", arguments: Array(1...40) as [UInt64])
  func againstHindsight(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20 {
      let configuration = try Self.randomConfiguration(&random)
      let hertz = [4_000, 8_000, 11_025, 16_000, 44_101].randomElement(using: &random)!
      let grid = FrameGrid(try SampleRate(hertz))
      let lookAhead = [0, 100, 1_000].randomElement(using: &random)!
      let reference = ReferenceSegments(configuration, hertz: hertz, lookAhead: lookAhead)
      let scores = Self.randomScores(Int.random(in: 0...250, using: &random), &random)
      let energies = scores.map { _ in Float(Int.random(in: -6...0, using: &random)) * 10 }
      // The last frame may be short, and some of the last scores may come when the stream has ended.
      let liveCount = max(0, scores.count - Int.random(in: 0...5, using: &random))
      var sampleCount = grid.start(ofFrame: scores.count)
      if liveCount < scores.count { sampleCount -= Int.random(in: 0..<hertz / 100, using: &random) }

      let expected = reference.decisions(scores, energies: energies, liveCount: liveCount, sampleCount: sampleCount)
      var segmenter = Segmenter(grid: grid, configuration: configuration, lookAheadInSamples: lookAhead)
      var found: [ReferenceSegments.Decision] = []
      for i in scores.indices {
        let score = FrameScore(scores[i], features: FrameFeatures(energyInDecibels: energies[i]))
        if let event = segmenter.process(score, streamEnd: i < liveCount ? nil : sampleCount) {
          found.append(.init(frame: i, event: event))
        }
      }
      if let event = segmenter.finish(sampleCount: sampleCount) {
        found.append(.init(frame: scores.count, event: event))
      }
      try #require(found == expected, "seed \(seed), \(configuration), \(hertz) Hz, scores \(scores)")
      Self.expectSegments(found.map(\.event), within: sampleCount)
    }
  }

  /// Segments do not overlap, do not lie behind the stream's end, and are not empty.
  private static func expectSegments(_ events: [SegmentEvent], within sampleCount: Int) {
    var (claimed, open) = (0, Int?.none)
    for event in events {
      switch event {
      case .started(let place, let padded, _):
        #expect(open == nil && padded >= claimed && padded <= place)
        open = place
      case .cut(let place, _):
        #expect(open.map { $0 < place } == true)
        open = place
      case .ended(let place, let end, let decided):
        #expect(open.map { $0 < place } == true && place <= end && end <= sampleCount && decided >= end)
        (claimed, open) = (end, nil)
      case .misfire(let start, let end, _):
        #expect(open == nil && start < end && start >= claimed && end <= sampleCount)
      }
    }
    #expect(open == nil)
  }

  @Test("What is settled is all that no future can claim, and no more", arguments: Array(1...25) as [UInt64])
  func settledEnd(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let configuration = try Self.randomConfiguration(&random)
    let hertz = [4_000, 8_000, 11_025, 44_101].randomElement(using: &random)!
    let grid = FrameGrid(try SampleRate(hertz))
    let reference = ReferenceSegments(configuration, hertz: hertz)
    let scores = Self.randomScores(120, &random)
    let energies = [Float](repeating: -20, count: 1_000)
    var segmenter = Segmenter(grid: grid, configuration: configuration)
    var settled = segmenter.settledEnd
    #expect(settled == 0)
    for i in scores.indices {
      let event = segmenter.process(FrameScore(scores[i], features: FrameFeatures(energyInDecibels: -20)))
      switch event {
      case .started(_, let padded, _): #expect(padded >= settled)
      case .ended(_, let claimed, _): #expect(claimed >= settled)
      case .cut, .misfire, nil: break
      }
      #expect(segmenter.settledEnd >= settled)
      settled = segmenter.settledEnd

      // The future that claims most: speech from now on, for as long as it takes.
      let speech = [Float](repeating: 1, count: reference.minimum)
      let end = grid.start(ofFrame: i + 1 + speech.count)
      let decisions = reference.decisions(
        Array(scores[...i]) + speech, energies: energies, liveCount: .max, sampleCount: end)
      var isOpen = false
      var claimed: Int?
      for decision in decisions {
        switch decision.event {
        case .started(_, let padded, _):
          if decision.frame <= i { isOpen = true } else if !isOpen { claimed = claimed ?? padded }
        case .ended: if decision.frame <= i { isOpen = false }
        case .cut, .misfire: break
        }
      }
      let expected = isOpen ? grid.start(ofFrame: i + 1) : try #require(claimed)
      try #require(settled == expected, "frame \(i), seed \(seed), \(configuration), scores \(scores)")
    }
  }

  // MARK: Configuration

  @Test("Legal configurations, at their limits")
  func legal() throws {
    let longest = SegmenterConfiguration.longest
    _ = try SegmenterConfiguration(
      enterThreshold: 1, exitThreshold: 1, minimumSpeech: longest, hangover: longest, prefixPadding: longest,
      maximumSegment: SegmenterConfiguration.maximumSegments.upperBound)
    _ = try SegmenterConfiguration(
      enterThreshold: 0, exitThreshold: 0, minimumSpeech: .zero, hangover: .zero, prefixPadding: .zero,
      maximumSegment: SegmenterConfiguration.maximumSegments.lowerBound)
    _ = try SegmenterConfiguration(minimumSpeech: .milliseconds(300), maximumSegment: .milliseconds(600))
    #expect(longest == .seconds(10))
    #expect(SegmenterConfiguration.maximumSegments == .milliseconds(100) ... .seconds(86_400))
  }

  @Test("What the presets say")
  func presets() throws {
    #expect(
      try SegmenterConfiguration.speech
        == SegmenterConfiguration(
          enterThreshold: 0.5, exitThreshold: 0.35, minimumSpeech: .milliseconds(60), hangover: .milliseconds(200),
          prefixPadding: .milliseconds(300), maximumSegment: nil))
    #expect(
      try SegmenterConfiguration.turns
        == SegmenterConfiguration(
          enterThreshold: 0.5, exitThreshold: 0.35, minimumSpeech: .milliseconds(60), hangover: .milliseconds(500),
          prefixPadding: .milliseconds(300), maximumSegment: nil))
  }

  @Test("Illegal thresholds", arguments: [-0.01, 1.01, -.infinity, .infinity] as [Float])
  func illegalThresholds(value: Float) {
    #expect(throws: SegmenterConfigurationError.thresholdOutOfRange(value)) {
      try SegmenterConfiguration(enterThreshold: value, exitThreshold: 0)
    }
    #expect(throws: SegmenterConfigurationError.thresholdOutOfRange(value)) {
      try SegmenterConfiguration(enterThreshold: 1, exitThreshold: value)
    }
  }

  @Test("Illegal thresholds that are no numbers, or the wrong way round")
  func illegalPairs() {
    #expect(throws: SegmenterConfigurationError.self) { try SegmenterConfiguration(enterThreshold: .nan) }
    #expect(throws: SegmenterConfigurationError.self) { try SegmenterConfiguration(exitThreshold: .nan) }
    let error = #expect(throws: SegmenterConfigurationError.exitAboveEnter(exit: 0.6, enter: 0.5)) {
      try SegmenterConfiguration(enterThreshold: 0.5, exitThreshold: 0.6)
    }
    #expect(error?.description == "exit threshold 0.6 is above enter threshold 0.5")
  }

  @Test(
    "Illegal durations",
    arguments: [.nanoseconds(-1), .seconds(10) + .nanoseconds(1), .seconds(Int64.max)] as [Duration])
  func illegalDurations(value: Duration) {
    let expected = SegmenterConfigurationError.durationOutOfRange(value)
    #expect(throws: expected) { try SegmenterConfiguration(minimumSpeech: value) }
    #expect(throws: expected) { try SegmenterConfiguration(hangover: value) }
    #expect(throws: expected) { try SegmenterConfiguration(prefixPadding: value) }
  }

  @Test(
    "Illegal longest segments",
    arguments: [.zero, .milliseconds(99), .seconds(86_400) + .nanoseconds(1), .seconds(Int64.max)] as [Duration])
  func illegalMaximum(value: Duration) {
    #expect(
      throws: SegmenterConfigurationError.maximumSegmentOutOfRange(
        value, legal: .milliseconds(120) ... .seconds(86_400))
    ) {
      try SegmenterConfiguration(minimumSpeech: .milliseconds(60), maximumSegment: value)
    }
  }

  @Test("A longest segment leaves room to confirm the next")
  func maximumAgainstMinimum() {
    #expect(
      throws: SegmenterConfigurationError.maximumSegmentOutOfRange(
        .milliseconds(599), legal: .milliseconds(600) ... .seconds(86_400))
    ) {
      try SegmenterConfiguration(minimumSpeech: .milliseconds(300), maximumSegment: .milliseconds(599))
    }
  }

  @Test("Nothing allocates")
  func allocations() throws {
    try #require(AllocationCounter.isAvailable)
    var random = SeededGenerator(seed: 50)
    let scores = Self.randomScores(2_000, &random)
    var segmenter = Segmenter(
      grid: Self.grid, configuration: try Self.configuration(maximumSegment: .milliseconds(200)))
    var eventCount = 0
    let allocations = AllocationCounter.count {
      for i in 0..<scores.count where segmenter.process(FrameScore(scores[i])) != nil { eventCount += 1 }
      _ = segmenter.finish(sampleCount: 2_000 * 80)
    }
    #expect(allocations == 0)
    #expect(eventCount > 20)
  }
}
