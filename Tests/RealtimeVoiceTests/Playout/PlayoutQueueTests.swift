import AudioDSP
import AudioTestSupport
import Foundation
import RealtimeVoice
import Testing

extension PlayoutQueue {
  mutating func append(_ samples: [Int16], to id: String, contentIndex: Int = 0) {
    let bytes = samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    append(bytes.span, encoding: .pcm16, toItem: id, contentIndex: contentIndex)
  }

  mutating func pull(_ count: Int) -> [Int16] {
    var output = [Int16](repeating: 77, count: count)
    var span = output.mutableSpan
    _ = render(into: &span)
    return output
  }

  mutating func events() -> [PlayoutEvent] {
    var events: [PlayoutEvent] = []
    while let event = nextEvent() { events.append(event) }
    return events
  }
}

@Suite struct PlayoutQueueTests {
  /// 1 ms is 8 samples.
  static func queue(
    jitter: Duration = .zero, latency: Duration = .zero, capacity: Duration = .seconds(1)
  ) -> PlayoutQueue {
    PlayoutQueue(
      sampleRate: .hz8000,
      configuration: PlayoutConfiguration(
        jitterBuffer: jitter, outputLatency: latency, capacity: capacity, stoppingFade: .milliseconds(1)))
  }

  static func ones(_ count: Int) -> [Int16] { [Int16](repeating: 1_000, count: count) }

  @Test("Late audio of two items whose ends were told before they were heard is played in their order")
  func lateAudioOfSeveralItems() {
    for order in [["a", "b"], ["b", "a"]] {
      var queue = Self.queue()
      // Half a sample is no sample: both are over without having been heard.
      for id in ["a", "b"] {
        let half: [UInt8] = [1]
        queue.append(half.span, encoding: .pcm16, toItem: id)
        queue.complete(itemID: id)
      }
      for id in order {
        let rest: [UInt8] = [0]
        queue.append(rest.span, encoding: .pcm16, toItem: id)
        queue.append(id == "a" ? [2, 3] : [4, 5], to: id)
      }
      #expect(queue.pull(7) == [1, 2, 3, 1, 4, 5, 0])
      #expect(queue.isEmpty == true)
    }
  }

  @Test func itemsFollowOneAnotherWithoutAGap() {
    var queue = Self.queue()
    queue.append([1, 2, 3], to: "a")
    queue.append([4, 5], to: "b")
    #expect(queue.pull(4) == [1, 2, 3, 0])
    queue.complete(itemID: "a")
    queue.completeAll()
    #expect(queue.pull(4) == [4, 5, 0, 0])
    #expect(
      queue.events() == [
        PlayoutEvent(.started, itemID: "a", position: 0), PlayoutEvent(.starved, itemID: "a", position: 3),
        PlayoutEvent(.finished, itemID: "a", position: 4), PlayoutEvent(.started, itemID: "b", position: 4),
        PlayoutEvent(.finished, itemID: "b", position: 6),
      ])
    #expect(queue.starvedSampleCount == 1)
    #expect(queue.renderedSampleCount == 8)
    #expect(queue.isEmpty && !queue.isPlaying)
  }

  @Test func theJitterBufferIsFilledBeforeAnItemStartsAndAfterItStarved() {
    var queue = Self.queue(jitter: .milliseconds(1))
    queue.append(Self.ones(7), to: "a")
    #expect(queue.pull(2) == [0, 0])
    queue.append(Self.ones(1), to: "a")
    #expect(queue.pull(9) == Self.ones(8) + [0])
    queue.append(Self.ones(7), to: "a")
    #expect(queue.pull(1) == [0])
    #expect(queue.isPlaying == true)
    queue.complete(itemID: "a")
    #expect(queue.pull(8) == Self.ones(7) + [0])
    #expect(queue.events().map(\.kind) == [.started, .starved, .resumed, .finished])
    #expect(queue.starvedSampleCount == 2)
  }

  @Test func aStopFadesAndTellsWhatWasHeard() {
    var queue = Self.queue()
    queue.append(Self.ones(100), to: "a", contentIndex: 3)
    queue.append(Self.ones(50), to: "b")
    _ = queue.pull(10)
    let stopped = queue.stop()
    #expect(
      stopped == [
        StoppedItem(id: "a", contentIndex: 3, receivedSampleCount: 100, heardSampleCount: 18, hasStarted: true),
        StoppedItem(id: "b", contentIndex: 0, receivedSampleCount: 50, heardSampleCount: 0, hasStarted: false),
      ])
    #expect(queue.isEmpty == false)
    #expect(queue.pull(10) == [875, 750, 625, 500, 375, 250, 125, 0, 0, 0])
    #expect(queue.isEmpty == true)
    // What was on its way.
    queue.append(Self.ones(9), to: "a")
    queue.append(Self.ones(9), to: "b")
    #expect(queue.droppedSampleCount == 18)
    #expect(queue.waitingSampleCount == 0)
    queue.append([5], to: "c")
    #expect(queue.pull(2) == [5, 0])
    #expect(queue.stop().map(\.id) == ["c"])
  }

  @Test func whatTheDeviceHoldsWasNotHeard() {
    var queue = Self.queue(latency: .milliseconds(5))
    queue.append(Self.ones(100), to: "a")
    _ = queue.pull(30)
    #expect(queue.account(of: "a")?.heardSampleCount == 0)
    _ = queue.pull(30)
    #expect(queue.account(of: "a")?.heardSampleCount == 20)
    #expect(queue.account(of: "a")?.playedSampleCount == 60)
    queue.complete(itemID: "a")
    _ = queue.pull(60)
    // Silence pushes it out: at 120, what was pulled up to 80 is heard.
    #expect(queue.account(of: "a")?.heardSampleCount == 80)
    #expect(queue.stop().map(\.heardSampleCount) == [80])
    _ = queue.pull(20)
    #expect(queue.account(of: "a")?.heardSampleCount == 100)
    #expect(queue.stop() == [])
  }

  @Test func duckingIsARampInAmplitude() {
    var queue = PlayoutQueue(
      sampleRate: .hz8000,
      configuration: PlayoutConfiguration(
        jitterBuffer: .zero, duckingRamp: .microseconds(500), restoringRamp: .microseconds(1_000)))
    queue.append(Self.ones(100), to: "a")
    _ = queue.pull(3)
    queue.duck()
    #expect(queue.isDucked == true)
    #expect(queue.pull(6) == [775, 550, 325, 100, 100, 100])
    queue.restore()
    #expect(queue.pull(9) == [213, 325, 438, 550, 662, 775, 888, 1_000, 1_000])
    queue.duck()
    _ = queue.pull(2)
    queue.restore()
    // From where it was, not from the bottom.
    #expect(queue.pull(1) == [606])
    queue.duck()
    _ = queue.stop()
    #expect(queue.isDucked == false)
  }

  @Test func audioBehindTheEndIsTakenWhileItsPlaceIsThere() {
    var queue = Self.queue()
    queue.append([1], to: "a")
    queue.complete(itemID: "a")
    _ = queue.pull(2)
    queue.append([2], to: "a")
    #expect(queue.pull(2) == [2, 0])
    #expect(queue.events().map(\.kind) == [.started, .finished, .resumed, .finished])
    queue.append([3, 4], to: "b")
    _ = queue.pull(1)
    queue.append([5], to: "a")
    #expect(queue.droppedSampleCount == 1)
    #expect(queue.pull(2) == [4, 0])
  }

  @Test func aDroppedItemLeavesTheOthers() {
    var queue = Self.queue()
    for id in ["a", "b", "c"] { queue.append(Self.ones(20), to: id) }
    queue.completeAll()
    #expect(queue.drop(itemID: "b")?.hasStarted == false)
    #expect(queue.drop(itemID: "b") == nil)
    #expect(queue.drop(itemID: "x") == nil)
    _ = queue.pull(4)
    #expect(queue.drop(itemID: "a")?.heardSampleCount == 12)
    #expect(queue.pull(30) == [875, 750, 625, 500, 375, 250, 125, 0] + Self.ones(20) + [0, 0])
    #expect(queue.events().map(\.itemID) == ["a", "c", "c"])
  }

  @Test func whatIsTooMuchIsRefusedAndCounted() {
    var queue = Self.queue(capacity: .milliseconds(10))
    queue.append(Self.ones(79), to: "a")
    #expect(queue.isFull == false)
    queue.append(Self.ones(1), to: "a")
    #expect(queue.isFull == true)
    queue.append(Self.ones(80), to: "a")
    #expect(queue.waitingSampleCount == 160)
    queue.append(Self.ones(1), to: "a")
    #expect(queue.droppedSampleCount == 1)
    _ = queue.pull(81)
    #expect(queue.isFull == false)
    queue.append(Self.ones(1), to: "a")
    #expect(queue.account(of: "a")?.receivedSampleCount == 161)
  }

  @Test func aQueueIsNotFullWhileWhatIsNextHasToCome() {
    var queue = Self.queue(capacity: .milliseconds(10))
    queue.append([1], to: "a")
    _ = queue.pull(2)
    queue.append(Self.ones(100), to: "b")
    #expect(queue.isFull == false)
    queue.complete(itemID: "a")
    #expect(queue.isFull == true)
  }

  @Test func itemsAreBounded() {
    var queue = Self.queue()
    for i in 0..<100 {
      queue.append([1], to: "\(i)")
      queue.completeAll()
      _ = queue.pull(1)
    }
    #expect(queue.account(of: "99") != nil && queue.account(of: "40") != nil)
    #expect(queue.account(of: "30") == nil)
    for i in 0..<2_000 { queue.append([1], to: "w\(i)") }
    #expect(queue.waitingSampleCount == PlayoutQueue.waitingItemLimit)
    #expect(queue.droppedSampleCount == 2_000 - PlayoutQueue.waitingItemLimit)
    queue.completeAll()
    _ = queue.pull(2_000)
    #expect(queue.events().count == PlayoutQueue.eventLimit)
    #expect(queue.droppedEventCount == 200 + 2 * PlayoutQueue.waitingItemLimit - PlayoutQueue.eventLimit)
  }

  @Test func millisecondsAreWholeAndNotMoreThanCame() {
    func milliseconds(_ heard: Int, _ received: Int) -> Int {
      PlayoutQueue.milliseconds(heard: heard, received: received, at: .hz24000)
    }
    #expect(milliseconds(0, 0) == 0)
    #expect(milliseconds(23, 24_000) == 0)
    #expect(milliseconds(24, 24_000) == 1)
    #expect(milliseconds(47_999, 24_000) == 1_000)
    #expect(milliseconds(23_999, 24_000) == 999)
    #expect(milliseconds(-5, 24_000) == 0)
  }

  @Test func anyCutsOfPullsGiveTheSameOutput() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let samples = (0..<20_000).map { _ in Int16.random(in: .min ... .max, using: &random) }
    func output(_ cuts: [Range<Int>]) -> [Int16] {
      var queue = PlayoutQueue(sampleRate: .hz24000)
      queue.append(samples, to: "a")
      queue.append(samples, to: "b")
      queue.completeAll()
      queue.duck()
      return cuts.flatMap { queue.pull($0.count) }
    }
    let whole = output([0..<40_500])
    #expect(whole != samples + samples + [Int16](repeating: 0, count: 500))
    for _ in 0..<5 { #expect(output(random.cuts(of: 40_500)) == whole, "seed \(seed)") }
  }

  @Test func anyCutsOfBytesGiveTheSameSamples() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let bytes = (0..<60_001).map { _ in UInt8.random(in: 0...255, using: &random) }
    let samples = (0..<30_000).map { Int16(truncatingIfNeeded: Int(bytes[2 * $0]) + 256 * Int(bytes[2 * $0 + 1])) }
    for cuts in [[0..<1, 1..<60_001], [0..<60_001], random.cuts(of: 60_001)] {
      var queue = PlayoutQueue(sampleRate: .hz24000)
      for cut in cuts { queue.append(bytes.span.extracting(cut), encoding: .pcm16, toItem: "a") }
      #expect(queue.pull(30_001) == samples + [0], "seed \(seed)")
    }
  }

  @Test(.enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
  func pullsDoNotAllocate() {
    var queue = PlayoutQueue(
      sampleRate: .hz24000, configuration: PlayoutConfiguration(outputLatency: .milliseconds(20)))
    // Items that start, starve, resume, finish and fade, in long and short blocks.
    for i in 0..<5 { queue.append(Self.ones(9_000), to: "an item with a name that is not short \(i)") }
    for i in 0..<4 { queue.complete(itemID: "an item with a name that is not short \(i)") }
    _ = queue.drop(itemID: "an item with a name that is not short 2")
    var output = [Int16](repeating: 0, count: 4_800)
    var played = 0
    let count = AllocationCounter.countOnce {
      var pull = 0
      while pull < 20 {
        if pull == 3 { queue.duck() }
        if pull == 5 { queue.restore() }
        var span = output.mutableSpan
        var places = span._mutatingExtracting(0..<(pull % 2 == 0 ? 4_800 : 100))
        played += queue.render(into: &places)
        pull += 1
      }
    }
    #expect(count == 0)
    #expect(played == 36_000)
    #expect(queue.events().count == 8)
    #expect(queue.isPlaying == true)

    let probe = AllocationCounter.countOnce { queue.append(Self.ones(9_000), to: "new") }
    #expect(probe > 0)
  }

  @Test(.enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
  func anHoursStreamIsBounded() {
    var queue = PlayoutQueue(sampleRate: .hz24000)
    let second = [UInt8](repeating: 1, count: 48_000)
    var output = [Int16](repeating: 0, count: 24_000)
    let mostBytes = AllocationCounter.mostBytes {
      var i = 0
      while i < 3_600 {
        queue.append(second.span, encoding: .pcm16, toItem: "a")
        var span = output.mutableSpan
        _ = queue.render(into: &span)
        i += 1
      }
    }
    #expect(queue.account(of: "a")?.playedSampleCount == 3_600 * 24_000)
    #expect(mostBytes < 500_000)
  }

  @Test(.enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
  func memoryIsGivenBackAsItIsPlayed() {
    // Twice a minute needs no more than a minute, since the first is gone.
    func mostBytes(pulling count: Int) -> Int {
      let bytes = [UInt8](repeating: 1, count: 60 * 48_000)
      var output = [Int16](repeating: 0, count: count)
      var queue = PlayoutQueue(sampleRate: .hz24000)
      return AllocationCounter.mostBytes {
        queue.append(bytes.span, encoding: .pcm16, toItem: "a")
        var span = output.mutableSpan
        _ = queue.render(into: &span)
        _ = queue.nextEvent()
        queue.append(bytes.span, encoding: .pcm16, toItem: "a")
      }
    }
    #expect(mostBytes(pulling: 60 * 24_000) < 4_000_000)
    #expect(mostBytes(pulling: 0) > 5_000_000)
  }
}
