import AudioDSP
import AudioTestSupport
import Testing

@Suite struct SpeechTrackerTests {
  private struct Stop: Error {}

  private static func run<Detector: VoiceActivityDetector & ~Copyable>(
    _ samples: [Float], _ tracker: inout SpeechTracker<Detector>, cuts: [Range<Int>]
  ) -> (scores: [FrameScore], events: [SegmentEvent]) {
    var scores: [FrameScore] = []
    var events: [SegmentEvent] = []
    for cut in cuts {
      tracker.process(samples.span.extracting(cut)) {
        scores.append($0)
      } onEvent: {
        events.append($0)
      }
    }
    tracker.finish {
      scores.append($0)
    } onEvent: {
      events.append($0)
    }
    return (scores, events)
  }

  @Test(
    "Scores and events are those of the detector and of hindsight, however it is cut",
    arguments: Array(1...20) as [UInt64])
  func scripted(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let rate = try SampleRate([4_000, 8_000, 11_025, 44_101].randomElement(using: &random)!)
    let configuration = try SegmenterTests.randomConfiguration(&random)
    let lookAhead = [0, 0, rate.hertz / 50, rate.hertz / 9].randomElement(using: &random)!
    let grid = FrameGrid(rate)
    let sampleCount = Int.random(in: 0...rate.hertz * 2, using: &random)
    var frameCount = 0
    while grid.start(ofFrame: frameCount) < sampleCount { frameCount += 1 }
    let script = SegmenterTests.randomScores(frameCount, &random).map { $0.isNaN ? 0 : $0 }
    let live = (0..<frameCount).prefix { grid.start(ofFrame: $0 + 1) + lookAhead <= sampleCount }.count
    let reference = ReferenceSegments(configuration, hertz: rate.hertz, lookAhead: lookAhead)
    let expected = reference.decisions(
      script, energies: [Float](repeating: 0, count: frameCount), liveCount: live, sampleCount: sampleCount)

    let samples = [Float](repeating: 0, count: sampleCount)
    var tracker = SpeechTracker(
      ScriptedDetector(script, rate, lookAhead: lookAhead), configuration: configuration)
    #expect(tracker.grid == grid)
    for cuts in [[0..<sampleCount], random.cuts(of: sampleCount)] {
      let found = Self.run(samples, &tracker, cuts: cuts)
      #expect(found.scores.map(\.score) == script, "seed \(seed)")
      #expect(found.events == expected.map(\.event), "seed \(seed)")
      #expect(tracker.sampleCount == 0)
    }
  }

  @Test("What is settled and how many samples came, reset, and the receivers' errors")
  func state() throws {
    let script = [0, 0, 1, 1, 1, 1] as [Float]
    let configuration = try SegmenterConfiguration(
      minimumSpeech: .milliseconds(20), prefixPadding: .milliseconds(10))
    var tracker = SpeechTracker(ScriptedDetector(script, .hz8000), configuration: configuration)
    let samples = [Float](repeating: 0, count: 8 * 80)
    tracker.process(samples.span.extracting(0..<170)) { _ in
    } onEvent: { _ in
    }
    #expect(tracker.sampleCount == 170)
    #expect(tracker.settledEnd == 80)
    tracker.process(samples.span.extracting(0..<200)) { _ in
    } onEvent: { _ in
    }
    #expect(tracker.settledEnd == 320)
    tracker.reset()
    #expect(tracker.sampleCount == 0 && tracker.settledEnd == 0)
    #expect(throws: Stop.self) {
      try tracker.process(samples.span) { _ throws(Stop) in
      } onEvent: { _ throws(Stop) in
        throw Stop()
      }
    }
    tracker.reset()
    #expect(throws: Stop.self) {
      try tracker.process(samples.span) { _ throws(Stop) in
        throw Stop()
      } onEvent: { _ throws(Stop) in
      }
    }
    tracker.reset()
    #expect(
      Self.run(samples, &tracker, cuts: [0..<640]).events == [
        .started(at: 160, paddedStart: 80, decidedAt: 320), .ended(at: 480, claimedEnd: 640, decidedAt: 640),
      ])
  }

  @Test("Nothing allocates after init")
  func allocations() throws {
    try #require(AllocationCounter.isAvailable)
    // A second of silence and one of speech, in turn.
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let samples = try recording.waveSamples()
    let start = try #require(recording.speech.last).start - 1_600
    let loud = Array(samples[start..<start + 16_000])
    let quiet = [Float](repeating: 0, count: 16_000)
    var tracker = SpeechTracker(EnergyDetector(.hz16000), configuration: .speech)
    var (frameCount, eventCount) = (0, 0)
    let count = AllocationCounter.count {
      for _ in 0..<2 {
        tracker.process(quiet.span) { _ in
          frameCount += 1
        } onEvent: { _ in
          eventCount += 1
        }
        tracker.process(loud.span) { _ in
          frameCount += 1
        } onEvent: { _ in
          eventCount += 1
        }
      }
      tracker.finish { _ in
        frameCount += 1
      } onEvent: { _ in
        eventCount += 1
      }
    }
    #expect(count == 0)
    #expect(frameCount == 800)
    #expect(eventCount >= 8)
  }
}
