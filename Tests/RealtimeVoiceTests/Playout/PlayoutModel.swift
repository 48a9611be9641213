import AudioTestSupport
import Foundation
import RealtimeVoice

/// What a playout queue is to do, one sample at a time, with one array an item and the position of every sample played.
final class PlayoutModel {
  final class Item {
    let id: String
    var contentIndex = 0
    var half: UInt8?
    var samples: [Int16] = []
    var positions: [Int] = []
    var isComplete = false
    var isOver = false
    var isStopped = false
    var isStarved = false
    /// Whether more gaps than the queue remembers fell into one latency: what was heard is then a lower bound for a while.
    var hasManyRuns = false
    init(_ id: String) { self.id = id }

    var hasStarted: Bool { !positions.isEmpty }
    var waiting: Int { isStopped ? 0 : samples.count - positions.count }
    /// The positions at which a run without a gap starts.
    var starts: [Int] = []

    func heard(at position: Int) -> Int {
      var count = positions.count
      while count > 0, positions[count - 1] >= position { count -= 1 }
      return count
    }

    func play(at position: Int, latency: Int) {
      if positions.isEmpty || positions[positions.count - 1] + 1 != position {
        if starts.count >= 8, starts[starts.count - 8] > position - latency { hasManyRuns = true }
        starts.append(position)
      }
      positions.append(position)
    }
  }

  let jitter: Int
  let latency: Int
  let capacity: Int
  let fade: Int
  let duckingRamp: Int
  let restoringRamp: Int
  let duckedGain: Double
  var items: [Item] = []
  var tail: [Int16] = []
  var gains: [Double] = []
  var gain = 1.0
  var isDucked = false
  var rendered = 0
  var dropped = 0
  var starved = 0
  var events: [PlayoutEvent] = []

  init(hertz: Int, _ configuration: PlayoutConfiguration) {
    func samples(_ duration: Duration) -> Int { Int((duration / .seconds(1) * Double(hertz)).rounded()) }
    jitter = samples(configuration.jitterBuffer)
    latency = samples(configuration.outputLatency)
    capacity = samples(configuration.capacity)
    fade = samples(configuration.stoppingFade)
    duckingRamp = samples(configuration.duckingRamp)
    restoringRamp = samples(configuration.restoringRamp)
    duckedGain = pow(10, configuration.duckingGainInDecibels / 20)
  }

  var waiting: Int { items.reduce(0) { $0 + $1.waiting } }
  var current: Item? { items.first { !$0.isOver } }
  var isReady: Bool {
    guard let item = current, item.waiting > 0 else { return false }
    return item.isComplete || item.waiting >= jitter || (item.hasStarted && !item.isStarved)
  }
  /// The position up to which output counts as heard.
  var heardPosition: Int { rendered + tail.count - latency }

  func append(_ bytes: [UInt8], _ encoding: AudioEvent.Encoding, to id: String, contentIndex: Int) {
    if bytes.isEmpty { return }
    var item: Item! = items.last { $0.id == id }
    if item == nil {
      item = Item(id)
      var over = items.filter(\.isOver)
      while over.count > 64 {
        let oldest = over.removeFirst()
        items.removeAll { $0 === oldest }
      }
      items.append(item)
    }
    var new: [Int16] = []
    for byte in bytes {
      switch encoding {
      case .muLaw: new.append(ReferenceG711.muLaw.decoded(byte))
      case .aLaw: new.append(ReferenceG711.aLaw.decoded(byte))
      case .pcm16:
        if let first = item.half {
          new.append(Int16(truncatingIfNeeded: Int(first) + 256 * Int(byte)))
          item.half = nil
        } else {
          item.half = byte
        }
      }
    }
    let place = items.firstIndex { $0 === item }!
    let isLate = item.isStopped || (item.isOver && items[(place + 1)...].contains(where: \.hasStarted))
    guard !isLate, waiting + new.count <= 2 * capacity else {
      dropped += new.count
      return
    }
    item.contentIndex = contentIndex
    item.samples += new
    if item.isOver, !new.isEmpty {
      item.isOver = false
      item.isStarved = item.hasStarted
    }
  }

  func settle() {
    while let item = current, item.isComplete, item.waiting == 0 {
      item.isOver = true
      if item.hasStarted { events.append(PlayoutEvent(.finished, itemID: item.id, position: rendered)) }
    }
  }

  func complete(_ id: String) {
    items.last { $0.id == id }?.isComplete = true
    settle()
  }

  func completeAll() {
    for item in items where !item.isOver { item.isComplete = true }
    settle()
  }

  func duck() {
    if isDucked { return }
    isDucked = true
    move(to: duckedGain, duckingRamp)
  }

  func restore() {
    if !isDucked { return }
    isDucked = false
    move(to: 1, restoringRamp)
  }

  private func move(to target: Double, _ count: Int) {
    let from = gain
    gains = (0..<count).map { k in from + (target - from) * Double(k + 1) / Double(count) }
    if count > 0 { gains[count - 1] = target } else { gain = target }
  }

  private func scaled(_ sample: Int16, _ gain: Double) -> Int16 { Int16(rint(Double(sample) * gain)) }

  func render(_ count: Int) -> (output: [Int16], played: Int) {
    var output: [Int16] = []
    var played = 0
    for _ in 0..<count {
      if !gains.isEmpty { gain = gains.removeFirst() }
      if !tail.isEmpty {
        output.append(tail.removeFirst())
        played += 1
      } else if isReady, let item = current {
        if !item.hasStarted {
          events.append(PlayoutEvent(.started, itemID: item.id, position: rendered))
        } else if item.isStarved {
          events.append(PlayoutEvent(.resumed, itemID: item.id, position: rendered))
        }
        item.isStarved = false
        output.append(scaled(item.samples[item.positions.count], gain))
        item.play(at: rendered, latency: latency)
        played += 1
      } else {
        output.append(0)
        if let item = current, item.hasStarted {
          if !item.isStarved { events.append(PlayoutEvent(.starved, itemID: item.id, position: rendered)) }
          item.isStarved = true
          starved += 1
        }
      }
      rendered += 1
      settle()
    }
    return (output, played)
  }

  func fadeCurrent() {
    guard let item = current, item.hasStarted, !item.isStarved else { return }
    let count = min(fade, item.waiting)
    for k in 0..<count {
      let sample = item.samples[item.positions.count]
      tail.append(scaled(sample, gain * (1 - Double(k + 1) / Double(count))))
      item.play(at: rendered + k, latency: latency)
    }
  }

  private func stop(_ item: Item) -> StoppedItem? {
    if item.isStopped { return nil }
    let heard = item.heard(at: heardPosition)
    defer {
      item.isStopped = true
      item.isOver = true
    }
    if item.isOver, heard == item.samples.count { return nil }
    return StoppedItem(
      id: item.id, contentIndex: item.contentIndex, receivedSampleCount: item.samples.count,
      heardSampleCount: heard, hasStarted: item.hasStarted)
  }

  func stop() -> [StoppedItem] {
    fadeCurrent()
    isDucked = false
    gain = 1
    gains = []
    return items.compactMap(stop)
  }

  func drop(_ id: String) -> StoppedItem? {
    guard let item = items.last(where: { $0.id == id }) else { return nil }
    if item === current { fadeCurrent() }
    let stopped = stop(item)
    settle()
    return stopped
  }
}
