import AudioDSP
import Foundation
import Testing

@testable import utter

/// A report's text depends on the recordings and their order alone, not on when it was made.
@Suite struct SegmentReportTests {
  /// The texts of recordings with so many segments each, put together as a writer does.
  static func text(_ format: VADCommand.Format, segmentCounts: [Int], isShared: Bool = true) throws -> String {
    let folder = try TemporaryFolder()
    let files = try segmentCounts.indices.map { try folder.write("\($0).wav", [1]) }
    let inputs = try InputFiles(files)
    let report = SegmentReport(format, of: inputs, isShared: isShared)
    // Made in the opposite order.
    let entries = zip(inputs.files, segmentCounts).reversed().map { file, count in
      report.entry(
        file, rate: .hz8000, channelCount: 2, channel: 1, frameCount: 80_000,
        segments: (0..<count).map {
          SpeechSegment(
            start: 8_000 * $0 + 4, end: 8_000 * $0 + 4_000, startDecided: 8_000 * $0 + 480,
            endDecided: 8_000 * $0 + 5_600)
        }, misfires: 1)
    }.reversed()
    var text = report.header
    var isEmpty = true
    for entry in entries {
      text += entry.text(isFirst: isEmpty)
      isEmpty = isEmpty && entry.isEmpty
    }
    return (text + report.footer(isEmpty: isEmpty)).replacingOccurrences(of: folder.url.path, with: "calls")
  }

  @Test func json() throws {
    #expect(try Self.text(.json, segmentCounts: [0, 0]) == "[]\n")
    #expect(
      try Self.text(.json, segmentCounts: [0, 2, 0, 1]) == """
        [
          {"file":"calls/1.wav","start_s":0.0005,"end_s":0.500,"start_decided_s":0.060,"end_decided_s":0.700},
          {"file":"calls/1.wav","start_s":1.0005,"end_s":1.500,"start_decided_s":1.060,"end_decided_s":1.700},
          {"file":"calls/3.wav","start_s":0.0005,"end_s":0.500,"start_decided_s":0.060,"end_decided_s":0.700}
        ]

        """)
  }

  @Test func csv() throws {
    #expect(
      try Self.text(.csv, segmentCounts: [0, 1]) == """
        file,start_s,end_s,start_decided_s,end_decided_s
        calls/1.wav,0.0005,0.500,0.060,0.700

        """)
    for (counts, isShared) in [([1], true), ([0, 1], false)] {
      #expect(
        try Self.text(.csv, segmentCounts: counts, isShared: isShared) == """
          start_s,end_s,start_decided_s,end_decided_s
          0.0005,0.500,0.060,0.700

          """)
    }
  }

  @Test func table() throws {
    #expect(
      try Self.text(.table, segmentCounts: [1, 0]) == """
        calls/0.wav: 10.000 s, 8000 Hz, 2 channels
          segment     start s       end s    length s
                1       0.001       0.500       0.499
          speech 0.499 s (5.0 %) in 1 segment, 1 misfire
        calls/1.wav: 10.000 s, 8000 Hz, 2 channels
          speech 0.000 s (0.0 %) in 0 segments, 1 misfire

        """)
  }

  @Test func labels() throws {
    #expect(
      try Self.text(.rttm, segmentCounts: [1, 0, 1]) == """
        SPEAKER 0 2 0.0005 0.4995 <NA> <NA> speech <NA> <NA>
        SPEAKER 2 2 0.0005 0.4995 <NA> <NA> speech <NA> <NA>

        """)
  }
}
