/// A gain that moves linearly in amplitude, one step a sample.
///
/// The `k`-th sample of a ramp of `n` has the gain `from + (to - from) * k / n`, in double precision, and the last one
/// `to` itself. A sample is multiplied in double precision and rounded to nearest, halves to even.
struct GainRamp {
  private var from: Double
  private(set) var target: Double
  private var sampleCount = 0
  private var doneCount = 0

  init(_ gain: Double) {
    from = gain
    target = gain
  }

  /// The gain of the last sample.
  var gain: Double { gain(after: 0) }
  /// Whether all samples stay as they are.
  var isIdentity: Bool { target == 1 && doneCount == sampleCount }

  /// The gain of the sample `index` places after the last one.
  func gain(after index: Int) -> Double {
    let k = doneCount + index
    return k >= sampleCount ? target : from + (target - from) * Double(k) / Double(sampleCount)
  }

  mutating func move(to gain: Double, in sampleCount: Int) {
    from = self.gain
    target = gain
    self.sampleCount = sampleCount
    doneCount = 0
  }

  mutating func advance(by count: Int) { doneCount = min(sampleCount, doneCount + count) }

  /// - Precondition: `gain` is from 0 to 1.
  static func scaled(_ sample: Int16, by gain: Double) -> Int16 {
    Int16((Double(sample) * gain).rounded(.toNearestOrEven))
  }
}
