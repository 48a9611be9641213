import AudioDSP
import Testing

/// The scores of a whole stream, which is cut at `cuts`; the detector is as new behind it. What `process` gives is held
/// against what `frameCapacity` promised.
func scores<Detector: VoiceActivityDetector & ~Copyable>(
  _ samples: [Float], _ detector: inout Detector, cuts: [Range<Int>]? = nil
) -> [FrameScore] {
  var scores: [FrameScore] = []
  for cut in cuts ?? [samples.indices] {
    let capacity = detector.frameCapacity(forInputCount: cut.count)
    var found = [FrameScore](repeating: FrameScore(0), count: capacity)
    var span = found.mutableSpan
    let count = detector.process(samples.span.extracting(cut), into: &span)
    #expect(count == capacity)
    scores += found
  }
  var last = [FrameScore](repeating: FrameScore(0), count: detector.finalFrameCapacity)
  var span = last.mutableSpan
  let count = detector.finish(into: &span)
  return scores + last[..<count]
}
