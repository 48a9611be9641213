import AudioDSP
import AudioTestSupport
import Foundation
import Testing

/// By frames that a script scores: what the gain does is then known beforehand.
@Suite struct AutomaticGainControlTests {
  static let rate = 8_000

  /// The gain in dB at the end of every frame.
  static func gains(
    _ frames: [FrameScore], _ configuration: AutomaticGainControl.Configuration = .init()
  ) -> [Double] {
    var control = AutomaticGainControl(.hz8000, configuration: configuration)
    return frames.map { frame in
      control.follow(frame)
      let output = processed([Float](repeating: 1, count: rate / 100), by: &control)
      return 20 * log10(Double(output[rate / 100 - 1]))
    }
  }

  /// Frames of speech that rise and fall by 6 dB about a mean power of `level`, or of a pause.
  static func frames(_ level: Double, _ count: Int, score: Float = 0.9) -> [FrameScore] {
    (0..<count).map { i in
      let depth = score >= 0.5 ? 6 * sin(Double(i) * 0.7) - 1.9 : 0
      return FrameScore(score, features: FrameFeatures(energyInDecibels: Float(level + depth)))
    }
  }

  static func pause(_ level: Double, _ count: Int) -> [FrameScore] { frames(level, count, score: 0.1) }

  @Test("The target is reached within a second", arguments: [-50.0, -40, -26, -23, -13, -6])
  func target(level: Double) {
    let gains = Self.gains(Self.frames(level, 300))
    // P.56 counts word gaps, which these frames do not have; what is allowed for them is 0.7 dB.
    for i in 100..<300 { #expect(abs(gains[i] - (-23 - level + 0.7)) < 1, "\(i): \(gains[i])") }
  }

  @Test("Gains stay in their range, whatever the level")
  func range() {
    for level in [-200.0, -110, -60, 0, 40, 300, .infinity, .nan] {
      let gains = Self.gains(
        Self.frames(level, 300), .init(gainRange: -12...18))
      #expect(gains.allSatisfy { $0 >= -12.001 && $0 <= 18.001 })
    }
  }

  @Test("Pauses are not raised, and what is before any speech neither")
  func pauses() {
    var frames = Self.pause(-60, 200)
    for _ in 0..<5 { frames += Self.frames(-45, 120) + Self.pause(-60, 100) }
    let gains = Self.gains(frames)
    #expect(gains.prefix(200).allSatisfy { $0 == 0 })
    for word in 0..<5 {
      let end = 200 + word * 220 + 120
      // The hangover, and 50 ms for each part of 2.7 that is left.
      #expect(gains[end + 10] > 15)
      #expect(gains[(end + 48)..<(end + 100)].allSatisfy { $0 <= 0.5 }, "\(gains[end + 48])")
      // Back within 50 ms of the first frame of the next.
      if word < 4 { #expect(gains[end + 104] > gains[end - 1] - 1.5, "\(gains[end + 104]) \(gains[end - 1])") }
    }
  }

  @Test("The most that a pause may be raised is settable")
  func pauseGain() {
    let frames = Self.frames(-45, 200) + Self.pause(-70, 200)
    for gain in [0.0, 1.5, 3] {
      let last = Self.gains(frames, .init(pauseGainInDecibels: gain)).last ?? 0
      #expect(abs(last - gain) < 0.01)
    }
    // Where speech is brought down, pauses stay down.
    let loud = Self.gains(Self.frames(-6, 200) + Self.pause(-50, 200), .init(pauseGainInDecibels: 3))
    #expect(abs(loud[399] - loud[199]) < 0.2)
  }

  @Test("Gaps between words are not pumped")
  func gaps() {
    var frames = Self.frames(-40, 200)
    for _ in 0..<10 { frames += Self.pause(-60, 13) + Self.frames(-40, 30) }
    let gains = Self.gains(frames).suffix(430)
    #expect(gains.max()! - gains.min()! < 1)
  }

  @Test("Noise alone raises nothing, however long and loud")
  func noise() {
    let gains = Self.gains(Self.pause(-70, 500) + Self.pause(-30, 500) + Self.pause(-120, 500))
    #expect(gains.allSatisfy { $0 == 0 })
  }

  @Test("Noise in speech is taken off the level")
  func noiseInSpeech() {
    // 3 dB of speech and noise at the same level.
    let frames = Self.pause(-40, 200) + Self.frames(-36.99, 400) + Self.pause(-40, 100) + Self.frames(-36.99, 400)
    let gains = Self.gains(frames)
    #expect(abs(gains[1_099] - (-23 + 40 + 0.7)) < 0.6, "\(gains[1_099])")
  }

  @Test(
    "Who is loud after someone soft is brought down within 200 ms, and one who is soft after someone loud up in 1.3 s")
  func change() {
    let frames = Self.frames(-42, 800) + Self.frames(-12, 500) + Self.frames(-42, 500)
    let gains = Self.gains(frames)
    #expect(abs(gains[799] - 19.7) < 0.7)
    // What is loud at first may be but a stressed word.
    #expect(gains[820] < 0 && gains[830] < -4 && gains[870] < -7, "\(gains[820]) \(gains[830]) \(gains[870])")
    #expect(abs(gains[1_000] + 10.3) < 2 && abs(gains[1_299] + 10.3) < 1)
    #expect(gains[1_430] > 17, "\(gains[1_430])")
  }

  @Test("A click does not duck the speech")
  func click() {
    var frames = Self.frames(-40, 400)
    for i in [150, 151, 300] { frames[i] = FrameScore(0.9, features: FrameFeatures(energyInDecibels: -3)) }
    let (gains, before) = (Self.gains(frames), Self.gains(Self.frames(-40, 400)))
    for i in 0..<400 { #expect(before[i] - gains[i] < 1.5, "\(i)") }
  }

  @Test("The gain moves from sample to sample, without steps")
  func smoothness() {
    var control = AutomaticGainControl(.hz8000)
    var previous: Float = 1
    for (i, frame) in (Self.frames(-50, 100) + Self.pause(-70, 60) + Self.frames(-5, 50)).enumerated() {
      control.follow(frame)
      for sample in processed([Float](repeating: 1, count: 80), by: &control) {
        // 12 ms are 96 samples, and a pause's gain may be far away.
        let step = abs(sample - previous)
        #expect(step <= max(sample, previous) * 0.3 && (sample < 1.01 || step <= 31.7 / 96), "frame \(i)")
        previous = sample
      }
    }
  }

  @Test("With the gain at 0 dB not a bit changes, and the limits of a sample hold")
  func unchanged() {
    var random = SeededGenerator(seed: 81)
    var control = AutomaticGainControl(.hz16000)
    let samples = random.samples(1_000)
    #expect(firstBitDifference(processed(samples, by: &control), samples) == nil)
    #expect(processed([2e30, -2e30, .nan], by: &control) == [1_024, -1_024, 0])
  }
}
