import Foundation
import Testing

/// A bad input gets exactly one line that names it, exit status 1, and leaves nothing behind.
@Suite struct BadInputTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var name: String
    var bytes: [UInt8]?
  }

  static let cases = [
    Case(testDescription: "an empty file", name: "empty.wav", bytes: []),
    Case(testDescription: "no file", name: "missing.wav", bytes: nil),
    Case(testDescription: "a text file", name: "text.wav", bytes: Array("It was a dark and stormy night.\n".utf8)),
    Case(
      testDescription: "a header cut in its format", name: "cut.wav",
      bytes: Array(Damaged.wav(promisedFrames: 1_000, frames: 1_000).prefix(30))),
    Case(
      testDescription: "a header cut before its data", name: "cut.wav",
      bytes: Array(Damaged.wav(promisedFrames: 1_000, frames: 1_000).prefix(36))),
    Case(
      testDescription: "zero channels", name: "none.wav",
      bytes: Damaged.wav(channels: 0, promisedFrames: 100, frames: 100)),
    Case(testDescription: "0 Hz", name: "still.wav", bytes: Damaged.wav(rate: 0, promisedFrames: 100, frames: 100)),
    Case(
      testDescription: "1 Hz", name: "slow.wav", bytes: Damaged.wav(rate: 1, promisedFrames: 100, frames: 100)),
    Case(
      testDescription: "a header and no samples", name: "nothing.wav",
      bytes: Damaged.wav(promisedFrames: 0, frames: 0)),
  ]

  static let commands = [["chunk"], ["chunk", "--vad", "turns"], ["vad"], ["vad", "--format", "csv"], ["convert"]]

  @Test(arguments: cases, commands)
  func oneLineAndNothingLeft(_ bad: Case, _ command: [String]) throws {
    let folder = try TemporaryFolder()
    let path = try bad.bytes.map { try folder.write(bad.name, $0) } ?? folder.path(bad.name)
    let output = folder.path(command[0] == "convert" ? "out.wav" : "out.jsonl")
    let target = command[0] == "convert" ? [output] : command[0] == "chunk" ? ["--out", output] : []
    let outcome = try Tool.run([command[0], path] + target + command.dropFirst())
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: \(path): "), "\(outcome.errors)")
    #expect(outcome.errors.hasSuffix("\n") && outcome.errors.dropLast().allSatisfy { $0 != "\n" }, "\(outcome.errors)")
    #expect(try folder.contents == (bad.bytes == nil ? [] : [bad.name]))
  }

  @Test func aFolderWithoutAudio() throws {
    let folder = try TemporaryFolder()
    for command in ["chunk", "vad"] {
      let outcome = try Tool.run(command, folder.url.path)
      #expect(outcome.status == 1)
      #expect(outcome.errors == "utter: \(folder.url.path): the folder holds no audio files\n")
      #expect(outcome.output.isEmpty)
    }
    let outcome = try Tool.run("convert", folder.url.path, folder.path("out.wav"))
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: \(folder.url.path): "))
    #expect(outcome.errorLines.count == 2)
    #expect(try folder.contents.isEmpty)
  }

  @Test func oneBadFileDoesNotStopTheOthers() throws {
    let folder = try TemporaryFolder()
    let bad = try folder.write("bad.wav", Array("no audio".utf8))
    let outcome = try Tool.run("vad", bad, Tool.speech, "--format", "csv")
    #expect(outcome.status == 1)
    #expect(outcome.lines.count > 3)
    #expect(outcome.errors.contains("utter: \(bad): "))
    #expect(outcome.errors.contains("1 of 2 files failed"))
  }

  @Test func aTruncatedFileIsProcessedWithAWarning() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("cut.wav", Damaged.wav(promisedFrames: 16_000, frames: 9_000))
    let outcome = try Tool.run("chunk", path, "--dialect", "pcm", "--rate", "16000", "--quiet")
    #expect(outcome.status == 0)
    #expect(try ChunkCommandTests.audio(outcome.lines).count == 9_000 * 2)
    #expect(outcome.errorLines.count == 2)
    #expect(outcome.errors.contains("16000") && outcome.errors.contains("9000"))
    let strict = try Tool.run("convert", path, folder.path("out.wav"), "--strict")
    #expect(strict.status == 1)
    #expect(strict.errors.contains("16000") && strict.errors.contains("9000"))
    #expect(try folder.contents == ["cut.wav"])
  }

  @Test(arguments: [
    ["chunk", "IN"], ["chunk", "IN", "--out", "/dev/full"], ["vad", "IN"], ["vad", "IN", "--scores", "/dev/full"],
    ["convert", "IN", "/dev/full"],
  ])
  func aFullDiskIsAnError(arguments: [String]) throws {
    let command = arguments.map { $0 == "IN" ? "'\(Tool.audio("mono-22k05.caf"))'" : $0 }.joined(separator: " ")
    let outcome = try Tool.shell("\"$UTTER\" \(command) > /dev/full")
    #expect(outcome.status == 1)
    let complaints = outcome.errorLines.filter { $0.hasPrefix("utter: ") }
    #expect(complaints.count == 1, "\(outcome.errors)")
    #expect(complaints.first?.contains("No space left on device") == true)
  }

  @Test func aReaderThatLeavesEndsItQuietly() throws {
    let outcome = try Tool.shell("\"$UTTER\" chunk '\(Tool.speech)' | head -n 1; echo ${PIPESTATUS[0]}")
    #expect(outcome.lines.count == 2)
    #expect(outcome.lines[0].hasPrefix("{\"type\""))
    #expect(outcome.lines[1] == "0")
    #expect(outcome.errors.isEmpty)
  }

  @Test func misuseIsToldApart() throws {
    for arguments in [
      ["chunk"], ["chunk", Tool.speech, "--chunk-ms", "5"], ["chunk", Tool.speech, "--dialect", "morse"],
      ["convert", Tool.speech], ["convert", Tool.speech, "a.wav", "--rate", "3999"], ["vad", "--nonsense"], ["sing"],
      ["convert", Tool.speech, "a.wav", "--encoding", "float32", "--dither"],
      ["chunk", Tool.speech, "--prefix-ms", "20"],
      ["vad", Tool.speech, "--max-segment-s=inf"], ["vad", Tool.speech, "--max-segment-s=nan"],
      ["vad", Tool.speech, "--max-segment-s=1e300"], ["vad", Tool.speech, "--threshold=nan"],
      ["vad", Tool.speech, "--hangover-ms", "99999999999"],
      ["chunk", Tool.speech, "--chunk-ms", "9223372036854775807"],
    ] {
      let outcome = try Tool.run(arguments)
      #expect(outcome.status == 64, "\(arguments)")
      #expect(outcome.output.isEmpty)
      #expect(!outcome.errors.isEmpty)
    }
  }

  @Test func anUnknownBackendIsAnError() throws {
    let outcome = try Tool.run(["vad", Tool.speech], environment: ["UTTER_BACKEND": "abacus"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("utter: UTTER_BACKEND: no backend 'abacus'"))
    #expect(outcome.errorLines.count == 2)
  }

  @Test(.timeLimit(.minutes(10)), arguments: [SIGINT, SIGTERM])
  func anInterruptionLeavesNothing(signal: Int32) throws {
    let folder = try TemporaryFolder()
    try #require(mkfifo(folder.path("never"), 0o600) == 0)
    let process = Process()
    process.executableURL = Tool.url
    process.arguments = ["convert", folder.path("never"), folder.path("out.wav")]
    process.standardError = FileHandle.nullDevice
    try process.run()
    // Opening waits for the tool to open the other end; it then waits for an end of the file that never comes.
    let writer = try FileHandle(forWritingTo: folder.url.appending(path: "never"))
    try writer.write(contentsOf: Data(Damaged.wav(promisedFrames: 1_000, frames: 10)))
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    try writer.close()
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(process.terminationStatus == signal)
    #expect(try folder.contents == ["never"])
  }

  @Test(arguments: [
    ["vad", "--threshold", "-1"], ["chunk", "--chunk-ms", "-5"], ["vad", "--hangover-ms", "-1"],
    ["vad", "--max-segment-s", "-0.5"],
  ])
  func aNegativeNumberIsOutOfRange(arguments: [String]) throws {
    let outcome = try Tool.run(arguments + [Tool.speech])
    #expect(outcome.status == 64)
    #expect(outcome.errors.hasPrefix("Error: \(arguments[1]) -") && outcome.errors.contains(" is outside of "))
  }
}
