/// Memory for numbers at a chosen place within a page of 4,096 bytes, filled with zeros.
///
/// Cache lines that a loop reads and writes at the same place of two pages hold each other up, and peers take slower paths
/// for what is not aligned to a vector: the place should not be left to chance.
final class AlignedBuffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral> {
  private static var pageSize: Int { 4096 }

  let elements: UnsafeMutableBufferPointer<Element>
  private let memory: UnsafeMutableRawPointer

  /// - Parameter offset: In bytes from the start of a page, rounded down to a cache line of 64.
  init(count: Int, offset: Int = 0) {
    let offset = offset / 64 * 64
    let byteCount = offset + count * MemoryLayout<Element>.stride
    memory = .allocate(byteCount: max(byteCount, 1), alignment: Self.pageSize)
    elements = UnsafeMutableBufferPointer(
      start: (memory + offset).bindMemory(to: Element.self, capacity: count), count: count)
    elements.initialize(repeating: 0)
  }

  convenience init(_ values: [Element]) {
    self.init(count: values.count)
    _ = elements.update(fromContentsOf: values)
  }

  deinit { memory.deallocate() }

  var base: UnsafeMutablePointer<Element> { elements.baseAddress! }
}
