import NIOHTTP1

/// How long a refusal asks to wait: RFC 9110, 10.2.3, and the `retry-after-ms` that some services send besides.
enum RetryAfter {
  /// Nil where nothing is asked or it cannot be read. A date is taken against the response's own Date, so that no clock
  /// but the server's matters.
  static func wait(in headers: HTTPHeaders) -> Duration? {
    if let text = headers.first(name: "retry-after-ms"), let milliseconds = Double(text), milliseconds.isFinite {
      return clamped(milliseconds / 1000)
    }
    guard let text = headers.first(name: "retry-after") else { return nil }
    if let seconds = Double(text), seconds.isFinite { return clamped(seconds) }
    guard let then = secondsSinceEpoch(text), let now = headers.first(name: "date").flatMap(secondsSinceEpoch)
    else { return nil }
    return clamped(Double(then - now))
  }

  private static func clamped(_ seconds: Double) -> Duration {
    .milliseconds(Int64(min(max(seconds, 0), 86_400) * 1000))
  }

  /// Of an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", RFC 9110, 5.6.7.
  static func secondsSinceEpoch(_ text: String) -> Int? {
    let parts = text.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]), (1970...9999).contains(year)
    else { return nil }
    let clock = parts[4].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2])
    else { return nil }
    // Days from civil date in years that start in March, so that the leap day is the last of its year.
    let shiftedYear = month < 2 ? year - 1 : year
    let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
    let days = 365 * shiftedYear + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400 + dayOfYear - 719_468
    return days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
  }
}
