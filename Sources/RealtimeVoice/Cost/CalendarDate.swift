/// A day, or a month where the day is not known, of the Gregorian calendar: "2026-11-22" or "2026-05".
public struct CalendarDate: Hashable, Sendable {
  public let year: Int
  /// 1 to 12.
  public let month: Int
  /// From 1; nil where it is not known.
  public let day: Int?

  /// - Returns: nil for what is no date of that form (ISO 8601) from the year 2000 to 2999.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let widths = parts.map(\.utf8.count)
    guard widths == [4, 2] || widths == [4, 2, 2] else { return nil }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }) else { return nil }
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, (2000...2999).contains(numbers[0]), (1...12).contains(numbers[1]) else {
      return nil
    }
    (year, month, day) = (numbers[0], numbers[1], numbers.count == 3 ? numbers[2] : nil)
    if let day, !(1...Self.dayCount(year, month)).contains(day) { return nil }
  }

  private static func dayCount(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension CalendarDate: CustomStringConvertible {
  public var description: String {
    "\(year)-" + ([month] + [day].compactMap(\.self)).map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "-")
  }
}
