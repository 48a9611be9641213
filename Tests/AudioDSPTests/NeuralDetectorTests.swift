import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct NeuralDetectorTests {
  /// What `Training/network.py reference` wrote: its features and scores of a recording in TestAudio.
  struct Reference: Decodable {
    var recording: String
    var frames: [Int]
    var features: [[Float]]
    var scores: [Float]

    static func named(_ name: String) throws -> Reference {
      let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("NeuralReference/\(name).json")
      return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file))
    }
  }

  // MARK: Helpers

  private static func scores(_ samples: [Float], rate: Int, cuts: [Range<Int>]? = nil) throws -> [FrameScore] {
    var detector = NeuralDetector(try SampleRate(rate))
    return AudioDSPTests.scores(samples, &detector, cuts: cuts)
  }

  private static func speech(rate: Int) throws -> [Float] {
    try RatePair(from: 16_000, to: rate).resampled(TestRecording.named("clean-mono-16k.wav").waveSamples())
  }

  private static func labels(_ recording: TestRecording, frameCount: Int) -> [Bool] {
    let speech = recording.speech(mergingGapsBelow: 0.2)
    return (0..<frameCount).map { frame in
      let center = (2 * frame + 1) * recording.sampleRate / 200
      return speech.contains { $0.start <= center && center < $0.end }
    }
  }

  /// The part of the pairs of a frame of speech and one without in which the former has the greater score.
  private static func areaUnderCurve(_ scores: [FrameScore], _ labels: [Bool]) -> Double {
    let order = zip(scores, labels).sorted { $0.0.score < $1.0.score }
    var (below, sum, speechCount) = (0, 0, 0)
    for (_, isSpeech) in order {
      if isSpeech {
        sum += below
        speechCount += 1
      } else {
        below += 1
      }
    }
    return Double(sum) / Double(max(1, below * speechCount))
  }

  private static func noise(_ count: Int, level: Float, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    let scale = Float(pow(10, level / 20)) * 1.7320508
    return (0..<count).map { _ in Float.random(in: -scale...scale, using: &random) }
  }

  static let rates = [4_000, 8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 47_999, 192_000]

  // MARK: What the script computes

  @Test(arguments: ["noisy-10dB-16k", "clean-mono-16k"], KernelBackend.available)
  func reference(name: String, backend: KernelBackend) throws {
    let reference = try Reference.named(name)
    let samples = try TestRecording.named(reference.recording).waveSamples()
    let frameCount = (samples.count + 159) / 160
    #expect(reference.scores.count == frameCount)

    var analyzer = SpectralAnalyzer(maximumCount: samples.count, kernels: Kernels(backend))
    analyzer.append(samples.span)
    let silence = [Float](
      repeating: 0, count: SpectralAnalyzer.sampleCount(inFrameCount: frameCount) - samples.count)
    analyzer.append(silence.span)
    var row = [Float](repeating: 0, count: SpectralAnalyzer.featureCount)
    for frame in 0..<frameCount {
      var span = row.mutableSpan
      let isMeasured = analyzer.nextFrame(into: &span)
      #expect(isMeasured)
      guard let place = reference.frames.firstIndex(of: frame) else { continue }
      // The script's fourth of the last eight is the absolute level, which the network does not see.
      var expected = reference.features[place]
      expected.remove(at: 67)
      #expect(expected.count == row.count)
      for (index, (found, expected)) in zip(row, expected).enumerated() {
        // A lag's neighbour may be as strong to within rounding.
        let tolerance: Float = index == 68 ? 0.02 : 2e-3 * max(1, abs(expected))
        #expect(abs(found - expected) <= tolerance, "frame \(frame), feature \(index)")
      }
    }
    var span = row.mutableSpan
    let isMore = analyzer.nextFrame(into: &span)
    #expect(!isMore)

    var detector = NeuralDetector(.hz16000, backend: backend)
    let found = AudioDSPTests.scores(samples, &detector)
    #expect(found.count == reference.scores.count)
    for (frame, (found, expected)) in zip(found, reference.scores).enumerated() {
      #expect(abs(found.score - expected) <= 2e-3, "frame \(frame)")
    }
  }

  /// Full scale behind silence takes many features to their limits; none of the recordings takes any there.
  @Test("Features count up to their limits", arguments: KernelBackend.available)
  func limits(backend: KernelBackend) throws {
    // As in NeuralReference/limits.py, of which these are the scores of every sixth frame from 300 on.
    let expected: [Float] = [
      0.0144, 0.0133, 0.0182, 0.0206, 0.0041, 0.0186, 0.7669, 0.0982, 0.0518, 0.0141, 0.0541, 0.0333, 0.0281, 0.0359,
      0.0039, 0.0128, 0.7133, 0.1141, 0.0500, 0.0120, 0.0425, 0.0663, 0.0383, 0.0487, 0.0040, 0.0140, 0.7938, 0.8872,
      0.8900, 0.0404, 0.1349, 0.0646, 0.1227, 0.0744, 0.0049, 0.0433, 0.5494, 0.3285, 0.2070, 0.0101,
    ]
    var samples = [Float](repeating: 0, count: 48_000)
    var state: UInt32 = 1
    for burst in 0..<8 {
      for i in 0..<3_200 {
        if burst % 2 == 0 {
          state = state &* 1_664_525 &+ 1_013_904_223
          samples.append(Float(Int(state >> 16) - 32_768) / 32_768)
        } else {
          let period = 100 + 7 * burst
          samples.append(Float(i % period * 65_534 / period - 32_767) / 32_768)
        }
      }
      samples += [Float](repeating: 0, count: 1_600)
    }
    var detector = NeuralDetector(.hz16000, backend: backend)
    let found = AudioDSPTests.scores(samples, &detector)
    try #require(found.count == 300 + 6 * expected.count)
    for (index, expected) in expected.enumerated() {
      let frame = 300 + 6 * index
      #expect(abs(found[frame].score - expected) <= 5e-3, "frame \(frame)")
    }
  }

  @Test("After silence, full scale: the same with every backend, and a score")
  func silenceThenFullScale() throws {
    var random = SeededGenerator(seed: 6)
    var samples = [Float](repeating: 0, count: 48_000)
    samples += random.samples(16_000, in: -1...1)
    samples += (0..<16_000).map { Float(sin(2 * Double.pi * 300 * Double($0) / 16_000)) }
    var scalar = NeuralDetector(.hz16000, backend: .scalar)
    let expected = AudioDSPTests.scores(samples, &scalar)
    #expect(expected.allSatisfy { $0.score.isFinite && (0...1).contains($0.score) })
    for backend in KernelBackend.available {
      var detector = NeuralDetector(.hz16000, backend: backend)
      let found = AudioDSPTests.scores(samples, &detector)
      try #require(found.count == expected.count)
      let differences = zip(found, expected).map { abs($0.score - $1.score) }
      // Not by the greatest difference, which passes over what is no number.
      #expect(differences.allSatisfy { $0 <= 5e-3 }, "\(backend)")
    }
  }

  // MARK: Contracts

  @Test("However the stream is cut, the scores are the same, bit for bit", arguments: rates)
  func partitionInvariance(rate: Int) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("NeuralDetectorTests.partitionInvariance, \(rate) Hz: seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let samples = try Array(Self.speech(rate: rate).prefix(rate * 4 + 137))
    let whole = try Self.scores(samples, rate: rate)
    for _ in 0..<3 {
      let cut = try Self.scores(samples, rate: rate, cuts: random.cuts(of: samples.count))
      #expect(cut == whole)
    }
  }

  @Test("Every frame has a score, no later than the stated look-ahead", arguments: rates)
  func lookAhead(rate: Int) throws {
    let sampleRate = try SampleRate(rate)
    let grid = FrameGrid(sampleRate)
    var detector = NeuralDetector(sampleRate)
    let lookAhead = detector.lookAheadInSamples
    #expect(Double(lookAhead) / Double(rate) <= 0.020)
    let samples = Self.noise(rate + rate / 3, level: -30, seed: 1)
    var scored = 0
    var latest = 0
    var scores = [FrameScore](repeating: FrameScore(0), count: 8)
    for index in samples.indices {
      var span = scores.mutableSpan
      for _ in 0..<detector.process(samples.span.extracting(index..<index + 1), into: &span) {
        let wait = index + 1 - grid.samples(ofFrame: scored).upperBound
        latest = max(latest, wait)
        scored += 1
      }
    }
    // Stated to within what frames and resampler round: two samples at either rate.
    #expect((lookAhead - 2 - (2 * rate + 15_999) / 16_000...lookAhead).contains(latest))
    var last = [FrameScore](repeating: FrameScore(0), count: detector.finalFrameCapacity)
    var span = last.mutableSpan
    scored += detector.finish(into: &span)
    let frameCount = (0...).first { grid.start(ofFrame: $0) >= samples.count }
    #expect(scored == frameCount)
  }

  @Test("Streams of a few samples, and none", arguments: [8_000, 16_000, 44_100])
  func short(rate: Int) throws {
    for count in [0, 1, 2, rate / 100 - 1, rate / 100, rate / 100 + 1, rate / 30] {
      let scores = try Self.scores(Self.noise(count, level: -20, seed: 2), rate: rate)
      let grid = FrameGrid(try SampleRate(rate))
      #expect(scores.count == (0...).first { grid.start(ofFrame: $0) >= count })
      #expect(scores.allSatisfy { (0...1).contains($0.score) })
    }
  }

  @Test("A detector that was reset, or has finished, is as new", arguments: [8_000, 16_000, 48_000])
  func reset(rate: Int) throws {
    let recording = try TestRecording.named("noisy-10dB-16k.wav").waveSamples()
    let samples = try RatePair(from: 16_000, to: rate).resampled(recording)
    let fresh = try Self.scores(samples, rate: rate)
    var detector = NeuralDetector(try SampleRate(rate))
    // A floor or a loudest level that stayed would be far below or far above what comes.
    for level in [-70, -20] as [Float] {
      let before = Self.noise(rate * 2, level: level, seed: 5)
      _ = AudioDSPTests.scores(before, &detector)
      let afterFinish = AudioDSPTests.scores(samples, &detector)
      #expect(afterFinish == fresh, "finished after \(level) dBFS")

      var scores = [FrameScore](repeating: FrameScore(0), count: detector.frameCapacity(forInputCount: before.count))
      var span = scores.mutableSpan
      _ = detector.process(before.span, into: &span)
      detector.reset()
      let afterReset = AudioDSPTests.scores(samples, &detector)
      #expect(afterReset == fresh, "reset after \(level) dBFS")
    }
  }

  @Test("The end of a stream is as silence behind it", arguments: rates)
  func finishIsSilence(rate: Int) throws {
    let speech = try Self.speech(rate: rate)
    let grid = FrameGrid(try SampleRate(rate))
    let silence = [Float](repeating: 0, count: rate * 3 / 10)
    // In the middle of a word and of a pause, at the end of a frame and within one, and streams of a few samples.
    for frame in [0, 1, 60, 130, 200] {
      for extra in [0, 1, grid.longestFrame / 2] {
        let count = grid.start(ofFrame: frame) + extra
        let samples = Array(speech[rate / 2..<rate / 2 + count])
        let finished = try Self.scores(samples, rate: rate)
        let followed = try Self.scores(samples + silence, rate: rate)
        #expect(finished.count == frame + (extra > 0 ? 1 : 0))
        #expect(finished.map(\.score) == followed.prefix(finished.count).map(\.score), "\(count) samples")
        // The energy of a frame that is cut off is that of its samples.
        #expect(finished.prefix(frame) == followed.prefix(frame), "\(count) samples")
      }
    }
  }

  @Test("Energy and zero crossings come with the scores of their frames", arguments: [16_000, 44_100])
  func features(rate: Int) throws {
    let samples = try Array(Self.speech(rate: rate).prefix(rate * 2 + 11))
    var analyzer = FrameAnalyzer(try SampleRate(rate))
    var features = [FrameFeatures](
      repeating: FrameFeatures(), count: analyzer.frameCapacity(forInputCount: samples.count))
    var span = features.mutableSpan
    _ = analyzer.process(samples.span, into: &span)
    if let last = analyzer.finish() { features.append(last) }
    #expect(try Self.scores(samples, rate: rate).map(\.features) == features)
  }

  // MARK: What it tells

  @Test("Speech of the labelled recordings", arguments: [("clean-mono-16k.wav", 0.97), ("noisy-10dB-16k.wav", 0.93)])
  func labelled(name: String, least: Double) throws {
    let recording = try TestRecording.named(name)
    let scores = try Self.scores(recording.waveSamples(), rate: recording.sampleRate)
    #expect(Self.areaUnderCurve(scores, Self.labels(recording, frameCount: scores.count)) >= least)
  }

  @Test("The same at every rate that carries speech", arguments: [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
  func speechAtAnyRate(rate: Int) throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let scores = try Self.scores(Self.speech(rate: rate), rate: rate)
    #expect(Self.areaUnderCurve(scores, Self.labels(recording, frameCount: scores.count)) >= 0.95)
  }

  @Test("The level does not matter", arguments: [-40, -20, 12])
  func level(decibels: Int) throws {
    let recording = try TestRecording.named("clean-mono-16k.wav")
    let gain = Float(pow(10, Double(decibels) / 20))
    let scores = try Self.scores(recording.waveSamples().map { $0 * gain }, rate: 16_000)
    #expect(Self.areaUnderCurve(scores, Self.labels(recording, frameCount: scores.count)) >= 0.95)
  }

  @Test("Silence, noise and a hum are no speech")
  func noSpeech() throws {
    let count = 16_000 * 20
    let hum = (0..<count).map { 0.1 * Float(sin(2 * Double.pi * 50 * Double($0) / 16_000)) }
    for samples in [
      [Float](repeating: 0, count: count), Self.noise(count, level: -70, seed: 3),
      Self.noise(count, level: -20, seed: 4),
      hum,
    ] {
      let scores = try Self.scores(samples, rate: 16_000)
      // Its first second teaches it the floor.
      let taken = scores.dropFirst(100).filter { $0.score >= 0.5 }.count
      #expect(taken <= scores.count / 100)
    }
  }

  @Test("What is no number, infinite or huge passes, and is forgotten")
  func poison() throws {
    let samples = try Self.speech(rate: 16_000)
    let clean = try Self.scores(samples, rate: 16_000)
    let place = 16_000
    for value in [Float.nan, .infinity, -.infinity, 1e30, -.greatestFiniteMagnitude] {
      var poisoned = samples
      for i in place..<place + 3 { poisoned[i] = value }
      let scores = try Self.scores(poisoned, rate: 16_000)
      #expect(scores.allSatisfy { $0.score.isFinite && (0...1).contains($0.score) })
      let (before, after) = (place / 160 - 4, place / 160 + 300)
      #expect(scores[..<before] == clean[..<before])
      let differences = zip(scores[after...], clean[after...]).map { abs($0.score - $1.score) }
      #expect(differences.reduce(0, +) / Float(differences.count) < 0.05, "\(value)")
    }
  }

  @Test("Ten minutes of digital silence, or of other speech and noise, before speech change little")
  func endless() throws {
    let recording = try TestRecording.named("noisy-10dB-16k.wav")
    let samples = try recording.waveSamples()
    let labels = Self.labels(recording, frameCount: (samples.count + 159) / 160)
    let fresh = Self.areaUnderCurve(try Self.scores(samples, rate: 16_000), labels)
    let speech = try Self.speech(rate: 16_000)
    var other: [Float] = []
    for seed in 0..<20 as Range<UInt64> {
      other += speech
      other += Self.noise(16_000 * 6, level: -15 - 3 * Float(seed), seed: seed)
    }
    for before in [[Float](repeating: 0, count: 16_000 * 600), other] {
      // Whole frames, so that the labels fit.
      let before = Array(before.prefix(before.count / 160 * 160))
      let scores = try Self.scores(before + samples, rate: 16_000)
      #expect(Self.areaUnderCurve(Array(scores.dropFirst(before.count / 160)), labels) >= fresh - 0.02)
    }
  }

  @Test("SpeechDetector scores as the detector that it holds", arguments: SpeechDetector.Kind.allCases)
  func chosen(kind: SpeechDetector.Kind) throws {
    func scores<Detector: VoiceActivityDetector & ~Copyable>(_ detector: consuming Detector, _ samples: [Float])
      -> [FrameScore]
    {
      var found = [FrameScore](repeating: FrameScore(0), count: detector.frameCapacity(forInputCount: samples.count))
      var span = found.mutableSpan
      _ = detector.process(samples.span, into: &span)
      var last = [FrameScore](repeating: FrameScore(0), count: detector.finalFrameCapacity)
      var lastSpan = last.mutableSpan
      let count = detector.finish(into: &lastSpan)
      return found + last[..<count]
    }
    let samples = try Array(Self.speech(rate: 16_000).prefix(40_000))
    let found = scores(SpeechDetector(kind, .hz16000), samples)
    switch kind {
    case .neural: #expect(found == scores(NeuralDetector(.hz16000), samples))
    case .energy: #expect(found == scores(EnergyDetector(.hz16000), samples))
    }
  }
}
