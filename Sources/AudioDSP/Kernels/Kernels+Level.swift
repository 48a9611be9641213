import CAudioKernels

/// Level control, on arrays and on spans. One version for all backends.
extension Kernels {
  /// What a limiter computes for each sample to find peaks: eight instants by two interpolators.
  static let peakPhaseCount = Int(AK_PEAK_PHASES)

  /// Copies `input` into `output` at `place`: 0 for what is not finite, and as near as `limit` for what is beyond it.
  static func copy(_ input: Span<Float>, limit: Float, into output: inout [Float], at place: Int) {
    precondition(place >= 0 && output.count - place >= input.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe ak_copy_limited(source, limit, target + place, input.count)
      }
    }
  }

  /// Copies the members of `input` from `place` on to all of `output`.
  static func copy(_ input: [Float], from place: Int, into output: inout MutableSpan<Float>) {
    precondition(place >= 0 && input.count - place >= output.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        unsafe target.update(from: source + place, count: output.count)
      }
    }
  }

  /// Sets the members in `range`.
  static func fill(_ values: inout [Float], in range: Range<Int>, with value: Float) {
    precondition(range.lowerBound >= 0 && range.upperBound <= values.count)
    unsafe values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe (base + range.lowerBound).update(repeating: value, count: range.count)
    }
  }

  /// Makes the members in `range` 0 that are of a smaller magnitude than `least`.
  static func flush(_ values: inout [Float], in range: Range<Int>, below least: Float) {
    precondition(range.lowerBound >= 0 && range.upperBound <= values.count)
    unsafe values.withUnsafeMutableBufferPointer { values in
      for i in range { unsafe values[i] = unsafe abs(values[i]) < least ? 0 : values[i] }
    }
  }

  /// The greatest magnitude of the members in `range`, which are finite.
  static func greatestMagnitude(of values: [Float], in range: Range<Int>) -> Float {
    let values = values.span.extracting(range)
    return unsafe values.withUnsafeBufferPointer { values in
      guard let source = values.baseAddress else { return 0 }
      return unsafe ak_greatest_magnitude(source, values.count)
    }
  }

  /// The greatest magnitude of each row of ``peakPhaseCount`` values, from row `first` on, for as many as `range` has.
  static func rowMagnitudes(of rows: [Float], from first: Int, into output: inout [Float], in range: Range<Int>) {
    precondition(first >= 0 && range.lowerBound >= 0 && range.upperBound <= output.count)
    precondition((rows.count / peakPhaseCount) - first >= range.count)
    unsafe rows.withUnsafeBufferPointer { rows in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let source = rows.baseAddress, let target = output.baseAddress else { return }
        unsafe ak_row_magnitudes(source + first * peakPhaseCount, range.count, target + range.lowerBound)
      }
    }
  }

  /// Makes levels into how far they are above `target` where they are above `threshold`, and lets that fade by `decay`
  /// a sample; returns the last, which is `previous` to the next call.
  static func followExcess(
    _ values: inout [Float], in range: Range<Int>, threshold: Float, target: Float, decay: Float, least: Float,
    previous: Float
  ) -> Float {
    precondition(range.lowerBound >= 0 && range.upperBound <= values.count)
    return unsafe values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return previous }
      return unsafe ak_follow_excess(
        base + range.lowerBound, threshold, target, decay, least, previous, range.count)
    }
  }

  /// The greatest of every `window` neighbours of `input`, the first of them from `start` on, for as many as `range` has.
  static func slidingGreatest(
    _ input: [Float], from start: Int, window: Int, scratch: inout [Float], into output: inout [Float],
    in range: Range<Int>
  ) {
    let length = range.count + window - 1
    precondition(window > 0 && start >= 0 && input.count - start >= length && scratch.count >= length)
    precondition(range.lowerBound >= 0 && range.upperBound <= output.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe scratch.withUnsafeMutableBufferPointer { scratch in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let source = input.baseAddress, let rest = scratch.baseAddress, let target = output.baseAddress
          else { return }
          unsafe ak_sliding_greatest(source + start, window, range.count, rest, target + range.lowerBound)
        }
      }
    }
  }

  /// Writes the members of `input` from `place` on, times 2 to the power of minus those of `octaves` from `start` on, to
  /// all of `output`.
  static func attenuate(
    _ input: [Float], from place: Int, by octaves: [Float], from start: Int, into output: inout MutableSpan<Float>
  ) {
    precondition(place >= 0 && input.count - place >= output.count)
    precondition(start >= 0 && octaves.count - start >= output.count)
    unsafe input.withUnsafeBufferPointer { input in
      unsafe octaves.withUnsafeBufferPointer { octaves in
        unsafe output.withUnsafeMutableBufferPointer { output in
          guard let source = input.baseAddress, let gains = octaves.baseAddress, let target = output.baseAddress
          else { return }
          unsafe ak_attenuate(source + place, gains + start, target, output.count)
        }
      }
    }
  }

  /// Applies a layer to `count` frames of the input, `stride` apart, the first of them from `start` on.
  func apply(
    _ layer: DenseLayer, to input: [Float], from start: Int, stride: Int, count: Int, into output: inout [Float]
  ) {
    var target = output.mutableSpan
    apply(layer, to: input.span.extracting(start...), stride: stride, count: count, into: &target)
  }

  /// Replaces what is not finite by 0, and brings what is of a magnitude above `limit` as near as that.
  static func limit(_ samples: inout MutableSpan<Float>, to limit: Float) {
    unsafe samples.withUnsafeMutableBufferPointer { samples in
      guard let base = samples.baseAddress else { return }
      unsafe ak_limit(base, limit, samples.count)
    }
  }

  /// Multiplies by a gain that moves towards `target`, by the part `rise` or `fall` of the way for each sample; returns
  /// the last gain.
  static func ramp(
    _ samples: inout MutableSpan<Float>, gain: Double, target: Double, rise: Double, fall: Double, closeness: Double
  ) -> Double {
    unsafe samples.withUnsafeMutableBufferPointer { samples in
      guard let base = samples.baseAddress else { return gain }
      return unsafe ak_ramp_gain(base, gain, target, rise, fall, closeness, samples.count)
    }
  }

  /// Multiplies by a gain.
  static func scale(_ samples: inout MutableSpan<Float>, by gain: Float) {
    unsafe samples.withUnsafeMutableBufferPointer { samples in
      guard let base = samples.baseAddress else { return }
      unsafe ak_scale(base, gain, samples.count)
    }
  }
}
