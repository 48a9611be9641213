/// Finds where samples of one channel were lost: stretches of zeros, or of one held value, or a stretch that came
/// twice, in the middle of sound.
///
/// Digital silence itself is no fault: synthesisers, gates and cuts leave it between words. What was lost has sound up
/// to its very edges. So a stretch counts when it lasts 5 ms at the least, and when on both sides the last millisecond and
/// the last five are as loud as the sound around: within 25 dB of the loudest of late.
///
/// However the stream is cut into calls, results are the same, bit for bit. Samples that are not finite are taken as 0.
/// Nothing allocates after `init`.
public struct DropoutDetector: ~Copyable, Sendable {
  /// In milliseconds. Packets of less than 5 ms are not in use; below, zeros come about by chance.
  private static let leastLength = 5
  /// In seconds: a longer stretch between two loud edges is a cut between recordings.
  private static let greatestLength = 2
  /// Below it an edge is not loud, whatever the sound around: -55 dBFS.
  private static let leastPower: Float = 3.2e-6
  /// 25 dB: the quiet parts of a vowel, between the pulses of a voice.
  private static let leastShareOfLoudest: Float = 0.0032
  /// 15 dB: the millisecond at an edge against all five. Where a sound has faded out there is less, even within 5 ms.
  private static let leastShareOfEdge: Float = 0.0316
  /// Steps of the quantiser that the root of an edge's power must have, in its last millisecond, too: what is quieter is
  /// level by rounding, as most is in a pause of 8 bits.
  private static let leastSteps: Float = 16
  /// 48 times what counts as zero, -53 dBFS, in the last millisecond, too: the closure of a stop in quiet, clean speech
  /// falls from 30 times to nothing as fast.
  private static let leastEdge: Float = 48 * tolerance
  /// Half of it every second: 3 dB.
  private static let fallPerSecond = 0.5
  /// Zeros with dither, or with the rounding of a change of gain, stay within a step and a half of 16 bits.
  private static let tolerance: Float = 1.5 / 32_768

  /// What was lost: zeros or a held value.
  public private(set) var gaps: PlaceList
  /// Stretches that are equal to what stood before them.
  public private(set) var repeats: PlaceList
  /// How many samples have come.
  public private(set) var sampleCount = 0

  private let leastCount: Int
  private let greatestCount: Int
  private let edgeCount: Int
  private let innerCount: Int
  private let fall: Float
  private let rate: Int

  /// The samples of late, around and around: as many as a power of two, for the longest repetition and its probe.
  private var recent: [Float]
  private let mask: Int
  private var held: Float = 0
  private var runLength = 0
  private var last: Float = 0
  private var before = Edge()
  private var loudest: Float = 0
  private var blockPower: Float = 0
  private var blockSum: Float = 0
  /// The least step between neighbours so far: the quantiser's.
  private var leastStep: Float = 1
  /// A stretch that has ended and whose following edge is to come.
  private var pending: Range<Int>?

  private struct Edge: Sendable {
    var power: Float = 0
    var innerPower: Float = 0
    var lowest: Float = 0
    var highest: Float = 0
    var loudest: Float = 0
  }

  /// A detector at the start of a stream.
  public init(_ sampleRate: SampleRate) {
    rate = sampleRate.hertz
    leastCount = max(8, rate * Self.leastLength / 1_000)
    greatestCount = rate * Self.greatestLength
    edgeCount = rate * 5 / 1_000
    innerCount = max(4, rate / 1_000)
    fall = Float(raised(Self.fallPerSecond, Double(edgeCount) / Double(rate)))
    gaps = PlaceList(joiningGapsBelow: 0)
    repeats = PlaceList(joiningGapsBelow: 0)
    var capacity = 1
    while capacity < rate * Self.historyMilliseconds / 1_000 + 2 { capacity *= 2 }
    recent = [Float](repeating: 0, count: capacity)
    mask = capacity - 1
    lags = Self.packetMilliseconds.map { sampleRate.hertz * $0 / 1_000 }
    probeCount = rate * Self.probeMilliseconds / 1_000
    probeInterval = max(1, rate / 1_000)
  }

  /// Takes all of `samples`.
  public mutating func process(_ samples: Span<Float>) {
    var taken = 0
    while taken < samples.count {
      // To the next place at which something is to be looked at, or across.
      var count = min(samples.count - taken, toNext(edgeCount), toNext(probeInterval))
      if let stretch = pending { count = min(count, stretch.upperBound + edgeCount - sampleCount) }
      let block = samples.extracting(taken..<taken + count)
      Self.copy(block, into: &recent, from: sampleCount, mask)
      scan(block)
      taken += count
      if sampleCount % edgeCount == 0 { endBlock() }
      if let stretch = pending, sampleCount == stretch.upperBound + edgeCount { judge(stretch) }
      if sampleCount % probeInterval == 0 { probe() }
    }
  }

  private func toNext(_ interval: Int) -> Int { interval - sampleCount % interval }

  private mutating func scan(_ block: Span<Float>) {
    let first = sampleCount
    var (value, length, before) = (held, runLength, last)
    var (power, sum, least) = (blockPower, blockSum, leastStep)
    for i in block.indices {
      let sample = block[i].isFinite ? block[i] : 0
      let step = abs(sample - before)
      if step < least, step > 0 { least = step }
      before = sample
      power += sample * sample
      sum += sample
      if abs(sample - value) <= Self.tolerance, length > 0 {
        length += 1
        if length == leastCount { self.before = edge(endingAt: first + i + 1 - length, besides: value) }
      } else {
        if length >= leastCount {
          leastStep = least
          endRun(first + i - length..<first + i)
        }
        value = sample
        length = 1
      }
    }
    (held, runLength, last) = (value, length, before)
    (blockPower, blockSum, leastStep) = (power, sum, least)
    sampleCount = first + block.count
  }

  private mutating func endBlock() {
    let mean = blockSum / Float(edgeCount)
    loudest = max(blockPower / Float(edgeCount) - mean * mean, loudest * fall)
    blockPower = 0
    blockSum = 0
  }

  private static func copy(_ block: Span<Float>, into recent: inout [Float], from start: Int, _ mask: Int) {
    var target = recent.mutableSpan
    for i in block.indices { target[(start + i) & mask] = block[i].isFinite ? block[i] : 0 }
  }

  /// Makes the detector as it was after `init`.
  public mutating func reset() {
    gaps.reset()
    repeats.reset()
    sampleCount = 0
    for i in 0..<recent.count { recent[i] = 0 }
    held = 0
    runLength = 0
    loudest = 0
    blockPower = 0
    blockSum = 0
    leastStep = 1
    last = 0
    pending = nil
    repeated = nil
  }

  private mutating func endRun(_ run: Range<Int>) {
    // One that follows before the first is judged leaves no sound between them.
    pending = run.count <= greatestCount && run.lowerBound > edgeCount && isLoud(before) ? run : nil
  }

  private mutating func judge(_ stretch: Range<Int>) {
    pending = nil
    let value = recent[(stretch.upperBound - 1) & mask]
    var after = edge(endingAt: stretch.upperBound + edgeCount, besides: value)
    after.innerPower = power(stretch.upperBound..<stretch.upperBound + innerCount, besides: value)
    guard isLoud(after) else { return }
    // A flat top is an extremum of what stands around it: clipping.
    let isTop =
      abs(value) > Self.tolerance
      && (value >= max(before.highest, after.highest) || value <= min(before.lowest, after.lowest))
    if !isTop { gaps.add(stretch) }
  }

  private func isLoud(_ edge: Edge) -> Bool {
    let step = max(Self.leastSteps * leastStep, Self.leastEdge)
    return edge.power >= max(Self.leastPower, edge.loudest * Self.leastShareOfLoudest)
      && edge.innerPower >= max(edge.power * Self.leastShareOfEdge, step * step)
  }

  /// The sound before `end`, less the value that stands in the stretch: an offset is no sound.
  private func edge(endingAt end: Int, besides value: Float) -> Edge {
    var edge = Edge()
    let start = max(0, end - edgeCount)
    edge.power = power(start..<end, besides: value)
    edge.innerPower = power(max(0, end - innerCount)..<end, besides: value)
    edge.loudest = loudest
    edge.lowest = .infinity
    edge.highest = -.infinity
    for i in start..<end {
      edge.lowest = min(edge.lowest, recent[i & mask])
      edge.highest = max(edge.highest, recent[i & mask])
    }
    return edge
  }

  private func power(_ range: Range<Int>, besides value: Float) -> Float {
    var sum: Float = 0
    for i in range {
      let sample = recent[i & mask] - value
      sum += sample * sample
    }
    return sum / Float(max(1, range.count))
  }

  // MARK: Repeated packets

  /// Lengths of packets in use; a receiver that lost one may play the last one again.
  private static let packetMilliseconds = [10, 20, 30, 40, 60]
  /// So much must be equal to be looked at, bit for bit.
  private static let probeMilliseconds = 8
  /// Room for the longest packet, the one that it repeats, and the probe.
  private static let historyMilliseconds = 140

  private let lags: [Int]
  private let probeCount: Int
  private let probeInterval: Int
  /// The place that repeats what stood `lag` samples before, as far as it has come.
  private var repeated: (start: Int, end: Int, lag: Int)?

  private mutating func probe() {
    if let found = repeated {
      if isRepeated(found.end..<sampleCount, lag: found.lag) {
        repeated?.end = sampleCount
      } else {
        endRepeat(found)
        repeated = nil
      }
      return
    }
    for k in 0..<lags.count {
      let lag = lags[k]
      let start = sampleCount - probeCount
      guard start >= lag, isRepeated(start..<sampleCount, lag: lag) else { continue }
      guard
        power(start..<sampleCount, besides: recent[start & mask])
          >= max(Self.leastPower, loudest * Self.leastShareOfLoudest)
      else { continue }
      // A tone of which the lag holds whole periods repeats all the time, and so does silence.
      if !isPeriodic(start..<sampleCount, below: lag) { repeated = (start, sampleCount, lag) }
      return
    }
  }

  private mutating func endRepeat(_ found: (start: Int, end: Int, lag: Int)) {
    var (start, end) = (found.start, found.end)
    while start > found.lag, start > sampleCount - mask + found.lag, isRepeated(start - 1..<start, lag: found.lag) {
      start -= 1
    }
    while end < sampleCount, isRepeated(end..<end + 1, lag: found.lag) { end += 1 }
    // What goes on for longer is a machine's sound.
    if end - start >= found.lag * 9 / 10, end - start <= 5 * found.lag { repeats.add(start..<end) }
  }

  private func isRepeated(_ range: Range<Int>, lag: Int) -> Bool {
    // Backwards, and a loop of its own: in a debug build, a reversed range allocates.
    var i = range.upperBound
    while i > range.lowerBound {
      i -= 1
      if recent[i & mask] != recent[(i - lag) & mask] { return false }
    }
    return true
  }

  private func isPeriodic(_ range: Range<Int>, below lag: Int) -> Bool {
    for shorter in 1..<lag - lag / 8 where isRepeated(range, lag: shorter) { return true }
    return false
  }
}
