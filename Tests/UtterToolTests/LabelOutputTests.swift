import Foundation
import Testing

/// `utter vad` in formats for other programs, and to other places than standard output.
@Suite struct LabelOutputTests {
  static let formats = ["table", "csv", "json", "audacity", "rttm", "textgrid", "srt", "vtt", "ctm"]
  static let extensions = [
    "table": "txt", "csv": "csv", "json": "json", "audacity": "txt", "rttm": "rttm", "textgrid": "TextGrid",
    "srt": "srt", "vtt": "vtt", "ctm": "ctm",
  ]
  static let oneRecordingFormats = ["audacity", "textgrid", "srt", "vtt"]

  /// The times of speech.wav's segments, by the csv format.
  static func segments() throws -> [[String]] {
    try Tool.run("vad", Tool.speech, "--format", "csv").lines.dropFirst().map {
      $0.split(separator: ",").prefix(2).map(String.init)
    }
  }

  @Test func labelsHoldTheSegments() throws {
    let segments = try Self.segments()
    #expect(segments.count == 4)
    let rttm = try Tool.run("vad", Tool.speech, "--format", "rttm").lines.map { $0.split(separator: " ") }
    #expect(rttm.map { Array($0.prefix(3)) } == segments.map { _ in ["SPEAKER", "speech", "1"] })
    #expect(rttm.map { String($0[3]) } == segments.map { $0[0] })
    let audacity = try Tool.run("vad", Tool.speech, "--format", "audacity").lines
    #expect(audacity == segments.map { "\($0[0])000\t\($0[1])000\tspeech" })
    let srt = try Tool.run("vad", Tool.speech, "--format", "srt").lines.filter { $0.contains(" --> ") }
    #expect(
      srt
        == segments.map { segment in
          segment.map { "00:00:" + (Double($0)! < 10 ? "0" : "") + $0.replacingOccurrences(of: ".", with: ",") }
            .joined(separator: " --> ")
        })
    let grid = try Tool.run("vad", Tool.speech, "--format", "textgrid").text
    #expect(grid.contains("\nxmax = 11.500 \n"))
    #expect(grid.components(separatedBy: #"text = "speech""#).count == 5)
    #expect(try Tool.run("vad", Tool.speech, "--format", "vtt").text.hasPrefix("WEBVTT\n\n00:00:0"))
  }

  @Test func theChannelIsCountedFromOne() throws {
    let file = Tool.audio("two-callers-8k.flac")
    for (option, channel) in [("mean", "1"), ("0", "1"), ("1", "2")] {
      let lines = try Tool.run("vad", file, "--format", "ctm", "--channel", option).lines
      #expect(lines.first?.hasPrefix(";;") == true && lines.count > 1)
      for line in lines.dropFirst() { #expect(line.hasPrefix("two-callers-8k \(channel) ")) }
    }
  }

  @Test(arguments: formats)
  func aFileHoldsWhatStandardOutputDoes(format: String) throws {
    let folder = try TemporaryFolder()
    let expected = try Tool.run("vad", Tool.speech, "--format", format)
    let outcome = try Tool.run("vad", Tool.speech, "--format", format, "--out", folder.path("labels"))
    #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    #expect(try Data(contentsOf: URL(filePath: folder.path("labels"))) == expected.output)
    // In a folder, the input and the format make the name.
    #expect(try Tool.run("vad", Tool.speech, "--format", format, "-o", folder.path("new") + "/").status == 0)
    let made = folder.path("new/speech.wav.\(Self.extensions[format]!)")
    #expect(try Data(contentsOf: URL(filePath: made)) == expected.output)
    #expect(try folder.contents == ["labels", "new"])
  }

  @Test(arguments: formats)
  func aFolderGetsOneFilePerInput(format: String) throws {
    let folder = try TemporaryFolder()
    let files = [Tool.audio("silence-48k.flac"), Tool.speech, Tool.audio("mono-22k05.caf")]
    let outcome = try Tool.run(["vad"] + files + ["--format", format, "--out", folder.url.path])
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    for file in files {
      let name = URL(filePath: file).lastPathComponent + "." + Self.extensions[format]!
      let alone = try Tool.run("vad", file, "--format", format)
      #expect(try Data(contentsOf: URL(filePath: folder.path(name))) == alone.output, "\(name)")
    }
    #expect(try folder.contents.count == files.count)
  }

  @Test(arguments: formats)
  func severalInputsInOneOutput(format: String) throws {
    let folder = try TemporaryFolder()
    let files = [Tool.audio("silence-48k.flac"), Tool.speech, Tool.audio("mono-22k05.caf")]
    let outcome = try Tool.run(["vad"] + files + ["--format", format])
    guard !Self.oneRecordingFormats.contains(format) else {
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      #expect(outcome.errors.contains("several inputs need a folder for their outputs: --out FOLDER"))
      let existing = try folder.write("labels", [65])
      #expect(try Tool.run(["vad"] + files + ["--format", format, "-o", existing]).status == 64)
      #expect(try Data(contentsOf: URL(filePath: existing)) == Data([65]))
      return
    }
    #expect(outcome.status == 0 && !outcome.output.isEmpty)
    let written = try Tool.run(["vad"] + files + ["--format", format, "--out", folder.path("all")])
    #expect(written.status == 0 && written.output.isEmpty)
    #expect(try Data(contentsOf: URL(filePath: folder.path("all"))) == outcome.output)
    if format == "rttm" || format == "ctm" {
      let names = outcome.lines.filter { !$0.hasPrefix(";;") }
        .map { $0.split(separator: " ")[format == "rttm" ? 1 : 0] }
      #expect(Set(names) == ["speech", "mono-22k05"])
    }
  }

  @Test func recordingsOfOneNameAreToldApart() throws {
    let folder = try TemporaryFolder()
    let speech = Array(try Data(contentsOf: URL(filePath: Tool.audio("mono-22k05.caf"))))
    let paths = try ["a/talk one.caf", "b/talk one.caf", "b/other.caf"].map { try folder.write($0, speech) }
    let lines = try Tool.run("vad", folder.url.path, "--format", "ctm").lines.dropFirst()
    let names = Set(lines.compactMap { $0.split(separator: " ").first }.map(String.init))
    #expect(
      names
        == ["other", paths[0], paths[1]].map { $0.replacingOccurrences(of: " ", with: "%20") }.reduce(into: []) {
          $0.insert($1)
        })
  }

  @Test func outputsAreNotInputs() throws {
    let folder = try TemporaryFolder()
    let original = Array(try Data(contentsOf: URL(filePath: Tool.audio("mono-22k05.caf"))))
    let path = try folder.write("a.caf", original)
    #expect(try Tool.run("vad", path, "--out", path).status == 64)
    #expect(try Tool.run("vad", path, "--out", folder.path("x"), "--scores", folder.path("x")).status == 64)
    // Standard output is free for something else then.
    let outcome = try Tool.run("vad", path, "--out", folder.path("x"), "--scores", "-")
    #expect(outcome.status == 0 && outcome.lines.first == "time_s,score")
    #expect(try Data(contentsOf: URL(filePath: path)) == Data(original))
  }

  @Test func aBadInputLeavesNoLabels() throws {
    let folder = try TemporaryFolder()
    for format in ["srt", "rttm"] {
      let outcome = try Tool.run("vad", folder.path("missing.wav"), "--format", format, "--out", folder.path("x"))
      #expect(outcome.status == 1 && outcome.errorLines.count == 2)
      #expect(
        try Tool.run("vad", folder.path("missing.wav"), "--format", format, "--out", folder.path("y") + "/").status == 1
      )
    }
    #expect(try folder.contents.isEmpty)
    // Of several, the good ones are written.
    let outcome = try Tool.run(
      "vad", folder.path("missing.wav"), Tool.speech, "--format", "rttm", "-o", folder.path("z"))
    #expect(outcome.status == 1)
    #expect(try String(contentsOfFile: folder.path("z"), encoding: .utf8).hasPrefix("SPEAKER speech 1 "))
  }
}
