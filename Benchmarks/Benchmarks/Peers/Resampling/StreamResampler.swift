/// A resampler of one channel to 24 kHz, ours or a peer's.
protocol StreamResampler: AnyObject {
  /// Takes all of `input` and writes what it completes to the start of `output`, which has room for all that can come.
  ///
  /// - Returns: How many outputs were written.
  func process(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) throws -> Int

  /// Ends the stream and writes the last outputs.
  func finish(into output: UnsafeMutableBufferPointer<Float>) throws -> Int
}

/// One way to resample.
struct ResamplingEngine: Sendable {
  /// Every engine's output rate.
  static let outputRate = 24_000

  var name: String
  /// Makes one at the start of a stream, for an input rate.
  var make: @Sendable (Int) throws -> any StreamResampler
}

/// A library refused.
struct PeerFailure: Error, CustomStringConvertible {
  var description: String

  init(_ library: String, _ reason: String) { description = "\(library): \(reason)" }
}

extension UnsafeMutableBufferPointer<Float> {
  /// What lies behind the first `count` elements.
  func behind(_ count: Int) -> Self { Self(rebasing: self[count...]) }
}
