/// Constant numbers that lie from the start of a cache line on.
///
/// The array that holds them is not changed and so stays where it is; if it did not, only time would be lost.
struct AlignedFloats: Sendable {
  /// Floats in a cache line.
  private static let unit = 16

  private let storage: [Float]
  private let start: Int

  init(_ values: [Float]) {
    var storage = [Float](repeating: 0, count: values.count + Self.unit - 1)
    let place = unsafe storage.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    start = (Self.unit - Int(place) / MemoryLayout<Float>.stride % Self.unit) % Self.unit
    for (index, value) in values.enumerated() { storage[start + index] = value }
    self.storage = storage
  }

  /// Calls `body` with where the first one lies.
  func withPointer(_ body: (UnsafePointer<Float>) -> Void) {
    unsafe storage.withUnsafeBufferPointer { storage in
      guard let base = storage.baseAddress else { return }
      unsafe body(base + start)
    }
  }
}
