import AudioTestSupport
import RealtimeVoice
import Testing

@Suite struct MoneyTests {
  @Test(arguments: [
    ("0", "0.00"), ("32", "32.00"), ("0.4", "0.40"), ("0.40", "0.40"), ("0.017", "0.017"), ("007.5", "7.50"),
    ("0.000000000001", "0.000000000001"), ("999999999999.999999999999", "999999999999.999999999999"),
  ])
  func whatIsReadIsWritten(_ text: String, _ written: String) throws {
    #expect(try #require(Money(text)).description == written)
  }

  @Test(arguments: [
    "", ".", ".5", "5.", "-1", "+1", "1e3", "1,5", "1.2.3", " 1", "0x10", "NaN", "inf", "1.0000000000001", "٣",
    "1000000000000",
    "1_000",
  ])
  func whatIsNoAmount(_ text: String) {
    #expect(Money(text) == nil)
  }

  @Test func decimalFractionsAddUp() throws {
    // In binary floating point 0.1 + 0.2 is not 0.3.
    let (tenth, fifth) = (try #require(Money("0.1")), try #require(Money("0.2")))
    #expect(tenth + fifth == Money("0.3"))
    #expect((0..<1_000).reduce(Money.zero) { sum, _ in sum + tenth } == Money("100"))
    #expect(tenth * 1_000_000_000_000 == Money("100000000000"))
    #expect(fifth - tenth == tenth && tenth < fifth)
  }

  @Test(arguments: [
    ("0.005", 2, "0.01"), ("0.004999999999", 2, "0.00"), ("0.995", 2, "1.00"), ("2.5", 0, "3"),
    ("1.499999999999", 0, "1"),
    ("0.084999999999", 2, "0.08"), ("123.456", 1, "123.5"), ("0.05", 6, "0.050000"),
  ])
  func halvesAreRoundedUp(_ text: String, _ decimals: Int, _ written: String) throws {
    #expect(try #require(Money(text)).text(decimals: decimals) == written)
  }

  @Test func negativeAmountsAreRoundedAwayFromZero() throws {
    #expect((Money.zero - (try #require(Money("0.005")))).text(decimals: 2) == "-0.01")
    #expect((Money.zero - (try #require(Money("1.25")))).description == "-1.25")
  }

  @Test func aQuotientIsRoundedToTheNearestPicodollar() throws {
    let cent = try #require(Money("0.01"))
    #expect(cent.multiplied(by: 1, over: 3) == Money("0.003333333333"))
    #expect(cent.multiplied(by: 2, over: 3) == Money("0.006666666667"))
    #expect(try #require(Money("0.000000000001")).multiplied(by: 1, over: 2) == Money("0.000000000001"))
    #expect(try #require(Money("0.000000000001")).multiplied(by: 49, over: 100) == .zero)
  }

  @Test func whatIsWrittenAddsUp() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let units = (0..<Int.random(in: 1...9, using: &random)).map { _ in Int.random(in: 0...9_999_999, using: &random) }
      let decimals = Int.random(in: 2...5, using: &random)
      // In millionths of a dollar.
      let amounts = try units.map { try #require(Money("1")).multiplied(by: $0, over: 1_000_000) }
      let written = amounts.texts(decimals: decimals)
      let scale = [2: 10_000, 3: 1_000, 4: 100, 5: 10][decimals]!
      let values = try written.map { text in try #require(Int(text.filter { $0 != "." })) }
      let sum = units.reduce(0, +)
      #expect(values.reduce(0, +) == (2 * sum + scale) / (2 * scale), "seed \(seed)")
      for (value, unit) in zip(values, units) { #expect(abs(value * scale - unit) <= scale, "seed \(seed)") }
    }
  }
}

@Suite struct CalendarDateTests {
  @Test(arguments: ["2026-11-22", "2026-05", "2024-02-29", "2000-02-29", "2026-12-31"])
  func dates(_ text: String) throws {
    #expect(try #require(CalendarDate(text)).description == text)
  }

  @Test(arguments: [
    "", "2026", "2026-1-02", "2026-13-01", "2026-00-01", "2026-02-29", "2100-02-29", "2026-04-31", "2026-11-00",
    "26-11-22",
    "2026/11/22", "2026-11-22T00:00", "-026-11-22", "2026-+1-02", "1999-01-01",
  ])
  func whatIsNoDate(_ text: String) {
    #expect(CalendarDate(text) == nil)
  }
}
