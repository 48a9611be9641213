import AudioDSP
import AudioTestSupport
import Testing

/// What ``MonoResampler`` does to each channel as it was recorded: clipping and offsets.
@Suite struct RecordingRepairTests {
  private static func resampler(
    _ pair: RatePair, _ cleaning: CleaningConfiguration, channelCount: Int = 2, downmix: Downmix = .mean,
    sliceCount: Int = 960
  ) throws -> MonoResampler<Resampler> {
    try MonoResampler(
      Resampler(from: pair.inputRate, to: pair.outputRate), channelCount: channelCount, downmix: downmix,
      sliceCount: sliceCount, cleaning: cleaning)
  }

  /// What a resampler gives for a stream cut between the sample frames of `cuts`, and the signal for a detector.
  private static func run(
    _ input: [Float], _ resampler: inout MonoResampler<Resampler>, cuts: [Range<Int>]? = nil
  ) throws -> (output: [Float], mono: [Float]) {
    let channelCount = resampler.channelCount
    var (output, mono): ([Float], [Float]) = ([], [])
    for cut in cuts ?? [0..<input.count / channelCount] {
      let block = cut.lowerBound * channelCount..<cut.upperBound * channelCount
      try resampler.process(input.span.extracting(block)) { slice, completed in
        for i in slice.indices { mono.append(slice[i]) }
        for i in completed.indices { output.append(completed[i]) }
      }
    }
    try resampler.finish { rest in for i in rest.indices { output.append(rest[i]) } }
    return (output, mono)
  }

  private static func interleaved(_ channels: [[Float]]) -> [Float] {
    channels[0].indices.flatMap { i in channels.map { $0[i] } }
  }

  private static func mixed(_ interleaved: [Float], _ downmix: Downmix, _ rate: SampleRate) throws -> [Float] {
    var downmixer = try Downmixer(downmix, channelCount: 2, sampleRate: rate)
    var mono = [Float](repeating: 0, count: interleaved.count / 2)
    var target = mono.mutableSpan
    _ = try downmixer.process(interleaved.span, into: &target)
    return mono
  }

  private static let downmixes: [Downmix] = [.mean, .channel(1), .automatic]
  private static let repairs: [CleaningConfiguration] = [(true, false), (false, true), (true, true)].map {
    var cleaning = CleaningConfiguration()
    (cleaning.repairsClipping, cleaning.removesOffset) = $0
    return cleaning
  }

  @Test(
    "Each channel is repaired as by itself, then mixed, however the stream is cut", arguments: downmixes, repairs)
  func channels(downmix: Downmix, cleaning: CleaningConfiguration) throws {
    for pair in [RatePair(from: 16_000, to: 16_000), RatePair(from: 48_000, to: 24_000)] {
      var random = SeededGenerator(seed: UInt64(pair.from))
      let rate = try pair.inputRate
      let clean = MeasurementTests.voice(pair.from, seconds: 0.5, seed: 3).map { 0.5 * $0 - 0.02 }
      let channels = [clean, FilterPart.spoilt(pair.from, seconds: 0.5, seed: 31)]
      let input = Self.interleaved(channels)
      let repaired = try channels.map { channel in
        var samples = channel
        if cleaning.repairsClipping {
          var repair = ClippingRepair(rate)
          samples = aligned(samples, by: &repair)
        }
        if cleaning.removesOffset {
          var filter = try DCFilter(rate, cornerFrequency: 1)
          samples = aligned(samples, by: &filter)
        }
        return samples
      }
      let expected = try pair.resampled(Self.mixed(Self.interleaved(repaired), downmix, rate))
      let unprocessed = try Self.mixed(input, downmix, rate)
      #expect(firstBitDifference(try pair.resampled(unprocessed), expected) != nil, "it changes something")
      for sliceCount in [4_096, 37] {
        var resampler = try Self.resampler(pair, cleaning, downmix: downmix, sliceCount: sliceCount)
        for pass in ["first", "after a reset"] {
          let cuts = random.cuts(of: clean.count)
          let (output, mono) = try Self.run(input, &resampler, cuts: cuts)
          #expect(output.count == pair.outputCount(forInputCount: clean.count))
          #expect(firstBitDifference(output, expected) == nil, "slices of \(sliceCount), \(pass)")
          #expect(firstBitDifference(mono, unprocessed) == nil, "the detector's is not repaired")
          resampler.reset()
        }
      }
    }
  }

  @Test("The mean of a channel that is clipped and one that is not is repaired")
  func clippedChannel() throws {
    let voice = MeasurementTests.voice(16_000, seconds: 1, seed: 8)
    let clipped = voice.map { max(-0.1, min(0.1, $0)) }
    let pair = RatePair(from: 16_000, to: 16_000)
    var resampler = try Self.resampler(pair, Self.repairs[0])
    let output = try Self.run(Self.interleaved([clipped, voice.map { 0.3 * $0 }]), &resampler).output
    let unrepaired = voice.indices.map { 0.5 * (clipped[$0] + 0.3 * voice[$0]) }
    let intended = voice.indices.map { 0.5 * (voice[$0] + 0.3 * voice[$0]) }
    func distortion(_ samples: [Float]) -> Float {
      samples.indices.reduce(0) { $0 + (samples[$1] - intended[$1]) * (samples[$1] - intended[$1]) }
    }
    #expect(distortion(unrepaired) > 0 && distortion(output) < 0.5 * distortion(unrepaired))
  }

  @Test("Lengths are exact, of streams shorter than the delay, too", arguments: repairs)
  func lengths(cleaning: CleaningConfiguration) throws {
    var random = SeededGenerator(seed: 5)
    for pair in [RatePair(from: 48_000, to: 24_000), RatePair(from: 44_100, to: 16_000)] {
      var resampler = try Self.resampler(pair, cleaning, channelCount: 3)
      for count in [0, 1, 2, 219, 220, 241, 1_733] {
        let (output, _) = try Self.run(random.samples(3 * count), &resampler)
        #expect(output.count == pair.outputCount(forInputCount: count), "\(count) sample frames")
        resampler.reset()
      }
    }
  }

  @Test(
    "An offset makes no click at the start nor at the end",
    arguments: [SomeCleaning.offset, .light, .full, .everything])
  func offset(cleaning: SomeCleaning) throws {
    for pair in [(48_000, 24_000), (24_000, 32_000), (16_000, 16_000)].map({ RatePair(from: $0.0, to: $0.1) }) {
      var resampler = try Self.resampler(pair, cleaning.configuration, channelCount: 1)
      let output = try Self.run([Float](repeating: 0.1, count: pair.from), &resampler).output
      let margin = pair.to / 200
      // -70 dBFS.
      #expect(output.prefix(margin).allSatisfy { abs($0) < 3.16e-4 } && output.count == pair.to)
      #expect(output.suffix(margin).allSatisfy { abs($0) < 3.16e-4 })

      let voice = MeasurementTests.voice(pair.from, seconds: 1, seed: 4)
      resampler.reset()
      let plain = try Self.run(voice, &resampler).output
      resampler.reset()
      let moved = try Self.run(voice.map { $0 + 0.1 }, &resampler).output
      let end = plain.count - pair.to / 1_000..<plain.count
      #expect(end.allSatisfy { abs(moved[$0] - plain[$0]) < 1e-3 })
      #expect((0..<margin).allSatisfy { abs(moved[$0] - plain[$0]) < 1e-3 })
    }
  }

  @Test("A change of channels makes no step of their offsets")
  func changeOfChannels() throws {
    let pair = RatePair(from: 16_000, to: 24_000)
    let voice = MeasurementTests.voice(pair.from, seconds: 2, seed: 6)
    let inverted = voice.map { -0.9 * $0 }
    var resampler = try Self.resampler(pair, Self.repairs[1], downmix: .automatic)
    let plain = try Self.run(Self.interleaved([voice, inverted]), &resampler).output
    resampler.reset()
    let channels = [voice.map { $0 + 0.3 }, inverted.map { $0 + 0.1 }]
    let moved = try Self.run(Self.interleaved(channels), &resampler).output
    #expect(plain.indices.allSatisfy { abs(moved[$0] - plain[$0]) < 1e-3 })
  }

  @Test(
    "Nothing allocates",
    .enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"),
    arguments: downmixes, repairs)
  func allocations(downmix: Downmix, cleaning: CleaningConfiguration) throws {
    let input = Self.interleaved([1, 2].map { FilterPart.spoilt(48_000, seconds: 0.5, seed: $0) })
    func feed(_ resampler: inout MonoResampler<Resampler>, _ sum: inout Float) {
      var total: Float = 0
      try? resampler.process(input.span) { _, output in total += output.isEmpty ? 0 : output[0] }
      try? resampler.finish { output in total += output.isEmpty ? 0 : output[0] }
      resampler.reset()
      sum += total
    }
    let pair = RatePair(from: 48_000, to: 24_000)
    var sum: Float = 0
    var other = try Self.resampler(pair, cleaning, downmix: downmix)
    feed(&other, &sum)
    var measured = try Self.resampler(pair, cleaning, downmix: downmix)
    #expect(AllocationCounter.countOnce { feed(&measured, &sum) } == 0)
    #expect(AllocationCounter.countOnce { feed(&measured, &sum) } == 0)
  }
}
