import AudioDSP
import Foundation

/// The resampler by its definition, in double precision: which filters lead from rate to rate, and each of them
/// zero-stuffed, convolved at the rate of its grid and decimated, on a stream with silence before and behind it.
///
/// It has the committed numbers in common with the engine and nothing else: neither the arrangement of taps in phases,
/// groups or parts of a split, nor blocks, nor histories.
struct ResamplerOracle {
  enum Filter {
    /// `taps[k]` weighs the grid sample `k` before the one that lies `lookAhead` behind the output.
    case table(taps: [Double], lookAhead: Int)
    /// The response at `t` is `sum of cosines[k] * cos(2 pi k t / support)`, with `t` in units of 1/fN. With `rowCount`
    /// its phases lie on straight lines between that many of them and the next input.
    case bank(ShortKernel, inputsPerUnit: Double, rowCount: Int?)
  }

  struct Stage {
    var name: String
    /// Outputs for `inputs` inputs, in lowest terms.
    var outputs: Int
    var inputs: Int
    var filter: Filter
  }

  let pair: RatePair
  let stages: [Stage]

  init(_ setup: ResamplerSetup) {
    let (from, to) = (setup.pair.from, setup.pair.to)
    pair = setup.pair
    var stages: [Stage] = []
    func append(_ name: String, _ outputs: Int, _ inputs: Int, _ table: FilterTable) {
      stages.append(
        Stage(
          name: "\(name) \(outputs)/\(inputs)", outputs: outputs, inputs: inputs,
          filter: .table(taps: table.taps.map { Double($0) }, lookAhead: table.lookAhead)))
    }
    func appendTable(_ outputs: Int, _ inputs: Int, _ kind: FilterTables.Kind) {
      let gridRate = 2 * max(outputs, inputs)
      append("\(kind)", outputs, inputs, FilterTables.table(setup.quality, setup.phase, gridRate: gridRate, kind: kind))
    }
    func appendHalfBands(_ octaves: Range<Int>, outputs: Int, inputs: Int) {
      for octave in octaves {
        // The lower Nyquist frequency over the higher rate of the stage.
        let edge = Double(min(from, to)) / 2 / (Double(max(from, to)) / Double(1 << octave))
        append("half", outputs, inputs, FilterTables.halfBand(protecting: edge))
      }
    }
    /// Between rates that are given as parts of a common one, with fN in the same unit.
    func appendBank(from inputRate: Int, to outputRate: Int, lowerNyquist: Double) {
      guard inputRate != outputRate else { return }
      let (inputs, outputs) = RatePair(from: inputRate, to: outputRate).cycle
      stages.append(
        Stage(
          name: "bank \(outputs)/\(inputs)", outputs: outputs, inputs: inputs,
          filter: .bank(
            FilterTables.shortKernel(setup.quality), inputsPerUnit: Double(inputRate) / lowerNyquist,
            rowCount: outputs > 1_024 ? InterpolatedFilterBank.rowCount : nil)))
    }

    let (low, high) = (min(from, to), max(from, to))
    // The ratios of the tables, each times any number of octaves; 4/3 leaves no room for a short half-band above it.
    var table: (high: Int, low: Int, octaves: Int)?
    for (a, b, mostOctaves) in [(2, 1, 6), (3, 2, 6), (4, 3, 0)] {
      for octaves in 0...mostOctaves where high * b == (low * a) << octaves { table = (a, b, octaves) }
    }
    if low == high {
    } else if let table, from > to {
      appendHalfBands(0..<table.octaves, outputs: 1, inputs: 2)
      appendTable(table.low, table.high, .down)
    } else if let table {
      appendTable(table.high, table.low, .up)
      // From the lowest rate to the highest, which is octave 0.
      for octave in (0..<table.octaves).reversed() { appendHalfBands(octave..<octave + 1, outputs: 2, inputs: 1) }
    } else if from > to {
      let octaves = (0...6).first { from < (4 * to) << $0 }!
      appendHalfBands(0..<octaves, outputs: 1, inputs: 2)
      // In units of the input rate of the bank divided by `from`.
      let scale = 1 << octaves
      appendBank(from: from, to: 2 * to * scale, lowerNyquist: Double(to * scale) / 2)
      appendTable(1, 2, Double(from) < 1.6 * Double(to * scale) ? .deep : .down)
    } else {
      appendTable(2, 1, .up)
      appendBank(from: 2 * from, to: to, lowerNyquist: Double(from) / 2)
    }
    self.stages = stages
  }

  /// How many inputs in front of an output it depends on, and behind it, and a few more.
  var reach: (before: Int, behind: Int) {
    var (before, behind) = (0.0, 0.0)
    // One sample of the present rate, in inputs.
    var unit = 1.0
    for stage in stages {
      switch stage.filter {
      case .table(let taps, let lookAhead):
        before += unit * (Double(taps.count - lookAhead) / Double(stage.outputs) + 1)
        behind += unit * (Double(lookAhead) / Double(stage.outputs) + 1)
      case .bank(let kernel, let inputsPerUnit, _):
        before += unit * (kernel.support / 2 * inputsPerUnit + 1)
        behind += unit * (kernel.support / 2 * inputsPerUnit + 1)
      }
      unit *= Double(stage.inputs) / Double(stage.outputs)
    }
    return (Int(before + unit) + 1, Int(behind + unit) + 1)
  }

  /// The outputs of the given numbers.
  func outputs(_ range: Range<Int>, of input: [Float]) -> [Double] {
    values(range, afterStages: stages.count, of: input)
  }

  /// Each stage asks the one before it for what it needs.
  private func values(_ range: Range<Int>, afterStages stageCount: Int, of input: [Float]) -> [Double] {
    guard stageCount > 0 else { return range.map { input.indices.contains($0) ? Double(input[$0]) : 0 } }
    let stage = stages[stageCount - 1]
    switch stage.filter {
    case .table(let taps, let lookAhead):
      // On the grid output n lies at n * inputs and input i at i * outputs.
      let newest = floored((range.upperBound - 1) * stage.inputs + lookAhead, stage.outputs)
      let oldest = -floored(-(range.lowerBound * stage.inputs + lookAhead - taps.count + 1), stage.outputs)
      let x = values(oldest..<newest + 1, afterStages: stageCount - 1, of: input)
      return range.map { output in
        var sum = 0.0
        var i = floored(output * stage.inputs + lookAhead, stage.outputs)
        var k = output * stage.inputs + lookAhead - i * stage.outputs
        while k < taps.count {
          sum += taps[k] * x[i - oldest]
          k += stage.outputs
          i -= 1
        }
        return Double(stage.outputs) * sum
      }
    case .bank(let kernel, let inputsPerUnit, let rowCount):
      let reach = Int(kernel.support / 2 * inputsPerUnit) + 2
      let first = floored(range.lowerBound * stage.inputs, stage.outputs) - reach
      let last = floored((range.upperBound - 1) * stage.inputs, stage.outputs) + reach
      let x = values(first..<last + 1, afterStages: stageCount - 1, of: input)
      var tapsOfPhases: [Int: [Double]] = [:]
      return range.map { output in
        let base = floored(output * stage.inputs, stage.outputs)
        let phase = output * stage.inputs - base * stage.outputs
        let taps =
          tapsOfPhases[phase]
          ?? Self.taps(
            kernel, inputsPerUnit, phase: Double(phase) / Double(stage.outputs), reach: reach, rowCount: rowCount)
        tapsOfPhases[phase] = taps
        var sum = 0.0
        for j in 0...2 * reach { sum += taps[j] * x[base - reach + j - first] }
        return sum
      }
    }
  }

  /// What the inputs from `reach` before to `reach` behind the base weigh, for an output that lies `phase` behind it.
  private static func taps(
    _ kernel: ShortKernel, _ inputsPerUnit: Double, phase: Double, reach: Int, rowCount: Int?
  ) -> [Double] {
    if let rowCount {
      let row = (phase * Double(rowCount)).rounded(.down)
      let part = phase * Double(rowCount) - row
      let lower = taps(kernel, inputsPerUnit, phase: row / Double(rowCount), reach: reach, rowCount: nil)
      let upper = taps(kernel, inputsPerUnit, phase: (row + 1) / Double(rowCount), reach: reach, rowCount: nil)
      return zip(lower, upper).map { (1 - part) * $0 + part * $1 }
    }
    return (-reach...reach).map { i in
      let t = (phase - Double(i)) / inputsPerUnit
      guard abs(t) <= kernel.support / 2 else { return 0 }
      // cos(k a) = 2 cos(a) cos((k - 1) a) - cos((k - 2) a)
      let cosine = cos(2 * Double.pi * t / kernel.support)
      var (before, now) = (cosine, 1.0)
      var sum = 0.0
      for a in kernel.cosines {
        sum += a * now
        (before, now) = (now, 2 * cosine * now - before)
      }
      return sum / inputsPerUnit
    }
  }

  private func floored(_ a: Int, _ b: Int) -> Int { a >= 0 ? a / b : -((b - 1 - a) / b) }
}
