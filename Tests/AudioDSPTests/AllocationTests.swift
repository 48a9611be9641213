import AudioDSP
import AudioTestSupport
import Foundation
import Synchronization
import Testing

/// No processor allocates after its `init`, in debug builds either. The counter's own tests show that it would see it.
///
/// Iterating over an array, and a literal of one, allocate in debug builds: what is counted does without.
@Suite(.enabled(if: AllocationCounter.isAvailable, "the allocation counter needs glibc and no sanitizer"))
struct AllocationTests {
  @Suite struct Canary {
    @Test("Each function is counted, once", arguments: AllocationCounter.Function.allCases)
    func function(_ function: AllocationCounter.Function) {
      #expect(AllocationCounter.countOnce { AllocationCounter.probe(function) } == 1)
      #expect(AllocationCounter.count { for _ in 0..<10 { AllocationCounter.probe(function) } } == 10)
    }

    @Test("What Swift allocates is counted")
    func swift() {
      var array: [Int] = []
      let count = AllocationCounter.count {
        array = []
        for i in 0..<100 { array.append(i) }
      }
      #expect(count > 0)
      #expect(array.count == 100)
    }

    private static let probeCount = Atomic(0)
    private static let isDone = Atomic(false)

    @Test("Nothing is counted that is not there, nor what another thread does at the same time")
    func nothing() {
      var sum = 0
      #expect(AllocationCounter.count { for i in 0..<100 { sum &+= i } } == 0)
      #expect(sum > 0)
      Thread {
        while !Self.isDone.load(ordering: .relaxed) {
          AllocationCounter.probe(.malloc)
          Self.probeCount.wrappingAdd(1, ordering: .relaxed)
        }
      }.start()
      let count = AllocationCounter.count {
        let end = Self.probeCount.load(ordering: .relaxed) + 1_000
        while Self.probeCount.load(ordering: .relaxed) < end { sched_yield() }
      }
      Self.isDone.store(true, ordering: .relaxed)
      #expect(count == 0)
    }

    struct Failure: Error {}

    @Test("An error ends the count")
    func thrown() {
      #expect(throws: Failure.self) { try AllocationCounter.countOnce { throw Failure() } }
      let array = [1, 2, 3].map { $0 + 1 }
      #expect(array.count == 3)
      #expect(AllocationCounter.countOnce {} == 0)
    }
  }

  static let pairs = [
    RatePair(from: 48_000, to: 24_000), RatePair(from: 44_100, to: 24_000), RatePair(from: 8_000, to: 24_000),
    RatePair(from: 44_101, to: 24_000), RatePair(from: 24_000, to: 24_000), RatePair(from: 24_000, to: 48_000),
  ]

  @Test(arguments: KernelBackend.available, pairs)
  func resampler(backend: KernelBackend, pair: RatePair) throws {
    var random = SeededGenerator(seed: 60)
    // More than the buffer holds, in pieces that start and end inside of groups.
    let input = random.samples(9_000) + [.nan]
    var output = [Float](repeating: 0, count: pair.outputCount(forInputCount: input.count))
    let lengths = [1, 480, 0, 7, 960, 5, 6_000, input.count]
    func feed(_ resampler: inout Resampler) throws(ResamplerError) -> Int {
      var written = 0
      var taken = 0
      for i in 0..<lengths.count {
        let end = min(input.count, taken + lengths[i])
        var span = output.mutableSpan
        var target = span._mutatingExtracting(written...)
        written += try resampler.process(input.span.extracting(taken..<end), into: &target)
        taken = end
      }
      var span = output.mutableSpan
      var target = span._mutatingExtracting(written...)
      return try written + resampler.finish(into: &target)
    }

    // One resampler warms up what is made once; the other shows that its first call allocates no more than its last.
    var other = try Resampler(pair, backend)
    let due = try feed(&other)
    var resampler = try Resampler(pair, backend)
    var written = 0
    let first = try AllocationCounter.countOnce { () throws(ResamplerError) in written = try feed(&resampler) }
    #expect(first == 0)
    #expect(written == due && due == output.count)
    let again = try AllocationCounter.countOnce { () throws(ResamplerError) in
      resampler.reset()
      written = try feed(&resampler)
    }
    #expect(again == 0)
    #expect(written == due)
  }

  /// What a thrown error costs by itself: the testing library looks at every one.
  private static func allocationsOfThrowing() -> Int {
    AllocationCounter.count {
      do throws(ResamplerError) { try fail() } catch {}
    }
  }

  @inline(never)
  private static func fail() throws(ResamplerError) { throw .finished }

  @Test("A resampler's errors do not allocate either")
  func resamplerErrors() throws {
    var resampler = Resampler(from: .hz48000, to: .hz24000)
    let input = [Float](repeating: 0, count: 4_000)
    var small: [Float] = [0]
    var errorCount = 0
    let count = AllocationCounter.count {
      do throws(ResamplerError) {
        var span = small.mutableSpan
        _ = try resampler.process(input.span, into: &span)
      } catch {
        errorCount += 1
      }
    }
    #expect(count == Self.allocationsOfThrowing())
    #expect(errorCount == 2)
  }

  @Test(arguments: KernelBackend.available)
  func base64(backend: KernelBackend) throws {
    var random = SeededGenerator(seed: 61)
    let bytes = random.bytes(1_001)
    let text = Base64Tests.foundation(bytes)
    var encoder = Base64Encoder(backend: backend)
    var decoder = Base64Decoder(backend: backend)
    var characters = [UInt8](repeating: 0, count: text.count)
    var decoded = [UInt8](repeating: 0, count: bytes.count)
    let pieces = [0..<1, 1..<5, 5..<5, 5..<960]
    let count = try AllocationCounter.count { () throws(Base64Error) in
      var written = 0
      for i in 0...pieces.count {
        let piece = i < pieces.count ? pieces[i] : 960..<bytes.count
        var span = characters.mutableSpan
        var target = span._mutatingExtracting(written...)
        written += try encoder.encode(bytes.span.bytes.extracting(piece), into: &target)
      }
      var span = characters.mutableSpan
      var target = span._mutatingExtracting(written...)
      written += try encoder.finish(into: &target)

      written = 0
      for i in 0...pieces.count {
        let piece = i < pieces.count ? pieces[i] : 960..<text.count
        var span = decoded.mutableSpan
        var target = span._mutatingExtracting(written...)
        written += try decoder.decode(characters.span.extracting(piece), into: &target)
      }
      try decoder.finish()
    }
    #expect(count == 0)
    #expect(characters == text)
    #expect(decoded == bytes)
  }

  @Test("Base64 in one call, and its errors")
  func base64InOneCall() throws {
    let bytes = [UInt8](repeating: 5, count: 1_000)
    var characters = [UInt8](repeating: 0, count: 1_336)
    var decoded = [UInt8](repeating: 0, count: 1_000)
    let bad = Array("Zm9vZm*v".utf8)
    var errorCount = 0
    let count = try AllocationCounter.count { () throws(Base64Error) in
      var characterSpan = characters.mutableSpan
      _ = try Base64.encode(bytes.span.bytes, into: &characterSpan)
      var decodedSpan = decoded.mutableSpan
      _ = try Base64.decode(characters.span, into: &decodedSpan)
      do throws(Base64Error) {
        _ = try Base64.decode(bad.span, into: &decodedSpan)
      } catch {
        errorCount += 1
      }
    }
    #expect(count == Self.allocationsOfThrowing())
    #expect(errorCount == 2)
  }

  @Test(arguments: KernelBackend.available)
  func samples(backend: KernelBackend) throws {
    var random = SeededGenerator(seed: 62)
    let floats = random.samples(1_200)
    let someCodes = random.bytes(1_200)
    let laws = G711.allCases
    var dither = DitheredPCM16Converter(seed: 1, backend: backend)
    var integers = [Int16](repeating: 0, count: 1_200)
    var restored = [Float](repeating: 0, count: 1_200)
    var codes = [UInt8](repeating: 0, count: 1_200)
    var mono = [Float](repeating: 0, count: 1_200)
    let count = try AllocationCounter.count { () throws(DownmixError) in
      var integerSpan = integers.mutableSpan
      PCM16.convert(floats.span, into: &integerSpan, backend: backend)
      dither.convert(floats.span, into: &integerSpan)
      for i in 0..<laws.count { laws[i].decode(someCodes.span, into: &integerSpan, backend: backend) }
      var restoredSpan = restored.mutableSpan
      PCM16.convert(integers.span, into: &restoredSpan, backend: backend)
      var codeSpan = codes.mutableSpan
      for i in 0..<laws.count { laws[i].encode(integers.span, into: &codeSpan, backend: backend) }
      var monoSpan = mono.mutableSpan
      for channelCount in 1...6 {
        _ = try Downmix.mean.process(floats.span, channelCount: channelCount, into: &monoSpan, backend: backend)
        _ = try Downmix.channel(0).process(
          floats.span, channelCount: channelCount, into: &monoSpan, backend: backend)
      }
    }
    #expect(count == 0)
  }

  @Test(arguments: SpeechDetector.Kind.allCases, [8_000, 16_000, 44_100])
  func detectors(kind: SpeechDetector.Kind, rate: Int) throws {
    var random = SeededGenerator(seed: 63)
    let samples = random.samples(rate * 3)
    let lengths = [1, rate / 50, 0, 7, rate / 2, rate]
    let sampleRate = try SampleRate(rate)
    var scores = [FrameScore](repeating: FrameScore(0), count: 400)
    func feed(_ detector: inout SpeechDetector) -> Int {
      var taken = 0
      var scored = 0
      var span = scores.mutableSpan
      for i in 0..<lengths.count {
        var target = span._mutatingExtracting(scored...)
        scored += detector.process(samples.span.extracting(taken..<taken + lengths[i]), into: &target)
        taken += lengths[i]
      }
      var target = span._mutatingExtracting(scored...)
      return scored + detector.finish(into: &target)
    }
    // One detector warms up what is made once: tables and weights.
    var other = SpeechDetector(kind, sampleRate)
    let due = feed(&other)
    var detector = SpeechDetector(kind, sampleRate)
    var scored = 0
    #expect(AllocationCounter.countOnce { scored = feed(&detector) } == 0)
    #expect(scored == due)
    #expect(AllocationCounter.countOnce { scored = feed(&detector) } == 0)
  }
}
