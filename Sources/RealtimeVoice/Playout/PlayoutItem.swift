/// Samples that wait, in the order in which they came, in blocks of one size: what was played is released by the block.
struct SampleBlocks {
  /// 8 KiB: a few milliseconds of copying, and little beside an answer.
  static let blockSize = 4_096

  private var blocks: [[Int16]] = []
  /// The first block that is not played through.
  private var firstBlock = 0
  /// Where in it the first waiting sample stands.
  private var head = 0
  private(set) var count = 0

  /// Appends `newCount` samples, which `body` writes: the places it is given, and how many stand before them.
  mutating func append(_ newCount: Int, _ body: (inout MutableSpan<Int16>, Int) -> Void) {
    var written = 0
    while written < newCount {
      let place = head + count
      let block = firstBlock + place / Self.blockSize
      if block == blocks.count { blocks.append([Int16](repeating: 0, count: Self.blockSize)) }
      let start = place % Self.blockSize
      let end = min(Self.blockSize, start + newCount - written)
      var span = blocks[block].mutableSpan
      var places = span._mutatingExtracting(start..<end)
      body(&places, written)
      written += end - start
      count += end - start
    }
  }

  /// The waiting samples that stand side by side in memory.
  var runLength: Int { min(count, Self.blockSize - head) }

  /// Hands out the next `runCount` samples and takes them out of those that wait. Neither allocates nor releases.
  ///
  /// - Precondition: `runCount` is at most ``runLength``.
  mutating func take(_ runCount: Int, _ body: (Span<Int16>) -> Void) {
    let run = head..<head + runCount
    unsafe blocks[firstBlock].withUnsafeBufferPointer { block in
      // The block outlives the closure, which the compiler does not see of an array's element.
      let span = unsafe block.span
      body(span.extracting(run))
    }
    head += runCount
    count -= runCount
    if head == Self.blockSize {
      firstBlock += 1
      head = 0
    }
  }

  /// Gives back the memory of what was played.
  mutating func releasePlayed() {
    guard firstBlock > 0 else { return }
    blocks.removeFirst(firstBlock)
    firstBlock = 0
  }

  mutating func removeAll() { self = SampleBlocks() }
}

/// Where an item's samples were played: the last runs without a gap.
struct PlayedRuns {
  private struct Run {
    /// The position of its first sample.
    var start: Int
    /// The item's samples before it.
    var countBefore: Int
    var count: Int
  }

  /// Runs that are shorter than the output's latency are rare: with more than these the count of what was heard is a
  /// lower bound until the latency has passed.
  private static let capacity = 8
  private var runs: [Run] = []
  private var heardBefore = 0

  init() { runs.reserveCapacity(Self.capacity) }

  /// Notes that `count` samples are played from `start` on; up to `heardPosition` of the output was heard.
  mutating func append(_ count: Int, at start: Int, heardPosition: Int) {
    // By index: `last` allocates in debug builds.
    var countBefore = 0
    if !runs.isEmpty {
      let last = runs[runs.count - 1]
      if last.start + last.count == start {
        runs[runs.count - 1].count += count
        return
      }
      countBefore = last.countBefore + last.count
    }
    if runs.count == Self.capacity {
      heardBefore = heardCount(at: heardPosition)
      runs.removeFirst()
    }
    runs.append(Run(start: start, countBefore: countBefore, count: count))
  }

  /// How many of the item's samples stand before `position`.
  func heardCount(at position: Int) -> Int {
    var i = runs.count
    while i > 0 {
      i -= 1
      if runs[i].start <= position {
        return max(heardBefore, runs[i].countBefore + min(runs[i].count, position - runs[i].start))
      }
    }
    return heardBefore
  }
}

/// Audio of one item of an answer, from its first bytes until it is forgotten.
struct PlayoutItem {
  enum State {
    case waiting
    /// Played to its end, with no more known to come.
    case finished
    /// Not to be played any more: what comes is dropped.
    case stopped
  }

  let id: String
  var contentIndex = 0
  var state = State.waiting
  var samples = SampleBlocks()
  var runs = PlayedRuns()
  /// The first byte of a sample whose second one has not come.
  var halfSample: UInt8?
  var receivedCount = 0
  var playedCount = 0
  var isComplete = false
  var hasStarted = false
  /// Whether it has started and then run dry.
  var isStarved = false

  init(id: String) { self.id = id }

  var isSounding: Bool { state == .waiting && hasStarted && !isStarved }
}
