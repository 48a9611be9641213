import CAudioKernels

extension Kernels {
  /// One frame of noise suppression, bin by bin: brings `noise`, `speech` and `presence` up to date with `power`, and
  /// writes the gain of each bin, 0.1 to 1, and the power times its square, `left`. `suppression_constants.h` has the
  /// method's sources.
  ///
  /// Powers are finite, not negative, and at most 2^100; `noise` is not less than 1e-10. The noise goes at least the part
  /// `leastRate` of the way to the frame's power.
  ///
  /// - Precondition: All have room for `count` bins.
  func suppressBins(
    _ power: [Float], count: Int, leastRate: Float, noise: inout [Float], speech: inout [Float],
    presence: inout [Float], gain: inout [Float], left: inout [Float]
  ) {
    precondition(count >= 0 && power.count >= count && noise.count >= count && speech.count >= count)
    precondition(presence.count >= count && gain.count >= count && left.count >= count)
    unsafe power.withUnsafeBufferPointer { power in
      unsafe noise.withUnsafeMutableBufferPointer { noise in
        unsafe speech.withUnsafeMutableBufferPointer { speech in
          unsafe presence.withUnsafeMutableBufferPointer { presence in
            unsafe gain.withUnsafeMutableBufferPointer { gain in
              unsafe left.withUnsafeMutableBufferPointer { left in
                guard let power = power.baseAddress, let noise = noise.baseAddress, let speech = speech.baseAddress,
                  let presence = presence.baseAddress, let gain = gain.baseAddress, let left = left.baseAddress
                else { return }
                unsafe table.pointee.suppress_bins(power, leastRate, noise, speech, presence, gain, left, count)
              }
            }
          }
        }
      }
    }
  }
}
