import AudioDSP
import AudioTestSupport
import Foundation
import Testing

@Suite struct LoudnessNormalizationTests {
  /// Loudness in LUFS and true peak of one channel.
  private static func measure(_ samples: [Float], rate: Int) throws -> (loudness: Double?, truePeak: Float) {
    var loudness = LoudnessMeter(try SampleRate(rate), channelCount: 1)
    var truePeak = TruePeakMeter()
    loudness.process(samples.span)
    truePeak.process(samples.span)
    truePeak.finish()
    return (loudness.integrated, truePeak.truePeak)
  }

  @Test("A gain brings a recording to the target")
  func target() {
    let decision = LoudnessNormalization(targetInLUFS: -16).decide(loudness: -30, truePeak: 0.1)
    #expect(decision == .init(gainInDecibels: 14, reason: .target))
    #expect(!decision.needsLimiter)
    #expect(LoudnessNormalization().decide(loudness: -10, truePeak: 1).gainInDecibels == -13)
  }

  @Test("A peak bounds the gain, or is left to a limiter")
  func peaks() throws {
    let bounded = LoudnessNormalization(targetInLUFS: -16).decide(loudness: -30, truePeak: 0.5)
    #expect(abs(bounded.gainInDecibels - (-1 - 20 * log10(0.5))) < 1e-6)
    guard case .ceiling(let missing) = bounded.reason else {
      Issue.record("\(bounded)")
      return
    }
    #expect(abs(missing - (14 - bounded.gainInDecibels)) < 1e-9)
    let limited = LoudnessNormalization(targetInLUFS: -16, peakRule: .limit).decide(loudness: -30, truePeak: 0.5)
    #expect(limited.gainInDecibels == 14 && limited.needsLimiter)
  }

  @Test("What cannot be measured is left alone, and told")
  func unmeasured() throws {
    for samples in [[], [Float](repeating: 0, count: 16_000), [Float](repeating: 0.5, count: 3_000)] {
      let (loudness, truePeak) = try Self.measure(samples, rate: 8_000)
      let decision = LoudnessNormalization().decide(loudness: loudness, truePeak: truePeak)
      #expect(decision == .init(gainInDecibels: 0, reason: .unmeasured))
    }
    #expect(LoudnessNormalization().decide(loudness: .nan, truePeak: 1).reason == .unmeasured)
    #expect(LoudnessNormalization().decide(loudness: 0, truePeak: .infinity).reason == .unmeasured)
  }

  @Test("Every gain that can be decided on can be applied")
  func extremes() {
    // No meter says so, but a caller may.
    for rule in [LoudnessNormalization.PeakRule.lowerGain, .limit] {
      let normalization = LoudnessNormalization(targetInLUFS: 0, peakRule: rule)
      #expect(normalization.decide(loudness: -1e9, truePeak: 1e-30) == .init(gainInDecibels: 200, reason: .target))
      #expect(normalization.decide(loudness: 1e9, truePeak: 1).gainInDecibels == -200)
    }
    for truePeak in [Float.leastNonzeroMagnitude, 1, 1e30, .greatestFiniteMagnitude] {
      for loudness in [-180.0, -70, -23, 30] {
        let decision = LoudnessNormalization().decide(loudness: loudness, truePeak: truePeak)
        if case .ceiling(let missing) = decision.reason {
          #expect(abs(missing - (-23 - loudness - decision.gainInDecibels)) < 1e-9)
        }
        var gain = ConstantGain(.hz8000, gainInDecibels: decision.gainInDecibels)
        let output = processed([.greatestFiniteMagnitude, 1, .nan], by: &gain)
        #expect(output.allSatisfy { $0.isFinite } && output[2] == 0)
      }
    }
  }

  @Test(
    "Recordings end at the target, by libebur128 where ffmpeg has it",
    arguments: [
      "speech.wav", "noisy-10dB-16k.wav", "clean-mono-16k.wav", "pcm8-11k025.wav", "telephone-mulaw-8k.wav",
      "pcm24-extensible-24k.wav",
    ])
  func recordings(name: String) throws {
    let recording = try TestRecording.named(name)
    let (rate, samples) = (recording.sampleRate, try recording.waveSamples())
    for target in [-23.0, -16] {
      let normalization = LoudnessNormalization(targetInLUFS: target, peakRule: .limit)
      let (loudness, truePeak) = try Self.measure(samples, rate: rate)
      let decision = normalization.decide(loudness: loudness, truePeak: truePeak)
      var gain = ConstantGain(try SampleRate(rate), gainInDecibels: decision.gainInDecibels)
      var output = processed(samples, by: &gain)
      if decision.needsLimiter {
        var limiter = TruePeakLimiter(try SampleRate(rate))
        output = aligned(output, by: &limiter)
      }
      let after = try Self.measure(output, rate: rate)
      // Without a limiter there is nothing but rounding, and what the meter's bins make of the gate.
      let error = try #require(after.loudness) - target
      #expect(error < 0.02 && error > (decision.needsLimiter ? -2 : -0.02), "\(target): \(after)")
      #expect(20 * log10(after.truePeak) < -1)
      if !decision.needsLimiter, let oracle = try Self.ffmpegLoudness(output, rate: rate) {
        // ffmpeg gives one decimal.
        #expect(abs(oracle - target) <= 0.1001, "\(oracle)")
      }
    }
  }

  /// By ffmpeg's ebur128 filter; nil, with a line that says so, where there is no ffmpeg.
  private static func ffmpegLoudness(_ samples: [Float], rate: Int) throws -> Double? {
    guard
      let ffmpeg = ["/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg", "/opt/homebrew/bin/ffmpeg"].first(where: {
        FileManager.default.isExecutableFile(atPath: $0)
      })
    else {
      print("LoudnessNormalizationTests: no ffmpeg here: the comparison with its ebur128 filter was left out")
      return nil
    }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("loudness-\(UUID().uuidString).f32")
    defer { try? FileManager.default.removeItem(at: file) }
    try samples.withUnsafeBytes { Data($0) }.write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: ffmpeg)
    process.arguments = [
      "-nostdin", "-hide_banner", "-f", "f32le", "-ar", "\(rate)", "-ac", "1", "-i", file.path, "-filter_complex",
      "ebur128=peak=true", "-f", "null", "-",
    ]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let line = try #require(text.split(separator: "\n").last { $0.contains("I:") && $0.contains("LUFS") })
    let words = line.split(separator: " ")
    let place = try #require(words.firstIndex(of: "I:"))
    let value: Double = try #require(Double(words[place + 1]))
    return value
  }
}
