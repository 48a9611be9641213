import Foundation

/// Finds speech by energy: 10 ms frames that are well above both a fixed level and the quietest there was lately.
struct SpeechDetector {
  enum Event: Equatable {
    /// Speech began at this sample, counted from the first one ever given.
    case started(at: Int)
    /// The silence that ends it is over at this sample.
    case stopped(at: Int)
  }

  /// 10 ms.
  let frameLength: Int
  private let attackFrameCount: Int
  private let hangoverFrameCount: Int
  /// In dB re full scale.
  private let level: Double

  private(set) var isSpeaking = false
  private var frameCount = 0
  private var activeCount = 0
  private var silentCount = 0
  private var floor = -70.0
  private var sum = 0.0
  private var filled = 0

  /// - Parameters:
  ///   - threshold: 0...1, as in the service; 0.5 is -45 dB re full scale.
  ///   - attack: How much of it makes speech of a sound, in ms.
  ///   - silence: What ends it, in ms.
  init(rate: Int, threshold: Double, attack: Int, silence: Int) {
    frameLength = rate / 100
    level = -65 + 40 * threshold
    attackFrameCount = max(1, attack / 10)
    hangoverFrameCount = max(1, (silence + 9) / 10)
  }

  /// Samples of which frames have been judged.
  var position: Int { frameCount * frameLength }

  /// How many samples of the current stretch of sound or silence are known.
  mutating func process(_ samples: [Int16], _ handle: (Event) -> Void) {
    for sample in samples {
      let value = Double(sample)
      sum += value * value
      filled += 1
      if filled == frameLength {
        judge(sum / Double(frameLength), handle)
        filled = 0
        sum = 0
      }
    }
  }

  /// Ends what is being said at once.
  mutating func end() {
    isSpeaking = false
    activeCount = 0
    silentCount = 0
  }

  private mutating func judge(_ power: Double, _ handle: (Event) -> Void) {
    frameCount += 1
    let decibels = 10 * log10(power / (32768 * 32768) + 1e-10)
    // Down at once, up by 1 dB a second: what lasts becomes background.
    floor = min(decibels, floor + 0.01)
    let isActive = decibels > max(level, floor + 9)
    guard isSpeaking else {
      activeCount = isActive ? activeCount + 1 : 0
      if activeCount == attackFrameCount {
        isSpeaking = true
        silentCount = 0
        handle(.started(at: position - attackFrameCount * frameLength))
      }
      return
    }
    silentCount = isActive ? 0 : silentCount + 1
    if silentCount == hangoverFrameCount {
      end()
      handle(.stopped(at: position))
    }
  }
}

extension SpeechDetector {
  /// How much of a turn is speech, in seconds.
  static func speechDuration(in audio: [UInt8], _ format: WireFormat) -> Double {
    let silence = 200
    var detector = SpeechDetector(rate: format.rate, threshold: 0.5, attack: 30, silence: silence)
    var start: Int?
    var count = 0
    detector.process(format.samples(audio[...])) { event in
      switch event {
      case .started(let sample): start = sample
      case .stopped(let sample):
        count += sample - (start ?? sample) - silence * format.rate / 1000
        start = nil
      }
    }
    if let start { count += detector.position - start - detector.silentCount * detector.frameLength }
    return Double(count) / Double(format.rate)
  }
}
