@testable import AudioFiles

/// What the fuzzer has to find, or it finds nothing.
enum FuzzCanary: String, CaseIterable {
  /// A wrong claim about a parser of the package, which falls only if coverage of it leads there: no text is a raw
  /// format of mu-law.
  case claim = "canary-claim"
  /// A read of one byte behind memory, which nothing but a sanitizer notices.
  case memory = "canary-memory"

  func run(_ input: [UInt8]) throws {
    switch self {
    case .claim:
      let format = RawSampleFormat(String(decoding: input, as: UTF8.self))
      try require(format?.encoding != .mulaw, "a format of mu-law")
    case .memory:
      guard input.count > 3 else { return }
      let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: input.count)
      defer { memory.deallocate() }
      memory.initialize(from: input, count: input.count)
      let place = input[0] == 0xFF ? input.count : 0
      try require(memory[place] != 0 || input[1] != 1 || input[2] != 2, "no finding")
    }
  }
}
