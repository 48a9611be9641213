import CSoxr

/// soxr's streaming interface. Its one-shot function makes a resampler for each call and has a lower default quality.
final class SoxrResampler: StreamResampler {
  private let state: soxr_t

  /// - Parameter recipe: `SOXR_HQ` (the default of the library's streaming interface, 20 bits) or `SOXR_VHQ` (28 bits).
  init(_ rate: Int, recipe: Int32) throws {
    // Floats in and out: without conversion, and without dither, which is for 16 bits only. For one channel, interleaved
    // and split are the same.
    var formats = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
    // No flags: linear phase, and the recipe's own arithmetic, which is in single precision up to 20 bits.
    var quality = soxr_quality_spec(UInt(recipe), 0)
    // One thread, as everyone here; the default sizes of its transforms.
    var runtime = soxr_runtime_spec(1)
    var error: soxr_error_t?
    guard
      let state = soxr_create(
        Double(rate), Double(ResamplingEngine.outputRate), 1, &error, &formats, &quality, &runtime)
    else {
      throw PeerFailure("soxr", error.map { String(cString: $0) } ?? "no resampler")
    }
    self.state = state
  }

  deinit { soxr_delete(state) }

  func process(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    var taken = 0
    var written = 0
    while taken < input.count {
      var used = 0
      var given = 0
      let rest = output.behind(written)
      try check(
        soxr_process(
          state, input.baseAddress! + taken, input.count - taken, &used, rest.baseAddress, rest.count, &given))
      guard used + given > 0 else { throw PeerFailure("soxr", "it takes no input") }
      taken += used
      written += given
    }
    return written
  }

  func finish(into output: UnsafeMutableBufferPointer<Float>) throws -> Int {
    var written = 0
    while true {
      var given = 0
      let rest = output.behind(written)
      try check(soxr_process(state, nil, 0, nil, rest.baseAddress, rest.count, &given))
      written += given
      if given == 0 { return written }
    }
  }

  private func check(_ error: soxr_error_t?) throws {
    if let error { throw PeerFailure("soxr", String(cString: error)) }
  }
}
