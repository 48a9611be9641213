/// An amount of US dollars, or a rate of them, exact to a picodollar (10⁻¹² $).
///
/// Prices are decimal fractions, which binary floating point does not hold: 0.1 + 0.2 is not 0.3 there. Here sums and
/// multiples are exact, and the one division, of ``multiplied(by:over:)``, says how it rounds. 128 bits hold 10²⁶ $.
public struct Money: Hashable, Sendable {
  static let picodollarsPerDollar: Int128 = 1_000_000_000_000
  /// Of a dollar, in decimal digits.
  static let decimalCount = 12

  var picodollars: Int128

  init(picodollars: Int128) {
    self.picodollars = picodollars
  }

  public static let zero = Money(picodollars: 0)

  /// An amount as it is written: digits, and a period with up to twelve more; neither sign nor exponent.
  ///
  /// - Returns: nil for other text, and from 10¹² $ on.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, (1...12).contains(whole.utf8.count), let dollars = Self.digits(whole) else {
      return nil
    }
    var fraction: Int128 = 0
    if parts.count == 2 {
      guard (1...Self.decimalCount).contains(parts[1].utf8.count), var value = Self.digits(parts[1]) else { return nil }
      for _ in parts[1].utf8.count..<Self.decimalCount { value *= 10 }
      fraction = value
    }
    picodollars = dollars * Self.picodollarsPerDollar + fraction
  }

  private static func digits(_ text: some StringProtocol) -> Int128? {
    var value: Int128 = 0
    for byte in text.utf8 {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int128(byte - UInt8(ascii: "0"))
    }
    return value
  }

  /// The amount times `factor` divided by `divisor`, rounded to the nearest picodollar, halves away from zero.
  ///
  /// A rate per million tokens with up to six decimals times tokens needs no rounding.
  ///
  /// - Parameter divisor: Above 0.
  public func multiplied(by factor: Int, over divisor: Int) -> Money {
    precondition(divisor > 0)
    return Money(picodollars: Self.quotient(picodollars * Int128(factor), Int128(divisor)))
  }

  /// The amount in units of the last of `decimals` places, rounded to the nearest, halves away from zero.
  ///
  /// - Parameter decimals: 0 to 12.
  func units(decimals: Int) -> Int128 {
    Self.quotient(picodollars, Self.unit(decimals))
  }

  /// With exactly so many decimals, rounded to the nearest, halves away from zero: "0.27".
  ///
  /// - Parameter decimals: 0 to 12.
  public func text(decimals: Int) -> String {
    let units = units(decimals: decimals)
    let scale = Self.picodollarsPerDollar / Self.unit(decimals)
    let magnitude = units.magnitude
    var text = (units < 0 ? "-" : "") + String(magnitude / UInt128(scale))
    if decimals > 0 {
      let fraction = String(magnitude % UInt128(scale))
      text += "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
    return text
  }

  /// How many decimals the exact amount has, at least 2.
  public var neededDecimals: Int {
    (2...Self.decimalCount).first { picodollars % Self.unit($0) == 0 } ?? Self.decimalCount
  }

  private static func unit(_ decimals: Int) -> Int128 {
    precondition((0...decimalCount).contains(decimals))
    var unit = picodollarsPerDollar
    for _ in 0..<decimals { unit /= 10 }
    return unit
  }

  private static func quotient(_ value: Int128, _ divisor: Int128) -> Int128 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    // By the remainder's size against what is missing, so that doubling cannot overflow.
    guard remainder.magnitude >= divisor.magnitude - remainder.magnitude else { return quotient }
    return quotient + (value < 0 ? -1 : 1)
  }
}

extension Money: Comparable, AdditiveArithmetic {
  public static func < (one: Money, other: Money) -> Bool { one.picodollars < other.picodollars }

  public static func + (one: Money, other: Money) -> Money {
    Money(picodollars: one.picodollars + other.picodollars)
  }

  public static func - (one: Money, other: Money) -> Money {
    Money(picodollars: one.picodollars - other.picodollars)
  }

  public static func * (amount: Money, factor: Int) -> Money {
    Money(picodollars: amount.picodollars * Int128(factor))
  }
}

extension Money: CustomStringConvertible {
  /// The exact amount, with two decimals or as many more as it needs: "0.2688".
  public var description: String { text(decimals: neededDecimals) }
}

extension Sequence<Money> {
  /// The amounts as text with so many decimals that what is written adds up to the written total: each is the difference
  /// between two sums that are rounded, and so at most one unit of the last place off.
  public func texts(decimals: Int) -> [String] {
    var sum = Money.zero
    var written: Int128 = 0
    return map { amount in
      sum += amount
      let units = sum.units(decimals: decimals)
      defer { written = units }
      return Money(units: units - written, decimals: decimals).text(decimals: decimals)
    }
  }
}

extension Money {
  fileprivate init(units: Int128, decimals: Int) {
    self.init(picodollars: units * Self.unit(decimals))
  }
}
