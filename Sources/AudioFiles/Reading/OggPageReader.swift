#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Takes whole pages out of bytes as they come. What is between pages, and pages whose checksum is wrong, are passed
/// over, as libogg does; the gap shows in the numbers of the pages.
final class OggPageReader {
  enum Result: Equatable {
    case page(OggPage)
    /// Nothing more has come yet.
    case nothingYet
    case end
  }

  private let source: any ByteSource
  private var buffer = [UInt8](repeating: 0, count: 2 * OggPage.maximumSize)
  private var filled = 0..<0
  private var isEnded = false
  /// The bytes of the page that was found last, at the start of `filled`.
  private var pageSize = 0
  /// The `errno` of a read that failed.
  private(set) var errorNumber: Int32?

  init(_ source: any ByteSource) {
    self.source = source
  }

  /// The bytes of the page that was found last.
  var bytes: ArraySlice<UInt8> { buffer[filled.prefix(pageSize)] }

  /// What the page that was found last, a stream's first, says that it is.
  func codec(_ page: OggPage) -> OggCodec {
    page.isFirst ? OggCodec(firstPacket: bytes.dropFirst(page.headerSize)) : .other
  }

  /// Whether a page had begun when the end came.
  var endsInPage: Bool { isEnded && buffer[filled].starts(with: OggPage.capturePattern) }

  /// Finds the next page.
  ///
  /// - Parameter waits: Whether to wait for it if it has not come.
  func next(waits: Bool) -> Result {
    filled = filled.dropFirst(pageSize)
    pageSize = 0
    while true {
      if let page = takePage() { return .page(page) }
      if isEnded { return .end }
      if !waits && !source.isReady { return .nothingYet }
      receive()
    }
  }

  /// Finds a page in what has come; passes over what is none.
  private func takePage() -> OggPage? {
    while !filled.isEmpty {
      let bytes = buffer[filled]
      if bytes.starts(with: OggPage.capturePattern) {
        if bytes.count < OggPage.fixedSize || bytes.count < OggPage.fixedSize + Int(bytes[bytes.startIndex + 26]) {
          return nil
        }
        if let page = OggPage(bytes) {
          if page.size > filled.count { return nil }
          if isIntact(page) {
            pageSize = page.size
            return page
          }
        }
      } else if bytes.count < 4, OggPage.capturePattern.starts(with: bytes) {
        return nil
      }
      let next = buffer[filled.dropFirst()].firstIndex(of: OggPage.capturePattern[0])
      filled = (next ?? filled.upperBound)..<filled.upperBound
    }
    return nil
  }

  private func isIntact(_ page: OggPage) -> Bool {
    let start = filled.lowerBound
    let stated = (0..<4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(buffer[start + 22 + $1]) }
    return OggPage.checksum(buffer[start..<start + page.size]) == stated
  }

  private func receive() {
    if filled.lowerBound > 0 {
      let count = filled.count
      unsafe buffer.withUnsafeMutableBytes {
        unsafe $0.baseAddress!.copyMemory(from: $0.baseAddress! + filled.lowerBound, byteCount: count)
      }
      filled = 0..<count
    }
    let start = filled.upperBound
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe source.next(into: $0.baseAddress! + start, count: $0.count - start)
    }
    if count < 0 { errorNumber = errno }
    if count <= 0 { isEnded = true } else { filled = filled.lowerBound..<start + count }
  }
}
