import AudioDSP
import AudioTestSupport
import Testing

/// All that a resampler is made from, but for its backend.
struct ResamplerSetup: Sendable, CustomTestStringConvertible {
  var pair: RatePair
  var quality = ResamplingQuality.voice
  var phase = ResamplingPhase.linear

  var testDescription: String { "\(pair.testDescription), \(quality), \(phase)" }

  func make(_ backend: KernelBackend) throws -> Resampler {
    try Resampler(from: pair.inputRate, to: pair.outputRate, quality: quality, phase: phase, backend: backend)
  }

  /// So many inputs that the outputs that neither end of the input reaches last for `count` samples of the lower rate,
  /// and the numbers of those outputs.
  func stream(lasting count: Int) -> (count: Int, inner: Range<Int>) {
    let (before, behind) = ResamplerOracle(self).reach
    let inner = count * pair.from / min(pair.from, pair.to)
    let start = pair.outputCount(forInputCount: before) + 1
    let end = pair.outputCount(forInputCount: before + inner)
    return (before + inner + behind + 2 * pair.from / pair.to + 4, start..<end)
  }

  /// Every quality and phase for each pair.
  static func all(
    _ pairs: [RatePair], _ qualities: [ResamplingQuality] = ResamplingQuality.allCases,
    _ phases: [ResamplingPhase] = ResamplingPhase.allCases
  ) -> [ResamplerSetup] {
    pairs.flatMap { pair in
      qualities.flatMap { quality in phases.map { ResamplerSetup(pair: pair, quality: quality, phase: $0) } }
    }
  }

  /// Pairs that together have each kind of stage, in either direction, in every quality and phase.
  static let ofEachKind = all(RatePair.ofEachKind)
}

/// A setup on a backend.
struct ResamplerCase: Sendable, CustomTestStringConvertible {
  var setup: ResamplerSetup
  var backend: KernelBackend

  var testDescription: String { "\(setup.testDescription), \(backend)" }

  func make() throws -> Resampler { try setup.make(backend) }

  /// Every backend for each setup of the first list, and the fastest one for the second.
  static func all(onEveryBackend few: [ResamplerSetup], onFastest many: [ResamplerSetup]) -> [ResamplerCase] {
    few.flatMap { setup in KernelBackend.available.map { ResamplerCase(setup: setup, backend: $0) } }
      + many.map { ResamplerCase(setup: $0, backend: KernelBackend.available.last!) }
  }
}
