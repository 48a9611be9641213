/// A number of samples per second, of one channel, between 4 and 192 kHz.
public struct SampleRate: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The legal values of ``hertz``: from the lowest rate that telephone archives use to the highest of sound cards.
  public static let range = 4_000...192_000

  /// Samples per second.
  public let hertz: Int

  /// - Throws: ``SampleRateError`` when `hertz` lies outside of ``range``.
  public init(_ hertz: Int) throws(SampleRateError) {
    guard Self.range.contains(hertz) else { throw SampleRateError(hertz: hertz) }
    self.hertz = hertz
  }

  private init(known hertz: Int) { self.hertz = hertz }

  /// The telephone's rate, and that of G.711.
  public static let hz8000 = SampleRate(known: 8_000)
  /// The input rate of Gemini Live and of ElevenLabs Agents, and the usual one of speech recognition.
  public static let hz16000 = SampleRate(known: 16_000)
  /// The rate of OpenAI Realtime, and of most services' answers.
  public static let hz24000 = SampleRate(known: 24_000)
  /// The compact disc's rate.
  public static let hz44100 = SampleRate(known: 44_100)
  /// The usual rate of microphones and of video.
  public static let hz48000 = SampleRate(known: 48_000)

  public static func < (a: SampleRate, b: SampleRate) -> Bool { a.hertz < b.hertz }

  public var description: String { "\(hertz) Hz" }

  /// How many samples a duration lasts: the duration times the rate, rounded to nearest, halves up.
  ///
  /// - Precondition: `duration` is not negative. Parts of a nanosecond are dropped.
  public func sampleCount(in duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = attoseconds / 1_000_000_000
    return Int(seconds) * hertz + Int((nanoseconds * Int64(hertz) + 500_000_000) / 1_000_000_000)
  }

  /// `sampleCount` samples at this rate, in seconds.
  public func seconds(of sampleCount: Int) -> Double { Double(sampleCount) / Double(hertz) }

  /// How long `sampleCount` samples last, parts of an attosecond dropped. Counts of any size do not overflow.
  public func duration(of sampleCount: Int) -> Duration { .seconds(sampleCount) / hertz }
}

/// A sample rate outside of ``SampleRate/range``.
public struct SampleRateError: Error, Equatable, CustomStringConvertible {
  /// What was asked for.
  public var hertz: Int

  public var description: String {
    "sample rate \(hertz) Hz is outside of \(SampleRate.range.lowerBound) to \(SampleRate.range.upperBound) Hz"
  }
}
