import Foundation

/// A sound like a voice, that says nothing: a buzz of a falling pitch through two moving resonances, in syllables.
enum SyntheticVoice {
  /// The same samples every time. The last hundredth of a second fades out.
  static func samples(count: Int, rate: Int) -> [Int16] {
    var samples: [Int16] = []
    samples.reserveCapacity(count)
    let step = 1 / Double(rate)
    var phase = 0.0
    var resonators = (Resonator(), Resonator())
    let fade = max(1, rate / 100)
    for index in 0..<count {
      let time = Double(index) * step
      // Four syllables a second, the pitch of each phrase of two seconds falling from 140 to 100 Hz.
      let syllable = time * 4
      let envelope = pow(sin(.pi * (syllable - syllable.rounded(.down))), 0.7)
      phase += (140 - 20 * time.truncatingRemainder(dividingBy: 2)) * step
      if phase >= 1 { phase -= 1 }
      let source = 1 - 2 * phase
      let vowel = Int(syllable) % vowels.count
      let first = resonators.0.filter(source, frequency: vowels[vowel].0, bandwidth: 90, rate: Double(rate))
      let second = resonators.1.filter(source, frequency: vowels[vowel].1, bandwidth: 120, rate: Double(rate))
      let end = min(1, Double(count - index - 1) / Double(fade))
      samples.append(Int16(clamping: Int(7000 * envelope * end * (first + 0.5 * second))))
    }
    return samples
  }

  /// First and second resonance in Hz of a, e, i, o, u as they are about in any textbook.
  private static let vowels: [(Double, Double)] = [(730, 1090), (530, 1840), (270, 2290), (570, 840), (300, 870)]

  private struct Resonator {
    private var last = 0.0
    private var secondToLast = 0.0

    mutating func filter(_ input: Double, frequency: Double, bandwidth: Double, rate: Double) -> Double {
      let radius = exp(-.pi * bandwidth / rate)
      let output =
        (1 - radius) * input + 2 * radius * cos(2 * .pi * frequency / rate) * last - radius * radius * secondToLast
      secondToLast = last
      last = output
      return output
    }
  }
}
