import AudioDSP
import AudioFiles

/// Measures a recording from its start to its end, in bounded memory.
struct RecordingCheck: ~Copyable {
  private static let sliceCount = 4096
  /// With more channels each is compared with the first only: pairs grow with the square.
  private static let mostChannelsPairwise = 8
  /// A talker is alone on a channel where the other one is 10 dB below: what is between is one sound on both.
  private static let aloneDecibels: Float = 10

  private let channelCount: Int
  private let rate: SampleRate
  private let meters: [ChannelMeter]
  private var loudness: LoudnessMeter
  private let pairs: [PairMeter]
  private var slices: [[Float]]
  private var speechFrames = 0

  /// What is measured of two channels.
  private final class PairMeter {
    let first: Int
    let second: Int
    var comparison: ChannelComparison
    var firstAlone = 0
    var secondAlone = 0

    init(_ first: Int, _ second: Int, _ rate: SampleRate) {
      self.first = first
      self.second = second
      comparison = ChannelComparison(rate)
    }
  }

  /// Reads and measures a recording.
  ///
  /// - Throws: What reading throws; with `--strict`, what of the recording is lost.
  static func measure(_ task: InputTask, _ options: InputOptions) throws -> CheckMeasurements {
    var recording = try Recording(task, options)
    var check = RecordingCheck(recording.sampleRate, channelCount: recording.channelCount)
    try recording.forEachBlock { block in check.process(block) }
    check.finish()
    try recording.checkDamage()
    return check.measurements(of: recording)
  }

  init(_ rate: SampleRate, channelCount: Int) {
    self.rate = rate
    self.channelCount = channelCount
    let humTable = HumDetector.Table(rate)
    meters = (0..<channelCount).map { _ in ChannelMeter(rate, humTable: humTable) }
    loudness = LoudnessMeter(rate, channelCount: channelCount)
    let isPairwise = channelCount <= Self.mostChannelsPairwise
    pairs = (0..<channelCount).flatMap { first in
      (first + 1..<max(first + 1, channelCount)).compactMap { second in
        isPairwise || first == 0 ? PairMeter(first, second, rate) : nil
      }
    }
    slices = (0..<channelCount).map { _ in [Float](repeating: 0, count: Self.sliceCount) }
  }

  mutating func process(_ interleaved: Span<Float>) {
    loudness.process(interleaved)
    var taken = 0
    while taken < interleaved.count {
      let count = min(Self.sliceCount, (interleaved.count - taken) / channelCount)
      for channel in 0..<channelCount {
        take(interleaved.extracting(taken..<taken + count * channelCount), channel: channel)
      }
      for channel in 0..<channelCount {
        let slice = slices[channel]
        meters[channel].process(slice.span.extracting(..<count))
      }
      for pair in pairs {
        let (first, second) = (slices[pair.first], slices[pair.second])
        pair.comparison.process(first.span.extracting(..<count), second.span.extracting(..<count))
      }
      noteFrames()
      taken += count * channelCount
    }
  }

  mutating func finish() {
    for meter in meters { meter.finish() }
    noteFrames()
  }

  /// Who speaks in the frames that the last block has completed: all channels complete the same ones.
  private mutating func noteFrames() {
    for i in meters[0].frames.indices {
      guard meters.contains(where: { $0.frames[i].score >= 0.5 }) else { continue }
      speechFrames += 1
      for pair in pairs {
        let (first, second) = (meters[pair.first].frames[i], meters[pair.second].frames[i])
        let difference = first.features.alternatingEnergyInDecibels - second.features.alternatingEnergyInDecibels
        if first.score >= 0.5, difference >= Self.aloneDecibels { pair.firstAlone += 1 }
        if second.score >= 0.5, difference <= -Self.aloneDecibels { pair.secondAlone += 1 }
      }
    }
  }

  private mutating func take(_ interleaved: Span<Float>, channel: Int) {
    let meter = meters[channel]
    // One channel of blocks of whole sample frames: nothing that could be refused.
    let replaced = Self.copy(interleaved, channel: channel, of: channelCount, into: &slices[channel])
    if replaced > 0, meter.firstNonFinite == nil {
      let place = stride(from: channel, to: interleaved.count, by: channelCount).first { !interleaved[$0].isFinite }
      meter.firstNonFinite = meter.level.sampleCount + (place ?? 0) / channelCount
    }
    meter.nonFiniteCount += replaced
  }

  private static func copy(
    _ interleaved: Span<Float>, channel: Int, of channelCount: Int, into slice: inout [Float]
  ) -> Int {
    var target = slice.mutableSpan
    return (try? Downmix.channel(channel).process(interleaved, channelCount: channelCount, into: &target)) ?? 0
  }

  private func measurements(of recording: borrowing Recording) -> CheckMeasurements {
    CheckMeasurements(
      rate: rate, frameCount: recording.frameCount, container: recording.container, encoding: recording.encoding,
      damage: recording.damage, loudness: loudness.integrated,
      maximumMomentaryLoudness: loudness.maximumMomentary,
      speechSeconds: Double(speechFrames) / Double(FrameGrid.rate), channels: meters.map(Self.channel),
      pairs: pairs.map(Self.pair))
  }

  private static func channel(_ meter: ChannelMeter) -> CheckMeasurements.Channel {
    CheckMeasurements.Channel(
      samplePeak: decibels(Double(meter.level.peak) * Double(meter.level.peak)),
      truePeak: decibels(Double(meter.truePeak.truePeak) * Double(meter.truePeak.truePeak)),
      rootMeanSquare: decibels(meter.level.rootMeanSquare * meter.level.rootMeanSquare),
      crestFactor: meter.level.crestFactor, mean: meter.level.mean, offset: meter.level.offset,
      clippedTops: meter.clipping.tops, softCeiling: meter.clipping.softCeiling, gaps: meter.dropouts.gaps,
      repeats: meter.dropouts.repeats, hum: meter.hum.hum, band: meter.bandwidth.band,
      speechSeconds: Double(meter.speech.speechCount) / Double(FrameGrid.rate),
      speechLevel: meter.speech.speechLevel, noiseLevel: meter.speech.noiseLevel,
      greatestNoiseLevel: meter.speech.greatestNoiseLevel, hasSilentPauses: meter.speech.hasSilentPauses,
      signalToNoise: meter.speech.signalToNoise,
      speechPlaces: meter.speechPlaces,
      segments: meter.segments.map { CheckMeasurements.Segment(place: $0.place, level: $0.level) },
      nonFiniteCount: meter.nonFiniteCount, firstNonFinite: meter.firstNonFinite)
  }

  private static func pair(_ meter: PairMeter) -> CheckMeasurements.Pair {
    CheckMeasurements.Pair(
      first: meter.first, second: meter.second, correlation: meter.comparison.correlation,
      levelDifference: meter.comparison.levelDifference, downmixLoss: meter.comparison.downmixLoss,
      alignment: meter.comparison.alignment,
      isIdentical: meter.comparison.differentCount == 0 && meter.comparison.activeCount > 0,
      firstAloneSeconds: Double(meter.firstAlone) / Double(FrameGrid.rate),
      secondAloneSeconds: Double(meter.secondAlone) / Double(FrameGrid.rate))
  }
}
