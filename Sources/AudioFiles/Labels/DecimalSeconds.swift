import AudioDSP

/// A place in a recording as a whole number of decimal parts of a second, rounded once and from the count of samples, so
/// that no error builds up. Rounding keeps order: what does not overlap in samples does not overlap here.
struct DecimalSeconds {
  /// How many parts a second is counted in.
  enum Resolution: Int {
    case milliseconds = 1_000
    /// Finer than a sample at any ``SampleRate``, so that different samples stay different.
    case microseconds = 1_000_000

    var decimalCount: Int { self == .milliseconds ? 3 : 6 }
  }

  let parts: Int
  let resolution: Resolution

  private init(parts: Int, resolution: Resolution) {
    self.parts = parts
    self.resolution = resolution
  }

  /// `sampleCount / rate` seconds to the nearest part, ties to the even one.
  ///
  /// - Precondition: `sampleCount` is not negative and less than 2^63 / 10^6 seconds, which is 292,000 years.
  init(_ sampleCount: Int, at rate: SampleRate, in resolution: Resolution) {
    // Whole seconds apart: the product below then stays under 192,000 * 10^6.
    let (seconds, rest) = sampleCount.quotientAndRemainder(dividingBy: rate.hertz)
    var (parts, remainder) = (rest * resolution.rawValue).quotientAndRemainder(dividingBy: rate.hertz)
    // A second has an even number of parts, so that these alone tell what is even.
    if 2 * remainder > rate.hertz || (2 * remainder == rate.hertz && !parts.isMultiple(of: 2)) { parts += 1 }
    self.init(parts: seconds * resolution.rawValue + parts, resolution: resolution)
  }

  /// How long it is from `start` to `end`: exactly the difference of what is written for them.
  ///
  /// - Precondition: Both have the same resolution.
  static func - (end: DecimalSeconds, start: DecimalSeconds) -> DecimalSeconds {
    precondition(end.resolution == start.resolution)
    return DecimalSeconds(parts: end.parts - start.parts, resolution: end.resolution)
  }

  /// All decimals: `1.500000`.
  var fixedText: String {
    let (seconds, parts) = parts.quotientAndRemainder(dividingBy: resolution.rawValue)
    return "\(seconds)." + Self.digits(parts, resolution.decimalCount)
  }

  /// Three decimals, or as many more as it needs: `1.500`, `0.000063`.
  var text: String {
    var text = fixedText
    for _ in 3..<max(3, resolution.decimalCount) where text.hasSuffix("0") { text.removeLast() }
    return text
  }

  /// Hours, minutes, seconds and milliseconds, as subtitles have them: `100:00:01,500`. Hours have two digits or more.
  ///
  /// - Precondition: The resolution is ``Resolution/milliseconds``.
  func clockText(decimalMark: Character) -> String {
    precondition(resolution == .milliseconds)
    let seconds = parts / 1_000
    let clock = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map { Self.digits($0, 2) }.joined(separator: ":")
    return clock + "\(decimalMark)" + Self.digits(parts % 1_000, 3)
  }

  private static func digits(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }
}
