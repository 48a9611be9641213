extension PlayoutQueue {
  /// Stops all items: what sounds fades (``PlayoutConfiguration/stoppingFade``, whose samples count as played), the rest
  /// is not played. Ducking ends. Audio of these items that comes later is dropped, so that what a service sends of an
  /// answer that it has not yet cancelled is not heard. Allocates.
  ///
  /// - Returns: All items that were not heard to their end, in their order; one that is over is among them as long as its
  ///   end is still in the device's buffer.
  public mutating func stop() -> [StoppedItem] {
    fadeCurrentItem()
    endDucking()
    var stopped: [StoppedItem] = []
    for i in items.indices {
      if let item = stopItem(at: i) { stopped.append(item) }
    }
    settle()
    return stopped
  }

  /// Stops one item as ``stop()`` does; the others, and ducking, stay.
  ///
  /// - Returns: The item, when it is known and was not heard to its end.
  @discardableResult
  public mutating func drop(itemID: String) -> StoppedItem? {
    guard let i = index(of: itemID) else { return nil }
    if i == current { fadeCurrentItem() }
    let stopped = stopItem(at: i)
    settle()
    return stopped
  }

  private mutating func fadeCurrentItem() {
    // A tail still fading belongs to an item before this one, which therefore does not sound yet.
    guard current < items.count, items[current].isSounding else { return }
    let count = min(fadeCount, items[current].samples.count)
    tail.start(with: &items[current].samples, count: count, gain: ramp.gain)
    notePlayed(count)
  }

  private mutating func stopItem(at i: Int) -> StoppedItem? {
    guard items[i].state != .stopped else { return nil }
    let wasWaiting = items[i].state == .waiting
    waitingSampleCount -= items[i].samples.count
    items[i].samples.removeAll()
    items[i].state = .stopped
    let heard = heardCount(ofItemAt: i)
    guard wasWaiting || heard < items[i].receivedCount else { return nil }
    return StoppedItem(
      id: items[i].id, contentIndex: items[i].contentIndex, receivedSampleCount: items[i].receivedCount,
      heardSampleCount: heard, hasStarted: items[i].hasStarted)
  }
}
