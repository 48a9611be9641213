import AudioDSP
import AudioTestSupport
import Testing

@Suite struct DownmixTests {
  static let channelCounts = [1, 2, 3, 4, 5, 6, 7, 8, 64]

  /// What came out, and how many samples were not finite.
  private static func mono(
    _ interleaved: [Float], channelCount: Int, _ downmix: Downmix, _ backend: KernelBackend
  ) throws -> ([Float], Int) {
    var output = [Float](repeating: 0, count: interleaved.count / channelCount)
    var span = output.mutableSpan
    let replaced = try downmix.process(
      interleaved.span, channelCount: channelCount, into: &span, backend: backend)
    return (output, replaced)
  }

  @Test(arguments: KernelBackend.available, channelCounts)
  func mean(backend: KernelBackend, channelCount: Int) throws {
    var random = SeededGenerator(seed: UInt64(channelCount))
    for frameCount in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 500] {
      let samples = random.samples(frameCount * channelCount)
      let (found, replaced) = try Self.mono(samples, channelCount: channelCount, .mean, backend)
      #expect(replaced == 0)
      var worst = 0.0
      for i in 0..<frameCount {
        let frame = samples[i * channelCount..<(i + 1) * channelCount]
        let expected = frame.reduce(0) { $0 + Double($1) } / Double(channelCount)
        worst = max(worst, abs(Double(found[i]) - expected))
      }
      // One rounding of the scale, one of each product, one of each sum, of a mean of magnitudes up to 1.
      let bound = channelCount == 1 ? 0 : Double(channelCount + 2) * 0.5 * Double(Float.ulpOfOne)
      #expect(worst <= bound, "\(frameCount) sample frames")
    }
  }

  @Test(arguments: KernelBackend.available, channelCounts)
  func chosenChannel(backend: KernelBackend, channelCount: Int) throws {
    var random = SeededGenerator(seed: 100 + UInt64(channelCount))
    for frameCount in [0, 1, 3, 8, 17, 100] {
      let samples = random.samples(frameCount * channelCount)
      for channel in Set([0, 1, channelCount / 2, channelCount - 1]) where channel < channelCount {
        let (found, replaced) = try Self.mono(samples, channelCount: channelCount, .channel(channel), backend)
        #expect(replaced == 0)
        #expect(found == (0..<frameCount).map { samples[$0 * channelCount + channel] })
      }
    }
  }

  @Test("Samples that are not finite count as 0, and are counted where they are used", arguments: channelCounts)
  func notFinite(channelCount: Int) throws {
    var random = SeededGenerator(seed: 200 + UInt64(channelCount))
    var samples = random.samples(300 * channelCount)
    var cleaned = samples
    for _ in 0..<100 {
      let i = Int.random(in: samples.indices, using: &random)
      samples[i] = [.nan, .infinity, -.infinity, .signalingNaN].randomElement(using: &random)!
      cleaned[i] = 0
    }
    let bad = samples.indices.filter { !samples[$0].isFinite }
    for backend in KernelBackend.available {
      let (mean, replacedInMean) = try Self.mono(samples, channelCount: channelCount, .mean, backend)
      #expect(replacedInMean == bad.count, "\(backend)")
      #expect(mean == (try Self.mono(cleaned, channelCount: channelCount, .mean, backend)).0, "\(backend)")
      for channel in 0..<channelCount {
        let (chosen, replaced) = try Self.mono(samples, channelCount: channelCount, .channel(channel), backend)
        #expect(replaced == bad.filter { $0 % channelCount == channel }.count, "\(backend)")
        #expect(chosen == (0..<300).map { cleaned[$0 * channelCount + channel] }, "\(backend)")
      }
    }
  }

  @Test("The mean of finite samples is finite, however large they are", arguments: Array(1...64))
  func huge(channelCount: Int) throws {
    for backend in KernelBackend.available {
      for value in [Float.greatestFiniteMagnitude, -.greatestFiniteMagnitude] {
        let samples = [Float](repeating: value, count: 20 * channelCount)
        let (found, replaced) = try Self.mono(samples, channelCount: channelCount, .mean, backend)
        #expect(found.allSatisfy { $0.isFinite }, "\(backend)")
        #expect(found.allSatisfy { abs($0 / value - 1) < 1e-5 }, "\(backend)")
        #expect(replaced == 0)
      }
    }
  }

  @Test("Every refusal, having written nothing")
  func errors() {
    let cases: [(samples: Int, channels: Int, downmix: Downmix, room: Int, DownmixError)] = [
      (6, 0, .mean, 6, .noChannels),
      (6, -2, .mean, 6, .noChannels),
      (0, 0, .channel(0), 6, .noChannels),
      (5, 2, .mean, 6, .partialSampleFrame(sampleCount: 5, channelCount: 2)),
      (1, 2, .channel(0), 6, .partialSampleFrame(sampleCount: 1, channelCount: 2)),
      (6, 2, .mean, 2, .outputTooSmall(required: 3, capacity: 2)),
      (6, 2, .channel(1), 0, .outputTooSmall(required: 3, capacity: 0)),
      (6, 2, .channel(2), 6, .noSuchChannel(2, channelCount: 2)),
      (6, 2, .channel(-1), 6, .noSuchChannel(-1, channelCount: 2)),
    ]
    for (sampleCount, channelCount, downmix, room, expected) in cases {
      let samples = [Float](repeating: 1, count: sampleCount)
      var output = [Float](repeating: 77, count: room)
      var found: DownmixError?
      do throws(DownmixError) {
        var span = output.mutableSpan
        _ = try downmix.process(samples.span, channelCount: channelCount, into: &span)
      } catch {
        found = error
      }
      #expect(found == expected)
      #expect(output.allSatisfy { $0 == 77 })
      #expect(!expected.description.isEmpty)
    }
  }

  @Test("Room to spare is left alone, and no sample frames are no error")
  func room() throws {
    let frame: [Float] = [0.5, 0.25]
    var output: [Float] = [7, 7, 7]
    var span = output.mutableSpan
    let replaced = try Downmix.mean.process(frame.span, channelCount: 2, into: &span)
    #expect(replaced == 0)
    #expect(output == [0.375, 7, 7])
    let nothing: [Float] = []
    var empty: [Float] = []
    var emptySpan = empty.mutableSpan
    let replacedInNothing = try Downmix.mean.process(nothing.span, channelCount: 64, into: &emptySpan)
    #expect(replacedInNothing == 0)
  }
}
