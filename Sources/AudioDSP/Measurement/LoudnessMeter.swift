/// Integrated loudness by ITU-R BS.1770-5, as EBU R 128 uses it.
///
/// The channels are K-weighted, their energies weighted and added in blocks of 400 ms that overlap by 75 %; blocks below
/// -70 LUFS are left out, and then those more than 10 LU below the mean of the others.
///
/// An endless stream is measured in bounded memory: block energies are added up in bins of 0.05 LU. A result differs
/// from one of all blocks only by the blocks of the one bin in which the relative gate falls: by less than 0.01 LU
/// unless more than 2 % of all blocks lie there. However the stream is cut into calls, results are the same, bit for
/// bit. Samples that are not finite are taken as 0. Nothing allocates after `init`.
public struct LoudnessMeter: ~Copyable, Sendable {
  /// Blocks start every tenth of a second and last for four of them.
  private static let stepsPerSecond = 10
  private static let stepsPerBlock = 4
  /// In LUFS.
  private static let absoluteGate = -70.0
  /// In LU.
  private static let relativeGate = -10.0
  /// Between the loudness and the logarithm of the weighted energy: makes a 997 Hz sine of 0 dBFS in one front channel
  /// -3.01 LUFS.
  private static let offset = -0.691
  private static let binWidth = 0.05
  /// Up to +30 LUFS: floating-point samples go beyond full scale.
  private static let binCount = 2_000
  private static let sliceCount = 1_024
  /// What is beyond it, 60 dB over full scale, is no sound; squares of it must not become infinite.
  private static let greatestSample: Float = 1_000

  /// The rate of the stream.
  public let sampleRate: SampleRate
  /// How many channels it has.
  public let channelCount: Int
  /// What each channel's energy counts.
  public let channelWeights: [Double]
  /// The loudest block so far, the maximum momentary loudness, in LUFS; nil before the first block.
  public var maximumMomentary: Double? {
    blockCount > 0 ? Self.loudness(greatestBlock) : nil
  }
  /// How many blocks of 400 ms have been measured.
  public private(set) var blockCount = 0

  private let kernels: Kernels
  private let weighting: KWeighting
  private var states: [KWeighting.State]
  private var slice: [Float]
  /// Of each channel in the present step, and of all together in the steps before.
  private var energies: [Double]
  private var steps: [Double]
  private var stepLengths: [Int]
  private var step = 0
  private var sampleFrameCount = 0
  private var greatestBlock = 0.0
  private var counts: [Int]
  private var sums: [Double]

  /// A meter at the start of a stream.
  ///
  /// - Parameter channelWeights: What each channel's energy counts, in the order of the channels; see
  ///   ``weights(channelCount:)``.
  /// - Precondition: There is a channel.
  public init(_ sampleRate: SampleRate, channelWeights: [Double]) {
    precondition(!channelWeights.isEmpty, "a stream has channels")
    self.sampleRate = sampleRate
    self.channelWeights = channelWeights
    channelCount = channelWeights.count
    kernels = .active
    weighting = KWeighting(sampleRate)
    states = Array(repeating: KWeighting.State(), count: channelWeights.count)
    slice = [Float](repeating: 0, count: Self.sliceCount)
    energies = [Double](repeating: 0, count: channelWeights.count)
    steps = [Double](repeating: 0, count: Self.stepsPerBlock)
    stepLengths = [Int](repeating: 0, count: Self.stepsPerBlock)
    counts = [Int](repeating: 0, count: Self.binCount)
    sums = [Double](repeating: 0, count: Self.binCount)
  }

  /// A meter for the usual order of `channelCount` channels.
  public init(_ sampleRate: SampleRate, channelCount: Int) {
    self.init(sampleRate, channelWeights: Self.weights(channelCount: channelCount))
  }

  /// The weights of BS.1770 for the channel orders of WAV and FLAC: in 5.0, 5.1 and 7.1 the surround channels at the
  /// sides count 1.41, the low-frequency one is left out; all else counts 1.
  public static func weights(channelCount: Int) -> [Double] {
    switch channelCount {
    case 5: [1, 1, 1, 1.41, 1.41]
    case 6: [1, 1, 1, 0, 1.41, 1.41]
    // Front, centre, low frequencies, back (at 135 to 150 degrees, where the weight is 1 again), sides.
    case 8: [1, 1, 1, 0, 1, 1, 1.41, 1.41]
    default: [Double](repeating: 1, count: max(1, channelCount))
    }
  }

  /// Takes all of `interleaved`.
  ///
  /// - Precondition: It holds whole sample frames.
  public mutating func process(_ interleaved: Span<Float>) {
    let (count, rest) = interleaved.count.quotientAndRemainder(dividingBy: channelCount)
    precondition(rest == 0, "a block holds whole sample frames")
    var taken = 0
    while taken < count {
      let end = (step + 1) * sampleRate.hertz / Self.stepsPerSecond
      let part = min(Self.sliceCount, count - taken, end - sampleFrameCount)
      let block = interleaved.extracting(taken * channelCount..<(taken + part) * channelCount)
      for channel in 0..<channelCount where channelWeights[channel] != 0 { add(block, channel: channel, count: part) }
      taken += part
      sampleFrameCount += part
      if sampleFrameCount == end { endStep() }
    }
  }

  /// The integrated loudness of what has come, in LUFS; nil where nothing has passed the gates, as in silence or in
  /// less than 400 ms.
  public var integrated: Double? {
    guard let ungated = mean(from: Self.absoluteGate) else { return nil }
    return mean(from: max(Self.absoluteGate, Self.loudness(ungated) + Self.relativeGate)).map(Self.loudness)
  }

  /// Makes the meter as it was after `init`.
  public mutating func reset() {
    for i in 0..<channelCount {
      states[i] = KWeighting.State()
      energies[i] = 0
    }
    for i in 0..<Self.binCount {
      counts[i] = 0
      sums[i] = 0
    }
    step = 0
    sampleFrameCount = 0
    blockCount = 0
    greatestBlock = 0
  }

  private mutating func add(_ block: Span<Float>, channel: Int, count: Int) {
    Self.copy(block, channelCount: channelCount, channel: channel, kernels, into: &slice)
    let energy = energies[channel]
    energies[channel] = Self.filter(slice, count: count, weighting, addedTo: energy, state: &states[channel])
  }

  private mutating func endStep() {
    var energy = 0.0
    for i in 0..<channelCount {
      energy += channelWeights[i] * energies[i]
      energies[i] = 0
    }
    let place = step % Self.stepsPerBlock
    let (start, end) = (step * sampleRate.hertz / Self.stepsPerSecond, sampleFrameCount)
    steps[place] = energy
    stepLengths[place] = end - start
    step += 1
    guard step >= Self.stepsPerBlock else { return }
    var (sum, length) = (0.0, 0)
    // In the order of time, so that the sum does not depend on where the ring starts.
    for i in 0..<Self.stepsPerBlock {
      sum += steps[(step + i) % Self.stepsPerBlock]
      length += stepLengths[(step + i) % Self.stepsPerBlock]
    }
    let power = sum / Double(length)
    blockCount += 1
    greatestBlock = max(greatestBlock, power)
    let bin = (Self.loudness(power) - Self.absoluteGate) / Self.binWidth
    guard bin > 0 else { return }
    let index = min(Int(bin), Self.binCount - 1)
    counts[index] += 1
    sums[index] += power
  }

  /// The mean energy of the blocks whose loudness is above `gate`, to a bin.
  private func mean(from gate: Double) -> Double? {
    let first = min(Self.binCount - 1, max(0, Int((gate - Self.absoluteGate) / Self.binWidth + 0.5)))
    var (sum, count) = (0.0, 0)
    for i in first..<Self.binCount {
      sum += sums[i]
      count += counts[i]
    }
    return count > 0 ? sum / Double(count) : nil
  }

  private static func loudness(_ power: Double) -> Double { offset + Decibels.ofPower(power) }

  // Static, so that each names exactly the state that it changes.

  private static func copy(
    _ interleaved: Span<Float>, channelCount: Int, channel: Int, _ kernels: Kernels, into slice: inout [Float]
  ) {
    var target = slice.mutableSpan
    let count = interleaved.count / channelCount
    _ = kernels.downmix(interleaved, channelCount: channelCount, channel: channel, into: &target)
    for i in 0..<count where abs(target[i]) > greatestSample {
      target[i] = target[i] < 0 ? -greatestSample : greatestSample
    }
  }

  private static func filter(
    _ slice: [Float], count: Int, _ weighting: KWeighting, addedTo energy: Double, state: inout KWeighting.State
  ) -> Double {
    weighting.energy(of: slice.span.extracting(..<count), addedTo: energy, state: &state)
  }
}
