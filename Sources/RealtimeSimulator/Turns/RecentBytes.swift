/// The newest bytes of what was appended.
struct RecentBytes {
  /// So many are given back at most. Up to twice as many are held, so that the oldest are not moved out with each append.
  let limit: Int
  private var bytes: [UInt8] = []

  /// - Parameter limit: Even, as is what is dropped: samples of 16 bits stay whole.
  init(limit: Int) { self.limit = limit }

  var heldByteCount: Int { bytes.count }

  mutating func append(_ more: [UInt8]) {
    bytes.append(contentsOf: more)
    if bytes.count > 2 * limit { dropOldest() }
  }

  /// Takes them all out.
  mutating func take() -> [UInt8] {
    dropOldest()
    defer { bytes = [] }
    return bytes
  }

  private mutating func dropOldest() {
    let excess = max(0, bytes.count - limit)
    bytes.removeFirst(excess + excess % 2)
  }
}
