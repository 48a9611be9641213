/// G.711 by its tables of decision values, as ITU-T G.711 (11/88) tables 1a to 2b lay them out: from the end points of
/// the segments and the number of intervals in each.
///
/// A sample is encoded by a search of the signed axis for the interval that holds it, the lower end included and the
/// upper one not; a code stands for the middle of its interval.
public struct ReferenceG711: Sendable {
  /// The lower ends of the intervals of the whole axis, in PCM16 units, rising; the lowest is open.
  private let lowerEnds: [Int]
  /// The code of each of these intervals.
  private let codes: [UInt8]
  /// What each code stands for.
  private let values: [Int16]

  /// A-law: the scale is 4096 to the top of the range, 8 PCM16 steps a unit. The first segment runs from 0 to 64 in 32
  /// intervals, the six others end at 128, 256 ... 4096 and have 16 each. Even bits are inverted.
  public static let aLaw: ReferenceG711 = {
    var ends = (0...32).map { 2 * $0 }
    for top in [128, 256, 512, 1024, 2048, 4096] { appendSegment(to: top, intervalCount: 16, &ends) }
    let middles = zip(ends, ends.dropFirst()).map { Double($0 + $1) / 2 }
    return ReferenceG711(decisionValues: ends, middles: middles, unit: 8) { number, isNegative in
      UInt8((isNegative ? 0 : 128) + number) ^ 0b0101_0101
    }
  }()

  /// Mu-law: the scale is 8159 to the top of the range, 4 PCM16 steps a unit. The first segment runs from 0 to 31, in
  /// one interval to 1 and 15 more; the others end at 95, 223 ... 8159 and have 16 each. The interval at 0 stands for
  /// 0. All bits are inverted.
  public static let muLaw: ReferenceG711 = {
    var ends = [0, 1]
    appendSegment(to: 31, intervalCount: 15, &ends)
    for top in [95, 223, 479, 991, 2015, 4063, 8159] { appendSegment(to: top, intervalCount: 16, &ends) }
    var middles = zip(ends, ends.dropFirst()).map { Double($0 + $1) / 2 }
    middles[0] = 0
    return ReferenceG711(decisionValues: ends, middles: middles, unit: 4) { number, isNegative in
      ~UInt8((isNegative ? 128 : 0) + number)
    }
  }()

  private static func appendSegment(to top: Int, intervalCount: Int, _ ends: inout [Int]) {
    let bottom = ends[ends.count - 1]
    for i in 1...intervalCount { ends.append(bottom + (top - bottom) * i / intervalCount) }
  }

  private init(
    decisionValues ends: [Int], middles: [Double], unit: Int, code: (_ number: Int, _ isNegative: Bool) -> UInt8
  ) {
    var values = [Int16](repeating: 0, count: 256)
    var lowerEnds: [Int] = []
    var codes: [UInt8] = []
    for number in (0..<128).reversed() {
      lowerEnds.append(-ends[number + 1] * unit)
      codes.append(code(number, true))
      values[Int(code(number, true))] = Int16(-middles[number] * Double(unit))
    }
    for number in 0..<128 {
      lowerEnds.append(ends[number] * unit)
      codes.append(code(number, false))
      values[Int(code(number, false))] = Int16(middles[number] * Double(unit))
    }
    self.lowerEnds = lowerEnds
    self.codes = codes
    self.values = values
  }

  public func decoded(_ code: UInt8) -> Int16 { values[Int(code)] }

  public func encoded(_ sample: Int16) -> UInt8 {
    // The last interval that starts at or below the sample; what lies below all belongs to the lowest.
    var (low, high) = (0, lowerEnds.count)
    while low + 1 < high {
      let middle = (low + high) / 2
      if lowerEnds[middle] <= Int(sample) { low = middle } else { high = middle }
    }
    return codes[low]
  }
}
