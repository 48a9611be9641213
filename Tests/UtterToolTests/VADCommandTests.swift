import Foundation
import Testing

@Suite struct VADCommandTests {
  /// The labels of a recording of TestAudio.
  static func labels(_ name: String) throws -> [ClosedRange<Double>] {
    let data = try Data(contentsOf: URL(filePath: Tool.audio("manifest.json")))
    let entries = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    let entry = try #require(entries.first { $0["file"] as? String == name })
    return try #require(entry["speech"] as? [[String: Any]]).map {
      try #require($0["start_s"] as? Double)...#require($0["end_s"] as? Double)
    }
  }

  @Test func csvHasTheStatedColumnsAndFindsTheSpeech() throws {
    let outcome = try Tool.run("vad", Tool.speech, "--format", "csv")
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.lines.first == "start_s,end_s,start_decided_s,end_decided_s")
    let rows = try outcome.lines.dropFirst().map { line in
      try line.split(separator: ",").map { try #require(Double($0)) }
    }
    let labels = try Self.labels("speech.wav")
    for row in rows {
      #expect(row.count == 4)
      #expect(row[0] < row[1] && row[0] <= row[2] && row[1] <= row[3] && row[3] <= 11.5)
      #expect(labels.contains { $0.lowerBound < row[1] && row[0] < $0.upperBound }, "no speech at \(row)")
    }
    for label in labels {
      #expect(rows.contains { $0[0] < label.lowerBound + 0.1 && $0[1] > label.upperBound - 0.1 }, "missed \(label)")
    }
  }

  @Test func jsonHasTheSameRows() throws {
    let csv = try Tool.run("vad", Tool.speech, "--format", "csv").lines
    let json = try Tool.run("vad", Tool.speech, "--format", "json")
    let rows = try #require(try JSONSerialization.jsonObject(with: json.output) as? [[String: Double]])
    let names = csv[0].split(separator: ",").map(String.init)
    #expect(
      rows.map { row in names.map { row[$0] } } == csv.dropFirst().map { $0.split(separator: ",").map { Double($0) } })
  }

  @Test func silenceHasNoSegments() throws {
    let file = Tool.audio("silence-48k.flac")
    #expect(try Tool.run("vad", file, "--format", "csv").text == "start_s,end_s,start_decided_s,end_decided_s\n")
    let json = try Tool.run("vad", file, "--format", "json").output
    #expect(try JSONSerialization.jsonObject(with: json) as? [String] == [])
    #expect(try Tool.run("vad", file).text.contains("0 segments"))
  }

  @Test func severalInputsGainAFileColumn() throws {
    let files = [Tool.speech, Tool.audio("silence-48k.flac"), Tool.audio("mono-22k05.caf")]
    let csv = try Tool.run(["vad"] + files + ["--format", "csv"])
    #expect(csv.status == 0)
    #expect(csv.lines.first == "file,start_s,end_s,start_decided_s,end_decided_s")
    #expect(csv.lines.contains { $0.hasPrefix(files[0] + ",") } && csv.lines.contains { $0.hasPrefix(files[2] + ",") })
    let json = try Tool.run(["vad"] + files + ["--format", "json"]).output
    let rows = try #require(try JSONSerialization.jsonObject(with: json) as? [[String: Any]])
    #expect(rows.map { $0["file"] as? String } == csv.lines.dropFirst().map { String($0.prefix { $0 != "," }) })
    // A folder counts as several, whatever is in it.
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: files[2], toPath: folder.path("a.caf"))
    #expect(try Tool.run("vad", folder.url.path, "--format", "csv").lines.first?.hasPrefix("file,") == true)
    #expect(try Tool.run("vad", folder.url.path, "--scores", "-").status == 64)
  }

  @Test func scoresHaveARowPerFrame() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      "vad", Tool.speech, "--scores", folder.path("scores.csv"), "--features", folder.path("features.csv"))
    #expect(outcome.status == 0)
    let scores = try String(contentsOfFile: folder.path("scores.csv"), encoding: .utf8).split(separator: "\n")
    #expect(scores.first == "time_s,score")
    #expect(scores.count == 1 + 1_150)
    for (i, row) in scores.dropFirst().enumerated() {
      let columns = row.split(separator: ",").compactMap { Double($0) }
      #expect(columns.count == 2)
      #expect(abs(columns[0] - Double(i) * 0.01) < 1e-9)
      #expect((0...1).contains(columns[1]))
    }
    let features = try String(contentsOfFile: folder.path("features.csv"), encoding: .utf8).split(separator: "\n")
    #expect(features.first == "time_s,energy_dbfs,zero_crossing_rate")
    #expect(features.count == scores.count)
    #expect(try folder.contents == ["features.csv", "scores.csv"])
  }

  @Test func thresholdsMoveTheDecision() throws {
    func speech(_ options: String...) throws -> Double {
      let rows = try Tool.run(["vad", Tool.audio("noisy-3dB-16k.flac"), "--format", "csv"] + options).lines.dropFirst()
      return rows.reduce(0) { sum, row in
        let times = row.split(separator: ",").compactMap { Double($0) }
        return sum + times[1] - times[0]
      }
    }
    #expect(try speech("--threshold", "0.9") < speech("--threshold", "0.2"))
    #expect(try Tool.run("vad", Tool.speech, "--threshold", "1.5").status == 64)
    #expect(try Tool.run("vad", Tool.speech, "--hangover-ms", "-1").status == 64)
  }
}
