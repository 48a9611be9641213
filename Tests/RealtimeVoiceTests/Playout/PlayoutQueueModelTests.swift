import AudioDSP
import AudioTestSupport
import RealtimeVoice
import Testing

/// Random appends, pulls and commands, against a model that counts one sample at a time.
@Suite struct PlayoutQueueModelTests {
  static let configurations = [
    PlayoutConfiguration(),
    PlayoutConfiguration(jitterBuffer: .zero, outputLatency: .milliseconds(30)),
    PlayoutConfiguration(
      jitterBuffer: .milliseconds(5), outputLatency: .milliseconds(3), capacity: .milliseconds(100),
      duckingGainInDecibels: -6, duckingRamp: .zero, restoringRamp: .milliseconds(1), stoppingFade: .milliseconds(20)),
    PlayoutConfiguration(
      jitterBuffer: .milliseconds(1), outputLatency: .milliseconds(100), duckingRamp: .milliseconds(300),
      restoringRamp: .milliseconds(200), stoppingFade: .zero),
  ]

  @Test(arguments: configurations)
  func everySampleAndEventIsTheModels(configuration: PlayoutConfiguration) {
    let seed = UInt64.random(in: 0...UInt64.max)
    for run in 0..<8 {
      var random = SeededGenerator(seed: seed &+ UInt64(run))
      let failure = Self.firstDifference(configuration, &random)
      #expect(failure == nil, "seed \(seed), run \(run)")
    }
  }

  static func firstDifference(_ configuration: PlayoutConfiguration, _ random: inout SeededGenerator) -> String? {
    var queue = PlayoutQueue(sampleRate: .hz8000, configuration: configuration)
    let model = PlayoutModel(hertz: 8_000, configuration)
    var nextID = 0
    let longest = [4, 60, 400].randomElement(using: &random)!
    for step in 0..<300 {
      // Mostly the last item, now and then one before it or a new one.
      if Int.random(in: 0..<12, using: &random) == 0 { nextID += 1 }
      let id = "\(max(0, nextID - [0, 0, 0, 0, 1, 2, 70].randomElement(using: &random)!))"
      var what = ""
      switch Int.random(in: 0..<40, using: &random) {
      case 0..<16:
        let count = Int.random(in: 0...2 * longest, using: &random)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let encoding = [.pcm16, .pcm16, .muLaw, .aLaw].randomElement(using: &random) ?? AudioEvent.Encoding.pcm16
        let content = Int.random(in: 0...2, using: &random)
        what = "append \(count) \(encoding) to \(id)"
        queue.append(bytes.span, encoding: encoding, toItem: id, contentIndex: content)
        model.append(bytes, encoding, to: id, contentIndex: content)
      case 16..<32:
        let count = Int.random(in: 0...longest, using: &random)
        what = "render \(count)"
        var output = [Int16](repeating: 77, count: count)
        var span = output.mutableSpan
        let played = queue.render(into: &span)
        let due = model.render(count)
        if output != due.output || played != due.played { return "step \(step): \(what): output" }
      case 32, 33:
        what = "complete \(id)"
        queue.complete(itemID: id)
        model.complete(id)
      case 34:
        what = "completeAll"
        queue.completeAll()
        model.completeAll()
      case 35:
        what = "duck"
        queue.duck()
        model.duck()
      case 36:
        what = "restore"
        queue.restore()
        model.restore()
      case 37:
        what = "drop \(id)"
        let bound = model.items.last { $0.id == id }?.hasManyRuns ?? false
        if !isSame(queue.drop(itemID: id), model.drop(id), orLess: bound) { return "step \(step): \(what): item" }
      case 38:
        what = "stop"
        let bounded = Set(model.items.filter(\.hasManyRuns).map(\.id))
        let (stopped, due) = (queue.stop().filter { !bounded.contains($0.id) }, model.stop())
        if stopped != due.filter({ !bounded.contains($0.id) }) { return "step \(step): stop: \(stopped) \(due)" }
      default:
        what = "events"
        let events = model.events
        model.events = []
        for event in events where queue.nextEvent() != event { return "step \(step): events" }
        if queue.nextEvent() != nil { return "step \(step): an event too many" }
      }
      if model.events.count > 200 { return "more events than the queue holds" }
      let counts = [queue.waitingSampleCount, queue.droppedSampleCount, queue.starvedSampleCount]
      let due = [model.waiting, model.dropped, model.starved]
      if counts != due { return "step \(step): \(what): counts \(counts) \(due)" }
      let flags = [queue.isPlaying, queue.isEmpty, queue.isFull, queue.isDucked]
      let dueFlags = [
        model.current?.hasStarted ?? false, model.waiting == 0 && model.tail.isEmpty,
        model.waiting >= model.capacity && model.isReady, model.isDucked,
      ]
      if flags != dueFlags { return "step \(step): \(what): flags \(flags) \(dueFlags)" }
      if queue.renderedSampleCount != model.rendered { return "step \(step): \(what): rendered" }
      for item in model.items {
        guard let account = queue.account(of: item.id) else { return "step \(step): \(what): no account of \(item.id)" }
        let heard = item.heard(at: model.heardPosition)
        let isHeard = item.hasManyRuns ? account.heardSampleCount <= heard : account.heardSampleCount == heard
        if account.receivedSampleCount != item.samples.count || account.playedSampleCount != item.positions.count
          || account.hasEnded != item.isOver || !isHeard
        {
          return "step \(step): \(what): \(account), \(heard)"
        }
      }
    }
    return nil
  }

  private static func isSame(_ a: StoppedItem?, _ b: StoppedItem?, orLess: Bool) -> Bool {
    if orLess { return (a?.heardSampleCount ?? 0) <= (b?.heardSampleCount ?? .max) }
    return a == b
  }
}
