import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// What making a resampler costs.
@Suite struct ResamplerCostTests {
  /// Among them those with the most phases, taps, stages and lanes.
  static let pairs =
    RatePair.ofEachKind + RatePair.extreme + [
      RatePair(from: 16_360, to: 4_092), RatePair(from: 95_999, to: 24_001), RatePair(from: 191_999, to: 48_001),
      RatePair(from: 8_188, to: 4_092), RatePair(from: 65_536, to: 32_000),
    ]

  @Test("It takes less than 4 MB", arguments: KernelBackend.available, pairs)
  func memory(backend: KernelBackend, pair: RatePair) throws {
    try #require(AllocationCounter.isAvailable)
    var latency = 0
    let byteCount = try AllocationCounter.mostBytes {
      latency = try ResamplerSetup(pair: pair, quality: .sharp).make(backend).latencyInSamples
    }
    print("MEM", pair.testDescription, backend, byteCount)
    #expect(byteCount < 4_000_000)
    #expect(byteCount > 4 * latency, "its history is among them")
  }

  @Test("It takes less than 20 ms", arguments: pairs)
  func time(pair: RatePair) throws {
    #if DEBUG
      let limit = 0.5
    #else
      let limit = 0.02
    #endif
    let setup = ResamplerSetup(pair: pair, quality: .sharp)
    // The least of a few, and of this thread alone, so that what else the machine does matters little.
    var best = Double.infinity
    for _ in 0..<3 where best >= limit / 2 {
      let start = Self.threadSeconds()
      let resampler = try setup.make(KernelBackend.available.last!)
      best = min(best, Self.threadSeconds() - start)
      #expect(resampler.latencyInSamples > 0)
    }
    print("TIME", pair.testDescription, best)
    #expect(best < limit)
  }

  /// The processor time of this thread.
  private static func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
