/// How many outputs a resampler gives for how many inputs, in lowest terms.
struct ResamplingRatio: Equatable {
  let outputs: Int
  let inputs: Int

  init(from inputRate: SampleRate, to outputRate: SampleRate) {
    var (a, b) = (inputRate.hertz, outputRate.hertz)
    while b != 0 { (a, b) = (b, a % b) }
    outputs = outputRate.hertz / a
    inputs = inputRate.hertz / a
  }

  /// How many outputs lie before the end of `inputCount` inputs: `ceil(inputCount * outputs / inputs)`, 0 for a negative
  /// count.
  ///
  /// The product overflows after 2^63 / 192,000 samples, eight years at 192 kHz.
  func outputCount(forInputCount inputCount: Int) -> Int {
    inputCount <= 0 ? 0 : (inputCount * outputs + inputs - 1) / inputs
  }

  /// The input sample at or before an output.
  func inputBase(ofOutput output: Int) -> Int { output * inputs / outputs }

  /// Where an output lies after its base, in units of an input sample divided by `outputs`.
  func phase(ofOutput output: Int) -> Int { output * inputs % outputs }
}
