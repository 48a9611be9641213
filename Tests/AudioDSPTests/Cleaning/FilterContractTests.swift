import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// What holds of every part that filters, repairs or suppresses.
@Suite struct FilterContractTests {
  @Test("Random cuts change nothing", arguments: FilterPart.allCases, [8_000, 11_025, 44_100])
  func cuts(part: FilterPart, rate: Int) throws {
    for seed in [1, 2, 3] as [UInt64] {
      let input = FilterPart.spoilt(rate, seconds: 1.5, seed: seed)
      let whole = try part.run(rate, input)
      let delayed = [Float](repeating: 0, count: whole.latency) + input.dropLast(whole.latency)
      #expect(zip(whole.output, delayed).contains { abs($0 - $1) > 0.001 })
      var random = SeededGenerator(seed: seed + 100)
      let pieces = random.cuts(of: input.count)
      let cut = try part.run(rate, input, pieces: pieces)
      #expect(firstBitDifference(cut.output, whole.output) == nil, "seed \(seed)")
      let single = Array(input.prefix(3_000))
      let one = try part.run(rate, single, pieces: single.indices.map { $0..<$0 + 1 })
      #expect(firstBitDifference(one.output, Array(whole.output.prefix(3_000))) == nil, "one by one, seed \(seed)")
    }
  }

  @Test("A reset makes it as new", arguments: FilterPart.allCases, [8_000, 48_000])
  func reset(part: FilterPart, rate: Int) throws {
    let input = FilterPart.spoilt(rate, seconds: 1, seed: 7)
    let fresh = try part.run(rate, input)
    // Cut off in the middle of a block.
    let again = try part.run(rate, input, before: Array(input.reversed().dropLast(77)))
    #expect(firstBitDifference(again.output, fresh.output) == nil)
  }

  @Test("Samples that are not finite are taken as 0", arguments: FilterPart.allCases, FilterPart.rates)
  func notFinite(part: FilterPart, rate: Int) throws {
    var random = SeededGenerator(seed: 8)
    var input = FilterPart.spoilt(rate, seconds: 0.5, seed: 8)
    var cleaned = input
    // The very first one, too: parts start from it.
    for i in [0, 1] + (0..<50).map({ _ in Int.random(in: 0..<input.count, using: &random) }) {
      input[i] = [.nan, .infinity, -.infinity, .signalingNaN].randomElement(using: &random)!
      cleaned[i] = 0
    }
    let expected = try part.run(rate, cleaned).output
    let found = try part.run(rate, input).output
    #expect(firstBitDifference(found, expected) == nil)
    #expect(found.allSatisfy { $0.isFinite })
  }

  @Test("Nothing of any size makes it infinite, and it recovers", arguments: FilterPart.allCases, FilterPart.rates)
  func extremes(part: FilterPart, rate: Int) throws {
    let magnitudes: [Float] = [1, 1e30, .greatestFiniteMagnitude, 1e-30, .leastNonzeroMagnitude, 0]
    for magnitude in magnitudes {
      let square = (0..<rate / 4).map { $0 * 300 / rate % 2 == 0 ? magnitude : -magnitude }
      let steps = [Float](repeating: magnitude, count: rate / 4)
      // Some start in their own way, from the first samples.
      for input in [steps + square + steps, square + steps, square.map { -$0 }] {
        let output = try part.run(rate, input).output
        let mayBeSubnormal = magnitude < 1e-37
        #expect(output.allSatisfy { $0.isFinite && (mayBeSubnormal || !$0.isSubnormal) }, "\(magnitude)")
        #expect(output.allSatisfy { abs(Double($0)) <= 4 * Double(magnitude) }, "\(magnitude)")
      }
    }
  }

  @Test("Silence is silence", arguments: FilterPart.allCases, FilterPart.rates)
  func silence(part: FilterPart, rate: Int) throws {
    let output = try part.run(rate, [Float](repeating: 0, count: rate)).output
    #expect(output.allSatisfy { $0.bitPattern == 0 })
  }

  @Test("A constant offset goes away wholly", arguments: [.highPass, .dc] as [FilterPart], FilterPart.rates)
  func offset(part: FilterPart, rate: Int) throws {
    let output = try part.run(rate, [Float](repeating: 1, count: 2 * rate)).output
    #expect(output.suffix(rate / 2).allSatisfy { $0 == 0 })
  }

  @Test(
    "The latency is what it says", arguments: FilterPart.allCases.filter { $0 != .noiseSuppressor }, FilterPart.rates)
  func latency(part: FilterPart, rate: Int) throws {
    var input = [Float](repeating: 0, count: rate / 2)
    input[rate / 4] = 0.5
    let run = try part.run(rate, input)
    #expect(run.latency == (part == .clippingRepair ? rate / 200 : 0))
    #expect(run.output.firstIndex { $0 != 0 } == rate / 4 + run.latency)
    let peak = try #require(run.output.indices.max { abs(run.output[$0]) < abs(run.output[$1]) })
    #expect(peak == rate / 4 + run.latency)
  }

  @Test(
    "Nothing allocates after init", .enabled(if: AllocationCounter.isAvailable, "needs glibc and no sanitizer"),
    arguments: FilterPart.allCases, [8_000, 48_000, 192_000])
  func allocations(part: FilterPart, rate: Int) throws {
    var random = SeededGenerator(seed: 9)
    let input = FilterPart.spoilt(rate, seconds: 1, seed: 9)
    let pieces = random.cuts(of: input.count)
    // Of two runs, the first warms up what is made on first use.
    _ = try part.run(rate, input, pieces: pieces)
    let run = try part.run(rate, input, pieces: pieces)
    #expect(run.allocationCount == 0)
  }

  /// The slowest arithmetic is that with subnormal numbers, a hundred times slower on some processors. Time would not
  /// tell it on others: what is counted is whether there are any.
  @Test(
    "After speech, silence becomes exactly 0 without a subnormal number on the way",
    arguments: [.highPass, .dc, .hum] as [FilterPart], [4_000, 16_000])
  func decay(part: FilterPart, rate: Int) throws {
    // The narrowest notch needs 32 s for 600 dB.
    let silenceCount = (part == .hum ? 36 : 5) * rate
    let speech = FilterPart.spoilt(rate, seconds: 1, seed: 10)
    let input = speech + [Float](repeating: 0, count: silenceCount)
    let pieces = stride(from: 0, to: input.count, by: 100).map { $0..<min(input.count, $0 + 100) }
    let run = try part.run(rate, input, pieces: pieces)
    #expect(run.subnormalCount == 0)
    #expect(!run.output.contains { $0.isSubnormal })
    let lastSound = try #require(run.output.lastIndex { $0 != 0 })
    // It went through all of the range of floats, and then became silent.
    #expect(lastSound > speech.count + rate / 20 && lastSound < input.count - rate / 10, "\(lastSound)")
    #expect(run.output.contains { $0 != 0 && abs($0) < 1e-28 })
  }
}
