import ArgumentParser

/// A number of bytes, as in `25MB`, `15MiB` or `1000000`.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible, Sendable {
  var bytes: Int

  /// Powers of 1000 and of 1024 (IEC 80000-13).
  private static let units: [(String, Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000),
    ("GB", 1_000_000_000), ("B", 1), ("", 1),
  ]

  init?(argument: String) {
    for (unit, size) in Self.units where argument.hasSuffix(unit) {
      let digits = argument.dropLast(unit.count)
      guard !digits.isEmpty, digits.allSatisfy({ "0123456789.".contains($0) }), let number = Double(digits) else {
        return nil
      }
      let product = number * Double(size)
      guard product >= 1, product < 0x1p53 else { return nil }
      bytes = Int(product)
      return
    }
    return nil
  }

  var description: String { "\(bytes) bytes" }
}
