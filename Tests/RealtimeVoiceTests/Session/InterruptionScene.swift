import AudioDSP
import AudioTestSupport
import Foundation
import RealtimeVoice

/// Someone makes a sound while an answer is played: what comes out of the speaker, sample by sample.
struct InterruptionScene {
  /// The level of the answer, in every sample.
  static let answerLevel: Int16 = 8_000
  static let lead = 1.5
  static let answerSeconds = 8

  var rate: Int
  var block = Duration.milliseconds(10)
  /// How much later than on a whole block the sound starts, in samples.
  var shift = 0
  var configuration = InterruptionConfiguration()
  var dialect = Dialect.openAI

  struct Result {
    /// From the sound's first sample to the first output sample from which on all are 20 dB down; nil if there is none.
    var ducked: Double?
    /// To the last sample of the answer that is heard.
    var stopped: Double?
    var events: [SessionEvent]
    var controls: [String]
    var truncations: [NSDictionary]
    /// Of the answer, in milliseconds, by the samples that came out.
    var renderedMilliseconds: Double
    var lastGain: Double
    var softest: Double
  }

  /// - Parameter sound: From its onset on.
  func run(_ sound: [Float], seed: UInt64, after: Double = 1) throws -> Result {
    var random = SeededGenerator(seed: seed)
    var setup = SessionConfiguration(dialect)
    setup.inputRate = try SampleRate(rate)
    setup.interruption = configuration
    let rig = try SessionRig(setup)
    let leadCount = Int(Self.lead * Double(rate)) + shift
    var input = Recordings.noise(leadCount + sound.count + Int(after * Double(rate)), decibels: -60, &random)
    for i in sound.indices { input[leadCount + i] += sound[i] }

    let words = ServiceWords(dialect)
    let answer = [Int16](repeating: Self.answerLevel, count: rig.playoutRate.hertz * Self.answerSeconds)
    rig.receive(ServiceWords.created())
    for start in stride(from: 0, to: answer.count, by: answer.count / Self.answerSeconds) {
      rig.receive(words.audio(Array(answer[start..<start + answer.count / Self.answerSeconds])))
    }

    // The block is there when its last sample was spoken; what is rendered then is heard from then on.
    let blockCount = Int(Double(rate) * (block / .seconds(1)))
    let playCount = Int(Double(rig.playoutRate.hertz) * (block / .seconds(1)))
    var output: [Int16] = []
    var start = 0
    while start < input.count {
      try rig.speak(input[start..<min(input.count, start + blockCount)], rate: rate, block: block)
      output += rig.play(playCount)
      start += blockCount
    }
    let outputStart = block / .seconds(1)
    let onset = Double(leadCount) / Double(rate)
    func milliseconds(_ sample: Int) -> Double {
      (Double(sample) / Double(rig.playoutRate.hertz) + outputStart - onset) * 1_000
    }
    // -20 dB of the level, rounded.
    let firstSoft = output.firstIndex { $0.magnitude <= 800 }
    let lastLoud = output.lastIndex { $0 != 0 }
    let hasStopped = rig.events.contains { if case .interrupted = $0 { true } else { false } }
    return Result(
      ducked: firstSoft.map(milliseconds), stopped: hasStopped ? lastLoud.map(milliseconds) : nil,
      events: rig.events, controls: rig.controls, truncations: rig.controls("conversation.item.truncate"),
      renderedMilliseconds: Double(output.count { $0 != 0 }) / Double(rig.playoutRate.hertz) * 1_000,
      lastGain: Double(output.last ?? 0) / Double(Self.answerLevel),
      softest: Double(output.map { $0.magnitude }.min() ?? 0) / Double(Self.answerLevel))
  }
}

extension Recordings {
  /// The first frame of 10 ms that is at most 25 dB softer than the loudest.
  static func onset(of segment: ArraySlice<Float>, rate: Int) -> Int {
    let frame = rate / 100
    let energies = stride(from: segment.startIndex, to: segment.endIndex - frame, by: frame).map { start in
      segment[start..<start + frame].reduce(0) { $0 + Double($1) * Double($1) }
    }
    let least = (energies.max() ?? 0) * 0.003_162_277_66
    return segment.startIndex + (energies.firstIndex { $0 >= least } ?? 0) * frame
  }

  /// `seconds` of speech from anywhere inside of a labelled segment, with fades of 5 ms.
  static func cut(_ seconds: Double, _ random: inout SeededGenerator) -> [Float] {
    let count = Int(seconds * Double(rate))
    let fits = clean.speech.filter { $0.end - $0.start > count }
    let segment = fits.randomElement(using: &random)!
    let start = Int.random(in: segment.start...segment.end - count, using: &random)
    var samples = Array(clean.samples[start..<start + count])
    let fade = rate / 200
    for i in 0..<fade {
      samples[i] *= Float(i) / Float(fade)
      samples[count - 1 - i] *= Float(i) / Float(fade)
    }
    return samples
  }
}
