import Foundation
import Testing

/// Outputs never destroy an input or one another, and go where they were told to.
@Suite struct OutputPlaceTests {
  @Test(arguments: [
    ["chunk", "a.caf", "--out", "a.caf"], ["chunk", "a.caf", "--out", "link.caf"],
    ["chunk", "a.caf", "--out", "x.jsonl", "--manifest", "x.jsonl"],
    ["chunk", "a.caf", "--out", "x.jsonl", "--manifest", "./x.jsonl"], ["chunk", "a.caf", "--manifest", "a.caf"],
    ["chunk", "a.caf", "--manifest", "-"], ["vad", "a.caf", "--scores", "a.caf"],
    ["vad", "a.caf", "--scores", "x.csv", "--features", "x.csv"], ["vad", "a.caf", "--scores", "-"],
    ["convert", "a.caf", "a.caf"], ["convert", "a.caf", "link.caf"],
    ["vad", "a.caf", "--scores", "x.csv", "--features", "folder/x.csv"],
  ])
  func oneFileIsOneThing(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let original = try Data(contentsOf: URL(filePath: Tool.audio("mono-22k05.caf")))
    _ = try folder.write("a.caf", Array(original))
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.caf"), withDestinationPath: "a.caf")
    try FileManager.default.createSymbolicLink(atPath: folder.path("folder"), withDestinationPath: ".")
    let outcome = try Tool.shell(
      "cd '\(folder.url.path)' && \"$UTTER\" " + arguments.map { "'\($0)'" }.joined(separator: " "))
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("already"))
    #expect(try Data(contentsOf: URL(filePath: folder.path("a.caf"))) == original)
    #expect(try folder.contents == ["a.caf", "folder", "link.caf"])
  }

  @Test func aClosedStreamIsNotTakenForAFile() throws {
    let folder = try TemporaryFolder()
    let speech = Tool.audio("mono-22k05.caf")
    let closed = try Tool.shell("cd '\(folder.url.path)' && \"$UTTER\" chunk '\(speech)' --manifest m.jsonl >&-")
    #expect(closed.status == 1)
    #expect(closed.errorLines.filter { $0.hasPrefix("utter: standard output: cannot write") }.count == 1)
    #expect(try folder.contents.isEmpty)

    let silent = try Tool.shell(
      "cd '\(folder.url.path)' && \"$UTTER\" chunk '\(speech)' --manifest m.jsonl -o o.jsonl 2>&-")
    #expect(silent.status == 0)
    let manifest = try Data(contentsOf: URL(filePath: folder.path("m.jsonl")))
    #expect(try JSONSerialization.jsonObject(with: manifest) is [String: Any])
  }

  @Test(arguments: ["convert IN -", "chunk IN -o PIPE", "vad IN IN IN IN --format json", "convert IN PIPE"])
  func whoLeavesEndsItQuietly(command: String) throws {
    let folder = try TemporaryFolder()
    let speech = "'\(Tool.speech)'"
    let line = command.replacingOccurrences(of: "IN", with: speech)
      .replacingOccurrences(of: "PIPE", with: "'\(folder.path("p.wav"))'")
    let outcome = try Tool.shell(
      line.contains("p.wav")
        ? "mkfifo '\(folder.path("p.wav"))'; head -c 10 '\(folder.path("p.wav"))' >/dev/null & \"$UTTER\" \(line); echo $?"
        : "\"$UTTER\" \(line) | true; echo ${PIPESTATUS[0]}")
    #expect(outcome.lines.last == "0")
    #expect(!outcome.errors.contains("Broken pipe"))
  }

  @Test(.timeLimit(.minutes(10)))
  func whoLeavesEndsItThoughAnInputIsSilent() throws {
    let folder = try TemporaryFolder()
    // Somebody has the pipe open for writing, and never writes.
    let outcome = try Tool.shell(
      "cd '\(folder.url.path)' && mkfifo never && exec sleep 100 >never & writer=$!; cd '\(folder.url.path)'; "
        + "until [ -p never ]; do :; done; \"$UTTER\" vad '\(Tool.speech)' never >/dev/full; echo $?; "
        // With a signal that nobody can have blocked.
        + "kill -KILL $writer")
    #expect(outcome.lines.first == "1")
    #expect(outcome.errors.contains("standard output: cannot write"))
  }

  @Test func namesThatBreakLinesDoNot() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a\nb\u{1B}[31m.wav", Damaged.wav(promisedFrames: 900, frames: 800))
    for arguments in [["chunk", path, "-o", folder.path("x")], ["vad", path], ["chunk", path, "--channel", "9"]] {
      let outcome = try Tool.run(arguments)
      #expect(!outcome.errors.contains("\u{1B}") && !outcome.text.contains("\u{1B}"))
      for line in outcome.errorLines.dropLast() { #expect(line.contains("wav"), "\(line)") }
    }
  }

  @Test func aFolderIsWalkedForItsFiles() throws {
    let folder = try TemporaryFolder()
    let speech = Array(try Data(contentsOf: URL(filePath: Tool.audio("mono-22k05.caf"))))
    _ = try folder.write("in/sub/b.CAF", speech)
    _ = try folder.write("in/a.caf", speech)
    _ = try folder.write("in/.hidden/c.caf", speech)
    _ = try folder.write("in/notes.txt", [65])
    try FileManager.default.createDirectory(atPath: folder.path("in/folder.wav"), withIntermediateDirectories: true)
    try #require(mkfifo(folder.path("in/pipe.wav"), 0o600) == 0)
    try FileManager.default.createSymbolicLink(atPath: folder.path("in/d.caf"), withDestinationPath: "a.caf")
    try FileManager.default.createSymbolicLink(atPath: folder.path("in/loop"), withDestinationPath: "..")
    try FileManager.default.createSymbolicLink(atPath: folder.path("root"), withDestinationPath: "in")
    for root in ["in", "root"] {
      let outcome = try Tool.run("chunk", folder.path(root), "--out", folder.path("out-\(root)"), "-q")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let made = try FileManager.default.subpathsOfDirectory(atPath: folder.path("out-\(root)")).sorted()
      #expect(made == ["a.caf.jsonl", "d.caf.jsonl", "sub", "sub/b.CAF.jsonl"])
    }
  }

  @Test func aBadInputLeavesNoFolder() throws {
    let folder = try TemporaryFolder()
    #expect(try Tool.run("vad", folder.path("missing.wav"), "--scores", folder.path("new/")).status == 1)
    #expect(try Tool.run("chunk", folder.path("missing.wav"), "--out", folder.path("new/")).status == 1)
    #expect(try folder.contents.isEmpty)
  }

  @Test func whatHasNoPlaceIsOneLine() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("chunk", Tool.speech, "--manifest", folder.path("no/such/m.jsonl"))
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: \(folder.path("no/such/m.jsonl")): "))
    #expect(outcome.errorLines.count == 2)
  }
}
