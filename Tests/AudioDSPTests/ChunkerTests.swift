import AudioDSP
import AudioTestSupport
import Testing

@Suite struct ChunkerTests {
  private struct Stop: Error, Equatable {
    var chunk: Int
  }

  private static func samples(_ count: Int, seed: UInt64) -> [Int16] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Int16(truncatingIfNeeded: random.next()) }
  }

  private static func array(_ span: Span<Int16>) -> [Int16] { span.indices.map { span[$0] } }

  private static func chunks(
    _ samples: [Int16], _ chunker: inout Chunker, cuts: [Range<Int>], padded: Bool = false
  ) -> [[Int16]] {
    var chunks: [[Int16]] = []
    for cut in cuts { chunker.process(samples.span.extracting(cut)) { chunks.append(array($0)) } }
    chunker.finish(padded: padded) { chunks.append(array($0)) }
    return chunks
  }

  private static func slices(_ samples: [Int16], _ length: Int) -> [[Int16]] {
    stride(from: 0, to: samples.count, by: length).map { Array(samples[$0..<min($0 + length, samples.count)]) }
  }

  @Test("Chunks are slices of the stream, however it is cut", arguments: Array(1...20) as [UInt64])
  func slicing(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let milliseconds = [10, 11, 20, 40, 100, 1_000].randomElement(using: &random)!
    let rate = try SampleRate([4_000, 8_000, 11_025, 16_000, 24_000, 44_101].randomElement(using: &random)!)
    var chunker = try Chunker(rate, duration: .milliseconds(milliseconds))
    let length = Int((Double(rate.hertz * milliseconds) / 1_000).rounded(.toNearestOrAwayFromZero))
    #expect(chunker.chunkSampleCount == length)
    for count in [0, 1, length - 1, length, length + 1, 5 * length, 7 * length + length / 3] {
      let samples = Self.samples(count, seed: seed)
      let expected = Self.slices(samples, length)
      #expect(Self.chunks(samples, &chunker, cuts: [0..<count]) == expected)
      #expect(Self.chunks(samples, &chunker, cuts: random.cuts(of: count)) == expected, "seed \(seed)")
      // With padding, silence fills the last.
      var padded = expected
      if let last = padded.popLast() { padded.append(last + [Int16](repeating: 0, count: length - last.count)) }
      #expect(Self.chunks(samples, &chunker, cuts: random.cuts(of: count), padded: true) == padded, "seed \(seed)")
    }
  }

  @Test("Every length of call around a chunk's", arguments: 1...90)
  func callLengths(length: Int) throws {
    var chunker = try Chunker(SampleRate(4_000), duration: .milliseconds(10))
    let samples = Self.samples(500, seed: 4)
    let cuts = stride(from: 0, to: 500, by: length).map { $0..<min(500, $0 + length) }
    #expect(Self.chunks(samples, &chunker, cuts: cuts) == Self.slices(samples, 40))
  }

  @Test("No chunk is empty, also where nothing came or nothing is left")
  func neverEmpty() throws {
    var chunker = try Chunker(.hz8000, duration: .milliseconds(10))
    for padded in [false, true] {
      #expect(Self.chunks([], &chunker, cuts: [], padded: padded) == [])
      #expect(Self.chunks([], &chunker, cuts: [0..<0, 0..<0], padded: padded) == [])
      let whole = Self.samples(160, seed: 5)
      #expect(
        Self.chunks(whole, &chunker, cuts: [0..<0, 0..<160, 160..<160], padded: padded).map(\.count) == [80, 80])
    }
  }

  @Test("What waits is told, and forgotten on reset")
  func pending() throws {
    var chunker = try Chunker(.hz8000, duration: .milliseconds(10))
    let samples = Self.samples(100, seed: 6)
    #expect(chunker.pendingSampleCount == 0)
    chunker.process(samples.span.extracting(0..<30)) { _ in Issue.record("too early") }
    #expect(chunker.pendingSampleCount == 30)
    var count = 0
    chunker.process(samples.span.extracting(30..<100)) { _ in count += 1 }
    #expect(count == 1)
    #expect(chunker.pendingSampleCount == 20)
    chunker.reset()
    #expect(chunker.pendingSampleCount == 0)
    #expect(Self.chunks(samples, &chunker, cuts: [0..<100]) == Self.slices(samples, 80))
    #expect(chunker.pendingSampleCount == 0)
  }

  @Test(
    "Legal durations", arguments: [.milliseconds(10), .milliseconds(10) + .nanoseconds(1), .seconds(10)] as [Duration])
  func legal(duration: Duration) throws {
    _ = try Chunker(.hz24000, duration: duration)
  }

  @Test(
    "Illegal durations",
    arguments: [
      .zero, .milliseconds(-20), .milliseconds(10) - .nanoseconds(1), .seconds(10) + .nanoseconds(1),
      .seconds(Int64.max),
    ] as [Duration])
  func illegal(duration: Duration) {
    let error = #expect(throws: ChunkerError.self) { _ = try Chunker(.hz24000, duration: duration).chunkSampleCount }
    #expect(error?.duration == duration)
    #expect(error?.description.hasSuffix("is outside of 0.01 seconds to 10.0 seconds") == true)
  }

  @Test("What the receiver throws comes out, and reset starts a new stream")
  func failures() throws {
    var chunker = try Chunker(.hz8000, duration: .milliseconds(10))
    let samples = Self.samples(1_000, seed: 7)
    for failing in 0..<4 {
      for cuts in [[0..<1_000], [0..<50, 50..<500, 500..<1_000]] {
        var seen = 0
        var caught: Stop?
        do throws(Stop) {
          for cut in cuts {
            try chunker.process(samples.span.extracting(cut)) { _ throws(Stop) in
              if seen == failing { throw Stop(chunk: seen) }
              seen += 1
            }
          }
        } catch {
          caught = error
        }
        #expect(caught == Stop(chunk: failing))
        #expect(seen == failing)
        chunker.reset()
      }
    }
    chunker.process(samples.span.extracting(0..<7)) { _ in }
    #expect(throws: Stop(chunk: 0)) { try chunker.finish { _ throws(Stop) in throw Stop(chunk: 0) } }
    #expect(Self.chunks(samples, &chunker, cuts: [0..<1_000]) == Self.slices(samples, 80))
  }

  @Test("Nothing allocates after init")
  func allocations() throws {
    try #require(AllocationCounter.isAvailable)
    var chunker = try Chunker(.hz8000, duration: .milliseconds(10))
    let samples = Self.samples(1_000, seed: 8)
    var sum = 0
    let allocations = AllocationCounter.count {
      for length in 0..<40 { chunker.process(samples.span.extracting(0..<length * 7)) { sum += $0.count } }
      chunker.finish(padded: true) { sum += $0.count }
    }
    #expect(allocations == 0)
    #expect(sum > 8_000)
  }
}
