import CLibsamplerate

/// libsamplerate's full interface, which keeps a state; its simple one makes a converter for each call, and its manual has
/// that for whole files only.
final class LibsamplerateResampler: StreamResampler {
  private let state: OpaquePointer
  private let ratio: Double

  /// - Parameter type: `SRC_SINC_BEST_QUALITY` and the like. The other two types are not band-limited.
  init(_ rate: Int, type: Int) throws {
    var code: Int32 = 0
    guard let state = src_new(Int32(type), 1, &code) else {
      throw PeerFailure("libsamplerate", String(cString: src_strerror(code)))
    }
    self.state = state
    ratio = Double(ResamplingEngine.outputRate) / Double(rate)
  }

  deinit { src_delete(state) }

  func process(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    var taken = 0
    var written = 0
    while taken < input.count {
      let (used, given) = try convert(
        UnsafeBufferPointer(rebasing: input[taken...]), into: output.behind(written), isLast: false)
      guard used + given > 0 else { throw PeerFailure("libsamplerate", "it takes no input") }
      taken += used
      written += given
    }
    return written
  }

  func finish(into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    // No samples, but at an address outside of the output: the library refuses others.
    var sample: Float = 0
    return try withUnsafePointer(to: &sample) {
      try convert(UnsafeBufferPointer(start: $0, count: 0), into: output, isLast: true).given
    }
  }

  private func convert(
    _ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>, isLast: Bool
  ) throws -> (used: Int, given: Int) {
    var data = SRC_DATA()
    data.data_in = input.baseAddress
    data.input_frames = input.count
    data.data_out = output.baseAddress
    data.output_frames = output.count
    data.end_of_input = isLast ? 1 : 0
    data.src_ratio = ratio
    let code = src_process(state, &data)
    guard code == 0 else { throw PeerFailure("libsamplerate", String(cString: src_strerror(code))) }
    return (data.input_frames_used, data.output_frames_gen)
  }
}
