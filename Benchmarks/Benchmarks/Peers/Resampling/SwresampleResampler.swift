import CSwresample

/// libswresample's own engine with its defaults, which is what `ffmpeg -ar` uses: 32 taps at the lower rate, cut off at
/// 0.97 of its Nyquist frequency.
final class SwresampleResampler: StreamResampler {
  private let converter: Swresample

  init(_ rate: Int) throws {
    converter = try Swresample(
      from: .init(sampleFormat: AV_SAMPLE_FMT_FLT, rate: rate),
      to: .init(sampleFormat: AV_SAMPLE_FMT_FLT, rate: ResamplingEngine.outputRate))
  }

  func process(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    try converter.convert(
      input.baseAddress!, frameCount: input.count, into: output.baseAddress!, frameCapacity: output.count)
  }

  func finish(into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    try converter.convert(nil, frameCount: 0, into: output.baseAddress!, frameCapacity: output.count)
  }
}
