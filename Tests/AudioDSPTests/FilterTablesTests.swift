import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// The committed filters by number, each by itself, at many more frequencies than tones through a resampler can reach.
/// Frequencies are parts of fN, the lower Nyquist frequency of a conversion; a table's grid has the rate `gridRate` in
/// the same unit.
@Suite struct FilterTablesTests {
  struct Table: Sendable, CustomTestStringConvertible {
    var quality: ResamplingQuality
    var phase: ResamplingPhase
    var kind: FilterTables.Kind
    var gridRate: Int

    var testDescription: String { "\(quality), \(phase), \(kind), R = \(gridRate)" }

    /// The taps as a stage has them: multiplied by what it goes up by, rounded once, and divided again.
    var taps: [Double] {
      let factor: Int
      switch kind {
      case .up: factor = gridRate / 2
      case .down, .deep: factor = gridRate / 2 - 1
      }
      return FilterTables.table(quality, phase, gridRate: gridRate, kind: kind).taps.map {
        Double(Float(Double(factor) * Double($0))) / Double(factor)
      }
    }

    static let all = ResamplingQuality.allCases.flatMap { quality in
      ResamplingPhase.allCases.flatMap { phase in
        ([(.down, 4), (.down, 6), (.down, 8), (.up, 4), (.up, 6), (.up, 8), (.deep, 4)]
          as [(FilterTables.Kind, Int)])
          .map { Table(quality: quality, phase: phase, kind: $0, gridRate: $1) }
      }
    }
  }

  /// The magnitude of the response of `taps` at a frequency in cycles a sample, by Horner's rule.
  private static func magnitude(_ taps: [Double], _ frequency: Double) -> Double {
    let (c, s) = (cos(2 * Double.pi * frequency), -sin(2 * Double.pi * frequency))
    var (real, imaginary) = (0.0, 0.0)
    for tap in taps.reversed() { (real, imaginary) = (real * c - imaginary * s + tap, real * s + imaginary * c) }
    return (real * real + imaginary * imaginary).squareRoot()
  }

  private static func spread(_ range: ClosedRange<Double>, _ count: Int) -> [Double] {
    (0...count).map { range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(count) }
  }

  @Test("Each table keeps its mask", arguments: Table.all)
  func masks(table: Table) {
    let taps = table.taps
    let rate = Double(table.gridRate)
    func gain(_ part: Double) -> Double { decibels(Self.magnitude(taps, part / rate)) }
    // A half-band is not scaled to 1, because that would spoil its stopband: 2.8e-6 is 0.00003 dB.
    #expect(abs(taps.reduce(0, +) - 1) < 3e-6)

    // What the whole conversion has is 0.01 dB, of which a bank takes up to 0.0008.
    let mask = ResamplerQualityTests.Mask(table.quality)
    let passband = Self.spread(0...0.9, 10 * taps.count / table.gridRate).map(gain)
    #expect(passband.max()! - passband.min()! <= 0.0091)
    #expect(Self.spread(0.9...mask.edge, 10).map(gain).min()! >= -0.1)

    // Going up, only the images of what the mask covers must be gone; the images of one tone add their powers.
    let (start, rejection): (Double, Double)
    switch table.kind {
    case .down: (start, rejection) = (mask.stopStart, mask.rejection + (table.quality == .fast ? 0.5 : 2))
    case .up:
      start = 2 - mask.cleanEnd
      rejection = mask.rejection + (table.quality == .fast ? 0.3 : 2) + [4: 0, 6: 3, 8: 4.8][table.gridRate]!
    // A tone just above fN comes twice.
    case .deep: (start, rejection) = (mask.stopStart, mask.rejection + (table.quality == .fast ? 0.5 : 5))
    }
    let stopband = Self.spread(start...rate / 2, 8 * taps.count).map(gain)
    #expect(stopband.max()! <= -rejection)
  }

  @Test("A linear-phase table is symmetric about the sample that it is aligned to", arguments: Table.all)
  func symmetry(table: Table) throws {
    let found = FilterTables.table(table.quality, table.phase, gridRate: table.gridRate, kind: table.kind)
    switch table.phase {
    case .linear:
      #expect(found.taps == found.taps.reversed())
      #expect(found.taps.count == 2 * found.lookAhead + 1)
    case .minimum:
      // The delay of low frequencies, to the nearest sample of the grid.
      var (sum, moment) = (0.0, 0.0)
      for (i, tap) in found.taps.enumerated() {
        sum += Double(tap)
        moment += Double(tap) * Double(i)
      }
      #expect(abs(moment / sum - Double(found.lookAhead)) <= 0.5)
    }
  }

  @Test(
    "A minimum-phase table has no zero outside of the unit circle", arguments: Table.all.filter { $0.phase == .minimum }
  )
  func zeros(table: Table) {
    // Along a circle of radius 1.02, which has the zeros on the unit circle inside, the response turns about 0 as often
    // as there are zeros outside of it.
    let taps = table.taps.enumerated().map { $1 * pow(1.02, -Double($0)) }
    var turns = 0.0
    var last = 0.0
    let count = 16 * taps.count
    for i in 0...count {
      let frequency = Double(i) / Double(count)
      let (c, s) = (cos(2 * Double.pi * frequency), -sin(2 * Double.pi * frequency))
      var (real, imaginary) = (0.0, 0.0)
      for tap in taps.reversed() { (real, imaginary) = (real * c - imaginary * s + tap, real * s + imaginary * c) }
      let angle = atan2(imaginary, real)
      if i > 0 { turns += remainder(angle - last, 2 * Double.pi) / (2 * Double.pi) }
      last = angle
    }
    #expect(abs(turns) < 0.1)
  }

  @Test("Minimum phase is the shorter way", arguments: Table.all.filter { $0.phase == .minimum })
  func lengths(table: Table) {
    let linear = FilterTables.table(table.quality, .linear, gridRate: table.gridRate, kind: table.kind)
    let minimum = FilterTables.table(table.quality, .minimum, gridRate: table.gridRate, kind: table.kind)
    #expect(minimum.taps.count < linear.taps.count)
    #expect(8 * minimum.lookAhead < linear.lookAhead)
  }

  @Test("Each half-band guards what it is said to guard", arguments: [6, 8, 9, 12, 14, 16, 48, 96])
  func halfBands(rate: Int) {
    let table = FilterTables.halfBand(protecting: 1 / Double(rate))
    let taps = table.taps.map { Double($0) }
    let middle = taps.count / 2
    #expect(table.lookAhead == middle && taps == taps.reversed())
    #expect(taps[middle] == 0.5)
    for distance in stride(from: 2, through: middle, by: 2) { #expect(taps[middle - distance] == 0) }
    // What folds onto 0 ... 0.97, and the images from there, stay under those of a sharp filter with 130 dB, and a
    // chain of several adds little.
    let edge = 0.97 / Double(rate)
    #expect(Self.spread(0.5 - edge...0.5, 400).map { decibels(Self.magnitude(taps, $0)) }.max()! <= -140)
    #expect(Self.spread(0...edge, 400).map { abs(decibels(Self.magnitude(taps, $0))) }.max()! <= 1e-5)
    // Up to fN nothing is lost, whatever may fold there.
    #expect(Self.spread(edge...1 / Double(rate), 40).map { abs(decibels(Self.magnitude(taps, $0))) }.max()! <= 1e-3)
  }

  @Test("Half-bands are as short as their task allows")
  func halfBandLengths() {
    let lengths = [6, 8, 12, 16].map { FilterTables.halfBand(protecting: 1 / Double($0)).taps.count }
    #expect(lengths == lengths.sorted(by: >) && Set(lengths).count == 4)
    // A quotient of rates may come out a little too large.
    #expect(FilterTables.halfBand(protecting: (1.0 / 8).nextUp).taps.count == lengths[1])
    #expect(FilterTables.halfBand(protecting: 1.0 / 7.9).taps.count == lengths[0])
  }

  @Test(
    "The banks' kernels pass what a table passes, and stop what it lets through around multiples of its rate",
    arguments: [(.voice, 1, 0.92, 130), (.sharp, 1, 0.935, 144), (.fast, 1.095, 0.91, 120)]
      as [(ResamplingQuality, Double, Double, Double)])
  func kernels(quality: ResamplingQuality, halfWidth: Double, edge: Double, rejection: Double) {
    let kernel = FilterTables.shortKernel(quality)
    func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(Double.pi * x) / (Double.pi * x) }
    // The transform of a cosine that lasts for the support: two sincs.
    func gain(_ frequency: Double) -> Double {
      var sum = 0.0
      for (k, a) in kernel.cosines.enumerated() {
        let x = frequency * kernel.support
        sum += a * (sinc(x - Double(k)) + sinc(x + Double(k))) * kernel.support / 2
      }
      return decibels(abs(sum))
    }
    #expect(abs(gain(0)) < 1e-9)
    let passband = Self.spread(0...edge, 300).map(gain)
    #expect(passband.max()! - passband.min()! <= 0.0009)
    for multiple in 1...12 {
      let stopband = Self.spread(4 * Double(multiple) - halfWidth...4 * Double(multiple) + halfWidth, 60).map(gain)
      #expect(stopband.max()! <= -rejection - 20 * log10(Double(multiple)), "around \(4 * multiple) fN")
    }
    // It ends at 0, and is flat there: with a step its images would hardly fall.
    func value(_ t: Double) -> Double {
      kernel.cosines.enumerated().reduce(0) { $0 + $1.1 * cos(2 * Double.pi * Double($1.0) * t / kernel.support) }
    }
    #expect(abs(value(kernel.support / 2)) < 1e-9)
    #expect(abs(value(kernel.support / 2 - 1e-4)) < 1e-5)
  }
}
