import AudioDSP

/// The package's own.
final class OurResampler: StreamResampler {
  private var resampler: Resampler

  init(_ rate: Int, quality: ResamplingQuality) throws {
    resampler = Resampler(from: try SampleRate(rate), to: .hz24000, quality: quality)
  }

  func process(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    var span = output.mutableSpan
    return try resampler.process(input.span, into: &span)
  }

  func finish(into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    var span = output.mutableSpan
    return try resampler.finish(into: &span)
  }
}
