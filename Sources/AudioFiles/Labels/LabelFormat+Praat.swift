/// A tier of intervals that meet: each starts where the one before it ends.
extension LabelledRecording {
  var textGrid: String {
    let tier = tier
    let end = place(sampleCount, .microseconds).text
    // The blanks at the ends of lines are Praat's own.
    var lines = [
      #"File type = "ooTextFile""#, #"Object class = "TextGrid""#, "", "xmin = 0 ", "xmax = \(end) ",
      "tiers? <exists> ", "size = 1 ", "item []: ", "    item [1]:", #"        class = "IntervalTier" "#,
      #"        name = \#(label.praatString) "#, "        xmin = 0 ", "        xmax = \(end) ",
      "        intervals: size = \(tier.count) ",
    ]
    for (i, interval) in tier.enumerated() {
      let start = interval.range.lowerBound == 0 ? "0" : place(interval.range.lowerBound, .microseconds).text
      lines += [
        "        intervals [\(i + 1)]:", "            xmin = \(start) ",
        "            xmax = \(place(interval.range.upperBound, .microseconds).text) ",
        "            text = \((interval.isLabelled ? label : "").praatString) ",
      ]
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The segments and what lies between them. None is empty.
  private var tier: [(range: Range<Int>, isLabelled: Bool)] {
    var tier: [(range: Range<Int>, isLabelled: Bool)] = []
    var end = 0
    for segment in segments where !segment.isEmpty {
      if segment.lowerBound > end { tier.append((end..<segment.lowerBound, false)) }
      tier.append((segment, true))
      end = segment.upperBound
    }
    if end < sampleCount { tier.append((end..<sampleCount, false)) }
    return tier
  }
}

extension String {
  /// The same in quotes, those within doubled: also one that a combining mark makes part of a longer character.
  fileprivate var praatString: String {
    var result = "\""
    for scalar in withoutControls.unicodeScalars {
      result.unicodeScalars.append(scalar)
      if scalar == "\"" { result.unicodeScalars.append(scalar) }
    }
    return result + "\""
  }
}
