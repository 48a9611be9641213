import AudioDSP
import AudioTestSupport
import Testing

/// Which stages lead from rate to rate. ``ResamplerOracleTests`` show that each of them has the right filter.
@Suite struct ResamplingChainTests {
  private static func chain(
    _ pair: RatePair, _ quality: ResamplingQuality = .voice, laneCount: Int = 8
  ) throws -> [ResamplingStage] {
    ResamplingChain(
      ResamplingRatio(from: try pair.inputRate, to: try pair.outputRate), quality: quality, phase: .linear,
      laneCount: laneCount, splitDepth: 2
    ).stages
  }

  private static func describe(_ stage: ResamplingStage) -> String {
    let ratio = "\(stage.ratio.outputs)/\(stage.ratio.inputs)"
    switch stage {
    case .polyphase: return ratio
    case .grouped: return "bank \(ratio)"
    case .interpolated: return "interpolated \(ratio)"
    }
  }

  @Test(
    "The way of the usual rates",
    arguments: [
      (48_000, 24_000, ["1/2"]), (24_000, 16_000, ["2/3"]), (32_000, 24_000, ["3/4"]), (24_000, 48_000, ["2/1"]),
      (16_000, 24_000, ["3/2"]), (24_000, 32_000, ["4/3"]),
      (96_000, 24_000, ["1/2", "1/2"]), (192_000, 24_000, ["1/2", "1/2", "1/2"]), (48_000, 16_000, ["1/2", "2/3"]),
      (192_000, 4_000, ["1/2", "1/2", "1/2", "1/2", "1/2", "2/3"]),
      (8_000, 24_000, ["3/2", "2/1"]), (24_000, 192_000, ["2/1", "2/1", "2/1"]),
      (8_000, 48_000, ["3/2", "2/1", "2/1"]),
      (44_100, 24_000, ["bank 160/147", "1/2"]), (37_800, 24_000, ["bank 80/63", "1/2"]),
      (25_000, 24_000, ["bank 48/25", "1/2"]), (22_050, 24_000, ["2/1", "bank 80/147"]),
      (24_000, 44_100, ["2/1", "bank 147/160"]), (11_025, 24_000, ["2/1", "bank 160/147"]),
      (44_100, 8_000, ["1/2", "bank 320/441", "1/2"]), (44_100, 16_000, ["bank 320/441", "1/2"]),
      // 8/3: a half-band at 8/3 of the lower rate would not be short.
      (64_000, 24_000, ["bank 3/4", "1/2"]), (24_000, 64_000, ["2/1", "bank 4/3"]),
      // Exactly where the ratio ends that half-bands leave over to a bank.
      (90_000, 24_000, ["bank 8/15", "1/2"]), (100_000, 24_000, ["1/2", "bank 24/25", "1/2"]),
      (44_101, 24_000, ["interpolated 48000/44101", "1/2"]), (47_999, 24_000, ["interpolated 48000/47999", "1/2"]),
      (23_999, 24_000, ["2/1", "interpolated 12000/23999"]), (24_001, 24_000, ["interpolated 48000/24001", "1/2"]),
      (24_000, 24_000, []),
    ] as [(Int, Int, [String])])
  func usual(from: Int, to: Int, expected: [String]) throws {
    for quality in ResamplingQuality.allCases {
      #expect(try Self.chain(RatePair(from: from, to: to), quality).map(Self.describe) == expected)
    }
  }

  @Test("Every ratio of rates is the product of a chain's, and sounds right", arguments: 1...24 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    // Any rate, or one with a large part in common with others.
    func rate() -> Int {
      if Bool.random(using: &random) { return Int.random(in: 4_000...192_000, using: &random) }
      let unit = [25, 50, 375, 1_000, 1_225].randomElement(using: &random)!
      return unit * Int.random(in: (4_000 + unit - 1) / unit...192_000 / unit, using: &random)
    }
    var pair = RatePair(from: rate(), to: rate())
    // Every third within an octave, where banks are at their limits.
    if seed % 3 == 0 {
      pair.to = Int.random(in: max(4_000, pair.from / 2)...min(192_000, 2 * pair.from), using: &random)
    }
    let setup = ResamplerSetup(
      pair: pair, quality: ResamplingQuality.allCases.randomElement(using: &random)!,
      phase: ResamplingPhase.allCases.randomElement(using: &random)!)
    let comment: Comment = "seed \(seed): \(setup.testDescription)"

    // The product of the ratios, in lowest terms at every step.
    var product = (outputs: 1, inputs: 1)
    for stage in try Self.chain(pair, setup.quality) {
      if case .polyphase = stage { #expect(max(stage.ratio.outputs, stage.ratio.inputs) <= 4, comment) }
      let (inputs, outputs) = RatePair(
        from: product.inputs * stage.ratio.inputs, to: product.outputs * stage.ratio.outputs
      ).cycle
      product = (outputs, inputs)
    }
    #expect(product == (pair.cycle.outputs, pair.cycle.inputs), comment)

    let mask = ResamplerQualityTests.Mask(setup.quality)
    var resampler = try setup.make(KernelBackend.available.last!)
    let stream = setup.stream(lasting: 120)
    for part in [0.11, 0.5, 0.88, 1.3] where part * Double(min(pair.from, pair.to)) < 0.99 * Double(pair.from) {
      resampler.reset()
      let frequency = part * pair.lowerNyquist
      let output = try resampler.resample(sineWave(frequency, rate: pair.from, count: stream.count, phase: 0.3))
      if part < 1 {
        let fit = SineFit(output, in: stream.inner, frequency: frequency / Double(pair.to))
        #expect(abs(decibels(fit.amplitude)) <= mask.ripple, comment)
        #expect(decibels(fit.residual * 2.0.squareRoot()) <= -mask.rejection, comment)
        if setup.phase == .linear { #expect(abs(fit.phase - 0.3) < 2e-6, comment) }
      } else {
        let power = stream.inner.reduce(0) { $0 + Double(output[$1]) * Double(output[$1]) } / Double(stream.inner.count)
        #expect(decibels((2 * power).squareRoot()) <= -mask.rejection, comment)
      }
    }
  }

  @Test("Few phases are tabulated, many are not, nor too many times lanes", arguments: [1, 4, 8, 16])
  func tabulated(laneCount: Int) throws {
    func bank(_ from: Int, _ to: Int) throws -> String? {
      try Self.chain(RatePair(from: from, to: to), .sharp, laneCount: laneCount).map(Self.describe).first {
        $0.hasPrefix("bank") || $0.hasPrefix("interpolated")
      }
    }
    // 1,024 and 1,025 phases of 16 taps.
    #expect(try bank(16_000, 16_384) == "bank 64/125")
    #expect(try bank(32_000, 65_536) == "bank 128/125")
    #expect(try bank(4_001, 4_096) == "interpolated 2048/4001")
    // An odd number of phases is tabulated once for each lane: 1,023 of some 60 taps take 4 MB at 16 lanes.
    let odd = try bank(16_360, 4_092)
    #expect(odd?.hasSuffix("1023/2045") == true)
    #expect(odd?.hasPrefix(laneCount <= 4 ? "bank" : "interpolated") == true)
  }
}
