import AudioDSP
import AudioFiles
import AudioTestSupport
import Foundation
import Testing

@Suite struct LabelFormatTests {
  static func document(_ format: LabelFormat, _ recordings: LabelledRecording...) -> String {
    format.header + recordings.map { format.entry(for: $0) }.joined()
  }

  /// 3 s at 16 kHz: speech from the start, speech up to the end.
  static let talk = LabelledRecording(
    name: "talk", sampleRate: .hz16000, sampleCount: 48_000, segments: [0..<8_160, 24_001..<48_000])
  static let silence = LabelledRecording(name: "still", sampleRate: .hz8000, sampleCount: 4_000, segments: [])

  // MARK: Examples

  @Test func audacity() {
    #expect(
      Self.document(.audacity, Self.talk) == """
        0.000000\t0.510000\tspeech
        1.500062\t3.000000\tspeech

        """)
    #expect(Self.document(.audacity, Self.silence).isEmpty)
  }

  @Test func rttm() {
    #expect(
      Self.document(.rttm, Self.talk, Self.silence) == """
        SPEAKER talk 1 0.000 0.510 <NA> <NA> speech <NA> <NA>
        SPEAKER talk 1 1.500062 1.499938 <NA> <NA> speech <NA> <NA>

        """)
  }

  @Test func ctm() {
    let second = LabelledRecording(
      name: "second", sampleRate: .hz8000, channel: 2, sampleCount: 8_000, segments: [800..<1_600], label: "yes")
    #expect(
      Self.document(.ctm, Self.talk, second) == """
        ;; file channel start_s duration_s word
        talk 1 0.000 0.510 speech
        talk 1 1.500062 1.499938 speech
        second 2 0.100 0.100 yes

        """)
  }

  @Test func subRip() {
    #expect(
      Self.document(.srt, Self.talk) == """
        1
        00:00:00,000 --> 00:00:00,510
        speech

        2
        00:00:01,500 --> 00:00:03,000
        speech


        """)
    #expect(Self.document(.srt, Self.silence).isEmpty)
  }

  @Test func webVTT() {
    #expect(
      Self.document(.webVTT, Self.talk) == """
        WEBVTT

        00:00:00.000 --> 00:00:00.510
        speech

        00:00:01.500 --> 00:00:03.000
        speech

        """)
    #expect(Self.document(.webVTT, Self.silence) == "WEBVTT\n")
  }

  @Test func textGrid() {
    // Praat ends most lines with a blank.
    let lines = Self.document(.textGrid, Self.talk).components(separatedBy: "\n").map { line in
      line.hasSuffix(" ") ? String(line.dropLast()) : line
    }
    #expect(
      lines.joined(separator: "\n") == """
        File type = "ooTextFile"
        Object class = "TextGrid"

        xmin = 0
        xmax = 3.000
        tiers? <exists>
        size = 1
        item []:
            item [1]:
                class = "IntervalTier"
                name = "speech"
                xmin = 0
                xmax = 3.000
                intervals: size = 3
                intervals [1]:
                    xmin = 0
                    xmax = 0.510
                    text = "speech"
                intervals [2]:
                    xmin = 0.510
                    xmax = 1.500062
                    text = ""
                intervals [3]:
                    xmin = 1.500062
                    xmax = 3.000
                    text = "speech"

        """)
  }

  @Test func aTierWithoutSegmentsIsOneEmptyInterval() throws {
    let grid = try LabelReaders.textGrid(Self.document(.textGrid, Self.silence))
    #expect(grid.tierName == "speech")
    #expect(grid.intervals == [.init(start: 0, end: 0.5, text: "")])
  }

  @Test func kinds() {
    let extensions = LabelFormat.allCases.map(\.fileExtension)
    #expect(extensions == ["txt", "rttm", "TextGrid", "srt", "vtt", "ctm"])
    #expect(LabelFormat.allCases.filter(\.holdsSeveralRecordings) == [.rttm, .ctm])
  }

  // MARK: Read back

  /// The exact time, in `digits` decimals, ties to even, by Foundation's decimals.
  static func rounded(_ sampleCount: Int, _ rate: SampleRate, _ digits: Int) -> Decimal {
    // 38 digits are exact enough: a quotient that is no tie is further from one than 1 / (2 * rate) of a part.
    var quotient = Decimal(sampleCount) / Decimal(rate.hertz)
    var result = Decimal()
    NSDecimalRound(&result, &quotient, digits, .bankers)
    return result
  }

  @Test(arguments: [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 64_000, 96_000, 128_000, 192_000])
  func randomSegmentsComeBack(hertz: Int) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let rate = try SampleRate(hertz)
    for _ in 0..<40 {
      let count = Int.random(in: 1...400 * hertz, using: &random)
      let edges = (0..<2 * Int.random(in: 0...30, using: &random))
        .map { _ in Int.random(in: 0...count, using: &random) }.sorted()
      var segments = stride(from: 0, to: edges.count, by: 2).map { edges[$0]..<edges[$0 + 1] }
      // Some meet, some are short, some stand at the ends.
      if Bool.random(using: &random), let last = segments.last { segments.append(last.upperBound..<count) }
      if Bool.random(using: &random), let first = segments.first { segments.insert(0..<first.lowerBound, at: 0) }
      segments.removeAll(where: \.isEmpty)
      let recording = LabelledRecording(
        name: "a b", sampleRate: rate, channel: 3, sampleCount: count, segments: segments, label: "one two")
      try Self.check(recording, "seed \(seed)")
    }
  }

  @Test func neighboursOfOneSample() throws {
    for rate in [SampleRate.hz8000, .hz44100, try SampleRate(192_000)] {
      let segments = (0..<400).map { 3 * $0..<3 * $0 + 1 + $0 % 3 }
      try Self.check(
        LabelledRecording(name: "x", sampleRate: rate, sampleCount: 1_200, segments: segments, label: "one two"), "")
    }
  }

  static func check(_ recording: LabelledRecording, _ comment: Comment) throws {
    func expected(_ digits: Int, file: String = "", channel: String = "", text: String) -> [LabelReaders.Label] {
      recording.segments.map {
        .init(
          start: rounded($0.lowerBound, recording.sampleRate, digits),
          end: rounded($0.upperBound, recording.sampleRate, digits), text: text, file: file, channel: channel)
      }
    }
    let name = recording.name.replacingOccurrences(of: " ", with: "%20")
    let nist = expected(6, file: name, channel: "\(recording.channel)", text: "one%20two")
    let cues = expected(3, text: "one two").filter { $0.start < $0.end }
    #expect(try LabelReaders.audacity(document(.audacity, recording)) == expected(6, text: "one two"), comment)
    #expect(try LabelReaders.rttm(document(.rttm, recording)) == nist, comment)
    #expect(try LabelReaders.ctm(document(.ctm, recording)) == nist, comment)
    #expect(try LabelReaders.subRip(document(.srt, recording)) == cues, comment)
    #expect(try LabelReaders.webVTT(document(.webVTT, recording)) == cues, comment)

    let grid = try LabelReaders.textGrid(document(.textGrid, recording))
    #expect(grid.end == rounded(recording.sampleCount, recording.sampleRate, 6), comment)
    #expect(grid.intervals.first?.start == 0 && grid.intervals.last?.end == grid.end, comment)
    for (a, b) in zip(grid.intervals, grid.intervals.dropFirst()) { #expect(a.end == b.start, comment) }
    #expect(grid.intervals.allSatisfy { $0.start < $0.end }, comment)
    #expect(grid.intervals.filter { !$0.text.isEmpty } == expected(6, text: "one two"), comment)
  }

  // MARK: Times

  @Test(
    "Ties go to the even part",
    arguments: [(1, "0.000062"), (3, "0.000188"), (5, "0.000312"), (7, "0.000438"), (16, "0.001"), (17, "0.001062")])
  func ties(sampleCount: Int, expected: String) throws {
    // 1/16000 s is 62.5 microseconds.
    let recording = LabelledRecording(
      name: "t", sampleRate: .hz16000, sampleCount: 100, segments: [sampleCount..<sampleCount + 16])
    let start = try #require(LabelFormat.ctm.entry(for: recording).split(separator: " ").dropFirst(2).first)
    #expect(start == expected)
  }

  @Test func tiesOfMilliseconds() {
    // At 8 kHz, 4 samples are half a millisecond: 0.5 goes to 0, 1.5 to 2, 2.5 to 2.
    let recording = LabelledRecording(
      name: "t", sampleRate: .hz8000, sampleCount: 100, segments: [4..<12, 20..<28])
    #expect(
      LabelFormat.srt.entry(for: recording)
        == "1\n00:00:00,000 --> 00:00:00,002\nspeech\n\n2\n00:00:00,002 --> 00:00:00,004\nspeech\n\n")
  }

  @Test func longRecordings() {
    // 100 hours and a second, and the longest count there is.
    let long = LabelledRecording(
      name: "l", sampleRate: .hz48000, sampleCount: 360_100 * 48_000, segments: [359_999 * 48_000..<360_001 * 48_000])
    #expect(LabelFormat.srt.entry(for: long) == "1\n99:59:59,000 --> 100:00:01,000\nspeech\n\n")
    #expect(LabelFormat.webVTT.entry(for: long) == "\n99:59:59.000 --> 100:00:01.000\nspeech\n")
    // 9 * 10^12 seconds and two samples.
    let count = 9_000_000_000_000 * 48_000 + 2
    let longest = LabelledRecording(name: "l", sampleRate: .hz48000, sampleCount: count, segments: [count - 1..<count])
    #expect(LabelFormat.audacity.entry(for: longest) == "9000000000000.000021\t9000000000000.000042\tspeech\n")
  }

  @Test func aSecondThatFillsUp() {
    // 47,999.99 thousandths of a thousandth: the parts round up to a whole second.
    let recording = LabelledRecording(
      name: "s", sampleRate: .hz48000, sampleCount: 96_000, segments: [0..<47_999])
    #expect(LabelFormat.srt.entry(for: recording).contains("--> 00:00:01,000"))
  }

  // MARK: Names

  static let names = [
    "", " ", "two words", "tab\there", "line\nbreak", "carriage\r\nreturn", "quote\"s", "\"", "\"\u{301}acute", "100%",
    "%20", "; comment", ";;", "日本語 の 名前", "é", "e\u{301}", "👩‍👩‍👧", "\u{A0}\u{3000}\u{2028}\u{2029}\u{85}\u{B}\u{C}",
    "\u{FEFF}mark", "nul\u{0}", "a-->b", "<i>&amp;</i>", "a\\b", "! no comment", "1\n00:00:00,000 --> 00:00:01,000",
  ]

  @Test(arguments: names)
  func anyNameGivesValidFiles(name: String) throws {
    let recording = LabelledRecording(
      name: name, sampleRate: .hz16000, sampleCount: 48_000, segments: [0..<16_000, 32_000..<48_000], label: name)
    // What has no place in a line is a blank in it.
    let line = String(
      String.UnicodeScalarView(
        name.unicodeScalars.map {
          $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}" ? " " : $0
        }))
    if !name.isEmpty {
      let audacity = try LabelReaders.audacity(Self.document(.audacity, recording))
      let subtitles = try LabelReaders.webVTT(Self.document(.webVTT, recording))
      for label in audacity + subtitles { #expect(Array(label.text.unicodeScalars) == Array(line.unicodeScalars)) }
      #expect(audacity.count == 2 && subtitles.count == 2)
    }
    let grid = try LabelReaders.textGrid(Self.document(.textGrid, recording))
    #expect(Array(grid.tierName.unicodeScalars) == Array(line.unicodeScalars))
    #expect(grid.intervals.map { Array($0.text.unicodeScalars) } == [line, "", line].map { Array($0.unicodeScalars) })

    for labels in [
      try LabelReaders.rttm(Self.document(.rttm, recording)), try LabelReaders.ctm(Self.document(.ctm, recording)),
    ] {
      #expect(labels.count == 2)
      for label in labels {
        #expect(Self.withoutPercents(label.file) == Array((name.isEmpty ? "<NA>" : name).utf8))
        #expect(label.text == label.file)
        #expect(!label.file.unicodeScalars.contains("\u{FEFF}"))
      }
    }
  }

  private static func withoutPercents(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let isEscape = byte == UInt8(ascii: "%")
      bytes.append(isEscape ? UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)! : byte)
      if isEscape { rest = rest.dropFirst(2) }
    }
    return bytes
  }

  @Test func differentNamesStayDifferent() {
    let fields = Set(
      Self.names.map { name in
        LabelFormat.ctm.entry(
          for: LabelledRecording(name: name, sampleRate: .hz8000, sampleCount: 9, segments: [1..<2])
        )
        .unicodeScalars.map(\.value)
      })
    #expect(fields.count == Self.names.count)
  }

  @Test func whatIsOutOfOrderIsRefused() async {
    await #expect(processExitsWith: .failure) {
      _ = LabelledRecording(name: "x", sampleRate: .hz8000, sampleCount: 10, segments: [0..<5, 4..<6])
    }
    await #expect(processExitsWith: .failure) {
      _ = LabelledRecording(name: "x", sampleRate: .hz8000, sampleCount: 10, segments: [0..<11])
    }
    await #expect(processExitsWith: .failure) {
      _ = LabelledRecording(name: "x", sampleRate: .hz8000, sampleCount: 0, segments: [])
    }
  }
}
