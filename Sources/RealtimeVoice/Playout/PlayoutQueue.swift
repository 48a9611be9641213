import AudioDSP

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Answers that wait to be played, and the account of what of them was played, exact to the sample.
///
/// The owner appends audio as it comes and a speaker's callback, a timer or the writer of a file pulls it with
/// ``render(into:)``. The queue has no clock and no thread: its time is the count of samples that were pulled, so that an
/// answer that is cut knows what was heard of it, whatever the wall's clock says.
///
/// Items are played one after another, in the order in which their first bytes came, each to its end: one that is not
/// complete (``complete(itemID:)``) holds back those behind it. When the last sample is due that has come of an item, the
/// output falls silent at once, until the jitter buffer is full again.
///
/// It is not copyable, since a copy would make the next pull allocate. One thread at a time may use it.
public struct PlayoutQueue: ~Copyable, Sendable {
  /// How many items that are over are remembered: their accounts, and that what still comes of them is not to be played.
  public static let rememberedItemCount = 64
  /// How many items may wait; audio of more is refused, so that a service that names a new one with every message does
  /// not fill the memory.
  public static let waitingItemLimit = 1_024
  /// How many events wait to be asked for; of more the oldest go.
  public static let eventLimit = 256

  public let sampleRate: SampleRate
  public let configuration: PlayoutConfiguration

  // Durations of the configuration, in samples.
  let jitterCount: Int
  let latencyCount: Int
  let capacity: Int
  let fadeCount: Int
  private let duckingCount: Int
  private let restoringCount: Int
  private let duckedGain: Double

  /// All items that are known, in the order in which they came.
  var items: [PlayoutItem] = []
  /// The first item that waits or plays; all before it are over.
  var current = 0
  /// What is left of audio that was stopped.
  var tail: FadingTail
  var ramp = GainRamp(1)
  private var events = PlayoutEvents(capacity: Self.eventLimit)

  /// Whether audio is played at the ducking gain, or on its way there.
  public private(set) var isDucked = false
  /// The samples that wait; those of a fade are not among them, since they count as played.
  public internal(set) var waitingSampleCount = 0
  /// The samples that came too late, after their item was stopped or an item behind it had started, or beyond twice the
  /// capacity.
  public internal(set) var droppedSampleCount = 0
  /// The silence that was given while an item had started and was not over.
  public private(set) var starvedSampleCount = 0
  /// All samples that were pulled, silence included.
  public private(set) var renderedSampleCount = 0
  /// The events that nobody asked for in time.
  public var droppedEventCount: Int { events.droppedCount }

  /// A queue of one channel at `sampleRate`, the rate at which the service sends: only then do its samples count as the
  /// service counts them.
  ///
  /// - Precondition: No duration of `configuration` is negative, its jitter buffer is not longer than its capacity, and
  ///   its gain is not above 0 dB.
  public init(sampleRate: SampleRate, configuration: PlayoutConfiguration = PlayoutConfiguration()) {
    precondition(configuration.jitterBuffer <= configuration.capacity, "a jitter buffer longer than the capacity")
    precondition(configuration.duckingGainInDecibels <= 0, "a ducking gain above 0 dB")
    self.sampleRate = sampleRate
    self.configuration = configuration
    jitterCount = sampleRate.sampleCount(in: configuration.jitterBuffer)
    latencyCount = sampleRate.sampleCount(in: configuration.outputLatency)
    capacity = sampleRate.sampleCount(in: configuration.capacity)
    fadeCount = sampleRate.sampleCount(in: configuration.stoppingFade)
    duckingCount = sampleRate.sampleCount(in: configuration.duckingRamp)
    restoringCount = sampleRate.sampleCount(in: configuration.restoringRamp)
    duckedGain = pow(10, configuration.duckingGainInDecibels / 20)
    tail = FadingTail(capacity: fadeCount)
  }

  /// Whether an item has started and is not over, sounding or starved.
  public var isPlaying: Bool { current < items.count && items[current].hasStarted }
  /// The item that has started and is not over.
  var playingItemID: String? { isPlaying ? items[current].id : nil }
  /// Whether nothing is left to give, a fade included.
  public var isEmpty: Bool { waitingSampleCount == 0 && tail.isEmpty }
  /// Whether so much waits that the owner should read no more for now. Never while what is to be played next still has to
  /// come.
  public var isFull: Bool { waitingSampleCount >= capacity && isReady }

  /// Whether a sample of the current item is to be played next.
  var isReady: Bool {
    guard current < items.count else { return false }
    let waiting = items[current].samples.count
    guard waiting > 0 else { return false }
    return items[current].isSounding || items[current].isComplete || waiting >= jitterCount
  }

  // MARK: Pulling

  /// Fills all of `output`: with the audio of items in their order, and with silence where there is none. Does not
  /// allocate, and gives back no memory; ``nextEvent()`` and the next audio do that.
  ///
  /// What is given does not depend on how pulls are cut.
  ///
  /// - Returns: How many samples of it are an item's.
  public mutating func render(into output: inout MutableSpan<Int16>) -> Int {
    var filled = 0
    var played = 0
    while filled < output.count {
      var count = output.count - filled
      if !tail.isEmpty {
        count = min(count, tail.count)
        tail.render(count, into: &output, at: filled)
        played += count
      } else if isReady {
        count = min(count, items[current].samples.runLength)
        begin()
        play(count, into: &output, at: filled)
        played += count
      } else {
        starve(count)
        for i in filled..<filled + count { output[i] = 0 }
      }
      ramp.advance(by: count)
      renderedSampleCount += count
      filled += count
      settle()
    }
    return played
  }

  private mutating func begin() {
    guard !items[current].isSounding else { return }
    note(items[current].hasStarted ? .resumed : .started)
    items[current].hasStarted = true
    items[current].isStarved = false
  }

  private mutating func play(_ count: Int, into output: inout MutableSpan<Int16>, at start: Int) {
    let ramp = ramp
    items[current].samples.take(count) { run in
      var places = output._mutatingExtracting(start..<start + count)
      if ramp.isIdentity {
        unsafe run.withUnsafeBufferPointer { run in
          unsafe places.withUnsafeMutableBufferPointer { places in _ = unsafe places.update(fromContentsOf: run) }
        }
      } else {
        for i in 0..<count { places[i] = GainRamp.scaled(run[i], by: ramp.gain(after: i + 1)) }
      }
    }
    notePlayed(count)
  }

  /// Notes that the next `count` samples of output are the current item's.
  mutating func notePlayed(_ count: Int) {
    items[current].runs.append(
      count, at: renderedSampleCount, heardPosition: renderedSampleCount - latencyCount)
    items[current].playedCount += count
    waitingSampleCount -= count
  }

  private mutating func starve(_ count: Int) {
    guard isPlaying else { return }
    if !items[current].isStarved {
      items[current].isStarved = true
      note(.starved)
    }
    starvedSampleCount += count
  }

  /// Goes on to the next item when the current one is over.
  mutating func settle() {
    while current < items.count {
      if items[current].state == .waiting {
        guard items[current].isComplete, items[current].samples.count == 0 else { return }
        items[current].state = .finished
        if items[current].hasStarted { note(.finished) }
      }
      current += 1
    }
  }

  // MARK: Level

  /// Lowers what is played from the next sample on.
  public mutating func duck() {
    guard !isDucked else { return }
    isDucked = true
    ramp.move(to: duckedGain, in: duckingCount)
  }

  /// Takes ducking back from the next sample on.
  public mutating func restore() {
    guard isDucked else { return }
    isDucked = false
    ramp.move(to: 1, in: restoringCount)
  }

  /// Ends ducking at once, where nothing sounds.
  mutating func endDucking() {
    isDucked = false
    ramp = GainRamp(1)
  }

  // MARK: What happened

  private mutating func note(_ kind: PlayoutEvent.Kind) {
    events.append(PlayoutEvent(kind, itemID: items[current].id, position: renderedSampleCount))
  }

  /// The oldest event that was not asked for yet. Gives back the memory of what was played.
  public mutating func nextEvent() -> PlayoutEvent? {
    releasePlayed()
    return events.removeFirst()
  }

  /// The account of an item that waits, plays, or is one of the last ``rememberedItemCount`` that are over.
  public func account(of id: String) -> PlayoutAccount? {
    guard let i = index(of: id) else { return nil }
    return PlayoutAccount(
      receivedSampleCount: items[i].receivedCount, playedSampleCount: items[i].playedCount,
      heardSampleCount: heardCount(ofItemAt: i), hasEnded: items[i].state != .waiting)
  }

  /// What was heard of an item; what is left of its fade counts as pulled.
  func heardCount(ofItemAt i: Int) -> Int {
    items[i].runs.heardCount(at: renderedSampleCount + tail.count - latencyCount)
  }

  func index(of id: String) -> Int? {
    var i = items.count
    while i > 0 {
      i -= 1
      if items[i].id == id { return i }
    }
    return nil
  }

  /// The whole milliseconds of what was heard, for a service that is to cut an item there: rounded down, and not more
  /// than what came, since services refuse a cut behind their item's end.
  public static func milliseconds(heard: Int, received: Int, at rate: SampleRate) -> Int {
    max(0, min(heard, received)) * 1_000 / rate.hertz
  }
}
