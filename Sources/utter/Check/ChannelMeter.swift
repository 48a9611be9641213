import AudioDSP

/// All that is measured of one channel.
final class ChannelMeter {
  var level: LevelMeter
  var truePeak = TruePeakMeter()
  var clipping: ClippingDetector
  var dropouts: DropoutDetector
  var hum: HumDetector
  var bandwidth: BandwidthMeter
  var speech = SpeechLevelMeter()
  /// The level of each stretch of speech of 0.3 s and more.
  private(set) var segments: [SegmentLevel] = []
  /// Samples that were not finite, and the first of them.
  var nonFiniteCount = 0
  var firstNonFinite: Int?
  /// All stretches of speech.
  private(set) var speechPlaces: [Range<Int>] = []
  /// The frames that the last block has completed.
  private(set) var frames: [FrameScore] = []

  private var tracker: SpeechTracker<SpeechDetector>
  private var segmentStart: Int?
  private var segmentPower = 0.0
  private var segmentFrames = 0

  struct SegmentLevel {
    var place: Range<Int>
    /// In dBFS.
    var level: Double
  }

  /// What is shorter says little of how loud someone speaks: single vowels differ by 10 dB. In frames.
  private static let leastSegmentFrames = 30
  /// Enough to compare, whatever the length of a recording.
  private static let mostSegments = 10_000

  init(_ rate: SampleRate, humTable: HumDetector.Table) {
    level = LevelMeter(rate)
    clipping = ClippingDetector(rate)
    dropouts = DropoutDetector(rate)
    hum = HumDetector(humTable)
    bandwidth = BandwidthMeter(rate)
    tracker = SpeechTracker(SpeechDetector(.neural, rate), configuration: .speech)
  }

  func process(_ samples: Span<Float>) {
    level.process(samples)
    truePeak.process(samples)
    clipping.process(samples)
    dropouts.process(samples)
    hum.process(samples)
    bandwidth.process(samples)
    frames.removeAll(keepingCapacity: true)
    tracker.process(samples, onFrame: note) { note($0) }
  }

  func finish() {
    truePeak.finish()
    frames.removeAll(keepingCapacity: true)
    tracker.finish(onFrame: note) { note($0) }
  }

  private func note(_ frame: FrameScore) {
    frames.append(frame)
    speech.process(frame)
    if frame.score >= 0.5 {
      segmentPower += raised(10, Double(frame.features.alternatingEnergyInDecibels) / 10)
      segmentFrames += 1
    }
  }

  private func note(_ event: SegmentEvent) {
    switch event {
    case .started(let place, _, _): segmentStart = place
    case .ended(let place, _, _):
      if let start = segmentStart, speechPlaces.count < Self.mostSegments { speechPlaces.append(start..<place) }
      if let start = segmentStart, segmentFrames >= Self.leastSegmentFrames, segments.count < Self.mostSegments {
        segments.append(SegmentLevel(place: start..<place, level: decibels(segmentPower / Double(segmentFrames))))
      }
      segmentPower = 0
      segmentFrames = 0
    case .cut, .misfire: break
    }
  }
}
