import Foundation
import Testing

/// `--detector` and `--sensitivity`, as users give them.
@Suite struct DetectorOptionsTests {
  /// How many seconds of speech `utter vad` finds.
  private static func speech(_ name: String, _ options: String...) throws -> Double {
    let outcome = try Tool.run(["vad", Tool.audio(name), "--format", "csv"] + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.lines.dropFirst().reduce(0) { sum, row in
      let times = row.split(separator: ",").compactMap { Double($0) }
      return sum + times[1] - times[0]
    }
  }

  @Test(arguments: ["neural", "energy"])
  func moreIsFoundTheHigherTheSensitivity(detector: String) throws {
    let file = "noisy-3dB-16k.flac"
    let (low, normal, high) = (
      try Self.speech(file, "--detector", detector, "--sensitivity", "low"),
      try Self.speech(file, "--detector", detector, "--sensitivity", "normal"),
      try Self.speech(file, "--detector", detector, "--sensitivity", "high")
    )
    #expect(low <= normal && normal <= high)
    #expect(low < high)
    #expect(try Self.speech(file, "--detector", detector) == normal)
    #expect(try Self.speech(file, "--detector", detector, "--threshold", "0.7") == low)
    #expect(try Self.speech(file, "--detector", detector, "--threshold", "0.3") == high)
  }

  @Test func theDetectorIsTheOneThatIsNamed() throws {
    let folder = try TemporaryFolder()
    func scores(_ options: String...) throws -> String {
      let outcome = try Tool.run(["vad", Tool.speech, "--scores", folder.path("scores.csv")] + options)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try String(contentsOfFile: folder.path("scores.csv"), encoding: .utf8)
    }
    let neural = try scores("--detector", "neural")
    let energy = try scores("--detector", "energy")
    #expect(neural != energy)
    #expect(neural.split(separator: "\n").count == energy.split(separator: "\n").count)
    #expect(try scores() == neural)
  }

  /// Misuse says what is wrong in one line, before it says how the command is used.
  private static func expectMisuse(_ arguments: [String], naming part: String) throws {
    let outcome = try Tool.run(arguments)
    #expect(outcome.status == 64, "\(arguments)")
    #expect(outcome.output.isEmpty, "\(arguments)")
    let errors = outcome.errorLines.filter { $0.hasPrefix("Error: ") }
    #expect(errors.count == 1 && errors[0].contains(part), "\(arguments): \(outcome.errors)")
  }

  @Test(arguments: ["vad", "chunk"])
  func oneFigureHasOneName(command: String) throws {
    let mode = command == "chunk" ? ["--vad", "gate"] : []
    try Self.expectMisuse(
      [command, Tool.speech, "--sensitivity", "low", "--threshold", "0.4"] + mode, naming: "--threshold")
  }

  @Test(arguments: ["vad", "chunk"])
  func valuesThatAreNone(command: String) throws {
    let mode = command == "chunk" ? ["--vad", "gate"] : []
    for (option, value) in [
      ("--sensitivity", "medium"), ("--sensitivity", "0.5"), ("--sensitivity", ""), ("--sensitivity", "Low"),
      ("--detector", "silero"), ("--detector", ""), ("--detector", "Neural"),
    ] {
      try Self.expectMisuse([command, Tool.speech, option, value] + mode, naming: option)
    }
  }

  @Test(arguments: [["--sensitivity", "low"], ["--detector", "energy"], ["--detector", "neural"]])
  func chunkNeedsAModeForThem(options: [String]) throws {
    try Self.expectMisuse(["chunk", Tool.speech] + options, naming: options[0])
    try Self.expectMisuse(["chunk", Tool.speech, "--vad", "off"] + options, naming: options[0])
    #expect(try Tool.run(["chunk", Tool.speech, "--vad", "gate", "--quiet"] + options).status == 0)
  }
}
