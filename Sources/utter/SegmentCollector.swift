import AudioDSP

/// A stretch of speech, in samples of its recording.
struct SpeechSegment: Sendable {
  var start: Int
  var end: Int
  /// The stream time at which a live listener knew of the start and of the end.
  var startDecided: Int
  var endDecided: Int
}

/// Makes whole segments of a segmenter's decisions.
struct SegmentCollector {
  private var closed: [SpeechSegment] = []
  private var open: SpeechSegment?
  private(set) var misfires: [Range<Int>] = []

  /// The segments of a recording of `sampleCount` samples. A decision is never later than its end, whatever a
  /// detector's look-ahead.
  func segments(endingBy sampleCount: Int) -> [SpeechSegment] {
    closed.map { segment in
      var segment = segment
      segment.startDecided = min(segment.startDecided, sampleCount)
      segment.endDecided = min(segment.endDecided, sampleCount)
      return segment
    }
  }

  mutating func note(_ event: SegmentEvent) {
    switch event {
    case .started(let place, _, let decidedAt): start(place, decidedAt)
    case .ended(let place, _, let decidedAt): end(place, decidedAt)
    case .cut(let place, let decidedAt):
      end(place, decidedAt)
      start(place, decidedAt)
    case .misfire(let start, let end, _): misfires.append(start..<end)
    }
  }

  private mutating func start(_ place: Int, _ decidedAt: Int) {
    open = SpeechSegment(start: place, end: place, startDecided: decidedAt, endDecided: decidedAt)
  }

  private mutating func end(_ place: Int, _ decidedAt: Int) {
    guard var segment = open else { return }
    segment.end = place
    segment.endDecided = decidedAt
    closed.append(segment)
    open = nil
  }
}
