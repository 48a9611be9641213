/// The continuous impulse response of a lowpass filter, from which the coefficients of every phase are read.
///
/// A sinc under a Kaiser window (J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function",
/// 1974), with unit gain at 0 Hz. Time runs in input samples, frequency in cycles per input sample.
struct LowpassPrototype {
  /// Side lobes of the window, in decibels. The margin over the mask's 115 dB pays for the images of several octaves
  /// adding up when a rate goes up by 6 or more.
  private static let attenuation = 126.0
  /// The half width in cycles of the lower Nyquist frequency, and the cutoff as a part of that frequency: found by search
  /// over both as the shortest filter that is 0.1 dB down above 0.905 and 120 dB down from 1.0.
  private static let halfWidthInNyquistCycles = 37.5
  private static let cutoff = 0.944

  /// The response is 0 outside of `-halfWidth ... halfWidth` input samples.
  let halfWidth: Int
  private let cutoffFrequency: Double
  private let shape: Double
  private let scale: Double

  init(_ ratio: ResamplingRatio) {
    // In cycles per input sample.
    let lowerNyquist = 0.5 * min(1, Double(ratio.outputs) / Double(ratio.inputs))
    halfWidth = Int((Self.halfWidthInNyquistCycles / lowerNyquist).rounded(.up))
    cutoffFrequency = Self.cutoff * lowerNyquist
    // Kaiser's formula for attenuations above 50 dB.
    shape = 0.1102 * (Self.attenuation - 8.7)
    scale = 2 * cutoffFrequency / Self.besselI0(shape)
  }

  /// The response at `time`.
  func value(at time: Double) -> Double {
    let position = time / Double(halfWidth)
    guard abs(position) <= 1 else { return 0 }
    let angle = 2 * Double.pi * cutoffFrequency * time
    let sinc = abs(angle) < 1e-9 ? 1 : sine(angle) / angle
    return scale * sinc * Self.besselI0(shape * (1 - position * position).squareRoot())
  }

  /// The modified Bessel function of the first kind and order 0, by its power series (Abramowitz and Stegun 9.6.12).
  private static func besselI0(_ x: Double) -> Double {
    let quarterSquare = x * x / 4
    var sum = 1.0
    var term = 1.0
    var k = 1.0
    while term > sum * 1e-17 {
      term *= quarterSquare / (k * k)
      sum += term
      k += 1
    }
    return sum
  }
}
