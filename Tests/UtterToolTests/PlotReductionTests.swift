import AudioDSP
import AudioTestSupport
import Testing

@testable import utter

/// What a picture is made from: columns, bands, marks and text.
@Suite struct PlotReductionTests {
  @Test func columnsAreThoseOfADirectReduction() {
    var generator = SeededGenerator(seed: 7)
    for capacity in [2, 6, 16, 100] {
      for round in 0..<60 {
        let count = round < 3 ? round : Int.random(in: 0...40 * capacity, using: &generator)
        let values = (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
        var reducer = EnvelopeReducer(capacity: capacity)
        var taken = 0
        while taken < count {
          let piece = Int.random(in: 1...max(1, count / 3), using: &generator)
          let end = min(count, taken + piece)
          if piece == 1 { reducer.add(values[taken]) } else { reducer.add(values.span.extracting(taken..<end)) }
          taken = end
        }

        // The least power of two with which they fit.
        var width = 1
        while (count + width - 1) / width > capacity { width *= 2 }
        #expect(reducer.count == count)
        #expect(reducer.valuesPerColumn == width)
        #expect(reducer.columns.count == (count + width - 1) / width)
        #expect(reducer.columns.count <= capacity && (width == 1 || reducer.columns.count > capacity / 2))
        for (i, column) in reducer.columns.enumerated() {
          let run = values[i * width..<min(count, (i + 1) * width)]
          #expect(reducer.values(ofColumn: i) == run.indices)
          #expect(column.minimum == run.min() && column.maximum == run.max())
          #expect(abs(column.mean - run.reduce(0) { $0 + Double($1) } / Double(run.count)) < 1e-12)
        }
      }
    }
  }

  @Test func columnsDoNotDependOnTheCalls() {
    var generator = SeededGenerator(seed: 8)
    let values = (0..<10_000).map { _ in Float.random(in: -1...1, using: &generator) }
    var (oneByOne, atOnce) = (EnvelopeReducer(capacity: 30), EnvelopeReducer(capacity: 30))
    for value in values { oneByOne.add(value) }
    atOnce.add(values.span)
    #expect(oneByOne.columns == atOnce.columns)
  }

  @Test func bandsAreTheRangesWhereTheyCanBeToldApart() {
    let ranges = [10..<40, 40..<60, 75..<90, 200..<300]
    #expect(Band.bands(ranges, unit: 10).map(\.range) == ranges)
    // 5 are too narrow to be seen apart from what lies 2 before.
    #expect(
      Band.bands([0..<100, 102..<107, 140..<150], unit: 10) == [
        Band(range: 0..<107, count: 2), Band(range: 140..<150),
      ])
    #expect(Band.bands([Range<Int>](), unit: 10).isEmpty)
  }

  @Test func bandsAreBoundedInNumber() {
    var generator = SeededGenerator(seed: 9)
    let length = 100_000
    for longest in [3, 30, 300] {
      var ranges: [Range<Int>] = []
      var place = 0
      while place < length {
        let start = place + Int.random(in: 0...longest, using: &generator)
        ranges.append(start..<start + Int.random(in: 1...longest, using: &generator))
        place = ranges[ranges.count - 1].upperBound
      }
      let unit = 250.0
      let bands = Band.bands(ranges, unit: unit)
      #expect(Double(bands.count) <= 2 * Double(place) / unit + 1)
      #expect(bands.reduce(0) { $0 + $1.count } == ranges.count)
      // Everything that was in a range is in a band.
      let covered = bands.reduce(into: Set<Int>()) { $0.formUnion($1.range) }
      #expect(ranges.allSatisfy { $0.allSatisfy(covered.contains) })
    }
  }

  @Test(arguments: [
    (0.01, "s", ["0.000", "0.001", "0.002"]), (0.2, "s", ["0.00", "0.02", "0.04"]), (3, "s", ["0.0", "0.5", "1.0"]),
    (11.5, "s", ["0", "1", "2"]), (90, "min:s", ["0:00", "0:10", "0:20"]), (1_200, "min:s", ["0:00", "2:00", "4:00"]),
    (3_600, "h:min", ["0:00", "0:05", "0:10"]), (86_400, "h:min", ["0:00", "2:00", "4:00"]),
    (4_000_000, "h:min", ["0:00", "120:00", "240:00"]),
  ])
  func timeIsMarkedAsPeopleCountIt(duration: Double, unit: String, labels: [String]) {
    let axis = TimeAxis(duration: duration)
    #expect(axis.unit == unit)
    #expect(axis.ticks.prefix(3).map(\.label) == labels)
  }

  @Test func marksAreFewAndDiffer() {
    var generator = SeededGenerator(seed: 10)
    for _ in 0..<2_000 {
      let duration = 0.01 * pow10(Double.random(in: 0...10, using: &generator))
      let axis = TimeAxis(duration: duration)
      #expect((5...13).contains(axis.ticks.count), "\(duration) s")
      #expect(Set(axis.ticks.map(\.label)).count == axis.ticks.count, "\(duration) s")
      #expect(axis.ticks.allSatisfy { $0.time >= 0 && $0.time <= duration * (1 + 1e-9) })
      #expect(axis.ticks.allSatisfy { $0.label.count <= 9 })
    }
    // A mark at the very end.
    #expect(TimeAxis(duration: 3).ticks.last?.label == "3.0")
  }

  private func pow10(_ exponent: Double) -> Double {
    var value = 1.0
    for _ in 0..<Int(exponent) { value *= 10 }
    return value * (1 + 9 * (exponent - exponent.rounded(.down)))
  }

  @Test func amplitudesHaveRoundLimits() {
    let limits: [(Float, Double)] = [
      (0, 1), (1e-9, 0.01), (0.01, 0.01), (0.011, 0.02), (0.1, 0.1), (0.2, 0.2), (0.21, 0.5), (0.99, 1), (1, 1),
      (1.5, 2), (32_768, 50_000),
    ]
    for (peak, limit) in limits {
      let scale = AmplitudeScale(peak: peak)
      #expect(abs(scale.limit / limit - 1) < 1e-9, "\(peak)")
    }
    #expect(AmplitudeScale(peak: .greatestFiniteMagnitude).limit.isFinite)
    let ticks = AmplitudeScale(peak: 0.4).ticks
    #expect(ticks.map(\.amplitude) == ["0.5", "0.25", "0", "-0.25", "-0.5"])
    #expect(ticks.map(\.decibels) == ["-6", "-12", nil, "-12", "-6"])
    #expect(AmplitudeScale(peak: 1).ticks.map(\.decibels) == ["0", "-6", nil, "-6", "0"])
    for tick in AmplitudeScale(peak: 3e38).ticks { #expect(tick.amplitude.count <= 8) }
  }

  @Test func numbersAreShortAndNeverStrange() {
    let numbers: [(Double, String)] = [
      (0, "0"), (-0.001, "0"), (1, "1"), (1.5, "1.5"), (-1.25, "-1.25"), (0.05, "0.05"), (-0.05, "-0.05"),
      (1_234.567, "1234.57"), (.nan, "0"), (.infinity, "0"), (1e300, "1000000000"),
    ]
    for (number, text) in numbers { #expect(SVGWriter.decimal(number) == text) }
  }

  @Test func whatXMLCannotHoldIsReplaced() {
    #expect(SVGWriter.escaped("a<b>&\"c\"'é話") == "a&lt;b&gt;&amp;&quot;c&quot;'é話")
    #expect(SVGWriter.escaped("a\u{0}\u{1B}\u{FFFE}b\tc") == "a\u{FFFD}\u{FFFD}\u{FFFD}b&#9;c")
  }

  @Test func scoresThatAreNoNumbersAreNoSpeech() {
    var plot = SpeechPlot(FrameGrid(.hz8000))
    for score: Float in [.nan, -1, 0.5, 2, .infinity] { plot.add(score) }
    #expect(plot.scores.columns.map(\.maximum) == [0, 0, 0.5, 1, 1])
  }
}
