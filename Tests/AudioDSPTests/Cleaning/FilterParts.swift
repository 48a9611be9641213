import AudioDSP
import AudioTestSupport
import Foundation

/// The parts of cleaning that filter, repair and suppress, each at its usual setting, for what holds of all of them.
enum FilterPart: String, CaseIterable, Sendable {
  case highPass, dc, hum, clippingRepair, noiseSuppressor

  static let rates = [4_000, 8_000, 11_025, 16_000, 24_000, 44_100, 48_000, 192_000]

  /// What a run of a processor came to.
  struct Run {
    var output: [Float] = []
    var latency = 0
    var allocationCount = 0
    /// Of the recursion's memory, wherever it was looked at.
    var subnormalCount = 0
  }

  /// Processes `input` cut into `pieces`; where `before` is given, after that and a reset.
  func run(_ rate: Int, _ input: [Float], pieces: [Range<Int>]? = nil, before: [Float] = []) throws -> Run {
    let sampleRate = try SampleRate(rate)
    let pieces = pieces ?? [0..<input.count]
    switch self {
    case .highPass: return feed(try HighPassFilter(sampleRate), input, pieces, before) { $0.subnormalCount }
    case .dc: return feed(try DCFilter(sampleRate), input, pieces, before) { $0.subnormalCount }
    case .hum: return feed(try HumFilter(sampleRate, mains: .hz50), input, pieces, before) { $0.subnormalCount }
    case .clippingRepair: return feed(ClippingRepair(sampleRate), input, pieces, before) { _ in 0 }
    case .noiseSuppressor: return feed(NoiseSuppressor(sampleRate), input, pieces, before) { _ in 0 }
    }
  }

  private func feed<Part: SampleProcessor & ~Copyable>(
    _ part: consuming Part, _ input: [Float], _ pieces: [Range<Int>], _ before: [Float],
    subnormals: (borrowing Part) -> Int
  ) -> Run {
    var part = part
    var run = Run(latency: part.latencyInSamples)
    // A copy of its own: the first write to a shared array allocates.
    run.output.reserveCapacity(input.count)
    run.output.append(contentsOf: input)
    if !before.isEmpty {
      var earlier = before
      var span = earlier.mutableSpan
      part.process(&span)
      part.reset()
    }
    for piece in pieces {
      let count = AllocationCounter.countOnce {
        var span = run.output.mutableSpan
        var target = span._mutatingExtracting(piece)
        part.process(&target)
      }
      run.allocationCount += count
      run.subnormalCount += subnormals(part)
    }
    return run
  }

  /// A voice with noise, an offset, hum, and tops that are cut off on one side and then on the other.
  static func spoilt(_ rate: Int, seconds: Double, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    let voice = MeasurementTests.voice(rate, seconds: seconds, seed: seed)
    let noise = random.samples(voice.count, in: -0.001...0.001)
    return voice.indices.map { i in
      let hum = 0.02 * sin(2 * .pi * 50 * Float(i) / Float(rate))
      let sample = voice[i] + noise[i] + hum + 0.05
      return i < voice.count / 2 ? min(0.15, sample) : max(-0.1, min(0.2, sample))
    }
  }
}

/// The response of a filter at `frequency`, from its response to an impulse.
func response(_ impulse: [Float], at frequency: Double, rate: Int) -> (magnitude: Double, phase: Double) {
  var (real, imaginary) = (0.0, 0.0)
  for i in impulse.indices where impulse[i] != 0 {
    let angle = 2 * Double.pi * frequency * Double(i) / Double(rate)
    real += Double(impulse[i]) * cos(angle)
    imaginary -= Double(impulse[i]) * sin(angle)
  }
  return ((real * real + imaginary * imaginary).squareRoot(), atan2(imaginary, real))
}

/// What a processor without latency makes of an impulse, as long as `seconds`.
func impulseResponse<Part: SampleProcessor & ~Copyable>(_ part: consuming Part, seconds: Double) -> [Float] {
  var part = part
  var samples = [Float](repeating: 0, count: Int(seconds * Double(part.sampleRate.hertz)))
  samples[0] = 1
  var span = samples.mutableSpan
  part.process(&span)
  return samples
}
