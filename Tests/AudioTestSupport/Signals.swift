import Foundation

/// `amplitude * sin(2 pi frequency i / rate + phase)` for `i` in `0..<count`, computed in double precision and rounded
/// once.
///
/// - Parameters:
///   - frequency: In Hz.
///   - rate: Samples per second.
///   - phase: In radians.
public func sineWave(
  _ frequency: Double, rate: Int, count: Int, amplitude: Double = 1, phase: Double = 0
) -> [Float] {
  (0..<count).map { Float(amplitude * sin(2 * Double.pi * frequency * Double($0) / Double(rate) + phase)) }
}

/// A sum of sines of which each instant can be computed, whatever the sample rate: the oracle that needs no filter.
public struct SineMixture: Sendable {
  private let parts: [(frequency: Double, amplitude: Double, phase: Double)]

  /// `partCount` sines of random frequencies in `band` (in Hz) and random phases, that add up to at most 1.
  public init(band: ClosedRange<Double>, partCount: Int, using random: inout SeededGenerator) {
    var parts: [(frequency: Double, amplitude: Double, phase: Double)] = []
    for _ in 0..<partCount {
      parts.append(
        (
          Double.random(in: band, using: &random), 1 / Double(partCount),
          Double.random(in: 0...(2 * Double.pi), using: &random)
        ))
    }
    self.parts = parts
  }

  /// The value at `time`, in seconds.
  public func value(at time: Double) -> Double {
    var sum = 0.0
    for part in parts { sum += part.amplitude * sin(2 * Double.pi * part.frequency * time + part.phase) }
    return sum
  }

  /// The values at `i / rate` for `i` in `0..<count`, rounded once.
  public func samples(rate: Int, count: Int) -> [Float] {
    (0..<count).map { Float(value(at: Double($0) / Double(rate))) }
  }
}

extension SeededGenerator {
  /// `count` random samples, uniform in `range`.
  public mutating func samples(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    var samples: [Float] = []
    samples.reserveCapacity(count)
    for _ in 0..<count { samples.append(Float.random(in: range, using: &self)) }
    return samples
  }

  /// `count` random bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for _ in 0..<count { bytes.append(UInt8(truncatingIfNeeded: next())) }
    return bytes
  }
}

/// The first index at which two arrays differ, a length that one of them lacks included; nil when they are equal.
public func firstDifference<Element: Equatable>(_ a: [Element], _ b: [Element]) -> Int? {
  if a == b { return nil }
  return zip(a, b).enumerated().first { $1.0 != $1.1 }?.offset ?? min(a.count, b.count)
}

/// The first index at which two arrays differ in any bit, so that -0 and 0 differ and equal NaNs do not.
public func firstBitDifference(_ a: [Float], _ b: [Float]) -> Int? {
  firstDifference(a.map(\.bitPattern), b.map(\.bitPattern))
}

/// A ratio of amplitudes in decibels.
public func decibels(_ ratio: Double) -> Double { 20 * log10(ratio) }
