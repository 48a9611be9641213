/// Takes what a target needs to know from the end of an input, so that the rest is as it would be in a file. At the end
/// there are zeros.
struct FuzzInput {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  mutating func byte() -> Int { Int(rest.popLast() ?? 0) }

  /// A number from 0 to less than `limit`, of as few bytes as hold it.
  mutating func number(below limit: Int) -> Int {
    var value: UInt = 0
    var most = UInt(limit - 1)
    while most > 0 {
      value = value << 8 | UInt(byte())
      most >>= 8
    }
    return Int(value % UInt(limit))
  }

  mutating func element<Element>(of elements: [Element]) -> Element { elements[number(below: elements.count)] }

  /// Cuts `0..<count` into at most 12 runs of lengths that a seed makes, some of them empty.
  static func cuts(of count: Int, seed: Int) -> [Range<Int>] {
    if seed == 0 { return [0..<count] }
    var state = UInt32(truncatingIfNeeded: seed)
    var runs: [Range<Int>] = []
    var start = 0
    while start < count {
      // Numerical Recipes' linear congruence; the high bits are the good ones.
      state = state &* 1_664_525 &+ 1_013_904_223
      let longest = [1, 3, 16, 64, 256, 1_024, 8_192, 8_192][Int(state >> 29)]
      let length = Int(state >> 8 & 0xFFFF) % (longest + 1)
      let end = runs.count == 11 ? count : min(count, start + length)
      runs.append(start..<end)
      start = end
    }
    return runs
  }
}
