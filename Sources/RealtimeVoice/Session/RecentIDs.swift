/// The identifiers that came last.
struct RecentIDs: Sendable {
  private let capacity: Int
  private var ids: Set<String> = []
  private var order: [String] = []
  private var next = 0

  init(_ capacity: Int = 256) { self.capacity = capacity }

  func contains(_ id: String) -> Bool { ids.contains(id) }

  /// - Returns: Whether it was not there.
  @discardableResult
  mutating func insert(_ id: String) -> Bool {
    guard ids.insert(id).inserted else { return false }
    if order.count < capacity {
      order.append(id)
    } else {
      ids.remove(order[next])
      order[next] = id
      next = (next + 1) % capacity
    }
    return true
  }
}
