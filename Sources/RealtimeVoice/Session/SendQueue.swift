import AudioDSP

/// Audio of the microphone that waits to be sent, and what is said between its chunks, in order.
///
/// Bounded: when it is full, the oldest audio is dropped and counted; what is said between chunks stays. Nothing
/// allocates after `init`.
struct SendQueue: Sendable {
  /// What is said between chunks.
  enum Mark: Hashable, Sendable {
    case turnStart
    /// A long turn is committed up to here, and goes on.
    case turnSplit
    /// An answer is wanted. `speechEnded`: when the last sample of speech came.
    case turnEnd(speechEnded: Duration?)
    /// The stream of the microphone has ended.
    case inputEnd
  }

  enum Element: Hashable, Sendable {
    /// `heardAt`: when the block came that completed it.
    case audio(sampleCount: Int, heardAt: Duration)
    case mark(Mark)
  }

  private var samples: [Int16]
  private var sampleHead = 0
  private(set) var sampleCount = 0

  private var elements: [Element?]
  private var head = 0
  private var count = 0

  /// Samples that were dropped for want of room, in all.
  private(set) var droppedSampleCount = 0

  /// - Parameters:
  ///   - sampleCapacity: The most samples that wait.
  ///   - leastChunk: The samples of a usual chunk: shorter ones are the last of a turn.
  init(sampleCapacity: Int, leastChunk: Int) {
    samples = [Int16](repeating: 0, count: sampleCapacity)
    // A turn has a start and an end, and at least one chunk; those of a turn whose audio was dropped go with it.
    elements = [Element?](repeating: nil, count: 4 * (sampleCapacity / leastChunk + 1) + 8)
  }

  var isEmpty: Bool { count == 0 }
  /// What is next.
  var first: Element? { count > 0 ? elements[head] : nil }

  /// Adds a chunk. One that is longer than the whole queue loses its start.
  mutating func append(_ chunk: Span<Int16>, heardAt: Duration) {
    let excess = max(0, chunk.count - samples.count)
    droppedSampleCount += excess
    let kept = chunk.extracting(excess...)
    while samples.count - sampleCount < kept.count { dropOldestAudio() }
    guard !kept.isEmpty else { return }
    Self.write(kept, into: &samples, at: (sampleHead + sampleCount) % max(1, samples.count))
    sampleCount += kept.count
    append(.audio(sampleCount: kept.count, heardAt: heardAt))
  }

  mutating func append(_ mark: Mark) {
    // A start that is followed by an end at once is no turn, and nothing stands between a split and an end.
    if case .turnEnd = mark, count > 0 {
      switch elements[(head + count - 1) % elements.count] {
      case .mark(.turnStart):
        count -= 1
        return
      case .mark(.turnSplit): count -= 1
      default: break
      }
    }
    append(.mark(mark))
  }

  /// Takes the first element, which is a mark.
  mutating func removeMark() {
    precondition(count > 0)
    removeFirst()
  }

  /// Takes the first element, which is audio, and writes it to the start of `chunk`.
  ///
  /// - Returns: How many samples it has.
  /// - Precondition: `chunk` has room for it.
  mutating func removeAudio(into chunk: inout [Int16]) -> Int {
    guard case .audio(let count, _) = first else { preconditionFailure("no audio is next") }
    precondition(chunk.count >= count)
    Self.read(samples, from: sampleHead, count: count, into: &chunk)
    sampleHead = (sampleHead + count) % samples.count
    sampleCount -= count
    removeFirst()
    return count
  }

  private mutating func append(_ element: Element) {
    if count == elements.count { dropOldestAudio() }
    elements[(head + count) % elements.count] = element
    count += 1
  }

  private mutating func removeFirst() {
    elements[head] = nil
    head = (head + 1) % elements.count
    count -= 1
  }

  /// Drops the first audio; what is said before it stays in its order. The marks of a turn of which nothing is left go,
  /// too.
  private mutating func dropOldestAudio() {
    var place = 0
    while place < count {
      if case .audio(let dropped, _) = element(place) {
        sampleHead = (sampleHead + dropped) % samples.count
        sampleCount -= dropped
        droppedSampleCount += dropped
        remove(at: place)
        if place > 0, place < count, case .mark(.turnStart) = element(place - 1),
          case .mark(.turnSplit) = element(place)
        {
          remove(at: place)
        }
        if place > 0, place < count, case .mark(.turnStart) = element(place - 1), case .mark(.turnEnd) = element(place)
        {
          remove(at: place)
          remove(at: place - 1)
        }
        return
      }
      place += 1
    }
    // Only marks: there are more than turns with audio can have.
    removeFirst()
  }

  private func element(_ place: Int) -> Element? { elements[(head + place) % elements.count] }

  /// Removes one of the first elements.
  private mutating func remove(at place: Int) {
    for later in stride(from: place, to: 0, by: -1) {
      elements[(head + later) % elements.count] = elements[(head + later - 1) % elements.count]
    }
    removeFirst()
  }

  private static func write(_ chunk: Span<Int16>, into samples: inout [Int16], at start: Int) {
    var target = samples.mutableSpan
    var place = start
    for i in chunk.indices {
      target[place] = chunk[i]
      place += 1
      if place == target.count { place = 0 }
    }
  }

  private static func read(_ samples: [Int16], from start: Int, count: Int, into chunk: inout [Int16]) {
    var target = chunk.mutableSpan
    var place = start
    for i in 0..<count {
      target[i] = samples[place]
      place += 1
      if place == samples.count { place = 0 }
    }
  }
}
