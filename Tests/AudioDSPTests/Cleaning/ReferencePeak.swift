import Foundation

/// The true peak of a whole recording in double precision, by sums over a windowed sinc, in decibels.
///
/// `tapCount` to each side, under a Hann window: 6 with four instants is as long as the filter in ITU-R BS.1770-5,
/// Annex 2.
func referencePeak(_ samples: [Float], instants: Int, tapCount: Int) -> Double {
  let padded =
    [Double](repeating: 0, count: tapCount) + samples.map(Double.init)
    + [Double](repeating: 0, count: tapCount)
  var greatest = 0.0
  for instant in 0..<instants {
    let offset = Double(instant) / Double(instants)
    let weights = (1 - tapCount...tapCount).map { tap -> Double in
      let distance = Double(tap) - offset
      let sinc = distance == 0 ? 1 : sin(.pi * distance) / (.pi * distance)
      return sinc * pow(cos(.pi * distance / Double(2 * tapCount)), 2)
    }
    padded.withUnsafeBufferPointer { padded in
      weights.withUnsafeBufferPointer { weights in
        for start in 0...padded.count - weights.count {
          var sum = 0.0
          for j in 0..<weights.count { sum += weights[j] * padded[start + j] }
          greatest = max(greatest, abs(sum))
        }
      }
    }
  }
  return 20 * log10(max(greatest, 1e-20))
}
