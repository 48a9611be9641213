/// Where something was found, in samples of a stream; places that are near to one another are one.
///
/// It keeps the first ``capacity`` places and only counts what comes behind them, so that an endless stream is no
/// danger.
public struct PlaceList: Sendable {
  /// The most places that are kept.
  public static let capacity = 64

  /// How many times something was found, whether its place was kept or not.
  public private(set) var count = 0
  /// The samples that all of them hold together.
  public private(set) var sampleCount = 0

  private var kept = [Range<Int>](repeating: 0..<0, count: capacity)
  private var keptCount = 0
  private let gap: Int

  /// - Parameter gap: Places with fewer samples between them are one.
  init(joiningGapsBelow gap: Int) {
    self.gap = gap
  }

  /// The first places, in the order of time. Allocates.
  public var places: [Range<Int>] { Array(kept[..<keptCount]) }

  /// - Precondition: Places come in the order of their starts.
  mutating func add(_ place: Range<Int>, sampleCount: Int? = nil, count: Int = 1) {
    self.count += count
    self.sampleCount += sampleCount ?? place.count
    if keptCount > 0, place.lowerBound - kept[keptCount - 1].upperBound < gap {
      let last = kept[keptCount - 1]
      kept[keptCount - 1] = min(last.lowerBound, place.lowerBound)..<max(last.upperBound, place.upperBound)
    } else if keptCount < Self.capacity {
      kept[keptCount] = place
      keptCount += 1
    }
  }

  mutating func reset() {
    count = 0
    sampleCount = 0
    keptCount = 0
  }
}
