import AudioDSP
import AudioTestSupport
import Testing

/// Every sample of whole streams against ``ResamplerOracle``, to within rounding: the right filters in the right order,
/// each tap in its place, every output at its instant, both ends as if silence were around them.
@Suite struct ResamplerOracleTests {
  static let cases = ResamplerCase.all(
    onEveryBackend: ResamplerSetup.ofEachKind,
    onFastest: ResamplerSetup.all(RatePair.all, [.voice], [.linear])
      + ResamplerSetup.all(RatePair.extreme, [.sharp, .fast], [.linear])
      + ResamplerSetup.all(RatePair.extreme, [.voice], [.minimum]))

  @Test("Every output is what the definition of the filters gives", arguments: cases)
  func definition(test: ResamplerCase) throws {
    let seed = UInt64(test.setup.pair.from * 5 + test.setup.pair.to)
    var random = SeededGenerator(seed: seed)
    let pair = test.setup.pair
    var resampler = try test.make()
    let oracle = ResamplerOracle(test.setup)
    let reach = oracle.reach
    // Single samples so far apart that their responses hardly meet, then noise: more than four blocks of 1,024 at the
    // higher rate in all, so that every history has moved.
    let response = reach.before + reach.behind
    let sparse = 8 * response
    let count = sparse + 5_600 * pair.from / max(pair.from, pair.to) + response
    var input = [Float](repeating: 0, count: count)
    var places = [0]
    while let place = places.last, place + 3 * response < sparse {
      places.append(place + response + Int.random(in: 0...response, using: &random))
    }
    for place in places { input[place] = 1 }
    input.replaceSubrange(sparse + response..<count, with: random.samples(count - sparse - response))
    let output = try resampler.resample(input, cuts: random.cuts(of: count))
    try #require(output.count == pair.outputCount(forInputCount: count))

    /// The root of the mean square of the errors in some outputs, and the greatest.
    func errors(_ windows: [Range<Int>]) -> (rms: Double, worst: Double) {
      var (sum, worst, n) = (0.0, 0.0, 0)
      for window in windows {
        for (i, expected) in zip(window, oracle.outputs(window, of: input)) {
          let error = abs(Double(output[i]) - expected)
          (sum, worst, n) = (sum + error * error, max(worst, error), n + 1)
        }
      }
      return ((sum / Double(n)).squareRoot(), worst)
    }
    func window(around input: Int, _ length: Int) -> Range<Int> {
      let start = pair.outputCount(forInputCount: input) - length / 2
      return max(0, start)..<min(output.count, max(0, start) + length)
    }
    // Where one tap of each filter acts, what it makes of a 1 and the few sums it goes through are rounded to 2^-24 or
    // less each.
    let length = min(max(200, pair.outputCount(forInputCount: response)), 600)
    let ofSingles = errors(places.prefix(3).map { window(around: $0, length) })
    #expect(ofSingles.worst <= Double(1 + oracle.stages.count) * 0x1p-23, "seed \(seed)")
    // Noise goes through sums of 30 to 250 terms whose roundings, of some 2^-25 each, add up like noise: to 2^-24 or
    // so, and more where products are put together.
    var windows = [output.count - min(150, output.count)..<output.count]
    for _ in 0..<4 {
      windows.append(window(around: Int.random(in: sparse + response..<count, using: &random), 60))
    }
    let ofNoise = errors(windows)
    #expect(ofNoise.rms <= 0x1p-22, "seed \(seed)")
    #expect(ofNoise.worst <= 0x1p-19, "seed \(seed)")
  }

  @Test(
    "So is the end of a call of many blocks", arguments: KernelBackend.available,
    ResamplerSetup.all(
      [RatePair(from: 48_000, to: 24_000), RatePair(from: 24_000, to: 44_100), RatePair(from: 44_101, to: 24_000)],
      [.voice], [.linear]))
  func longCall(backend: KernelBackend, setup: ResamplerSetup) throws {
    let seed: UInt64 = 50
    var random = SeededGenerator(seed: seed)
    var resampler = try setup.make(backend)
    let input = random.samples(100_003)
    let output = try resampler.resample(input)
    let oracle = ResamplerOracle(setup)
    var worst = 0.0
    for end in [output.count / 3, output.count] {
      let window = end - 100..<end
      for (i, expected) in zip(window, oracle.outputs(window, of: input)) {
        worst = max(worst, abs(Double(output[i]) - expected))
      }
    }
    #expect(worst <= 0x1p-19, "seed \(seed)")

    resampler.reset()
    let cut = try resampler.resample(input, cuts: random.cuts(of: input.count))
    #expect(firstBitDifference(cut, output) == nil, "seed \(seed)")
  }
}
