/// Signed 16-bit linear PCM, and its conversion from and to floating point.
///
/// The scale is 32,768 both ways: -1.0 is -32,768, and every 16-bit value survives the way to `Float` and back. None of
/// these functions allocates.
public enum PCM16 {
  /// Converts to 16 bits: `x * 32768` rounded to nearest, ties to even; saturated, so that +1.0 becomes 32,767; NaN
  /// becomes 0.
  ///
  /// - Precondition: `output` has room for `input.count` samples.
  public static func convert(_ input: Span<Float>, into output: inout MutableSpan<Int16>) {
    Kernels.active.convertToPCM16(input, into: &output)
  }

  /// Converts to floating point: `x / 32768`, exactly.
  ///
  /// - Precondition: `output` has room for `input.count` samples.
  public static func convert(_ input: Span<Int16>, into output: inout MutableSpan<Float>) {
    Kernels.active.convertToFloat(input, into: &output)
  }

  package static func convert(
    _ input: Span<Float>, into output: inout MutableSpan<Int16>, backend: KernelBackend
  ) {
    Kernels(backend).convertToPCM16(input, into: &output)
  }

  package static func convert(
    _ input: Span<Int16>, into output: inout MutableSpan<Float>, backend: KernelBackend
  ) {
    Kernels(backend).convertToFloat(input, into: &output)
  }
}

/// Converts a stream to 16 bits with TPDF dither, which turns the rounding error into noise that does not depend on the
/// signal.
///
/// The dither is the difference of two uniform random values, triangular between -1 and 1 LSB (S. P. Lipshitz,
/// R. A. Wannamaker, J. Vanderkooy, "Quantization and dither: a theoretical survey", 1992). The value for a sample is a
/// function of the seed and of the sample's position alone, so that cutting the stream into calls changes nothing.
public struct DitheredPCM16Converter: Sendable {
  private let seed: UInt64
  private let kernels: Kernels
  private var position: UInt64 = 0

  /// Equal seeds give equal dither.
  public init(seed: UInt64 = 0) {
    self.init(seed: seed, kernels: .active)
  }

  /// - Precondition: The backend is available.
  package init(seed: UInt64, backend: KernelBackend) {
    self.init(seed: seed, kernels: Kernels(backend))
  }

  private init(seed: UInt64, kernels: Kernels) {
    self.seed = seed
    self.kernels = kernels
  }

  /// Converts the next samples of the stream, as ``PCM16/convert(_:into:)-(Span<Float>,_)`` with dither added before
  /// rounding. Does not allocate.
  ///
  /// - Precondition: `output` has room for `input.count` samples.
  public mutating func convert(_ input: Span<Float>, into output: inout MutableSpan<Int16>) {
    kernels.convertToPCM16(input, into: &output, ditherSeed: seed, position: position)
    position += UInt64(input.count)
  }

  /// Starts the stream anew.
  public mutating func reset() {
    position = 0
  }
}
