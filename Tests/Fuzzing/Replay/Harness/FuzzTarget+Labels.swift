import AudioDSP
import AudioFiles
import Foundation

extension FuzzTarget {
  /// Any name, label and stretches give a file in every format, from which the same can be read.
  static func checkLabels(_ input: [UInt8]) throws {
    var input = FuzzInput(input)
    let rate = try SampleRate(input.element(of: [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]))
    // Up to 140,000 years.
    let sampleCount = 1 + input.number(below: 256) << input.number(below: 48)
    let edges = (0..<2 * input.number(below: 8)).map { _ in input.number(below: sampleCount + 1) }.sorted()
    let segments = stride(from: 0, to: edges.count, by: 2).map { edges[$0]..<edges[$0 + 1] }
    let texts = input.rest.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(decoding: texts.first ?? [], as: UTF8.self)
    let label = String(decoding: texts.last ?? [], as: UTF8.self)
    let recording = LabelledRecording(
      name: name, sampleRate: rate, channel: 1 + input.number(below: 9), sampleCount: sampleCount, segments: segments,
      label: label)

    let line = onOneLine(label)
    try compare(LabelReaders.audacity(document(.audacity, recording)), recording, 6, line)
    // The readers do not know a cue without text.
    if !label.isEmpty {
      try compare(LabelReaders.subRip(document(.srt, recording)), recording, 3, line)
      try compare(LabelReaders.webVTT(document(.webVTT, recording)), recording, 3, line)
    }
    for labels in [
      try LabelReaders.rttm(document(.rttm, recording)), try LabelReaders.ctm(document(.ctm, recording)),
    ] {
      try compare(labels, recording, 6, nil)
      for found in labels {
        try require(found.channel == "\(recording.channel)", "channel \(found.channel)")
        try require(withoutPercents(found.file) == Array((name.isEmpty ? "<NA>" : name).utf8), "name \(found.file)")
        try require(withoutPercents(found.text) == Array((label.isEmpty ? "<NA>" : label).utf8), "label \(found.text)")
      }
    }
    let grid = try LabelReaders.textGrid(document(.textGrid, recording))
    try require(equal(grid.tierName, line), "tier \(grid.tierName)")
    try require(grid.end == rounded(sampleCount, rate, 6), "a grid to \(grid.end)")
    try require(grid.intervals.first?.start == 0 && grid.intervals.last?.end == grid.end, "a grid with open ends")
    for (a, b) in zip(grid.intervals, grid.intervals.dropFirst()) { try require(a.end == b.start, "\(a) before \(b)") }
    let labelled = segments.filter { !$0.isEmpty }
    let ends = Set(labelled.map { rounded($0.upperBound, rate, 6) })
    let starts = Set(labelled.map { rounded($0.lowerBound, rate, 6) })
    let found = grid.intervals.filter { starts.contains($0.start) && ends.contains($0.end) && equal($0.text, line) }
    try require(found.count >= labelled.count, "\(found.count) intervals of \(labelled.count)")
  }

  private static func document(_ format: LabelFormat, _ recording: LabelledRecording) -> String {
    format.header + format.entry(for: recording)
  }

  private static func compare(
    _ found: [LabelReaders.Label], _ recording: LabelledRecording, _ digits: Int, _ text: String?
  ) throws {
    var expected = recording.segments.map { segment in
      (
        rounded(segment.lowerBound, recording.sampleRate, digits),
        rounded(segment.upperBound, recording.sampleRate, digits)
      )
    }
    // Subtitles leave out what rounds to nothing.
    if digits == 3 { expected.removeAll { $0 == $1 } }
    try require(found.count == expected.count, "\(found.count) labels of \(expected.count)")
    for (label, (start, end)) in zip(found, expected) {
      try require(label.start == start && label.end == end, "\(label), not \(start) to \(end)")
      if let text { try require(equal(label.text, text), "label \(label.text.debugDescription)") }
    }
  }

  /// `String`'s own equality takes different texts of one meaning for the same.
  private static func equal(_ a: String, _ b: String) -> Bool { a.unicodeScalars.elementsEqual(b.unicodeScalars) }

  private static func onOneLine(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map {
          $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}" ? " " : $0
        }))
  }

  /// The exact time in so many decimals, ties to even, by Foundation's decimals.
  private static func rounded(_ sampleCount: Int, _ rate: SampleRate, _ digits: Int) -> Decimal {
    var quotient = Decimal(sampleCount) / Decimal(rate.hertz)
    var result = Decimal()
    NSDecimalRound(&result, &quotient, digits, .bankers)
    return result
  }

  private static func withoutPercents(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let isEscape = byte == UInt8(ascii: "%")
      bytes.append(isEscape ? UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0 : byte)
      if isEscape { rest = rest.dropFirst(2) }
    }
    return bytes
  }
}
