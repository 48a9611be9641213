/// Changes the sample rate of a stream of one channel.
///
/// An engine compensates its delay: sample `k` of the output is the instant `k / outputRate` of the input, and after
/// ``finish(into:)`` there are exactly `ceil(inputCount * outputRate / inputRate)` of them.
public protocol ResamplingEngine: ~Copyable {
  /// The rate of what goes in.
  var inputRate: SampleRate { get }
  /// The rate of what comes out.
  var outputRate: SampleRate { get }

  /// How far the output stays behind the input, in samples at the input rate, rounded up: output for the instant `t`
  /// can be had when the input up to `t` plus this delay has gone in.
  var latencyInSamples: Int { get }

  /// The most outputs that ``process(_:into:)`` gives for `inputCount` more inputs, in the present state; 0 after
  /// ``finish(into:)``.
  func outputCapacity(forInputCount inputCount: Int) -> Int

  /// How many outputs ``finish(into:)`` will give.
  var remainingOutputCount: Int { get }

  /// Takes all of `input` and writes the outputs that it completes to the start of `output`.
  ///
  /// - Returns: How many outputs were written.
  /// - Throws: ``ResamplerError/outputTooSmall(required:capacity:)`` or ``ResamplerError/finished``, having changed
  ///   neither state nor output.
  mutating func process(_ input: Span<Float>, into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int

  /// Takes silence for what would follow the input, and writes the last outputs.
  ///
  /// - Returns: How many outputs were written.
  /// - Throws: As ``process(_:into:)``.
  mutating func finish(into output: inout MutableSpan<Float>) throws(ResamplerError) -> Int

  /// Makes the engine as it was after `init`.
  mutating func reset()
}

/// What can go wrong with a ``ResamplingEngine``.
public enum ResamplerError: Error, Equatable, CustomStringConvertible {
  /// The output has room for `capacity` samples; the call may give `required`.
  case outputTooSmall(required: Int, capacity: Int)
  /// Input came after `finish`, without `reset`.
  case finished
  /// The engine's own library failed.
  case engineFailed(String)

  public var description: String {
    switch self {
    case .outputTooSmall(let required, let capacity):
      "the output has room for \(capacity) samples where up to \(required) are due"
    case .finished: "input after finish, without reset"
    case .engineFailed(let reason): "the resampling engine failed: \(reason)"
    }
  }
}
