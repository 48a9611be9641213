import AudioDSP

/// Scores that were written down before.
struct ScriptedDetector: VoiceActivityDetector {
  let grid: FrameGrid
  let lookAheadInSamples: Int
  private let scores: [Float]
  private var sampleCount = 0
  private var scoredCount = 0

  init(_ scores: [Float], _ rate: SampleRate, lookAhead: Int = 0) {
    grid = FrameGrid(rate)
    lookAheadInSamples = lookAhead
    self.scores = scores
  }

  func frameCapacity(forInputCount inputCount: Int) -> Int {
    let count = sampleCount + inputCount - lookAheadInSamples
    return (count < 0 ? 0 : grid.frameCount(inSampleCount: count)) - scoredCount
  }

  mutating func process(_ samples: Span<Float>, into scores: inout MutableSpan<FrameScore>) -> Int {
    let count = frameCapacity(forInputCount: samples.count)
    sampleCount += samples.count
    write(count, into: &scores)
    return count
  }

  var finalFrameCapacity: Int { lookAheadInSamples * 100 / grid.sampleRate.hertz + 2 }

  mutating func finish(into scores: inout MutableSpan<FrameScore>) -> Int {
    var count = 0
    while grid.start(ofFrame: scoredCount + count) < sampleCount { count += 1 }
    write(count, into: &scores)
    reset()
    return count
  }

  mutating func reset() {
    sampleCount = 0
    scoredCount = 0
  }

  private mutating func write(_ count: Int, into target: inout MutableSpan<FrameScore>) {
    for i in 0..<count { target[i] = FrameScore(scoredCount + i < scores.count ? scores[scoredCount + i] : 0) }
    scoredCount += count
  }
}
