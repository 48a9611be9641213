/// Cuts turns out of the microphone's stream: exactly at places that someone names, be it before or behind the arrival
/// of the samples there.
///
/// All places are samples of the output since the stream's start. What is cut depends on places alone, not on how the
/// stream comes in calls. Nothing allocates after `init`.
struct TurnCutter: Sendable {
  /// What comes next.
  enum Step: Hashable, Sendable {
    case start
    /// So many samples of the turn.
    case chunk(count: Int)
    case end
  }

  private struct Switch {
    var place: Int
    var isOn: Bool
  }

  private let chunkCount: Int
  private let keptCount: Int

  /// A ring of the samples that came last and are in no chunk yet.
  private var samples: [Int16]
  private var head = 0
  private var count = 0
  /// The place of the first of them.
  private var start = 0

  /// Where the stream is wanted from, and until where, in order; on and off in turn.
  private var switches: [Switch]
  private var firstSwitch = 0
  private var switchCount = 0
  /// What the switches up to here say.
  private var isOn = false

  private var isFlowing = false
  private var isFlowEnded = false
  private(set) var isInTurn = false

  /// - Parameters:
  ///   - chunkCount: How many samples a chunk has, but for the last one of a turn.
  ///   - keptCount: How far back behind the last sample a turn can start.
  ///   - mostCount: The most samples that come at once.
  ///   - switchCapacity: How many places wait at the most.
  init(chunkCount: Int, keptCount: Int, mostCount: Int, switchCapacity: Int) {
    self.chunkCount = chunkCount
    self.keptCount = keptCount
    samples = [Int16](repeating: 0, count: keptCount + chunkCount + mostCount)
    switches = [Switch](repeating: Switch(place: 0, isOn: false), count: max(4, switchCapacity))
  }

  /// One past the last sample that has come.
  var end: Int { start + count }

  /// Whether a turn's start, or its end, can be noted: else so many wait already that nothing can come of it.
  var takesTurn: Bool { switchCount + 2 <= switches.count }

  /// What comes next is the stream from `place` on, without a gap until ``endFlow()``.
  mutating func startFlow(at place: Int) {
    (head, count, start) = (0, 0, place)
    isFlowing = true
    isFlowEnded = false
    while let first = nextSwitch, first.place <= place { applySwitch() }
  }

  /// The samples that lack until the end of a turn do not come.
  mutating func endFlow() { isFlowEnded = isFlowing }

  mutating func append(_ chunk: Span<Int16>) {
    precondition(count + chunk.count <= samples.count)
    var place = (head + count) % samples.count
    var target = samples.mutableSpan
    for i in chunk.indices {
      target[place] = chunk[i]
      place += 1
      if place == target.count { place = 0 }
    }
    count += chunk.count
  }

  /// The stream is wanted from `place` on, or not any more. A place before one that was named earlier counts as that
  /// one.
  mutating func turn(on isOn: Bool, at place: Int) {
    // Only where nothing flows, and so places of long ago wait.
    if switchCount == switches.count { applySwitch() }
    let last = switchCount > 0 ? switches[(firstSwitch + switchCount - 1) % switches.count].place : .min
    switches[(firstSwitch + switchCount) % switches.count] = Switch(place: max(last, place), isOn: isOn)
    switchCount += 1
  }

  /// What comes next, until there is nothing for now. The samples of a chunk are taken by ``take(_:into:)``.
  mutating func next() -> Step? {
    guard isFlowing else { return nil }
    while true {
      if isInTurn {
        let stop = nextSwitch?.place ?? .max
        let available = min(end, stop) - start
        if available >= chunkCount { return .chunk(count: chunkCount) }
        guard end >= stop || isFlowEnded else { return nil }
        if available > 0 { return .chunk(count: available) }
        if end >= stop { applySwitch() }
        isInTurn = false
        if isFlowEnded { stopFlow() }
        return .end
      }
      if isOn {
        isInTurn = true
        return .start
      }
      if let first = nextSwitch, first.place <= end {
        drop(first.place - start)
        applySwitch()
        continue
      }
      if isFlowEnded { stopFlow() } else { drop(count - keptCount) }
      return nil
    }
  }

  /// Writes the first `takenCount` samples to the start of `chunk`.
  mutating func take(_ takenCount: Int, into chunk: inout [Int16]) {
    precondition(takenCount <= count && takenCount <= chunk.count)
    var place = head
    for i in 0..<takenCount {
      chunk[i] = samples[place]
      place += 1
      if place == samples.count { place = 0 }
    }
    drop(takenCount)
  }

  private mutating func stopFlow() {
    isFlowing = false
    isFlowEnded = false
    drop(count)
  }

  private mutating func drop(_ droppedCount: Int) {
    guard droppedCount > 0 else { return }
    head = (head + droppedCount) % samples.count
    count -= droppedCount
    start += droppedCount
  }

  private var nextSwitch: Switch? { switchCount > 0 ? switches[firstSwitch] : nil }

  private mutating func applySwitch() {
    isOn = switches[firstSwitch].isOn
    firstSwitch = (firstSwitch + 1) % switches.count
    switchCount -= 1
  }
}
