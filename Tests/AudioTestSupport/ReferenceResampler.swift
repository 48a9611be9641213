import Foundation

/// A plain resampler: each output is the sum over the whole filter of input times sinc times window, in double
/// precision, with nothing tabulated.
///
/// The filter is much longer than any in use, so that it can be taken for ideal below 0.9 of the lower Nyquist
/// frequency: a sinc that ends in the middle of the band above, under a Blackman-Harris window of four terms (F. J.
/// Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", 1978; side lobes -92 dB,
/// and far less a few bins away).
public struct ReferenceResampler: Sendable {
  private let inputRate: Double
  private let outputRate: Double

  public init(from inputRate: Int, to outputRate: Int) {
    self.inputRate = Double(inputRate)
    self.outputRate = Double(outputRate)
  }

  /// Half of the filter's length, in cycles of the lower rate.
  private static let halfWidthInCycles = 240.0

  /// How many inputs on each side of an output count.
  public var reach: Int { Int((Self.halfWidthInCycles * max(1, inputRate / outputRate)).rounded(.up)) }

  /// Output `index`, as if zeros stood before and behind the input.
  public func output(_ index: Int, of input: [Float]) -> Double {
    let center = Double(index) / outputRate * inputRate
    let bandwidth = min(1, outputRate / inputRate)
    let halfWidth = Double(reach)
    let first = max(0, Int((center - halfWidth).rounded(.up)))
    let last = min(input.count - 1, Int((center + halfWidth).rounded(.down)))
    guard first <= last else { return 0 }
    var sum = 0.0
    for i in first...last {
      let distance = Double(i) - center
      sum += Double(input[i]) * bandwidth * sinc(bandwidth * distance) * window(distance / halfWidth)
    }
    return sum
  }

  private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(Double.pi * x) / (Double.pi * x) }

  /// For -1 ... 1, with its maximum of 1 at 0.
  private func window(_ x: Double) -> Double {
    let angle = Double.pi * x
    return 0.35875 + 0.48829 * cos(angle) + 0.14128 * cos(2 * angle) + 0.01168 * cos(3 * angle)
  }
}
