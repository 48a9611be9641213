import CSpeexDSP

/// SpeexDSP's resampler in floating point.
final class SpeexResampler: StreamResampler {
  private let state: OpaquePointer
  private let silence: [Float]

  /// - Parameter quality: 0...10; `SPEEX_RESAMPLER_QUALITY_DESKTOP`, which is 5, is the highest that the library names.
  init(_ rate: Int, quality: Int32) throws {
    var code: Int32 = 0
    guard
      let state = speex_resampler_init(1, UInt32(rate), UInt32(ResamplingEngine.outputRate), quality, &code)
    else { throw PeerFailure("speexdsp", String(cString: speex_resampler_strerror(code))) }
    self.state = state
    // Leaves out the filter's delay at the start, as everyone else here does.
    speex_resampler_skip_zeros(state)
    // There is no call that ends a stream: what is left comes out with as much silence as the filter is late.
    silence = [Float](repeating: 0, count: Int(speex_resampler_get_input_latency(state)))
  }

  deinit { speex_resampler_destroy(state) }

  func process(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    var taken = 0
    var written = 0
    while taken < input.count {
      let rest = output.behind(written)
      var used = UInt32(input.count - taken)
      var given = UInt32(rest.count)
      let code = speex_resampler_process_float(state, 0, input.baseAddress! + taken, &used, rest.baseAddress, &given)
      guard code == 0 else { throw PeerFailure("speexdsp", String(cString: speex_resampler_strerror(code))) }
      guard used + given > 0 else { throw PeerFailure("speexdsp", "it takes no input") }
      taken += Int(used)
      written += Int(given)
    }
    return written
  }

  func finish(into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    try silence.withUnsafeBufferPointer { try process($0, into: output) }
  }
}
