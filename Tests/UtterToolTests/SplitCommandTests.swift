import AudioFiles
import AudioTestSupport
import Foundation
import Testing

/// What `split` wrote to a folder, read without its own code.
struct SplitOutput {
  static let keys = [
    "bytes", "container", "cut_after", "cut_before", "encoding", "end", "end_s", "file", "index", "recording",
    "sample_rate", "samples", "speech_end", "speech_end_s", "speech_start", "speech_start_s", "start", "start_s",
  ]

  struct Line {
    var fields: [String: Any]

    subscript(_ key: String) -> Int { fields[key] as? Int ?? -1 }
    var file: String { fields["file"] as? String ?? "" }
    var recording: String { fields["recording"] as? String ?? "" }
    var isCutBefore: Bool { fields["cut_before"] as? Bool ?? false }
    var isCutAfter: Bool { fields["cut_after"] as? Bool ?? false }
    var range: Range<Int> { self["start"]..<self["end"] }
    var speech: Range<Int>? { fields["speech_start"] is NSNull ? nil : self["speech_start"]..<self["speech_end"] }
    func seconds(_ key: String) -> Double { fields[key] as? Double ?? .nan }
  }

  let path: String

  init(_ path: String) { self.path = path }

  func lines(_ manifest: String = "manifest.jsonl") throws -> [Line] {
    let text = try String(contentsOfFile: path + "/" + manifest, encoding: .utf8)
    #expect(text.isEmpty || text.hasSuffix("\n"))
    return try text.split(separator: "\n").map { line in
      let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(fields.keys.sorted() == Self.keys)
      // In alphabetical order, too.
      let places = Self.keys.map { line.range(of: "\"\($0)\":")?.lowerBound }
      #expect(places.allSatisfy { $0 != nil })
      for (a, b) in zip(places, places.dropFirst()) { #expect(a! < b!) }
      return Line(fields: fields)
    }
  }

  /// Every file below the folder, with its content.
  var files: [String: Data] {
    get throws {
      var files: [String: Data] = [:]
      for name in (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? [] {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder), !isFolder.boolValue {
          files[name] = try Data(contentsOf: URL(filePath: path + "/" + name))
        }
      }
      return files
    }
  }

  /// The samples of a file, or the bytes of bare ones.
  static func samples(_ path: String) throws -> [UInt32] {
    if path.hasSuffix(".raw") { return try Data(contentsOf: URL(filePath: path)).map { UInt32($0) } }
    var samples: [UInt32] = []
    var reader = try AudioFileReader(path: path)
    try reader.forEachBlock { block in for i in block.indices { samples.append(block[i].bitPattern) } }
    return samples
  }

  /// Checks what is true of every output, against the file that `convert` made of the recording.
  ///
  /// - Returns: The pieces.
  @discardableResult
  func check(
    _ recording: String, name: String, against converted: String, sampleLimit: Int? = nil, byteLimit: Int? = nil,
    isWhole: Bool = false
  ) throws -> [Line] {
    let all = try Self.samples(converted)
    let lines = try lines(name + ".segments.jsonl")
    // Bare samples come as bytes.
    let size = lines.first.map { converted.hasSuffix(".raw") ? $0["bytes"] / $0["samples"] : 1 } ?? 1
    let total = all.count / size
    var end = 0
    for (i, line) in lines.enumerated() {
      let rate = Double(line["sample_rate"])
      #expect(line.recording == recording)
      #expect(line["index"] == i + 1)
      let container = line.fields["container"] as? String ?? ""
      #expect(line.file == "\(name).\(String(format: "%04d", i + 1)).\(container)")
      #expect(line["samples"] == line.range.count && !line.range.isEmpty)
      #expect(line.range.lowerBound >= end && line.range.upperBound <= total)
      #expect(abs(line.seconds("start_s") - Double(line["start"]) / rate) < 1e-9)
      #expect(abs(line.seconds("end_s") - Double(line["end"]) / rate) < 1e-9)
      if let speech = line.speech {
        #expect(speech.lowerBound >= line["start"] && speech.upperBound <= line["end"] && !speech.isEmpty)
        #expect(abs(line.seconds("speech_start_s") - Double(speech.lowerBound) / rate) < 1e-9)
        #expect(abs(line.seconds("speech_end_s") - Double(speech.upperBound) / rate) < 1e-9)
      } else {
        #expect(isWhole)
        #expect(["speech_end", "speech_start_s", "speech_end_s"].allSatisfy { line.fields[$0] is NSNull })
      }
      let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + line.file)
      #expect(attributes[.size] as? Int == line["bytes"])
      if let sampleLimit { #expect(line.range.count <= sampleLimit) }
      if let byteLimit { #expect(line["bytes"] <= byteLimit) }
      #expect(line.isCutBefore == (i > 0 && lines[i - 1].isCutAfter))
      if line.isCutBefore || isWhole { #expect(line.range.lowerBound == end) }
      let slice = all[line.range.lowerBound * size..<line.range.upperBound * size]
      #expect(try Self.samples(path + "/" + line.file).elementsEqual(slice), "\(line.file) is no slice")
      end = line.range.upperBound
    }
    #expect(lines.last?.isCutAfter != true)
    if isWhole { #expect(end == total) }
    return lines
  }
}

@Suite struct SplitCommandTests {
  private static let recordings = [
    "speech.wav", "mono-22k05.caf", "stereo-44k1.ogg", "telephone-mulaw-8k.wav", "two-callers-8k.flac",
    "level-steps-16k.flac", "surround-5.1-16k.wav", "pcm8-11k025.wav", "languages-16k.flac", "dc-offset-32k.flac",
  ]

  /// The names of the samples' formats, their bytes, and the containers that hold them.
  private static let formats: [(encoding: String, size: Int, containers: [String])] = [
    ("pcm16", 2, ["wav", "flac", "aiff", "au", "caf", "w64", "rf64", "raw"]), ("pcm24", 3, ["wav", "flac", "raw"]),
    ("float32", 4, ["wav", "caf", "raw"]), ("ulaw", 1, ["wav", "au", "raw"]), ("alaw", 1, ["aiff", "raw"]),
  ]

  @Test(arguments: 0..<16)
  func piecesAreSlicesOfWhatConvertWritesAndKeepTheLimits(run: Int) throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let name = Self.recordings.randomElement(using: &generator)!
    let rate = [4_000, 8_000, 11_025, 16_000, 24_000, 44_100, 48_000].randomElement(using: &generator)!
    let format = Self.formats.randomElement(using: &generator)!
    let container = format.containers.randomElement(using: &generator)!
    var conversion = ["--rate", "\(rate)", "--encoding", format.encoding, "--container", container]
    if format.encoding != "pcm24", format.encoding != "float32", Bool.random(using: &generator) {
      conversion.append("--dither")
    }
    conversion += [
      [], ["--quality", "sharp"], ["--quality", "fast", "--phase", "minimum"], ["--engine", "libsamplerate-fastest"],
      ["--channel", "0"],
    ].randomElement(using: &generator)!

    var options: [String] = []
    let isWhole = Int.random(in: 0..<3, using: &generator) == 0
    var prefix = 300
    if isWhole {
      options.append("--whole")
    } else if Bool.random(using: &generator) {
      prefix = .random(in: 0...800, using: &generator)
      options += ["--prefix-ms", "\(prefix)", "--suffix-ms", "\(Int.random(in: 0...1_200, using: &generator))"]
    }
    if Bool.random(using: &generator) { options += ["--detector", "energy"] }
    if Bool.random(using: &generator) {
      options += ["--hangover-ms", "\([0, 50, 200, 1_000].randomElement(using: &generator)!)"]
    }
    if Bool.random(using: &generator) { options += ["--min-speech-ms", "0"] }
    let least = isWhole ? 0.1 : max(0.1, 2 * Double(prefix) / 1_000)
    var (sampleLimit, byteLimit): (Int?, Int?)
    if Int.random(in: 0..<3, using: &generator) > 0 {
      let seconds = (Double.random(in: least...least + 2, using: &generator) * 1_000).rounded(.up) / 1_000
      options += ["--max-segment-s", "\(seconds)"]
      sampleLimit = Int(seconds * Double(rate) + 1e-6)
    }
    if Int.random(in: 0..<3, using: &generator) > 0 {
      // With room for any header.
      let bytes =
        Int(Double.random(in: least...least + 2, using: &generator) * Double(rate * format.size) * 1.05) + 2_000
      options += ["--max-bytes", "\(bytes)"]
      byteLimit = bytes
    }
    print(name, conversion, options)

    let folder = try TemporaryFolder()
    let converted = folder.path("all.\(container)")
    try #require(try Tool.run(["convert", Tool.audio(name), converted] + conversion).status == 0)
    let outcome = try Tool.run(
      ["split", Tool.audio(name), "--out-dir", folder.path("out")] + conversion + options)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    let output = SplitOutput(folder.path("out"))
    let lines = try output.check(
      Tool.audio(name), name: name, against: converted, sampleLimit: sampleLimit, byteLimit: byteLimit,
      isWhole: isWhole)
    let files = try output.files
    #expect(files["manifest.jsonl"] == files["\(name).segments.jsonl"])
    #expect(files.count == lines.count + 2)
    if sampleLimit == nil, byteLimit == nil {
      #expect(lines.allSatisfy { !$0.isCutAfter })
      if isWhole { #expect(lines.count == 1) }
    }
  }

  @Test(arguments: ["speech.wav", "clean-mono-16k.wav", "two-callers-8k.flac", "languages-16k.flac", "mono-44k1.aiff"])
  func everyLabelledSegmentIsInAPiece(name: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("split", Tool.audio(name), "--out-dir", folder.path("out"))
    #expect(outcome.status == 0)
    let lines = try SplitOutput(folder.path("out")).lines()
    let labels = try VADCommandTests.labels(name)
    #expect(!labels.isEmpty)
    for label in labels {
      let isKept = lines.contains {
        $0.seconds("start_s") <= label.lowerBound && label.upperBound <= $0.seconds("end_s")
      }
      #expect(isKept, "\(label) is in no piece")
    }
    // And what is speech is labelled.
    for line in lines {
      #expect(
        labels.contains {
          line.seconds("speech_start_s") < $0.upperBound && $0.lowerBound < line.seconds("speech_end_s")
        })
    }
  }

  @Test func paddingGoesToTheMiddleOfAPauseAtMost() throws {
    func pieces(_ options: String...) throws -> [SplitOutput.Line] {
      let folder = try TemporaryFolder()
      let outcome = try Tool.run(["split", Tool.speech, "--out-dir", folder.path("out")] + options)
      #expect(outcome.status == 0)
      return try SplitOutput(folder.path("out")).lines()
    }
    for (prefix, suffix) in [(300, 200), (0, 0), (1_000, 30), (10_000, 10_000), (40, 700)] {
      let lines = try pieces("--prefix-ms", "\(prefix)", "--suffix-ms", "\(suffix)")
      #expect(lines.count == 4)
      for (i, line) in lines.enumerated() {
        let speech = try #require(line.speech)
        let before = i == 0 ? 0 : try #require(lines[i - 1].speech).upperBound
        let after = i == lines.count - 1 ? nil : try #require(lines[i + 1].speech).lowerBound
        let earliest = i == 0 ? 0 : before + (speech.lowerBound - before) / 2
        let latest = after.map { speech.upperBound + ($0 - speech.upperBound) / 2 } ?? 276_000
        #expect(line["start"] == max(earliest, speech.lowerBound - 24 * prefix))
        #expect(line["end"] == min(latest, speech.upperBound + 24 * suffix))
      }
    }
  }

  @Test(arguments: ["speech.wav", "languages-16k.flac"])
  func piecesHoldTheSpeechThatVADFinds(name: String) throws {
    let folder = try TemporaryFolder()
    try #require(try Tool.run("split", Tool.audio(name), "--out-dir", folder.path("out")).status == 0)
    let lines = try SplitOutput(folder.path("out")).lines()
    func found(hangover: String) throws -> [[Double]] {
      try Tool.run("vad", Tool.audio(name), "--hangover-ms", hangover, "--format", "csv").lines.dropFirst()
        .map { $0.split(separator: ",").prefix(2).compactMap { Double($0) } }
    }
    #expect(
      lines.map { [$0.seconds("speech_start_s"), $0.seconds("speech_end_s")] } == (try found(hangover: "500")))
    // The default is a turn's hangover, where that makes a difference.
    if name == "languages-16k.flac" { #expect(try found(hangover: "200").count > lines.count) }
  }

  @Test func cutsAreAtTheQuietestFrameOfTheSecondHalf() throws {
    let folder = try TemporaryFolder()
    let name = "languages-16k.flac"
    try #require(
      try Tool.run("vad", Tool.audio(name), "--features", folder.path("features.csv"), "--hangover-ms", "500").status
        == 0)
    let energies = try String(contentsOfFile: folder.path("features.csv"), encoding: .utf8).split(separator: "\n")
      .dropFirst().map { Double($0.split(separator: ",")[1])! }
    var count = 0
    for limit in [1.0, 1.7, 2.5] {
      let out = folder.path("out-\(limit)")
      #expect(
        try Tool.run("split", Tool.audio(name), "--out-dir", out, "--max-segment-s", "\(limit)").status == 0)
      let cut = try SplitOutput(out).lines().filter(\.isCutAfter)
      count += cut.count
      for line in cut {
        // 240 samples a frame; features have two decimals.
        let most = line["start"] + Int(limit * 24_000)
        let half = Double(line["start"]) + limit * 12_000
        let candidates = energies.indices.filter { Double($0 * 240) > half && $0 * 240 <= most }
        let least = try #require(candidates.map { energies[$0] }.min())
        #expect(line["end"].isMultiple(of: 240))
        #expect(candidates.contains(line["end"] / 240))
        #expect(energies[line["end"] / 240] == least)
      }
    }
    #expect(count > 10)
  }

  @Test func aWholeRecordingIsCutInItsPauses() throws {
    let folder = try TemporaryFolder()
    #expect(
      try Tool.run("split", Tool.speech, "--out-dir", folder.path("out"), "--whole", "--max-segment-s", "5").status == 0
    )
    let lines = try SplitOutput(folder.path("out")).lines()
    #expect(lines.count > 2)
    let labels = try VADCommandTests.labels("speech.wav")
    for line in lines.dropLast() {
      #expect(!labels.contains { $0.contains(line.seconds("end_s")) }, "cut in speech at \(line.seconds("end_s"))")
    }
  }

  @Test func aRecordingWithoutSpeechHasAnEmptyManifest() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("split", Tool.audio("silence-48k.flac"), "--out-dir", folder.path("out"))
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.contains("3.000 s -> 0 pieces (wav, pcm16, 24000 Hz), kept 0.000 s, dropped 3.000 s (100 %)\n"))
    let files = try SplitOutput(folder.path("out")).files
    #expect(files == ["manifest.jsonl": Data(), "silence-48k.flac.segments.jsonl": Data()])
    #expect(
      try Tool.run("split", Tool.audio("silence-48k.flac"), "--out-dir", folder.path("w"), "--whole", "-q").errors
        .isEmpty)
    let lines = try SplitOutput(folder.path("w")).lines()
    #expect(lines.count == 1 && lines[0].speech == nil && lines[0].range == 0..<72_000)
  }

  @Test func theSummaryAccountsForEverything() throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run("split", Tool.speech, "--out-dir", folder.path("out"), "--max-segment-s", "2")
    let lines = try SplitOutput(folder.path("out")).lines()
    let kept = Double(lines.reduce(0) { $0 + $1["samples"] }) / 24_000
    let cuts = lines.count(where: \.isCutAfter)
    #expect(cuts > 1)
    let text = String(
      format: ": 11.500 s -> %d pieces (wav, pcm16, 24000 Hz), %d cuts, kept %.3f s, dropped %.3f s (%.0f %%)\n",
      lines.count, cuts, kept, 11.5 - kept, 100 * (11.5 - kept) / 11.5)
    #expect(outcome.errors == Tool.speech + text)
    #expect(outcome.output.isEmpty)
  }

  @Test func standardInputIsARecordingToo() throws {
    let folder = try TemporaryFolder()
    let file = Tool.audio("clean-mono-16k.wav")
    try #require(try Tool.run("split", file, "--out-dir", folder.path("a")).status == 0)
    let outcome = try Tool.shell("cat '\(file)' | \"$UTTER\" split - --out-dir '\(folder.path("b"))' -q")
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.isEmpty)
    let (named, piped) = try (SplitOutput(folder.path("a")).files, SplitOutput(folder.path("b")).files)
    #expect(piped["standard-input.0001.wav"] != nil)
    #expect(
      named.filter { $0.key.hasSuffix(".wav") }
        == Dictionary(
          uniqueKeysWithValues: piped.filter { $0.key.hasSuffix(".wav") }.map {
            ($0.key.replacingOccurrences(of: "standard-input", with: "clean-mono-16k.wav"), $0.value)
          }))
    #expect(try SplitOutput(folder.path("b")).lines().allSatisfy { $0.recording == "-" })
  }

  @Test(arguments: [
    ["--max-segment-s", "0.59"], ["--max-segment-s", "0.09", "--whole"], ["--max-segment-s", "nan"],
    ["--max-segment-s", "1e9"], ["--max-segment-s=-1"], ["--max-segment-s", "1.5", "--prefix-ms", "751"],
    ["--max-bytes", "28843"], ["--max-bytes", "1", "--whole"], ["--whole", "--prefix-ms", "1"],
    ["--whole", "--suffix-ms", "1"], ["--prefix-ms", "10001"], ["--suffix-ms=-1"],
    ["--encoding", "float32", "--dither"],
    ["--container", "flac", "--encoding", "ulaw"], ["--rate", "3999"], ["--container", "mp3"], ["--out-dir="],
    ["--out-dir", "-"], ["--engine", "libsamplerate-best", "--quality", "fast"],
  ])
  func misuse(options: [String]) throws {
    let folder = try TemporaryFolder()
    let arguments = ["split", Tool.speech, "--out-dir", folder.path("out")] + options
    let outcome = try Tool.run(arguments)
    #expect(outcome.status == 64)
    #expect(outcome.errors.hasPrefix("Error: ") && outcome.output.isEmpty)
    #expect(try folder.contents.isEmpty)
    #expect(try Tool.run("split", Tool.speech).status == 64)
  }

  @Test(arguments: [["--max-segment-s", "0.6"], ["--max-bytes", "28844"], ["--whole", "--max-segment-s", "0.1"]])
  func theLeastLimits(options: [String]) throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(["split", Tool.speech, "--out-dir", folder.path("out")] + options)
    #expect(outcome.status == 0)
    try #require(try Tool.run("convert", Tool.speech, folder.path("all.wav")).status == 0)
    let isWhole = options.contains("--whole")
    try SplitOutput(folder.path("out")).check(
      Tool.speech, name: "speech.wav", against: folder.path("all.wav"), sampleLimit: isWhole ? 2_400 : 14_400,
      isWhole: isWhole)
  }
}
