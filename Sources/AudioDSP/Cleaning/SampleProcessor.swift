/// What changes mono samples in place, one for one.
///
/// Sample `n` of what comes out is sample `n - latencyInSamples` of what went in, processed; before that there is
/// silence. Whoever wants output in step with the input drops the first ``latencyInSamples`` of it and passes as many
/// zeros behind the end. However a stream is cut into calls, what comes out is the same, bit for bit. Samples that are
/// not finite are taken as 0. Nothing allocates after `init`.
public protocol SampleProcessor: ~Copyable {
  /// What the samples come at.
  var sampleRate: SampleRate { get }
  /// How far the output stays behind the input; it does not change.
  var latencyInSamples: Int { get }
  /// Takes the next samples of the stream and leaves as many of the output in their place.
  mutating func process(_ samples: inout MutableSpan<Float>)
  /// Makes the processor as it was after `init`.
  mutating func reset()
}
