/// The end of audio that was stopped: a few samples that fall to silence.
///
/// The `k`-th of `n` samples has the gain `gain * (1 - k / n)`, so that the last one is 0.
struct FadingTail {
  private var samples: [Int16]
  private var sampleCount = 0
  private var gain = 1.0
  private var doneCount = 0

  init(capacity: Int) {
    samples = Array(repeating: 0, count: capacity)
  }

  /// The samples that are left.
  var count: Int { sampleCount - doneCount }
  var isEmpty: Bool { count == 0 }

  /// Starts with the first `count` samples of `item`, which had `gain` so far.
  ///
  /// - Precondition: Nothing is left, and `count` is at most the capacity.
  mutating func start(with item: inout SampleBlocks, count: Int, gain: Double) {
    sampleCount = count
    doneCount = 0
    self.gain = gain
    var written = 0
    while written < count {
      let run = min(item.runLength, count - written)
      item.take(run) { source in
        for i in 0..<run { samples[written + i] = source[i] }
      }
      written += run
    }
  }

  mutating func render(_ count: Int, into output: inout MutableSpan<Int16>, at start: Int) {
    for i in 0..<count {
      let fade = 1 - Double(doneCount + i + 1) / Double(sampleCount)
      output[start + i] = GainRamp.scaled(samples[doneCount + i], by: gain * fade)
    }
    doneCount += count
  }
}
