import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct ChannelChooserTests {
  static let rates = [4_000, 8_000, 11_025, 44_100, 192_000]

  private static func interleaved(_ channels: [[Float]]) -> [Float] {
    channels[0].indices.flatMap { i in channels.map { $0[i] } }
  }

  private static func mix(
    _ channels: [[Float]], by chooser: inout ChannelChooser, pieces: [Range<Int>]? = nil
  ) throws -> [Float] {
    let samples = interleaved(channels)
    var output = [Float](repeating: 9, count: channels[0].count)
    for piece in pieces ?? [0..<output.count] {
      let source = samples.span.extracting(
        piece.lowerBound * channels.count..<piece.upperBound * channels.count)
      var span = output.mutableSpan
      var target = span._mutatingExtracting(piece)
      _ = try chooser.process(source, into: &target)
    }
    return output
  }

  private static func voice(_ rate: Int, seconds: Double = 2, seed: UInt64 = 1) -> [Float] {
    MeasurementTests.voice(rate, seconds: seconds, seed: seed)
  }

  private static func power(_ samples: some Sequence<Float>) -> Double {
    var (sum, count) = (0.0, 0)
    for sample in samples {
      sum += Double(sample) * Double(sample)
      count += 1
    }
    return sum / Double(max(1, count))
  }

  @Test("A dead channel is left out: what remains is the other, to the last bit", arguments: rates, [0, 1])
  func dead(rate: Int, live: Int) throws {
    let voice = Self.voice(rate)
    let silence = [Float](repeating: 0, count: voice.count)
    for policy in ChannelChooser.Policy.allCases {
      var chooser = try ChannelChooser(try SampleRate(rate), channelCount: 2, policy: policy)
      let mono = try Self.mix(live == 0 ? [voice, silence] : [silence, voice], by: &chooser)
      #expect(firstBitDifference(Array(mono.dropFirst(rate / 10)), Array(voice.dropFirst(rate / 10))) == nil)
      #expect(chooser.state(ofChannel: 1 - live).isDead && !chooser.state(ofChannel: live).isDead)
      #expect(chooser.state(ofChannel: live).weight == 1)
      // It starts as the mean, and the change is a slope: a step of it between neighbours is a thirtieth of a millisecond.
      #expect(mono[0] == voice[0] / 2)
    }
  }

  @Test("Noise far below the other channel is a dead channel", arguments: [(-65.0, true), (-35, false)])
  func quiet(level: Double, isDead: Bool) throws {
    var random = SeededGenerator(seed: 3)
    let voice = Self.voice(16_000)
    let loudest = stride(from: 0, to: voice.count - 160, by: 160).map { Self.power(voice[$0..<$0 + 160]) }.max() ?? 0
    let gain = Float((3 * loudest).squareRoot() * pow(10, level / 20))
    let noise = random.samples(voice.count).map { $0 * gain }
    var chooser = try ChannelChooser(.hz16000, channelCount: 2)
    _ = try Self.mix([voice, noise], by: &chooser)
    #expect(chooser.state(ofChannel: 1).isDead == isDead)
  }

  @Test("An inverted channel is turned over", arguments: rates)
  func inverted(rate: Int) throws {
    let voice = Self.voice(rate)
    for policy in ChannelChooser.Policy.allCases {
      var chooser = try ChannelChooser(try SampleRate(rate), channelCount: 2, policy: policy)
      let mono = try Self.mix([voice, voice.map { -$0 * 0.98 }], by: &chooser)
      #expect(chooser.state(ofChannel: 1).isInverted && !chooser.state(ofChannel: 0).isInverted)
      let settled = rate..<voice.count
      #expect(Self.power(mono[settled]) > 0.94 * Self.power(voice[settled]), "\(policy)")
      // From 100 ms of sound on there is speech, where the mean has next to nothing.
      let first = try #require(voice.firstIndex { abs($0) > 0.01 })
      let early = first + rate / 5..<first + rate / 2
      #expect(Self.power(mono[early]) > 0.5 * Self.power(voice[early]), "\(policy)")
    }
  }

  @Test("Two people on two channels stay both, whoever speaks", arguments: ChannelChooser.Policy.allCases)
  func conversation(policy: ChannelChooser.Policy) throws {
    let rate = 16_000
    var random = SeededGenerator(seed: 4)
    let (one, other) = (Self.voice(rate, seconds: 12), Array(Self.voice(rate, seconds: 12).reversed()))
    let first = one.indices.map { ($0 < 6 * rate ? one[$0] : 0) + Float.random(in: -2e-3...2e-3, using: &random) }
    let second = one.indices.map { ($0 < 6 * rate ? 0 : other[$0]) + Float.random(in: -2e-3...2e-3, using: &random) }
    var chooser = try ChannelChooser(.hz16000, channelCount: 2, policy: policy)
    let mono = try Self.mix([first, second], by: &chooser)
    guard policy != .best else { return }
    for channel in 0...1 {
      let state = chooser.state(ofChannel: channel)
      #expect(!state.isDead && !state.isInverted && !state.isCopy)
    }
    #expect(zip(mono, zip(first, second)).allSatisfy { $0 == ($1.0 + $1.1) / 2 })
  }

  @Test("Copies are counted once by automatic, and the same of all comes out", arguments: rates)
  func copies(rate: Int) throws {
    let (voice, other) = (Self.voice(rate), Array(Self.voice(rate).reversed()))
    var chooser = try ChannelChooser(try SampleRate(rate), channelCount: 3)
    let mono = try Self.mix([voice, voice, other], by: &chooser)
    #expect(chooser.state(ofChannel: 1).isCopy && !chooser.state(ofChannel: 2).isCopy)
    #expect(chooser.state(ofChannel: 1).weight == 0)
    let settled = rate..<voice.count
    #expect(settled.allSatisfy { abs(mono[$0] - (voice[$0] + other[$0]) / 2) < 1e-6 })
    var pair = try ChannelChooser(try SampleRate(rate), channelCount: 2)
    #expect(firstBitDifference(try Self.mix([voice, voice], by: &pair), voice) == nil)
  }

  @Test("The best channel is the one with the least noise, and it stays through pauses", arguments: [0, 1, 2])
  func best(clean: Int) throws {
    let rate = 16_000
    var random = SeededGenerator(seed: 11)
    let voice = Self.voice(rate, seconds: 6)
    let channels = (0..<3).map { c in
      let noise = random.samples(voice.count)
      return voice.indices.map { voice[$0] * (c == clean ? 0.5 : 1) + noise[$0] * (c == clean ? 2e-4 : 0.02) }
    }
    var chooser = try ChannelChooser(.hz16000, channelCount: 3, policy: .best)
    let mono = try Self.mix(channels, by: &chooser)
    #expect((0..<3).filter { chooser.state(ofChannel: $0).weight != 0 } == [clean])
    let settled = 3 * rate..<voice.count
    #expect(firstBitDifference(Array(mono[settled]), Array(channels[clean][settled])) == nil)
  }

  /// A channel that fails and comes back: the weight moves by less than a 30-ms slope's step between neighbours.
  @Test("A change is a fade", arguments: rates)
  func fade(rate: Int) throws {
    let count = 8 * rate
    // Two tones whose slopes are known, so that a click would stand out of them.
    let one = sineWave(100, rate: rate, count: count).map { $0 * 0.5 }
    let other = sineWave(130, rate: rate, count: count).enumerated().map { i, x in
      (rate..<4 * rate).contains(i) ? 0 : x * 0.5
    }
    var chooser = try ChannelChooser(try SampleRate(rate), channelCount: 2, policy: .mean)
    let mono = try Self.mix([one, other], by: &chooser)
    #expect(!chooser.state(ofChannel: 1).isDead)
    // It failed at 1 s, was left out from 3 s on, and came back at 4 s.
    #expect(
      firstBitDifference(Array(mono[3 * rate + rate / 10..<4 * rate]), Array(one[3 * rate + rate / 10..<4 * rate]))
        == nil)
    let slope = Float(2 * Double.pi * 115 * 0.5 / Double(rate)) + 0.5 / Float(rate * 30 / 1_000)
    var steepest: Float = 0
    for i in 3 * rate / 2..<count { steepest = max(steepest, abs(mono[i] - mono[i - 1])) }
    #expect(steepest < slope * 1.2, "\(steepest) \(slope)")
    #expect((5 * rate..<count).allSatisfy { abs(mono[$0] - (one[$0] + other[$0]) / 2) < 1e-6 })
  }

  @Test(
    "Random cuts change nothing, and a reset makes it as new", arguments: ChannelChooser.Policy.allCases,
    [8_000, 44_100])
  func cuts(policy: ChannelChooser.Policy, rate: Int) throws {
    for seed in [1, 2, 3] as [UInt64] {
      var random = SeededGenerator(seed: seed)
      let voice = Self.voice(rate, seconds: 3, seed: seed)
      let noise = random.samples(voice.count, in: -0.01...0.01)
      // Dead at first, then inverted, then another sound.
      let second = voice.indices.map { i in
        i < rate ? 0 : i < 2 * rate ? -voice[i] + 0.1 * noise[i] : noise[i]
      }
      var third = noise.map { $0 * 0.001 }
      third[rate / 2] = .nan
      let channels = [voice, second, third]
      var whole = try ChannelChooser(try SampleRate(rate), channelCount: 3, policy: policy)
      let expected = try Self.mix(channels, by: &whole)
      #expect(expected.allSatisfy { $0.isFinite })
      var pieces = try ChannelChooser(try SampleRate(rate), channelCount: 3, policy: policy)
      for _ in 0..<2 {
        let found = try Self.mix(channels, by: &pieces, pieces: random.cuts(of: voice.count))
        #expect(firstBitDifference(found, expected) == nil, "seed \(seed)")
        #expect((0..<3).allSatisfy { pieces.state(ofChannel: $0) == whole.state(ofChannel: $0) })
        #expect(pieces.sampleFrameCount == voice.count)
        pieces.reset()
      }
    }
  }

  @Test(
    "Nothing of any size makes it infinite",
    arguments: [1, 1e30, Float.greatestFiniteMagnitude, 1e-30, Float.leastNonzeroMagnitude])
  func extremes(magnitude: Float) throws {
    for policy in ChannelChooser.Policy.allCases {
      let square = (0..<16_000).map { $0 / 40 % 2 == 0 ? magnitude : -magnitude }
      for other in [square, square.map { -$0 }, square.map { $0 * 0.001 }, square.map { _ in 0 }] {
        var chooser = try ChannelChooser(.hz16000, channelCount: 2, policy: policy)
        let mono = try Self.mix([square, other], by: &chooser)
        #expect(mono.allSatisfy { $0.isFinite && abs($0) <= magnitude })
      }
    }
  }

  @Test("Samples that are not finite are counted, of all channels")
  func notFinite() throws {
    var chooser = try ChannelChooser(.hz8000, channelCount: 2)
    let samples: [Float] = [.nan, 0.5, 0.25, .infinity, 1, 1]
    var mono: [Float] = [9, 9, 9, 9]
    var span = mono.mutableSpan
    let replaced = try chooser.process(samples.span, into: &span)
    #expect(replaced == 2)
    #expect(mono == [0.25, 0.125, 1, 9])
    var single = try ChannelChooser(.hz8000, channelCount: 1)
    var singleSpan = mono.mutableSpan
    let replacedInOne = try single.process(samples.span.extracting(..<2), into: &singleSpan)
    #expect(replacedInOne == 1)
    #expect(mono == [0, 0.5, 1, 9])
  }

  @Test("Every refusal, having written nothing")
  func errors() throws {
    func error(_ count: Int, room: Int) throws -> DownmixError? {
      var chooser = try ChannelChooser(.hz8000, channelCount: 2)
      let samples = [Float](repeating: 1, count: count)
      var mono = [Float](repeating: 7, count: room)
      var found: DownmixError?
      do throws(DownmixError) {
        var span = mono.mutableSpan
        _ = try chooser.process(samples.span, into: &span)
      } catch {
        found = error
      }
      #expect(mono.allSatisfy { $0 == 7 } && chooser.sampleFrameCount == 0)
      return found
    }
    #expect(try error(5, room: 9) == .partialSampleFrame(sampleCount: 5, channelCount: 2))
    #expect(try error(6, room: 2) == .outputTooSmall(required: 3, capacity: 2))
    for count in [0, -1] {
      #expect(throws: DownmixError.noChannels) { _ = try ChannelChooser(.hz8000, channelCount: count) }
    }
  }

  @Test(
    "Nothing allocates after init", .enabled(if: AllocationCounter.isAvailable, "needs glibc and no sanitizer"),
    arguments: ChannelChooser.Policy.allCases)
  func allocations(policy: ChannelChooser.Policy) throws {
    let voice = Self.voice(16_000)
    let samples = Self.interleaved([voice, voice.map { -$0 }, voice.map { _ in 0 }])
    var mono = voice
    var chooser = try ChannelChooser(.hz16000, channelCount: 3, policy: policy)
    let count = try AllocationCounter.count { () throws(DownmixError) in
      var start = 0
      while start < voice.count {
        let end = min(voice.count, start + 700)
        var span = mono.mutableSpan
        var target = span._mutatingExtracting(start..<end)
        _ = try chooser.process(samples.span.extracting(3 * start..<3 * end), into: &target)
        start = end
      }
    }
    #expect(count == 0)
  }

  @Test("A downmix alone has no memory to decide by; a downmixer has, and else does what the downmix does")
  func downmixer() throws {
    let voice = Self.voice(8_000)
    let samples = Self.interleaved([voice, voice.map { -$0 * 0.5 }])
    var mono = voice
    var refused: DownmixError?
    do throws(DownmixError) {
      var span = mono.mutableSpan
      _ = try Downmix.automatic.process(samples.span, channelCount: 2, into: &span)
    } catch {
      refused = error
    }
    #expect(refused == .needsDownmixer && mono == voice)
    for downmix in [Downmix.mean, .channel(1)] {
      var expected = voice
      var expectedSpan = expected.mutableSpan
      _ = try downmix.process(samples.span, channelCount: 2, into: &expectedSpan)
      var downmixer = try Downmixer(downmix, channelCount: 2, sampleRate: .hz8000)
      var span = mono.mutableSpan
      _ = try downmixer.process(samples.span, into: &span)
      #expect(firstBitDifference(mono, expected) == nil)
    }
    #expect(throws: DownmixError.noSuchChannel(2, channelCount: 2)) {
      _ = try Downmixer(.channel(2), channelCount: 2, sampleRate: .hz8000)
    }
  }
}
