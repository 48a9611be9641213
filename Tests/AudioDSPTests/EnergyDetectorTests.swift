import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct EnergyDetectorTests {
  private typealias Segment = TestRecording.Segment

  // MARK: Helpers

  private static func scores(_ samples: [Float], rate: Int, cuts: [Range<Int>]? = nil) throws -> [FrameScore] {
    var detector = EnergyDetector(try SampleRate(rate))
    return AudioDSPTests.scores(samples, &detector, cuts: cuts)
  }

  /// What the segmenter makes of the scores, with pauses bridged that the labels have not either.
  private static func segments(_ samples: [Float], rate: Int) throws -> [Segment] {
    let grid = FrameGrid(try SampleRate(rate))
    var segmenter = Segmenter(grid: grid, configuration: .speech)
    var segments: [Segment] = []
    var start = 0
    func note(_ event: SegmentEvent?) {
      switch event {
      case .started(let place, _, _): start = place
      case .ended(let place, _, _): segments.append(Segment(start: start, end: place))
      case .cut, .misfire, nil: break
      }
    }
    for score in try scores(samples, rate: rate) { note(segmenter.process(score, streamEnd: samples.count)) }
    note(segmenter.finish(sampleCount: samples.count))
    return bridged(segments, rate: rate)
  }

  private static func bridged(_ segments: [Segment], rate: Int) -> [Segment] {
    segments.reduce(into: []) { bridged, segment in
      if let last = bridged.last, milliseconds(segment.start - last.end, rate) < 350 {
        bridged[bridged.count - 1] = Segment(start: last.start, end: segment.end)
      } else {
        bridged.append(segment)
      }
    }
  }

  private static func milliseconds(_ samples: Int, _ rate: Int) -> Double { Double(samples) * 1_000 / Double(rate) }

  /// Each label is found once, its edges are near, and nothing else is found.
  private static func expect(
    _ found: [Segment], near labels: [Segment], rate: Int, onset: ClosedRange<Double>, end: ClosedRange<Double>,
    _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(found.count == labels.count, comment, sourceLocation: sourceLocation)
    for (found, label) in zip(found, labels) {
      let late = (milliseconds(found.start - label.start, rate), milliseconds(found.end - label.end, rate))
      #expect(onset.contains(late.0), comment, sourceLocation: sourceLocation)
      #expect(end.contains(late.1), comment, sourceLocation: sourceLocation)
    }
  }

  /// The harmonic mean of precision and recall over 10 ms frames.
  private static func frameF1(_ found: [Segment], _ labels: [Segment], rate: Int, sampleCount: Int) -> Double {
    func isIn(_ segments: [Segment], _ sample: Int) -> Bool {
      segments.contains { $0.start <= sample && sample < $0.end }
    }
    var (both, either) = (0, 0)
    for center in stride(from: rate / 200, to: sampleCount, by: rate / 100) {
      let (a, b) = (isIn(found, center), isIn(labels, center))
      both += a && b ? 2 : 0
      either += (a ? 1 : 0) + (b ? 1 : 0)
    }
    return Double(both) / Double(max(1, either))
  }

  /// Gaussian noise by the sum of twelve uniform values, at a level in dBFS; each sample is smoothed into the next ones
  /// by
  /// `colour`: 0 is white, 0.95 rumbles.
  private static func noise(_ count: Int, level: Double, colour: Float = 0, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    // The power of a one-pole filter's output is 1 / (1 - colour^2) of its input's.
    let scale = Float(pow(10, level / 20)) * (1 - colour * colour).squareRoot()
    var state: Float = 0
    return (0..<count).map { _ in
      var sum: Float = -6
      var bits = random.next()
      for _ in 0..<12 {
        if bits == 0 { bits = random.next() }
        sum += Float(bits & 0x1F) / 31
        bits >>= 5
      }
      state = colour * state + sum * scale
      return state
    }
  }

  // MARK: Labelled speech

  @Test("speech.wav: every utterance, at once, and nothing else")
  func speech() throws {
    let recording = try TestRecording.named("speech.wav")
    let labels = recording.speech(mergingGapsBelow: 0.35)
    #expect(labels.count == 4)
    for channel in 0..<2 {
      let samples = try recording.waveSamples(channel: channel)
      let found = try Self.segments(samples, rate: recording.sampleRate)
      // Beyond a label's end the last vowel fades for another 0.1 s.
      Self.expect(found, near: labels, rate: recording.sampleRate, onset: -10...60, end: -20...200)
    }
  }

  @Test(
    "The other recordings",
    arguments: [
      // In noise, 0.2 s at the end of an utterance are what bridges the pauses inside of others.
      ("clean-mono-16k.wav", 0.93), ("noisy-10dB-16k.wav", 0.87), ("telephone-mulaw-8k.wav", 0.95),
      ("pcm8-11k025.wav", 0.9), ("pcm24-extensible-24k.wav", 0.93), ("float32-over-full-scale-16k.wav", 0.87),
    ])
  func recordings(file: String, leastF1: Double) throws {
    let recording = try TestRecording.named(file)
    let samples = try recording.waveSamples()
    let labels = recording.speech(mergingGapsBelow: 0.35)
    let found = try Self.segments(samples, rate: recording.sampleRate)
    #expect(found.count == labels.count)
    let f1 = Self.frameF1(found, labels, rate: recording.sampleRate, sampleCount: samples.count)
    #expect(f1 >= leastF1)
  }

  @Test("Surround: the channel that has the speech")
  func surround() throws {
    let recording = try TestRecording.named("surround-5.1-16k.wav")
    let found = try Self.segments(recording.waveSamples(channel: 2), rate: 16_000)
    Self.expect(found, near: recording.speech, rate: 16_000, onset: -10...60, end: -20...200)
  }

  @Test(
    "At any sample rate", arguments: [4_000, 8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 96_000, 192_000])
  func sampleRates(rate: Int) throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let samples = try recording.waveSamples()
    var resampler = Resampler(from: .hz16000, to: try SampleRate(rate))
    var output = [Float](repeating: 0, count: (samples.count * rate + 15_999) / 16_000)
    var span = output.mutableSpan
    let count = try resampler.process(samples.span, into: &span)
    var rest = span._mutatingExtracting(count...)
    _ = try resampler.finish(into: &rest)
    let labels = recording.speech(mergingGapsBelow: 0.35).map {
      Segment(start: $0.start * rate / 16_000, end: $0.end * rate / 16_000)
    }
    let found = try Self.segments(output, rate: rate)
    #expect(Self.frameF1(found, labels, rate: rate, sampleCount: output.count) > 0.93)
    #expect(abs(Self.milliseconds(found[0].start - labels[0].start, rate)) <= 60)
  }

  @Test("Damage that is no matter: an offset, an inverted signal, dropouts")
  func damage() throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let samples = try recording.waveSamples()
    let labels = recording.speech(mergingGapsBelow: 0.35)
    let plain = try Self.segments(samples, rate: 16_000)
    #expect(try Self.segments(samples.map { -$0 }, rate: 16_000).count == plain.count)
    for offset in [0.1, -0.3] as [Float] {
      let found = try Self.segments(samples.map { $0 + offset }, rate: 16_000)
      Self.expect(found, near: labels, rate: 16_000, onset: -20...60, end: -100...200, "offset \(offset)")
    }
    // 20, 40 and 60 ms of zeros inside of speech.
    var gaps = samples
    for (start, length) in [(8_000, 320), (28_000, 640), (60_000, 960)] {
      for i in start..<start + length { gaps[i] = 0 }
    }
    Self.expect(try Self.segments(gaps, rate: 16_000), near: labels, rate: 16_000, onset: -10...60, end: -20...200)
  }

  @Test("One utterance at three levels, 12 dB apart, and the same the other way round")
  func levelSteps() throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let label = recording.speech[1]
    let samples = try recording.waveSamples()
    let pause = 12_000
    for gains in [[0, -12, -24], [-24, -12, 0]] as [[Double]] {
      var stream = Self.noise(16_000, level: -75, seed: 1)
      var labels: [Segment] = []
      for gain in gains {
        labels.append(Segment(start: stream.count, end: stream.count + label.end - label.start))
        stream += samples[label.start..<label.end].map { $0 * Float(pow(10, gain / 20)) }
        stream += Self.noise(pause, level: -75, seed: UInt64(stream.count))
      }
      let found = try Self.segments(stream, rate: 16_000)
      Self.expect(found, near: labels, rate: 16_000, onset: -10...60, end: -150...200, "gains \(gains)")
    }
  }

  @Test("The level of a recording is no matter", arguments: ["speech.wav", "noisy-10dB-16k.wav", "clean-mono-16k.wav"])
  func levels(file: String) throws {
    let recording = try TestRecording.named(file)
    let samples = try recording.waveSamples()
    let plain = try Self.segments(samples, rate: recording.sampleRate)
    for gain in [-20, -10, 5] as [Double] {
      let found = try Self.segments(samples.map { $0 * Float(pow(10, gain / 20)) }, rate: recording.sampleRate)
      let f1 = Self.frameF1(found, plain, rate: recording.sampleRate, sampleCount: samples.count)
      // The first guess at the floor is a level, and these files are short.
      #expect(f1 > 0.9, "\(gain) dB")
    }
  }

  // MARK: No speech

  @Test("Digital silence", arguments: [8_000, 16_000, 48_000])
  func digitalSilence(rate: Int) throws {
    let scores = try Self.scores([Float](repeating: 0, count: 3 * rate), rate: rate)
    #expect(scores.allSatisfy { $0.score < 0.2 })
  }

  @Test(
    "Steady noise of any colour and level, once it is known",
    arguments: [(0, 0), (0.5, 0), (0.9, 0), (0.95, 0.02)] as [(Float, Double)])
  func steadyNoise(colour: Float, tolerance: Double) throws {
    // The first guess at the floor is -45 dBFS, and what is louder takes a while longer.
    for (level, known) in [(-70, 50), (-50, 50), (-35, 50), (-20, 90)] as [(Double, Int)] {
      let noise = Self.noise(16_000 * 12, level: level, colour: colour, seed: 3)
      let late = try Self.scores(noise, rate: 16_000)[known...].count { $0.score >= 0.5 }
      #expect(Double(late) <= tolerance * 1_200, "\(level) dBFS")
    }
  }

  @Test("Mains hum, and clicks")
  func humAndClicks() throws {
    var random = SeededGenerator(seed: 4)
    var samples = zip(
      sineWave(50, rate: 16_000, count: 96_000, amplitude: 0.02), Self.noise(96_000, level: -60, seed: 5)
    )
    .map { $0 + $1 }
    #expect(try Self.segments(samples, rate: 16_000) == [])
    for _ in 0..<12 {
      let place = Int.random(in: 8_000..<95_000, using: &random)
      for i in 0..<160 { samples[place + i] += 0.2 * expf(-Float(i) / 20) * Float.random(in: -1...1, using: &random) }
    }
    #expect(try Self.segments(samples, rate: 16_000) == [])
  }

  @Test("Noise that starts after digital silence is known 1.6 seconds later", arguments: [-60, -40, -20] as [Double])
  func noiseAfterSilence(level: Double) throws {
    for (seed, colour) in [0, 0.5, 0.9].enumerated() as EnumeratedSequence<[Float]> {
      let noise = Self.noise(16_000 * 5, level: level, colour: colour, seed: UInt64(10 + seed))
      let scores = try Self.scores([Float](repeating: 0, count: 16_000 * 5) + noise, rate: 16_000)
      #expect(scores[..<500].allSatisfy { $0.score < 0.2 })
      let late = scores[660...].count { $0.score >= 0.5 }
      #expect(late <= 8, "colour \(colour)")
    }
  }

  @Test("What is steady is no speech, however loud: a tone, and a tone that pulses as fast as a motor")
  func steadyTones() throws {
    let tone = sineWave(440, rate: 16_000, count: 16_000 * 6, amplitude: 0.2)
    let noise = Self.noise(tone.count, level: -60, seed: 13)
    let steady = zip(tone, noise).map { $0 + $1 }
    let pulsing = zip(tone, noise).enumerated().map { i, pair in
      pair.0 * (0.6 + 0.4 * sinf(2 * .pi * 25 * Float(i) / 16_000)) + pair.1
    }
    for samples in [steady, pulsing] {
      #expect(try Self.scores(samples, rate: 16_000)[150...].allSatisfy { $0.score < 0.5 })
    }
  }

  @Test("Noise that grows by 15 dB is known again three seconds later")
  func noiseStep() throws {
    let noise = Self.noise(16_000 * 5, level: -55, seed: 6) + Self.noise(16_000 * 10, level: -40, seed: 7)
    let scores = try Self.scores(noise, rate: 16_000)
    #expect(scores[50..<499].allSatisfy { $0.score < 0.5 })
    #expect(scores[800...].allSatisfy { $0.score < 0.5 })
    var detector = EnergyDetector(.hz16000)
    var found = [FrameScore](repeating: FrameScore(0), count: 1_500)
    var span = found.mutableSpan
    _ = detector.process(noise.span.extracting(..<80_000), into: &span)
    #expect(abs(detector.noiseFloorInDecibels + 55) < 2)
    _ = detector.process(noise.span.extracting(80_000...), into: &span)
    #expect(abs(detector.noiseFloorInDecibels + 40) < 2)
  }

  // MARK: Long streams

  @Test("After an hour of digital silence")
  func afterAnHourOfSilence() throws {
    let recording = try TestRecording.named("telephone-mulaw-8k.wav")
    let samples = try recording.waveSamples()
    let expected = try Self.scores(samples, rate: 8_000)
    var detector = EnergyDetector(.hz8000)
    let silence = [Float](repeating: 0, count: 80_000)
    var scores = [FrameScore](repeating: FrameScore(0), count: 1_000)
    for _ in 0..<360 {
      var span = scores.mutableSpan
      _ = detector.process(silence.span, into: &span)
    }
    let found = AudioDSPTests.scores(samples, &detector)
    for label in recording.speech {
      let frames = label.start / 80..<label.end / 80
      #expect(Double(found[frames].count { $0.score >= 0.35 }) > 0.95 * Double(frames.count))
    }
    // The noise of the line is new as well, and known when the second utterance comes.
    let agreement = zip(found[250...], expected[250...]).count { ($0.score >= 0.5) == ($1.score >= 0.5) }
    #expect(Double(agreement) > 0.95 * Double(expected.count - 250))
  }

  @Test("Eighteen minutes of speech in noise end as they begin")
  func noDrift() throws {
    let recording = try TestRecording.named("noisy-10dB-16k.wav")
    let samples = try recording.waveSamples()
    // A whole number of frames, so that each repetition's frames hold the same samples.
    let frameCount = samples.count / 160
    let period = Array(samples[..<(frameCount * 160)])
    var detector = EnergyDetector(.hz16000)
    var scores = [FrameScore](repeating: FrameScore(0), count: frameCount)
    var second: [FrameScore] = []
    for repetition in 0..<250 {
      var span = scores.mutableSpan
      #expect(detector.process(period.span, into: &span) == frameCount)
      if repetition == 3 { second = scores }
    }
    for (last, early) in zip(scores, second) { #expect(abs(last.score - early.score) < 0.01) }
    let speaking = scores.indices.filter { scores[$0].score >= 0.5 }.map { $0 * 160 + 80 }
    let labelled = speaking.filter { sample in recording.speech.contains { $0.start <= sample && sample < $0.end } }
    #expect(Double(labelled.count) > 0.85 * Double(speaking.count))
  }

  // MARK: The contract of a detector

  @Test(
    "However it is cut, scores are the same bits", arguments: [4_000, 8_000, 11_025, 16_000, 44_100, 48_000],
    [1, 2] as [UInt64])
  func partitions(rate: Int, seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let samples = (0..<rate * 2 + Int(seed)).map { i in
      Float.random(in: -1...1, using: &random) * (i / (rate / 3) % 2 == 0 ? 0.001 : 0.2)
    }
    let whole = try Self.scores(samples, rate: rate)
    let cut = try Self.scores(samples, rate: rate, cuts: random.cuts(of: samples.count))
    #expect(firstBitDifference(whole.map(\.score), cut.map(\.score)) == nil, "seed \(seed)")
    #expect(whole == cut, "seed \(seed)")
    #expect(whole.contains { $0.score > 0.5 } && whole.contains { $0.score < 0.2 })
  }

  @Test("Features are the analyzer's")
  func features() throws {
    var random = SeededGenerator(seed: 8)
    let samples = random.samples(5_555)
    let features = try FrameAnalyzerTests.features(samples, rate: 11_025).frames
    #expect(try Self.scores(samples, rate: 11_025).map(\.features) == features)
  }

  @Test("Finish and reset both start a new stream")
  func newStream() throws {
    let samples = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    let expected = try Self.scores(samples, rate: 16_000)
    var detector = EnergyDetector(.hz16000)
    #expect(AudioDSPTests.scores(samples, &detector) == expected)
    #expect(AudioDSPTests.scores(samples, &detector) == expected)
    var scores = [FrameScore](repeating: FrameScore(0), count: 100)
    var span = scores.mutableSpan
    _ = detector.process(Self.noise(15_999, level: -10, seed: 9).span, into: &span)
    detector.reset()
    #expect(AudioDSPTests.scores(samples, &detector) == expected)
    #expect(detector.grid == FrameGrid(.hz16000))
    #expect(detector.lookAheadInSamples == 0)
  }

  @Test("What is not finite is 0, and what is huge does no harm")
  func badSamples() throws {
    let samples = try TestRecording.named("clean-mono-16k.wav").waveSamples()
    var broken = samples
    var zeroed = samples
    for place in stride(from: 100, to: samples.count, by: 1_777) {
      broken[place] = [.nan, .infinity, -.infinity][place % 3]
      zeroed[place] = 0
    }
    #expect(try Self.scores(broken, rate: 16_000) == Self.scores(zeroed, rate: 16_000))
    let nothing = try Self.scores([Float](repeating: .nan, count: 16_000), rate: 16_000)
    #expect(nothing.allSatisfy { $0.score < 0.2 })

    for value in [1e10, 1e30, Float.greatestFiniteMagnitude] {
      let loud = (0..<1_600).map { $0 % 40 < 20 ? value : -value }
      let scores = try Self.scores(loud + samples, rate: 16_000)
      #expect(scores.allSatisfy { (0...1).contains($0.score) })
    }
  }

  @Test("Nothing allocates after init")
  func allocations() throws {
    try #require(AllocationCounter.isAvailable)
    let samples = try TestRecording.named("clean-mono-16k.wav").waveSamples() + [.nan]
    var detector = EnergyDetector(.hz16000)
    var scores = [FrameScore](repeating: FrameScore(0), count: 1_000)
    let count = AllocationCounter.count {
      var span = scores.mutableSpan
      for length in 0..<40 { _ = detector.process(samples.span.extracting(..<(length * 37)), into: &span) }
      _ = detector.process(samples.span, into: &span)
      _ = detector.finish(into: &span)
      detector.reset()
    }
    #expect(count == 0)
  }
}
