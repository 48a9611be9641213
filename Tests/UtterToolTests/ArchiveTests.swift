import AudioTestSupport
import Foundation
import Testing

/// Many recordings at once: whatever thread does what, the outcome is that of one after the other.
@Suite struct ArchiveTests {
  /// A folder with recordings of several formats, in subfolders, of which some are broken.
  ///
  /// - Returns: The names of the broken ones, in the order of the walk.
  private func fill(_ folder: TemporaryFolder, seed: UInt64) throws -> [String] {
    var generator = SeededGenerator(seed: seed)
    let sources = ["mono-22k05.caf", "mono-44k1.mp3", "mono-48k.opus", "noisy-3dB-16k.flac", "telephone-mulaw-8k.wav"]
    var broken: [String] = []
    for i in 0..<40 {
      let source = sources.randomElement(using: &generator)!
      let name =
        "\(i % 3 == 0 ? "b/c/" : i % 3 == 1 ? "a/" : "")\(String(format: "%03d", i)).\(source.split(separator: ".")[1])"
      var bytes = Array(try Data(contentsOf: URL(filePath: Tool.audio(source))))
      if i.isMultiple(of: 7) {
        bytes = [[], Array("this is no recording".utf8), Array(bytes.prefix(30))].randomElement(using: &generator)!
        broken.append(name)
      }
      _ = try folder.write("in/" + name, bytes)
    }
    return broken.sorted()
  }

  /// Every file below a folder, with its content.
  private func content(of path: String) throws -> [String: Data] {
    var content: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      var isFolder: ObjCBool = false
      let full = path + "/" + name
      if FileManager.default.fileExists(atPath: full, isDirectory: &isFolder), !isFolder.boolValue {
        content[name] = try Data(contentsOf: URL(filePath: full))
      }
    }
    return content
  }

  private func failures(_ outcome: Tool.Outcome, in folder: TemporaryFolder) -> [String] {
    let start = "utter: \(folder.path("in"))/"
    return outcome.errorLines.filter { $0.hasPrefix(start) }.map { line in
      String(line.dropFirst(start.count).prefix { $0 != ":" })
    }
  }

  @Test(arguments: [["vad", "IN", "--format", "csv"], ["chunk", "IN", "--out", "OUT"], ["convert", "IN", "OUT"]])
  func anyNumberOfJobsGivesTheSame(command: [String]) throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    let folder = try TemporaryFolder()
    let broken = try fill(folder, seed: seed)
    var outcomes: [(text: String, files: [String: Data])] = []
    for jobs in ["1", "2", "13"] {
      let out = folder.path("out-\(jobs)")
      let arguments = command.map { $0 == "IN" ? folder.path("in") : $0 == "OUT" ? out + "/" : $0 }
      let outcome = try Tool.run(arguments + ["--jobs", jobs])
      #expect(outcome.status == 1)
      #expect(failures(outcome, in: folder) == broken)
      #expect(outcome.errors.hasSuffix("utter: \(broken.count) of 40 files failed\n"))
      outcomes.append((outcome.text, command.contains("OUT") ? try content(of: out) : [:]))
    }
    #expect(outcomes[0].text == outcomes[1].text && outcomes[0].text == outcomes[2].text)
    #expect(outcomes[0].files == outcomes[1].files && outcomes[0].files == outcomes[2].files)
    if command.contains("OUT") { #expect(outcomes[0].files.count == 40 - broken.count) }
  }

  @Test func interruptedAndGoneOnWithIsTheSame() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    let folder = try TemporaryFolder()
    _ = try fill(folder, seed: seed)
    func run(_ out: String, _ more: String...) throws -> Tool.Outcome {
      try Tool.run(["chunk", folder.path("in"), "--out", out, "--manifest", out + "-manifests/"] + more)
    }
    _ = try run(folder.path("whole"))
    // What an interruption leaves: some outputs, one of them without its manifest.
    _ = try run(folder.path("part"))
    var generator = SeededGenerator(seed: seed)
    var removed = 0
    for name in try content(of: folder.path("part")).keys.sorted() where Bool.random(using: &generator) {
      try FileManager.default.removeItem(atPath: folder.path("part/" + name))
      removed += 1
    }
    let left = try content(of: folder.path("part")).keys.sorted()
    if let name = left.first {
      let manifest = name.replacingOccurrences(of: ".jsonl", with: ".manifest.jsonl")
      try FileManager.default.removeItem(atPath: folder.path("part-manifests/" + manifest))
    }
    let outcome = try run(folder.path("part"), "--skip-existing")
    #expect(outcome.errors.contains(", \(left.count - 1) more were there already\n"))
    #expect(try content(of: folder.path("part")) == content(of: folder.path("whole")))
    #expect(try content(of: folder.path("part-manifests")) == content(of: folder.path("whole-manifests")))
  }

  @Test func whatWouldBeMissingCannotBePassedOver() throws {
    let folder = try TemporaryFolder()
    _ = try fill(folder, seed: 1)
    for arguments in [
      ["chunk", Tool.speech], ["chunk", folder.path("in"), "--out", folder.path("o/"), "--manifest", folder.path("m")],
      ["convert", Tool.speech, "-"],
    ] {
      let outcome = try Tool.run(arguments + ["--skip-existing"])
      #expect(outcome.status == 64)
      #expect(outcome.errors.hasPrefix("Error: --skip-existing needs "))
      #expect(outcome.output.isEmpty)
    }
    #expect(try folder.contents == ["in"])
  }

  @Test func aSingleOutputThatIsThereStays() throws {
    let folder = try TemporaryFolder()
    let (path, manifest) = (folder.path("a"), folder.path("m"))
    for arguments in [
      ["chunk", Tool.speech, "--out", path, "--manifest", manifest], ["vad", Tool.speech, "--out", path],
      ["convert", Tool.speech, path, "--container", "wav"],
    ] {
      for file in [path, manifest] { try Data("as it was".utf8).write(to: URL(filePath: file)) }
      #expect(try Tool.run(arguments + ["--skip-existing"]).status == 0)
      for file in [path, manifest] { #expect(try String(contentsOfFile: file, encoding: .utf8) == "as it was") }
    }
  }

  @Test func killedAtAnyMomentNothingIsHalfWritten() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    _ = try fill(folder, seed: seed)
    let arguments = ["convert", folder.path("in"), folder.path("whole/"), "-q"]
    let start = ContinuousClock.now
    _ = try Tool.run(arguments)
    let duration = ContinuousClock.now - start
    let whole = try content(of: folder.path("whole"))
    for signal in [SIGKILL, SIGINT, SIGTERM, SIGKILL, SIGINT] {
      let process = Process()
      process.executableURL = Tool.url
      process.arguments =
        arguments.map { $0 == folder.path("whole/") ? folder.path("part/") : $0 } + ["--skip-existing"]
      process.standardError = FileHandle.nullDevice
      try process.run()
      // A moment of the run; whether it is over by then does not matter.
      usleep(UInt32(duration / .microseconds(1) * .random(in: 0...0.6, using: &generator)))
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      for (name, data) in (try? content(of: folder.path("part"))) ?? [:] where !name.contains("/.utter-") {
        #expect(data == whole[name], "\(name) is half-written")
      }
    }
    _ = try Tool.run(arguments.map { $0 == folder.path("whole/") ? folder.path("part/") : $0 } + ["--skip-existing"])
    #expect(try content(of: folder.path("part")) == whole)
  }

  @Test func foldersInWhichNothingCameGoAway() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("in/a/broken.wav", Array("RIFF".utf8))
    #expect(try Tool.run("convert", folder.path("in"), folder.path("out/deep")).status == 1)
    #expect(try folder.contents == ["in"])
    #expect(try Tool.run("chunk", path, "--out", folder.path("out/")).status == 1)
    #expect(try folder.contents == ["in"])
  }

  @Test func otherFilesAreToldOf() throws {
    let folder = try TemporaryFolder()
    for name in ["a.txt", "b.TXT", "c", ".hidden.txt", "d.wav"] {
      _ = try folder.write("in/" + name, name == "d.wav" ? Damaged.wav(promisedFrames: 800, frames: 800) : [1])
    }
    let outcome = try Tool.run("vad", folder.path("in"))
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("passed over 3 files "))
    #expect(outcome.errors.contains(": 2 .txt, 1 without extension\n"))
    #expect(try Tool.run("vad", folder.path("in"), "-q").errors.isEmpty)
  }

  @Test func whatCannotBeOpenedInAFolderIsToldOf() throws {
    let folder = try TemporaryFolder()
    let wave = Damaged.wav(promisedFrames: 800, frames: 800)
    for name in ["in/a.wav", "other/b.wav"] { _ = try folder.write(name, wave) }
    try FileManager.default.createSymbolicLink(atPath: folder.path("in/link"), withDestinationPath: "../other")
    try FileManager.default.createSymbolicLink(atPath: folder.path("in/none.wav"), withDestinationPath: "nowhere")
    let outcome = try Tool.shell(
      "printf x > '\(folder.path("in"))'/$'\\xff.wav'; \"$UTTER\" vad '\(folder.path("in"))' --format csv")
    #expect(outcome.status == 0)
    for part in ["1 links to folders", "1 links that lead nowhere", "1 with names that are not UTF-8"] {
      #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
  }

  @Test func aFolderThatCannotBeReadDoesNotStopTheOthers() throws {
    let folder = try TemporaryFolder()
    for name in ["in/a.wav", "in/closed/b.wav"] {
      _ = try folder.write(name, Damaged.wav(promisedFrames: 800, frames: 800))
    }
    try #require(chmod(folder.path("in/closed"), 0) == 0)
    defer { chmod(folder.path("in/closed"), 0o700) }
    // Root may read everything.
    if getuid() == 0 { return print("Left out: a folder that cannot be read, because root can.") }
    let outcome = try Tool.run("convert", folder.path("in"), folder.path("out"))
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("utter: \(folder.path("in/closed")): cannot read the folder: "))
    #expect(try folder.contents == ["in", "out"])
  }

  @Test func aNameThatLooksLikeAnOption() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("-h.wav", Damaged.wav(promisedFrames: 800, frames: 800))
    let outcome = try Tool.shell("cd '\(folder.url.path)' && \"$UTTER\" vad -h.wav --format csv")
    #expect(outcome.status == 0)
    #expect(outcome.text.hasPrefix("start_s,"))
  }

  @Test func oneReadOfStandardInput() throws {
    let outcome = try Tool.run("vad", "-", "-")
    #expect(outcome.status == 64)
    #expect(outcome.errors.hasPrefix("Error: standard input can be read once only\nUsage: utter vad "))
  }

  @Test func eventsStayBelowALimit() throws {
    for (limit, most) in [("4000", 4000), ("2KiB", 2048), ("15MiB", 15 << 20)] {
      let outcome = try Tool.run("chunk", Tool.speech, "--max-bytes", limit)
      #expect(outcome.status == 0)
      // With their lines' ends; the longest ones use the room there is: a millisecond more would not fit.
      let longest = outcome.lines.map { $0.utf8.count + 1 }.max() ?? 0
      #expect(longest <= most)
      if most < 1 << 20 { #expect(longest > most - 70) }
    }
    let tooLittle = try Tool.run("chunk", Tool.speech, "--max-bytes", "100")
    #expect(tooLittle.status == 64)
    #expect(tooLittle.errors.hasPrefix("Error: --max-bytes 100 is too little: an event of 10 ms has "))
    for text in ["0", "-1", "1.5.2MB", "MB", "12 MB", "1e9"] {
      #expect(try Tool.run("chunk", Tool.speech, "--max-bytes=\(text)").status == 64)
    }
  }

  @Test func helpIsNotLostOnAFullDisk() throws {
    for arguments in ["--help", "help convert", "vad --help", "--version"] {
      #expect(try Tool.shell("\"$UTTER\" \(arguments) > /dev/full; echo $?").lines == ["1"])
      #expect(try Tool.shell("\"$UTTER\" \(arguments) | true; echo ${PIPESTATUS[0]}").lines == ["0"])
      #expect(try Tool.shell("\"$UTTER\" \(arguments) > /dev/null; echo $?").lines == ["0"])
    }
  }

  @Test("Who starts the tool may ignore the ends of its children")
  func ignoredChildren() throws {
    let folder = try TemporaryFolder()
    let made = try Tool.shell(
      "env --ignore-signal=CHLD true && ffmpeg -v error -i '\(Tool.speech)' -c:a aac '\(folder.path("a.m4a"))'")
    guard made.status == 0 else {
      print("left out: an ignored SIGCHLD, for there is no ffmpeg or no env that ignores signals")
      return
    }
    let outcome = try Tool.shell("exec env --ignore-signal=CHLD \"$UTTER\" vad '\(folder.path("a.m4a"))'")
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
