import Foundation

/// The signals that are resampled and converted: the same in every run.
enum Signals {
  /// White noise of -12 dBFS, uniform, by SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014). Never silent and never
  /// clipped, so that neither denormal numbers nor saturation change a loop's speed.
  static func noise(count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      z ^= z >> 31
      // The power of a uniform distribution between -a and a is a * a / 3.
      return (Float(z >> 40) * 0x1p-23 - 1) * 0.435
    }
  }

  static func bytes(count: Int) -> [UInt8] {
    noise(count: count).map { UInt8(truncatingIfNeeded: Int($0 * 0x1p20)) }
  }

  static func tone(frequency: Double, amplitude: Double, rate: Int, count: Int) -> [Float] {
    (0..<count).map { Float(amplitude * sin(2 * .pi * frequency * Double($0) / Double(rate))) }
  }

  /// A smooth pulse around `center` seconds, narrow in time, and in frequency far below any filter's edge.
  static func pulse(center: Double, rate: Int, count: Int) -> [Float] {
    (0..<count).map {
      // A standard deviation of 1 ms in time is one of 159 Hz in frequency.
      let x = (Double($0) / Double(rate) - center) / 0.001
      return Float(0.25 * exp(-x * x / 2))
    }
  }
}

/// The sine of a known frequency that fits a signal best, and what is left beside it.
struct SineFit {
  var amplitude: Double
  /// The delay against a sine that starts at time 0, in seconds, within half a period.
  var delay: Double
  /// The power of what is left as a part of the sine's.
  var residual: Double

  /// - Parameter samples: Their indices are positions in the stream, so that the delay counts from its start.
  init(_ samples: ArraySlice<Float>, frequency: Double, rate: Int) {
    // Least squares over a sine and a cosine, by their normal equations.
    var (ss, sc, cc, xs, xc, xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for i in samples.indices {
      let angle = 2 * Double.pi * frequency * Double(i) / Double(rate)
      let (s, c, x) = (sin(angle), cos(angle), Double(samples[i]))
      ss += s * s
      sc += s * c
      cc += c * c
      xs += x * s
      xc += x * c
      xx += x * x
    }
    let determinant = ss * cc - sc * sc
    let a = (xs * cc - xc * sc) / determinant
    let b = (xc * ss - xs * sc) / determinant
    amplitude = (a * a + b * b).squareRoot()
    delay = -atan2(b, a) / (2 * .pi * frequency)
    let fitted = a * xs + b * xc
    residual = max(0, xx - fitted) / fitted
  }
}
