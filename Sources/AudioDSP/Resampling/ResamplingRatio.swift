/// How many outputs a resampler gives for how many inputs, in lowest terms.
package struct ResamplingRatio: Equatable {
  package let outputs: Int
  package let inputs: Int

  package init(from inputRate: SampleRate, to outputRate: SampleRate) {
    self.init(outputRate.hertz, to: inputRate.hertz)
  }

  package init(_ outputs: Int, to inputs: Int) {
    var (a, b) = (inputs, outputs)
    while b != 0 { (a, b) = (b, a % b) }
    self.outputs = outputs / a
    self.inputs = inputs / a
  }

  /// How many outputs lie before the end of `inputCount` inputs: `ceil(inputCount * outputs / inputs)`. Negative where
  /// the count is: instants before the stream's start have negative numbers.
  ///
  /// The product overflows after 2^63 / 192,000 samples, eight years at 192 kHz.
  package func outputCount(forInputCount inputCount: Int) -> Int { -(-inputCount * outputs).flooredQuotient(inputs) }

  /// The input sample at or before an output.
  func inputBase(ofOutput output: Int) -> Int { (output * inputs).flooredQuotient(outputs) }

  /// Where an output lies after its base, in units of an input sample divided by `outputs`.
  func phase(ofOutput output: Int) -> Int { (output * inputs).flooredRemainder(outputs) }
}

extension Int {
  /// The quotient by a positive divisor, rounded down.
  func flooredQuotient(_ divisor: Int) -> Int { (self >= 0 ? self : self - divisor + 1) / divisor }
  /// What the floored quotient leaves, not negative.
  func flooredRemainder(_ divisor: Int) -> Int { self - flooredQuotient(divisor) * divisor }
}
