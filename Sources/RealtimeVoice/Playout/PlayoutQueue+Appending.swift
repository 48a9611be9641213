import AudioDSP

extension PlayoutQueue {
  /// Takes audio of an item: a new one, which is played behind all others, or one that is known. Allocates.
  ///
  /// Bytes may be cut anywhere: half a sample at their end waits for the next of the same item. They are dropped, and
  /// counted, when the item was stopped or one behind it has started after it was over, and when more than twice the
  /// capacity or ``waitingItemLimit`` items would wait.
  public mutating func append(
    _ bytes: Span<UInt8>, encoding: AudioEvent.Encoding, toItem id: String, contentIndex: Int = 0
  ) {
    guard !bytes.isEmpty else { return }
    releasePlayed()
    guard let i = index(of: id) ?? newItem(id) else {
      droppedSampleCount += bytes.count / encoding.sampleSize
      return
    }
    let half = encoding == .pcm16 ? items[i].halfSample : nil
    let byteCount = bytes.count + (half == nil ? 0 : 1)
    let count = byteCount / encoding.sampleSize
    if encoding == .pcm16 { items[i].halfSample = byteCount.isMultiple(of: 2) ? nil : bytes[bytes.count - 1] }
    guard canTake(count, ofItemAt: i) else {
      droppedSampleCount += count
      return
    }
    items[i].contentIndex = contentIndex
    items[i].receivedCount += count
    waitingSampleCount += count
    items[i].samples.append(count) { places, written in
      switch encoding {
      case .pcm16: Self.decode(bytes, half: half, from: written, into: &places)
      case .muLaw: G711.muLaw.decode(bytes.extracting(written..<written + places.count), into: &places)
      case .aLaw: G711.aLaw.decode(bytes.extracting(written..<written + places.count), into: &places)
      }
    }
    if items[i].state == .finished, count > 0 {
      // What a service sends after it said that an item was complete: the output has been silent since.
      items[i].state = .waiting
      items[i].isStarved = items[i].hasStarted
      current = min(current, i)
    }
  }

  /// The samples from `first` on of those that `half` and `bytes` hold together.
  private static func decode(
    _ bytes: Span<UInt8>, half: UInt8?, from first: Int, into places: inout MutableSpan<Int16>
  ) {
    var start = 0
    var offset = 2 * first
    if let half {
      if first == 0 {
        places[0] = Int16(bitPattern: UInt16(half) | UInt16(bytes[0]) << 8)
        start = 1
        offset = 1
      } else {
        offset -= 1
      }
    }
    for i in start..<places.count {
      places[i] = Int16(bitPattern: UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8)
      offset += 2
    }
  }

  private func canTake(_ count: Int, ofItemAt i: Int) -> Bool {
    switch items[i].state {
    case .stopped: return false
    case .finished:
      // Its place is gone once an item behind it has been heard.
      for later in i + 1..<items.count where items[later].hasStarted { return false }
    case .waiting: break
    }
    return waitingSampleCount + count <= 2 * capacity
  }

  /// Makes room for another item: forgets those that have been over for longest.
  ///
  /// - Returns: Its place; `nil` when too many wait.
  private mutating func newItem(_ id: String) -> Int? {
    var overCount = 0
    for i in items.indices where items[i].state != .waiting { overCount += 1 }
    guard items.count - overCount < Self.waitingItemLimit else { return nil }
    var i = 0
    while overCount > Self.rememberedItemCount {
      if items[i].state == .waiting {
        i += 1
      } else {
        items.remove(at: i)
        overCount -= 1
        if i < current { current -= 1 }
      }
    }
    items.append(PlayoutItem(id: id))
    return items.count - 1
  }

  /// Says that no more comes of an item, as far as is known: it is over when what waits was played. Audio that comes all
  /// the same is taken as long as it can be played in its place. An item of which nothing has come is not noted.
  public mutating func complete(itemID: String) {
    guard let i = index(of: itemID) else { return }
    items[i].isComplete = true
    settle()
  }

  /// Says of all items that no more comes, as ``complete(itemID:)`` does.
  public mutating func completeAll() {
    for i in current..<items.count { items[i].isComplete = true }
    settle()
  }

  /// Gives back the memory of what was played.
  mutating func releasePlayed() {
    for i in items.indices {
      if items[i].state == .waiting { items[i].samples.releasePlayed() } else { items[i].samples.removeAll() }
    }
  }
}
