import ArgumentParser
import AudioDSP

struct CheckCommand: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, json
  }

  enum FailOn: String, CaseIterable, ExpressibleByArgument {
    case fault, note, never

    func isMet(by findings: [Finding]) -> Bool {
      switch self {
      case .fault: findings.contains { $0.severity == .fault }
      case .note: findings.contains { $0.severity >= .note }
      case .never: false
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Says what in a recording would hurt recognition.",
    discussion: """
      FINDINGS
      """)

  @Argument(help: "Recordings, folders of them, or '-' for standard input.")
  var inputs: [String]

  @Option(help: "How to write the findings.")
  var format = Format.text

  @Option(help: "Exit with status 1 where there is a fault, or a note; findings alone do not fail.")
  var failOn = FailOn.never

  func run() throws {
    let inputs = try InputFiles(inputs)
    let output = try Output("-")
    if format == .json { try output.write("[") }
    var reported = 0
    var isMet = false
    try forEachFile(inputs) { file in
      let report = try Self.report(on: file)
      switch format {
      case .text: try output.write((reported > 0 ? "\n" : "") + report.text)
      case .json: try output.write((reported > 0 ? ",\n" : "\n") + report.json.description)
      }
      reported += 1
      isMet = isMet || failOn.isMet(by: report.findings)
      // A long list of recordings gives its results as they are made.
      try output.flush()
    } finish: {
      if format == .json { try output.write(reported == 0 ? "]\n" : "\n]\n") }
      try output.finish()
    }
    if isMet { throw Failure.alreadyTold }
  }

  /// Measures and judges one recording: writes nothing, and works on any thread.
  static func report(on file: InputFiles.File) throws -> CheckReport {
    CheckReport(file: file.path, measured: try RecordingCheck.measure(file.path))
  }
}
