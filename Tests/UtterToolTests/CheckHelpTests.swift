import Foundation
import Testing

/// What `check` says would help, and whether it does.
@Suite struct CheckHelpTests {
  struct Report: Decodable {
    struct Finding: Decodable {
      var kind: String
      var helps: [String]
    }

    var findings: [Finding]
    var command: String?

    func helps(_ kind: String) throws -> [String] { try #require(findings.first { $0.kind == kind }).helps }
  }

  private static func report(_ file: String) throws -> Report {
    let outcome = try Tool.run("check", "-q", "--format", "json", file)
    #expect(outcome.status == 0)
    return try #require(try JSONDecoder().decode([Report].self, from: outcome.output).first)
  }

  private static let helps: [String: [[String]]] = [
    "clipping": [["--clean declip,limit"]], "dc-offset": [["--clean dc"]],
    "dead-channel": [["--channel auto", "--channel 0"], ["--channel auto", "--channel 1"]],
    "duplicate-channel": [["--channel auto", "--channel 0"]],
    "inverted-channel": [["--channel auto", "--channel 0"]],
    "delayed-channel": [["--channel 0"], ["--channel 1"]], "quiet-channel": [["--channel 0"]],
    "hum": [["--clean hum=50"], ["--clean hum=60"]], "dropouts": [[]], "repeats": [[]],
    "too-quiet": [["--clean dc,loudness"]], "noise": [["--clean full"]],
  ]

  /// What is gone when the command has done its work; clipping that is mended leaves traces, and noise that is lowered
  /// may still be noise.
  private static let mended: Set<String> = [
    "dc-offset", "dead-channel", "duplicate-channel", "inverted-channel", "delayed-channel", "quiet-channel", "hum",
    "too-quiet",
  ]

  /// One of each kind: what is known of others is in ``CheckCommandTests``.
  private static let variants = CheckCommandTests.variants.filter { variant in
    ![
      "clipped, then turned down", "clipped, then turned up", "at full scale, not clipped", "a small offset",
      "a channel 20 ms late", "held packets",
    ]
    .contains(variant.testDescription)
  }

  @Test(arguments: variants)
  func whatHelpsIsNamedAndHelps(_ variant: CheckCommandTests.Variant) throws {
    let folder = try TemporaryFolder()
    // A name that a shell would take apart.
    let path = folder.path("it's a variant.wav")
    try CheckCommandTests.write(variant.make(try CheckCommandTests.speech()), to: path)
    let report = try Self.report(path)
    let text = try Tool.run("check", path).lines
    guard let kind = variant.kinds.first else {
      #expect(report.command == nil && !text.contains { $0.contains("all that helps") })
      return
    }
    let helps = try report.helps(kind)
    #expect(try #require(Self.helps[kind]).contains(helps))
    if kind == "hum" { #expect(helps == ["--clean hum=\(variant.testDescription.contains("50") ? 50 : 60)"]) }
    guard !helps.isEmpty else {
      #expect(report.command == nil && !text.contains { $0.contains("elps") })
      return
    }
    let command = try #require(report.command)
    #expect(text.last == "  all that helps: \(command)")
    #expect(text.contains("    Helps here: \(helps.joined(separator: ", or "))"))
    #expect(command.hasPrefix("utter convert '") && command.hasSuffix(" --rate 48000 \(helps[0])"))
    let outcome = try Tool.shell("\"$UTTER\"" + command.dropFirst("utter".count))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.contents == ["it's a variant.cleaned.wav", "it's a variant.wav"])
    if Self.mended.contains(kind) {
      let left = try Self.report(folder.path("it's a variant.cleaned.wav"))
      #expect(!left.findings.contains { $0.kind == kind })
    }
  }

  @Test func severalFindingsMakeOneCommand() throws {
    let folder = try TemporaryFolder()
    let speech = try CheckCommandTests.speech()
    let spoilt = CheckCommandTests.hum(speech, 60).map { $0 * 0.03 + 0.003 }
    try CheckCommandTests.write([spoilt, spoilt.map { -$0 }], to: folder.path("a.wav"))
    let report = try Self.report(folder.path("a.wav"))
    let kinds = Set(report.findings.map(\.kind))
    #expect(kinds.isSuperset(of: ["hum", "dc-offset", "inverted-channel", "too-quiet"]), "\(kinds)")
    #expect(report.command?.hasSuffix("a.cleaned.wav --rate 48000 --channel auto --clean dc,hum=60,loudness") == true)
    #expect(try Tool.shell("\"$UTTER\"" + (report.command ?? "utter").dropFirst(5)).status == 0)
    #expect(try Self.report(folder.path("a.cleaned.wav")).findings.isEmpty)
  }

  @Test func levelsThatDifferAskForGainControlAndPipesToo() throws {
    let steps = try Self.report(Tool.audio("level-steps-16k.flac"))
    #expect(try steps.helps("level-steps") == ["--clean agc"])
    #expect(steps.command?.hasSuffix(".cleaned.wav --rate 16000 --clean agc") == true)
    // A loudness needs a second look, which a pipe does not have.
    let folder = try TemporaryFolder()
    try CheckCommandTests.write([try CheckCommandTests.speech().map { $0 * 0.06 }], to: folder.path("quiet.wav"))
    #expect(try Self.report(folder.path("quiet.wav")).helps("too-quiet") == ["--clean dc,loudness", "--clean agc"])
    let piped = try Tool.shell("cat '\(folder.path("quiet.wav"))' | $UTTER check - ")
    #expect(piped.lines.last == "  all that helps: utter convert - cleaned.wav --rate 48000 --clean dc,agc")
  }

  private static func rawSpeech(raisedBy decibels: Float) throws -> [UInt8] {
    let factor = pow(10, decibels / 20)
    return try CheckCommandTests.speech().flatMap { sample in
      let bits = (sample * factor).bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }
  }

  @Test func theCommandSaysWhatBareSamplesAre() throws {
    let folder = try TemporaryFolder()
    let bytes = try Self.rawSpeech(raisedBy: -20)
    // A name that passes for an option.
    for (name, format, told) in [
      ("n.raw", "f32le,48000", "f32le,48000"), ("-n.raw", "f32le,48000,1", "f32le,48000"),
      ("s.raw", "f32le,24000,2", "f32le,24000,2"),
    ] {
      _ = try folder.write(name, bytes)
      let start = "cd '\(folder.path("."))' && "
      let outcome = try Tool.shell("\(start)$UTTER check -q --raw \(format) -- \(name)")
      let command = try #require(outcome.lines.last?.components(separatedBy: "all that helps: ").last)
      #expect(command.contains(" --raw \(told) "), "\(command)")
      let run = try Tool.shell(start + "$UTTER" + command.dropFirst("utter".count))
      #expect(run.status == 0, "\(run.errors)")
      let output = name.replacingOccurrences(of: ".raw", with: ".cleaned.wav")
      #expect(try Self.report(folder.path(output)).findings.allSatisfy { $0.kind != "too-quiet" })
    }
  }

  /// Gain control raises by 30 dB at the most, and below -70 LUFS there is no loudness: what cannot help is not named.
  @Test func whatIsTooQuietForAPartIsNotSentThere() throws {
    let folder = try TemporaryFolder()
    for (decibels, helps) in [(Float(-40), ["--clean dc,loudness"]), (-46, ["--clean dc,loudness"]), (-55, [])] {
      let path = try folder.write("quiet.raw", try Self.rawSpeech(raisedBy: decibels))
      let file = try Tool.run("check", "-q", "--raw", "f32le,48000", path)
      let words = file.text
      #expect(words.contains("too-quiet") && words.contains("Raise the input's gain by "))
      #expect(words.contains("agc raises by 30 dB at the most") == !helps.isEmpty)
      #expect(words.contains("cannot be measured") == helps.isEmpty)
      #expect(file.lines.contains("    Helps here: \(helps.first ?? "")") == !helps.isEmpty)
      #expect(words.contains("all that helps: ") == !helps.isEmpty)
      // There is nothing for a pipe.
      let pipe = try Tool.shell("cat '\(path)' | $UTTER check -q --raw f32le,48000 -")
      #expect(pipe.text.contains("too-quiet") && !pipe.text.contains("all that helps: "))
    }
  }
}
