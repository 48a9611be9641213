/// One of this package's detectors, chosen by name when it is made.
///
/// Behaves as the detector that it holds; for code that is not generic. Nothing allocates after `init`.
public struct SpeechDetector: ~Copyable, Sendable, VoiceActivityDetector {
  /// The detectors that there are.
  public enum Kind: String, CaseIterable, Sendable {
    /// ``NeuralDetector``: holds up in noise and music.
    case neural
    /// ``EnergyDetector``: almost free of cost, right for good recordings.
    case energy
  }

  /// Which one this is.
  public let kind: Kind
  public let grid: FrameGrid
  public let lookAheadInSamples: Int
  public let finalFrameCapacity: Int

  // One of them is there.
  private var neural: NeuralDetector?
  private var energy: EnergyDetector?

  /// A detector at the start of a stream.
  public init(_ kind: Kind, _ sampleRate: SampleRate) {
    self.kind = kind
    grid = FrameGrid(sampleRate)
    switch kind {
    case .neural:
      let detector = NeuralDetector(sampleRate)
      lookAheadInSamples = detector.lookAheadInSamples
      finalFrameCapacity = detector.finalFrameCapacity
      neural = consume detector
    case .energy:
      let detector = EnergyDetector(sampleRate)
      lookAheadInSamples = detector.lookAheadInSamples
      finalFrameCapacity = detector.finalFrameCapacity
      energy = consume detector
    }
  }

  public func frameCapacity(forInputCount inputCount: Int) -> Int {
    switch kind {
    case .neural: neural?.frameCapacity(forInputCount: inputCount) ?? 0
    case .energy: energy?.frameCapacity(forInputCount: inputCount) ?? 0
    }
  }

  public mutating func process(_ samples: Span<Float>, into scores: inout MutableSpan<FrameScore>) -> Int {
    switch kind {
    case .neural: neural?.process(samples, into: &scores) ?? 0
    case .energy: energy?.process(samples, into: &scores) ?? 0
    }
  }

  public mutating func finish(into scores: inout MutableSpan<FrameScore>) -> Int {
    switch kind {
    case .neural: neural?.finish(into: &scores) ?? 0
    case .energy: energy?.finish(into: &scores) ?? 0
    }
  }

  public mutating func reset() {
    neural?.reset()
    energy?.reset()
  }
}
