import AudioDSP
import AudioTestSupport
import Testing

/// The processors that change levels, for tests of what all of them promise.
enum LevelProcessor: CaseIterable, CustomTestStringConvertible {
  case limiter, gainControl, neuralControl, energyControl, constantGain

  var testDescription: String { "\(self)" }

  /// What a new processor makes of each of `blocks`; `resets` says before which of them it is reset.
  func run(_ blocks: [[Float]], at rate: Int, resets: Set<Int> = []) throws -> [[Float]] {
    let sampleRate = try SampleRate(rate)
    switch self {
    case .limiter:
      var processor = TruePeakLimiter(sampleRate)
      return Self.pass(blocks, through: &processor, resets: resets)
    case .gainControl:
      var processor = ScriptedGainControl(sampleRate)
      return Self.pass(blocks, through: &processor, resets: resets)
    case .neuralControl:
      var processor = SpeechLevelControl(sampleRate)
      return Self.pass(blocks, through: &processor, resets: resets)
    case .energyControl:
      var processor = SpeechLevelControl(sampleRate, detector: .energy, lookAhead: .milliseconds(7))
      return Self.pass(blocks, through: &processor, resets: resets)
    case .constantGain:
      var processor = ConstantGain(sampleRate, gainInDecibels: 7.3)
      return Self.pass(blocks, through: &processor, resets: resets)
    }
  }

  /// How many allocations two passes make, of which the second follows a reset.
  func allocationCount(_ samples: [Float], lengths: [Int], at rate: Int) throws -> Int {
    let sampleRate = try SampleRate(rate)
    switch self {
    case .limiter:
      var other = TruePeakLimiter(sampleRate)
      var processor = TruePeakLimiter(sampleRate)
      return Self.allocationCount(samples, lengths, &processor, warmedUpBy: &other)
    case .gainControl:
      var other = ScriptedGainControl(sampleRate)
      var processor = ScriptedGainControl(sampleRate)
      return Self.allocationCount(samples, lengths, &processor, warmedUpBy: &other)
    case .neuralControl, .energyControl:
      let kind: SpeechDetector.Kind = self == .neuralControl ? .neural : .energy
      var other = SpeechLevelControl(sampleRate, detector: kind)
      var processor = SpeechLevelControl(sampleRate, detector: kind)
      return Self.allocationCount(samples, lengths, &processor, warmedUpBy: &other)
    case .constantGain:
      var other = ConstantGain(sampleRate, gainInDecibels: 3)
      var processor = ConstantGain(sampleRate, gainInDecibels: 3)
      return Self.allocationCount(samples, lengths, &processor, warmedUpBy: &other)
    }
  }

  private static func pass<Processor: SampleProcessor & ~Copyable>(
    _ blocks: [[Float]], through processor: inout Processor, resets: Set<Int>
  ) -> [[Float]] {
    var output: [[Float]] = []
    for (i, block) in blocks.enumerated() {
      if resets.contains(i) { processor.reset() }
      output.append(processed(block, by: &processor))
    }
    return output
  }

  private static func allocationCount<Processor: SampleProcessor & ~Copyable>(
    _ samples: [Float], _ lengths: [Int], _ processor: inout Processor, warmedUpBy other: inout Processor
  ) -> Int {
    var buffer = samples
    func feed(_ processor: inout Processor) {
      var taken = 0
      for i in 0..<lengths.count {
        var all = buffer.mutableSpan
        var part = all._mutatingExtracting(taken..<taken + lengths[i])
        processor.process(&part)
        taken += lengths[i]
      }
    }
    feed(&other)
    var count = AllocationCounter.countOnce { feed(&processor) }
    count += AllocationCounter.countOnce {
      processor.reset()
      feed(&processor)
    }
    return count
  }
}

/// What comes out of a processor for one block.
func processed<Processor: SampleProcessor & ~Copyable>(_ block: [Float], by processor: inout Processor) -> [Float] {
  var samples = block
  var span = samples.mutableSpan
  processor.process(&span)
  return samples
}

/// The whole output for a recording, in step with it: what stands before it is dropped, and zeros drive out its end.
func aligned<Processor: SampleProcessor & ~Copyable>(_ input: [Float], by processor: inout Processor) -> [Float] {
  let latency = processor.latencyInSamples
  let output = processed(input + [Float](repeating: 0, count: latency), by: &processor)
  return Array(output[latency...])
}

/// A gain control that is told a frame of some score every 10 ms, by a script: it needs no detector.
struct ScriptedGainControl: ~Copyable, SampleProcessor {
  var gainControl: AutomaticGainControl
  private var position = 0

  init(_ sampleRate: SampleRate) {
    gainControl = AutomaticGainControl(sampleRate)
  }

  var sampleRate: SampleRate { gainControl.sampleRate }
  var latencyInSamples: Int { gainControl.latencyInSamples }

  mutating func process(_ samples: inout MutableSpan<Float>) {
    let step = sampleRate.hertz / 100
    var taken = 0
    while taken < samples.count {
      if position % step == 0 {
        let frame = position / step
        // Speech of 0.4 s, and pauses of 0.3 s; levels differ from frame to frame and from word to word.
        let level = Float(-45 + frame * 7 % 13 + frame / 140 % 2 * 25)
        gainControl.follow(
          FrameScore(frame % 70 < 40 ? 0.9 : 0.1, features: FrameFeatures(energyInDecibels: level)))
      }
      let count = min(step - position % step, samples.count - taken)
      var part = samples._mutatingExtracting(taken..<taken + count)
      gainControl.process(&part)
      position += count
      taken += count
    }
  }

  mutating func reset() {
    gainControl.reset()
    position = 0
  }
}
