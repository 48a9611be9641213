/// Subtitles: cues with a clock's times.
extension LabelledRecording {
  var subRipCues: String {
    let label = label.withoutControls
    return cues.enumerated().map { i, cue in
      let (start, end) = (cue.start.clockText(decimalMark: ","), cue.end.clockText(decimalMark: ","))
      return "\(i + 1)\n\(start) --> \(end)\n\(label)\n\n"
    }.joined()
  }

  var webVTTCues: String {
    let label = label.withoutControls.withEntities
    return cues.map { cue in
      let (start, end) = (cue.start.clockText(decimalMark: "."), cue.end.clockText(decimalMark: "."))
      return "\n\(start) --> \(end)\n\(label)\n"
    }.joined()
  }

  /// WebVTT wants a cue to end later than it starts, and nothing can be read in less than a millisecond.
  private var cues: [(start: DecimalSeconds, end: DecimalSeconds)] {
    segments.map { (place($0.lowerBound, .milliseconds), place($0.upperBound, .milliseconds)) }
      .filter { $0.start.parts < $0.end.parts }
  }
}

extension String {
  /// The same with what means markup in a WebVTT cue's text as entities. An arrow, which would start another cue, is
  /// none then.
  fileprivate var withEntities: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
