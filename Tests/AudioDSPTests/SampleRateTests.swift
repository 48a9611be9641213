import AudioDSP
import AudioTestSupport
import Testing

@Suite struct SampleRateTests {
  @Test(arguments: [4_000, 4_001, 8_000, 44_100, 191_999, 192_000])
  func legal(hertz: Int) throws {
    let rate = try SampleRate(hertz)
    #expect(rate.hertz == hertz)
    #expect(rate.description == "\(hertz) Hz")
  }

  @Test(arguments: [Int.min, -24_000, -1, 0, 1, 3_999, 192_001, 1 << 40, Int.max])
  func illegal(hertz: Int) {
    let error = #expect(throws: SampleRateError.self) { try SampleRate(hertz) }
    #expect(error?.hertz == hertz)
    #expect(error?.description.contains("\(hertz) Hz") == true)
  }

  @Test func namesAndOrder() {
    let named: [SampleRate] = [.hz8000, .hz16000, .hz24000, .hz44100, .hz48000]
    #expect(named.map(\.hertz) == [8_000, 16_000, 24_000, 44_100, 48_000])
    #expect(named.shuffled().sorted() == named)
  }

  @Test("Durations round to the nearest sample", arguments: [15, 16] as [UInt64])
  func durations(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let rate = try SampleRate(Int.random(in: SampleRate.range, using: &random))
      let nanoseconds = Int64.random(in: 0...(1 << [10, 30, 53].randomElement(using: &random)!), using: &random)
      // In 128 bits nothing is lost: floor(2 n r / 10^9 + 1) / 2.
      let doubled = Int128(nanoseconds) * Int128(rate.hertz) * 2
      let expected = Int((doubled + 1_000_000_000) / 2_000_000_000)
      #expect(rate.sampleCount(in: .nanoseconds(nanoseconds)) == expected, "seed \(seed): \(nanoseconds) ns at \(rate)")
    }
    #expect(SampleRate.hz24000.sampleCount(in: .milliseconds(10)) == 240)
    #expect(SampleRate.hz44100.sampleCount(in: .milliseconds(15)) == 662)
    #expect(SampleRate.hz44100.sampleCount(in: .seconds(36_000)) == 1_587_600_000)
    #expect(SampleRate.hz48000.seconds(of: 12_000) == 0.25)
  }

  @Test("Counts of samples as durations, of any size", arguments: [17, 18] as [UInt64])
  func durationsOfCounts(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let rate = try SampleRate(Int.random(in: SampleRate.range, using: &random))
      let count = Int.random(in: 0...(1 << [10, 30, 60].randomElement(using: &random)!), using: &random)
      let (seconds, attoseconds) = rate.duration(of: count).components
      // Whole seconds and what is left of them, floored, in 128 bits.
      #expect(seconds == Int64(count / rate.hertz), "seed \(seed): \(count) at \(rate)")
      let rest = Int128(count % rate.hertz) * 1_000_000_000_000_000_000 / Int128(rate.hertz)
      #expect(Int128(attoseconds) == rest, "seed \(seed): \(count) at \(rate)")
    }
    #expect(SampleRate.hz24000.duration(of: 240) == .milliseconds(10))
    #expect(SampleRate.hz48000.duration(of: 0) == .zero)
  }
}
