/// The two companding laws of ITU-T G.711, as 16-bit samples.
enum G711 {
  /// Of each of the 256 codes.
  static let muLawSamples: [Int16] = (0...255).map { code in
    let bits = ~UInt8(code)
    let magnitude = ((Int(bits & 0x0F) << 3 + 0x84) << Int(bits >> 4 & 7)) - 0x84
    return Int16(bits & 0x80 == 0 ? magnitude : -magnitude)
  }

  static let aLawSamples: [Int16] = (0...255).map { code in
    let bits = UInt8(code) ^ 0x55
    let segment = Int(bits >> 4 & 7)
    let step = Int(bits & 0x0F) << 4
    let magnitude = segment == 0 ? step + 8 : (step + 0x108) << (segment - 1)
    return Int16(bits & 0x80 == 0 ? -magnitude : magnitude)
  }

  /// The code of the nearest value.
  static func code(for sample: Int16, among values: [Int16]) -> UInt8 {
    // Within each sign both laws are monotonic in the low seven bits, but in directions of their own; with 256 values
    // to look through, that is not worth the care.
    var best = 0
    var distance = Int.max
    for (code, value) in values.enumerated() {
      let away = abs(Int(value) - Int(sample))
      if away < distance {
        distance = away
        best = code
      }
    }
    return UInt8(best)
  }
}
