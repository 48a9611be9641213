import AudioDSP
import AudioFiles
import Foundation
import Testing

/// `--clean`, in every command that has the option.
@Suite struct CleanTests {
  private static let stereo = Tool.audio("stereo-44k1.ogg")
  private static let noisy = Tool.audio("noisy-10dB-16k.wav")

  private static func samples(_ path: String) throws -> [Float] {
    var reader = try AudioFileReader(path: path)
    var samples: [Float] = []
    try reader.forEachBlock { block in for i in block.indices { samples.append(block[i]) } }
    return samples
  }

  /// What `convert` makes of a file, as floats.
  private static func converted(_ file: String, _ options: String...) throws -> (samples: [Float], errors: String) {
    let folder = try TemporaryFolder()
    let path = folder.path("out.wav")
    let outcome = try Tool.run(["convert", file, path, "--encoding", "float32"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return (try samples(path), outcome.errors)
  }

  private static func loudness(_ samples: [Float], _ rate: SampleRate = .hz24000) -> Double? {
    var meter = LoudnessMeter(rate, channelCount: 1)
    meter.process(samples.span)
    return meter.integrated
  }

  private static func truePeak(_ samples: [Float]) -> Double {
    var meter = TruePeakMeter()
    meter.process(samples.span)
    meter.finish()
    return 20 * log10(Double(meter.truePeak))
  }

  // MARK: Off

  @Test func offIsNoOption() throws {
    let folder = try TemporaryFolder()
    for options in [[], ["--dither", "--channel", "auto"]] {
      var outcomes: [[Data]] = []
      for (name, clean) in [("a", []), ("b", ["--clean", "off"])] {
        let pieces = folder.path("pieces")
        let chunks = try Tool.run(
          ["chunk", Self.stereo, "--vad", "turns", "--manifest", folder.path("kept.jsonl")] + options + clean)
        let convert = try Tool.run(["convert", Self.stereo, folder.path("\(name).flac")] + options + clean)
        let split = try Tool.run(["split", Self.stereo, "--out-dir", pieces] + options + clean)
        #expect(chunks.status == 0 && convert.status == 0 && split.status == 0)
        var files = [chunks.output, Data(chunks.errors.utf8), Data(convert.errors.utf8), Data(split.errors.utf8)]
        files.append(try Data(contentsOf: URL(filePath: folder.path("kept.jsonl"))))
        files.append(try Data(contentsOf: URL(filePath: folder.path("\(name).flac"))))
        let names = try FileManager.default.contentsOfDirectory(atPath: pieces).sorted()
        #expect(names.count >= 3)
        for piece in names { files.append(try Data(contentsOf: URL(filePath: pieces + "/" + piece))) }
        try FileManager.default.removeItem(atPath: pieces)
        outcomes.append(files)
      }
      #expect(outcomes[0] == outcomes[1])
    }
  }

  // MARK: The commands agree

  static let choices = [
    "light", "full", "dc", "high-pass=120", "hum=50", "declip", "denoise=12", "agc", "limit=-20", "loudness=-30",
    "full,declip,hum=60,agc=-26", "light,loudness=-16,limit=-3",
  ]

  @Test(arguments: choices)
  func chunksHoldWhatConvertWrites(choice: String) throws {
    let plain = try ChunkCommandTests.converted(Self.stereo, rate: 16_000, "--quiet")
    let converted = try ChunkCommandTests.converted(Self.stereo, rate: 16_000, "--quiet", "--clean", choice)
    // The same length, and something has changed: not by declip, where nothing is clipped, and what noise suppression
    // does is for others to test.
    #expect(converted.count == plain.count)
    #expect((converted == plain) == (choice == "declip") || choice.hasPrefix("denoise"))
    let chunks = try Tool.run("chunk", Self.stereo, "--dialect", "gemini", "--clean", choice, "--quiet")
    // Where a limiter takes much, the loudness is told.
    #expect(chunks.status == 0 && chunks.errors.isEmpty == !choice.contains("loudness=-16"))
    #expect(try ChunkCommandTests.audio(chunks.lines) == converted)
  }

  @Test func theOtherEngineIsCleanedToo() throws {
    let options = ["--clean", "full,loudness=-28", "--engine", "libsamplerate-fastest"]
    let folder = try TemporaryFolder()
    #expect(try Tool.run(["convert", Self.stereo, folder.path("a.raw")] + options).status == 0)
    let chunks = try Tool.run(["chunk", Self.stereo] + options)
    let bytes = try Data(contentsOf: URL(filePath: folder.path("a.raw")))
    #expect(try ChunkCommandTests.audio(chunks.lines) == bytes)
    #expect(bytes.count > 100_000)
  }

  @Test(arguments: ["full", "light,agc", "loudness=-30", "declip,limit=-6"])
  func turnsAreThoseOfTheUncleanedRecording(choice: String) throws {
    let folder = try TemporaryFolder()
    func segments(_ options: [String]) throws -> (kept: [Range<Int>], audio: Data, manifest: [String: Any]) {
      let path = folder.path("kept.jsonl")
      let outcome = try Tool.run(["chunk", Tool.speech, "--vad", "turns", "--manifest", path] + options)
      #expect(outcome.status == 0)
      let manifest = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any]
      let kept = try #require(manifest?["segments"] as? [[String: Any]]).map { segment -> Range<Int> in
        let sent = try #require(segment["sent"] as? [String: Any])
        return try #require(sent["start"] as? Int)..<#require(sent["end"] as? Int)
      }
      return (kept, try ChunkCommandTests.audio(outcome.lines), manifest ?? [:])
    }
    let plain = try segments([])
    let cleaned = try segments(["--clean", choice])
    #expect(plain.kept.count >= 2 && cleaned.kept == plain.kept)
    let whole = try ChunkCommandTests.converted(Tool.speech, rate: 24_000, "--clean", choice)
    let expected = cleaned.kept.reduce(into: Data()) { $0 += whole[($1.lowerBound * 2)..<($1.upperBound * 2)] }
    #expect(cleaned.audio == expected)
    #expect(plain.manifest["clean"] == nil)
    #expect((cleaned.manifest["clean"] as? String)?.isEmpty == false)
  }

  @Test(arguments: ["full,agc", "light,loudness=-20"])
  func piecesAreThePlacesOfTheCleanedWhole(choice: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Tool.run(
      "split", Tool.speech, "--out-dir", folder.path("pieces"), "--container", "raw", "--clean", choice)
    #expect(outcome.status == 0)
    #expect(outcome.errorLines.contains { $0.hasPrefix("  cleaned: dc, ") })
    let said = ["full,agc": "dc,denoise=20,agc=-23,limit=-1", "light,loudness=-20": "dc,high-pass=80,loudness=-20"]
    let whole = try ChunkCommandTests.converted(Tool.speech, rate: 24_000, "--clean", choice)
    let manifest = try String(contentsOfFile: folder.path("pieces/manifest.jsonl"), encoding: .utf8)
    var count = 0
    for line in manifest.split(separator: "\n") {
      let piece = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let (start, end) = (try #require(piece["start"] as? Int), try #require(piece["end"] as? Int))
      #expect(piece["clean"] as? String == said[choice])
      let file = try #require(piece["file"] as? String)
      #expect(try Data(contentsOf: URL(filePath: folder.path("pieces/\(file)"))) == whole[(2 * start)..<(2 * end)])
      count += 1
    }
    #expect(count >= 2)
  }

  @Test(arguments: ["full", "light,agc", "declip,denoise=6,limit"])
  func aPipeOfBareSamplesIsCleanedAsAFile(choice: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try Data(contentsOf: URL(filePath: Self.noisy)).dropFirst(44)
    let path = try folder.write("a.raw", Array(bytes))
    let options = "--raw s16le,16000 --clean \(choice) --quiet"
    let file = try Tool.shell("$UTTER chunk '\(path)' \(options)")
    // In odd pieces, as a microphone's program writes.
    let pipe = try Tool.shell("dd if='\(path)' bs=777 2>/dev/null | $UTTER chunk - \(options)")
    #expect(file.status == 0 && pipe.status == 0 && pipe.errors.isEmpty)
    #expect(pipe.output == file.output)
    let audio = try ChunkCommandTests.audio(file.lines)
    #expect(audio.count == (bytes.count / 2 * 3 + 1) / 2 * 2)
    #expect(try audio == ChunkCommandTests.converted(Self.noisy, rate: 24_000, "--clean", choice))
  }

  // MARK: What is said

  @Test func theSummarySaysWhatWasDone() throws {
    func line(_ choice: String, _ file: String = Self.noisy) throws -> String {
      let outcome = try Tool.run("convert", file, "-", "--clean", choice)
      #expect(outcome.status == 0 && outcome.errorLines.count == 2)
      let line = try #require(outcome.errorLines.first)
      #expect(line.hasPrefix("\(file): cleaned: "))
      return String(line.dropFirst("\(file): cleaned: ".count))
    }
    #expect(try line("light") == "dc, high-pass 80 Hz; no delay")
    #expect(try line("hum=60,high-pass=100.5") == "high-pass 100.5 Hz, hum 60 Hz; no delay")
    #expect(try line("declip") == "declip; delay 5.0 ms compensated")
    #expect(try line("agc").hasPrefix("agc -23 dBFS, limit -1 dBTP; delay 32."))
    #expect(try line("limit=-2,denoise=12,full").hasPrefix("dc, denoise (12 dB), limit -2 dBTP; delay "))
    #expect(try line("full").hasPrefix("dc, denoise (20 dB), limit -1 dBTP; delay "))
    // As the library has it: 24 kHz is written, and 16 kHz was read.
    let cleaner = Cleaner(.hz24000, configuration: .full).latencyInSamples
    let delay = String(format: "%.1f", 1_000 * Double((cleaner * 2 + 2) / 3) / 16_000)
    #expect(try line("full").hasSuffix("; delay \(delay) ms compensated"))
    #expect(try line("loudness=-30").contains("loudness -30 LUFS (gain "))
    #expect(try Tool.run("convert", Self.noisy, "-", "--clean", "full", "--quiet").errors.isEmpty)
    let chunk = try Tool.run("chunk", Self.noisy, "--clean", "full")
    #expect(
      chunk.errorLines.dropFirst().first?.hasPrefix("  cleaned: dc, denoise (20 dB), limit -1 dBTP; delay ") == true)
  }

  @Test(arguments: [
    ("", "Missing value"), ("dc,,hum=50", "'' is none of"),
    ("fulll", "'fulll' is none of off, light, full, dc, high-pass, hum,"), ("full,", "is none of"),
    ("Full", "is none of"), ("full,light", "'full' and 'light' exclude each other"),
    ("full,full", "exclude each other"), ("off,dc", "'off' and 'dc' exclude each other"),
    ("agc,off", "'off' and 'agc' exclude each other"), ("dc,dc", "'dc' is there twice"),
    ("hum=50,hum=60", "'hum' is there twice"), ("agc=-20,loudness=-16", "'agc' and 'loudness' exclude each other"),
    ("full=3", "takes no value"), ("off=", "takes no value"), ("dc=3", "'dc' takes no value"),
    ("declip=1", "takes no value"), ("hum", "hum=50 or hum=60"), ("hum=55", "hum=50 or hum=60"),
    ("hum=", "hum=50 or hum=60"), ("high-pass=", "no number of Hz"), ("high-pass=x", "is no number: x (Hz"),
    ("high-pass=9", "outside of 10 to 500 Hz"), ("high-pass=501", "outside of 10 to 500 Hz"),
    ("denoise=0", "outside of 1 to 40 dB"), ("denoise=nan", "is no number: nan (dB"),
    ("denoise=0x10", "is no number: 0x10"),
    ("denoise=41", "outside of 1 to 40 dB"), ("agc=-9", "outside of -50 to -10 dBFS"),
    ("loudness=1", "outside of -60 to 0 LUFS"), ("limit=0.1", "outside of -40 to 0 dBTP"),
    ("limit=--1", "is no number: --1"), ("limit=-1dB", "is no number: -1dB (dBTP without the unit: limit=-1)"),
    ("full, ", "'' is none of"), ("full,agc=-51", "outside of -50 to -10 dBFS"),
  ])
  func whatCannotBeMeantIsMisuse(choice: String, message: String) throws {
    for command in [
      ["chunk", Self.noisy], ["convert", Self.noisy, "-"], ["split", Self.noisy, "--out-dir", "/nowhere/x"],
    ] {
      let outcome = try Tool.run(command + ["--clean=\(choice)"])
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      #expect(outcome.errorLines.first?.contains(message) == true, "\(outcome.errors)")
      #expect(outcome.errorLines.first?.hasPrefix("Error: ") == true)
    }
  }

  @Test func spacesBehindCommasAreNoMatter() throws {
    let spaced = try Tool.run("convert", Self.noisy, "-", "--clean", "full,  hum=50, limit=-3")
    #expect(spaced.status == 0)
    #expect(spaced.output == (try Tool.run("convert", Self.noisy, "-", "--clean", "limit=-3,full,hum=50").output))
  }

  @Test func twoChoicesAreMisuse() throws {
    let outcome = try Tool.run("convert", Self.noisy, "-", "--clean", "full", "--clean", "agc")
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("Error: --clean is there twice; parts go together with commas between\n"))
  }

  @Test func helpTeachesIt() throws {
    for command in ["chunk", "convert", "split"] {
      let text = try Tool.run(command, "--help").text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      // In the order in which they work.
      var rest = text[...]
      for part in [
        "--clean <what>", "light:", "full:", "declip:", "dc:", "high-pass=HZ:", "10 to 500 Hz", "hum=50", "1.5 s",
        "denoise=DB:", "1 to 40 dB", "agc=DBFS:", "-50 to -10 dBFS", "30 dB up or down", "loudness=LUFS:",
        "-60 to 0 LUFS", "limit=DBTP:", "-40 to 0 dBTP", "at 24 kHz",
      ] {
        let place = rest.range(of: part)
        #expect(place != nil, "\(command): \(part)")
        if let place { rest = rest[place.upperBound...] }
      }
    }
    // And nowhere else.
    for command in ["vad", "check", "unchunk", "budget"] {
      #expect(!(try Tool.run(command, "--help").text.contains("--clean <what>")))
      #expect(try Tool.run(command, Self.noisy, "--clean", "full").status == 64)
    }
    #expect(try Tool.run("check", "--help").text.contains("--clean dc"))
  }

  // MARK: Full scale

  @Test func whatIsCutOffIsTold() throws {
    let folder = try TemporaryFolder()
    // Not resampled. What is within half a step of full scale counts as that.
    let values: [Float] = [0, 1, -1, 1.000_01, 1.000_02, -1.000_02, 3, -70, 0.5]
    let bytes = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
    let path = try folder.write("over.raw", bytes)
    for encoding in ["pcm16", "pcm24", "ulaw", "alaw", "float32"] {
      let outcome = try Tool.run("convert", path, "-", "--raw", "f32le,24000", "--encoding", encoding, "--quiet")
      let line =
        "utter: warning: \(path): 4 samples are beyond full scale and were cut off; --clean limit keeps them\n"
      #expect(outcome.status == 0 && outcome.errors == (encoding == "float32" ? "" : line))
    }
    let loud = Tool.audio("float32-over-full-scale-16k.wav")
    let split = try Tool.run("split", loud, "--out-dir", folder.path("pieces"), "--quiet")
    #expect(split.errors.contains(" samples are beyond full scale and were cut off; --clean limit keeps them\n"))
    #expect(split.errorLines.filter { $0.contains("warning") }.count == 1)
    #expect(try Tool.run("convert", loud, "-", "--clean", "limit", "--quiet").errors.isEmpty)
    #expect(try Tool.run("convert", loud, "-", "--clean", "agc", "--quiet").errors.isEmpty)
  }

  // MARK: Loudness

  @Test(arguments: ["-23", "-30.5", "-38"])
  func loudnessIsReached(target: String) throws {
    for (file, cleaning) in [(Tool.speech, ""), (Self.noisy, "full,"), (Self.stereo, "light,")] {
      let (samples, errors) = try Self.converted(file, "--clean", "\(cleaning)loudness=\(target)")
      let loudness = try #require(Self.loudness(samples))
      if errors.contains("for peaks not") {
        #expect(Self.truePeak(samples) <= -0.95 && loudness < Double(target)!)
      } else {
        // In less than 5 s, a block of 400 ms in the gate's bin counts for more than the meter's 0.01 LU.
        let tolerance = file == Tool.speech ? 0.1 : 0.15
        #expect(abs(loudness - Double(target)!) < tolerance, "\(file): \(loudness)")
      }
    }
    // There are some that reach it.
    let quiet = try Self.converted(Tool.audio("pcm24-extensible-24k.wav"), "--clean", "loudness=\(target)")
    #expect(!quiet.errors.contains("for peaks not") || target == "-23")
  }

  @Test func theGainIsWhatIsSaid() throws {
    let plain = try Self.converted(Tool.speech).samples
    let (samples, errors) = try Self.converted(Tool.speech, "--clean", "loudness=-30")
    let expected = -30 - (try #require(Self.loudness(plain)))
    #expect(errors.contains(String(format: "loudness -30 LUFS (gain %+.1f dB)", expected)))
    let gain = Float(pow(10, expected / 20))
    #expect(zip(plain, samples).allSatisfy { abs($0 * gain - $1) < 1e-4 })
  }

  @Test func peaksAllowNoMoreUnlessALimiterTakesThem() throws {
    let (lowered, told) = try Self.converted(Tool.speech, "--clean", "loudness=-10")
    #expect(told.contains("for peaks not -10"))
    #expect(abs(Self.truePeak(lowered) + 1) < 0.05)
    let (limited, said) = try Self.converted(Tool.speech, "--clean", "loudness=-10,limit=-1.5")
    #expect(said.contains(" LUFS (asked: -10; gain +") && said.contains("off peaks), limit -1.5 dBTP; delay "))
    #expect(Self.truePeak(limited) <= -1.5)
    #expect(try #require(Self.loudness(limited)) > (try #require(Self.loudness(lowered))) + 2)
  }

  /// The meter's gate of -70 LUFS, which leaves parts of a quiet recording out, is that of what is written.
  @Test(arguments: [Float(-10), -18, -26, -36, -46.9], ["-20", "-30"])
  func quietRecordingsReachItToo(decibels: Float, target: String) throws {
    let folder = try TemporaryFolder()
    let factor = pow(10, decibels / 20)
    let bytes = try CheckCommandTests.speech().flatMap { sample in
      let bits = (sample * factor).bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }
    let path = try folder.write("quiet.raw", bytes)
    let (samples, errors) = try Self.converted(path, "--raw", "f32le,48000", "--clean", "loudness=\(target),limit=0")
    #expect(errors.contains(" dB), limit 0 dBTP; ") && !errors.contains("warning"), "\(errors)")
    // In 11 s, blocks of 400 ms in the gate's bin count for more than the meter's 0.01 LU.
    #expect(abs(try #require(Self.loudness(samples)) - Double(target)!) <= 0.15)
  }

  /// The figure is that of the output, which a limiter makes softer.
  @Test func whatIsSaidIsWhatIsWritten() throws {
    let folder = try TemporaryFolder()
    let clean = ["--clean", "loudness=-10,limit"]
    let samples = try Self.converted(Tool.speech, clean[0], clean[1]).samples
    let reached = String(format: "%.1f", try #require(Self.loudness(samples)))
    #expect(try #require(Double(reached)) < -10.5)
    for command in [
      ["convert", Tool.speech, "-"], ["chunk", Tool.speech],
      ["split", Tool.speech, "--out-dir", folder.path("pieces")],
    ] {
      let outcome = try Tool.run(command + clean)
      #expect(outcome.status == 0)
      let warnings = outcome.errorLines.filter { $0.contains("warning") }
      #expect(
        warnings == [
          "utter: warning: \(Tool.speech): the loudness is \(reached) LUFS and not -10: the limiter takes the rest off peaks"
        ])
      #expect(outcome.errors.contains("loudness \(reached) LUFS (asked: -10; gain +"))
    }
    let lowered = try Tool.run("convert", Tool.speech, "-", "--clean", "loudness=-10")
    #expect(lowered.errors.contains(" LUFS and not -10: peaks allow no more gain, unless --clean limit takes them\n"))
    #expect(!(try Tool.run("convert", Tool.speech, "-", "--clean", "loudness=-30").errors.contains("warning")))
  }

  @Test func silenceHasNoLoudness() throws {
    let (samples, errors) = try Self.converted(Tool.audio("silence-48k.flac"), "--clean", "loudness=-16")
    #expect(errors.contains("loudness not to be measured (gain 0 dB)"))
    #expect(!samples.isEmpty && samples.allSatisfy { $0 == 0 })
  }

  @Test func aPipeCannotBeReadTwiceButAFileAsStandardInputCan() throws {
    for command in ["chunk -", "convert - -", "split - --out-dir /nowhere/x"] {
      let outcome = try Tool.shell("cat '\(Tool.speech)' | $UTTER \(command) --clean loudness=-20")
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      #expect(
        outcome.errors.hasPrefix("Error: --clean loudness reads a recording twice, and standard input is no file"))
    }
    let redirected = try Tool.run(
      ["convert", "-", "-", "--clean", "loudness=-30"], input: try Data(contentsOf: URL(filePath: Tool.speech)))
    #expect(redirected.status == 0)
    #expect(redirected.output == (try Tool.run("convert", Tool.speech, "-", "--clean", "loudness=-30").output))
  }

  @Test func anArchiveIsCleanedFileByFile() throws {
    let folder = try TemporaryFolder()
    let files = [Tool.speech, Self.noisy]
    let outcome = try Tool.run(["convert"] + files + [folder.path("out/"), "--clean", "full,loudness=-35"])
    #expect(outcome.status == 0)
    for file in files {
      #expect(
        outcome.errorLines.contains { $0.hasPrefix("\(file): cleaned: dc, denoise (20 dB), loudness -35 LUFS (gain ") })
      let name = URL(filePath: file).lastPathComponent
      let found = try Data(contentsOf: URL(filePath: folder.path("out/\(name).wav")))
      #expect(found == (try Tool.run("convert", file, "-", "--clean", "full,loudness=-35").output))
    }
    // Seconds of audio count once, however often they are read: 11.5 and those of the other.
    let seconds = 11.5 + Double(try Self.samples(Self.noisy).count) / 16_000
    #expect(outcome.errors.contains(String(format: "2 files, %.1f s of audio in ", seconds)))
  }
}
