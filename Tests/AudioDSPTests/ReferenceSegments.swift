import AudioDSP

/// A segmenter's work done with hindsight, over arrays of the whole stream.
struct ReferenceSegments {
  var enter: Float
  var exit: Float
  var minimum: Int
  var hangover: Int
  var maximum: Int?
  var paddingInSamples: Int
  var hertz: Int
  var lookAhead = 0

  init(_ configuration: SegmenterConfiguration, hertz: Int, lookAhead: Int = 0) {
    func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }
    func frames(_ duration: Duration) -> Int {
      Int((milliseconds(duration) / 10).rounded(.toNearestOrAwayFromZero))
    }
    enter = configuration.enterThreshold
    exit = configuration.exitThreshold
    minimum = max(frames(configuration.minimumSpeech), 1)
    hangover = max(frames(configuration.hangover), 1)
    maximum = configuration.maximumSegment.map(frames)
    paddingInSamples = Int(
      (milliseconds(configuration.prefixPadding) * Double(hertz) / 1_000).rounded(.toNearestOrAwayFromZero))
    self.hertz = hertz
    self.lookAhead = lookAhead
  }

  struct Decision: Equatable {
    /// The frame whose score made it; the number of frames for what is decided at the stream's end.
    var frame: Int
    var event: SegmentEvent
  }

  /// - Parameters:
  ///   - liveCount: How many scores came before the stream ended.
  ///   - sampleCount: The length of the stream.
  func decisions(_ scores: [Float], energies: [Float], liveCount: Int, sampleCount: Int) -> [Decision] {
    var decisions: [Decision] = []
    func start(_ frame: Int) -> Int { min(frame * hertz / 100, sampleCount) }
    func decided(_ frame: Int) -> Int {
      frame >= liveCount
        ? min((frame + 1) * hertz / 100 + lookAhead, sampleCount) : (frame + 1) * hertz / 100 + lookAhead
    }
    func isOn(_ frame: Int) -> Bool { scores[frame] >= exit }
    let end = scores.count
    var next = 0
    var claimed = 0
    while let first = (next..<end).first(where: { scores[$0] >= enter }) {
      let off = (first..<end).first { !isOn($0) } ?? end
      if off - first < minimum {
        let time = off < end ? decided(off) : sampleCount
        decisions.append(
          Decision(
            frame: off, event: .misfire(start: start(first), end: off < end ? start(off) : sampleCount, decidedAt: time)
          )
        )
        next = off
        continue
      }
      let confirmation = first + minimum - 1
      decisions.append(
        Decision(
          frame: confirmation,
          event: .started(
            at: start(first), paddedStart: max(claimed, start(first) - paddingInSamples),
            decidedAt: decided(confirmation))))
      // The first stretch of silence that is long enough, and the frame on which it becomes so.
      let silence = (off..<max(off, end - hangover + 1)).first { from in
        (from..<from + hangover).allSatisfy { !isOn($0) }
      }
      var ending = silence.map { (from: $0, frame: $0 + hangover - 1) }
      if let maximum {
        var segmentStart = first
        while segmentStart + maximum - 1 < ending?.frame ?? end {
          let last = segmentStart + maximum - 1
          let half = Array(segmentStart + (maximum + 1) / 2...last)
          let least = half.map { energies[$0] }.min()!
          let cut = half.first { energies[$0] == least }!
          let pause = (first...last).last { isOn($0) }! + 1
          if cut >= pause {
            ending = (pause, last)
            break
          }
          decisions.append(Decision(frame: last, event: .cut(at: start(cut), decidedAt: decided(last))))
          segmentStart = cut
        }
      }
      if let ending {
        claimed = start(ending.frame + 1)
        decisions.append(
          Decision(
            frame: ending.frame,
            event: .ended(at: start(ending.from), claimedEnd: claimed, decidedAt: decided(ending.frame))))
        next = ending.frame + 1
      } else {
        let lastOn = (first..<end).last { isOn($0) }! + 1
        decisions.append(
          Decision(
            frame: end,
            event: .ended(
              at: lastOn == end ? sampleCount : start(lastOn), claimedEnd: sampleCount, decidedAt: sampleCount)))
        break
      }
    }
    return decisions
  }
}
