/// Why a filter was refused.
public enum FilterError: Error, Equatable, CustomStringConvertible {
  /// The corner frequency, in Hz, is not in the valid range.
  case cornerFrequency(Double, valid: ClosedRange<Double>)
  /// The number of harmonics is not in the valid range.
  case harmonicCount(Int, valid: ClosedRange<Int>)
  /// The tolerance of the mains frequency, as a part of it, is not in the valid range.
  case tolerance(Double, valid: ClosedRange<Double>)

  public var description: String {
    switch self {
    case .cornerFrequency(let value, let valid):
      "a corner of \(value) Hz is outside of \(valid.lowerBound) to \(valid.upperBound) Hz"
    case .harmonicCount(let value, let valid):
      "\(value) harmonics are outside of \(valid.lowerBound) to \(valid.upperBound)"
    case .tolerance(let value, let valid):
      "a tolerance of \(value) is outside of \(valid.lowerBound) to \(valid.upperBound)"
    }
  }
}
