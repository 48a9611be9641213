import CAudioKernels

/// Rebuilds samples that were cut off from what is around them, with all the memory that this takes.
struct ClippedSampleRebuilder: ~Copyable, Sendable {
  /// Of the autoregressive process.
  let order: Int
  /// The samples about those that are rebuilt, of which ``rails`` tells which they are: 1 above, -1 below, 0 for others.
  var window: [Double]
  var rails: [CChar]
  private let unknownCapacity: Int
  private var scratch: [Double]

  /// - Parameter unknownCapacity: The most samples at the end of a window that may be rebuilt.
  init(order: Int, windowCapacity: Int, unknownCapacity: Int) {
    precondition(order > 0 && unknownCapacity <= windowCapacity)
    self.order = order
    self.unknownCapacity = unknownCapacity
    window = [Double](repeating: 0, count: windowCapacity)
    rails = [CChar](repeating: 0, count: windowCapacity)
    scratch = [Double](
      repeating: 0, count: ak_declipping_scratch_count(windowCapacity, unknownCapacity, order))
  }

  /// Rebuilds the first `count` samples of the window from `historyCount` on, above `upper` or below -`lower`.
  ///
  /// - Returns: Whether it was possible; where not, the window is spoilt.
  mutating func rebuild(count: Int, historyCount: Int, upper: Float, lower: Float) -> Bool {
    precondition(historyCount > 0 && historyCount <= count && count <= window.count && count > order)
    precondition(rails.count == window.count && count - historyCount <= unknownCapacity)
    return unsafe window.withUnsafeMutableBufferPointer { window in
      unsafe rails.withUnsafeBufferPointer { rails in
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
          guard let samples = window.baseAddress, let marks = rails.baseAddress, let rest = scratch.baseAddress
          else { return false }
          return unsafe ak_rebuild_clipped(
            samples, marks, count, historyCount, Double(upper), Double(lower), order, rest) != 0
        }
      }
    }
  }
}
