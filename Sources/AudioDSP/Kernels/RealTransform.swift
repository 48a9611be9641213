import CAudioKernels

/// What the kernels need to know of the Fourier transform of a number of real samples: ``Kernels`` has the transform,
/// ``Kernels/forward(_:_:from:window:real:imaginary:scratch:)``, and its opposite.
///
/// A spectrum has ``binCount`` bins, of the frequencies k / `length` of the sample rate for k from 0 on. Real and
/// imaginary parts are in arrays of their own.
package struct RealTransform: Sendable {
  /// The lengths that there are, in samples, from the shortest to the longest.
  package static let lengths = [128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144]

  /// The longest of ``lengths`` that lasts at most 40 ms; it lasts more than 26 ms at all rates.
  package static func length(for sampleRate: SampleRate) -> Int {
    // A second has 25 times 40 ms. The lowest rate has room for the shortest length.
    lengths.last { $0 * 25 <= sampleRate.hertz } ?? lengths[0]
  }

  /// Samples.
  package let length: Int
  /// Bins of the spectrum: half of the length and one.
  package var binCount: Int { length / 2 + 1 }
  /// Numbers that the kernels need room for while they work.
  package var scratchCount: Int { ak_transform_scratch_count(pointCount) }

  private var pointCount: Int { length / 2 }
  // Those that untangle, then the twiddle factors, as ak_transform has them. There are pointCount of the former, a
  // multiple of a cache line, too.
  private let factors: AlignedFloats

  /// Computes the factors; allocates.
  ///
  /// - Precondition: `length` is one of ``lengths``.
  package init(length: Int) {
    precondition(Self.lengths.contains(length), "there is no transform of \(length) samples")
    self.length = length
    let pointCount = length / 2
    let roots = (1...pointCount / 2).map { Self.unitRoot($0, of: length) }
    var factors = roots.map(\.imaginary) + roots.map { -$0.real }
    var stride = 1
    while stride < pointCount {
      let size = pointCount / stride
      let radix = ak_transform_radix(size)
      // All factors of the last pass are 1.
      if radix < size { factors += Self.twiddles(size: size, radix: radix, stride: stride) }
      stride *= radix
    }
    self.factors = AlignedFloats(factors)
  }

  private static func twiddles(size: Int, radix: Int, stride: Int) -> [Float] {
    let butterflies = 0..<size / radix
    if stride < 16 {
      return (1..<radix).flatMap { output in
        let roots = butterflies.flatMap { Array(repeating: unitRoot(output * $0, of: size), count: stride) }
        return roots.map(\.real) + roots.map(\.imaginary)
      }
    }
    return butterflies.flatMap { butterfly in
      (1..<radix).flatMap { output in
        let root = unitRoot(output * butterfly, of: size)
        return [root.real, root.imaginary]
      }
    }
  }

  /// exp(-2 pi i * k / n), by the angle's distance from the nearest quarter of a turn: so what ought to be equal, 0 or 1
  /// is so to the last bit.
  private static func unitRoot(_ k: Int, of n: Int) -> (real: Float, imaginary: Float) {
    let (eighth, rest) = (8 * (k % n)).quotientAndRemainder(dividingBy: n)
    let angle = 2 * Double.pi * Double(eighth % 2 == 0 ? rest : n - rest) / Double(8 * n)
    let isExchanged = (eighth + 1) / 2 % 2 == 1
    let c = isExchanged ? sine(angle) : cosine(angle)
    let s = isExchanged ? cosine(angle) : sine(angle)
    return (Float((2...5).contains(eighth) ? -c : c), Float(eighth < 4 ? -s : s))
  }

  func withTable(_ body: (inout ak_transform) -> Void) {
    unsafe factors.withPointer { factors in
      var table = unsafe ak_transform(
        twiddles: factors + pointCount, untangling: factors, point_count: pointCount)
      unsafe body(&table)
    }
  }
}
