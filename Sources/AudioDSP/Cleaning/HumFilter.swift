/// Takes away mains hum: tones at the multiples of 50 or 60 Hz. For recordings that have it; it takes what speech has
/// in these places, too.
///
/// Each harmonic has a notch of the fourth order (an inverse Chebyshev response, J. T. Taylor and Q. Huang, "CRC
/// Handbook of Electrical Filters", 1997). Where the mains is off by no more than ``tolerance``, it attenuates by at
/// least 30 dB. The response is -3 dB at 4.03 times the tolerance to either side, so that a notch is 8.1 times the
/// tolerance wide: 2 % of its frequency for the tolerance of 0.25 % that is the default, 1 Hz at 50 Hz and 6 Hz at 300
/// Hz. A notch of the second order with 20 dB at 0.25 % is 5 % wide. Grids keep within 0.4 %, and nearly always within
/// 0.1 %; the clocks of sound cards add 0.01 %.
///
/// What is taken of speech is 15 dB below it, with six harmonics of 50 Hz and clean speech of TestAudio, whose level
/// changes by less than 0.3 dB; a tolerance half as great takes half as much.
///
/// There is no latency. The narrower a notch is, the slower it settles: the hum at the beginning, and for a while after
/// it changes, is let through. With the default, hum of 50 Hz is 20 dB lower after 1 s, and its harmonics are
/// proportionally sooner. The poles of the narrowest notch at the highest rate have a radius of 0.999995: the filter is
/// stable, as ``HighPassFilter`` is.
public struct HumFilter: SampleProcessor, ~Copyable, Sendable {
  /// What mains may have, in Hz.
  public enum Mains: Int, CaseIterable, Sendable {
    case hz50 = 50
    case hz60 = 60
  }

  public let sampleRate: SampleRate
  public let mains: Mains
  /// How many multiples of the mains frequency have a notch, itself counted. Those above 0.45 of the rate are left out.
  public let harmonicCount: Int
  /// How far the mains may be off, as a part of its frequency.
  public let tolerance: Double
  /// 0.
  public var latencyInSamples: Int { 0 }

  /// The valid numbers of harmonics.
  public static let harmonicCounts = 1...20
  /// 6, as far as ``HumDetector`` looks: 300 or 360 Hz.
  public static let defaultHarmonicCount = 6
  /// The valid tolerances, as a part of the frequency.
  public static let tolerances = 0.0005...0.02
  /// 0.25 %.
  public static let defaultTolerance = 0.0025
  /// What a notch attenuates by within the tolerance, at least, in dB.
  public static let attenuation = 30.0

  private static let highestFrequency = 0.45

  private var cascade: SectionCascade

  /// A filter at the start of a stream.
  ///
  /// - Throws: ``FilterError`` for what is outside of ``harmonicCounts`` or ``tolerances``.
  public init(
    _ sampleRate: SampleRate, mains: Mains, harmonicCount: Int = defaultHarmonicCount,
    tolerance: Double = defaultTolerance
  ) throws(FilterError) {
    guard Self.harmonicCounts.contains(harmonicCount) else {
      throw .harmonicCount(harmonicCount, valid: Self.harmonicCounts)
    }
    guard Self.tolerances.contains(tolerance) else { throw .tolerance(tolerance, valid: Self.tolerances) }
    self.sampleRate = sampleRate
    self.mains = mains
    self.harmonicCount = harmonicCount
    self.tolerance = tolerance
    var sections: [FilterSection] = []
    for harmonic in 1...harmonicCount {
      let frequency = Double(mains.rawValue * harmonic) / Double(sampleRate.hertz)
      if frequency <= Self.highestFrequency { sections += Self.notch(frequency, tolerance: tolerance) }
    }
    cascade = SectionCascade(sections)
  }

  /// Filters the next samples of the stream, in place.
  public mutating func process(_ samples: inout MutableSpan<Float>) { cascade.process(&samples) }

  /// Makes the filter as it was after `init`.
  public mutating func reset() { cascade.reset() }

  package var subnormalCount: Int { cascade.subnormalCount }

  /// The two sections of a notch at `frequency`, in cycles per sample.
  private static func notch(_ frequency: Double, tolerance: Double) -> [FilterSection] {
    let center = tangent(.pi * frequency)
    // From the edge of the stop-band to the other one, after the bilinear transform's warping.
    let width = tangent(.pi * frequency * (1 + tolerance)) - tangent(.pi * frequency * (1 - tolerance))
    // The poles of an inverse Chebyshev low-pass of the second order whose stop-band starts at 1 are the inverses of
    // -sinh(v) sin(pi/4) + i cosh(v) cos(pi/4) and its conjugate, with sinh(2 v) = sqrt(10^(attenuation/10) - 1); its
    // zeros are at i sqrt(2) and -i sqrt(2).
    let ratio = (raised(10, attenuation / 10) - 1).squareRoot()
    let e = (ratio + (ratio * ratio + 1).squareRoot()).squareRoot()
    let inverseRoot = Complex((1 / e - e) / 2 * 0.5.squareRoot(), (e + 1 / e) / 2 * 0.5.squareRoot())
    // s becomes width * s / (s^2 + center^2), which makes of a root r those of s^2 - (width / r) s + center^2.
    let q = inverseRoot * width
    let root = (q * q - Complex(4 * center * center, 0)).squareRoot()
    let poles = [(q + root) * 0.5, (q - root) * 0.5]
    let offset = width / 8.0.squareRoot()
    let outer = (offset * offset + center * center).squareRoot() + offset
    // The upper zero goes with the upper pole: the product of both zeros, and of both poles, is the square of the center.
    let isFirstUpper = poles[0].power > poles[1].power
    let zeros = isFirstUpper ? [outer, center * center / outer] : [center * center / outer, outer]
    return [section(zero: zeros[0], pole: poles[0]), section(zero: zeros[1], pole: poles[1])]
  }

  /// The section of a pair of zeros at `i zero` and `-i zero` and one of poles, by the bilinear transform
  /// `s = (z - 1) / (z + 1)`, with a gain of 1 at 0 Hz.
  private static func section(zero: Double, pole: Complex) -> FilterSection {
    let a0 = 1 - 2 * pole.real + pole.power
    let a1 = 2 * (pole.power - 1) / a0
    let a2 = (1 + 2 * pole.real + pole.power) / a0
    // The sums of both polynomials at z = 1 are 4 zero^2 and 4 |pole|^2 before they are divided.
    let gain = pole.power / a0 / (zero * zero)
    return FilterSection(
      b0: gain * (1 + zero * zero), b1: 2 * gain * (zero * zero - 1), b2: gain * (1 + zero * zero), a1: a1, a2: a2)
  }

  private struct Complex {
    var real, imaginary: Double

    init(_ real: Double, _ imaginary: Double) {
      self.real = real
      self.imaginary = imaginary
    }

    var power: Double { real * real + imaginary * imaginary }

    static func + (a: Complex, b: Complex) -> Complex { Complex(a.real + b.real, a.imaginary + b.imaginary) }
    static func - (a: Complex, b: Complex) -> Complex { Complex(a.real - b.real, a.imaginary - b.imaginary) }
    static func * (a: Complex, b: Double) -> Complex { Complex(a.real * b, a.imaginary * b) }
    static func * (a: Complex, b: Complex) -> Complex {
      Complex(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
    }

    /// That with a real part not less than 0.
    func squareRoot() -> Complex {
      let magnitude = power.squareRoot()
      let real = ((magnitude + real) / 2).squareRoot()
      let imaginary = ((magnitude - self.real) / 2).squareRoot()
      return Complex(real, self.imaginary < 0 ? -imaginary : imaginary)
    }
  }
}
