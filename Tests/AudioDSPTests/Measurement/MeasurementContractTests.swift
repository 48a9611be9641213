import AudioDSP
import AudioTestSupport
import Testing

/// However a stream is cut, every measurement is the same, bit for bit; nothing allocates.
@Suite struct MeasurementContractTests {
  /// All processors of a stereo stream, fed together.
  struct All: ~Copyable {
    var loudness: LoudnessMeter
    var truePeak = TruePeakMeter()
    var level: LevelMeter
    var clipping: ClippingDetector
    var dropouts: DropoutDetector
    var hum: HumDetector
    var band: BandwidthMeter
    var comparison: ChannelComparison

    init(_ rate: SampleRate) {
      loudness = LoudnessMeter(rate, channelCount: 2)
      level = LevelMeter(rate)
      clipping = ClippingDetector(rate)
      dropouts = DropoutDetector(rate)
      hum = HumDetector(rate)
      band = BandwidthMeter(rate)
      comparison = ChannelComparison(rate)
    }

    mutating func process(_ first: Span<Float>, _ second: Span<Float>, _ interleaved: Span<Float>) {
      loudness.process(interleaved)
      truePeak.process(first)
      level.process(first)
      clipping.process(first)
      dropouts.process(first)
      hum.process(first)
      band.process(first)
      comparison.process(first, second)
    }

    mutating func reset() {
      loudness.reset()
      truePeak.reset()
      level.reset()
      clipping.reset()
      dropouts.reset()
      hum.reset()
      band.reset()
      comparison.reset()
    }

    /// Every figure, to the last bit.
    mutating func figures() -> [String] {
      truePeak.finish()
      return [
        "\(String(describing: loudness.integrated)) \(String(describing: loudness.maximumMomentary)) \(loudness.blockCount)",
        "\(truePeak.truePeak) \(truePeak.samplePeak)",
        "\(level.peak) \(level.rootMeanSquare) \(level.mean) \(String(describing: level.offset)) \(level.nonFiniteCount) \(String(describing: level.firstNonFinite))",
        "\(clipping.tops.count) \(clipping.tops.sampleCount) \(clipping.tops.places) \(String(describing: clipping.softCeiling))",
        "\(dropouts.gaps.places) \(dropouts.repeats.places)", "\(String(describing: hum.hum))",
        "\(String(describing: band.band))",
        "\(comparison.firstEnergy) \(comparison.secondEnergy) \(comparison.product) \(comparison.differentCount) \(String(describing: comparison.alignment))",
      ]
    }
  }

  /// Of such samples the squares, sums and spectra become infinite in one place or another.
  @Test(
    "Samples as large as floats can be", arguments: [8_000, 48_000, 192_000],
    [1e15, 1e19, 1e30, Float.greatestFiniteMagnitude])
  func huge(rate: Int, magnitude: Float) throws {
    var samples = (0..<2 * rate).map { i in i * 100 / rate % 2 == 0 ? magnitude : -magnitude }
    samples[rate] = 0
    let interleaved = samples.flatMap { [$0, $0] }
    var all = All(try SampleRate(rate))
    all.process(samples.span, samples.span, interleaved.span)
    #expect(all.figures().count == 8)
    #expect(all.level.peak == magnitude)
  }

  /// A voice with every fault: clipped, with gaps, repeats, hum, an offset, and samples that are not finite.
  static func faulty(_ rate: Int, seed: UInt64) -> (first: [Float], second: [Float]) {
    var random = SeededGenerator(seed: seed)
    var first = MeasurementTests.voice(rate, seconds: 2.5, seed: seed).enumerated().map { i, sample in
      min(0.2, max(-0.2, sample)) + 0.02 + (i / (rate / 4) % 3 == 2 ? 0.01 * Float(i * 50 % rate) / Float(rate) : 0)
    }
    for _ in 0..<4 {
      let start = Int.random(in: rate / 5..<2 * rate, using: &random)
      for i in 0..<rate / 50 { first[start + i] = 0 }
      let later = Int.random(in: rate / 5..<2 * rate, using: &random)
      for i in 0..<rate / 50 { first[later + i] = first[later + i - rate / 50] }
    }
    first[rate] = .infinity
    first[rate / 3] = .nan
    let second = random.samples(first.count).enumerated().map { first[max(0, $0 - rate / 100)] * 0.7 + 0.01 * $1 }
    return (first, second)
  }

  @Test("Random cuts change nothing", arguments: Array(1...6) as [UInt64], [8_000, 11_025, 48_000])
  func cuts(seed: UInt64, rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    let (first, second) = Self.faulty(rate, seed: seed)
    var interleaved: [Float] = []
    for i in first.indices { interleaved += [first[i], second[i]] }
    var whole = All(sampleRate)
    whole.process(first.span, second.span, interleaved.span)
    let expected = whole.figures()
    #expect(expected[3].hasPrefix("0 ") == false && expected[4] != "[] []")

    var random = SeededGenerator(seed: seed + 100)
    var pieces = All(sampleRate)
    for _ in 0..<2 {
      for cut in random.cuts(of: first.count) {
        pieces.process(
          first.span.extracting(cut), second.span.extracting(cut),
          interleaved.span.extracting(2 * cut.lowerBound..<2 * cut.upperBound))
      }
      let found = pieces.figures()
      for (a, b) in zip(found, expected) { #expect(a == b, "seed \(seed)") }
      // The second time, after what came before has been forgotten.
      pieces.reset()
    }
  }

  @Test(
    "Nothing allocates",
    .enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
  func allocations() throws {
    let (first, second) = Self.faulty(16_000, seed: 3)
    var interleaved: [Float] = []
    for i in first.indices { interleaved += [first[i], second[i]] }
    // One of each warms up what is made once: tables and filters.
    var other = All(.hz16000)
    other.process(first.span, second.span, interleaved.span)
    var all = All(.hz16000)
    var speech = SpeechLevelMeter()
    func count(_ body: (Range<Int>) -> Void) -> Int {
      AllocationCounter.countOnce {
        var taken = 0
        while taken < first.count {
          let end = min(first.count, taken + 999)
          body(taken..<end)
          taken = end
        }
      }
    }
    let loudness = count {
      all.loudness.process(interleaved.span.extracting(2 * $0.lowerBound..<2 * $0.upperBound))
    }
    #expect(loudness == 0)
    let truePeak = count { all.truePeak.process(first.span.extracting($0)) }
    #expect(truePeak == 0)
    let level = count { all.level.process(first.span.extracting($0)) }
    #expect(level == 0)
    let clipping = count { all.clipping.process(first.span.extracting($0)) }
    #expect(clipping == 0)
    let dropouts = count { all.dropouts.process(first.span.extracting($0)) }
    #expect(dropouts == 0)
    let hum = count { all.hum.process(first.span.extracting($0)) }
    #expect(hum == 0)
    let band = count { all.band.process(first.span.extracting($0)) }
    #expect(band == 0)
    let comparison = count { all.comparison.process(first.span.extracting($0), second.span.extracting($0)) }
    #expect(comparison == 0)
    let rest = AllocationCounter.countOnce {
      all.truePeak.finish()
      all.reset()
      for i in 0..<500 { speech.process(FrameScore(i < 200 ? 0.9 : 0.1)) }
      speech.reset()
    }
    #expect(rest == 0)
  }
}
