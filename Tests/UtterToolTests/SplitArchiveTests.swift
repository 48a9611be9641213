import AudioTestSupport
import Foundation
import Testing

/// `split` over many recordings: what an earlier run left, what fails, and what must not be touched.
@Suite struct SplitArchiveTests {
  private static let sources = [
    "mono-22k05.caf", "mono-44k1.mp3", "speech.wav", "silence-48k.flac", "telephone-alaw-8k.au",
  ]

  /// A folder with recordings in subfolders, of which two are broken where that is asked for.
  private func fill(_ folder: TemporaryFolder, isBroken: Bool = false) throws {
    for i in 0..<10 {
      let source = Self.sources[i % Self.sources.count]
      let name = "in/\(i % 2 == 0 ? "a/b/" : "")\(i).\(source.split(separator: ".").last!)"
      _ = try folder.write(name, Array(try Data(contentsOf: URL(filePath: Tool.audio(source)))))
    }
    if isBroken {
      _ = try folder.write("in/broken.wav", Array("no recording".utf8))
      _ = try folder.write("in/a/cut.wav", Damaged.wav(promisedFrames: 16_000, frames: 9_000))
    }
  }

  private func split(_ folder: TemporaryFolder, _ out: String, _ options: String...) throws -> Tool.Outcome {
    try Tool.run(
      [
        "split", folder.path("in"), "--out-dir", folder.path(out), "--detector", "energy", "--max-segment-s", "1",
        "--rate", "11025",
      ] + options)
  }

  @Test func anyNumberOfJobsGivesTheSame() throws {
    let folder = try TemporaryFolder()
    try fill(folder, isBroken: true)
    var all: [[String: Data]] = []
    for jobs in ["1", "5"] {
      let outcome = try split(folder, "out-\(jobs)", "--jobs", jobs, "--strict")
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errorLines.filter { $0.hasPrefix("utter: ") }.count == 3, "\(outcome.errors)")
      #expect(outcome.errors.hasSuffix("utter: 2 of 12 files failed\n"))
      all.append(try SplitOutput(folder.path("out-\(jobs)")).files)
    }
    #expect(all[0] == all[1])
    // The lines of all that did not fail, in the order of the walk.
    let names = all[0].keys.filter { $0.hasSuffix(".segments.jsonl") }.sorted()
    #expect(names.count == 10)
    #expect(names.reduce(into: Data()) { $0 += all[0][$1]! } == all[0]["manifest.jsonl"])
    #expect(!all[0].keys.contains { $0.contains("cut.wav") || $0.contains("broken.wav") })
    let lines = try SplitOutput(folder.path("out-1")).lines()
    #expect(lines.count > 30)
    #expect(Set(lines.map(\.file)).count == lines.count)
    for line in lines { #expect(all[0][line.file]?.count == line["bytes"]) }
  }

  @Test func interruptedAndGoneOnWithIsTheSame() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    try fill(folder)
    try #require(try split(folder, "whole").status == 0)
    try #require(try split(folder, "part").status == 0)
    let whole = try SplitOutput(folder.path("whole")).files
    var undone: Set<String> = []
    var damaged: Set<String> = []
    for (name, data) in whole.sorted(by: { $0.key < $1.key }) where name != "manifest.jsonl" {
      guard Int.random(in: 0..<6, using: &generator) == 0 else { continue }
      let recording = name.hasSuffix(".segments.jsonl") ? String(name.dropLast(15)) : String(name.dropLast(9))
      undone.insert(recording)
      let isManifest = name.hasSuffix(".segments.jsonl")
      if Bool.random(using: &generator), !data.isEmpty {
        // Damage that shows.
        try data.dropLast().write(to: URL(filePath: folder.path("part/" + name)))
        damaged.insert(recording)
      } else {
        try FileManager.default.removeItem(atPath: folder.path("part/" + name))
        if !isManifest { damaged.insert(recording) }
      }
    }
    // What has no manifest was not begun as far as anybody knows.
    damaged = damaged.filter {
      FileManager.default.fileExists(atPath: folder.path("part/" + $0 + ".segments.jsonl"))
    }
    try FileManager.default.removeItem(atPath: folder.path("part/manifest.jsonl"))
    let outcome = try split(folder, "part", "--skip-existing")
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.contains(", \(10 - undone.count) more were there already\n") || undone.count == 10,
      "\(outcome.errors)")
    let warned = outcome.errorLines.filter { $0.contains(": done anew: ") }
    #expect(warned.count == damaged.count, "\(outcome.errors)")
    for name in damaged { #expect(warned.contains { $0.contains("/in/\(name): ") }, "\(name): \(outcome.errors)") }
    #expect(try SplitOutput(folder.path("part")).files == whole)
  }

  @Test func killedAtAnyMomentFilesAreWhole() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    try fill(folder)
    let start = ContinuousClock.now
    try #require(try split(folder, "whole", "-q").status == 0)
    let duration = ContinuousClock.now - start
    let whole = try SplitOutput(folder.path("whole")).files
    for signal in [SIGINT, SIGKILL, SIGTERM, SIGINT] {
      let process = Process()
      process.executableURL = Tool.url
      process.arguments = [
        "split", folder.path("in"), "--out-dir", folder.path("part"), "--detector", "energy", "--max-segment-s", "1",
        "--rate", "11025", "--skip-existing", "-q",
      ]
      process.standardError = FileHandle.nullDevice
      try process.run()
      // A moment of the run; whether it is over by then does not matter.
      usleep(UInt32(duration / .microseconds(1) * .random(in: 0...0.7, using: &generator)))
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      let part = try SplitOutput(folder.path("part")).files
      for (name, data) in part where !name.contains(".utter-") { #expect(data == whole[name], "\(name)") }
    }
    #expect(try split(folder, "part", "--skip-existing").status == 0)
    #expect(try SplitOutput(folder.path("part")).files == whole)
  }

  @Test func anEarlierRunsPiecesGoAndNothingElse() throws {
    let folder = try TemporaryFolder()
    let name = "speech.wav"
    func run(_ options: String...) throws -> Tool.Outcome {
      try Tool.run(["split", Tool.speech, "--out-dir", folder.path("out")] + options)
    }
    try #require(try run("--max-segment-s", "0.6").status == 0)
    let before = try SplitOutput(folder.path("out")).files
    #expect(before.count > 15)
    // Names that are a piece's, and not listed; and listed ones that are none of this recording.
    var hostile = try String(contentsOfFile: folder.path("out/\(name).segments.jsonl"), encoding: .utf8)
    var kept: [String: [UInt8]] = [:]
    func keep(_ path: String) throws { kept[try folder.write(path, Array(path.utf8))] = Array(path.utf8) }
    try keep("out/\(name).0777.wav")
    let listed = [
      "../outside.0001.wav", "../\(name).0001.wav", folder.path("absolute.wav"), "\(name).01.wav", "\(name).00001.wav",
      "\(name).0000.wav", "\(name).0009.txt", "\(name).0009.wav.bak", "other.wav.0001.wav", "./\(name).0009.flac",
      "sub/../\(name).0001.aiff", "\(name).+001.wav", "\(name).0x01.wav", "",
    ]
    for file in listed {
      if !file.isEmpty { try keep(file.hasPrefix("/") ? "absolute.wav" : "out/" + file) }
      hostile += #"{"file":"\#(file)"}"# + "\n"
    }
    hostile += "{\"file\":17}\n{\"file\":\"\(name).0002.flac\"}\nnonsense\n{\"file\":\"\(name).0003.wav\\u0000x\"}\n"
    // A piece in another container, or beyond what was listed, is this recording's, too.
    _ = try folder.write("out/\(name).0002.flac", [1])
    try hostile.write(toFile: folder.path("out/\(name).segments.jsonl"), atomically: true, encoding: .utf8)

    let outcome = try run("--skip-existing")
    #expect(outcome.status == 0)
    #expect(
      outcome.errorLines.first
        == "utter: warning: \(Tool.speech): done anew: the manifest is damaged: line \(before.count - 1) is no piece")
    for (path, bytes) in kept { #expect(try Data(contentsOf: URL(filePath: path)) == Data(bytes), "\(path)") }
    let after = try SplitOutput(folder.path("out")).files
    let own = after.keys.filter { !kept.keys.contains(folder.path("out/" + $0)) && !$0.contains("/") }
    #expect(
      own.sorted()
        == (["manifest.jsonl", "\(name).0001.aiff", "\(name).0009.flac", "\(name).segments.jsonl"]
        + (1...4).map { "\(name).000\($0).wav" }).sorted())
  }

  @Test func aManifestThatListsOthersIsNotTrusted() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out")
    try #require(try Tool.run("split", Tool.speech, "--out-dir", out).status == 0)
    let before = try SplitOutput(out).files
    let path = folder.path("out/speech.wav.segments.jsonl")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for other in ["../x.wav", "/etc/passwd", "speech.wav.0001.wav/../speech.wav.0002.wav", "manifest.jsonl"] {
      try text.replacingOccurrences(of: "speech.wav.0002.wav", with: other)
        .write(toFile: path, atomically: true, encoding: .utf8)
      let outcome = try Tool.run("split", Tool.speech, "--out-dir", out, "--skip-existing")
      #expect(outcome.status == 0)
      #expect(outcome.errors.contains("done anew: the manifest lists \(other), which is no piece of this recording\n"))
      #expect(try SplitOutput(out).files == before)
    }
    // What is no file is not waited for.
    try FileManager.default.removeItem(atPath: path)
    try #require(mkfifo(path, 0o600) == 0)
    let piped = try Tool.run("split", Tool.speech, "--out-dir", out, "--skip-existing")
    #expect(piped.status == 0)
    #expect(piped.errors.contains("done anew: the manifest cannot be read\n"))
    #expect(try SplitOutput(out).files == before)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let blocked = try Tool.run("split", Tool.speech, "--out-dir", out)
    #expect(blocked.status == 1)
    #expect(blocked.errorLines.count == 2)
  }

  @Test func aFailureLeavesNothing() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("cut.wav", Array(try Data(contentsOf: URL(filePath: Tool.speech)).dropLast(100_000)))
    let truncated = try Tool.run("split", folder.path("cut.wav"), "--out-dir", folder.path("o/p"), "--strict")
    #expect(truncated.status == 1)
    #expect(truncated.errorLines.count == 2)
    #expect(try folder.contents == ["cut.wav"])
    let tolerated = try Tool.run("split", folder.path("cut.wav"), "--out-dir", folder.path("o"))
    #expect(tolerated.status == 0)
    #expect(tolerated.errors.contains("utter: warning: "))
    // A recording that cannot be read leaves what an earlier run made of it.
    let before = try SplitOutput(folder.path("o")).files
    #expect(before.count > 3)
    _ = try folder.write("cut.wav", Array("no recording".utf8))
    #expect(try Tool.run("split", folder.path("cut.wav"), "--out-dir", folder.path("o")).status == 1)
    #expect(try SplitOutput(folder.path("o")).files == before)
    let other = try folder.write("other.wav", [1])
    #expect(try Tool.run("split", folder.path("cut.wav"), other, "--out-dir", folder.path("o")).status == 1)
    #expect(try SplitOutput(folder.path("o")).files == before)
    #expect(try Tool.run("split", folder.path("cut.wav"), other, "--out-dir", folder.path("p")).status == 1)
    #expect(try folder.contents == ["cut.wav", "o", "other.wav"])
  }

  @Test func whatCannotBeWrittenIsSaid() throws {
    let folder = try TemporaryFolder()
    // Stands in for a full disk: no file may have more than 64 KiB.
    let outcome = try Tool.shell(
      "trap '' XFSZ; ulimit -f 64; \"$UTTER\" split '\(Tool.speech)' --out-dir '\(folder.path("out"))'")
    #expect(outcome.status == 1)
    #expect(outcome.errorLines.count == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("File too large"))
    #expect(try folder.contents.isEmpty)
    _ = try folder.write("file", [1])
    let blocked = try Tool.run("split", Tool.speech, "--out-dir", folder.path("file"))
    #expect(blocked.status == 1 && blocked.errorLines.count == 2)
    #expect(try folder.contents == ["file"])
  }

  @Test func inputsAreNeverWrittenTo() throws {
    let folder = try TemporaryFolder()
    let bytes = Array(try Data(contentsOf: URL(filePath: Tool.speech)))
    _ = try folder.write("d/speech.wav", bytes)
    _ = try folder.write("d/speech.wav.0002.wav", bytes)
    for arguments in [[folder.path("d")], [folder.path("d/speech.wav.0002.wav"), Tool.speech]] {
      let outcome = try Tool.run(["split"] + arguments + ["--out-dir", folder.path("d")])
      #expect(outcome.status == 64, "\(outcome.errors)")
      #expect(outcome.errors.contains("speech.wav.0002.wav is an input, and has the name of a piece of "))
    }
    let manifest = try folder.write("manifest.jsonl", bytes)
    #expect(try Tool.run("split", manifest, "--out-dir", folder.url.path).status == 64)
    // By a link.
    let target = try folder.write("input.wav", bytes)
    try FileManager.default.createDirectory(atPath: folder.path("l"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("l/input.wav.0001.wav"), withDestinationPath: target)
    let outcome = try Tool.run("split", target, "--out-dir", folder.path("l"))
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasSuffix("input.wav.0001.wav: is an input\n"))
    for name in ["d/speech.wav", "d/speech.wav.0002.wav", "manifest.jsonl", "input.wav"] {
      #expect(try Data(contentsOf: URL(filePath: folder.path(name))) == Data(bytes))
    }
    // Pieces beside recordings are no harm.
    try FileManager.default.removeItem(atPath: folder.path("d/speech.wav.0002.wav"))
    #expect(try Tool.run("split", folder.path("d"), "--out-dir", folder.path("d")).status == 0)
  }

  @Test func aFolderOfOneLetterIsOne() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.shell("cd '\(folder.url.path)' && \"$UTTER\" split '\(Tool.speech)' --out-dir d -q")
    #expect(outcome.status == 0)
    #expect(try folder.contents == ["d"])
  }

  @Test(
    "Pieces of another format are not what --skip-existing asks for",
    arguments: [
      ["--rate", "8000"], ["--encoding", "ulaw"], ["--container", "flac"],
    ])
  func otherFormat(options: [String]) throws {
    let folder = try TemporaryFolder()
    let split = ["split", Tool.speech, "--out-dir", folder.path("skipping"), "-q"]
    #expect(try Tool.run(split).status == 0)
    let outcome = try Tool.run(split + ["--skip-existing"] + options)
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("done anew"))
    let fresh = try Tool.run(["split", Tool.speech, "--out-dir", folder.path("fresh"), "-q"] + options)
    #expect(fresh.status == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("fresh")).sorted()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("skipping")).sorted() == names)
    for name in names {
      let paths = ["skipping", "fresh"].map { folder.path($0) + "/" + name }
      #expect(FileManager.default.contentsEqual(atPath: paths[0], andPath: paths[1]), "\(name)")
    }
  }
}
