import Foundation

/// The sine of a known frequency that lies closest to some samples in the sense of least squares, and what it leaves.
public struct SineFit: Sendable {
  /// Not negative.
  public var amplitude: Double
  /// In radians, of `sin(2 pi f i + phase)`, in -pi ... pi; `i` counts from the first sample of the stream, not of the
  /// fit.
  public var phase: Double
  /// The root of the mean square of what the sine leaves: noise, harmonics, images, aliases and DC.
  public var residual: Double

  /// Total harmonic distortion and noise against the sine found, in decibels.
  public var distortionAndNoise: Double { decibels(residual / (amplitude / 2.0.squareRoot())) }

  /// Fits `samples[range]` in double precision.
  ///
  /// - Parameter frequency: In cycles per sample, in 0 ... 0.5.
  public init(_ samples: [Float], in range: Range<Int>, frequency: Double) {
    var (ss, sc, cc, sx, cx) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for i in range {
      let angle = 2 * Double.pi * frequency * Double(i)
      let (s, c, x) = (sin(angle), cos(angle), Double(samples[i]))
      ss += s * s
      sc += s * c
      cc += c * c
      sx += s * x
      cx += c * x
    }
    // At the Nyquist frequency and at 0 Hz one of the two is nothing but zeros.
    let determinant = ss * cc - sc * sc
    let isSingular = determinant < 1e-9 * (ss + cc) * (ss + cc)
    let a = isSingular ? (ss > cc ? sx / ss : 0) : (sx * cc - cx * sc) / determinant
    let b = isSingular ? (ss > cc ? 0 : cx / cc) : (cx * ss - sx * sc) / determinant
    var sum = 0.0
    for i in range {
      let angle = 2 * Double.pi * frequency * Double(i)
      let rest = Double(samples[i]) - a * sin(angle) - b * cos(angle)
      sum += rest * rest
    }
    amplitude = (a * a + b * b).squareRoot()
    phase = atan2(b, a)
    residual = (sum / Double(range.count)).squareRoot()
  }
}
