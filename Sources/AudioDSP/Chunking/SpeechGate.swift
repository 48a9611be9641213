/// Lets speech through in chunks and drops the rest, in the domain of the output.
///
/// Output waits until it is settled whether it belongs to a segment, and until its chunk is full: at most what a
/// ``SpeechFinder`` has not settled, a chunk, and what comes at once, for which there is room from the start. A chunk
/// is handed on where it lies; nothing is copied for it.
@usableFromInline
package struct SpeechGate: ~Copyable {
  /// What comes out, in the order of the stream.
  @usableFromInline
  package enum Output {
    /// The samples at `place` of ``samples``; the first of them stands at `offset` in the stream.
    case chunk(place: Range<Int>, offset: Int)
    /// The samples of ``paddedChunk``.
    case paddedChunk(offset: Int)
    /// A decision, and its place in the stream.
    case event(SegmentEvent, offset: Int)
  }

  /// How many slices' worth of samples pass before those that wait are moved to the start of the buffer.
  private static let slicesBetweenMoves = 8

  private let ratio: ResamplingRatio
  private let isDetecting: Bool
  private let chunkSampleCount: Int
  private let padsLastChunk: Bool
  private var dither: DitheredPCM16Converter?

  /// Holds the samples that wait.
  @usableFromInline package private(set) var samples: [Int16]
  /// A last chunk that was made as long as the others; empty unless that is asked for.
  @usableFromInline package private(set) var paddedChunk: [Int16]
  /// Where in ``samples`` the first one that waits stands.
  private var head = 0
  /// Where in the stream it stands.
  private var start = 0
  /// One past the place in the stream of the last sample that waits.
  package private(set) var end = 0

  /// Decisions whose place in the output has not been reached.
  private var boundaries: BoundaryQueue
  /// One past the last sample of which is settled what becomes of it.
  private var settledEnd: Int
  /// Whether what comes next is sent.
  private var isOpen: Bool
  /// Whether the stream has ended.
  private var isLast = false
  /// Samples in chunks that were handed on, and one past the last one that is known to go into a chunk.
  private var sentCount = 0
  private var openEnd = 0

  /// A gate at the start of a stream.
  ///
  /// - Parameters:
  ///   - isDetecting: Whether the gate opens for speech only, as it is told; else it is open.
  ///   - heldInputCount: The most samples of the input for which output waits unsettled, and which come at once.
  ///   - boundaryCapacity: The most decisions that wait.
  package init(
    from inputRate: SampleRate, to outputRate: SampleRate, chunkSampleCount: Int, isDetecting: Bool,
    heldInputCount: Int, boundaryCapacity: Int, padsLastChunk: Bool, ditherSeed: UInt64?
  ) {
    ratio = ResamplingRatio(from: inputRate, to: outputRate)
    self.isDetecting = isDetecting
    self.chunkSampleCount = chunkSampleCount
    self.padsLastChunk = padsLastChunk
    dither = ditherSeed.map { DitheredPCM16Converter(seed: $0) }
    let slice = ratio.outputCount(forInputCount: FrameGrid(inputRate).longestFrame * 2)
    let held = ratio.outputCount(forInputCount: heldInputCount) + chunkSampleCount
    samples = [Int16](repeating: 0, count: held + max(held, Self.slicesBetweenMoves * slice))
    paddedChunk = [Int16](repeating: 0, count: padsLastChunk ? chunkSampleCount : 0)
    boundaries = BoundaryQueue(capacity: boundaryCapacity)
    settledEnd = isDetecting ? 0 : .max
    isOpen = !isDetecting
  }

  /// How many samples went into chunks, those included that wait for their chunk to be full.
  package var keptCount: Int { isOpen ? sentCount + max(0, openEnd - start) : sentCount }

  /// Takes a decision. Decisions come in the order of their places, but for misfires, which are told in their turn: the
  /// prefix padding of what follows may reach back over them.
  package mutating func note(_ event: SegmentEvent) {
    let place =
      switch event {
      case .started(_, let paddedStart, _): paddedStart
      case .ended(_, let claimedEnd, _): claimedEnd
      case .cut(let place, _): place
      case .misfire(_, let end, _): end
      }
    boundaries.append(SegmentBoundary(event: event, offset: ratio.outputCount(forInputCount: place)))
  }

  /// Says that no decision to come concerns what lies before the input sample `inputEnd`.
  package mutating func settle(untilInput inputEnd: Int) {
    settledEnd = ratio.outputCount(forInputCount: inputEnd)
  }

  /// Says that the stream has ended, and all of its output has come.
  package mutating func settleAll() {
    settledEnd = .max
    isLast = true
  }

  /// Takes the next samples of the output, as 16 bits.
  package mutating func append(_ output: Span<Float>) {
    let waiting = end - start
    if head + waiting + output.count > samples.count { makeRoom(for: output.count) }
    Self.convert(output, &dither, into: &samples, at: head + waiting)
    end += output.count
  }

  /// What is due next, if anything is. It is valid until the next call.
  @usableFromInline
  package mutating func next() -> Output? {
    while let boundary = boundaries.first {
      if case .misfire = boundary.event {
        boundaries.removeFirst()
        return .event(boundary.event, offset: boundary.offset)
      }
      if let chunk = nextChunk(before: min(boundary.offset, end)) { return chunk }
      guard end >= boundary.offset else { return nil }
      if case .ended = boundary.event, let chunk = lastChunk(before: boundary.offset) { return chunk }
      boundaries.removeFirst()
      switch boundary.event {
      case .started: isOpen = true
      case .ended: isOpen = false
      case .cut, .misfire: break
      }
      return .event(boundary.event, offset: boundary.offset)
    }
    if let chunk = nextChunk(before: min(settledEnd, end)) { return chunk }
    return isLast ? lastChunk(before: end) : nil
  }

  /// Makes the gate as it was after `init`.
  package mutating func reset() {
    dither?.reset()
    boundaries.removeAll()
    (head, start, end) = (0, 0, 0)
    (sentCount, openEnd) = (0, 0)
    settledEnd = isDetecting ? 0 : .max
    isOpen = !isDetecting
    isLast = false
  }

  /// A whole chunk of the samples before `limit`; drops them where the gate is closed.
  private mutating func nextChunk(before limit: Int) -> Output? {
    guard limit > start else { return nil }
    guard isOpen else {
      removeFirst(limit - start)
      return nil
    }
    openEnd = limit
    return limit - start >= chunkSampleCount ? chunk(of: chunkSampleCount) : nil
  }

  /// What is left before `limit`, less than a chunk.
  private mutating func lastChunk(before limit: Int) -> Output? {
    guard isOpen, limit > start else { return nil }
    let count = limit - start
    guard padsLastChunk else { return chunk(of: count) }
    let offset = start
    for i in 0..<chunkSampleCount { paddedChunk[i] = i < count ? samples[head + i] : 0 }
    sentCount += count
    removeFirst(count)
    return .paddedChunk(offset: offset)
  }

  private mutating func chunk(of count: Int) -> Output {
    let output = Output.chunk(place: head..<head + count, offset: start)
    sentCount += count
    removeFirst(count)
    return output
  }

  private mutating func removeFirst(_ count: Int) {
    head += count
    start += count
  }

  /// Moves what waits to the start of the buffer.
  private mutating func makeRoom(for count: Int) {
    let waiting = end - start
    let from = head
    var span = samples.mutableSpan
    for i in 0..<waiting { span[i] = span[from + i] }
    head = 0
    // Never within the bounds that the gate states; an engine that gives its output in larger bursts makes it grow.
    let missing = waiting + count - samples.count
    if missing > 0 { samples.append(contentsOf: repeatElement(0, count: missing)) }
  }

  // Static, so that it names exactly the state that it changes.
  private static func convert(
    _ output: Span<Float>, _ dither: inout DitheredPCM16Converter?, into samples: inout [Int16], at tail: Int
  ) {
    var span = samples.mutableSpan
    var target = span._mutatingExtracting(tail..<tail + output.count)
    // Not `dither?.convert(...) == nil`: without optimisation, Swift 6.3 runs the call on a nil.
    if dither == nil {
      PCM16.convert(output, into: &target)
    } else {
      dither?.convert(output, into: &target)
    }
  }
}

/// A decision, and its place in the output.
private struct SegmentBoundary {
  let event: SegmentEvent
  let offset: Int
}

/// First in, first out. `Array.removeFirst` would allocate.
private struct BoundaryQueue {
  private var elements: [SegmentBoundary?]
  private var head = 0
  private var count = 0

  init(capacity: Int) {
    elements = [SegmentBoundary?](repeating: nil, count: max(1, capacity))
  }

  var first: SegmentBoundary? { count > 0 ? elements[head] : nil }

  mutating func append(_ element: SegmentBoundary) {
    if count == elements.count { grow() }
    elements[(head + count) % elements.count] = element
    count += 1
  }

  mutating func removeAll() {
    head = 0
    count = 0
  }

  mutating func removeFirst() {
    head = (head + 1) % elements.count
    count -= 1
  }

  /// Never within the bounds that the gate states; an engine that lags more than it says makes it grow.
  private mutating func grow() {
    elements = Array(elements[head...] + elements[..<head]) + [SegmentBoundary?](repeating: nil, count: count)
    head = 0
  }
}
