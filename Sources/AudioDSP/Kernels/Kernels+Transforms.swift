import CAudioKernels

/// Fourier transforms, and what stands between one and its opposite. Nothing here allocates.
///
/// That places, counts and sizes are right is a precondition of all, checked in release builds, too. Numbers are finite.
extension Kernels {
  /// The spectrum of the `transform.length` samples from `start` on, each times its weight in `window`:
  /// real[k] + i * imaginary[k] = sum over n of samples[start + n] * window[n] * exp(-2 pi i * k * n / length).
  ///
  /// Off by less than 3e-6 times the sum of the magnitudes of the weighted samples. The imaginary parts of the first and
  /// the last bin are 0.
  ///
  /// - Precondition: There are as many samples; `window` has exactly as many weights; `real` and `imaginary` have room
  ///   for `transform.binCount` numbers, `scratch` for `transform.scratchCount`.
  package func forward(
    _ transform: RealTransform, _ samples: [Float], from start: Int = 0, window: [Float], real: inout [Float],
    imaginary: inout [Float], scratch: inout [Float]
  ) {
    precondition(start >= 0 && samples.count - start >= transform.length && window.count == transform.length)
    precondition(real.count >= transform.binCount && imaginary.count >= transform.binCount)
    precondition(scratch.count >= transform.scratchCount)
    unsafe transform.withTable { transform in
      unsafe samples.withUnsafeBufferPointer { samples in
        unsafe window.withUnsafeBufferPointer { window in
          unsafe real.withUnsafeMutableBufferPointer { real in
            unsafe imaginary.withUnsafeMutableBufferPointer { imaginary in
              unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                guard let samples = samples.baseAddress, let window = window.baseAddress, let real = real.baseAddress,
                  let imaginary = imaginary.baseAddress, let scratch = scratch.baseAddress
                else { return }
                unsafe table.pointee.forward_transform(&transform, samples + start, window, real, imaginary, scratch)
              }
            }
          }
        }
      }
    }
  }

  /// The samples of which this is the spectrum, into `samples` at `place`: what was transformed comes back, if all
  /// weights were 1. The imaginary parts of the first and the last bin are taken as 0.
  ///
  /// Off by less than 3e-6 times the mean magnitude of all `transform.length` bins, those of negative frequencies
  /// included.
  ///
  /// - Precondition: `real` and `imaginary` have `transform.binCount` numbers at least; `samples` has room for
  ///   `transform.length` from `place` on, `scratch` for `transform.scratchCount`.
  package func inverse(
    _ transform: RealTransform, real: [Float], imaginary: [Float], into samples: inout [Float], at place: Int = 0,
    scratch: inout [Float]
  ) {
    precondition(real.count >= transform.binCount && imaginary.count >= transform.binCount)
    precondition(place >= 0 && samples.count - place >= transform.length)
    precondition(scratch.count >= transform.scratchCount)
    unsafe transform.withTable { transform in
      unsafe real.withUnsafeBufferPointer { real in
        unsafe imaginary.withUnsafeBufferPointer { imaginary in
          unsafe samples.withUnsafeMutableBufferPointer { samples in
            unsafe scratch.withUnsafeMutableBufferPointer { scratch in
              guard let real = real.baseAddress, let imaginary = imaginary.baseAddress,
                let samples = samples.baseAddress, let scratch = scratch.baseAddress
              else { return }
              unsafe table.pointee.inverse_transform(&transform, real, imaginary, samples + place, scratch)
            }
          }
        }
      }
    }
  }

  /// power[k] = scale * (real[k]^2 + imaginary[k]^2) for the first `count` bins, the same bits in every backend.
  package func power(
    real: [Float], imaginary: [Float], scale: Float, count: Int, into power: inout [Float]
  ) {
    precondition(count >= 0 && real.count >= count && imaginary.count >= count && power.count >= count)
    unsafe real.withUnsafeBufferPointer { real in
      unsafe imaginary.withUnsafeBufferPointer { imaginary in
        unsafe power.withUnsafeMutableBufferPointer { power in
          guard let real = real.baseAddress, let imaginary = imaginary.baseAddress, let power = power.baseAddress
          else { return }
          unsafe table.pointee.power_of(real, imaginary, scale, power, count)
        }
      }
    }
  }

  /// output[place + i] = a[start + i] * b[i] for `count` numbers.
  package func multiply(
    _ a: [Float], from start: Int = 0, by b: [Float], count: Int, into output: inout [Float], at place: Int = 0
  ) {
    precondition(count >= 0 && start >= 0 && a.count - start >= count && b.count >= count)
    precondition(place >= 0 && output.count - place >= count)
    unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let a = a.baseAddress, let b = b.baseAddress, let output = output.baseAddress else { return }
          unsafe table.pointee.multiply(a + start, b, output + place, count)
        }
      }
    }
  }

  /// values[start + i] *= factors[i] for `count` numbers.
  package func multiply(_ values: inout [Float], from start: Int = 0, by factors: [Float], count: Int) {
    precondition(count >= 0 && start >= 0 && values.count - start >= count && factors.count >= count)
    unsafe factors.withUnsafeBufferPointer { factors in
      unsafe values.withUnsafeMutableBufferPointer { values in
        guard let factors = factors.baseAddress, let values = values.baseAddress else { return }
        unsafe table.pointee.multiply(values + start, factors, values + start, count)
      }
    }
  }

  /// output[place + i] += a[start + i] * b[i] for `count` numbers: two roundings, the same bits in every backend.
  package func addProduct(
    of a: [Float], from start: Int = 0, and b: [Float], count: Int, to output: inout [Float], at place: Int = 0
  ) {
    precondition(count >= 0 && start >= 0 && a.count - start >= count && b.count >= count)
    precondition(place >= 0 && output.count - place >= count)
    unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let a = a.baseAddress, let b = b.baseAddress, let output = output.baseAddress else { return }
          unsafe table.pointee.multiply_add(a + start, b, output + place, count)
        }
      }
    }
  }

  /// output[place + i] = 1 / (1 + exp(-input[start + i])) for `count` numbers, off by 3e-7 at most; NaN is taken as
  /// infinity.
  package func sigmoid(
    _ input: [Float], from start: Int = 0, count: Int, into output: inout [Float], at place: Int = 0
  ) {
    precondition(count >= 0 && start >= 0 && input.count - start >= count)
    precondition(place >= 0 && output.count - place >= count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let input = input.baseAddress, let output = output.baseAddress else { return }
        unsafe table.pointee.sigmoid(input + start, output + place, count)
      }
    }
  }

  /// As ``sigmoid(_:from:count:into:at:)``, in place, of all.
  package func sigmoid(of values: inout [Float]) {
    unsafe values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe table.pointee.sigmoid(base, base, values.count)
    }
  }
}
