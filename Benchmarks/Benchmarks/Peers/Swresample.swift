import CSwresample

/// A context of libswresample for interleaved audio.
final class Swresample {
  /// What goes in or comes out.
  struct Format {
    var sampleFormat: AVSampleFormat
    var channelCount = 1
    var rate = 48_000
  }

  private let context: OpaquePointer

  /// With the defaults for all that is not named here.
  ///
  /// - Parameter matrix: The coefficients by which channels are mixed: `[output][input]`.
  init(from input: Format, to output: Format, matrix: [Double]? = nil) throws {
    var created: OpaquePointer?
    // Once the context is this object's, `deinit` frees it.
    defer { swr_free(&created) }
    var inputLayout = AVChannelLayout()
    var outputLayout = AVChannelLayout()
    av_channel_layout_default(&inputLayout, Int32(input.channelCount))
    av_channel_layout_default(&outputLayout, Int32(output.channelCount))
    try Self.check(
      swr_alloc_set_opts2(
        &created, &outputLayout, output.sampleFormat, Int32(output.rate), &inputLayout, input.sampleFormat,
        Int32(input.rate), 0, nil))
    if let matrix { try Self.check(swr_set_matrix(created, matrix, Int32(input.channelCount))) }
    try Self.check(swr_init(created))
    guard let context = created else { throw PeerFailure("libswresample", "no context") }
    self.context = context
    created = nil
  }

  deinit {
    var context: OpaquePointer? = context
    swr_free(&context)
  }

  /// Takes all of the input and writes what it completes; what has no room is kept. No input at all ends the stream.
  ///
  /// - Returns: How many sample frames were written.
  func convert(
    _ input: UnsafeRawPointer?, frameCount: Int, into output: UnsafeMutableRawPointer, frameCapacity: Int
  ) throws -> Int {
    var target: UnsafeMutablePointer<UInt8>? = output.assumingMemoryBound(to: UInt8.self)
    guard let input else { return try Self.check(swr_convert(context, &target, Int32(frameCapacity), nil, 0)) }
    var source: UnsafePointer<UInt8>? = input.assumingMemoryBound(to: UInt8.self)
    return try Self.check(swr_convert(context, &target, Int32(frameCapacity), &source, Int32(frameCount)))
  }

  /// Negative results are errors.
  @discardableResult
  private static func check(_ code: Int32) throws -> Int {
    guard code >= 0 else { throw PeerFailure("libswresample", "error \(code)") }
    return Int(code)
  }
}
